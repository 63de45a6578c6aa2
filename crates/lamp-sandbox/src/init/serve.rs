//! Serves commands and reaps: the one loop of process 1.
//!
//! Invariant: only this loop waits for children, so a child that it has just started cannot be gone before
//! its descriptor was sent.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, WaitStatus};

use super::Inherited;
use crate::message::{Progress, Ran, Run, Standard};
use crate::{sys, wire};

/// Callers at one time; more wait in the socket's queue.
const CALLERS_MAX: usize = 256;

/// Programs are looked for here when a command sets no PATH.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// One connected caller.
struct Caller {
    socket: OwnedFd,
    /// Its command, once it has asked for one.
    command: Option<Running>,
}

struct Running {
    pid: Pid,
    outlives_caller: bool,
}

struct Server<'a> {
    inherited: &'a Inherited,
    deaths: OwnedFd,
    callers: HashMap<u64, Caller>,
    /// Counts callers, so that each has a key of its own.
    next: u64,
}

/// What woke the loop.
enum Woken {
    KeeperGone,
    ChildDied,
    NewCaller,
    Caller(u64),
}

/// Serves until the keeper is gone.
pub(super) fn serve(inherited: &Inherited) -> i32 {
    match serve_until_keeper_is_gone(inherited) {
        Ok(()) => 0,
        Err(_) => 1,
    }
}

fn serve_until_keeper_is_gone(inherited: &Inherited) -> io::Result<()> {
    let deaths = sys::child_deaths()?;
    let mut server = Server {
        inherited,
        deaths,
        callers: HashMap::new(),
        next: 0,
    };
    wire::send(&inherited.keeper, &Progress::Serving, &[])?;
    loop {
        for woken in server.wait()? {
            match woken {
                Woken::KeeperGone => return Ok(()),
                Woken::ChildDied => server.reap()?,
                Woken::NewCaller => server.accept()?,
                Woken::Caller(key) => server.hear(key),
            }
        }
    }
}

impl Server<'_> {
    fn wait(&self) -> io::Result<Vec<Woken>> {
        let mut fds = vec![
            PollFd::new(&self.inherited.keeper, PollFlags::IN),
            PollFd::new(&self.deaths, PollFlags::IN),
        ];
        let mut meaning = vec![Woken::KeeperGone, Woken::ChildDied];
        if self.callers.len() < CALLERS_MAX {
            fds.push(PollFd::new(&self.inherited.listener, PollFlags::IN));
            meaning.push(Woken::NewCaller);
        }
        for (key, caller) in &self.callers {
            fds.push(PollFd::new(&caller.socket, PollFlags::IN));
            meaning.push(Woken::Caller(*key));
        }
        match poll(&mut fds, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(Vec::new()),
            Err(other) => return Err(other.into()),
        }
        let woken = fds.iter().map(|fd| !fd.revents().is_empty());
        Ok(woken
            .zip(meaning)
            .filter_map(|(is, meaning)| is.then_some(meaning))
            .collect())
    }

    fn accept(&mut self) -> io::Result<()> {
        if let Some(socket) = wire::accept(&self.inherited.listener)? {
            self.callers.insert(
                self.next,
                Caller {
                    socket,
                    command: None,
                },
            );
            self.next += 1;
        }
        Ok(())
    }

    /// Its request, or its end. A caller that breaks the rules is let go.
    fn hear(&mut self, key: u64) {
        let Some(caller) = self.callers.get_mut(&key) else {
            return;
        };
        match wire::receive::<Run>(&caller.socket) {
            Ok(Some(asked)) if caller.command.is_none() => {
                if answer(caller, asked.message, asked.fds).is_err() {
                    self.let_go(key);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(_) | Err(_) => self.let_go(key),
        }
    }

    fn let_go(&mut self, key: u64) {
        let command = self.callers.remove(&key).and_then(|caller| caller.command);
        if let Some(running) = command.filter(|running| !running.outlives_caller) {
            // Not reaped yet, so the pid is still its own; that it has just ended is no error.
            let _ended = rustix::process::kill_process(running.pid, Signal::KILL);
        }
    }

    /// Takes every child that has ended, ours or one that others left, and tells who asked for it.
    fn reap(&mut self) -> io::Result<()> {
        let mut drained = [0; 128];
        let _emptied = rustix::io::read(&self.deaths, &mut drained);
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => self.tell(pid, status),
                Ok(None) | Err(rustix::io::Errno::CHILD) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(other) => return Err(other.into()),
            }
        }
    }

    fn tell(&mut self, pid: Pid, status: WaitStatus) {
        let asked = |caller: &Caller| caller.command.as_ref().is_some_and(|running| running.pid == pid);
        let key = self
            .callers
            .iter()
            .find_map(|(key, caller)| asked(caller).then_some(*key));
        let Some(caller) = key.and_then(|key| self.callers.remove(&key)) else {
            return;
        };
        // A caller that no longer listens does not want to know.
        let _told = wire::send(&caller.socket, &ending(status), &[]);
    }
}

fn ending(status: WaitStatus) -> Ran {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Ran::Code(code),
        (None, Some(signal)) => Ran::Signal(signal),
        (None, None) => Ran::Code(-1),
    }
}

fn answer(caller: &mut Caller, run: Run, fds: Vec<OwnedFd>) -> io::Result<()> {
    let outlives_caller = run.outlives_caller;
    let child = match command(run, fds).and_then(|mut command| command.spawn()) {
        Ok(child) => child,
        Err(error) => {
            let errno = error.raw_os_error().unwrap_or(libc::EIO);
            return wire::send(&caller.socket, &Ran::Refused { errno }, &[]);
        }
    };
    let pid = Pid::from_child(&child);
    caller.command = Some(Running { pid, outlives_caller });
    let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
    wire::send(&caller.socket, &Ran::Running, &[pidfd.as_fd()])
}

fn command(run: Run, fds: Vec<OwnedFd>) -> io::Result<Command> {
    let mut command = Command::new(OsString::from(run.program));
    command
        .args(run.args.into_iter().map(OsString::from))
        .env_clear()
        .env("PATH", PATH)
        .envs(
            run.env
                .into_iter()
                .map(|(name, value)| (OsString::from(name), OsString::from(value))),
        )
        .current_dir(run.cwd);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    for (which, fd) in run.given.into_iter().zip(fds) {
        match which {
            Standard::In => command.stdin(fd),
            Standard::Out => command.stdout(fd),
            Standard::Err => command.stderr(fd),
        };
    }
    if let Some((uid, gid)) = run.user {
        command.uid(uid).gid(gid);
    }
    sys::seal(&mut command);
    Ok(command)
}
