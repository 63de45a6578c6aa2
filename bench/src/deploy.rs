//! One changed file of WordPress, deployed by each contender in turn on one disk.
//!
//! Measured per deployment: wall time of the command; bytes that its whole process tree caused to be
//! written (`write_bytes` of `/proc/PID/io`; for lamp the agent's too); bytes that the disk lost.

pub(crate) mod contender;
mod source;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::figures::Spread;
use crate::publish::{Machine, publish};
use contender::{Contender, contenders};
use source::Source;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The lamp to measure
    #[arg(long, default_value = "target/release/lamp")]
    lamp: PathBuf,
    /// A WordPress tree, as its package unpacks it
    #[arg(long, default_value = ".packages/wordpress")]
    wordpress: PathBuf,
    /// Where to work; must be a disk, not a tmpfs
    #[arg(long, default_value = "/var/tmp")]
    dir: PathBuf,
    /// Deployments of each contender
    #[arg(long, default_value_t = 9)]
    rounds: u32,
}

/// One deployment.
#[derive(Debug, Clone, Serialize)]
struct Sample {
    contender: &'static str,
    round: u32,
    wall_ms: f64,
    written_kib: f64,
    disk_kib: f64,
}

#[derive(Serialize)]
struct Raw {
    machine: Machine,
    command: &'static str,
    wordpress_files: u64,
    wordpress_kib: f64,
    samples: Vec<Sample>,
}

/// Runs the bench and writes its figures.
pub(crate) fn run(options: &Options) -> Result<()> {
    let place = Place::create(&options.dir)?;
    let mut source = Source::copy(&options.wordpress, &place.path.join("source"))?;
    let lamp = fs_err::canonicalize(&options.lamp).context("build it first: cargo build --release")?;
    let mut contenders = contenders(&place.path, &source, &lamp)?;
    let mut samples = Vec::new();
    for round in 0..=options.rounds {
        source.change_one_file(round)?;
        for contender in &mut contenders {
            let sample = measure(contender.as_mut(), round)?;
            if round > 0 {
                samples.push(sample);
            }
        }
    }
    contenders
        .into_iter()
        .try_for_each(|contender| contender.stop())?;
    let (files, bytes) = source.size()?;
    let raw = Raw {
        machine: Machine::read()?,
        command: COMMAND,
        wordpress_files: files,
        wordpress_kib: kib(bytes),
        samples,
    };
    publish("deploy", &raw, &table(&raw)?)
}

const COMMAND: &str = "make bench-deploy";

/// A directory of this run's own, removed at its end.
struct Place {
    path: PathBuf,
}

impl Place {
    fn create(parent: &std::path::Path) -> Result<Self> {
        let path = parent.join(format!("lamp-bench-{}", std::process::id()));
        fs_err::create_dir(&path)?;
        Ok(Self { path })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = contender::run_quietly(
            "chattr",
            ["-R", "-f", "-i"]
                .map(Into::into)
                .into_iter()
                .chain([self.path.clone().into()]),
        );
        let _ = fs_err::remove_dir_all(&self.path);
    }
}

fn measure(contender: &mut dyn Contender, round: u32) -> Result<Sample> {
    contender.prepare(round)?;
    contender::run_quietly("sync", [])?;
    let (disk, written, start) = (
        contender.disk_bytes()?,
        contender.written_bytes()?,
        Instant::now(),
    );
    contender.deploy(round)?;
    let wall_ms = start.elapsed().as_secs_f64() * 1e3;
    let written_kib = kib(contender.written_bytes()?.saturating_sub(written));
    let disk_kib = kib(contender.disk_bytes()?.saturating_sub(disk));
    ensure!(
        contender.is_live(round)?,
        "{} did not bring round {round} live",
        contender.name()
    );
    Ok(Sample {
        contender: contender.name(),
        round,
        wall_ms,
        written_kib,
        disk_kib,
    })
}

#[expect(clippy::cast_precision_loss, reason = "figures for people, far below 2^52")]
fn kib(bytes: u64) -> f64 {
    bytes as f64 / 1024.0
}

fn table(raw: &Raw) -> Result<String> {
    let mut names: Vec<_> = raw.samples.iter().map(|sample| sample.contender).collect();
    names.sort_unstable();
    names.dedup();
    let mut out = format!(
        "{} rounds each, in turn; WordPress: {} files, {:.0} KiB; {}.\n\n\
         | contender | wall ms | written KiB | new on disk KiB | wall / lamp | written / lamp | disk / lamp |\n\
         |---|---|---|---|---|---|---|\n",
        raw.samples.iter().map(|sample| sample.round).max().unwrap_or(0),
        raw.wordpress_files,
        raw.wordpress_kib,
        raw.machine,
    );
    let lamp = Row::of(&raw.samples, "lamp").context("lamp has no sample")?;
    for name in names {
        let row = Row::of(&raw.samples, name).with_context(|| format!("{name} has no sample"))?;
        out += &row.text(name, &lamp);
    }
    Ok(out)
}

struct Row {
    wall: Spread,
    written: Spread,
    disk: Spread,
}

impl Row {
    fn of(samples: &[Sample], contender: &str) -> Option<Self> {
        let of = |figure: fn(&Sample) -> f64| {
            Spread::of(
                samples
                    .iter()
                    .filter(|sample| sample.contender == contender)
                    .map(figure),
            )
        };
        Some(Self {
            wall: of(|s| s.wall_ms)?,
            written: of(|s| s.written_kib)?,
            disk: of(|s| s.disk_kib)?,
        })
    }

    fn text(&self, name: &str, lamp: &Self) -> String {
        let show = |figure: f64| format!("{figure:.0}");
        let ratio = |a: &Spread, b: &Spread| format!("{:.1}", a.median / b.median);
        format!(
            "| {name} | {} | {} | {} | {} | {} | {} |\n",
            self.wall.text(show),
            self.written.text(show),
            self.disk.text(show),
            ratio(&self.wall, &lamp.wall),
            ratio(&self.written, &lamp.written),
            ratio(&self.disk, &lamp.disk),
        )
    }
}
