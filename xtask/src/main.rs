//! The project's own checks. Start at [`tidy`]: what must hold in every commit.
//!
//! `cargo xtask tidy` refuses, `cargo xtask measure` only shows, `cargo xtask leaks` counts what a test
//! run left on this machine. Exit 0 yes, 1 the answer is no, 2 could not do it.

mod finding;
mod leaks;
mod measure;
mod rust;
mod snapshot;
mod tidy;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask tidy | measure | leaks [--self-test]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &[&str]) -> anyhow::Result<ExitCode> {
    match arguments {
        ["tidy"] => tidy::run(),
        ["measure"] => measure::run(),
        ["leaks"] => leaks::run(),
        ["leaks", "--self-test"] => leaks::self_test(),
        ["leaks", leaks::WAIT] => leaks::wait_for_end_of_input(),
        _ => anyhow::bail!(USAGE),
    }
}
