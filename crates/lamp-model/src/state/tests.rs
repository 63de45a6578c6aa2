//! What may follow what, and that a replay says what the first run said.

use proptest::prelude::*;

use super::*;
use crate::event::Reason;
use crate::stored::{decode_world, encode_world};

const BY: Actor = Actor { uid: 0, pid: 7 };

fn shop() -> SiteName {
    SiteName::parse("shop").expect("valid")
}

fn release(name: &str) -> ReleaseId {
    ReleaseId::parse(name).expect("valid")
}

fn id(number: u64) -> DeploymentId {
    DeploymentId::new(shop(), number)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).expect("in range")
}

fn stored(name: &str) -> Event {
    Event::Stored {
        site: shop(),
        release: release(name),
        tree: Hash::ZERO,
        files: 1,
        size_bytes: 2,
        new_bytes: 2,
        source: "a directory".to_owned(),
        origin: None,
    }
}

fn planned(number: u64, kind: PlanKind, from: Option<&str>, to: &str) -> Event {
    Event::Planned {
        deployment: id(number),
        kind,
        from: from.map(release),
        to: release(to),
        steps: StepName::ALL.to_vec(),
        by: BY,
    }
}

fn started(number: u64, index: u32) -> Event {
    Event::StepStarted {
        deployment: id(number),
        index,
        step: StepName::ALL[index as usize % StepName::ALL.len()],
    }
}

fn armed(number: u64, back_to: Option<&str>) -> Event {
    Event::Armed {
        deployment: id(number),
        back_to: back_to.map(release),
    }
}

fn switched(number: u64, from: Option<&str>, to: Option<&str>) -> Event {
    Event::Switched {
        deployment: id(number),
        from: from.map(release),
        to: to.map(release),
        switch_micros: 90,
    }
}

fn proven(name: &str) -> Event {
    Event::Proven {
        site: shop(),
        release: release(name),
    }
}

fn ended(number: u64, outcome: Outcome) -> Event {
    Event::Ended {
        deployment: id(number),
        outcome,
    }
}

fn pruned(name: &str) -> Event {
    Event::Pruned {
        site: shop(),
        release: release(name),
    }
}

/// A deployment up to its switch.
fn to_switch(number: u64, kind: PlanKind, from: Option<&str>, to: &str) -> Vec<Event> {
    let mut events = vec![planned(number, kind, from, to), started(number, 0)];
    events.extend([stored(to), armed(number, from), started(number, 5)]);
    events.push(switched(number, from, Some(to)));
    events
}

/// A whole deployment that is confirmed.
fn whole(number: u64, kind: PlanKind, from: Option<&str>, to: &str) -> Vec<Event> {
    let mut events = to_switch(number, kind, from, to);
    events.extend([proven(to), ended(number, Outcome::Confirmed)]);
    events
}

fn fold(events: &[Event]) -> Result<World, IllegalTransition> {
    events
        .iter()
        .zip(0..)
        .try_fold(World::default(), |world, (event, second)| {
            world.apply(at(second), event)
        })
}

#[track_caller]
fn target(events: &[Event], expected: Option<&str>) {
    let world = fold(events).expect("legal");
    let site = world.site(&shop()).expect("deployed to");
    assert_eq!(site.rollback_target(), expected.map(release).as_ref());
}

#[track_caller]
fn refused(events: &[Event], expected: &str) {
    let error = fold(events).expect_err("illegal");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn what_cannot_follow_is_refused_with_the_reason() {
    let deploy = |number| planned(number, PlanKind::Deploy, None, "a");
    refused(
        &[started(1, 0)],
        "step-started cannot follow: shop-1 is not under way",
    );
    refused(
        &[deploy(2)],
        "planned cannot follow: the next deployment is number 1",
    );
    refused(
        &[deploy(1), deploy(2)],
        "planned cannot follow: shop-1 is under way",
    );
    refused(
        &[deploy(1), armed(1, None)],
        "armed cannot follow: shop-1 has not begun",
    );
    refused(
        &[deploy(1), started(1, 0), switched(1, None, Some("a"))],
        "switched cannot follow: shop-1 is not armed",
    );
    refused(
        &[deploy(1), started(1, 3), started(1, 2)],
        "step-started cannot follow: shop-1 never goes a step back",
    );
    refused(
        &[to_switch(1, PlanKind::Deploy, None, "a"), vec![armed(1, None)]].concat(),
        "armed cannot follow: shop-1 is switched already",
    );
    refused(
        &[deploy(1), ended(2, Outcome::Confirmed)],
        "ended cannot follow: shop-2 is not under way",
    );
    refused(&[proven("a")], "proven cannot follow: shop has no release a");
    refused(&[pruned("a")], "pruned cannot follow: shop has no release a");
    refused(
        &[whole(1, PlanKind::Deploy, None, "a"), vec![pruned("a")]].concat(),
        "pruned cannot follow: a is live",
    );
}

#[test]
fn a_rollback_goes_to_the_last_proven_release_that_is_not_live() {
    let first = whole(1, PlanKind::Deploy, None, "a");
    target(&first, None);
    let second = [first, whole(2, PlanKind::Deploy, Some("a"), "b")].concat();
    target(&second, Some("a"));
    let went_back = Outcome::WentBack {
        reason: Reason::AgentEnded,
    };
    let failed = [
        to_switch(3, PlanKind::Deploy, Some("b"), "c"),
        vec![switched(3, Some("c"), Some("b")), ended(3, went_back)],
    ];
    target(&[second, failed.concat()].concat(), Some("a"));
}

#[test]
fn what_someone_rolled_back_from_is_no_target_until_it_is_proven_anew() {
    let deployed = [
        whole(1, PlanKind::Deploy, None, "a"),
        whole(2, PlanKind::Deploy, Some("a"), "b"),
        whole(3, PlanKind::Deploy, Some("b"), "c"),
    ]
    .concat();
    let rolled_back = [deployed.clone(), whole(4, PlanKind::Rollback, Some("c"), "b")].concat();
    target(&rolled_back, Some("a"));
    let world = fold(&rolled_back).expect("legal");
    assert_ne!(
        world.sites[&shop()].releases[&release("c")].proven_at,
        None,
        "it was proven, and may be gone to by its name"
    );
    let again = [rolled_back, whole(5, PlanKind::Deploy, Some("b"), "c")].concat();
    target(&again, Some("b"));
    // Control: a deployment away from a release takes nothing from it.
    target(
        &[deployed, whole(4, PlanKind::Deploy, Some("c"), "d")].concat(),
        Some("c"),
    );
}

#[test]
fn a_clock_set_back_does_not_change_the_target() {
    let events = [
        whole(1, PlanKind::Deploy, None, "a"),
        whole(2, PlanKind::Deploy, Some("a"), "b"),
        whole(3, PlanKind::Deploy, Some("b"), "c"),
    ]
    .concat();
    let backwards = events
        .iter()
        .zip(0..)
        .try_fold(World::default(), |world, (event, second)| {
            world.apply(at(-second), event)
        })
        .expect("legal");
    assert_eq!(backwards.sites[&shop()].rollback_target(), Some(&release("b")));
}

fn any_event() -> impl Strategy<Value = Event> {
    let name = prop::sample::select(vec!["a", "b", "c"]);
    let kind = prop::sample::select(vec![PlanKind::Deploy, PlanKind::Rollback]);
    (0..9_u32, 1..4_u64, 0..6_u32, name.clone(), name, kind).prop_map(
        |(which, number, index, from, to, kind)| match which {
            0 => stored(to),
            1 => planned(number, kind, Some(from), to),
            2 | 3 => started(number, index),
            4 => armed(number, Some(from)),
            5 => switched(number, Some(from), Some(to)),
            6 => proven(to),
            7 => ended(number, Outcome::Confirmed),
            _ => pruned(to),
        },
    )
}

proptest! {
    /// Whatever comes, what was accepted replays to the same world, and every world holds together.
    #[test]
    fn a_replay_says_what_the_run_said(
        events in prop::collection::vec(any_event(), 0..120),
        split in 0..120_usize,
    ) {
        let mut world = World::default();
        let mut accepted = Vec::new();
        for event in events {
            if let Ok(next) = world.clone().apply(at(accepted.len() as i64), &event) {
                world = next;
                accepted.push(event);
                holds_together(&world)?;
            }
        }
        prop_assert_eq!(fold(&accepted), Ok(world.clone()));
        prop_assert_eq!(resumed(&accepted, split), world);
    }
}

/// The fold by way of a snapshot after `split` events.
fn resumed(events: &[Event], split: usize) -> World {
    let split = split.min(events.len());
    let early = fold(&events[..split]).expect("accepted before");
    let early = decode_world(1, &encode_world(&early)).expect("just written");
    events[split..]
        .iter()
        .zip(split as i64..)
        .try_fold(early, |world, (event, second)| world.apply(at(second), event))
        .expect("accepted before")
}

fn holds_together(world: &World) -> Result<(), TestCaseError> {
    for site in world.sites.values() {
        let is_dated = |id: &ReleaseId| {
            site.releases
                .get(id)
                .is_some_and(|known| known.proven_at.is_some())
        };
        prop_assert!(site.proven.iter().all(is_dated));
        prop_assert!(
            site.rollback_target() != site.live.as_ref().map(|live| &live.release) || site.live.is_none()
        );
        prop_assert!(
            site.active
                .as_ref()
                .is_none_or(|active| active.id.number() == site.deployments)
        );
    }
    Ok(())
}
