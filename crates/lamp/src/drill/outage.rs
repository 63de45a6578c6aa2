//! The outage, replayed: a release that fails is refused by the gate, then forced through it under load; what
//! visitors, the kernel and the pager's receiver saw of it.
//!
//! [`Outage::set_up`] makes a site with one good release live and a broken one beside it; [`Outage::refuse`] and
//! [`Outage::force`] are the two acts. What is right, the breakage knows; what happened, the visitors' records, the
//! link and the receiver tell. The verbs' own words are kept only where they are what is drilled.

mod met;

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use lamp_agent::clock::SystemClock;
use lamp_http::Protocol;
use lamp_lab::load::{self, LoadPlan, Record, Switches, Tally};
use lamp_lab::receiver::{Received, Receiver};
use lamp_lab::{Breakage, Broken, Sapi, breakage};
use lamp_model::event::{Outcome, Reason};
use lamp_model::gate::Blocker;
use serde_json::Value;

use super::DrillError;
use super::link_watch::LinkWatch;
use super::run::Progress;
use super::stage::{Application, SITE, Settings, Stage, StagePlan, Switching};
pub use met::Met;

/// A load is stopped when the act is over; this is only its bound.
const LOAD_LENGTH_MAX: Duration = Duration::from_secs(600);
/// How long the load runs before the bad release comes, and after all is well again.
const MARGIN: Duration = Duration::from_secs(2);
/// How long the bad release would be watched, if nobody noticed.
pub const BAKE: Duration = Duration::from_secs(30);
/// Longest wait for the resolve of the page behind the rollback.
const RESOLVE_MAX: Duration = Duration::from_secs(60);
/// Between two looks at what is waited for.
const LOOK: Duration = Duration::from_millis(20);
/// The release that answers before and after.
const GOOD: usize = 0;
/// The release that fails.
const BAD: usize = 1;

/// What is to be replayed.
#[derive(Debug, Clone)]
pub struct OutagePlan {
    /// Where the lab's directory is made; a real filesystem.
    pub parent: PathBuf,
    /// How PHP is run.
    pub sapi: Sapi,
    /// What the site runs.
    pub application: Application,
    /// The binary that is drilled.
    pub lamp: PathBuf,
    /// Which breakage; `None`: the one of the outage itself.
    pub seed: Option<u64>,
    /// Whether the site is watched; without, it is the control.
    pub watched: bool,
}

/// A site with one good release live, and a bad one to come.
#[derive(Debug)]
pub struct Outage {
    stage: Stage,
    receiver: Receiver,
    breakage: Breakage,
    broken: Broken,
}

/// How the gate answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// The exit code of `lamp deploy`.
    pub exit: Option<i32>,
    /// From the verb's start to its end.
    pub elapsed: Duration,
    /// What blocked first; `None`: the gate was open.
    pub blocker: Option<Blocker>,
}

/// What came of the bad release in production.
#[derive(Debug)]
pub struct Forced {
    /// The exit code of `lamp deploy`.
    pub exit: Option<i32>,
    /// The visitors' side, judged.
    pub tally: Tally,
    /// The visitors' side, request by request.
    pub records: Vec<Record>,
    /// What answered when, as the kernel saw the link change.
    pub switches: Switches,
    /// Requests a second to what the mistake reaches.
    pub affected_rps: f64,
    /// The requests that failed.
    pub met: Met,
    /// The first of those, by the wall clock; `None`: none failed.
    pub first_failed_at: Option<Timestamp>,
    /// What the pager's receiver accepted, in order.
    pub received: Vec<Received>,
}

impl Outage {
    /// Lights the lab, brings the good release into production and writes the bad one.
    pub fn set_up(plan: OutagePlan) -> Result<Self, DrillError> {
        let receiver = Receiver::start()?;
        let stage = Stage::set_up(StagePlan {
            parent: plan.parent,
            sapi: plan.sapi,
            switching: Switching::Lamp,
            application: plan.application,
            releases: 2,
            lamp: plan.lamp,
            settings: Settings::guarded(receiver.url(), plan.watched),
        })?;
        let all = stage.breakages()?;
        let breakage = breakage::pick(&all, plan.seed).cloned();
        let breakage = breakage.ok_or_else(|| std::io::Error::other("the application knows no breakage"))?;
        let broken = breakage.apply(&stage.source(BAD))?;
        stage.deploy(GOOD)?;
        stage.install()?;
        Ok(Self {
            stage,
            receiver,
            breakage,
            broken,
        })
    }

    /// The site.
    pub const fn stage(&self) -> &Stage {
        &self.stage
    }

    /// The site, to be harmed.
    pub const fn stage_mut(&mut self) -> &mut Stage {
        &mut self.stage
    }

    /// What was done to the bad release.
    pub const fn breakage(&self) -> &Breakage {
        &self.breakage
    }

    /// What is to be found out about it.
    pub const fn broken(&self) -> &Broken {
        &self.broken
    }

    /// The pager's receiver.
    pub const fn receiver(&self) -> &Receiver {
        &self.receiver
    }

    /// Act one: the bad release comes to the gate.
    pub fn refuse(&self) -> Result<Refused, DrillError> {
        let source = self.stage.source(BAD);
        let begun = Instant::now();
        let verb = ["deploy", SITE, "--format", "json", "--from"];
        let output = self.stage.command(&verb).arg(&source).output()?;
        let elapsed = begun.elapsed();
        Ok(Refused {
            exit: output.status.code(),
            elapsed,
            blocker: first_blocker(&output.stdout),
        })
    }

    /// Act two: the bad release is forced into production under load, and all that follows is waited for.
    pub fn force(
        &self,
        rate: f64,
        seed: u64,
        mut show: impl FnMut(Progress<'_>) -> Result<(), DrillError>,
    ) -> Result<Forced, DrillError> {
        let watch = LinkWatch::start(&self.stage.store())?;
        let targets = self.stage.targets();
        let load_plan = LoadPlan::new(targets.clone(), rate, LOAD_LENGTH_MAX, seed);
        let load = load::run(&load_plan, &self.stage.visitors(Protocol::Http1)?)?;
        let mut watched = |over: &mut dyn FnMut() -> Result<bool, DrillError>| {
            wait_while(
                || {
                    show(Progress {
                        load: &load,
                        switches: (watch.renames().len(), 2),
                    })
                },
                over,
            )
        };
        let margin = Instant::now();
        watched(&mut || Ok(margin.elapsed() >= MARGIN))?;
        let mut deploy = Running(self.forced_deploy().spawn()?);
        let mut exit = None;
        watched(&mut || {
            exit = deploy.0.try_wait()?;
            Ok(exit.is_some())
        })?;
        let ended = Instant::now();
        let is_over = || self.resolved() || !self.is_paged_for() || ended.elapsed() >= RESOLVE_MAX;
        watched(&mut || Ok(is_over()))?;
        let margin = Instant::now();
        watched(&mut || Ok(margin.elapsed() >= MARGIN))?;
        load.stop();
        let records = load.wait()?;
        let switches = watch.between(&Stage::marker(GOOD), &Stage::marker(BAD));
        let met = Met::of(&targets, &records, &switches);
        Ok(Forced {
            exit: exit.and_then(|status| status.code()),
            tally: load::judge(&targets, &records, &switches),
            affected_rps: rate * met::share(&targets, |target| self.stage.is_reached_by_breakages(target)),
            first_failed_at: met.first_by_wall(&SystemClock::new()?),
            met,
            records,
            switches,
            received: self.receiver.received(),
        })
    }

    /// The report of the first incident, as the verb prints it.
    pub fn report(&self, format: &str) -> Result<String, DrillError> {
        self.stage.lamp(&["incident", "report", "1", "--format", format])
    }

    fn forced_deploy(&self) -> std::process::Command {
        let bake = format!("{}s", BAKE.as_secs());
        let why = "a drill: what happens if the gate is overridden";
        let verb = ["deploy", SITE, "--bake", &bake, "--override-gate", why, "--from"];
        let mut command = self.stage.command(&verb);
        command
            .arg(self.stage.source(BAD))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Whether anything is to be resolved: an unwatched site pages nobody.
    fn is_paged_for(&self) -> bool {
        self.stage.plan().settings.watched
    }

    fn resolved(&self) -> bool {
        self.receiver.received().iter().any(Received::is_resolve)
    }
}

impl Forced {
    /// Whether somebody was paged: there is an incident then, and a report of it. Changes alone are told of either way.
    pub fn is_paged(&self) -> bool {
        self.received.iter().any(Received::is_trigger)
    }
}

/// A verb under way; whoever leaves before its end takes it along.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_while(
    mut show: impl FnMut() -> Result<(), DrillError>,
    over: &mut dyn FnMut() -> Result<bool, DrillError>,
) -> Result<(), DrillError> {
    loop {
        show()?;
        if over()? {
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
}

/// What blocked, out of what `lamp deploy --format json` printed.
fn first_blocker(printed: &[u8]) -> Option<Blocker> {
    let printed: Value = serde_json::from_slice(printed).ok()?;
    let outcome: Outcome = serde_json::from_value(printed.get("outcome")?.clone()).ok()?;
    if let Outcome::NotSwitched {
        reason: Reason::GateBlocked { blockers },
    } = outcome
    {
        return blockers.into_iter().next();
    }
    None
}
