//! `lamp check` beside what else looks at PHP without running it, on whole applications: wall time, memory, and which
//! of some wrong names it finds.
//!
//! The applications' files lie in the page cache before anything is measured, for everybody.

mod broken;
mod contender;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::deploy::contender::run_quietly;
use crate::figures::Spread;
use crate::publish::{Machine, publish};
use broken::{Broken, break_names};
use contender::{Contender, Ground, heard_of};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The lamp to measure
    #[arg(long, default_value = "target/release/lamp")]
    lamp: PathBuf,
    /// Applications to look at, as their packages unpack them
    #[arg(long = "tree", default_values = [".packages/wordpress", ".packages/trees/mediawiki"])]
    trees: Vec<PathBuf>,
    /// A mago of the version that lamp's parser is of; without it, mago is left out
    #[arg(long)]
    mago: Option<PathBuf>,
    /// Runs of each contender but `php -l`
    #[arg(long, default_value_t = 9)]
    rounds: u32,
    /// Runs of `php -l`, which takes long
    #[arg(long, default_value_t = 2)]
    lint_rounds: u32,
    /// Wrong names in each application
    #[arg(long, default_value_t = 60)]
    wrong_names: usize,
}

const COMMAND: &str = "make bench-check";

#[derive(Serialize)]
struct Raw {
    machine: Machine,
    command: &'static str,
    rows: Vec<Row>,
}

/// One contender on one application.
#[derive(Serialize)]
struct Row {
    tree: String,
    php_files: usize,
    contender: &'static str,
    wall_ms: Vec<f64>,
    /// The peak of the largest process, as the kernel tells GNU time.
    largest_process_kib: u64,
    wrong_names: usize,
    found: usize,
}

/// Runs the bench and writes its figures.
pub(crate) fn run(options: &Options) -> Result<()> {
    let lamp = fs_err::canonicalize(&options.lamp).context("build it first: cargo build --release")?;
    let mut rows = Vec::new();
    for tree in options.trees.iter().filter(|tree| is_here(tree)) {
        let place = tempfile::Builder::new().prefix("lamp-bench-check-").tempdir()?;
        // The process that reads the tree has no rights.
        run_quietly("chmod", ["0755".into(), place.path().into()])?;
        let ground = Ground {
            tree: place.path().join("tree"),
            cache: place.path().join("cache"),
            lamp: lamp.clone(),
            mago: options.mago.clone(),
        };
        rows.extend(on_tree(options, tree, &ground)?);
    }
    ensure!(!rows.is_empty(), "there is no application to look at");
    let raw = Raw {
        machine: Machine::read()?,
        command: COMMAND,
        rows,
    };
    publish("check", &raw, &table(&raw))
}

/// One that is not here is left out, and said to be.
fn is_here(tree: &Path) -> bool {
    if !tree.is_dir() {
        println!(
            "left out: {} is not here; name others by --tree DIR",
            tree.display()
        );
    }
    tree.is_dir()
}

fn on_tree(options: &Options, tree: &Path, ground: &Ground) -> Result<Vec<Row>> {
    run_quietly(
        "cp",
        [
            "-a".into(),
            fs_err::canonicalize(tree)?.into(),
            ground.tree.clone().into(),
        ],
    )?;
    let php_files = broken::php_files(&ground.tree)?;
    let mut rows = Vec::new();
    for contender in Contender::all(ground) {
        let rounds = match contender {
            Contender::PhpLint => options.lint_rounds,
            Contender::LampCold | Contender::LampWarm | Contender::MagoLint | Contender::MagoAnalyze => {
                options.rounds
            }
        };
        rows.push(Row {
            tree: tree
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            php_files: php_files.len(),
            contender: contender.name(),
            wall_ms: times(contender, ground, rounds)?,
            largest_process_kib: contender.largest_process_kib(ground)?,
            wrong_names: 0,
            found: 0,
        });
    }
    let before: Vec<String> = told_by_all(ground)?;
    let broken = break_names(&ground.tree, &php_files, options.wrong_names)?;
    for ((row, before), after) in rows.iter_mut().zip(&before).zip(told_by_all(ground)?) {
        let is_found = |broken: &&Broken| heard_of(&after, broken) && !heard_of(before, broken);
        row.found = broken.iter().filter(is_found).count();
        row.wrong_names = broken.len();
        println!("{}", text(row));
    }
    Ok(rows)
}

fn told_by_all(ground: &Ground) -> Result<Vec<String>> {
    Contender::all(ground)
        .into_iter()
        .map(|contender| contender.told(ground))
        .collect()
}

fn times(contender: Contender, ground: &Ground, rounds: u32) -> Result<Vec<f64>> {
    // Not counted: it brings files and programs into memory.
    contender.run(ground)?;
    let time = |round| {
        contender.prepare(ground, round)?;
        let started = Instant::now();
        contender.run(ground)?;
        Ok(started.elapsed().as_secs_f64() * 1e3)
    };
    (0..rounds).map(time).collect()
}

fn table(raw: &Raw) -> String {
    let head = format!(
        "{}. Two threads or processes each.\n\n\
         | application | contender | wall ms | time / lamp, cold | largest process MiB | wrong names found |\n\
         |---|---|---|---|---|---|\n",
        raw.machine,
    );
    let cold = |tree: &str| {
        let of_tree = |row: &&Row| row.tree == tree && row.contender == Contender::LampCold.name();
        Spread::of(raw.rows.iter().find(of_tree)?.wall_ms.iter().copied())
    };
    let line = |row: &Row| {
        let wall = Spread::of(row.wall_ms.iter().copied());
        let ratio = wall
            .zip(cold(&row.tree))
            .map(|(wall, cold)| wall.median / cold.median);
        format!(
            "| {}, {} PHP files | {} | {} | {} | {} | {} of {} |\n",
            row.tree,
            row.php_files,
            row.contender,
            wall.map_or_else(|| "-".into(), |wall| wall.text(|ms| format!("{ms:.0}"))),
            ratio.map_or_else(|| "-".into(), |ratio| format!("{ratio:.1}")),
            row.largest_process_kib / 1024,
            row.found,
            row.wrong_names,
        )
    };
    raw.rows.iter().map(line).fold(head, |table, line| table + &line)
}

fn text(row: &Row) -> String {
    let wall = Spread::of(row.wall_ms.iter().copied());
    format!(
        "{}: {}: {} ms, {} KiB, {} of {} found",
        row.tree,
        row.contender,
        wall.map_or_else(|| "-".into(), |wall| wall.text(|ms| format!("{ms:.0}"))),
        row.largest_process_kib,
        row.found,
        row.wrong_names,
    )
}
