//! Switches under load: lamp beside a renamed symlink, with either PHP, in one run on one machine.
//!
//! The same drill as the tests of the whole; here its times count, there its zeros.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use lamp::cli::demo::board::Column;
use lamp::drill::lag::lags;
use lamp::drill::run::{Ran, RunPlan, prepare, run};
use lamp::drill::stage::{Application, Settings, Stage, StagePlan, Switching, default_parent};
use lamp_http::Protocol;
use lamp_lab::Sapi;
use lamp_lab::load::Judgement;
use serde::Serialize;

use crate::figures::Spread;
use crate::publish::{Machine, publish};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The lamp to measure
    #[arg(long, default_value = "target/release/lamp")]
    lamp: PathBuf,
    /// Runs of each way of switching
    #[arg(long, default_value_t = 3)]
    runs: u64,
    /// Deployments of each run, each followed by a rollback
    #[arg(long, default_value_t = 50)]
    rounds: usize,
    /// Requests of each run, at least
    #[arg(long, default_value_t = 20_000)]
    requests: usize,
    /// Requests a second
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
}

const COMMAND: &str = "make bench-switch";
/// Different releases.
const RELEASES: usize = 9;
/// An invalid run is repeated this often at most, and then said.
const REPEATS_MAX: u32 = 2;

#[derive(Serialize)]
struct Raw {
    machine: Machine,
    command: &'static str,
    runs: Vec<Run>,
}

#[derive(Serialize)]
struct Run {
    sapi: Sapi,
    protocol: &'static str,
    figures: Column,
    valid: bool,
    first_new_ms: Vec<f64>,
    median_answer_micros: u64,
    p99_answer_micros: u64,
}

/// Runs the bench and writes its figures.
pub(crate) fn run_bench(options: &Options) -> Result<()> {
    let lamp = fs_err::canonicalize(&options.lamp)?;
    let mut runs = Vec::new();
    for (sapi, protocol) in [(Sapi::ModPhp, Protocol::Http1), (Sapi::Fpm, Protocol::Http2)] {
        for (title, switching) in [("lamp", Switching::Lamp), ("symlink", Switching::Symlink)] {
            let stage = Stage::set_up(StagePlan {
                parent: default_parent().to_owned(),
                sapi,
                switching,
                application: Application::Markers,
                releases: RELEASES,
                lamp: lamp.clone(),
                settings: Settings::default(),
            })?;
            prepare(&stage)?;
            for seed in 1..=options.runs {
                runs.push(one(&stage, title, protocol, &plan(options, protocol, seed))?);
            }
        }
    }
    ensure!(!runs.is_empty(), "no run was asked for");
    let raw = Raw {
        machine: Machine::read()?,
        command: COMMAND,
        runs,
    };
    publish("switch", &raw, &table(&raw))
}

const fn plan(options: &Options, protocol: Protocol, seed: u64) -> RunPlan {
    RunPlan {
        rounds: options.rounds,
        rate: options.rate,
        requests_min: options.requests,
        protocol,
        seed,
    }
}

fn one(stage: &Stage, title: &str, protocol: Protocol, plan: &RunPlan) -> Result<Run> {
    let mut ran = run(stage, plan, |_| Ok(()))?;
    for _ in 0..REPEATS_MAX {
        if is_valid(&ran) {
            break;
        }
        ran = run(stage, plan, |_| Ok(()))?;
    }
    let first_new = lags(&ran.records, &ran.switches)
        .into_iter()
        .filter_map(|lag| lag.first_new);
    let run = Run {
        sapi: stage.plan().sapi,
        protocol: name(protocol),
        figures: Column::of(title, &ran.tally, &ran.records, &ran.switches),
        valid: is_valid(&ran),
        first_new_ms: first_new.map(|took| took.as_secs_f64() * 1e3).collect(),
        median_answer_micros: ran.tally.median_micros,
        p99_answer_micros: ran.tally.p99_micros,
    };
    println!("{}", row(&run));
    Ok(run)
}

fn is_valid(ran: &Ran) -> bool {
    ran.tally.judgement() != Judgement::Invalid
}

const fn name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http1 => "HTTP/1.1",
        Protocol::Http2 => "HTTP/2",
    }
}

fn table(raw: &Raw) -> String {
    let head = format!(
        "{}. All with TLS and keep-alive.\n\n\
         | PHP | protocol | switched by | requests | switches | failed | mixed | stale | first new answer ms | old code for ms | answer us, median / p99 |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n",
        raw.machine,
    );
    raw.runs.iter().fold(head, |table, run| table + &row(run) + "\n")
}

fn row(run: &Run) -> String {
    let figures = &run.figures;
    let first_new = Spread::of(run.first_new_ms.iter().copied());
    format!(
        "| {:?} | {} | {}{} | {} | {} | {} | {} | {} | {} | {:.0} | {} / {} |",
        run.sapi,
        run.protocol,
        figures.title,
        if run.valid { "" } else { " (invalid: load late)" },
        figures.requests,
        figures.switches,
        figures.failed,
        figures.mixed,
        figures.stale,
        first_new.map_or_else(|| "-".into(), |spread| spread.text(|ms| format!("{ms:.1}"))),
        figures.last_old_ms,
        run.median_answer_micros,
        run.p99_answer_micros,
    )
}
