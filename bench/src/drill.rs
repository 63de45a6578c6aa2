//! The drill of the outage, again and again: `lamp demo` on WordPress and on the fixture, with seeds and without.
//!
//! What is right is known beforehand ([`Broken`], read off the breakage itself) or told by the visitors' side and the
//! pager's receiver; [`claims`] holds the product's word against it and says of each line whether it holds.

mod claims;
mod demo;
mod expected;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use serde::Serialize;
use serde_json::Value;

use crate::figures::Spread;
use crate::given::Given;
use crate::publish::{Machine, publish};
use claims::{Claim, claims};
use demo::{Demo, Ran};

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    given: Given,
    /// Where each run's object and report are kept
    #[arg(long, default_value = "target/bench-drill")]
    keep: PathBuf,
    /// Runs without a seed, and runs with one, in each setting
    #[arg(long, default_value_t = 5)]
    runs: u64,
    /// Requests a second
    #[arg(long, default_value_t = 200)]
    rate: u16,
}

/// What the site runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Setting {
    /// WordPress: 6 of 100 requests are pages of its own, the rest small pages and static files.
    WordPress,
    /// The fixture: every PHP request includes the broken file.
    Fixture,
}

impl Setting {
    const ALL: [Self; 2] = [Self::WordPress, Self::Fixture];

    const fn words(self) -> &'static str {
        match self {
            Self::WordPress => "WordPress",
            Self::Fixture => "fixture",
        }
    }
}

/// One run, as far as it counts.
#[derive(Debug, Serialize)]
struct Run {
    setting: Setting,
    /// `None`: the breakage of the outage itself.
    seed: Option<u64>,
    /// Whether the load was sent in time.
    valid: bool,
    exit: Option<i32>,
    /// Where the mistake is, and the right name; the truth that the rest is held against.
    expected: expected::Expected,
    /// What the demo printed.
    demo: Value,
    #[serde(skip)]
    read: Demo,
}

impl Run {
    fn name(&self) -> String {
        name(self.setting, self.seed, self.read.number)
    }
}

fn name(setting: Setting, seed: Option<u64>, number: u64) -> String {
    match seed {
        Some(seed) => format!("{}, seed {seed}", setting.words()),
        None => format!("{}, run {number}", setting.words()),
    }
}

#[derive(Serialize)]
struct Raw {
    machine: Machine,
    command: &'static str,
    claims: Vec<Claim>,
    runs: Vec<Run>,
}

const COMMAND: &str = "make bench-drill";
/// A run whose load was late is repeated this often at most, and then said.
const REPEATS_MAX: u32 = 2;

/// Runs the drills, writes the figures, and fails if one line does not hold.
pub(crate) fn run(options: &Options) -> Result<()> {
    fs_err::create_dir_all(&options.keep)?;
    let options = &Options {
        given: options.given.canonical()?,
        keep: options.keep.clone(),
        ..*options
    };
    let mut runs = Vec::new();
    for setting in Setting::ALL {
        let seeds = (0..options.runs)
            .map(|_| None)
            .chain((1..=options.runs).map(Some));
        for (number, seed) in (1..).zip(seeds) {
            let run = one(options, setting, seed, number)?;
            println!("{}", line(&run));
            runs.push(run);
        }
    }
    ensure!(!runs.is_empty(), "no run was asked for");
    let raw = Raw {
        machine: Machine::read()?,
        command: COMMAND,
        claims: claims(&runs),
        runs,
    };
    publish("drill", &raw, &table(&raw))?;
    let broken = raw.claims.iter().filter(|claim| !claim.holds()).count();
    ensure!(broken == 0, "{broken} lines do not hold");
    Ok(())
}

fn one(options: &Options, setting: Setting, seed: Option<u64>, number: u64) -> Result<Run> {
    let expected = expected::of(options, setting, seed)?;
    let mut ran = demo::run(options, setting, seed, number)?;
    for _ in 0..REPEATS_MAX {
        if ran.demo.is_valid() {
            break;
        }
        println!("{}: the load was late; once more", name(setting, seed, number));
        ran = demo::run(options, setting, seed, number)?;
    }
    let Ran { exit, printed, demo } = ran;
    Ok(Run {
        setting,
        seed,
        valid: demo.is_valid(),
        exit,
        expected,
        demo: printed,
        read: demo,
    })
}

/// One run in one line, while they run.
fn line(run: &Run) -> String {
    let forced = &run.read.forced;
    let ms = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.0} ms"));
    format!(
        "{} ({}): {} of {} failed within {}, page after {}",
        run.name(),
        run.expected.kind,
        forced.failed,
        forced.requests,
        ms(forced.first_failed_to_last_failed_ms),
        ms(forced.first_failed_to_page_accepted_ms),
    )
}

/// The runs that a median is made of: of one setting, with seeds or without.
fn groups(runs: &[Run]) -> Vec<(String, Vec<&Run>)> {
    let of = |setting: Setting, seeded: bool| {
        let title = match seeded {
            true => format!("{}, a seed each", setting.words()),
            false => format!("{}, the original mistake", setting.words()),
        };
        let its = runs
            .iter()
            .filter(|run| run.setting == setting && run.seed.is_some() == seeded);
        (title, its.collect::<Vec<_>>())
    };
    let all = Setting::ALL
        .into_iter()
        .flat_map(|setting| [false, true].map(|seeded| of(setting, seeded)));
    all.filter(|(_, its)| !its.is_empty()).collect()
}

fn table(raw: &Raw) -> String {
    let head = format!(
        "{}.\n\n\
         | site, mistake | runs | requests | to what failed, a second | failed | first to last failed ms | page accepted after ms | t0 beside the visitor's ms | refused by check, twin |\n\
         |---|---|---|---|---|---|---|---|---|\n",
        raw.machine,
    );
    let rows: String = groups(&raw.runs)
        .iter()
        .map(|(title, runs)| row(title, runs))
        .collect();
    let claims: String = raw.claims.iter().map(|claim| format!("- {claim}\n")).collect();
    format!("{head}{rows}\n{claims}")
}

fn row(title: &str, runs: &[&Run]) -> String {
    let spread = |figure: fn(&Demo) -> Option<f64>, digits: usize| {
        let spread = Spread::of(runs.iter().filter_map(|run| figure(&run.read)));
        spread.map_or_else(
            || "-".into(),
            |spread| spread.text(|value| format!("{value:.digits$}")),
        )
    };
    let requests: u64 = runs.iter().map(|run| run.read.forced.requests).sum();
    let by_check = runs.iter().filter(|run| run.read.refused.rule.is_some()).count();
    format!(
        "| {title} | {} | {requests} | {} | {} | {} | {} | {} | {by_check}, {} |\n",
        runs.len(),
        spread(|demo| Some(demo.forced.affected_rps), 0),
        spread(|demo| Some(demo.failed()), 0),
        spread(|demo| demo.forced.first_failed_to_last_failed_ms, 0),
        spread(|demo| demo.forced.first_failed_to_page_accepted_ms, 0),
        spread(Demo::t0_off_ms, 1),
        runs.len() - by_check,
    )
}
