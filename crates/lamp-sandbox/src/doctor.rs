//! What this machine lacks for sandboxes, each with its mend.
//!
//! Things are tried, not looked up: a kernel may have a call and refuse it here. The trials run in a
//! throw-away process, the init program started anew, so that nothing of them stays.

mod trial;

use std::path::Path;
use std::process::{Command, Stdio};

use rustix::fd::OwnedFd;
use serde::{Deserialize, Serialize};

use crate::error::{Doing, Refused};
use crate::message::Asked;
use crate::start::InitProgram;
use crate::wire;

pub(crate) use trial::run_all;

/// One thing that sandboxes need of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What is needed, in words.
    pub name: String,
    /// Whether it is there.
    pub state: State,
}

/// Whether a needed thing is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is.
    Fine {
        /// What was found, for people.
        found: String,
    },
    /// It is not.
    Lacking {
        /// What was tried, and what the machine said.
        why: String,
        /// What to do about it.
        mend: String,
    },
}

const REINSTALL: &str = "reinstall lamp: its own program must be there and executable";

/// Tries each thing that sandboxes need. `dir` is a directory of the filesystem that will hold state
/// directories and own directories; it must exist, and nothing in it changes.
pub fn checks(dir: &Path, init: &InitProgram) -> Vec<Check> {
    if !rustix::process::geteuid().is_root() {
        return vec![Check::lacking(
            "root",
            "the user is not root".to_owned(),
            "run it as root, as with sudo",
        )];
    }
    ask(dir, init)
        .unwrap_or_else(|refused| vec![Check::lacking("the init program", refused.to_string(), REINSTALL)])
}

fn ask(dir: &Path, init: &InitProgram) -> Result<Vec<Check>, Refused> {
    let doing = || format!("trying this machine by {}", init.path.display());
    let (ours, theirs) = wire::pair().doing(doing)?;
    let mut command = Command::new(&init.path);
    command
        .args(&init.args)
        .env_clear()
        .stdin(theirs)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut trying = command.spawn().doing(doing)?;
    drop(command);
    let answers = hear(dir, &ours).doing(doing);
    drop(ours);
    trying.wait().doing(doing)?;
    answers
}

fn hear(dir: &Path, socket: &OwnedFd) -> std::io::Result<Vec<Check>> {
    wire::send(socket, &Asked::Try { dir: dir.to_owned() }, &[])?;
    let gone = || std::io::Error::other("it ended without a word");
    Ok(wire::receive::<Vec<Check>>(socket)?.ok_or_else(gone)?.message)
}

impl Check {
    pub(crate) fn lacking(name: &str, why: String, mend: &str) -> Self {
        Self {
            name: name.to_owned(),
            state: State::Lacking {
                why,
                mend: mend.to_owned(),
            },
        }
    }
}
