//! The ground of a test: a directory with a lamp.toml, sources and one site's store, the real binary, and
//! agents that are known by pid. No Apache: the site names no probes. Nothing of it stays.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use lamp::drill::stage::{Application, Settings, Stage, StagePlan, Switching, default_parent};
use lamp_fleet::file::{Guard, guard};
use lamp_lab::Sapi;
use lamp_model::{ReleaseId, StepName};

use crate::turn;

/// The one site.
pub(crate) const SITE: &str = "shop";
/// No wait of a test is longer: that of the longest, a demo's start and end, with room.
const DEADLINE: Duration = Duration::from_secs(120);
/// How often a test looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The ground.
pub(crate) struct Ground {
    place: Place,
    _turn: Turn,
}

/// Where it is.
enum Place {
    /// A directory: no Apache.
    Bare(tempfile::TempDir),
    /// A lab.
    Lab(Box<Stage>),
}

/// Whether others may run beside.
#[expect(dead_code, reason = "held, not read")]
enum Turn {
    Beside(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

impl Ground {
    /// A site without Apache that is not yet deployed to.
    pub(crate) fn new() -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "these tests need root, for they run the agent: run `sudo -E cargo test`"
        );
        let turn = Turn::Beside(turn::beside_others());
        let dir = tempfile::Builder::new()
            .prefix("lamp-it-")
            .tempdir()
            .expect("a directory");
        let ground = Self::at(Place::Bare(dir), turn);
        ground.configure("");
        ground
    }

    /// A lab with nothing else beside it, whose own agent does not run.
    pub(crate) fn on_lab(sapi: Sapi) -> Self {
        let turn = Turn::Alone(turn::alone());
        let plan = StagePlan {
            parent: default_parent().to_owned(),
            sapi,
            switching: Switching::Lamp,
            application: Application::Markers,
            releases: 1,
            lamp: env!("CARGO_BIN_EXE_lamp").into(),
            settings: Settings::default(),
        };
        let mut stage = Stage::set_up(plan).expect("a lab");
        stage.kill_agent().expect("its agent has ended");
        let ground = Self::at(Place::Lab(Box::new(stage)), turn);
        ground.on_demand(true);
        ground
    }

    const fn at(place: Place, turn: Turn) -> Self {
        Self { place, _turn: turn }
    }

    /// The lab, if it is one.
    pub(crate) fn stage(&self) -> Option<&Stage> {
        match &self.place {
            Place::Bare(_) => None,
            Place::Lab(stage) => Some(stage),
        }
    }

    fn root(&self) -> PathBuf {
        match &self.place {
            Place::Bare(dir) => dir.path().to_owned(),
            Place::Lab(stage) => stage.place(),
        }
    }

    /// The site's store, as the host sees it.
    pub(crate) fn store(&self) -> PathBuf {
        match &self.place {
            Place::Bare(_) => self.path("store"),
            Place::Lab(stage) => stage.store(),
        }
    }

    /// Writes lamp.toml anew, with these lines at the end of the site's section.
    pub(crate) fn configure(&self, further: &str) {
        let root = self.root();
        let root = root.display();
        let text = format!(
            "[agent]\nstate_dir = \"{root}/state\"\nsocket = \"{root}/agent.sock\"\ngroup = \"no-such-group\"\n\n\
             [site.{SITE}]\nstore = \"{root}/store\"\naccess_log = \"{root}/access.log\"\n\
             address = \"127.0.0.1:1\"\nhostname = \"shop.example\"\nprobes = []\nbake = \"0s\"\n\
             gate = \"off\"\nwatch = \"off\"\n{further}"
        );
        fs_err::write(self.config(), text).expect("lamp.toml is written");
    }

    /// Whether a verb may start the agent.
    pub(crate) fn on_demand(&self, is_allowed: bool) {
        let text = fs_err::read_to_string(self.config()).expect("lamp.toml");
        let lines = text.lines().filter(|line| !line.starts_with("on_demand"));
        let text: Vec<&str> = lines.collect();
        let said = format!("[agent]\non_demand = {is_allowed}");
        let text = text.join("\n").replacen("[agent]", &said, 1);
        fs_err::write(self.config(), text).expect("lamp.toml is written");
    }

    /// Puts the store elsewhere below the ground.
    pub(crate) fn store_at(&self, below: &str) {
        let text = fs_err::read_to_string(self.config()).expect("lamp.toml");
        let (from, to) = (self.path("store"), self.path(below));
        let text = text.replace(&*from.to_string_lossy(), &to.to_string_lossy());
        fs_err::write(self.config(), text).expect("lamp.toml is written");
    }

    /// A path below the ground's own directory.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root().join(below)
    }

    /// lamp.toml.
    pub(crate) fn config(&self) -> PathBuf {
        self.path("lamp.toml")
    }

    /// A source whose pages all show `mark`, so that no two marks make one tree.
    pub(crate) fn source(&self, mark: &str) -> PathBuf {
        let source = self.path(&format!("source-{mark}"));
        if !source.exists() {
            match self.stage() {
                Some(stage) => stage.write_release(&source, mark).expect("a source"),
                None => write_pages(&source, mark),
            }
        }
        source
    }

    /// `lamp` with these arguments, not yet started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lamp"));
        command.arg("--config").arg(self.config()).args(arguments);
        command.env("NO_COLOR", "1").stdin(Stdio::null());
        command
    }

    /// Runs `lamp` to its end.
    #[track_caller]
    pub(crate) fn lamp(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().expect("lamp runs"))
    }

    /// Deploys the source with this mark, and answers the release that is live then.
    #[track_caller]
    pub(crate) fn deploy(&self, mark: &str) -> ReleaseId {
        let source = self.source(mark);
        let ended = self.lamp(&["deploy", SITE, "--from", &source.display().to_string()]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        self.live().expect("a release is live")
    }

    /// What `current` names.
    pub(crate) fn live(&self) -> Option<ReleaseId> {
        let text = fs_err::read_link(self.store().join("current")).ok()?;
        ReleaseId::parse(text.to_str()?.strip_prefix("releases/")?).ok()
    }

    /// An agent of this ground that is known by pid, and listens.
    #[track_caller]
    pub(crate) fn agent(&self) -> Agent {
        self.listening(self.command(&["agent", "--end-with-parent"]))
    }

    #[track_caller]
    fn listening(&self, mut command: Command) -> Agent {
        let mut log = fs_err::OpenOptions::new();
        let log = log
            .create(true)
            .append(true)
            .open(self.path("agent.out"))
            .expect("a log");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.into_file());
        let agent = Agent(command.spawn().expect("lamp agent starts"));
        let socket = self.path("agent.sock");
        until("the agent listens", || {
            std::os::unix::net::UnixStream::connect(&socket).is_ok()
        });
        agent
    }

    /// An agent in a mount namespace of its own, in which a small filesystem lies over this directory of
    /// the ground. It goes with the agent.
    #[track_caller]
    pub(crate) fn agent_on_disk(&self, dir: &str, size: &str) -> Agent {
        const MOUNT: &str = r#"mount -t tmpfs -o size="$1" lamp-it "$0" && shift && exec "$@""#;
        let dir = self.path(dir);
        fs_err::create_dir_all(&dir).expect("a directory to mount over");
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--propagation", "private", "sh", "-c", MOUNT])
            .arg(dir)
            .arg(size);
        command
            .arg(env!("CARGO_BIN_EXE_lamp"))
            .arg("--config")
            .arg(self.config())
            .args(["agent", "--end-with-parent"]);
        self.listening(command)
    }

    /// A path of the ground as this agent sees it.
    pub(crate) fn seen_by(&self, agent: &Agent, below: &str) -> PathBuf {
        let path = self.path(below);
        let path = path.strip_prefix("/").expect("an absolute path");
        PathBuf::from(format!("/proc/{}/root", agent.pid())).join(path)
    }

    /// Ends an agent that a verb started.
    pub(crate) fn stop_started_agent(&self) {
        if let Ok(pid) = fs_err::read_to_string(self.path("state/agent.lock")) {
            end_agent(pid.trim(), &self.config());
        }
    }

    /// Bids the agent to wait at a point, as in `before-switch`.
    pub(crate) fn hold(&self, point: &str) {
        fs_err::create_dir_all(self.path("state/hold")).expect("the directory of hold points");
        fs_err::write(self.path("state/hold").join(point), "").expect("a hold point");
    }

    /// Waits until the agent waits there.
    #[track_caller]
    pub(crate) fn until_held(&self, point: &str) {
        let at = self.path("state/hold").join(format!("at-{point}"));
        until(&format!("the agent waits {point}"), || at.exists());
    }

    /// Lets the agent go on, and forgets that one ever waited there.
    pub(crate) fn let_go(&self, point: &str) {
        for name in [point.to_owned(), format!("at-{point}")] {
            // Not there: no agent waits, or the agent took it away itself.
            let _ = fs_err::remove_file(self.path("state/hold").join(name));
        }
    }

    /// Waits until nothing is under way and nothing is left to put right.
    #[track_caller]
    pub(crate) fn until_settled(&self) {
        let at_rest = || {
            let status = self.lamp(&["status", SITE, "--format", "json"]).out;
            ["\"good\"", "\"empty\""]
                .iter()
                .any(|health| status.contains(health))
        };
        until("the site is settled", at_rest);
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        self.stop_started_agent();
        if let Place::Bare(dir) = &self.place {
            lift_guards(dir.path());
        }
    }
}

fn write_pages(source: &Path, mark: &str) {
    fs_err::create_dir_all(source.join("include")).expect("a source");
    for page in ["index.php", "include/one.php", "include/two.php"] {
        let text = format!("<?php echo '{mark} {page}';\n");
        fs_err::write(source.join(page), text).expect("a page");
    }
    fs_err::write(source.join("same.txt"), "the same in every release\n").expect("a file");
}

/// Ends an agent that a verb started, if it still runs with this ground's lamp.toml.
fn end_agent(pid: &str, config: &Path) {
    let is_ours = || {
        let line = fs_err::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(&*config.to_string_lossy())
    };
    let pid_number = pid.parse().ok().and_then(rustix::process::Pid::from_raw);
    if let Some(number) = pid_number.filter(|_| is_ours()) {
        let _ = rustix::process::kill_process(number, rustix::process::Signal::KILL);
        until("the agent has ended", || !is_ours());
    }
}

/// Immutable files would keep the directory from being removed.
fn lift_guards(dir: &Path) {
    for entry in fs_err::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => lift_guards(&path),
            Ok(kind) if kind.is_file() => {
                if let Ok(file) = fs_err::File::open(&path) {
                    let _ = guard(&file, Guard::Lifted);
                }
            }
            Ok(_) | Err(_) => {}
        }
    }
    let _ = fs_err::set_permissions(dir, std::fs::Permissions::from_mode(0o700));
}

/// What became of a `lamp`.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit code; `None`: a signal ended it.
    pub(crate) code: Option<i32>,
    /// What it printed.
    pub(crate) out: String,
    /// What it said.
    pub(crate) err: String,
}

impl Ended {
    /// Exit, output and messages as one text for a snapshot.
    pub(crate) fn told(&self, ground: &Ground) -> String {
        self.told_of(&ground.root())
    }

    /// The same, of a place that is no ground's.
    pub(crate) fn told_of(&self, place: &Path) -> String {
        let code = self
            .code
            .map_or_else(|| "a signal".to_owned(), |code| code.to_string());
        let (out, err) = (plain_of(place, &self.out), plain_of(place, &self.err));
        format!("exit: {code}\n--- stdout\n{out}\n--- stderr\n{err}\n")
    }

    /// From a process's output.
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// An agent that is a child of the test.
pub(crate) struct Agent(Child);

impl Agent {
    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// SIGKILL, and it is gone when this returns.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    /// It stands still, as a host does that is out of breath.
    pub(crate) fn stand_still(&self) {
        self.signal(rustix::process::Signal::STOP);
    }

    /// It goes on.
    pub(crate) fn go_on(&self) {
        self.signal(rustix::process::Signal::CONT);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, signal).expect("the agent lives");
    }

    /// SIGTERM, and waits for its end.
    #[track_caller]
    pub(crate) fn terminate(mut self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("the agent lives");
        until("the agent has ended", || matches!(self.0.try_wait(), Ok(Some(_))));
    }

    fn end(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.end();
    }
}

/// A `lamp` that runs beside the test.
pub(crate) struct Beside(Child);

impl Beside {
    /// Starts it.
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().expect("lamp starts"))
    }

    /// SIGKILL, and it is gone when this returns.
    pub(crate) fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// What a terminal that dies does to it: SIGHUP to its process group, which is its own.
    pub(crate) fn hang_up(mut self) {
        let group = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process_group(group, rustix::process::Signal::HUP).expect("it lives");
        until(
            "lamp has ended with its terminal; under nohup nothing does",
            || self.0.try_wait().expect("it is our child").is_some(),
        );
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn ended(mut self) -> Ended {
        let mut status = None;
        until("lamp has ended", || {
            status = self.0.try_wait().expect("it is our child");
            status.is_some()
        });
        let (mut out, mut err) = (String::new(), String::new());
        self.0
            .stdout
            .take()
            .expect("piped")
            .read_to_string(&mut out)
            .expect("text");
        self.0
            .stderr
            .take()
            .expect("piped")
            .read_to_string(&mut err)
            .expect("text");
        Ended {
            code: status.and_then(|status| status.code()),
            out,
            err,
        }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Text with the place and what differs from run to run replaced.
fn plain_of(place: &Path, text: &str) -> String {
    plain::plain(&text.replace(&place.display().to_string(), "[DIR]"))
}

/// Waits until `reached`, and fails naming what was waited for.
#[track_caller]
pub(crate) fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !reached() {
        assert!(Instant::now() < deadline, "waited {DEADLINE:?} in vain: {what}");
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// The hold point on one side of a step.
pub(crate) fn point(side: &str, step: StepName) -> String {
    format!("{side}-{step}")
}

mod plain;
