//! What follows from what, and that whoever is killed, whenever, nothing is told twice or not at all.

use std::collections::BTreeMap;

use lamp_model::event::{Outcome, Reason};
use lamp_model::evidence::{Impact, Trouble, Urgency, Verdict};
use lamp_model::incident::{IncidentState, PageAction, PageIntent, PageSeverity, SUMMARY_MAX_CHARS};
use lamp_model::plan::PlanKind;
use proptest::prelude::*;

use super::*;
use crate::sample::{
    armed, at, bad, certificate, confirmed, disk, ended, fold, gated, hold, impact, judged, not_the_release,
    planned, recovered, release, relieved, shop, started, stored, switched, terms, to_switch, went_back,
};

/// What follows, in short: one line per event.
fn told_in_short(events: &[Event]) -> Vec<String> {
    events.iter().map(short).collect()
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "follow answers no other kinds; a test says so"
)]
fn short(event: &Event) -> String {
    match event {
        Event::IncidentOpened { incident, title, .. } => format!("opened {incident}: {title}"),
        Event::IncidentMitigated { incident } => format!("mitigated {incident}"),
        Event::IncidentResolved { incident, impact } => {
            format!("resolved {incident}: {} failed", impact.failed_requests)
        }
        Event::PageIntended { intent, .. } => {
            format!("{:?} {:?} {}", intent.action, intent.severity, intent.summary).to_lowercase()
        }
        other => format!("unexpected: {other:?}"),
    }
}

/// A world in which release a is live and proven, and of which all has been told.
fn a_is_live() -> World {
    let world = fold(World::default(), -60_000, &confirmed(1, None, "a"));
    followed(world, -50_000).0
}

/// The world after what follows from it, and that; nothing follows from it again.
fn followed(world: World, millis: i64) -> (World, Vec<Event>) {
    let events = follow(&world, &terms(at(millis)));
    let after = events.iter().fold(world, |world, event| {
        world
            .apply(at(millis), event)
            .expect("follow answers what may follow")
    });
    assert_eq!(follow(&after, &terms(at(millis))), [], "it is idempotent");
    (after, events)
}

#[track_caller]
fn check(world: World, millis: i64, expected: &[&str]) -> World {
    let (world, events) = followed(world, millis);
    assert_eq!(told_in_short(&events), expected);
    world
}

/// Release b answers, unconfirmed, and the change was told.
fn b_is_in_its_bake() -> World {
    let world = fold(a_is_live(), 0, &to_switch(2, Some("a"), "b"));
    let world = fold(world, 10, &[gated(2, "b")]);
    followed(world, 20).0
}

#[test]
fn the_original_outage_is_one_page_and_its_end() {
    let world = fold(b_is_in_its_bake(), 1010, &[judged(Some(2), bad("b"))]);
    let world = check(world, 1011, &[]);
    let world = fold(world, 1012, &[switched(2, Some("b"), Some("a"))]);
    let world = check(
        world,
        1013,
        &[
            "opened 1: release b failed",
            "mitigated 1",
            "trigger warning shop: release b failed and was rolled back: wp-settings.php:139 names \
             class-wp-locale.phpp; the right name is class-wp-locale.php; 104 of 104 entry points reach it; the \
             gate had blocked it and was overridden (\"the campaign starts at seven\"); a answers again since \
             03:40:01 utc; 7 requests of 5 visitors failed",
            "change info shop: a answers again, shop-2 went back, before it b",
        ],
    );
    let reason = Reason::AgentEnded;
    let world = check(fold(world, 1014, &[went_back(2, reason)]), 1015, &[]);
    let world = fold(world, 2000, &[recovered(impact())]);
    let world = check(
        world,
        2001,
        &[
            "resolved 1: 7 failed",
            "resolve info shop: release b failed and was rolled back: all is well again since 03:40:02 utc; 7 \
             requests of 5 visitors failed, out of 4211",
        ],
    );
    check(world, 9000, &[]);
}

#[test]
fn what_is_told_late_of_an_incident_that_is_over_opens_no_other() {
    let world = fold(b_is_in_its_bake(), 1010, &[judged(Some(2), bad("b"))]);
    let world = fold(world, 1012, &[switched(2, Some("b"), Some("a"))]);
    let world = followed(world, 1013).0;
    let world = followed(fold(world, 2000, &[recovered(impact())]), 2001).0;
    assert_eq!(world.incidents[&IncidentId(1)].state, IncidentState::Resolved);
    let late_verdict = fold(world.clone(), 2100, &[judged(Some(2), bad("b"))]);
    check(late_verdict, 2101, &[]);
    let reason = Reason::AgentEnded;
    check(fold(world, 2100, &[went_back(2, reason)]), 2101, &[]);
}

#[test]
fn a_verdict_after_which_nothing_goes_back_is_told_after_two_seconds() {
    let world = fold(b_is_in_its_bake(), 1010, &[judged(Some(2), bad("b"))]);
    let failing = "trigger critical shop: release b fails: wp-settings.php:139 names class-wp-locale.phpp; the right \
                   name is class-wp-locale.php; 104 of 104 entry points reach it; the gate had blocked it and was \
                   overridden (\"the campaign starts at seven\"); b still answers, nothing was rolled back; 7 \
                   requests of 5 visitors failed";
    let world = check(world, 3009, &[]);
    check(world.clone(), 3010, &["opened 1: release b failed", failing]);
    // A clock that was set back an hour makes the verdict no younger.
    check(world, -3_600_000, &["opened 1: release b failed", failing]);
    // Once confirmed, nothing takes it back by itself.
    let world = fold(b_is_in_its_bake(), 30, &[ended(2, Outcome::Confirmed)]);
    let world = fold(world, 1010, &[judged(None, bad("b"))]);
    let world = check(world, 1011, &["opened 1: release b failed", failing]);
    assert_eq!(
        world.incidents[&IncidentId(1)].deployment,
        Some(crate::sample::id(2))
    );
}

#[test]
fn what_no_release_is_to_blame_for_is_told_at_once() {
    let world = fold(a_is_live(), 1010, &[judged(None, not_the_release())]);
    let world = check(
        world,
        1011,
        &[
            "opened 1: / answered 500, and so does the release before",
            "trigger critical shop: / answered 500, the release \
             before answered 500: it is not the release; nothing was switched: a answers; 7 requests of 5 visitors \
             failed",
        ],
    );
    // A second verdict joins the incident that is open.
    let world = check(fold(world, 1100, &[judged(None, hold(blind()))]), 1101, &[]);
    let world = fold(world, 2000, &[recovered(Impact::default())]);
    check(
        world,
        2001,
        &[
            "resolved 1: 0 failed",
            "resolve info shop: / answered 500, and so does the release before: all is well again since 03:40:02 \
             utc; none of 0 requests failed",
        ],
    );
}

fn blind() -> Trouble {
    Trouble::Blind {
        log: "/var/log/apache2/lamp-shop.log".to_owned(),
    }
}

const DISK_SOON: &str = "trigger warning shop: the filesystem of /srv/shop has 11.4 mib free; make room before writes \
                         fail: `du -xh -d2 /srv/shop | sort -h | tail` shows what lies there, `lamp release prune \
                         shop` removes old releases";

#[test]
fn what_can_wait_is_a_warning_and_critical_once_it_cannot() {
    let world = fold(a_is_live(), 1010, &[judged(None, hold(disk(Urgency::Soon)))]);
    let world = check(
        world,
        1011,
        &[
            "opened 1: the filesystem of /srv/shop has 11.4 MiB free",
            DISK_SOON,
        ],
    );
    let world = check(
        fold(world, 1100, &[judged(None, hold(disk(Urgency::Soon)))]),
        1101,
        &[],
    );
    let world = fold(world, 1200, &[judged(None, hold(disk(Urgency::Now)))]);
    let world = check(world, 1201, &[&DISK_SOON.replace("warning", "critical")]);
    // What becomes better is told when it is well.
    let world = check(
        fold(world, 1300, &[judged(None, hold(disk(Urgency::Soon)))]),
        1301,
        &[],
    );
    check(
        fold(world, 2000, &[relieved(&disk(Urgency::Soon))]),
        2001,
        &[
            "resolved 1: 0 failed",
            "resolve info shop: the filesystem of /srv/shop has 11.4 mib free: all is well again since 03:40:02 utc",
        ],
    );
}

#[test]
fn a_full_disk_hides_no_outage_and_an_outage_no_full_disk() {
    let world = fold(a_is_live(), 1010, &[judged(None, hold(disk(Urgency::Soon)))]);
    let world = followed(world, 1011).0;
    let world = fold(world, 1100, &[judged(None, not_the_release())]);
    let (world, events) = followed(world, 1101);
    assert_eq!(intents(&events)[0].severity, PageSeverity::Critical);
    assert_ne!(
        intents(&events)[0].dedup_key,
        world.incidents[&IncidentId(1)]
            .told
            .clone()
            .expect("told")
            .dedup_key
    );
    let world = fold(world, 1200, &[judged(None, hold(certificate(Urgency::Soon)))]);
    let (world, events) = followed(world, 1201);
    assert_eq!(intents(&events)[0].severity, PageSeverity::Warning);
    let world = followed(fold(world, 2000, &[recovered(impact())]), 2001).0;
    let state = |number| world.incidents[&IncidentId(number)].state;
    assert_eq!(
        [state(1), state(2), state(3)],
        [
            IncidentState::Failing,
            IncidentState::Resolved,
            IncidentState::Failing
        ]
    );
    assert!(!awaits_recovery(&world, &shop()), "nobody probes a disk well");
}

/// A deployment that went back for this reason, without a verdict.
fn back_for(reason: Reason) -> World {
    let back = [switched(2, Some("b"), Some("a")), went_back(2, reason)];
    fold(b_is_in_its_bake(), 1012, &back)
}

#[test]
fn production_that_goes_back_unasked_is_told() {
    let probe = || Reason::ProbeFailed {
        path: "/".to_owned(),
        answer: "answered 503".to_owned(),
    };
    let events = followed(back_for(probe()), 1020).1;
    assert_eq!(
        told_in_short(&events)[..2],
        [
            "opened 1: release b went back: the probe of / through Apache answered 503",
            "mitigated 1"
        ]
    );
    let asked = Reason::Asked {
        by: crate::sample::BY,
    };
    let shut = Reason::GateBlocked { blockers: Vec::new() };
    for quiet in [asked, shut] {
        check(
            back_for(quiet),
            1020,
            &["change info shop: a answers again, shop-2 went back, before it b"],
        );
    }
    // Nobody was served before the first release: no outage.
    let world = fold(World::default(), 0, &to_switch(1, None, "a"));
    let world = fold(world, 20, &[switched(1, Some("a"), None), went_back(1, probe())]);
    check(
        world,
        30,
        &[
            "change info shop: a answers (shop-1)",
            "change info shop: no release answers, shop-1 went back, before it a",
        ],
    );
}

#[test]
fn what_gets_worse_is_told_once_more_under_the_same_key() {
    let world = followed(back_for(Reason::AgentEnded), 1020).0;
    let world = check(fold(world, 1500, &[judged(Some(2), bad("b"))]), 1501, &[]);
    let world = fold(world, 1600, &[judged(None, not_the_release())]);
    let (world, events) = followed(world, 1601);
    let pages = intents(&events);
    assert_eq!(pages.len(), 1);
    assert_eq!(pages[0].severity, PageSeverity::Critical);
    assert_eq!(
        pages[0].summary,
        "shop: fails, though release b is gone: / answered 500, the release before answered 500: it is not the \
         release; nothing was switched: a answers; 7 requests of 5 visitors failed"
    );
    let key = world.incidents[&IncidentId(1)]
        .told
        .clone()
        .expect("told")
        .dedup_key;
    assert_eq!(pages[0].dedup_key, key);
    check(world, 1700, &[]);
}

#[test]
fn without_a_pager_there_are_incidents_and_no_pages() {
    let quiet = |millis| Terms {
        pager: None,
        ..terms(at(millis))
    };
    let world = back_for(Reason::AgentEnded);
    let events = follow(&world, &quiet(1020));
    assert_eq!(
        told_in_short(&events),
        [
            "opened 1: release b went back: the agent ended before the deployment was confirmed",
            "mitigated 1"
        ]
    );
    let world = fold(world, 1020, &events);
    // One that is open when a pager comes is told; one that is over is not.
    assert_eq!(
        intents(&follow(&world, &terms(at(1030))))[0].action,
        PageAction::Trigger
    );
    let world = fold(world, 1030, &[recovered(impact())]);
    let world = fold(world.clone(), 1031, &follow(&world, &quiet(1031)));
    check(
        world,
        1040,
        &["change info shop: a answers again, shop-2 went back, before it b"],
    );
}

#[test]
fn keys_are_bounded_and_those_of_two_hosts_differ() {
    let world = back_for(Reason::AgentEnded);
    let long = "h".repeat(500);
    let key = |host: &str| {
        let terms = Terms {
            host,
            ..terms(at(1020))
        };
        intents(&follow(&world, &terms))[0].dedup_key.clone()
    };
    assert_eq!(
        key("web1.example"),
        "lamp/web1.example/shop/incident-1/1795318801013000"
    );
    assert_ne!(key("web1.example"), key("web2.example"));
    assert!(key(&long).len() <= page::DEDUP_KEY_MAX_BYTES);
    assert!(!key("a b\n\u{202e}").contains(char::is_whitespace));
}

fn intents(events: &[Event]) -> Vec<PageIntent> {
    let intents = events.iter().filter_map(|event| {
        let Event::PageIntended { intent, .. } = event else {
            return None;
        };
        Some((**intent).clone())
    });
    intents.collect()
}

/// What may happen at a site, whatever it is about; what the fold refuses does not happen.
fn any_event() -> impl Strategy<Value = Event> {
    let name = prop::sample::select(vec!["a", "b", "c"]);
    let kind = prop::sample::select(vec![PlanKind::Deploy, PlanKind::Deploy, PlanKind::Rollback]);
    let number = prop::option::of(1..6_u64);
    (0..21_u32, number, 0..9_u32, name.clone(), name, kind).prop_map(
        |(which, some, index, from, to, kind)| {
            let number = some.unwrap_or(1);
            match which {
                0 | 1 => planned(number, kind, Some(from), to),
                2 => started(number, index),
                3 => armed(number, Some(from)),
                4 | 5 => switched(number, Some(from), Some(to)),
                6 => switched(number, Some(from), None),
                7 => ended(number, Outcome::Confirmed),
                8 => went_back(number, Reason::AgentEnded),
                9 => went_back(
                    number,
                    Reason::Asked {
                        by: crate::sample::BY,
                    },
                ),
                10 => judged(some, bad(to)),
                11 => judged(some, not_the_release()),
                12 => judged(some, hold(blind())),
                13 => stored(to),
                14 => gated(number, to),
                15 => judged(None, hold(disk(Urgency::Soon))),
                16 => judged(None, hold(disk(Urgency::Now))),
                17 => relieved(&disk(Urgency::Now)),
                18 => judged(None, hold(certificate(Urgency::Soon))),
                19 => relieved(&certificate(Urgency::Soon)),
                _ => recovered(impact()),
            }
        },
    )
}

/// A run of an agent: what it was told of, what it appended of its own.
#[derive(Default)]
struct Run {
    world: World,
    millis: i64,
    pages: BTreeMap<IncidentId, Vec<PageIntent>>,
    events: Vec<Event>,
}

impl Run {
    /// Appends what follows. Killed after any part of it, the next start appends the rest.
    fn follow(&mut self) -> Result<(), TestCaseError> {
        let terms = terms(at(self.millis));
        let events = follow(&self.world, &terms);
        let mut rest = events.as_slice();
        while let Some((first, others)) = rest.split_first() {
            self.world = self
                .world
                .clone()
                .apply(terms.now, first)
                .map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(follow(&self.world, &terms), others);
            rest = others;
        }
        for intent in intents(&events) {
            if let Some(incident) = intent.incident {
                self.pages.entry(incident).or_default().push(intent);
            }
        }
        self.events.extend(events);
        Ok(())
    }

    fn happen(&mut self, event: &Event) -> Result<(), TestCaseError> {
        if let Ok(world) = self.world.clone().apply(at(self.millis), event) {
            self.world = world;
            self.events.push(event.clone());
        }
        self.follow()
    }

    /// Everything settles: nothing is under way and the site is well.
    fn settle(&mut self) -> Result<(), TestCaseError> {
        self.millis += 10_000;
        self.follow()?;
        self.happen(&relieved(&disk(Urgency::Now)))?;
        self.happen(&relieved(&certificate(Urgency::Now)))?;
        self.happen(&recovered(impact()))
    }
}

fn is_well_told(pages: &[PageIntent]) -> Result<(), TestCaseError> {
    let count = |action| pages.iter().filter(|page| page.action == action).count();
    prop_assert_eq!(count(PageAction::Resolve), 1);
    prop_assert_eq!(pages.last().map(|page| page.action), Some(PageAction::Resolve));
    prop_assert!((1..=2).contains(&count(PageAction::Trigger)));
    for page in pages {
        prop_assert_eq!(&page.dedup_key, &pages[0].dedup_key);
        prop_assert!(page.dedup_key.len() <= page::DEDUP_KEY_MAX_BYTES);
        prop_assert!(page.summary.chars().count() <= SUMMARY_MAX_CHARS);
        prop_assert!(!page.summary.contains(char::is_control));
    }
    // Twice only from better to worse.
    let loudness: Vec<PageSeverity> = pages.iter().map(|page| page.severity).collect();
    if count(PageAction::Trigger) == 2 {
        prop_assert_eq!(&loudness[..2], &[PageSeverity::Warning, PageSeverity::Critical]);
    }
    Ok(())
}

proptest! {
    /// Whatever happens, the fold takes what follows, a kill after any of it changes nothing, and each incident
    /// ends told: by one trigger per state that is worse than the one before, and by one end.
    #[test]
    fn every_incident_is_told_and_ends(happenings in prop::collection::vec((any_event(), 0..3000_i64), 0..60)) {
        let mut run = Run::default();
        for event in confirmed(1, None, "a") {
            run.happen(&event)?;
        }
        for (event, pause_millis) in happenings {
            run.millis += pause_millis;
            run.happen(&event)?;
        }
        run.settle()?;
        prop_assert_eq!(run.pages.len(), run.world.incidents.len());
        for (id, incident) in &run.world.incidents {
            prop_assert_eq!(incident.state, IncidentState::Resolved);
            is_well_told(&run.pages[id])?;
        }
        let keys: std::collections::BTreeSet<_> = run.pages.values().map(|pages| &pages[0].dedup_key).collect();
        prop_assert_eq!(keys.len(), run.pages.len());
        prop_assert!(!awaits_recovery(&run.world, &shop()));
        prop_assert!(run.world.sites[&shop()].untold_changes.is_empty());
    }
}

#[test]
fn the_property_sees_incidents_of_every_kind() {
    let mut run = Run::default();
    for event in confirmed(1, None, "a")
        .into_iter()
        .chain(to_switch(2, Some("a"), "b"))
    {
        run.happen(&event).expect("well told");
    }
    assert!(run.world.incidents.is_empty());
    let verdict: Verdict = bad("b");
    for event in [
        judged(Some(2), verdict),
        switched(2, Some("b"), Some("a")),
        recovered(impact()),
    ] {
        run.happen(&event).expect("well told");
    }
    assert_eq!(run.pages[&IncidentId(1)].len(), 2);
    assert_eq!(
        run.world.incidents[&IncidentId(1)]
            .culprit
            .as_ref()
            .map(|c| c.release.clone()),
        Some(release("b"))
    );
}
