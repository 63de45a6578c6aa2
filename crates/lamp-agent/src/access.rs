//! Who may command the agent: root, and the members of one group.
//!
//! The socket's own mode keeps everyone else from connecting; this holds if that mode is ever loosened.

use lamp_fleet::Host;
use lamp_fleet::protocol::Refusal;
use lamp_model::event::Actor;
use tokio::net::unix::UCred;

/// The group whose members may command the agent, if the host has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Its name and number; `None`: no such group here, only root may.
    group: Option<(String, u32)>,
}

impl Access {
    /// For the group of this name on this host.
    pub fn of_group(name: &str) -> Self {
        match Host::local().gid_of(name) {
            Ok(gid) => Self {
                group: Some((name.to_owned(), gid)),
            },
            Err(error) => {
                tracing::warn!(%error, "only root may command this agent");
                Self { group: None }
            }
        }
    }

    /// The group's number.
    pub fn gid(&self) -> Option<u32> {
        self.group.as_ref().map(|(_, gid)| *gid)
    }

    /// The peer, if it may.
    pub fn check(&self, peer: &UCred) -> Result<Actor, Refusal> {
        let (uid, pid) = (peer.uid(), peer.pid().unwrap_or(0));
        let member = self
            .gid()
            .is_some_and(|gid| peer.gid() == gid || has_group(pid, gid));
        if uid == 0 || member {
            return Ok(Actor { uid, pid });
        }
        Err(Refusal::NotAllowed {
            uid,
            group: self.group.as_ref().map(|(name, _)| name.clone()),
        })
    }
}

/// Whether a process has the group among its further ones. The kernel checked the same at `connect`, by
/// the socket's mode: a pid that was reused since gains nothing.
fn has_group(pid: i32, gid: u32) -> bool {
    let status = fs_err::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let groups = status
        .lines()
        .find_map(|line| line.strip_prefix("Groups:"))
        .unwrap_or_default();
    groups.split_whitespace().any(|group| group.parse() == Ok(gid))
}
