//! The kill table: before and after each step a real SIGKILL, of the agent or of `lamp`, and then at
//! random instants. Whatever was killed whenever: one whole release is live, the next run converges, and
//! the log has no gap and says what is so.
//!
//! [`table`] and [`random_instants`] take a [`Scene`]: the one here has no Apache, [`on_lab`] is a lab with
//! visitors.

mod gate;
mod on_lab;
mod outage;
mod visit;

use std::time::{Duration, Instant};

use lamp_model::StepName;
use lamp_testkit::Seed;

use crate::ground::{Agent, Beside, Ground, SITE, point};
use crate::log_check;

/// How many random instants, unless `LAMP_KILL_INSTANTS` says otherwise.
const INSTANTS: u64 = 12;
/// The first seed; instant n is killed by seed FIRST + n, so that one that fails can be run alone.
const SEED_FIRST: u64 = 2_026_112_206;

/// Where the table is run.
pub(crate) trait Scene {
    /// The ground: its lamp.toml, sources and agents.
    fn ground(&self) -> &Ground;
    /// Called when a case is over and the site is settled: what the visitors saw must be whole.
    fn check(&mut self, case: &str);
}

/// A site without Apache.
struct NoApache(Ground);

impl Scene for NoApache {
    fn ground(&self) -> &Ground {
        &self.0
    }

    fn check(&mut self, _: &str) {}
}

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Agent,
    Lamp,
}

/// What is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Deploy,
    Rollback,
}

#[test]
fn killed_before_and_after_each_step_of_a_deployment() {
    table(&mut scene(), Kind::Deploy);
}

#[test]
fn killed_before_and_after_each_step_of_a_rollback() {
    table(&mut scene(), Kind::Rollback);
}

#[test]
fn killed_at_random_instants() {
    random_instants(&mut scene(), instants());
}

fn instants() -> u64 {
    let asked = std::env::var_os("LAMP_KILL_INSTANTS");
    asked
        .and_then(|text| text.to_str()?.parse().ok())
        .unwrap_or(INSTANTS)
}

/// With a gate, so that its step is in the table.
fn scene() -> NoApache {
    let ground = Ground::new();
    let text = fs_err::read_to_string(ground.config()).expect("lamp.toml");
    let guarded = text.replace("gate = \"off\"", "gate = \"check\"");
    assert_ne!(guarded, text, "the ground has no gate of its own");
    fs_err::write(ground.config(), guarded).expect("lamp.toml is written");
    NoApache(ground)
}

/// Each step of the plan that `--dry-run` prints, both sides, both victims.
fn table(scene: &mut dyn Scene, kind: Kind) {
    let mut agent = scene.ground().agent();
    scene.ground().deploy("zero");
    scene.ground().deploy("one");
    let steps = steps(scene.ground(), kind);
    assert!(steps.len() >= 6, "{steps:?}");
    let mut number = 0;
    for step in steps {
        for side in ["before", "after"] {
            for victim in [Victim::Agent, Victim::Lamp] {
                number += 1;
                let case = Case {
                    kind,
                    victim,
                    step,
                    side,
                    number,
                };
                agent = case.run(scene, agent);
                scene.check(&case.name());
            }
        }
    }
}

/// The names of the executor's own steps, each once.
fn steps(ground: &Ground, kind: Kind) -> Vec<StepName> {
    let source = ground.source("planned").display().to_string();
    let printed = match kind {
        Kind::Deploy => ground.lamp(&["deploy", SITE, "--from", &source, "--dry-run", "--format", "json"]),
        Kind::Rollback => ground.lamp(&["rollback", SITE, "--dry-run", "--format", "json"]),
    };
    assert_eq!(printed.code, Some(0), "{printed:?}");
    let named = |step: &StepName| printed.out.contains(&format!("\"step\": \"{step}\""));
    StepName::ALL.into_iter().filter(named).collect()
}

/// One row of the table.
struct Case {
    kind: Kind,
    victim: Victim,
    step: StepName,
    side: &'static str,
    number: u32,
}

impl Case {
    fn name(&self) -> String {
        let Self {
            kind,
            victim,
            step,
            side,
            number,
        } = self;
        format!("{number}: {kind:?}, {victim:?} killed {side} {step}")
    }

    /// Holds, kills, starts anew, and checks; answers the agent that lives then.
    fn run(&self, scene: &mut dyn Scene, agent: Agent) -> Agent {
        let ground = scene.ground();
        let before = self.prepare(ground);
        let point = point(self.side, self.step);
        ground.hold(&point);
        let mut lamp = Beside::start(self.command(ground));
        ground.until_held(&point);
        let agent = match self.victim {
            Victim::Lamp => {
                lamp.kill();
                ground.let_go(&point);
                agent
            }
            Victim::Agent => {
                agent.kill();
                ground.let_go(&point);
                let ended = lamp.ended();
                assert_eq!(ended.code, Some(2), "{}: {ended:?}", self.name());
                ground.agent()
            }
        };
        ground.until_settled();
        self.check_live(ground, &before);
        check_whole(ground, &self.name());
        self.converge(ground);
        agent
    }

    /// What is live before, and what the case brings.
    fn prepare(&self, ground: &Ground) -> Before {
        if self.kind == Kind::Rollback {
            // Two proven ones, so that there is a way back.
            ground.deploy(&format!("older-{}", self.number));
            let target = ground.live();
            ground.deploy(&format!("newer-{}", self.number));
            return Before {
                live: ground.live(),
                target,
            };
        }
        Before {
            live: ground.live(),
            target: None,
        }
    }

    fn command(&self, ground: &Ground) -> std::process::Command {
        match self.kind {
            Kind::Deploy => {
                let source = ground
                    .source(&format!("case-{}", self.number))
                    .display()
                    .to_string();
                ground.command(&["deploy", SITE, "--from", &source])
            }
            Kind::Rollback => ground.command(&["rollback", SITE]),
        }
    }

    /// A rollback is always completed, and nobody need watch a deployment; only a deployment whose agent
    /// was killed before its end stood in the log is as if it had never been.
    #[track_caller]
    fn check_live(&self, ground: &Ground, before: &Before) {
        let live = ground.live();
        let name = self.name();
        if self.kind == Kind::Rollback {
            assert_eq!(live, before.target, "{name}");
            return;
        }
        let confirmed = self.side == "after" && self.step == StepName::Confirm;
        if self.victim == Victim::Lamp || confirmed {
            assert_ne!(live, before.live, "{name}");
        } else {
            assert_eq!(live, before.live, "{name}");
        }
    }

    /// The same again ends as if nobody had been killed.
    #[track_caller]
    fn converge(&self, ground: &Ground) {
        if self.kind == Kind::Deploy {
            let mark = format!("case-{}", self.number);
            ground.deploy(&mark);
            let source = ground.source(&mark).display().to_string();
            let twice = ground.lamp(&["deploy", SITE, "--from", &source]);
            assert!(twice.out.contains("already"), "{}: {twice:?}", self.name());
        }
        check_whole(ground, &self.name());
    }
}

struct Before {
    live: Option<lamp_model::ReleaseId>,
    target: Option<lamp_model::ReleaseId>,
}

/// Every release verifies, nothing half-done lies about, and the log is whole and says what is so.
#[track_caller]
fn check_whole(ground: &Ground, case: &str) {
    let verified = ground.lamp(&["release", "verify", SITE]);
    assert_eq!(verified.code, Some(0), "{case}: {verified:?}");
    let left = [
        ground.store().join(".go-back"),
        ground.path("state/armed/shop.json"),
    ];
    for left in left {
        assert!(
            left.symlink_metadata().is_err(),
            "{case}: {} was left",
            left.display()
        );
    }
    let staging = fs_err::read_dir(ground.store().join("staging")).expect("the store's staging");
    assert_eq!(staging.count(), 0, "{case}: something half-built was left");
    log_check::check(&ground.path("state/log.sqlite"), ground.live().as_ref(), case);
}

/// Kills agent or `lamp` at instants between the start of a deployment and twice the time that an
/// undisturbed one takes.
fn random_instants(scene: &mut dyn Scene, instants: u64) {
    let mut agent = scene.ground().agent();
    let begun = Instant::now();
    scene.ground().deploy("undisturbed");
    let span = begun.elapsed() * 2;
    for instant in 0..instants {
        let mut seed = Seed::new(SEED_FIRST + instant);
        let micros = u64::try_from(span.as_micros()).expect("seconds");
        let wait = Duration::from_micros(seed.below(micros));
        let victim = if seed.below(2) == 0 {
            Victim::Agent
        } else {
            Victim::Lamp
        };
        let case = format!("seed {}: {victim:?} killed after {wait:?}", SEED_FIRST + instant);
        agent = random_instant(scene.ground(), agent, (instant, wait, victim), &case);
        scene.check(&case);
    }
}

fn random_instant(
    ground: &Ground,
    agent: Agent,
    (instant, wait, victim): (u64, Duration, Victim),
    case: &str,
) -> Agent {
    let before = ground.live();
    let mark = format!("instant-{instant}");
    let source = ground.source(&mark).display().to_string();
    let mut lamp = Beside::start(ground.command(&["deploy", SITE, "--from", &source]));
    // The instant is what is being tested: nothing is waited for.
    std::thread::sleep(wait);
    let agent = match victim {
        Victim::Lamp => {
            lamp.kill();
            agent
        }
        Victim::Agent => {
            agent.kill();
            // Whoever watches reads of it, or starts an agent itself before it has asked anything.
            drop(lamp);
            ground.stop_started_agent();
            ground.agent()
        }
    };
    ground.until_settled();
    let after = ground.live();
    assert!(after.is_some(), "{case}: no release is live");
    check_whole(ground, case);
    let again = ground.deploy(&mark);
    assert!(
        after == before || after.as_ref() == Some(&again),
        "{case}: {before:?} {after:?} {again}"
    );
    check_whole(ground, case);
    agent
}
