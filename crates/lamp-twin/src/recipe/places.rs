//! Directories that production's services find when they start, and which of them run.

use std::path::{Path, PathBuf};

use lamp_fleet::walk::Enter;
use lamp_fleet::{Host, Kind};

use super::found;
use crate::error::TwinError;

/// Directories that are made again in a twin, at most; a place with more is a place of something else.
const DIRS_MAX: usize = 256;
/// How deep below /run or /var/log a service's own directory lies, at most.
const DEPTH_MAX: usize = 3;
/// Users of a twin: a directory of another is nobody's there.
const USERS: u32 = lamp_sandbox::plan::ID_RANGE;
/// Below /run, of no service of a site.
const NOT_OF_SITES: [&str; 14] = [
    "credentials",
    "docker",
    "containerd",
    "initramfs",
    "lamp",
    "log",
    "mount",
    "netns",
    "screen",
    "sshd",
    "sudo",
    "systemd",
    "udev",
    "user",
];
/// More than a process's name.
const NAME_MAX_BYTES: u64 = 64;

/// A directory as it is in production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundDir {
    pub(crate) path: PathBuf,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// The directories below `place`, each after the one that it lies in.
pub(super) fn below(host: &Host, place: &str) -> Result<Vec<FoundDir>, TwinError> {
    let Some(dir) = found(host.dir(place))? else {
        return Ok(Vec::new());
    };
    let mut dirs = Vec::new();
    dir.walk::<TwinError>(&mut |item| {
        let passed_over = NOT_OF_SITES.iter().any(|name| item.path == Path::new(name));
        if item.kind != Kind::Dir || passed_over || dirs.len() == DIRS_MAX {
            return Ok(Enter::No);
        }
        // It may be gone since it was listed.
        let Ok(meta) = item.meta() else {
            return Ok(Enter::No);
        };
        if meta.uid >= USERS || meta.gid >= USERS {
            return Ok(Enter::No);
        }
        dirs.push(FoundDir {
            path: Path::new(place).join(item.path),
            mode: meta.mode & 0o1777,
            uid: meta.uid,
            gid: meta.gid,
        });
        let deeper = item.path.components().count() < DEPTH_MAX;
        Ok(if deeper { Enter::Yes } else { Enter::No })
    })?;
    Ok(dirs)
}

/// What stands behind `program` in the names of processes that run, as in `8.2` of `php-fpm8.2`; sorted.
pub(super) fn running(host: &Host, program: &str) -> Result<Vec<String>, TwinError> {
    let Some(proc) = found(host.dir("/proc"))? else {
        return Ok(Vec::new());
    };
    let mut endings = Vec::new();
    for (name, _) in proc.names()? {
        if name.to_str().is_none_or(|name| name.parse::<u32>().is_err()) {
            continue;
        }
        // One that has ended since does not run.
        let comm = proc.read_file(Path::new(&name).join("comm"), NAME_MAX_BYTES);
        let comm = comm.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
        endings.extend(
            comm.ok()
                .and_then(|name| name.strip_prefix(program).and_then(version)),
        );
    }
    endings.sort();
    endings.dedup();
    Ok(endings)
}

/// Digits and dots: the ending becomes part of a path.
fn version(text: &str) -> Option<String> {
    let valid = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && !text.contains("..");
    valid.then(|| text.to_owned())
}

/// The unix socket that a pool's configuration listens on.
pub(super) fn pool_socket(text: &str) -> Option<PathBuf> {
    let values = text.lines().filter_map(|line| line.split_once('='));
    let listens = values.filter(|(key, _)| key.trim() == "listen");
    let mut listens = listens.map(|(_, value)| PathBuf::from(value.trim()));
    listens.find(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_says_where_it_listens() {
        let socket = |text| pool_socket(text);
        let debian = "[www]\n;listen = /no\nuser = www-data\nlisten = /run/php/php8.2-fpm.sock\nlisten.owner = www-data\n";
        assert_eq!(socket(debian), Some(PathBuf::from("/run/php/php8.2-fpm.sock")));
        assert_eq!(socket("listen = 127.0.0.1:9000\n"), None);
    }

    #[test]
    fn only_digits_and_dots_are_a_version() {
        assert_eq!(version("8.2"), Some("8.2".to_owned()));
        assert_eq!(version(".."), None);
        assert_eq!(version("/x"), None);
    }
}
