//! A site of a real lab with our lines, several releases, and a real log worker that follows it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLockReadGuard};
use std::time::Duration;

use jiff::Timestamp;
use lamp::drill::stage::default_parent;
use lamp_agent::clock::SystemClock;
use lamp_apache::{ConfigPath, DOOR_HEADER, Docroot, DoorKey, HostLines, SiteLines};
use lamp_fleet::Host;
use lamp_http::request::{HeaderName, HeaderValue};
use lamp_http::{Client, Request, Scheme};
use lamp_lab::plan::MODULE_PATH;
use lamp_lab::{Lab, LabPlan, Sapi, SitePlan};
use lamp_model::clock::Clock;
use lamp_model::{ReleaseId, SiteName};
use lamp_sandbox::InitProgram;
use lamp_watch::message::{Live, LogName, LogState, Suspect};
use lamp_watch::question::{self, Asking, SideDoor};
use lamp_watch::sightings::Sightings;
use lamp_watch::verdict::{Answered, Decision};
use lamp_watch::worker::{LogFile, Logs, Program, Said};
use lamp_watch::{FromWorker, Worker};
use tokio::sync::mpsc;

use crate::hiding::Files;
use crate::turn;

pub(crate) const SITE: &str = "shop";
const LOGS: &str = "/var/log/apache2";
const ACCESS_LOG: &str = "lamp-shop.log";
const ERROR_LOG: &str = "lamp-shop-error.log";
/// No wait of these tests is longer.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long a line of a request of ours is waited for.
const SIGHT_PATIENCE: Duration = Duration::from_secs(5);

/// What every release has.
const COMMON: Files = &[
    ("style.css", "body {}\n"),
    (
        "index.php",
        "<?php\nrequire __DIR__ . '/settings.php';\necho 'shop';\n",
    ),
    ("page.php", "<?php\necho 'a page';\n"),
    ("settings.php", "<?php\n// All is well.\n"),
    ("innocent.php", "<?php\n// Nothing.\n"),
    ("log.php", "<?php\nerror_log($_GET['x'] ?? '');\necho 'logged';\n"),
    (
        "direct.php",
        "<?php\nthrow new Exception('asked for directly');\n",
    ),
    (
        "auth/.htaccess",
        "AuthType Basic\nAuthName x\nAuthUserFile /etc/hostname\nRequire valid-user\n",
    ),
    // Sends a request line to the site itself as often as it is told to: what a client of ours would refuse to send.
    (
        "poke.php",
        "<?php
for ($n = 0; $n < (int) $_GET['n']; $n++) {
    $socket = fsockopen('127.0.0.1', 80);
    fwrite($socket, $_GET['line'] . \" HTTP/1.1\\r\\nHost: shop.example\\r\\nConnection: close\\r\\n\\r\\n\");
    while (!feof($socket)) fread($socket, 8192);
    fclose($socket);
}
echo 'poked';
",
    ),
];

pub(crate) struct Site {
    pub(crate) lab: Lab,
    pub(crate) sightings: Arc<Sightings>,
    key: DoorKey,
    visitor: Client,
    clock: SystemClock,
    worker: WorkerTask,
    _turn: RwLockReadGuard<'static, ()>,
}

/// What the worker says, sorted.
struct WorkerTask {
    suspects: mpsc::Receiver<Suspect>,
    live: tokio::sync::watch::Sender<Live>,
    states: Arc<Mutex<BTreeMap<LogName, LogState>>>,
    deaths: Arc<Mutex<u32>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for WorkerTask {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Runs a test on a site with these releases beside `old`, which answers at first.
pub(crate) fn on(sapi: Sapi, releases: &[(&str, Files)], test: impl AsyncFnOnce(&mut Site)) {
    following(sapi, releases, ACCESS_LOG, test);
}

/// The same, where the worker takes another file for the access log.
pub(crate) fn following(
    sapi: Sapi,
    releases: &[(&str, Files)],
    access_log: &str,
    test: impl AsyncFnOnce(&mut Site),
) {
    let turn = turn::beside_others();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut site = Site::start(sapi, releases, access_log, turn);
        // What was logged before is its past, our own requests too.
        site.state_of(LogName::Access, |_| true).await;
        test(&mut site).await;
    });
}

pub(crate) fn id(text: &str) -> ReleaseId {
    ReleaseId::parse(text).expect("a name")
}

impl Site {
    fn start(
        sapi: Sapi,
        releases: &[(&str, Files)],
        access_log: &str,
        turn: RwLockReadGuard<'static, ()>,
    ) -> Self {
        let mut random = [0; 32];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty()).expect("random bytes");
        let key = DoorKey::from_random(&random);
        let lab = lab(sapi, &key);
        for (release, files) in std::iter::once(&("old", &[][..])).chain(releases) {
            put(&lab, release, files);
        }
        lab.switch_by_link(SITE, &id("old")).expect("switched");
        let visitor = lab
            .client(SITE, Scheme::Http)
            .expect("a client")
            .build()
            .expect("a client");
        let sightings = Arc::new(Sightings::default());
        let worker = WorkerTask::start(&lab, access_log, Arc::clone(&sightings));
        Self {
            lab,
            sightings,
            key,
            visitor,
            clock: SystemClock::new().expect("a clock"),
            worker,
            _turn: turn,
        }
    }

    /// Switches, and tells the worker as the agent would.
    pub(crate) fn switch(&self, release: &str) {
        self.lab.switch_by_link(SITE, &id(release)).expect("switched");
        let live = Live {
            release: Some(id(release)),
            since: Some(self.clock.now()),
            before: Some(id("old")),
        };
        self.worker.live.send_replace(live);
    }

    /// A visitor's request; its status.
    pub(crate) async fn visit(&self, path: &str) -> u16 {
        self.ask(Request::new(path)).await
    }

    pub(crate) async fn ask(&self, request: Request) -> u16 {
        let answer = self.visitor.get(request).await.expect("Apache answers");
        answer.status.as_u16()
    }

    /// The next suspicion.
    pub(crate) async fn suspect(&mut self) -> Suspect {
        let suspect = tokio::time::timeout(DEADLINE, self.worker.suspects.recv()).await;
        suspect
            .expect("a suspicion within the deadline")
            .expect("the worker lives")
    }

    /// Every suspicion that came until a request of ours was sighted, so that all lines before it have been read.
    pub(crate) async fn suspects_so_far(&mut self, release: &str) -> Vec<Suspect> {
        let since = self.clock.now();
        let answered = self.door().through(&id(release), "/style.css").await;
        assert!(answered.is_ok(), "{answered:?}");
        let sighting = self
            .sightings
            .take(&id(release), "/style.css", since, SIGHT_PATIENCE)
            .await;
        assert!(sighting.is_some(), "our own request is seen");
        let mut suspects = Vec::new();
        while let Ok(suspect) = self.worker.suspects.try_recv() {
            suspects.push(suspect);
        }
        suspects
    }

    /// Asks both releases.
    pub(crate) async fn settle(&self, suspect: &Suspect) -> Decision {
        question::settle(&self.door(), suspect, Some(&id("old")), self.clock.now()).await
    }

    pub(crate) fn door(&self) -> Door<'_> {
        Door(self)
    }

    /// How the worker says that a log is, once it says what is wanted.
    pub(crate) async fn state_of(&self, log: LogName, is_wanted: impl Fn(&LogState) -> bool) -> LogState {
        let wanted = async {
            loop {
                let state = self.worker.states.lock().expect("one thread").get(&log).cloned();
                if let Some(state) = state.filter(&is_wanted) {
                    return state;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(DEADLINE, wanted)
            .await
            .expect("the state is said within the deadline")
    }

    pub(crate) async fn worker_died(&self, times: u32) {
        let died = async {
            while *self.worker.deaths.lock().expect("one thread") < times {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(DEADLINE, died)
            .await
            .expect("a death is said within the deadline");
    }
}

impl WorkerTask {
    fn start(lab: &Lab, access_log: &str, sightings: Arc<Sightings>) -> Self {
        let host = Host::inside(lab.state_dir());
        let file = |name: &str| LogFile {
            dir: host.dir(LOGS).expect("the directory of Apache's logs"),
            name: name.to_owned(),
        };
        let logs = Logs {
            access: file(access_log),
            error: Some(file(ERROR_LOG)),
        };
        let program = Program {
            path: env!("CARGO_BIN_EXE_lamp").into(),
            args: vec!["watch-worker".into()],
        };
        let (suspecting, suspects) = mpsc::channel(10_000);
        let (live, mut lives) = tokio::sync::watch::channel(Live {
            release: Some(id("old")),
            ..Live::default()
        });
        let (states, deaths) = (Arc::default(), Arc::default());
        let (saying, dying) = (Arc::clone(&states), Arc::clone(&deaths));
        let task = tokio::spawn(async move {
            let mut worker = Worker::start(program, logs);
            worker.live(lives.borrow_and_update().clone());
            loop {
                tokio::select! {
                    changed = lives.changed() => {
                        if changed.is_err() { return; }
                        worker.live(lives.borrow_and_update().clone());
                    }
                    said = worker.next() => match said {
                        Some(Said::This(FromWorker::Suspect(suspect))) => {
                            suspecting.try_send(*suspect).expect("room for it");
                        }
                        Some(Said::This(FromWorker::Sighted(sighting))) => sightings.note(*sighting),
                        Some(Said::This(FromWorker::Log { log, state })) => {
                            let states: &Mutex<BTreeMap<LogName, LogState>> = &saying;
                            states.lock().expect("one thread").insert(log, state);
                        }
                        Some(Said::This(_)) => {}
                        Some(Said::Died { .. }) => {
                            let deaths: &Mutex<u32> = &dying;
                            *deaths.lock().expect("one thread") += 1;
                        }
                        None => return,
                    }
                }
            }
        });
        Self {
            suspects,
            live,
            states,
            deaths,
            task,
        }
    }
}

/// The side door of the site.
pub(crate) struct Door<'a>(&'a Site);

impl Door<'_> {
    /// The status through the door.
    pub(crate) async fn through(&self, release: &ReleaseId, path: &str) -> Result<u16, String> {
        let name = HeaderName::from_bytes(DOOR_HEADER.as_bytes()).expect("a name");
        let value = HeaderValue::from_str(&self.0.key.header_value(release)).expect("a value");
        let answer = self.0.visitor.get(Request::new(path).header(name, value)).await;
        answer
            .map(|answer| answer.status.as_u16())
            .map_err(|error| lamp_http::error::chain(&error))
    }
}

impl SideDoor for Door<'_> {
    fn ask<'a>(&'a self, release: &'a ReleaseId, path: &'a str) -> Asking<'a> {
        Box::pin(async move {
            let since: Timestamp = self.0.clock.now();
            let answer = self.through(release, path).await;
            let sighting = self.0.sightings.take(release, path, since, SIGHT_PATIENCE).await;
            Answered {
                answer,
                error: sighting.expect("our own request is seen").error,
            }
        })
    }

    fn ask_on_reserve<'a>(&'a self, release: &'a ReleaseId, path: &'a str) -> Asking<'a> {
        self.ask(release, path)
    }

    fn failures(&self, _: &ReleaseId, _: &str) -> Vec<Answered> {
        // Nobody else asks.
        Vec::new()
    }

    fn hanging(&self, _: &ReleaseId, _: Option<&ReleaseId>) -> Option<lamp_model::evidence::Hanging> {
        None
    }
}

fn lab(sapi: Sapi, key: &DoorKey) -> Lab {
    let path = |text: &str| ConfigPath::parse(text).expect("a path");
    let site = SitePlan::new(SiteName::parse(SITE).expect("a name"), ".");
    let lines = SiteLines {
        module: path(MODULE_PATH),
        store: ConfigPath::parse(site.store()).expect("a path"),
        docroot: Docroot::parse(".").expect("a path"),
        fallback: None,
        access_log: path(&format!("{LOGS}/{ACCESS_LOG}")),
        error_log: Some(path(&format!("{LOGS}/{ERROR_LOG}"))),
    };
    let host = HostLines {
        module: path(MODULE_PATH),
        door: Some(key.hash()),
    };
    let plan = LabPlan::new(default_parent(), sapi).site(site.lines(lines.render()));
    let init = InitProgram::new(PathBuf::from(env!("CARGO_BIN_EXE_lamp"))).arg("sandbox-init");
    Lab::start(plan.module(lamp_apache::MODULE, host.render()), &init).expect("a lab")
}

fn put(lab: &Lab, release: &str, files: Files) {
    let write = |dir: &Path| {
        for (name, text) in COMMON.iter().chain(files) {
            let file = dir.join(name);
            fs_err::create_dir_all(file.parent().unwrap_or(dir))?;
            fs_err::write(file, text)?;
        }
        Ok(())
    };
    lab.put_release(SITE, &id(release), write).expect("a release");
}
