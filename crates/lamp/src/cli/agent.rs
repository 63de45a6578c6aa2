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
    if args.end_with_parent {
        end_with_parent().map_err(|error| told::no_session(&error.into()))?;
    }
    app::daemon::run(config)?;
    Ok(Exit::Yes)
}

/// The kernel ends this process when the thread that started it ends. A parent that was quicker has left
/// us to another one already, which the first look at it shows.
fn end_with_parent() -> rustix::io::Result<()> {
    let parent = rustix::process::getppid();
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))?;
    if rustix::process::getppid() == parent {
        Ok(())
    } else {
        Err(rustix::io::Errno::SRCH)
    }
}
