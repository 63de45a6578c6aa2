//! The verbs, one file each. `--format json` prints a versioned type that stands beside its verb.

pub mod agent;
pub mod apache;
pub mod args;
pub mod check;
pub mod completions;
pub mod demo;
pub mod deploy;
pub mod doctor;
pub mod gate;
pub mod incident;
pub mod progress;
pub mod release;
pub mod rollback;
pub mod serve;
pub mod status;
pub mod test;
pub mod words;

use std::process::ExitCode;

use clap::Parser;

use crate::config::Config;
use crate::errors::{Told, Trouble};
use crate::screen::{Screen, say};
use args::{Cli, Verb};

/// How a verb that could be done ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Yes: 0.
    Yes,
    /// The answer is no: 1.
    No,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Yes => Self::from(0),
            Exit::No => Self::from(1),
        }
    }
}

/// Exit of what could not be done.
const COULD_NOT: u8 = 2;

/// Parses the command line and runs the verb.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { COULD_NOT } else { 0 });
        }
    };
    match run(cli) {
        Ok(exit) => exit.into(),
        Err(told) => {
            say(&told.text(Screen::here().colours));
            ExitCode::from(COULD_NOT)
        }
    }
}

fn run(cli: Cli) -> Result<Exit, Told> {
    match cli.verb {
        Verb::SandboxInit => lamp_sandbox::init_main(),
        Verb::RequestsWorker(args) => Ok(crate::worker::requests::run(&args)?),
        Verb::WatchWorker => Ok(crate::worker::watch::run()?),
        Verb::CheckWorker(args) => Ok(crate::worker::check::run(&args)?),
        Verb::Check(args) => Ok(check::run(&cli.config, &args)?),
        Verb::Apache(verb) => Ok(apache::run(&Config::read(&cli.config)?, &verb)?),
        Verb::Demo(args) => Ok(demo::run_demo(&args)?),
        Verb::Completions { shell } => Ok(completions::run(shell)),
        Verb::Agent(args) => agent::run(&Config::read(&cli.config)?, &args),
        Verb::Serve(args) => serve::run(&Config::read(&cli.config)?, &args),
        Verb::Doctor(args) => {
            let checks = patiently(async { Ok(doctor::run(Config::read(&cli.config)).await) })?;
            Ok(doctor::print(checks, &args))
        }
        Verb::Deploy(args) => patiently(deploy::run(&Config::read(&cli.config)?, &args)),
        Verb::Test(args) => patiently(test::run(&Config::read(&cli.config)?, &args)),
        Verb::Rollback(args) => patiently(rollback::run(&Config::read(&cli.config)?, &args)),
        Verb::Status(args) => patiently(status::run(&Config::read(&cli.config)?, &args)),
        Verb::Release(verb) => patiently(release::run(&Config::read(&cli.config)?, &verb)),
        Verb::Incident(verb) => patiently(incident::run(&Config::read(&cli.config)?, &verb)),
    }
}

/// Runs a verb that waits for others, on this thread.
fn patiently<T>(verb: impl Future<Output = Result<T, Trouble>>) -> Result<T, Told> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| crate::errors::no_runtime(&error))?;
    Ok(runtime.block_on(verb)?)
}
