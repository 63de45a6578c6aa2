//! `lamp serve`: the controller's process.

use super::Exit;
use super::args::ServeArgs;
use crate::config::Config;
use crate::errors::{Told, serve as told};
use crate::serve;

/// Runs the controller until it is told to end.
pub fn run(config: &Config, args: &ServeArgs) -> Result<Exit, Told> {
    if rustix::process::geteuid().is_root() && !args.as_root {
        return Err(told::is_root(&config.agent.group).into());
    }
    serve::run::run(config)?;
    Ok(Exit::Yes)
}
