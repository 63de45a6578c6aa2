//! `lamp agent`: the host's own process.

use super::Exit;
use super::args::AgentArgs;
use crate::app;
use crate::config::Config;
use crate::errors::{Told, agent as told};

/// Runs the agent until it is told to end.
pub fn run(config: &Config, args: &AgentArgs) -> Result<Exit, Told> {
    if !rustix::process::geteuid().is_root() {
        return Err(told::not_root().into());
    }
    if args.detached {
        rustix::process::setsid().map_err(|error| told::no_session(&error.into()))?;
    }
    app::daemon::run(config)?;
    Ok(Exit::Yes)
}
