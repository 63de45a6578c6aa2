//! `lamp check` beside what else looks at PHP without running it, on whole applications: wall time, memory, and which
//! of some wrong names it finds.
//!
//! The applications' files lie in the page cache before anything is measured, for everybody.

mod broken;
mod contender;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::deploy::contender::run_quietly;
use crate::figures::Spread;
use crate::publish::{Machine, publish};
use broken::{Broken, break_names};
use contender::{Contender, Ground, Ran, heard_of};

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
    /// How Phan is called, as in "php -d extension=ast.so /opt/phan/phan"; without it, Phan is left out
    #[arg(long, default_value = "")]
    phan: String,
    /// Runs of lamp
    #[arg(long, default_value_t = 9)]
    rounds: u32,
    /// Runs of each of the others, which take long
    #[arg(long, default_value_t = 2)]
    peer_rounds: u32,
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
            heaviest: Ground::heaviest(&lamp, tree)?,
            cache: place.path().join("cache"),
            lamp: lamp.clone(),
            mago: options.mago.clone(),
            phan: options.phan.split_whitespace().map(str::to_owned).collect(),
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

/// How long the copy is left alone first: what a check keeps of files, it trusts from three seconds after their last change
/// (`docs/adr/0013`), and people check what was not written just now.
const LEFT_ALONE: Duration = Duration::from_secs(4);

fn on_tree(options: &Options, tree: &Path, ground: &Ground) -> Result<Vec<Row>> {
    run_quietly(
        "cp",
        [
            "-a".into(),
            fs_err::canonicalize(tree)?.into(),
            ground.tree.clone().into(),
        ],
    )?;
    thread::sleep(LEFT_ALONE);
    let php_files = broken::php_files(&ground.tree)?;
    let contenders = Contender::all(ground);
    let mut rows = Vec::new();
    let mut before = Vec::new();
    for (contender, ran) in contenders.iter().zip(all_rounds(options, &contenders, ground)?) {
        let last = ran.last().context("no round")?;
        before.push(last.told.clone());
        rows.push(Row {
            tree: tree
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            php_files: php_files.len(),
            contender: contender.name(),
            wall_ms: ran.iter().map(|ran| ran.wall_ms).collect(),
            largest_process_kib: ran.iter().map(|ran| ran.largest_process_kib).max().unwrap_or(0),
            wrong_names: 0,
            found: 0,
        });
    }
    let broken = break_names(&ground.tree, &php_files, options.wrong_names)?;
    for ((row, before), contender) in rows.iter_mut().zip(&before).zip(&contenders) {
        let after = contender.run(ground)?.told;
        let is_found = |broken: &&Broken| heard_of(&after, broken) && !heard_of(before, broken);
        row.found = broken.iter().filter(is_found).count();
        row.wrong_names = broken.len();
        println!("{}", text(row));
    }
    Ok(rows)
}

/// What each contender's rounds came to: all have one, then all the next, so that a machine that is slower for a while is
/// so for everybody.
fn all_rounds(options: &Options, contenders: &[Contender], ground: &Ground) -> Result<Vec<Vec<Ran>>> {
    let is_lamp = |contender: &&Contender| {
        matches!(
            contender,
            Contender::LampCold
                | Contender::LampFirst
                | Contender::LampUnchanged
                | Contender::LampPageChanged
                | Contender::LampHeaviestChanged
        )
    };
    for contender in contenders.iter().filter(is_lamp) {
        // Not counted: it brings the program into memory, and what it keeps into its cache.
        contender.run(ground)?;
    }
    let mut ran: Vec<Vec<Ran>> = contenders.iter().map(|_| Vec::new()).collect();
    for round in 0..options.rounds.max(options.peer_rounds).max(1) {
        for (contender, ran) in contenders.iter().zip(&mut ran) {
            let rounds = match is_lamp(&contender) {
                true => options.rounds,
                false => options.peer_rounds,
            };
            if round < rounds.max(1) {
                contender.prepare(ground, round)?;
                ran.push(contender.run(ground)?);
            }
        }
    }
    Ok(ran)
}

/// What whole WordPress is to take, and whether it does.
fn targets(raw: &Raw) -> String {
    let row = |contender: Contender| {
        let of = |row: &&Row| row.tree == "wordpress" && row.contender == contender.name();
        raw.rows.iter().find(of)
    };
    let wall = |contender| Some(Spread::of(row(contender)?.wall_ms.iter().copied())?.median);
    let line = |words: &str, value: Option<f64>, holds: &dyn Fn(f64) -> bool| match value {
        Some(value) if holds(value) => format!("- holds: {words}: {value:.0}\n"),
        Some(value) => format!("- does not hold: {words}: {value:.0}\n"),
        None => String::new(),
    };
    let faster = wall(Contender::PhpLint).zip(wall(Contender::LampCold));
    let memory = row(Contender::LampCold).map(|row| row.largest_process_kib as f64 / 1024.0);
    [
        line("WordPress cold in 250 ms", wall(Contender::LampCold), &|ms| {
            ms <= 250.0
        }),
        line(
            "in 250 ms with its cache filled, too",
            wall(Contender::LampFirst),
            &|ms| ms <= 250.0,
        ),
        line(
            "in 50 ms with `index.php` changed",
            wall(Contender::LampPageChanged),
            &|ms| ms <= 50.0,
        ),
        line(
            "in 50 ms with the file changed that most hangs on",
            wall(Contender::LampHeaviestChanged),
            &|ms| ms <= 50.0,
        ),
        line("in 150 MiB", memory, &|mib| mib <= 150.0),
        line(
            "50 times faster than `php -l`",
            faster.map(|(lint, lamp)| lint / lamp),
            &|times| times >= 50.0,
        ),
    ]
    .concat()
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
    let rows = raw.rows.iter().map(line);
    rows.fold(head, |table, line| table + &line) + "\n" + &targets(raw)
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
