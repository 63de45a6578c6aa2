//! A guarded site in a lab with one good release live, its pager's receiver, and visitors.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::RwLockWriteGuard;
use std::time::Duration;

use lamp::drill::stage::{Application, SITE, Settings, Stage, StagePlan, Switching, default_parent};
use lamp_http::{Protocol, Request, Scheme};
use lamp_lab::load::{self, LoadPlan, Nanos, Record, Target};
use lamp_lab::receiver::{Received, Receiver};
use lamp_lab::{Broken, Sapi, Service, breakage};
use lamp_model::plan::GateScope;

use super::{FAILING_PAGES, RESOLVE_WITHIN, status};
use crate::ground::{Beside, Ended, until};
use crate::turn;

/// A load is stopped when it has seen enough; this is only its bound.
const LOAD_LENGTH_MAX: Duration = Duration::from_secs(300);
/// How long visitors come before and after.
const MARGIN: Duration = Duration::from_secs(1);
/// How long a visitor waits who does not want the answer.
const HURRIED: Duration = Duration::from_millis(300);
/// The release that comes.
const NEXT: usize = 1;

/// The site. Dropping it removes all of it.
pub(crate) struct Scene {
    stage: Stage,
    receiver: Receiver,
    _alone: RwLockWriteGuard<'static, ()>,
}

/// A deployment that is under way.
pub(crate) struct Deploying(Beside);

impl Deploying {
    pub(crate) fn ended(self) -> Ended {
        self.0.ended()
    }

    /// SIGKILL, and it is gone when this returns.
    pub(crate) fn kill(mut self) {
        self.0.kill();
    }
}

/// What came of a deployment under load.
pub(crate) struct Forced {
    pub(crate) exit: Option<i32>,
    /// What the verb said.
    pub(crate) said: String,
    /// Every request.
    pub(crate) records: Vec<Record>,
    /// When visitors got each answer that they should not have got, in order.
    pub(crate) failed: Vec<Nanos>,
    /// What the pager's receiver took.
    pub(crate) received: Vec<Received>,
}

impl fmt::Display for Forced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} requests failed",
            self.failed.len(),
            self.records.len()
        )?;
        if let (Some(first), Some(last)) = (self.failed.first(), self.failed.last()) {
            write!(f, ", for {} ms", last.since(*first).as_millis())?;
            if let Some(page) = self.received.iter().find(|page| page.is_trigger()) {
                write!(f, "; page after {} ms", page.at.since(*first).as_millis())?;
            }
        }
        Ok(())
    }
}

impl Forced {
    /// How many requests took longer than this.
    pub(crate) fn slower_than(&self, time: Duration) -> usize {
        let took = |record: &&Record| record.received.since(record.sent) > time;
        self.records.iter().filter(took).count()
    }
}

impl Scene {
    /// A site that is watched, or, as a control, is not.
    pub(crate) fn new(watched: bool) -> Self {
        Self::with(watched, |_| {})
    }

    /// The same, with something more in both releases.
    pub(crate) fn with(watched: bool, further: impl Fn(&Path)) -> Self {
        Self::of(Application::Markers, Sapi::ModPhp, watched, further)
    }

    /// A watched site whose PHP runs in php-fpm.
    pub(crate) fn with_fpm() -> Self {
        Self::with_fpm_and(|_| {})
    }

    /// The same, with something more in both releases.
    pub(crate) fn with_fpm_and(further: impl Fn(&Path)) -> Self {
        Self::of(Application::Markers, Sapi::Fpm, true, further)
    }

    /// A watched site whose gate rehearses what comes.
    pub(crate) fn rehearsed() -> Self {
        Self::guarded(
            (Application::Markers, Sapi::ModPhp),
            GateScope::Full,
            true,
            |_| {},
        )
    }

    /// WordPress, installed, with its database.
    pub(crate) fn wordpress() -> Self {
        let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.packages/wordpress");
        let scene = Self::of(Application::WordPress(unpacked), Sapi::ModPhp, true, |_| {});
        scene.stage.install().expect("installed");
        scene
    }

    fn of(application: Application, sapi: Sapi, watched: bool, further: impl Fn(&Path)) -> Self {
        Self::guarded((application, sapi), GateScope::Check, watched, further)
    }

    fn guarded(
        (application, sapi): (Application, Sapi),
        gate: GateScope,
        watched: bool,
        further: impl Fn(&Path),
    ) -> Self {
        let alone = turn::alone();
        let receiver = Receiver::start().expect("a receiver");
        let stage = Stage::set_up(StagePlan {
            parent: default_parent().to_owned(),
            sapi,
            switching: Switching::Lamp,
            application,
            releases: 2,
            lamp: env!("CARGO_BIN_EXE_lamp").into(),
            settings: Settings::guarded(receiver.url(), watched).gate(gate),
        })
        .expect("a lab");
        (0..=NEXT).for_each(|number| further(&stage.source(number)));
        stage.deploy(0).expect("the first release");
        Self {
            stage,
            receiver,
            _alone: alone,
        }
    }

    /// Breaks the release that comes.
    pub(crate) fn break_next(&self) -> Broken {
        let all = self.stage.breakages().expect("the application's breakages");
        let first = breakage::pick(&all, None).expect("one at least");
        first.apply(&self.stage.source(NEXT)).expect("applied")
    }

    /// Gives a file of the release that comes another text.
    pub(crate) fn write_next(&self, file: &str, text: &str) {
        fs_err::write(self.stage.source(NEXT).join(file), text).expect("written");
    }

    /// Writes the release that comes anew, whole.
    pub(crate) fn mend_next(&self) {
        let (next, mark) = (self.next(), Stage::marker(NEXT));
        fs_err::remove_dir_all(&next).expect("removed");
        self.stage.write_release(&next, &mark).expect("written");
    }

    /// Deploys the next release past the gate while visitors come, and waits for all that follows.
    pub(crate) fn force(&self, rate: f64, bake: &str) -> Forced {
        self.visited(rate, &[], |scene| scene.deploy_next(bake))
    }

    /// Lets visitors come while `act` is done, and waits for what follows.
    pub(crate) fn visited(&self, rate: f64, further: &[Target], act: impl FnOnce(&Self) -> Ended) -> Forced {
        let mut targets = self.stage.targets();
        targets.iter_mut().for_each(|target| target.weight *= 20);
        targets.extend_from_slice(further);
        let plan = LoadPlan::new(targets.clone(), rate, LOAD_LENGTH_MAX, 1);
        let visitors = self.stage.visitors(Protocol::Http1).expect("visitors");
        let load = load::run(&plan, &visitors).expect("the load runs");
        // How long visitors come is part of what is done; nothing is waited for.
        std::thread::sleep(MARGIN);
        let ended = act(self);
        self.wait_for_the_end(&ended);
        std::thread::sleep(MARGIN);
        load.stop();
        let records = load.wait().expect("the load ran to its end");
        Forced {
            exit: ended.code,
            said: format!("{}{}", ended.out, ended.err),
            failed: failed(&targets, &records),
            records,
            received: self.receiver.received(),
        }
    }

    /// Whatever was opened at the receiver is closed again; a release that went back is paged for, be it after the verb
    /// has ended.
    fn wait_for_the_end(&self, ended: &Ended) {
        let went_back = ended.code == Some(1);
        let is_over = || (!went_back || !self.receiver.alerts().is_empty()) && self.is_resolved();
        let begun = std::time::Instant::now();
        until("the alert is resolved", || {
            is_over() || begun.elapsed() > RESOLVE_WITHIN
        });
    }

    /// Deploys the next release past the gate, to its end.
    pub(crate) fn deploy_next(&self, bake: &str) -> Ended {
        self.deploy_beside(bake).0.ended()
    }

    /// The same, beside something else.
    pub(crate) fn deploy_beside(&self, bake: &str) -> Deploying {
        self.deploy_from(&self.next().display().to_string(), bake)
    }

    /// Where the next release comes from.
    pub(crate) fn next(&self) -> PathBuf {
        self.stage.source(NEXT)
    }

    /// Deploys a source past the gate, beside something else.
    pub(crate) fn deploy_from(&self, source: &str, bake: &str) -> Deploying {
        let verb = [
            "deploy",
            SITE,
            "--bake",
            bake,
            "--override-gate",
            "the test says so",
            "--from",
            source,
        ];
        let mut command = self.stage.command(&verb);
        command.env("XDG_CACHE_HOME", self.stage.place().join("cache"));
        command.env("NO_COLOR", "1").stdin(Stdio::null());
        Deploying(Beside::start(command))
    }

    /// Asks so often for pages that fail whoever asks; answers how many were answered with 500.
    pub(crate) fn shout(&self, requests: usize) -> usize {
        let paths = (0..requests).map(|number| format!("/direct-{}.php", number % FAILING_PAGES));
        let answers = self.ask_each(paths);
        answers.into_iter().filter(|status| *status == Some(500)).count()
    }

    /// Asks once as a visitor.
    pub(crate) fn ask(&self, path: &str) -> Option<u16> {
        self.ask_each([path.to_owned()]).pop().flatten()
    }

    /// Asks as a visitor who does not wait for the answer.
    pub(crate) fn begin_to_ask(&self, path: &str) {
        let client = self.stage.lab().client(SITE, Scheme::Https).expect("a client");
        let client = client.timeout(HURRIED).build().expect("a client");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let _ = runtime
            .expect("a runtime")
            .block_on(client.get(Request::new(path)));
    }

    /// Points the link at a release as a person would who has nothing but a shell.
    pub(crate) fn link_by_hand(&self, to: &Path) {
        let store = self.stage.store();
        fs_err::os::unix::fs::symlink(to, store.join("by-hand")).expect("a link");
        fs_err::rename(store.join("by-hand"), store.join("current")).expect("renamed");
    }

    fn ask_each(&self, paths: impl IntoIterator<Item = String>) -> Vec<Option<u16>> {
        let client = self.stage.lab().client(SITE, Scheme::Https).expect("a client");
        let client = client.build().expect("a client");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let mut answers = Vec::new();
            for path in paths {
                let answer = client.get(Request::new(path)).await;
                answers.push(answer.ok().map(|answer| answer.status.as_u16()));
            }
            answers
        })
    }

    /// Changes the release that comes, so that it is another one.
    pub(crate) fn renew_next(&self, mark: &str) {
        let file = self.next().join("public/renewed.txt");
        fs_err::write(file, mark).expect("written");
    }

    /// The agent's process id, while one runs.
    pub(crate) fn agent_pid(&self) -> Option<u32> {
        self.stage.agent_pid()
    }

    /// The lab and all that lies in it.
    pub(crate) const fn stage(&self) -> &Stage {
        &self.stage
    }

    /// The paths that were asked for through the side door, as Apache logged them.
    pub(crate) fn asked_through_the_door(&self) -> std::collections::BTreeSet<String> {
        let log = self
            .stage
            .lab()
            .on_host(Path::new("/var/log/apache2/lamp-shop.log"));
        let log = fs_err::read_to_string(log.expect("a lab's /var is its own")).expect("the access log");
        let through_the_door = log.lines().filter(|line| line.split(' ').nth(5) == Some("1"));
        let path = |line: &str| Some(line.split('"').nth(1)?.split(' ').nth(1)?.to_owned());
        through_the_door.filter_map(path).collect()
    }

    /// The same, to be harmed.
    pub(crate) const fn stage_mut(&mut self) -> &mut Stage {
        &mut self.stage
    }

    /// Whether the receiver's alerts are all closed.
    pub(crate) fn is_resolved(&self) -> bool {
        self.receiver.alerts().values().all(|alert| !alert.is_open)
    }

    /// Stops MariaDB.
    pub(crate) fn stop_database(&mut self) {
        self.stage
            .lab_mut()
            .stop_service(Service::Database)
            .expect("stopped");
    }

    /// Starts it again.
    pub(crate) fn start_database(&mut self) {
        self.stage
            .lab_mut()
            .start_service(Service::Database)
            .expect("started");
    }

    /// The pager's receiver.
    pub(crate) const fn receiver(&self) -> &Receiver {
        &self.receiver
    }

    /// Kills the agent, as a crash would.
    pub(crate) fn kill_agent(&mut self) {
        self.stage.kill_agent().expect("killed");
    }

    /// Starts another one.
    pub(crate) fn start_agent(&mut self) {
        self.stage.start_agent().expect("started");
    }

    /// What the link names.
    pub(crate) fn live(&self) -> PathBuf {
        fs_err::read_link(self.stage.store().join("current")).expect("a release is live")
    }

    /// The report of the first incident.
    pub(crate) fn report(&self) -> serde_json::Value {
        let printed = self.stage.lamp(&["incident", "report", "1", "--format", "json"]);
        serde_json::from_str(&printed.expect("a report")).expect("JSON")
    }

    /// `lamp status`.
    pub(crate) fn status(&self) -> Ended {
        Ended::of(self.stage.command(&["status", SITE]).output().expect("run"))
    }

    /// The first incident, as `lamp incident show` prints it.
    pub(crate) fn incident(&self) -> serde_json::Value {
        let printed = self.stage.lamp(&["incident", "show", "1", "--format", "json"]);
        serde_json::from_str(&printed.expect("an incident")).expect("JSON")
    }

    /// Whether the site is good, and nothing under way.
    pub(crate) fn is_good(&self) -> bool {
        let status = self.stage.command(&["status", SITE, "--format", "json"]).output();
        let status = Ended::of(status.expect("run"));
        status.out.contains("\"good\"")
    }

    /// How many incidents the log knows.
    pub(crate) fn incidents(&self) -> usize {
        let printed = self.stage.lamp(&["incident", "list", "--format", "json"]);
        let list: serde_json::Value = serde_json::from_str(&printed.expect("a list")).expect("JSON");
        list["incidents"].as_array().map_or(0, Vec::len)
    }
}

fn failed(targets: &[Target], records: &[Record]) -> Vec<Nanos> {
    let is_wrong = |record: &&Record| {
        let target = targets.get(record.target).expect("a target of the plan");
        status(record) != Some(target.status)
    };
    let mut all: Vec<_> = records
        .iter()
        .filter(is_wrong)
        .map(|record| record.received)
        .collect();
    all.sort_unstable();
    all
}
