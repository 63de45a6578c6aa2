//! The edge: what people type, what they read, and the daemon put together.
//!
//! Read [`cli`] (one file per verb; [`cli::args`] is the command line as typed), [`app`] (the agent's
//! process: built, started and stopped, also by tests), [`call`] (a conversation with the agent),
//! [`config`] (lamp.toml), [`serve`] (the controller), [`drill`] (a lab that it is all tried in), [`errors`] (what people are told when something could not be done),
//! [`worker`] (processes without rights).
//!
//! Invariant: a verb decides nothing about a site; it asks the agent, prints the answer, and ends with
//! 0 (yes), 1 (the answer is no) or 2 (it could not be done).

pub mod app;
pub mod call;
pub mod cli;
pub mod config;
pub mod drill;
pub mod errors;
pub mod look;
pub mod screen;
pub mod serve;
pub mod source;
pub mod worker;

use std::process::ExitCode;

/// Runs the verb on this process's command line.
pub fn main() -> ExitCode {
    cli::main()
}
