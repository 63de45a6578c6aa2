//! What of the host must not show in a twin.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One path of the host that is hidden before the overlay is mounted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hidden {
    /// The path, inside.
    pub path: PathBuf,
    /// What stands in its place.
    pub shows: HiddenAs,
}

/// What stands in a hidden path's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HiddenAs {
    /// An empty directory with the owner and mode of the hidden one (an opaque directory).
    EmptyDir,
    /// Nothing (a whiteout).
    Absent,
}

/// Directories whose contents are never a twin's business.
const EMPTY_DIRS: [&str; 10] = [
    "/root",
    "/home",
    "/var/backups",
    "/var/spool",
    "/var/mail",
    "/var/log",
    "/var/lib/php/sessions",
    "/var/lib/lamp",
    "/etc/lamp",
    "/etc/ssh",
];

/// Files that hold secrets of the host.
const ABSENT: [&str; 5] = [
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/mysql/debian.cnf",
];

impl Hidden {
    /// `path` shows as an empty directory.
    pub fn empty_dir(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            shows: HiddenAs::EmptyDir,
        }
    }

    /// `path` is not there.
    pub fn absent(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            shows: HiddenAs::Absent,
        }
    }

    /// What every twin hides; a site's plan adds other sites, the TLS key, the release store's neighbours.
    pub fn twin() -> Vec<Self> {
        let dirs = EMPTY_DIRS.map(Self::empty_dir);
        dirs.into_iter().chain(ABSENT.map(Self::absent)).collect()
    }
}
