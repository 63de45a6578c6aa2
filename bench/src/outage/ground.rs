//! What peers stand on: a lab with a site that is switched by its link, one good release live, a bad one beside it, and a
//! pager's receiver inside the lab's network.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lamp::drill::link_watch::LinkWatch;
use lamp::drill::outage::Met;
use lamp::drill::stage::{SITE, Settings, Stage, StagePlan, Switching};
use lamp_http::Protocol;
use lamp_lab::load::{self, LoadPlan, Nanos, Outcome, Record, Running, Tally};
use lamp_lab::receiver::{Received, Receiver};
use lamp_lab::{LabError, Sapi, breakage};
use lamp_model::ReleaseId;

use super::watcher::{End, Watcher};
use super::{LOAD_SEED, Options, application};

/// The release that answers before and after.
const GOOD: usize = 0;
/// The release that fails.
const BAD: usize = 1;
/// How long the load runs before the bad release comes.
const MARGIN: Duration = Duration::from_secs(2);
/// All is well once visitors were answered well for so long: an answer may take five seconds to fail.
const WELL_FOR: Duration = Duration::from_secs(6);
/// A peer that has not mended it by then is said not to have.
const LENGTH_MAX: Duration = Duration::from_secs(300);
/// Between two looks at what is waited for.
const LOOK: Duration = Duration::from_millis(20);

pub(super) struct Ground {
    stage: Stage,
    receiver: Receiver,
}

/// What visitors and the pager saw.
pub(super) struct Seen {
    pub(super) tally: Tally,
    pub(super) met: Met,
    pub(super) page: Option<Received>,
}

impl Ground {
    /// Lights the lab, puts both releases into it, and brings the good one live.
    pub(super) fn set_up(options: &Options) -> Result<Self> {
        let stage = Stage::set_up(StagePlan {
            parent: options.given.dir.clone(),
            sapi: Sapi::ModPhp,
            switching: Switching::Symlink,
            application: application(options),
            releases: 0,
            lamp: fs_err::canonicalize(&options.given.lamp)?,
            settings: Settings::default(),
        })?;
        let receiver = Receiver::inside(stage.lab().sandbox().net()?)?;
        let ground = Self { stage, receiver };
        ground.put_releases()?;
        ground.switch_to(GOOD)?;
        ground.stage.install()?;
        Ok(ground)
    }

    fn put_releases(&self) -> Result<()> {
        let breakage = breakage::pick(&self.stage.breakages()?, None).cloned();
        let breakage = breakage.context("the application knows no breakage")?;
        let write = |number: usize, dir: &Path| self.stage.write_release(dir, &Stage::marker(number));
        let lab = self.stage.lab();
        lab.put_release(SITE, &release(GOOD)?, |dir| write(GOOD, dir))?;
        lab.put_release(SITE, &release(BAD)?, |dir| {
            write(BAD, dir)?;
            breakage.apply(dir).map(drop)
        })?;
        Ok(())
    }

    /// Renames the link, then reloads Apache: else mod_php goes on from what it remembers of the link for minutes.
    fn switch_to(&self, number: usize) -> Result<()> {
        self.stage.lab().switch_by_link(SITE, &release(number)?)?;
        self.run(&format!("exec {RELOAD}"))
    }

    /// What a human does who was paged.
    pub(super) fn switch_back(&self) -> Result<()> {
        self.switch_to(GOOD)
    }

    /// The same as a script, for those who do it by themselves.
    pub(super) fn switch_back_script(&self) -> String {
        format!(
            "ln -s releases/{} /srv/{SITE}/.current-new && mv -T /srv/{SITE}/.current-new /srv/{SITE}/current && {RELOAD}",
            Stage::marker(GOOD)
        )
    }

    /// The site's host name, which everything inside finds.
    pub(super) fn host(&self) -> Result<String> {
        Ok(self.stage.lab().site(SITE)?.host())
    }

    /// Where pages go, from inside.
    pub(super) fn pager(&self) -> &str {
        self.receiver.url()
    }

    /// A file of the lab's own, as the host sees it.
    pub(super) fn file(&self, inside: &str) -> Result<PathBuf> {
        let path = self.stage.lab().on_host(Path::new(inside));
        path.with_context(|| format!("{inside} is not the lab's own"))
    }

    /// Runs a script inside to its end.
    pub(super) fn run(&self, script: &str) -> Result<()> {
        let sandbox = self.stage.lab().sandbox();
        let output = sandbox.command("/bin/sh").args(["-c", script]).output()?;
        let said = [output.stdout, output.stderr].concat();
        ensure!(
            output.status.success(),
            "{script} failed: {}",
            String::from_utf8_lossy(&said)
        );
        Ok(())
    }

    /// Starts a program inside that runs until the lab ends; what it says goes to `/var/log/NAME.log`.
    pub(super) fn start(&self, name: &str, command: &str) -> Result<()> {
        let script = format!("exec {command} >/var/log/{name}.log 2>&1");
        let sandbox = self.stage.lab().sandbox();
        let command = sandbox.command("/bin/sh").args(["-c", &script]);
        command.outlive_caller().spawn()?;
        Ok(())
    }

    /// Waits until something inside takes connections at this port.
    pub(super) fn wait_for_port(&self, name: &str, port: u16) -> Result<()> {
        let begun = Instant::now();
        let way = || lamp_http::Way::Address(([127, 0, 0, 1], port).into());
        let net = || self.stage.lab().sandbox().net();
        while !lamp_http::inside::accepts(Some(net()?), way(), MARGIN)? {
            if begun.elapsed() > START_MAX {
                let log = fs_err::read_to_string(self.file(&format!("/var/log/{name}.log"))?)?;
                anyhow::bail!("{name} does not listen at {port}: {log}");
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Brings the bad release live under load, and waits until the watcher has seen to it.
    pub(super) fn go_bad(&self, rate: f64, watcher: &dyn Watcher) -> Result<Seen> {
        let watch = LinkWatch::start(&self.stage.store())?;
        let targets = self.stage.targets();
        let plan = LoadPlan::new(targets.clone(), rate, 2 * LENGTH_MAX, LOAD_SEED);
        let load = load::run(&plan, &self.stage.visitors(Protocol::Http1)?)?;
        std::thread::sleep(MARGIN);
        self.switch_to(BAD)?;
        let begun = Instant::now();
        let mut end = None;
        while end.is_none() && begun.elapsed() < LENGTH_MAX {
            std::thread::sleep(LOOK);
            end = watcher.end(self, begun, watch.renames().len())?;
        }
        if end == Some(End::SwitchedBack) {
            until_well(&load, begun);
        }
        load.stop();
        let records = load.wait()?;
        let switches = watch.between(&Stage::marker(GOOD), &Stage::marker(BAD));
        Ok(Seen {
            tally: load::judge(&targets, &records, &switches),
            met: Met::of(&targets, &records, &switches),
            page: self.page(),
        })
    }

    /// The page, once the receiver has accepted it.
    pub(super) fn page(&self) -> Option<Received> {
        self.receiver.received().into_iter().find(Received::is_trigger)
    }
}

/// What a person types after a switch of the link.
const RELOAD: &str = "/usr/sbin/apachectl graceful";
/// A server of a peer listens this soon, or does not start.
const START_MAX: Duration = Duration::from_secs(30);

/// Waits until visitors have been answered well for a while.
fn until_well(load: &Running, begun: Instant) {
    let (mut seen, mut well_since) = (load.recorded(), Instant::now());
    while well_since.elapsed() < WELL_FOR && begun.elapsed() < LENGTH_MAX {
        std::thread::sleep(LOOK);
        let new = load.records_from(seen);
        seen += new.len();
        if new.iter().any(is_failure) {
            well_since = Instant::now();
        }
    }
}

const fn is_failure(record: &Record) -> bool {
    match &record.outcome {
        Outcome::Answered { status, .. } => *status >= 500,
        Outcome::Unanswered(_) => true,
    }
}

/// How long ago the page was accepted.
pub(super) fn since(page: &Received) -> Duration {
    Nanos::now().since(page.at)
}

fn release(number: usize) -> Result<ReleaseId, LabError> {
    let id = ReleaseId::parse(&Stage::marker(number)).map_err(std::io::Error::other);
    Ok(id?)
}
