//! Processes of a host, by the pids that it numbers them with itself.

use std::path::Path;

use super::{Host, HostError};

/// More than a pid file or one line of `/proc/PID/stat` holds, in bytes.
pub(super) const PID_TEXT_MAX_BYTES: u64 = 8 * 1024;

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
            if Stat::read(&stat).is_some_and(|stat| stat.parent == pid) {
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

/// What a line of `/proc/PID/stat` says of a process that lives (proc_pid_stat(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stat {
    /// Its program's name, at most 15 bytes.
    pub(super) name: String,
    /// As in `R`, on a processor or waiting for one.
    pub(super) state: char,
    /// Its parent.
    pub(super) parent: i32,
    /// When it started, in clock ticks since boot.
    pub(super) started: u64,
}

/// Fields behind the state and the parent, up to the time of the start.
const FIELDS_TO_START: usize = 17;

impl Stat {
    /// `None`: a zombie, or no such line. The name in parentheses may hold anything, so what follows is counted from its
    /// last parenthesis.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(line);
        let (before, behind_name) = text.rsplit_once(')')?;
        let (_, name) = before.split_once('(')?;
        let mut fields = behind_name.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let parent = fields.next()?.parse().ok()?;
        let started = fields.nth(FIELDS_TO_START)?.parse().ok()?;
        (!matches!(state, 'Z' | 'X')).then(|| Self {
            name: name.to_owned(),
            state,
            parent,
            started,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line as proc_pid_stat(5) has it, started at tick 4711.
    fn line(name: &str, state: char, parent: i32) -> String {
        format!("7 ({name}) {state} {parent} 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 9 10")
    }

    #[track_caller]
    fn check(line: &str, expected: Option<(&str, i32)>) {
        let read = Stat::read(line.as_bytes());
        let said = read.as_ref().map(|stat| (stat.name.as_str(), stat.parent));
        assert_eq!(said, expected, "{line}");
        assert!(read.is_none_or(|stat| stat.started == 4711), "{line}");
    }

    #[test]
    fn a_name_with_parentheses_hides_no_parent() {
        check(&line("apache2", 'S', 1), Some(("apache2", 1)));
        check(&line("a) R 9 (b", 'S', 5), Some(("a) R 9 (b", 5)));
        check(&line("apache2", 'Z', 1), None);
        check("7 (apache2", None);
        check("7 (apache2) S 1 7 7 0", None);
    }
}
