//! Nouns for tests: sites, releases, records, and the events of a whole deployment.

use jiff::Timestamp;
use lamp_model::event::{Actor, Event, Outcome, Record, RecordId};
use lamp_model::plan::{PlanKind, StepName};
use lamp_model::tree::Hash;
use lamp_model::{DeploymentId, ReleaseId, SiteName};

/// The site `name`.
pub fn site(name: &str) -> SiteName {
    SiteName::parse(name).expect("a site's name")
}

/// The release `name`.
pub fn release(name: &str) -> ReleaseId {
    ReleaseId::parse(name).expect("a release's id")
}

/// An event that may stand anywhere and is known again by its number.
pub fn numbered(number: i32) -> Event {
    Event::AgentStarted {
        pid: number,
        version: "0.1.0".to_owned(),
    }
}

/// A record of one [`numbered`] event, whose id is its number.
pub fn record(number: i32) -> Record {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    Record {
        id: RecordId(id),
        epoch: 1,
        at: Timestamp::UNIX_EPOCH,
        events: vec![numbered(number)],
    }
}

/// The events of one confirmed deployment, as the agent writes them, one inner list per record.
pub fn confirmed_deployment(id: &DeploymentId, from: Option<&ReleaseId>, to: &ReleaseId) -> Vec<Vec<Event>> {
    let mut records = vec![vec![planned(id, from, to)]];
    for (index, step) in (0..).zip(StepName::ALL) {
        records.push(vec![started(id, index, step)]);
        records.push(finished(id, (index, step), from, to));
    }
    records
}

fn planned(id: &DeploymentId, from: Option<&ReleaseId>, to: &ReleaseId) -> Event {
    Event::Planned {
        deployment: id.clone(),
        kind: PlanKind::Deploy,
        from: from.cloned(),
        to: to.clone(),
        steps: StepName::ALL.to_vec(),
        by: Actor { uid: 0, pid: 4711 },
    }
}

fn started(id: &DeploymentId, index: u32, step: StepName) -> Event {
    Event::StepStarted {
        deployment: id.clone(),
        index,
        step,
    }
}

/// What the step brought about, and that it is done, as one record.
fn finished(
    id: &DeploymentId,
    (index, step): (u32, StepName),
    from: Option<&ReleaseId>,
    to: &ReleaseId,
) -> Vec<Event> {
    let done = Event::StepDone {
        deployment: id.clone(),
        index,
        step,
        elapsed_micros: 1_500,
    };
    match step {
        StepName::Seal => vec![stored(id, to), done],
        StepName::Arm => vec![armed(id, from), done],
        StepName::Switch => vec![switched(id, from, to), done],
        StepName::Confirm => vec![done, proven(id, to), confirmed(id)],
        StepName::CheckDisk
        | StepName::Stage
        | StepName::Gate
        | StepName::Verify
        | StepName::AwaitAnswer
        | StepName::Bake
        | StepName::ProveWorkers => vec![done],
    }
}

/// A release that counts as stored.
pub fn stored(id: &DeploymentId, release: &ReleaseId) -> Event {
    Event::Stored {
        site: id.site().clone(),
        release: release.clone(),
        tree: Hash::from_bytes([7; 32]),
        files: 3_200,
        size_bytes: 61_000_000,
        new_bytes: 4_096,
        source: "/home/dev/shop".to_owned(),
        origin: None,
    }
}

fn armed(id: &DeploymentId, back_to: Option<&ReleaseId>) -> Event {
    Event::Armed {
        deployment: id.clone(),
        back_to: back_to.cloned(),
    }
}

fn switched(id: &DeploymentId, from: Option<&ReleaseId>, to: &ReleaseId) -> Event {
    Event::Switched {
        deployment: id.clone(),
        from: from.cloned(),
        to: Some(to.clone()),
        switch_micros: 90,
    }
}

fn proven(id: &DeploymentId, release: &ReleaseId) -> Event {
    Event::Proven {
        site: id.site().clone(),
        release: release.clone(),
    }
}

fn confirmed(id: &DeploymentId) -> Event {
    Event::Ended {
        deployment: id.clone(),
        outcome: Outcome::Confirmed,
    }
}
