//! Whether this machine has memory for a twin.

use lamp_fleet::Host;

use crate::error::TwinError;

/// More than the kernel's table holds.
const TABLE_MAX_BYTES: u64 = 64 * 1024;

/// Refuses when less than `needed_bytes` are free: a twin must never be what makes production short.
pub(crate) fn check(needed_bytes: u64) -> Result<(), TwinError> {
    let proc = Host::local().dir("/proc").map_err(TwinError::Production)?;
    let table = proc.read_file("meminfo", TABLE_MAX_BYTES)?;
    match available_bytes(&String::from_utf8_lossy(&table)) {
        Some(free_bytes) if free_bytes < needed_bytes => Err(TwinError::NoMemory {
            needed_bytes,
            free_bytes,
        }),
        _ => Ok(()),
    }
}

/// `MemAvailable` of proc_meminfo(5).
fn available_bytes(table: &str) -> Option<u64> {
    let line = table
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_memory_is_read_and_held_against_the_need() {
        let table = "MemTotal:       24684084 kB\nMemFree: 1 kB\nMemAvailable:    2048 kB\n";
        assert_eq!(available_bytes(table), Some(2 << 20));
        assert_eq!(available_bytes(""), None);
        check(1).expect("there is a byte");
        let refused = check(u64::MAX).expect_err("never so much");
        assert!(
            refused
                .to_string()
                .starts_with("a twin needs 17592186044415 MiB of free memory, ")
        );
    }
}
