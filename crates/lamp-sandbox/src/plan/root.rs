//! What a sandbox sees as its files.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::hidden::Hidden;

const MIB: u64 = 1 << 20;

/// The root directory of a sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RootPlan {
    /// Every write goes to a sized memory filesystem and is discarded at the end.
    Overlay {
        /// Real filesystems, each below an overlay of its own, in mount order.
        layers: Vec<Layer>,
        /// Holds what is written, for all layers together.
        upper: TmpfsPlan,
        /// What of the host must not show, laid over before the mount.
        hidden: Vec<Hidden>,
        /// Directories that are bound in, their files' users mapped, as a copy of a database.
        own: Vec<OwnDir>,
    },
    /// The host's files, read-only, with own directories over some of them.
    ReadOnlyBind {
        /// Real filesystems that show read-only, in mount order.
        layers: Vec<Layer>,
        /// What is bound over them, read-write.
        own: Vec<OwnDir>,
    },
}

/// One filesystem of the host that shows in the sandbox; what is mounted below it does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// A directory of the host.
    pub host: PathBuf,
    /// Where it shows, inside.
    pub target: PathBuf,
}

/// A directory of a real filesystem, bound read-write into the sandbox.
///
/// Where `host` lies below `<state_dir>/own` it belongs to the sandbox: it is made empty at the start
/// (root's, 0755) and removed at the end. Elsewhere it must exist, and stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnDir {
    /// The directory on the host.
    pub host: PathBuf,
    /// Where it shows, inside; must exist there, unless a parent is an own directory too.
    pub target: PathBuf,
}

/// A memory filesystem with its bounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TmpfsPlan {
    /// Where, inside.
    pub target: PathBuf,
    /// The most it holds, in bytes.
    pub size_bytes: u64,
    /// The most files and directories it holds.
    pub inodes: u32,
    /// Mode of its top directory.
    pub mode: u32,
}

/// A directory that is made before the sandbox starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewDir {
    /// Where, inside; its parent must exist and be writable there.
    pub path: PathBuf,
    /// Its mode.
    pub mode: u32,
    /// Its owner, as seen inside.
    pub uid: u32,
    /// Its group, as seen inside.
    pub gid: u32,
}

/// What of the kernel's process table shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProcPlan {
    /// All of /proc, with the sandbox's own processes.
    Whole,
    /// The sandbox's own processes and nothing else: no /proc/sys, no sysrq-trigger (`subset=pid`).
    ProcessesOnly,
}

/// What stands in /dev, on a memory filesystem that is read-only but for shm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DevicePlan {
    /// Character devices: name, major and minor number; all are 0666.
    pub nodes: Vec<(String, u32, u32)>,
    /// The sandbox's own shared memory.
    pub shm: TmpfsPlan,
}

impl RootPlan {
    pub(super) fn twin() -> Self {
        Self::Overlay {
            layers: vec![Layer::whole_root()],
            upper: TmpfsPlan::new("/", 512 * MIB, 65_536, 0o755),
            hidden: Hidden::twin(),
            own: Vec::new(),
        }
    }

    /// The real filesystems that show, in mount order.
    pub fn layers(&self) -> &[Layer] {
        match self {
            Self::Overlay { layers, .. } | Self::ReadOnlyBind { layers, .. } => layers,
        }
    }

    /// The directories bound read-write, in mount order.
    pub fn own(&self) -> &[OwnDir] {
        match self {
            Self::Overlay { own, .. } | Self::ReadOnlyBind { own, .. } => own,
        }
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        let layers = self
            .layers()
            .iter()
            .flat_map(|layer| [&layer.host, &layer.target]);
        let own = self.own().iter().flat_map(|own| [&own.host, &own.target]);
        layers.chain(own).map(PathBuf::as_path)
    }
}

impl Layer {
    /// The host's root filesystem, as the sandbox's root.
    pub fn whole_root() -> Self {
        Self::at("/", "/")
    }

    /// `host` of the host shows at `target`.
    pub fn at(host: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        Self {
            host: host.into(),
            target: target.into(),
        }
    }
}

impl OwnDir {
    /// `host` of the host is bound over `target`.
    pub fn at(host: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        Self {
            host: host.into(),
            target: target.into(),
        }
    }
}

impl TmpfsPlan {
    fn new(target: &str, size_bytes: u64, inodes: u32, mode: u32) -> Self {
        Self {
            target: target.into(),
            size_bytes,
            inodes,
            mode,
        }
    }

    pub(super) fn run() -> Self {
        Self::new("/run", 64 * MIB, 8_192, 0o755)
    }

    pub(super) fn tmp() -> Self {
        // InnoDB refuses a /tmp that not everyone may write.
        Self::new("/tmp", 256 * MIB, 16_384, 0o1777)
    }
}

impl NewDir {
    pub(super) fn run_lock() -> Self {
        Self {
            path: "/run/lock".into(),
            mode: 0o1777,
            uid: 0,
            gid: 0,
        }
    }
}

impl DevicePlan {
    /// null, zero, full, random, urandom, tty and an own shm.
    pub fn minimal() -> Self {
        let nodes = [
            ("null", 1, 3),
            ("zero", 1, 5),
            ("full", 1, 7),
            ("random", 1, 8),
            ("urandom", 1, 9),
            ("tty", 5, 0),
        ];
        Self {
            nodes: nodes
                .map(|(name, major, minor)| (name.to_owned(), major, minor))
                .into(),
            shm: TmpfsPlan::new("/dev/shm", 64 * MIB, 4_096, 0o1777),
        }
    }
}
