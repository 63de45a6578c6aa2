//! The system's clock: the one place that reads time.

use jiff::Timestamp;
use lamp_model::clock::{BootTime, Clock};
use rustix::time::{ClockId, clock_gettime};

/// Wall time and time since boot, as the kernel says them.
#[derive(Debug, Clone)]
pub struct SystemClock {
    boot_id: String,
}

impl SystemClock {
    /// Reads which boot this is; it stays the same as long as this process lives.
    pub fn new() -> std::io::Result<Self> {
        let boot_id = fs_err::read_to_string("/proc/sys/kernel/random/boot_id")?;
        Ok(Self {
            boot_id: boot_id.trim().to_owned(),
        })
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one clock that the others are replaced with"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn boot_time(&self) -> BootTime {
        let since_boot = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(since_boot.tv_sec).unwrap_or(0);
        let nanos = u64::try_from(since_boot.tv_nsec).unwrap_or(0);
        BootTime {
            boot_id: self.boot_id.clone(),
            nanos: seconds.saturating_mul(1_000_000_000).saturating_add(nanos),
        }
    }
}
