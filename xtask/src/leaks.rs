//! What a test run left on this machine: processes, mounts, cgroups, loop devices and directories that
//! bear the mark of a run.
//!
//! The mark is the prefix `lamp-` of everything that Lamplighter makes outside its store, and
//! [`MARK_VARIABLE`], which `.ci/run` gives to all that it starts. `--self-test` is the control: it
//! plants one of each and demands that all are found.

mod found;
mod plant;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(crate) use plant::{WAIT, self_test, wait_for_end_of_input};

use found::{Kind, Leak};

/// Set by `.ci/run`; a process that has it was started by that run.
pub(crate) const MARK_VARIABLE: &str = "LAMP_RUN_MARK";
/// What the names of sandboxes, labs, cgroups and scratch directories begin with.
pub(crate) const PREFIX: &str = "lamp-";
/// Where scratch directories are made.
const SCRATCH: &[&str] = &[
    "/tmp",
    "/var/tmp",
    "/run",
    "/run/netns",
    "/run/lock",
    "/dev/shm",
    "/var/lib",
];
/// Where hierarchies of cgroups are mounted.
const CGROUPS: &str = "/sys/fs/cgroup";
/// Deeper cgroups belong to one of these.
const CGROUP_DEPTH_MAX: usize = 4;

/// Prints what is left and answers 1 if anything is.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        is_root(),
        "the environment of other users' processes is read as root only"
    );
    let leaks = all()?;
    for leak in &leaks {
        println!("{leak}");
    }
    println!("leaks: {}", summary(&leaks));
    Ok(if leaks.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

fn is_root() -> bool {
    fs_err::metadata("/proc/self").is_ok_and(|entry| std::os::unix::fs::MetadataExt::uid(&entry) == 0)
}

fn summary(leaks: &[Leak]) -> String {
    let count = |kind: Kind| leaks.iter().filter(|leak| leak.kind == kind).count();
    let part = |kind: Kind| format!("{} {}", count(kind), kind.plural());
    Kind::ALL.map(part).join(", ")
}

fn all() -> anyhow::Result<Vec<Leak>> {
    let mut leaks = processes()?;
    leaks.extend(found::mounts(&fs_err::read_to_string("/proc/self/mountinfo")?));
    leaks.extend(cgroups(Path::new(CGROUPS), 0));
    leaks.extend(loop_devices());
    leaks.extend(
        SCRATCH
            .iter()
            .flat_map(|directory| marked_in(Path::new(directory))),
    );
    Ok(leaks)
}

/// Every process of the run but this one and those that started it. Without a mark in this program's
/// own environment, those of any run.
fn processes() -> anyhow::Result<Vec<Leak>> {
    let ancestors = ancestors(std::process::id());
    let mark = std::env::var_os(MARK_VARIABLE).map(|mark| mark.to_string_lossy().into_owned());
    let mark = format!("{MARK_VARIABLE}={}", mark.unwrap_or_default());
    let mut leaks = Vec::new();
    for entry in fs_err::read_dir("/proc")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let Ok(pid) = name.parse::<u32>() else { continue };
        if !ancestors.contains(&pid) {
            leaks.extend(found::process(pid, &facts(pid), &mark));
        }
    }
    Ok(leaks)
}

/// A process that ends meanwhile reads as empty, so it is no leak.
fn facts(pid: u32) -> found::ProcessFacts {
    let read = |name: &str| fs_err::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let text = |name: &str| String::from_utf8_lossy(&read(name)).into_owned();
    found::ProcessFacts {
        environment: text("environ"),
        cgroup: text("cgroup"),
        command: text("cmdline"),
    }
}

fn ancestors(pid: u32) -> Vec<u32> {
    let mut pids = vec![pid];
    let mut at = pid;
    while let Some(parent) = parent(at).filter(|parent| *parent > 0) {
        pids.push(parent);
        at = parent;
    }
    pids
}

/// The fourth field of /proc/PID/stat; the second may hold blanks and brackets.
fn parent(pid: u32) -> Option<u32> {
    let stat = fs_err::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(1)?.parse().ok()
}

fn cgroups(directory: &Path, depth: usize) -> Vec<Leak> {
    if depth > CGROUP_DEPTH_MAX {
        return Vec::new();
    }
    let below = subdirectories(directory);
    let of_one = |path: PathBuf| {
        if is_marked(&path) {
            vec![Leak::new(Kind::Cgroup, path.display())]
        } else {
            cgroups(&path, depth + 1)
        }
    };
    below.into_iter().flat_map(of_one).collect()
}

fn subdirectories(directory: &Path) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

fn is_marked(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| found::is_marked_name(&name.to_string_lossy()))
}

fn loop_devices() -> Vec<Leak> {
    let devices = fs_err::read_dir("/sys/block")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let backing = |device: PathBuf| {
        Some((
            fs_err::read_to_string(device.join("loop/backing_file")).ok()?,
            device,
        ))
    };
    let marked = devices
        .filter_map(backing)
        .filter(|(file, _)| file.split('/').any(found::is_marked_name));
    marked
        .map(|(file, device)| {
            Leak::new(
                Kind::LoopDevice,
                format_args!("{} of {}", device.display(), file.trim()),
            )
        })
        .collect()
}

fn marked_in(directory: &Path) -> Vec<Leak> {
    let entries = fs_err::read_dir(directory).into_iter().flatten().flatten();
    let marked = entries.map(|entry| entry.path()).filter(|path| is_marked(path));
    marked
        .map(|path| Leak::new(Kind::Directory, path.display()))
        .collect()
}
