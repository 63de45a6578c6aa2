//! A real Apache with real PHP, alone in network, mount and process namespaces of its own.
//!
//! Everything in there ends with its process 1, which is killed when the [`Stack`] is dropped, and by the kernel when
//! the test dies.

use std::net::TcpStream;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fs_err as fs;
use lamp_apache::DoorKey;
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::client::{Answer, Connection, H2};
use crate::config::{self, SITE};
use crate::store::Store;

const READY_WITHIN: Duration = Duration::from_secs(20);
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sapi {
    /// mpm_prefork with mod_php.
    Prefork,
    /// mpm_event with php-fpm, HTTP/2 in clear text.
    Event,
}

/// Whether the file that our lines ask for is there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ModuleFile {
    Installed,
    Missing,
}

pub(crate) struct Setup {
    pub(crate) sapi: Sapi,
    pub(crate) module: ModuleFile,
    pub(crate) door: Option<DoorKey>,
    /// Lines for every virtual host.
    pub(crate) lines: &'static str,
}

impl Setup {
    pub(crate) fn of(sapi: Sapi) -> Self {
        Self {
            sapi,
            module: ModuleFile::Installed,
            door: None,
            lines: "",
        }
    }
}

pub(crate) struct Stack {
    dir: tempfile::TempDir,
    pub(crate) store: Store,
    child: Child,
    net: OwnedFd,
}

impl Stack {
    /// Starts a stack whose `current` names release `a`.
    pub(crate) fn start(setup: &Setup) -> Self {
        Self::start_with(setup, |_| {})
    }

    /// As [`Stack::start`], on a store that `prepare` has altered.
    pub(crate) fn start_with(setup: &Setup, prepare: impl FnOnce(&Store)) -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "a stack needs root for its namespaces: run the tests with sudo"
        );
        // With a space, so that every quoting in our lines is put to use.
        let dir = tempfile::Builder::new()
            .prefix("lamp-apache test ")
            .tempdir()
            .expect("a directory");
        fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).expect("mode");
        let store = Store::create(dir.path().join("store"));
        prepare(&store);
        config::write_all(dir.path(), setup);
        let child = spawn(dir.path());
        let net = namespace_of(&child);
        let mut stack = Self {
            dir,
            store,
            child,
            net,
        };
        stack.wait_until_ready();
        stack
    }

    /// A connection from inside the stack's network.
    pub(crate) fn connect(&self, site: &str) -> TcpStream {
        let connected = self.try_connect(site);
        assert!(
            connected.is_ok(),
            "{site}: {connected:?}\n{}",
            self.log("error.log")
        );
        connected.expect("just looked at")
    }

    /// One GET on a connection of its own.
    pub(crate) fn get(&self, site: &str, path: &str, headers: &str) -> Answer {
        Connection::new(self.connect(site)).get(path, headers)
    }

    /// The body of one GET that must be answered with 200.
    #[track_caller]
    pub(crate) fn body(&self, path: &str) -> String {
        let answer = self.get(SITE, path, "");
        assert_eq!(
            answer.status,
            200,
            "{path}: {}\n{}",
            answer.body,
            self.log("error.log")
        );
        answer.body
    }

    pub(crate) fn h2(&self) -> H2 {
        H2::new(self.connect(SITE))
    }

    pub(crate) fn gate(&self) -> PathBuf {
        self.dir.path().join("gate")
    }

    pub(crate) fn outside(&self) -> PathBuf {
        self.dir.path().join("outside")
    }

    /// Waits until the slow request runs.
    pub(crate) fn wait_for_slow(&self) {
        let deadline = Instant::now() + READY_WITHIN;
        while !self.gate().join("started").exists() {
            assert!(
                Instant::now() < deadline,
                "the slow request never ran\n{}",
                self.log("error.log")
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn log(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join("logs").join(name)).unwrap_or_default()
    }

    /// The lines of our access log, once there are `count` of them: Apache writes each after its answer.
    pub(crate) fn log_lines(&self, count: usize) -> Vec<String> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let lines: Vec<String> = self.log("lamp.log").lines().map(str::to_owned).collect();
            if lines.len() >= count {
                return lines;
            }
            assert!(
                Instant::now() < deadline,
                "{} of {count} lines: {lines:?}",
                lines.len()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn try_connect(&self, site: &str) -> std::io::Result<TcpStream> {
        let join = || move_into_link_name_space(self.net.as_fd(), Some(LinkNameSpaceType::Network));
        // On a thread of its own, which ends in the namespace that it entered.
        std::thread::scope(|scope| {
            let connected = scope.spawn(|| {
                join()?;
                TcpStream::connect((site, 80))
            });
            connected.join().expect("the thread ends")
        })
    }

    fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + READY_WITHIN;
        while self.try_connect(SITE).is_err() {
            let ended = self.child.try_wait().expect("the child is ours");
            let why = || format!("{}\n{}", self.log("error.log"), self.log("start.log"));
            assert!(
                ended.is_none(),
                "apache2 or php-fpm did not start (installed? `make packages`): {}",
                why()
            );
            assert!(Instant::now() < deadline, "no answer: {}", why());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // The end of process 1 waits for all others in there; that of unshare for process 1.
        if let Some(init) = first_child(&self.child) {
            kill_process(init, Signal::KILL).ok();
        } else {
            self.child.kill().ok();
        }
        self.child.wait().ok();
    }
}

fn first_child(parent: &Child) -> Option<Pid> {
    let id = parent.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?;
    Pid::from_raw(children.split_whitespace().next()?.parse().ok()?)
}

/// The network namespace of process 1, once there is one: only then has unshare made it.
fn namespace_of(child: &Child) -> OwnedFd {
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        if let Some(init) = first_child(child) {
            let path = format!("/proc/{}/ns/net", init.as_raw_nonzero());
            return fs::File::open(path)
                .expect("its network namespace")
                .into_parts()
                .0
                .into();
        }
        assert!(
            Instant::now() < deadline,
            "unshare made no process: is this root?"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn spawn(dir: &Path) -> Child {
    let log = || {
        fs::File::options()
            .create(true)
            .append(true)
            .open(dir.join("logs/start.log"))
            .expect("a log")
            .into_parts()
            .0
    };
    Command::new("setpriv")
        .args([
            "--pdeathsig",
            "KILL",
            "unshare",
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--mount-proc",
            "--kill-child",
            "sh",
        ])
        .arg(dir.join("start.sh"))
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("GATE", dir.join("gate"))
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(log())
        .stderr(log())
        .spawn()
        .expect("setpriv and unshare of util-linux")
}
