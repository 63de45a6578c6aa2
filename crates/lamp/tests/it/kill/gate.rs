//! The kill table of the gate: somebody is killed while the code is looked at, and in each phase of the rehearsal in a
//! twin. Production is as it was, of worker and twin nothing is left, and the next deployment goes its way.
//!
//! Which phases there are is the rehearsal's own list; the agent's trace says which it is in.

use std::path::{Path, PathBuf};

use lamp_model::ReleaseId;
use lamp_twin::Phase;

use super::Victim;
use crate::ground::until;
use crate::log_check;
use crate::outage::scene::{Deploying, Scene};

/// As many files keep the worker busy for longer than it takes to find it.
const FILES: usize = 150;
/// What the worker is called by.
const WORKER: &str = "check-worker";

/// When somebody is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum When {
    /// The check's worker reads the code.
    Looking,
    /// The rehearsal has begun this.
    In(Phase),
}

#[test]
fn whoever_is_killed_while_the_gate_is_asked_nothing_is_left_and_the_next_goes_its_way() {
    let mut table = Table::new();
    let phases = Phase::ALL.into_iter().map(When::In);
    // The fixture has no database; one is copied in tests of the twin alone.
    let phases = phases.filter(|when| *when != When::In(Phase::CopyingDatabase));
    for when in [When::Looking].into_iter().chain(phases) {
        for victim in [Victim::Agent, Victim::Lamp] {
            table.run(when, victim);
        }
    }
    table.converges();
}

struct Table {
    scene: Scene,
    rows: usize,
}

impl Drop for Table {
    /// A row that failed is explained by what the agent said.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.trace());
        }
    }
}

impl Table {
    fn new() -> Self {
        let scene = Scene::rehearsed();
        let much = scene.next().join("many");
        fs_err::create_dir_all(&much).expect("made");
        for number in 0..FILES {
            let text = format!(
                "<?php\nfunction many_{number}() {{ return [{}]; }}\n",
                "1, ".repeat(2_000)
            );
            fs_err::write(much.join(format!("{number}.php")), text).expect("written");
        }
        Self { scene, rows: 0 }
    }

    /// Deploys a release that is new each time.
    fn begin(&mut self) -> Deploying {
        self.rows += 1;
        self.scene.renew_next(&self.rows.to_string());
        self.scene.deploy_beside("0s")
    }

    fn run(&mut self, when: When, victim: Victim) {
        let case = format!("{victim:?} killed: {when:?}");
        eprintln!("{case}");
        let before = self.scene.live();
        let said = self.trace().len();
        let deploying = self.begin();
        until(&case, || self.is_there(when, said));
        let traces = self.traces();
        assert!(
            !traces.is_empty() || when <= When::In(Phase::Starting) && when != When::Looking,
            "{case}: the control: there is something to leave"
        );
        match victim {
            Victim::Agent => {
                self.scene.kill_agent();
                deploying.kill();
                self.scene.start_agent();
            }
            Victim::Lamp => {
                deploying.kill();
                until("it goes its way", || self.scene.live() != before);
            }
        }
        until(&format!("{case}: nothing is left"), || {
            traces.iter().chain(&self.traces()).all(|trace| !trace.exists()) && self.mounts().is_empty()
        });
        self.check(&case);
        let is_same = self.scene.live() == before;
        assert_eq!(is_same, victim == Victim::Agent, "{case}");
    }

    fn is_there(&self, when: When, said: usize) -> bool {
        match when {
            When::Looking => self
                .scene
                .agent_pid()
                .is_some_and(|agent| !workers(agent).is_empty()),
            When::In(phase) => {
                let words = format!("phase=\"{}\"", phase.words());
                self.trace().get(said..).is_some_and(|new| new.contains(&words))
            }
        }
    }

    fn trace(&self) -> String {
        fs_err::read_to_string(self.scene.stage().place().join("agent.log")).expect("the agent's trace")
    }

    #[track_caller]
    fn check(&self, case: &str) {
        let log = self.scene.stage().place().join("state/log.sqlite");
        until(&format!("{case}: at rest"), || self.scene.is_good());
        assert_eq!(self.scene.ask("/"), Some(200), "{case}");
        assert_eq!(self.scene.receiver().alerts().len(), 0, "{case}: nobody is paged");
        let live = self.scene.live();
        let live = live.strip_prefix("releases").expect("a release of the store");
        let live = ReleaseId::parse(&live.to_string_lossy()).expect("a release id");
        log_check::check(&log, Some(&live), case);
    }

    /// What a gate may leave: its worker, the twins' directories and their control groups.
    fn traces(&self) -> Vec<PathBuf> {
        let mut found = self.scene.agent_pid().map(workers).unwrap_or_default();
        let twins = fs_err::read_dir(self.twins()).into_iter().flatten();
        for twin in twins.map(|entry| entry.expect("read").path()) {
            found.extend(control_groups(&twin.join("journal.json")));
            found.push(twin);
        }
        found
    }

    fn mounts(&self) -> Vec<String> {
        let mounts = fs_err::read_to_string("/proc/self/mountinfo").expect("read");
        let twins = self.twins().display().to_string();
        let ours = mounts.lines().filter(|line| line.contains(&twins));
        ours.map(str::to_owned).collect()
    }

    fn twins(&self) -> PathBuf {
        self.scene.stage().place().join("state/twins")
    }

    /// The same again ends as if nobody had been killed.
    fn converges(&mut self) {
        let before = self.scene.live();
        let ended = self.begin().ended();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_ne!(self.scene.live(), before);
        self.check("at last");
    }
}

/// The processes of the agent that look at code, as their directories in /proc.
fn workers(agent: u32) -> Vec<PathBuf> {
    let children = format!("/proc/{agent}/task");
    let threads = fs_err::read_dir(children).into_iter().flatten().flatten();
    let children = threads.filter_map(|thread| fs_err::read_to_string(thread.path().join("children")).ok());
    let children: Vec<_> = children.collect();
    let processes = children.iter().flat_map(|pids| pids.split_whitespace());
    let processes = processes.map(|pid| PathBuf::from(format!("/proc/{pid}")));
    let is_worker = |process: &PathBuf| {
        let line = fs_err::read(process.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(WORKER)
    };
    processes.filter(is_worker).collect()
}

/// The control groups that a sandbox wrote down before it took them.
fn control_groups(journal: &Path) -> Vec<PathBuf> {
    let Ok(text) = fs_err::read(journal) else {
        return Vec::new();
    };
    let journal: serde_json::Value =
        serde_json::from_slice(&text).expect("it is written whole or not at all");
    let groups = journal["cgroups"].as_array().expect("a list");
    groups
        .iter()
        .map(|group| PathBuf::from(group.as_str().expect("a path")))
        .collect()
}
