//! How much a sandbox may take of the host.

use serde::{Deserialize, Serialize};

/// Bounds held by control groups; `None`: no bound of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// Memory, tmpfs included, in bytes; swap is not given at all.
    pub memory_bytes: Option<u64>,
    /// Processes and threads at one time.
    pub processes: Option<u32>,
    /// Share of the processor when it is short: 1 to 10,000; the host's own groups have 100.
    pub cpu_weight: Option<u16>,
    /// Share of the disk when it is short: 1 to 10,000; the host's own groups have 100.
    pub io_weight: Option<u16>,
}

impl Bounds {
    /// No bound.
    pub const fn none() -> Self {
        Self {
            memory_bytes: None,
            processes: None,
            cpu_weight: None,
            io_weight: None,
        }
    }

    /// Enough for Apache, PHP and MariaDB of one site.
    pub const fn twin() -> Self {
        Self {
            memory_bytes: Some(1 << 30),
            processes: Some(512),
            cpu_weight: Some(20),
            io_weight: Some(20),
        }
    }
}
