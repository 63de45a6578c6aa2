//! Trouble with reaching the agent.

use std::io;
use std::path::Path;

use lamp_fleet::protocol::ConnectionError;

use super::{Kind, Trouble};

/// No agent listens, and the caller is not root, so none can be started.
pub fn none_runs(socket: &Path) -> Trouble {
    Trouble::because(
        Kind::Environment,
        "reach the agent",
        format!("no agent listens on {}", socket.display()),
        "start one as root: `lamp agent`; `lamp deploy` and `lamp rollback`, run as root, start one too",
    )
}

/// No agent listens, and the configuration leaves its start to somebody else.
pub fn not_on_demand(socket: &Path) -> Trouble {
    Trouble::because(
        Kind::Environment,
        "reach the agent",
        format!(
            "no agent listens on {}, and with `on_demand = false` in [agent] of lamp.toml none is started here",
            socket.display()
        ),
        "start its service (`systemctl start lamp-agent`), or run `lamp agent` as root",
    )
}

/// The agent works from another configuration than the caller: no trouble, but worth a word.
pub fn other_configuration(path: &Path) -> String {
    format!(
        "note: the agent was started with another configuration than {} is now; what was changed counts once it is started again: \
         `systemctl restart lamp-agent`, or end `lamp agent` and start it anew",
        path.display()
    )
}

/// The socket refuses the caller.
pub fn refused(socket: &Path, uid: u32) -> Trouble {
    Trouble::because(
        Kind::Mistake,
        "reach the agent",
        format!("uid {uid} may not open {}", socket.display()),
        "run this as root, or as a member of the agent's group ([agent] group in lamp.toml)",
    )
}

/// The socket cannot be opened for another reason.
pub fn unreachable(socket: &Path, error: &io::Error) -> Trouble {
    Trouble::because(
        Kind::Environment,
        "reach the agent",
        format!("{}: {error}", socket.display()),
        "see `lamp doctor`",
    )
}

/// The conversation broke off.
pub fn broke_off(error: &ConnectionError) -> Trouble {
    Trouble::new(
        Kind::Environment,
        "speak with the agent",
        error,
        "the agent goes on, or its next start puts things right: look with `lamp status`",
    )
}

/// An answer that does not belong to the question.
pub fn beside_the_question(reply: &str) -> Trouble {
    Trouble::because(
        Kind::Bug,
        "speak with the agent",
        format!("it answered {reply}, which does not belong to the question"),
        "please report this; `lamp status` shows how the site is",
    )
}

/// An agent that was started ended at once, or did not listen in time.
pub fn not_started(why: String, log: &Path) -> Trouble {
    Trouble::because(
        Kind::Environment,
        "start an agent",
        why,
        format!(
            "its own words are in {}; `lamp agent` shows them here",
            log.display()
        ),
    )
}

/// The agent does not even say hello.
pub fn silent(waited: std::time::Duration) -> Trouble {
    Trouble::because(
        Kind::Environment,
        "speak with the agent",
        format!("it said nothing for {waited:?}"),
        "look at what it prints; if it hangs, end it (SIGKILL is safe: its next start puts things right)",
    )
}

/// The agent is root's.
pub fn not_root() -> Trouble {
    Trouble::because(
        Kind::Mistake,
        "start the agent",
        "it switches sites of this host, and only root may",
        "run `lamp agent` as root",
    )
}

/// No session of its own.
pub fn no_session(error: &io::Error) -> Trouble {
    Trouble::new(
        Kind::Environment,
        "leave the terminal",
        error,
        "start it without --detached",
    )
}
