//! Why a key or an address cannot be used. None of these says the key, or the secret part of an address.

use std::io;
use std::path::PathBuf;

/// Why there is no routing key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("read the routing key of {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Not a regular file.
    #[error("{} is no regular file", path.display())]
    NoFile {
        /// Which.
        path: PathBuf,
    },
    /// Anybody on the host can read it, so it is no secret.
    #[error("{} can be read by others (mode {mode:04o}): chmod 0640 it, and make a new key", path.display())]
    ReadByOthers {
        /// Which.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Who owns it can change where pages go.
    #[error("{} belongs to uid {owner}: it must belong to root or to the user that runs this", path.display())]
    Owner {
        /// Which.
        path: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// Not 32 letters and digits.
    #[error("{} holds no routing key: one has 32 letters and digits, and this has {chars} characters{}", path.display(), beside(*.plain))]
    NoKey {
        /// Which.
        path: PathBuf,
        /// How many characters there are, without white space at the end.
        chars: usize,
        /// Whether all of them are letters and digits.
        plain: bool,
    },
}

const fn beside(plain: bool) -> &'static str {
    if plain { "" } else { ", some of them neither" }
}

/// Why a text is no address to send to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not an address at all.
    #[error("it is no address such as https://events.pagerduty.com or unix:/run/relay.sock")]
    NotAnAddress,
    /// Neither http, https nor unix.
    #[error("{scheme}: is no way to send: use https, http or unix")]
    Scheme {
        /// As given.
        scheme: String,
    },
    /// Keys would cross the net in the clear.
    #[error("http to {host} would show the key to everyone on the way: use https")]
    InTheClear {
        /// The host.
        host: String,
    },
    /// Not a place to send to, or a user's name and password in it.
    #[error("it must name a host, and no user, query or fragment")]
    Parts,
    /// A unix socket at a path that is relative.
    #[error("a unix socket is named by its whole path, as in unix:/run/relay.sock")]
    Relative,
}
