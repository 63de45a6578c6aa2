//! Measurements against peers, each in one run on one disk: `cargo run --release -p lamp-bench -- NAME`.
//!
//! A bench writes its raw figures to `bench/raw/NAME.json` and its table between the marks of its name
//! in `bench/README.md`; nobody types a figure. Start at [`check`], [`check_study`], [`deploy`],
//! [`switch`], [`drill`] or [`outage`].

mod check;
mod check_study;
mod deploy;
mod drill;
mod figures;
mod given;
mod outage;
mod publish;
mod switch;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "measures lamp against its peers and writes bench/README.md")]
struct Args {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// Whole applications looked at: lamp check, `php -l`, mago
    Check(check::Options),
    /// The check on nine applications: findings, harmless edits, wrong names
    CheckStudy(check_study::Options),
    /// One changed file of WordPress: lamp, capistrano, rsync + symlink
    Deploy(deploy::Options),
    /// The outage replayed again and again: what `lamp demo` says, held against what visitors and the pager saw
    Drill(drill::Options),
    /// One outage, watched by lamp, by Prometheus and a human, by monit, by nobody
    Outage(outage::Options),
    /// Switches under load: lamp beside a renamed symlink
    Switch(switch::Options),
}

fn main() -> Result<()> {
    match Args::parse().bench {
        Bench::Check(options) => check::run(&options),
        Bench::CheckStudy(options) => check_study::run(&options),
        Bench::Deploy(options) => deploy::run(&options),
        Bench::Drill(options) => drill::run(&options),
        Bench::Outage(options) => outage::run(&options),
        Bench::Switch(options) => switch::run_bench(&options),
    }
}
