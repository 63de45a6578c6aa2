//! Writes the log from which the fixture of this version was made: `write_fixture PATH`.
//!
//! It tells every kind of event, outcome and reason. Run once per version; a fixture is never written anew,
//! since it stands for the logs that are out there.

mod outage;
mod surroundings;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lamp_log::{Journal, Parts, SqliteLog, Writer};
use lamp_model::event::{Actor, Event, Outcome, Reason};
use lamp_model::plan::{PlanKind, StepName};
use lamp_model::{DeploymentId, ReleaseId};
use lamp_testkit::{ManualClock, sample};

type Failure = Box<dyn std::error::Error>;

const BY: Actor = Actor { uid: 1000, pid: 4242 };

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let path = std::env::args_os().nth(1).ok_or("usage: write_fixture PATH")?;
    let log = Arc::new(SqliteLog::open(Path::new(&path))?);
    let clock = ManualClock::new();
    let journal = Journal::open(Parts {
        log: log.clone(),
        snapshots: log,
        clock: Arc::new(clock.clone()),
        writer: Writer(*b"fixture4"),
        epoch: 3,
        host: "web1".to_owned(),
    })
    .await?;
    let all = history()
        .into_iter()
        .chain(outage::history()?)
        .chain(surroundings::history()?);
    for events in all {
        clock.advance(Duration::from_millis(1_250));
        journal.append(events).await?;
    }
    journal.close().await;
    Ok(())
}

fn id(number: u64) -> DeploymentId {
    DeploymentId::new(sample::site("shop"), number)
}

/// Two deployments, a rollback, one deployment per reason to go back or not to go, and a prune.
fn history() -> Vec<Vec<Event>> {
    let [first, second, third] =
        ["20261120-0700-aa", "20261121-0700-bb", "20261122-0640-cc"].map(sample::release);
    let mut history = vec![vec![Event::AgentStarted {
        pid: 812,
        version: "0.1.0".to_owned(),
    }]];
    history.extend(sample::confirmed_deployment(&id(1), None, &first));
    history.extend(sample::confirmed_deployment(&id(2), Some(&first), &second));
    history.push(rolled_back(3, &second, &first));
    for (nth, reason) in (1..).zip(reasons()) {
        history.push(went_back(3 + nth, &first, &third, reason.clone()));
        history.push(not_switched(nth, reason));
    }
    history.push(vec![Event::Pruned {
        site: sample::site("shop"),
        release: second,
    }]);
    history
}

fn reasons() -> Vec<Reason> {
    vec![
        Reason::StepFailed {
            step: StepName::Switch,
            error: "permission denied".to_owned(),
        },
        Reason::ProbeFailed {
            path: "/".to_owned(),
            answer: "answered 500".to_owned(),
        },
        Reason::WorkersBehind { pids: vec![31, 32] },
        Reason::AgentEnded,
        Reason::LogUnavailable {
            error: "the disk is full".to_owned(),
        },
        Reason::Asked { by: BY },
    ]
}

fn planned(deployment: DeploymentId, kind: PlanKind, from: Option<&ReleaseId>, to: &ReleaseId) -> Event {
    Event::Planned {
        deployment,
        kind,
        from: from.cloned(),
        to: to.clone(),
        steps: vec![StepName::Verify, StepName::Arm, StepName::Switch],
        by: BY,
    }
}

fn switch(deployment: &DeploymentId, from: &ReleaseId, to: &ReleaseId) -> [Event; 3] {
    let deployment = deployment.clone();
    [
        Event::StepStarted {
            deployment: deployment.clone(),
            index: 2,
            step: StepName::Switch,
        },
        Event::Armed {
            deployment: deployment.clone(),
            back_to: Some(from.clone()),
        },
        Event::Switched {
            deployment,
            from: Some(from.clone()),
            to: Some(to.clone()),
            switch_micros: 77,
        },
    ]
}

fn rolled_back(number: u64, from: &ReleaseId, to: &ReleaseId) -> Vec<Event> {
    let mut events = vec![planned(id(number), PlanKind::Rollback, Some(from), to)];
    events.extend(switch(&id(number), from, to));
    events.push(Event::Ended {
        deployment: id(number),
        outcome: Outcome::Confirmed,
    });
    events
}

fn went_back(number: u64, from: &ReleaseId, to: &ReleaseId, reason: Reason) -> Vec<Event> {
    let mut events = vec![planned(id(number), PlanKind::Deploy, Some(from), to)];
    events.extend(switch(&id(number), from, to));
    events.push(Event::Switched {
        deployment: id(number),
        from: Some(to.clone()),
        to: Some(from.clone()),
        switch_micros: 61,
    });
    events.push(Event::Ended {
        deployment: id(number),
        outcome: Outcome::WentBack { reason },
    });
    events
}

/// On a site of its own, so that the numbers of the first go on.
fn not_switched(number: u64, reason: Reason) -> Vec<Event> {
    let deployment = DeploymentId::new(sample::site("blog"), number);
    let to = sample::release("20261122-0641-dd");
    vec![
        planned(deployment.clone(), PlanKind::Deploy, None, &to),
        Event::Ended {
            deployment,
            outcome: Outcome::NotSwitched { reason },
        },
    ]
}
