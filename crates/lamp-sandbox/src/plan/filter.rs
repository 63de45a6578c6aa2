//! The system calls that a twin is refused, as a table; `crate::filter` makes the kernel's program of it.
//!
//! It lists what is refused, not what is allowed: namespaces, users and capabilities hold the twin, the
//! table closes what they leave open in the kernel.

use serde::{Deserialize, Serialize};

/// A table of refused system calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyscallFilter {
    /// The refusals; a call that none names is allowed.
    pub denied: Vec<DeniedCall>,
}

/// One refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeniedCall {
    /// The call's name, as the kernel's manual has it.
    pub call: String,
    /// What the caller is told.
    pub refusal: Refusal,
    /// Any of these refuses it; none at all: it is always refused.
    pub when: Vec<Rule>,
}

/// What the caller of a refused call is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Refusal {
    /// Operation not permitted.
    Eperm,
    /// There is no such call: the caller falls back to an older one.
    Enosys,
}

/// All of these arguments together refuse the call.
pub type Rule = Vec<Argument>;

/// What one argument of a call is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Argument {
    /// It is this number (low 32 bits).
    Is {
        /// Which argument, from 0.
        index: u8,
        /// The number.
        value: u64,
    },
    /// It is not this number (low 32 bits).
    IsNot {
        /// Which argument, from 0.
        index: u8,
        /// The number.
        value: u64,
    },
    /// Of its bits in `mask`, exactly those of `value` are set.
    Bits {
        /// Which argument, from 0.
        index: u8,
        /// The bits that count.
        mask: u64,
        /// What they must be.
        value: u64,
    },
}

/// Calls refused whatever their arguments.
const ALWAYS_EPERM: [&str; 54] = [
    // mounts
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "open_tree",
    "open_tree_attr",
    "move_mount",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
    "swapon",
    "swapoff",
    "quotactl",
    "quotactl_fd",
    // namespaces
    "unshare",
    "setns",
    // other processes
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "pidfd_getfd",
    "kcmp",
    // keys
    "keyctl",
    "add_key",
    "request_key",
    // the kernel's own machinery
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "open_by_handle_at",
    "name_to_handle_at",
    "fanotify_init",
    "lookup_dcookie",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "reboot",
    "acct",
    "syslog",
    "vhangup",
    "nfsservctl",
    "iopl",
    "ioperm",
    "sethostname",
    "setdomainname",
    // clocks
    "settimeofday",
    "clock_settime",
    "clock_adjtime",
    "adjtimex",
    // memory placement of others
    "move_pages",
    "migrate_pages",
];

/// Calls that are refused as if the kernel were older, so that callers fall back.
const ALWAYS_ENOSYS: [&str; 4] = ["clone3", "io_uring_setup", "io_uring_enter", "io_uring_register"];

/// CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET (linux/sched.h).
const NAMESPACE_FLAGS: [u64; 8] = [
    0x0000_0080,
    0x0002_0000,
    0x0200_0000,
    0x0400_0000,
    0x0800_0000,
    0x1000_0000,
    0x2000_0000,
    0x4000_0000,
];

/// AF_UNIX, AF_INET, AF_INET6, AF_NETLINK. Others, as vsock, ignore network namespaces.
const SOCKET_FAMILIES: [u64; 4] = [1, 2, 10, 16];

/// TIOCSTI and TIOCLINUX: typing into someone else's terminal.
const TYPING_REQUESTS: [u64; 2] = [0x5412, 0x541C];

const FILE_TYPE_BITS: u64 = 0o170_000;
const CHARACTER_DEVICE: u64 = 0o020_000;
const BLOCK_DEVICE: u64 = 0o060_000;

impl SyscallFilter {
    /// What a twin is refused.
    pub fn twin() -> Self {
        let eperm = ALWAYS_EPERM.map(|call| DeniedCall::always(call, Refusal::Eperm));
        let enosys = ALWAYS_ENOSYS.map(|call| DeniedCall::always(call, Refusal::Enosys));
        let some = [
            DeniedCall::eperm_when("clone", namespace_flags()),
            DeniedCall::eperm_when("socket", foreign_families()),
            DeniedCall::eperm_when("socketpair", foreign_families()),
            DeniedCall::eperm_when("ioctl", typing_requests()),
            DeniedCall::eperm_when("mknod", devices(1)),
            DeniedCall::eperm_when("mknodat", devices(2)),
        ];
        Self {
            denied: eperm.into_iter().chain(enosys).chain(some).collect(),
        }
    }
}

impl DeniedCall {
    fn always(call: &str, refusal: Refusal) -> Self {
        Self {
            call: call.to_owned(),
            refusal,
            when: Vec::new(),
        }
    }

    fn eperm_when(call: &str, when: Vec<Rule>) -> Self {
        Self {
            call: call.to_owned(),
            refusal: Refusal::Eperm,
            when,
        }
    }
}

fn namespace_flags() -> Vec<Rule> {
    let set = |flag| {
        vec![Argument::Bits {
            index: 0,
            mask: flag,
            value: flag,
        }]
    };
    NAMESPACE_FLAGS.map(set).into()
}

fn foreign_families() -> Vec<Rule> {
    vec![
        SOCKET_FAMILIES
            .map(|value| Argument::IsNot { index: 0, value })
            .into(),
    ]
}

fn typing_requests() -> Vec<Rule> {
    TYPING_REQUESTS
        .map(|value| vec![Argument::Is { index: 1, value }])
        .into()
}

fn devices(mode: u8) -> Vec<Rule> {
    let of = |value| {
        vec![Argument::Bits {
            index: mode,
            mask: FILE_TYPE_BITS,
            value,
        }]
    };
    [CHARACTER_DEVICE, BLOCK_DEVICE].map(of).into()
}
