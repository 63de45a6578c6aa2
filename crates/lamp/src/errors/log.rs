//! Trouble with what an agent needs before it can begin.

use std::error::Error;
use std::path::Path;

use lamp_agent::state_dir::StateDirError;

use super::{Kind, Trouble};

/// The agent's directory cannot be used.
pub fn state_dir(error: &StateDirError) -> Trouble {
    let way_out = match error {
        StateDirError::Locked { .. } => "use the agent that runs, or end it first (SIGTERM)",
        StateDirError::Io { .. } => {
            "mend what is named above; the directory is [agent] state_dir in lamp.toml"
        }
    };
    Trouble::new(Kind::Environment, "start the agent", error, way_out)
}

/// The event log cannot be used.
pub fn unusable(path: &Path, error: &(dyn Error + 'static)) -> Trouble {
    Trouble::new(
        Kind::Environment,
        format!("use the event log {}", path.display()),
        error,
        "mend that, then run this again; nothing that was acknowledged is lost",
    )
}

/// The socket cannot be made.
pub fn no_socket(path: &Path, error: &std::io::Error) -> Trouble {
    Trouble::new(
        Kind::Environment,
        format!("listen on {}", path.display()),
        error,
        "mend what is named above; the socket is [agent] socket in lamp.toml",
    )
}

/// The kernel does not say which boot this is.
pub fn no_clock(error: &std::io::Error) -> Trouble {
    Trouble::new(Kind::Environment, "read the clock", error, "mount /proc")
}

/// The kernel has no random bytes.
pub fn no_random(error: &(dyn Error + 'static)) -> Trouble {
    Trouble::new(
        Kind::Environment,
        "take random bytes from the kernel",
        error,
        "this kernel lacks getrandom(2): use a newer one",
    )
}
