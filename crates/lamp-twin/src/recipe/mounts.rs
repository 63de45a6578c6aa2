//! Which filesystems of this machine a twin shows, from the kernel's table (proc_pid_mountinfo(5)).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// Filesystems that keep files on a disk, and whose owners the kernel can shift.
const REAL: [&str; 7] = ["ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs"];
/// The kernel's own, and memory: a twin has its own of these, or none.
const OWN_OR_NONE: [&str; 24] = [
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nsfs",
    "overlay",
    "proc",
    "pstore",
    "ramfs",
    "rpc_pipefs",
    "securityfs",
    "squashfs",
    "sysfs",
    "tmpfs",
    "tracefs",
];
/// Where nothing that a site needs is mounted: hidden from twins, or other tools' business.
const PASSED_OVER: [&str; 10] = [
    "/home",
    "/root",
    "/media",
    "/mnt",
    "/tmp",
    "/run",
    "/var/tmp",
    "/var/lib/docker",
    "/var/lib/containers",
    "/boot",
];
/// Layers at most: each is an overlay of its own.
const LAYERS_MAX: usize = 16;

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Mount points that show, the root first, each after those that it lies in.
    pub(super) shown: Vec<PathBuf>,
    /// Mount points of real files that do not.
    pub(super) not_shown: Vec<PathBuf>,
}

/// Reads the table.
pub(super) fn find(table: &str) -> Found {
    // A later line of the same place lies over an earlier one; paths sort each behind those that hold it.
    let places: BTreeMap<PathBuf, &str> = table.lines().filter_map(place_and_kind).collect();
    let mut found = Found::default();
    for (place, kind) in places {
        let passed_over = PASSED_OVER.iter().any(|dir| place.starts_with(dir));
        if passed_over || OWN_OR_NONE.contains(&kind) {
            continue;
        }
        if REAL.contains(&kind) && found.shown.len() < LAYERS_MAX {
            found.shown.push(place);
        } else {
            found.not_shown.push(place);
        }
    }
    found
}

/// The mount point, fifth of a line, and the kind of filesystem, first behind the lone `-`.
fn place_and_kind(line: &str) -> Option<(PathBuf, &str)> {
    let (mount, filesystem) = line.split_once(" - ")?;
    let place = unescaped(mount.split(' ').nth(4)?);
    Path::new(&place).is_absolute().then(|| {
        filesystem
            .split(' ')
            .next()
            .map(|kind| (PathBuf::from(place), kind))
    })?
}

/// Blanks, line ends and backslashes stand there as `\` and three octal digits.
fn unescaped(text: &str) -> OsString {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..3).filter(|_| *first == b'\\');
        let code = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &behind[3..] } else { behind };
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(table: &str, shown: &[&str], not_shown: &[&str]) {
        let paths = |all: &[&str]| all.iter().map(PathBuf::from).collect::<Vec<_>>();
        let expected = Found {
            shown: paths(shown),
            not_shown: paths(not_shown),
        };
        assert_eq!(find(table), expected);
    }

    #[test]
    fn real_filesystems_show_and_others_do_not() {
        check(
            "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
             23 22 0:5 / /proc rw - proc proc rw\n\
             40 22 8:2 / /srv/my\\040shop rw - xfs /dev/sdb1 rw\n\
             41 22 8:3 / /srv rw - xfs /dev/sdc1 rw\n\
             42 22 0:40 / /srv/share rw - nfs4 nas:/share rw\n\
             43 22 8:9 / /home rw - ext4 /dev/sdd1 rw\n\
             44 22 0:50 / /run/x rw - ext4 /dev/loop1 rw\n",
            &["/", "/srv", "/srv/my shop"],
            &["/srv/share"],
        );
        check("garbage\n1 2 3 - \n", &[], &[]);
    }
}
