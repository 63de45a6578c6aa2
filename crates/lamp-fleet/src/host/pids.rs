//! Processes of a host, by the pids that it numbers them with itself.

use std::path::Path;

use super::{Host, HostError};

/// More than a pid file or one line of `/proc/PID/stat` holds, in bytes.
const PID_TEXT_MAX_BYTES: u64 = 8 * 1024;

impl Host {
    /// The process id in the file at the absolute `path`.
    pub fn pid_in(&self, path: &Path) -> Result<i32, HostError> {
        let (dir, name) = self.dir_of(path)?;
        let bytes = dir.read_file(name, PID_TEXT_MAX_BYTES)?;
        let pid = String::from_utf8_lossy(&bytes).trim().parse().ok();
        pid.filter(|pid| *pid > 0).ok_or_else(|| HostError::NoPid {
            path: path.to_owned(),
        })
    }

    /// The living children of `pid`, sorted.
    pub fn children_of(&self, pid: i32) -> Result<Vec<i32>, HostError> {
        let proc = self.dir("/proc")?;
        let mut children = Vec::new();
        for (name, _) in proc.names()? {
            let Some(child) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            // A process that ended since the listing is no child any more.
            let Ok(stat) = proc.read_file(Path::new(&name).join("stat"), PID_TEXT_MAX_BYTES) else {
                continue;
            };
            if parent_in(&stat) == Some(pid) {
                children.push(child);
            }
        }
        children.sort_unstable();
        Ok(children)
    }

    /// Whether the process `pid` is there.
    pub fn is_alive(&self, pid: i32) -> Result<bool, HostError> {
        Ok(self.dir("/proc")?.find(pid.to_string())?.is_some())
    }
}

/// The parent in a line of `/proc/PID/stat`, `None` for a zombie. The name in parentheses may hold anything,
/// so what follows is counted from its last parenthesis (proc_pid_stat(5)).
fn parent_in(stat: &[u8]) -> Option<i32> {
    let text = String::from_utf8_lossy(stat);
    let (_, behind_name) = text.rsplit_once(')')?;
    let mut fields = behind_name.split_ascii_whitespace();
    let state = fields.next()?;
    fields
        .next()?
        .parse()
        .ok()
        .filter(|_| !matches!(state, "Z" | "X"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_hides_no_parent() {
        assert_eq!(parent_in(b"7 (a) R 9 (b) S 5 7 7 0"), Some(5));
        assert_eq!(parent_in(b"7 (apache2) S 1 7 7 0"), Some(1));
        assert_eq!(parent_in(b"7 (apache2) Z 1 7 7 0"), None);
        assert_eq!(parent_in(b"7 (apache2"), None);
    }
}
