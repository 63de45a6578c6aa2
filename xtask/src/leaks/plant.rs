//! The control: a leak check that finds nothing is worth something only if it finds what was planted.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::Context;

use super::found::{Kind, Leak};
use super::{CGROUPS, MARK_VARIABLE, PREFIX};

/// The argument that makes this program wait for the end of its input: the planted process.
pub(crate) const WAIT: &str = "--wait";

/// Plants one of each kind, demands that each is found, and removes them.
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

/// Size of the file behind the planted loop device, in bytes.
const LOOP_BYTES: u64 = 1 << 20;

struct Planted {
    process: Child,
    directories: Vec<(Kind, PathBuf)>,
    mount: Option<PathBuf>,
    loop_device: Option<String>,
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
            mount: None,
            loop_device: None,
        };
        let scratch = PathBuf::from(super::SCRATCH[0]).join(&name);
        planted.plant(Kind::Directory, scratch.clone())?;
        if let Some(parent) = cgroup_parent() {
            planted.plant(Kind::Cgroup, parent.join(&name))?;
        }
        planted.plant_mount(&scratch)?;
        planted.plant_loop_device(&scratch)?;
        Ok(planted)
    }

    fn plant_mount(&mut self, point: &Path) -> anyhow::Result<()> {
        run("mount", &["-t", "tmpfs", "lamp-planted", path_text(point)?])?;
        self.mount = Some(point.to_owned());
        Ok(())
    }

    /// Its file goes with the planted mount.
    fn plant_loop_device(&mut self, dir: &Path) -> anyhow::Result<()> {
        let file = dir.join("disk");
        fs_err::File::create(&file)?.set_len(LOOP_BYTES)?;
        self.loop_device = Some(run("losetup", &["--find", "--show", path_text(&file)?])?);
        Ok(())
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
        let mount = self
            .mount
            .iter()
            .map(|point| (Kind::Mount, point.display().to_string()));
        let device = |device: &String| (Kind::LoopDevice, device.replace("/dev/", "/sys/block/") + " ");
        let all = paths
            .chain(mount)
            .chain(self.loop_device.iter().map(device))
            .chain([(Kind::Process, format!("{} ", self.process.id()))]);
        all.filter(|(kind, name)| !found(*kind, name))
            .map(|(kind, name)| format!("{}: {name}", kind.plural()))
            .collect()
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ended = self.process.wait();
        // What cannot be undone is found by the check that follows.
        if let Some(device) = &self.loop_device {
            let _detached = run("losetup", &["--detach", device]);
        }
        if let Some(point) = &self.mount {
            let _unmounted = run("umount", &[&point.to_string_lossy()]);
        }
        for (_, path) in &self.directories {
            let _removed = fs_err::remove_dir(path);
        }
    }
}

/// What a program printed, without the newline at its end.
fn run(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .context("start it")?;
    anyhow::ensure!(
        output.status.success(),
        "{program} {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn path_text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a path that is text")
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
