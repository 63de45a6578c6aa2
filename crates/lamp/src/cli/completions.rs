//! `lamp completions SHELL`: what a shell needs to complete our verbs.

use clap::CommandFactory;
use clap_complete::Shell;

use super::Exit;
use super::args::Cli;

/// Prints the script.
pub fn run(shell: Shell) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "lamp", &mut script);
    crate::screen::out(&String::from_utf8_lossy(&script));
    Exit::Yes
}
