//! What a sandbox is to be: one plain value that a test can read, a person can print, and the builder
//! follows without a choice of its own.
//!
//! Start at [`Plan`]; [`Plan::lab`] and [`Plan::twin`] are the two kinds that exist.

mod bounds;
mod filter;
mod hidden;
mod ids;
mod root;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::step::Step;

pub use bounds::Bounds;
pub use filter::{Argument, DeniedCall, Refusal, Rule, SyscallFilter};
pub use hidden::{Hidden, HiddenAs};
pub use ids::{FIRST_BASE, ID_RANGE, IdMap, IdMapError, SLOTS};
pub use root::{DevicePlan, Layer, NewDir, OwnDir, ProcPlan, RootPlan, TmpfsPlan};

/// Capabilities that a twin's processes keep, by bit: CHOWN, DAC_OVERRIDE, FOWNER, KILL, SETGID, SETUID.
///
/// They count only in the twin's own user namespace.
pub const TWIN_CAPABILITIES: u64 = 0b1110_1011;

/// The directory inside the state directory whose children are made at the start and removed with the
/// sandbox; see [`OwnDir`].
pub const OWN_DIR: &str = "own";

/// Everything that a sandbox will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What people and cgroups call it: letters, digits and `-`, at most [`NAME_MAX_BYTES`].
    pub name: String,
    /// Where it keeps its journal and socket. Made at the start, gone after the end; its parent may hold
    /// many, and is what [`crate::reap`] looks through.
    pub state_dir: PathBuf,
    /// Who must live for it to live.
    pub lifetime: Lifetime,
    /// The namespaces that it has of its own.
    pub namespaces: BTreeSet<Namespace>,
    /// Its root directory.
    pub root: RootPlan,
    /// Memory filesystems mounted in the root, each with its bounds.
    pub tmpfs: Vec<TmpfsPlan>,
    /// Directories made in the root's writable places, in this order.
    pub dirs: Vec<NewDir>,
    /// What of the kernel's process table shows.
    pub proc: ProcPlan,
    /// What stands in /dev.
    pub dev: DevicePlan,
    /// Its own name on the network.
    pub hostname: String,
    /// The lowest port that needs no capability; 0 lets anyone inside listen on 80 and 443.
    pub unprivileged_port_start: u16,
    /// Which users of the host its users are; `None`: the same ones.
    pub id_map: Option<IdMap>,
    /// What keeps its processes from leaving; `None` for what is trusted.
    pub confinement: Option<Confinement>,
    /// How much it may take.
    pub bounds: Bounds,
    /// For crash drills: building stops after this step, says so in the file `holding` of the state directory,
    /// and goes no further; owner or keeper must be killed. At [`Step::Serving`] there is nothing to hold back.
    pub hold_at: Option<Step>,
}

/// Longest name of a sandbox, in bytes.
pub const NAME_MAX_BYTES: usize = 63;

/// Who must live for a sandbox to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lifetime {
    /// The process that starts it: its death, however it dies, ends the sandbox and removes it.
    Owner,
    /// Nobody: it lives until it is killed by name.
    Detached,
}

/// One kind of namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Namespace {
    /// Mounts.
    Mount,
    /// Network devices, addresses, ports.
    Net,
    /// Process ids.
    Pid,
    /// System V IPC and POSIX queues.
    Ipc,
    /// Host name.
    Uts,
    /// What the cgroup tree looks like.
    Cgroup,
    /// Users and capabilities.
    User,
}

/// What keeps a sandbox's processes from leaving it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confinement {
    /// The capabilities kept, by bit; the bounding set holds nothing else.
    pub capabilities: u64,
    /// No program gains a right by being executed.
    pub no_new_privs: bool,
    /// The system calls that are refused.
    pub filter: SyscallFilter,
    /// What its user namespace may have of the kernel's countable things.
    pub user_limits: Vec<UserLimit>,
    /// How soon the kernel takes it when memory is short; 1000 is first.
    pub oom_score_adj: i32,
}

/// One file of /proc/sys/user, lowered from inside the user namespace.
///
/// Without it a twin that takes every inotify instance takes those of the host's root, who made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserLimit {
    /// The file's name, as in `max_inotify_instances`.
    pub name: String,
    /// The most that may exist.
    pub most: u32,
}

/// Why a plan cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The name is not one.
    #[error("{name:?} is no name of a sandbox: letters, digits and -, at most {NAME_MAX_BYTES} bytes")]
    Name {
        /// As given.
        name: String,
    },
    /// A path must be absolute and without `..`.
    #[error("{} must be absolute and hold no ..", path.display())]
    Path {
        /// As given.
        path: PathBuf,
    },
    /// Confinement or an id map without a user namespace, or the reverse.
    #[error("a user namespace, an id map and confinement go together: {lacking} is lacking")]
    HalfConfined {
        /// Which of the three.
        lacking: &'static str,
    },
    /// The kernel takes a filter only from a process that can gain no right.
    #[error("a filter of system calls needs no_new_privs")]
    FilterWithoutPromise,
    /// A namespace that every sandbox has is not in the plan.
    #[error("the plan lacks the {namespace:?} namespace, which every sandbox has")]
    Namespace {
        /// Which.
        namespace: Namespace,
    },
}

impl Plan {
    /// A trusted fixture: the host's root read-only, with `own` directories bound over it.
    ///
    /// It has its own mounts, network (lo is up), processes and name, a fresh /run, /dev and /proc; no user
    /// namespace and no filter. Own directories below `<state_dir>/own` are made empty at the start and
    /// removed with the sandbox: fill them after [`crate::start`], from the host's side.
    pub fn lab(name: &str, state_dir: &Path, own: Vec<OwnDir>) -> Self {
        Self {
            name: name.to_owned(),
            state_dir: state_dir.to_owned(),
            lifetime: Lifetime::Owner,
            namespaces: LAB_NAMESPACES.into(),
            root: RootPlan::ReadOnlyBind {
                layers: vec![Layer::whole_root()],
                own,
            },
            tmpfs: vec![TmpfsPlan::run()],
            dirs: vec![NewDir::run_lock()],
            proc: ProcPlan::Whole,
            dev: DevicePlan::minimal(),
            hostname: name.to_owned(),
            unprivileged_port_start: 0,
            id_map: None,
            confinement: None,
            bounds: Bounds::none(),
            hold_at: None,
        }
    }

    /// A test environment that runs strangers' code: the host's root below a discarded overlay, in users,
    /// mounts, network and processes of its own, under the filter and the bounds of SECURITY.md.
    pub fn twin(name: &str, state_dir: &Path, id_map: IdMap) -> Self {
        Self {
            namespaces: TWIN_NAMESPACES.into(),
            root: RootPlan::twin(),
            tmpfs: vec![TmpfsPlan::run(), TmpfsPlan::tmp()],
            proc: ProcPlan::ProcessesOnly,
            id_map: Some(id_map),
            confinement: Some(Confinement::twin()),
            bounds: Bounds::twin(),
            ..Self::lab(name, state_dir, Vec::new())
        }
    }

    /// Whether it can be followed at all; what the machine says to it comes later.
    pub fn validate(&self) -> Result<(), PlanError> {
        self.validate_name()?;
        self.validate_namespaces()?;
        let mut paths = self.paths();
        let bad = paths.find(|path| !path.is_absolute() || path.components().any(|c| c.as_os_str() == ".."));
        bad.map_or(Ok(()), |path| {
            Err(PlanError::Path {
                path: path.to_owned(),
            })
        })
    }

    fn validate_name(&self) -> Result<(), PlanError> {
        let valid = (1..=NAME_MAX_BYTES).contains(&self.name.len())
            && self
                .name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        valid.then_some(()).ok_or_else(|| PlanError::Name {
            name: self.name.clone(),
        })
    }

    fn validate_namespaces(&self) -> Result<(), PlanError> {
        let lacking = LAB_NAMESPACES
            .into_iter()
            .find(|kind| !self.namespaces.contains(kind));
        if let Some(namespace) = lacking {
            return Err(PlanError::Namespace { namespace });
        }
        if self
            .confinement
            .as_ref()
            .is_some_and(|confinement| !confinement.no_new_privs)
        {
            return Err(PlanError::FilterWithoutPromise);
        }
        let three = [
            ("the user namespace", self.namespaces.contains(&Namespace::User)),
            ("the id map", self.id_map.is_some()),
            ("the confinement", self.confinement.is_some()),
        ];
        if three.iter().all(|(_, there)| !there) {
            return Ok(());
        }
        let lacking = three.iter().find(|(_, there)| !there);
        lacking.map_or(Ok(()), |(lacking, _)| Err(PlanError::HalfConfined { lacking }))
    }

    fn paths(&self) -> impl Iterator<Item = &Path> {
        let state = std::iter::once(self.state_dir.as_path());
        let tmpfs = self.tmpfs.iter().map(|tmpfs| tmpfs.target.as_path());
        let dirs = self.dirs.iter().map(|dir| dir.path.as_path());
        state.chain(self.root.paths()).chain(tmpfs).chain(dirs)
    }
}

const LAB_NAMESPACES: [Namespace; 6] = [
    Namespace::Mount,
    Namespace::Net,
    Namespace::Pid,
    Namespace::Ipc,
    Namespace::Uts,
    Namespace::Cgroup,
];

const TWIN_NAMESPACES: [Namespace; 7] = [
    Namespace::Mount,
    Namespace::Net,
    Namespace::Pid,
    Namespace::Ipc,
    Namespace::Uts,
    Namespace::Cgroup,
    Namespace::User,
];

impl Confinement {
    /// What held root of a twin.
    pub fn twin() -> Self {
        Self {
            capabilities: TWIN_CAPABILITIES,
            no_new_privs: true,
            filter: SyscallFilter::twin(),
            user_limits: UserLimit::twin(),
            oom_score_adj: 1000,
        }
    }
}

impl UserLimit {
    fn twin() -> Vec<Self> {
        let limits = [
            ("max_user_namespaces", 0),
            ("max_pid_namespaces", 0),
            ("max_uts_namespaces", 0),
            ("max_ipc_namespaces", 0),
            ("max_net_namespaces", 0),
            ("max_mnt_namespaces", 0),
            ("max_cgroup_namespaces", 0),
            ("max_time_namespaces", 0),
            ("max_inotify_instances", 64),
            ("max_inotify_watches", 8192),
            ("max_fanotify_groups", 0),
            ("max_fanotify_marks", 0),
        ];
        limits
            .map(|(name, most)| Self {
                name: name.to_owned(),
                most,
            })
            .into()
    }
}

#[cfg(test)]
mod tests;
