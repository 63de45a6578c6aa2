//! The control: a leak check that finds nothing is worth something only if it finds what was planted.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::Context;

use super::found::{Kind, Leak};
use super::{CGROUPS, MARK_VARIABLE, PREFIX};

/// The argument that makes this program wait for the end of its input: the planted process.
pub(crate) const WAIT: &str = "--wait";

/// Plants a process, a directory and a cgroup, demands that each is found, and removes them.
pub(crate) fn self_test() -> anyhow::Result<ExitCode> {
    let planted = Planted::new()?;
    let leaks = super::all()?;
    let missed = planted.missed(&leaks);
    drop(planted);
    for what in &missed {
        println!("planted, but not found: {what}");
    }
    println!(
        "leaks: self-test {}",
        if missed.is_empty() {
            "found what was planted"
        } else {
            "failed"
        }
    );
    Ok(if missed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

/// What the planted process does.
pub(crate) fn wait_for_end_of_input() -> anyhow::Result<ExitCode> {
    std::io::stdin()
        .read_to_end(&mut Vec::new())
        .context("standard input")?;
    Ok(ExitCode::SUCCESS)
}

struct Planted {
    process: Child,
    directories: Vec<(Kind, PathBuf)>,
}

impl Planted {
    fn new() -> anyhow::Result<Self> {
        let name = format!("{PREFIX}planted-{}", std::process::id());
        let process = Command::new(std::env::current_exe()?)
            .args(["leaks", WAIT])
            .env(
                MARK_VARIABLE,
                std::env::var_os(MARK_VARIABLE).unwrap_or_else(|| name.clone().into()),
            )
            .stdin(Stdio::piped())
            .spawn()
            .context("the planted process")?;
        let mut planted = Planted {
            process,
            directories: Vec::new(),
        };
        planted.plant(Kind::Directory, PathBuf::from(super::SCRATCH[0]).join(&name))?;
        if let Some(parent) = cgroup_parent() {
            planted.plant(Kind::Cgroup, parent.join(&name))?;
        }
        Ok(planted)
    }

    fn plant(&mut self, kind: Kind, path: PathBuf) -> anyhow::Result<()> {
        fs_err::create_dir(&path)?;
        self.directories.push((kind, path));
        Ok(())
    }

    fn missed(&self, leaks: &[Leak]) -> Vec<String> {
        let found = |kind: Kind, name: &str| {
            leaks
                .iter()
                .any(|leak| leak.kind == kind && leak.name.starts_with(name))
        };
        let paths = self
            .directories
            .iter()
            .map(|(kind, path)| (*kind, path.display().to_string()));
        let all = paths.chain([(Kind::Process, format!("{} ", self.process.id()))]);
        all.filter(|(kind, name)| !found(*kind, name))
            .map(|(kind, name)| format!("{}: {name}", kind.plural()))
            .collect()
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ended = self.process.wait();
        for (_, path) in &self.directories {
            let _removed = fs_err::remove_dir(path);
        }
    }
}

/// The first hierarchy in which a cgroup can be made: v2's root, or one of v1's.
fn cgroup_parent() -> Option<PathBuf> {
    let root = PathBuf::from(CGROUPS);
    if root.join("cgroup.procs").exists() {
        return Some(root);
    }
    super::subdirectories(&root)
        .into_iter()
        .find(|path| path.join("cgroup.procs").exists())
}
