//! Making a base: `mariabackup` beside the server, its stream unpacked and prepared in a sandbox of its own.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Instant;

use lamp_fleet::Dir;
use lamp_sandbox::plan::{Layer, RootPlan};
use lamp_sandbox::{Child, Command, Exit, OwnDir, Plan, Sandbox};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};

use super::Source;
use crate::error::TwinError;
use crate::plan::RehearsalPlan;
use crate::programs::{MARIABACKUP, MBSTREAM};
use crate::redact;
use crate::up::{GivenUp, ROOT_FILE, letters};

/// Where the base's directory shows in the sandbox that it is made in.
const WORKPLACE: &str = "/mnt";
/// What the backup's two halves said, in the base's directory.
const WORDS: &str = "words.log";
/// How much of it is told, in bytes.
const WORDS_MAX_BYTES: u64 = 1_000;
/// How much of it there may be.
const WORDS_READ_MAX_BYTES: u64 = 16 << 20;
/// Between two looks whether anybody still waits: a fifth of a second.
const LOOK_AGAIN: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 200_000_000,
};
/// Memory for preparing.
const PREPARE_MEMORY: &str = "--use-memory=128M";

/// Fills the empty directory `into` of the base at `path`.
pub(super) fn make(source: &Source<'_>, base: &Dir, path: &Path, into: &str) -> Result<(), TwinError> {
    check_programs(source)?;
    let until = Instant::now() + source.plan.bounds.base_max;
    let workshop = start_workshop(source, path)?;
    let target = Path::new(WORKPLACE).join(into);
    let words = Words::begin(base, source.given_up)?;
    stream(source, &workshop, &target, &words, until)?;
    let prepare = workshop
        .command(MARIABACKUP.name)
        .args(["--no-defaults", "--prepare", PREPARE_MEMORY])
        .arg(option("target-dir", &target))
        .arg(option("tmpdir", &target));
    let prepare = words.hear(prepare)?.spawn()?;
    words.finish(prepare, until, "preparing the copy of the database")?;
    workshop.kill()?;
    base.remove_file(WORDS)?;
    Ok(())
}

fn option(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

fn check_programs(source: &Source<'_>) -> Result<(), TwinError> {
    let bin = source
        .recipe
        .host
        .dir("/usr/bin")
        .map_err(TwinError::Production)?;
    for program in [MARIABACKUP, MBSTREAM] {
        if bin.find(program.name)?.is_none() {
            return Err(TwinError::NoProgram {
                program: program.name,
                package: program.package,
            });
        }
    }
    Ok(())
}

/// The server's half writes a stream, the other half unpacks it.
fn stream(
    source: &Source<'_>,
    workshop: &Sandbox,
    target: &Path,
    words: &Words<'_>,
    until: Instant,
) -> Result<(), TwinError> {
    let (read, write) =
        pipe_with(PipeFlags::CLOEXEC).map_err(|errno| TwinError::system("make a pipe", errno))?;
    let unpack = workshop.command(MBSTREAM.name).args(["-x", "-C"]).arg(target);
    let unpack = words.hear(unpack)?.stdin(read).spawn()?;
    let lab = match &source.plan.site.inside {
        Some(inside) => Some(Sandbox::open(inside.as_path()).map_err(TwinError::NoProduction)?),
        None => None,
    };
    // On this machine the workshop sees the server's files and socket; a sandboxed server is asked where it lives.
    let (beside, tmpdir) = lab
        .as_ref()
        .map_or((workshop, target), |lab| (lab, Path::new("/tmp")));
    let backup = beside
        .command(MARIABACKUP.name)
        .args(["--backup", "--stream=xbstream", "--user=root", "--parallel=2"])
        .arg(option("datadir", source.database.datadir.as_path()))
        .arg(option("socket", source.database.socket.as_path()))
        .arg(option("tmpdir", tmpdir))
        .arg(option("target-dir", tmpdir));
    let backup = words.hear(backup)?.stdout(write).spawn()?;
    words.finish(backup, until, "copying the database")?;
    words.finish(unpack, until, "unpacking the copy of the database")
}

/// A sandbox with the host's programs and the base; on this machine with the server's files and socket too.
fn start_workshop(source: &Source<'_>, path: &Path) -> Result<Sandbox, TwinError> {
    let parent = source.plan.state_dir.join("twins");
    let name = format!("base-{}", letters(source.plan.name.as_str()));
    let plan = workshop(source.plan, &source.recipe.layers, path, &name, &parent);
    lamp_sandbox::start(&plan, source.init).map_err(TwinError::Start)
}

fn workshop(
    rehearsal: &RehearsalPlan,
    of_production: &[Layer],
    path: &Path,
    name: &str,
    parent: &Path,
) -> Plan {
    let mut plan = Plan::lab(name, &parent.join(name), vec![OwnDir::at(path, WORKPLACE)]);
    let on_this_machine = rehearsal.site.inside.is_none();
    if on_this_machine && let RootPlan::ReadOnlyBind { layers, own } = &mut plan.root {
        *layers = of_production.to_vec();
        own.push(OwnDir::at("/run", "/run"));
        plan.tmpfs.clear();
        plan.dirs.clear();
    }
    plan
}

/// What the programs said, in a file beside the base.
struct Words<'a> {
    base: &'a Dir,
    file: OwnedFd,
    given_up: &'a GivenUp,
}

impl<'a> Words<'a> {
    fn begin(base: &'a Dir, given_up: &'a GivenUp) -> Result<Self, TwinError> {
        base.remove_file(WORDS)?;
        let file = base.create_file(WORDS, ROOT_FILE)?;
        Ok(Self {
            base,
            file: file.into(),
            given_up,
        })
    }

    fn hear(&self, command: Command) -> Result<Command, TwinError> {
        let file = self
            .file
            .try_clone()
            .map_err(|error| TwinError::system("share a file", error))?;
        Ok(command.stderr(file))
    }

    /// Waits until `child` has ended well; it is killed when time is up.
    fn finish(&self, child: Child, until: Instant, doing: &'static str) -> Result<(), TwinError> {
        if !self.ended_by(&child, until)? {
            child.kill()?;
        }
        match child.wait()? {
            Exit::Code(0) => Ok(()),
            Exit::Code(_) | Exit::Signal(_) => Err(TwinError::Database {
                doing,
                said: self.last(),
            }),
        }
    }

    /// Looks now and then whether anybody still waits; a child that is let go is killed.
    fn ended_by(&self, child: &Child, until: Instant) -> Result<bool, TwinError> {
        while Instant::now() < until {
            self.given_up.check()?;
            let mut watched = [PollFd::new(child.pidfd(), PollFlags::IN)];
            if poll(&mut watched, Some(&LOOK_AGAIN)).is_ok_and(|ready| ready > 0) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Their end, which says why.
    fn last(&self) -> String {
        let bytes = self
            .base
            .read_file(WORDS, WORDS_READ_MAX_BYTES)
            .unwrap_or_default();
        let from = bytes
            .len()
            .saturating_sub(usize::try_from(WORDS_MAX_BYTES).unwrap_or_default());
        redact::secrets(&String::from_utf8_lossy(bytes.get(from..).unwrap_or_default()))
    }
}
