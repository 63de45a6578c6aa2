//! One outage, watched by each contender in turn: the same breakage, the same load, a lab of its own for every run.
//!
//! Lamplighter; a symlink switch watched by Debian's Prometheus and a human; the same watched by Debian's monit, which
//! switches back by itself; and the control, which nobody watches. What is told is the load generator's and the pager's
//! receiver's, on one clock. Peers get their best case wherever there is a choice; the README says which those are.

mod ground;
mod sample;
mod watcher;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lamp::drill::outage::{Outage, OutagePlan};
use lamp::drill::stage::Application;
use lamp_lab::Sapi;
use serde::Serialize;

use crate::figures::Spread;
use crate::given::Given;
use crate::publish::{Machine, publish};
use ground::Ground;
use sample::Sample;
use watcher::{Watcher, monit, prometheus};

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    given: Given,
    /// Runs of each contender
    #[arg(long, default_value_t = 3)]
    runs: u32,
    /// Requests a second
    #[arg(long, default_value_t = 200.0)]
    rate: f64,
    /// How long the control fails, in seconds
    #[arg(long, default_value_t = 60)]
    control_seconds: u64,
    /// Only these contenders; the figures are then shown and not written
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Contender>,
}

/// Who sees to the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
enum Contender {
    Lamplighter,
    Prometheus,
    Monit,
    MonitEverySecond,
    Nobody,
}

impl Contender {
    const ALL: [Self; 5] = [
        Self::Lamplighter,
        Self::Prometheus,
        Self::Monit,
        Self::MonitEverySecond,
        Self::Nobody,
    ];

    const fn words(self) -> &'static str {
        match self {
            Self::Lamplighter => "Lamplighter",
            Self::Prometheus => "symlink, Prometheus and a human who needs 10 s",
            Self::Monit => "symlink, monit (120 s) and its rollback",
            Self::MonitEverySecond => "symlink, monit told to look every second",
            Self::Nobody => "symlink, nobody (the control)",
        }
    }

    /// A control that fails to its end says the same each time.
    const fn runs(self, asked: u32) -> u32 {
        match self {
            Self::Nobody => 1,
            Self::Lamplighter | Self::Prometheus | Self::Monit | Self::MonitEverySecond => asked,
        }
    }
}

#[derive(Serialize)]
struct Raw {
    machine: Machine,
    command: &'static str,
    rate_rps: f64,
    human_seconds: u64,
    samples: Vec<Sample>,
}

const COMMAND: &str = "make bench-outage";
/// The load's seed.
const LOAD_SEED: u64 = 1;
/// A run whose load was late is repeated this often at most, and then said.
const REPEATS_MAX: u32 = 2;

/// Runs the bench and writes its figures.
pub(crate) fn run(options: &Options) -> Result<()> {
    fs_err::canonicalize(&options.given.lamp).context("build it first: cargo build --release")?;
    let is_asked = |contender: &Contender| options.only.is_empty() || options.only.contains(contender);
    let mut samples = Vec::new();
    for contender in Contender::ALL.into_iter().filter(is_asked) {
        let runs = contender.runs(options.runs);
        for number in 1..=runs {
            let sample = valid(options, contender, Phase { number, of: runs })?;
            println!("{sample}");
            samples.push(sample);
        }
    }
    let raw = Raw {
        machine: Machine::read()?,
        command: COMMAND,
        rate_rps: options.rate,
        human_seconds: prometheus::HUMAN.as_secs(),
        samples,
    };
    if options.only.is_empty() {
        return publish("outage", &raw, &table(&raw)?);
    }
    println!("{}", serde_json::to_string_pretty(&raw.samples)?);
    Ok(())
}

/// Where in a watcher's cycle the bad release comes: spread evenly over the runs, so that no one is lucky.
#[derive(Debug, Clone, Copy)]
struct Phase {
    number: u32,
    of: u32,
}

impl Phase {
    fn in_cycle(self, cycle: Duration) -> Duration {
        cycle * (2 * self.number - 1) / (2 * self.of)
    }
}

fn valid(options: &Options, contender: Contender, phase: Phase) -> Result<Sample> {
    let mut sample = one(options, contender, phase)?;
    for _ in 0..REPEATS_MAX {
        if sample.valid {
            break;
        }
        println!("{sample}; the load was late: once more");
        sample = one(options, contender, phase)?;
    }
    Ok(sample)
}

fn one(options: &Options, contender: Contender, phase: Phase) -> Result<Sample> {
    let watcher: Box<dyn Watcher> = match contender {
        Contender::Lamplighter => return lamplighter(options, phase),
        Contender::Prometheus => Box::new(prometheus::Prometheus),
        Contender::Monit => Box::new(monit::Monit::AS_SHIPPED),
        Contender::MonitEverySecond => Box::new(monit::Monit::EVERY_SECOND),
        Contender::Nobody => Box::new(watcher::Nobody {
            fails_for: Duration::from_secs(options.control_seconds),
        }),
    };
    let ground = Ground::set_up(options)?;
    watcher.start(&ground)?;
    std::thread::sleep(watcher.settled_after() + phase.in_cycle(watcher.cycle()));
    let seen = ground.go_bad(options.rate, &*watcher)?;
    Ok(Sample::of(contender, phase.number, &seen))
}

/// Act two of the demo.
fn lamplighter(options: &Options, phase: Phase) -> Result<Sample> {
    let outage = Outage::set_up(OutagePlan {
        parent: options.given.dir.clone(),
        sapi: Sapi::ModPhp,
        application: application(options),
        lamp: fs_err::canonicalize(&options.given.lamp)?,
        seed: None,
        watched: true,
    })?;
    let forced = outage.force(options.rate, LOAD_SEED, |_| Ok(()))?;
    ensure!(
        forced.exit == Some(1),
        "the forced deployment ended with {:?} instead of going back",
        forced.exit
    );
    Ok(Sample::of_forced(phase.number, &forced))
}

fn application(options: &Options) -> Application {
    Application::WordPress(options.given.wordpress.clone())
}

fn table(raw: &Raw) -> Result<String> {
    let mut out = format!(
        "{} requests a second, 6 of 100 of them to what breaks; {}.\n\n\
         | who watches | runs | requests | failed | of them with an error page | first to last failed s | page accepted after s | mixed, stale | failed / Lamplighter | time / Lamplighter |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
        raw.rate_rps, raw.machine,
    );
    let of = |contender| Row::of(&raw.samples, contender);
    let lamp = of(Contender::Lamplighter).context("Lamplighter has no run")?;
    for contender in Contender::ALL {
        out += &of(contender)
            .context("a contender has no run")?
            .text(contender, &lamp);
    }
    Ok(out)
}

/// What the table says of one contender.
struct Row {
    runs: usize,
    invalid: usize,
    requests: u64,
    failed: Spread,
    answered_wrong: Spread,
    span: Spread,
    page: Option<Spread>,
    mixed: u64,
    stale: u64,
}

impl Row {
    fn of(samples: &[Sample], contender: Contender) -> Option<Self> {
        let its: Vec<_> = samples
            .iter()
            .filter(|sample| sample.contender == contender)
            .collect();
        let sum = |figure: fn(&Sample) -> u64| its.iter().map(|sample| figure(sample)).sum();
        Some(Self {
            runs: its.len(),
            invalid: its.iter().filter(|sample| !sample.valid).count(),
            requests: sum(|sample| sample.requests),
            failed: Spread::of(its.iter().map(|sample| sample.failed_count()))?,
            answered_wrong: Spread::of(its.iter().map(|sample| sample.answered_wrong_count()))?,
            span: Spread::of(its.iter().map(|sample| sample.span_s()))?,
            page: Spread::of(
                its.iter()
                    .filter_map(|sample| sample.first_failed_to_page_accepted_s),
            ),
            mixed: sum(|sample| sample.mixed),
            stale: sum(|sample| sample.stale),
        })
    }

    fn text(&self, contender: Contender, lamp: &Self) -> String {
        let seconds = |s: f64| format!("{s:.2}");
        let whole = |count: f64| format!("{count:.0}");
        let ratio = |a: f64, b: f64| match b {
            0.0 => "-".to_owned(),
            _ => format!("{:.0}", a / b),
        };
        let late = match self.invalid {
            0 => String::new(),
            count => format!(" ({count} invalid: load late)"),
        };
        format!(
            "| {} | {}{late} | {} | {} | {} | {} | {} | {}, {} | {} | {} |\n",
            contender.words(),
            self.runs,
            self.requests,
            self.failed.text(whole),
            self.answered_wrong.text(whole),
            self.span.text(seconds),
            self.page
                .map_or_else(|| "nobody".into(), |page| page.text(seconds)),
            self.mixed,
            self.stale,
            ratio(self.failed.median, lamp.failed.median),
            ratio(self.span.median, lamp.span.median),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bad_release_comes_at_moments_spread_over_the_cycle() {
        let at = |number| Phase { number, of: 3 }.in_cycle(Duration::from_secs(120));
        assert_eq!([1, 2, 3].map(at), [20, 60, 100].map(Duration::from_secs));
        let alone = Phase { number: 1, of: 1 };
        assert_eq!(alone.in_cycle(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn each_contender_has_a_row_beside_lamplighters() {
        let sample = |(place, contender): (u32, Contender)| {
            Sample::with_failed(contender, 4 * 10u64.pow(place), 0.5 * f64::from(place + 1))
        };
        let raw = Raw {
            machine: Machine::read().expect("this machine"),
            command: COMMAND,
            rate_rps: 200.0,
            human_seconds: 10,
            samples: (0..).zip(Contender::ALL).map(sample).collect(),
        };
        let table = table(&raw).expect("all are there");
        let rows: Vec<_> = table.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(rows.len(), 2 + Contender::ALL.len(), "{table}");
        let columns = |row: &&str| row.matches('|').count();
        assert!(
            rows.iter().all(|row| columns(row) == columns(&rows[0])),
            "{table}"
        );
        let prometheus =
            "| 1 | 1000 | 40 (40-40) | 39 (39-39) | 1.00 (1.00-1.00) | 1.00 (1.00-1.00) | 0, 0 | 10 | 2 |";
        assert!(rows[3].ends_with(prometheus), "{}", rows[3]);
        assert!(rows[6].contains("| nobody | 0, 0 |"), "{}", rows[6]);
    }
}
