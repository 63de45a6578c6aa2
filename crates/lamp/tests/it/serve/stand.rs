//! What a test of the controller stands on: a ground, a receiver, a log in which a page and its resolve wait, and
//! `lamp serve` as a user that is not root.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use lamp_agent::clock::SystemClock;
use lamp_lab::Receiver;
use lamp_lab::receiver::Manner;
use lamp_log::{Journal, SqliteLog, Writer};
use lamp_model::Event;
use lamp_model::event::Seq;
use lamp_model::incident::{PageAction, PageId, PageResult};
use lamp_model::port::EventLog;
use rustix::process::{Pid, Signal, kill_process};

use crate::ground::{Ground, until};
use crate::page::{intent, write_key};
use crate::socket::{sockets_of, tcp_listeners};

/// Debian's user and group of those who own nothing.
pub(super) const NOBODY: u32 = 65_534;
/// The group of the same number.
const GROUP: &str = "nogroup";

/// All of it.
pub(super) struct Stand {
    pub(super) receiver: Receiver,
    pub(super) ground: Ground,
}

impl Stand {
    /// A trigger and its resolve wait in the log; the receiver is like that.
    pub(super) fn new(manner: Manner) -> Self {
        let receiver = Receiver::start().expect("a receiver");
        receiver.be(manner);
        let ground = Ground::new();
        let stand = Self { receiver, ground };
        stand.configure();
        stand.write_log();
        stand
    }

    fn configure(&self) {
        let root = self.ground.path("");
        // Others go through to what is theirs.
        fs_err::set_permissions(&root, std::fs::Permissions::from_mode(0o755)).expect("mode set");
        let key = write_key(&root);
        rustix::fs::chown(&key, None, Some(rustix::fs::Gid::from_raw(NOBODY))).expect("owned");
        fs_err::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).expect("mode set");
        let serve = self.ground.path("serve");
        fs_err::create_dir_all(&serve).expect("a directory");
        let (uid, gid) = (
            rustix::fs::Uid::from_raw(NOBODY),
            rustix::fs::Gid::from_raw(NOBODY),
        );
        rustix::fs::chown(&serve, Some(uid), Some(gid)).expect("owned");
        let text = fs_err::read_to_string(self.ground.config()).expect("lamp.toml");
        let text = text.replace("no-such-group", GROUP);
        let further = format!(
            "\n[page]\nrouting_key_file = {key:?}\nurl = \"{}\"\n\n[serve]\nlisten = \"127.0.0.1:0\"\nstate_dir = {serve:?}\n",
            self.receiver.url()
        );
        fs_err::write(self.ground.config(), text + &further).expect("written");
        // The test's own build may lie where only root goes.
        fs_err::copy(env!("CARGO_BIN_EXE_lamp"), self.ground.path("lamp")).expect("copied");
    }

    fn write_log(&self) {
        let state = self.ground.path("state");
        fs_err::create_dir_all(&state).expect("a directory");
        let events = [(1, PageAction::Trigger), (2, PageAction::Resolve)].map(|(page, action)| {
            let (page, intent) = (PageId(page), Box::new(intent(action, "a")));
            Event::PageIntended { page, intent }
        });
        waiting(async {
            let log = Arc::new(SqliteLog::open(&state.join("log.sqlite")).expect("a log"));
            let parts = lamp_log::Parts {
                log: Arc::clone(&log) as Arc<dyn EventLog>,
                snapshots: log,
                clock: Arc::new(SystemClock::new().expect("a clock")),
                writer: Writer::random().expect("random bytes"),
                epoch: 0,
                host: "web1".to_owned(),
            };
            let journal = Journal::open(parts).await.expect("a journal");
            journal.append(events.into()).await.expect("written");
            journal.close().await;
        });
    }

    /// Writes an empty file, in a directory that the controller may write to.
    pub(super) fn write_for_serve(&self, file: &Path) {
        let dir = file.parent().expect("a directory");
        fs_err::create_dir_all(dir).expect("made");
        fs_err::set_permissions(dir, std::fs::Permissions::from_mode(0o777)).expect("mode set");
        fs_err::write(file, "").expect("written");
    }

    /// The results in the log.
    pub(super) fn settled(&self) -> Vec<(PageId, PageResult)> {
        let path = self.ground.path("state/log.sqlite");
        waiting(async {
            let log = SqliteLog::open_reading(&path).expect("the log can be read");
            let records = log.read(Seq(0), 100_000).await.expect("records");
            let events = records.into_iter().flat_map(|stored| stored.record.events);
            let settled = events.filter_map(|event| {
                let Event::PageSettled { page, result } = event else {
                    return None;
                };
                Some((page, result))
            });
            settled.collect()
        })
    }

    /// `lamp serve` as nobody.
    pub(super) fn serve(&self) -> Serve {
        let out = self.ground.path("serve.out");
        let log = fs_err::File::create(&out).expect("a log");
        let mut command = Command::new(self.ground.path("lamp"));
        command.arg("--config").arg(self.ground.config()).arg("serve");
        command
            .uid(NOBODY)
            .gid(NOBODY)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let child = command
            .stderr(log.into_file())
            .spawn()
            .expect("lamp serve starts");
        let mut serve = Serve { child, port: 0 };
        until("the controller listens", || {
            serve.port = port(&fs_err::read_to_string(&out).unwrap_or_default()).unwrap_or_default();
            serve.port != 0
        });
        serve
    }

    /// Files of the ground that hold this text, by name.
    pub(super) fn files_with(&self, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        search(&self.ground.path(""), text.as_bytes(), &mut found);
        found
    }
}

/// The port that the controller says it listens at.
fn port(said: &str) -> Option<u16> {
    let (_, rest) = said.split_once("address=127.0.0.1:")?;
    rest.split_whitespace().next()?.parse().ok()
}

fn search(dir: &Path, text: &[u8], found: &mut Vec<String>) {
    for entry in fs_err::read_dir(dir).expect("a directory").flatten() {
        let kind = entry.file_type().expect("a kind");
        if kind.is_dir() {
            search(&entry.path(), text, found);
        } else if kind.is_file() && entry.file_name() != "lamp" {
            let bytes = fs_err::read(entry.path()).expect("read");
            if bytes.windows(text.len()).any(|window| window == text) {
                found.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
    }
}

fn waiting<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(work)
}

/// A controller that runs.
pub(super) struct Serve {
    child: Child,
    port: u16,
}

impl Serve {
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its users, as the kernel names them.
    pub(super) fn uids(&self) -> Vec<u32> {
        let status = fs_err::read_to_string(format!("/proc/{}/status", self.pid())).expect("it lives");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("Uid:"))
            .expect("users");
        line.split_whitespace()
            .map(|uid| uid.parse().expect("a number"))
            .collect()
    }

    /// Status and text of a page, asked for by this name.
    pub(super) fn get(&self, path: &str, host: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("connected");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("asked");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        let text = answer.split_once("\r\n\r\n").map(|(_, text)| text.to_owned());
        (status.expect("a status"), text.expect("a text"))
    }

    #[track_caller]
    pub(super) fn until_well(&self) {
        until("the engine goes round", || {
            self.get("/health/engine", "localhost").0 == 200
        });
    }

    #[track_caller]
    pub(super) fn until_metric(&self, line: &str) {
        until(line, || self.metrics().lines().any(|shown| shown == line));
    }

    pub(super) fn metrics(&self) -> String {
        self.get("/metrics", "localhost").1
    }

    /// What is shown, with what differs from run to run made alike.
    pub(super) fn metrics_alike(&self) -> String {
        let alike = |line: &str| {
            let (name, value) = line.rsplit_once(' ').unwrap_or((line, ""));
            let differs = ["lamp_engine_cycle_age_seconds", "lamp_log_records"].contains(&name);
            let name = match name.split_once("release=\"") {
                Some((before, _)) => format!("{before}release=\"RELEASE\"}}"),
                None => name.to_owned(),
            };
            format!("{name} {}", if differs { "N" } else { value })
        };
        self.metrics().lines().map(alike).collect::<Vec<_>>().join("\n")
    }

    /// SIGTERM; its exit code.
    pub(super) fn terminate(mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it lives");
        let mut code = None;
        until("the controller has ended", || {
            code = self.child.try_wait().expect("ours");
            code.is_some()
        });
        code.and_then(|status| status.code())
    }

    /// SIGKILL, and it is gone when this returns.
    pub(super) fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        self.end();
    }
}

/// Whether a process listens at a TCP port.
pub(super) fn is_listening(pid: u32) -> bool {
    !sockets_of(pid).is_disjoint(&tcp_listeners(pid))
}
