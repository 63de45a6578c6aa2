//! One run: the load begins, every switch is made in its turn, the load ends, the visitors are asked.

use std::path::Path;
use std::time::Duration;

use lamp_http::Protocol;
use lamp_lab::load::{self, LoadPlan, Nanos, Record, Running, Switch, Switches, Tally};
use lamp_model::ReleaseId;

use super::DrillError;
use super::link_watch::LinkWatch;
use super::stage::{SITE, Stage, Switching};

/// A load is stopped when the run is over; this is only its bound.
const LOAD_LENGTH_MAX: Duration = Duration::from_secs(600);
/// How long the load runs before the first switch and after the last.
const MARGIN: Duration = Duration::from_millis(500);

/// What a run is.
#[derive(Debug, Clone, Copy)]
pub struct RunPlan {
    /// Deployments, each followed by a rollback.
    pub rounds: usize,
    /// Requests a second.
    pub rate: f64,
    /// The load goes on until at least this many requests were sent.
    pub requests_min: usize,
    /// How visitors ask.
    pub protocol: Protocol,
    /// The seed of the load.
    pub seed: u64,
}

/// What came of a run.
#[derive(Debug)]
pub struct Ran {
    /// The visitors' side, judged.
    pub tally: Tally,
    /// The visitors' side, request by request.
    pub records: Vec<Record>,
    /// What answered when, as the kernel saw the link change.
    pub switches: Switches,
}

/// What a picture of the run may show.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// The load.
    pub load: &'a Running,
    /// Switches made so far, and how many there will be.
    pub switches: (usize, usize),
}

/// Makes every release of the stage known and proven, the last one live.
pub fn prepare(stage: &Stage) -> Result<(), DrillError> {
    match stage.plan().switching {
        Switching::Lamp => {
            stage.deploy(0)?;
            stage.install()?;
            (1..stage.plan().releases).try_for_each(|number| stage.deploy(number).map(drop))
        }
        Switching::Symlink => {
            (0..stage.plan().releases).try_for_each(|number| place_for_symlink(stage, number))?;
            swing(stage, stage.plan().releases - 1)?;
            stage.install()
        }
    }
}

/// Runs it. `show` is called between two switches; an error of its own ends the run.
pub fn run(
    stage: &Stage,
    plan: &RunPlan,
    mut show: impl FnMut(Progress<'_>) -> Result<(), DrillError>,
) -> Result<Ran, DrillError> {
    let watch = LinkWatch::start(&stage.store())?;
    let targets = stage.targets();
    let load_plan = LoadPlan::new(targets.clone(), plan.rate, LOAD_LENGTH_MAX, plan.seed);
    let load = load::run(&load_plan, &stage.visitors(plan.protocol)?)?;
    let script = script(stage.plan().releases, plan.rounds);
    let mut begun = Vec::with_capacity(script.len());
    for (done, act) in script.iter().enumerate() {
        wait_for_turn(&load, plan, done, script.len(), &mut show)?;
        begun.push(Nanos::now());
        act.make(stage)?;
    }
    wait_for_turn(&load, plan, script.len(), script.len(), &mut show)?;
    load.stop();
    let records = load.wait()?;
    let switches = seen(stage, &script, &begun, &watch)?;
    Ok(Ran {
        tally: load::judge(&targets, &records, &switches),
        records,
        switches,
    })
}

/// One switch of a run, and the release that answers after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Deploy(usize),
    RollBackTo(usize),
}

impl Act {
    const fn leads_to(self) -> usize {
        match self {
            Self::Deploy(number) | Self::RollBackTo(number) => number,
        }
    }

    fn make(self, stage: &Stage) -> Result<(), DrillError> {
        match (stage.plan().switching, self) {
            (Switching::Lamp, Self::Deploy(number)) => stage.deploy(number).map(drop),
            (Switching::Lamp, Self::RollBackTo(_)) => stage.lamp(&["rollback", SITE]).map(drop),
            (Switching::Symlink, act) => swing(stage, act.leads_to()),
        }
    }
}

/// Each release in turn is deployed and rolled back from, to the one before, which is always the last.
fn script(releases: usize, rounds: usize) -> Vec<Act> {
    let last = releases - 1;
    (0..rounds)
        .flat_map(|round| [Act::Deploy(round % last), Act::RollBackTo(last)])
        .collect()
}

/// Waits until the load has come far enough for the next switch, and shows it meanwhile.
fn wait_for_turn(
    load: &Running,
    plan: &RunPlan,
    done: usize,
    all: usize,
    show: &mut impl FnMut(Progress<'_>) -> Result<(), DrillError>,
) -> Result<(), DrillError> {
    let margin = (plan.rate * MARGIN.as_secs_f64()) as usize;
    let wanted = margin + plan.requests_min.saturating_sub(2 * margin) * done / all;
    let wanted = if done == all { wanted + margin } else { wanted };
    loop {
        show(Progress {
            load,
            switches: (done, all),
        })?;
        if load.recorded() >= wanted {
            return Ok(());
        }
        if load.is_finished() {
            return Err(std::io::Error::other("the load ended before the run did").into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What the kernel saw, held against the script.
fn seen(stage: &Stage, script: &[Act], begun: &[Nanos], watch: &LinkWatch) -> Result<Switches, DrillError> {
    let renames = watch.renames();
    if renames.len() != script.len() {
        return Err(DrillError::Switches {
            store: stage.store(),
            asked: script.len(),
            seen: renames.len(),
        });
    }
    let mut switches = Switches::from(Stage::marker(stage.plan().releases - 1));
    for ((act, begun), rename) in script.iter().zip(begun).zip(renames) {
        switches.then.push(Switch {
            begun: *begun,
            done: rename.done,
            to: Stage::marker(act.leads_to()),
        });
    }
    Ok(switches)
}

fn release_id(number: usize) -> ReleaseId {
    ReleaseId::parse(&Stage::marker(number)).expect("a marker is a release id")
}

/// Without Lamplighter: the tree is copied to its place.
fn place_for_symlink(stage: &Stage, number: usize) -> Result<(), DrillError> {
    let write = |dir: &Path| stage.write_release(dir, &Stage::marker(number));
    Ok(stage.lab().put_release(SITE, &release_id(number), write)?)
}

fn swing(stage: &Stage, number: usize) -> Result<(), DrillError> {
    Ok(stage.lab().switch_by_link(SITE, &release_id(number))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_deploys_every_release_and_rolls_back_to_the_last() {
        let script = script(3, 3);
        use Act::{Deploy, RollBackTo};
        assert_eq!(
            script,
            [
                Deploy(0),
                RollBackTo(2),
                Deploy(1),
                RollBackTo(2),
                Deploy(0),
                RollBackTo(2)
            ]
        );
    }
}
