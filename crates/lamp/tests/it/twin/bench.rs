//! What the tests of twins start from: a lab with a small site of our own, releases of it, rehearsals.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lamp_agent::clock::SystemClock;
use lamp_apache::{ConfigPath, Docroot, HostLines, SiteLines};
use lamp_http::{Answer, Client, Request, Scheme};
use lamp_lab::plan::MODULE_PATH;
use lamp_lab::{Lab, LabPlan, Sapi, SitePlan};
use lamp_model::gate::{CauseKind, Rehearsal, Rehearsed};
use lamp_model::{ReleaseId, SiteName};
use lamp_sandbox::{InitProgram, Sandbox};
use lamp_twin::{LoggedRequest, Phase, RehearsalBounds, RehearsalPlan, Tools, Twin, TwinError};
use serde_json::json;

pub(crate) const SITE: &str = "shop";
const ACCESS_LOG: &str = "/var/log/apache2/lamp-shop.log";
const ERROR_LOG: &str = "/var/log/apache2/lamp-shop-error.log";

/// The files of one release of the site: each with its text.
const FILES: [(&str, &str); 5] = [
    (
        "public/index.php",
        "<?php\nrequire __DIR__ . '/../inc/page.php';\npage('Home', '<a href=\"/second.php\">second</a> <a href=\"/noise.php\">n</a>');\n",
    ),
    (
        "public/second.php",
        "<?php\nrequire __DIR__ . '/../inc/page.php';\npage('Second', '');\n",
    ),
    // Another number of paragraphs each time, and never the same text.
    (
        "public/noise.php",
        "<?php\necho str_repeat('<p>' . mt_rand() . '</p>', intdiv(hrtime(true), 1000) % 4999 + 1);\n",
    ),
    (
        "inc/page.php",
        "<?php\nfunction page($title, $links)\n{\n    echo \"<html><body><h1>$title</h1><p>$links</p></body></html>\";\n}\n",
    ),
    ("inc/never.php", "<?php\n"),
];

/// Production: a lab whose site serves release `1`. Dropping it ends all of it.
pub(crate) struct Production {
    pub(crate) lab: Lab,
    parent: tempfile::TempDir,
}

/// A change of one file of a release: file, what is there, what takes its place.
pub(crate) type Change<'a> = (&'a str, &'a str, &'a str);

impl Production {
    /// The small site.
    pub(crate) fn small(sapi: Sapi) -> Self {
        let production = Self::empty(sapi, "public", false);
        production.release("1", &[]);
        production.lab.switch_by_link(SITE, &id("1")).expect("switched");
        production
    }

    /// A site without a release.
    pub(crate) fn empty(sapi: Sapi, docroot: &str, database: bool) -> Self {
        let parent = tempfile::Builder::new()
            .prefix("lamp-it-twin-")
            .tempdir_in("/var/tmp")
            .expect("a directory in /var/tmp");
        let site = SitePlan::new(SiteName::parse(SITE).expect("a name"), docroot);
        let path = |text: &str| ConfigPath::parse(text).expect("a path");
        let lines = SiteLines {
            module: path(MODULE_PATH),
            store: ConfigPath::parse(site.store()).expect("a path"),
            docroot: Docroot::parse(docroot).expect("a docroot"),
            fallback: None,
            access_log: path(ACCESS_LOG),
            error_log: Some(path(ERROR_LOG)),
        };
        let host = HostLines {
            module: path(MODULE_PATH),
            door: None,
        };
        let mut plan = LabPlan::new(parent.path(), sapi).site(site.lines(lines.render()));
        plan.database = database;
        let lab =
            Lab::start(plan.module(lamp_apache::MODULE, host.render()), &init()).expect("the lab starts");
        Self { lab, parent }
    }

    /// Puts a release of the small site into the store, changed.
    pub(crate) fn release(&self, name: &str, changes: &[Change<'_>]) {
        let write = |dir: &Path| {
            for (path, text) in FILES {
                let file = dir.join(path);
                fs_err::create_dir_all(file.parent().expect("it has one"))?;
                fs_err::write(file, text)?;
            }
            change(dir, changes);
            Ok(())
        };
        self.lab.put_release(SITE, &id(name), write).expect("written");
    }

    /// A place of this test on the host.
    pub(crate) fn place(&self) -> &Path {
        self.parent.path()
    }

    /// Where twins of this production live.
    pub(crate) fn twins(&self) -> PathBuf {
        self.state().join("twins")
    }

    fn state(&self) -> PathBuf {
        let state = self.parent.path().join("state");
        fs_err::create_dir_all(&state).expect("made");
        state
    }

    /// Of the candidate against release `1`; nothing is logged yet.
    pub(crate) fn plan(&self, candidate: &str) -> RehearsalPlan {
        let lab = self.lab.plan();
        let mut site = json!({
            "store": "/srv/shop", "docroot": lab.sites[0].docroot, "access_log": ACCESS_LOG, "error_log": ERROR_LOG,
            "address": "127.0.0.1:443", "hostname": "shop.example", "inside": self.lab.state_dir(),
        });
        if lab.database {
            site["database"] = json!({"datadir": "/var/lib/mysql", "socket": "/run/mysqld/mysqld.sock"});
        }
        RehearsalPlan {
            name: SiteName::parse(SITE).expect("a name"),
            site: serde_json::from_value(site).expect("a site"),
            live: Some(id("1")),
            candidate: id(candidate),
            hidden: Vec::new(),
            requests: Vec::new(),
            queries: Vec::new(),
            state_dir: self.state(),
            bounds: RehearsalBounds::default(),
        }
    }

    /// Rehearses and leaves nothing.
    #[track_caller]
    pub(crate) fn rehearse(&self, plan: RehearsalPlan) -> Result<Rehearsal, TwinError> {
        self.rehearse_told(plan, &|_| ())
    }

    /// The same, and which PHP files ran: each path and the route that was asked then, in the order in which they ran.
    #[track_caller]
    pub(crate) fn ran(&self, plan: RehearsalPlan) -> (Rehearsal, Vec<(String, String)>) {
        let rehearsed = self.rehearsed(plan, &|_| ()).expect("rehearsed");
        let ran = rehearsed
            .ran
            .into_iter()
            .map(|opened| (opened.path, opened.route));
        (rehearsed.shown, ran.collect())
    }

    #[track_caller]
    pub(crate) fn rehearse_told(
        &self,
        plan: RehearsalPlan,
        progress: &(dyn Fn(Phase) + Send + Sync),
    ) -> Result<Rehearsal, TwinError> {
        self.rehearsed(plan, progress).map(|rehearsed| rehearsed.shown)
    }

    #[track_caller]
    fn rehearsed(
        &self,
        plan: RehearsalPlan,
        progress: &(dyn Fn(Phase) + Send + Sync),
    ) -> Result<Rehearsed, TwinError> {
        let rehearsed = with_tools(progress, async |tools| lamp_twin::rehearse(plan, tools).await);
        let left: Vec<_> = fs_err::read_dir(self.twins()).expect("read").collect();
        assert!(left.is_empty(), "{left:?}");
        rehearsed
    }

    /// A twin in which release `1` answers.
    #[track_caller]
    pub(crate) fn twin(&self, plan: RehearsalPlan) -> Twin {
        with_tools(&|_| (), async |tools| lamp_twin::up(plan, tools).await).expect("a twin")
    }

    /// A client of production.
    pub(crate) fn client(&self) -> Client {
        let client = self.lab.client(SITE, Scheme::Https).expect("a client");
        client.build().expect("a client")
    }
}

/// Changes files of the release in `dir`.
pub(crate) fn change(dir: &Path, changes: &[Change<'_>]) {
    for (file, from, to) in changes {
        let file = dir.join(file);
        let text = fs_err::read_to_string(&file).unwrap_or_default();
        assert!(text.contains(from), "{} lacks {from:?}", file.display());
        fs_err::write(&file, text.replacen(from, to, 1)).expect("written");
    }
}

/// Runs one future with what a rehearsal works with.
pub(crate) fn with_tools<T>(
    progress: &(dyn Fn(Phase) + Send + Sync),
    run: impl AsyncFnOnce(&Tools<'_>) -> T,
) -> T {
    let (init, clock) = (init(), SystemClock::new().expect("a clock"));
    let tools = Tools {
        init: &init,
        clock: &clock,
        progress,
    };
    wait(run(&tools))
}

/// Runs one future on the test's own thread.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

/// The program that becomes a sandbox's keeper.
pub(crate) fn init() -> InitProgram {
    InitProgram::new(env!("CARGO_BIN_EXE_lamp")).arg("sandbox-init")
}

pub(crate) fn id(text: &str) -> ReleaseId {
    ReleaseId::parse(text).expect("a release id")
}

/// The answer to one request; there must be one.
#[track_caller]
pub(crate) fn get(client: &Client, path: &str) -> Answer {
    wait(client.get(Request::new(path))).expect(path)
}

/// Visitors' GETs of these paths, each answered 200.
pub(crate) fn logged(paths: &[&str]) -> Vec<LoggedRequest> {
    let request = |path: &&str| LoggedRequest {
        method: "GET".to_owned(),
        target: (*path).to_owned(),
        status: 200,
        client: "192.0.2.7".to_owned(),
    };
    paths.iter().map(request).collect()
}

/// Each cause as kind, place, count.
pub(crate) fn shown(rehearsal: &Rehearsal) -> Vec<(CauseKind, Option<String>, u64)> {
    let place = |cause: &lamp_model::gate::Cause| cause.place.as_ref().map(ToString::to_string);
    let causes = rehearsal.causes.iter();
    causes
        .map(|cause| (cause.kind, place(cause), cause.count))
        .collect()
}

/// What a shell line inside wrote and whether it succeeded; as root of that sandbox.
#[track_caller]
pub(crate) fn sh(sandbox: &Sandbox, line: &str) -> (bool, String) {
    let command = sandbox.command("/bin/sh").args(["-c", line]);
    let said = command
        .deadline(Duration::from_secs(60))
        .output()
        .expect("it runs");
    (
        said.status.success(),
        String::from_utf8_lossy(&said.stdout).into_owned(),
    )
}

/// Waits until `holds`, at most 30 s.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < until, "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
