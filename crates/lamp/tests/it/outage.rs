//! The loop of an outage on a real stack: a bad release is forced into production under load, taken back, paged for,
//! and its incident is over; and what must not set the loop off does not.
//!
//! What is right comes from the load generator, the receiver of pages and the breakage, never from the code under
//! test.

mod scene;

use std::time::Duration;

use lamp_lab::load::{Outcome, Record, Target};
use lamp_lab::receiver::Received;

use scene::{Forced, Scene};

/// Requests a second.
const RATE: f64 = 100.0;

#[test]
fn a_bad_release_is_taken_back_and_the_page_names_its_line() {
    let scene = Scene::new(true);
    let broken = scene.break_next();
    let forced = scene.force(RATE, "30s");
    eprintln!("{forced}");
    assert_eq!(forced.exit, Some(1), "{}", forced.said);
    assert!(forced.said.contains("went back"), "{}", forced.said);
    let failed = forced.failed.len();
    assert!((1..=100).contains(&failed), "{forced}");
    let place = format!("{}:{}", broken.path, broken.line);
    let right = broken.right.expect("this breakage knows the right name");
    let [trigger] = &forced.triggers()[..] else {
        panic!("one trigger: {:#?}", forced.received);
    };
    let summary = text(trigger, "/payload/summary");
    assert!(summary.contains(&place), "{summary}");
    let name = right.rsplit('/').next().expect("a name");
    assert!(summary.contains(&format!("right name is {name};")), "{summary}");
    assert_eq!(text(trigger, "/payload/severity"), "warning", "healed by rollback");
    let [resolve] = &forced.resolves()[..] else {
        panic!("one resolve: {:#?}", forced.received);
    };
    assert_eq!(resolve.dedup_key(), trigger.dedup_key());
    let report = scene.report();
    let counted = &report["impact"]["failed_requests"];
    assert_eq!(counted, &serde_json::json!(failed), "{report:#}");
}

#[test]
fn unwatched_the_same_release_fails_to_the_end_of_its_bake() {
    let scene = Scene::new(false);
    scene.break_next();
    let forced = scene.force(RATE, "10s");
    eprintln!("{forced}");
    assert_eq!(forced.exit, Some(0), "{}", forced.said);
    assert!(forced.failed.len() > 500, "{forced}");
    assert!(forced.triggers().is_empty(), "{:#?}", forced.received);
}

/// A page that always failed, asked for by 3 of 100 visitors, and a fatal error with it.
#[test]
fn a_good_release_of_a_site_with_standing_failures_stays_and_pages_nobody() {
    let scene = Scene::with(true, |dir| {
        fs_err::write(dir.join("public/old.php"), "<?php\nnever_defined();\n").expect("written");
    });
    let old = Target {
        path: "/old.php".into(),
        weight: 3,
        status: 500,
        ways: Vec::new(),
    };
    let forced = scene.visited(RATE, &[old], |scene| scene.deploy_next("20s"));
    eprintln!("{forced}");
    assert_eq!(forced.exit, Some(0), "{}", forced.said);
    let standing = forced.records.iter().filter(|record| status(record) == Some(500)).count();
    assert!(standing > 10, "the control: the old page fails: {standing}");
    assert!(forced.triggers().is_empty(), "{:#?}", forced.received);
    assert_eq!(scene.incidents(), 0);
}

/// What anyone can type, beside the good release's bake: no reason to go back.
#[test]
fn a_hostile_visitor_brings_no_good_release_down() {
    let scene = Scene::new(true);
    let forced = scene.visited(20.0, &[], |scene| {
        let deployed = scene.deploy_beside("10s");
        scene.shout(500);
        deployed.ended_of(scene)
    });
    eprintln!("{forced}");
    assert_eq!(forced.exit, Some(0), "{}", forced.said);
    assert!(forced.triggers().is_empty(), "{:#?}", forced.received);
}

/// And none not to, for a bad one (T14).
#[test]
fn a_hostile_visitor_hides_no_bad_release() {
    let scene = Scene::new(true);
    scene.break_next();
    let forced = scene.visited(RATE, &[], |scene| {
        let deployed = scene.deploy_beside("30s");
        scene.shout(500);
        deployed.ended_of(scene)
    });
    eprintln!("{forced}");
    assert_eq!(forced.exit, Some(1), "{}", forced.said);
    assert_eq!(forced.triggers().len(), 1, "{:#?}", forced.received);
}

fn text(received: &Received, pointer: &str) -> String {
    let body = received.body();
    let found = body.pointer(pointer).and_then(serde_json::Value::as_str);
    found.unwrap_or_default().to_owned()
}

const fn status(record: &Record) -> Option<u16> {
    match &record.outcome {
        Outcome::Answered { status, .. } => Some(*status),
        Outcome::Unanswered(_) => None,
    }
}

/// How long a page may take to be resolved, at most.
const RESOLVE_WITHIN: Duration = Duration::from_secs(60);

impl Forced {
    fn triggers(&self) -> Vec<&Received> {
        self.received.iter().filter(|page| page.is_trigger()).collect()
    }

    fn resolves(&self) -> Vec<&Received> {
        self.received.iter().filter(|page| page.is_resolve()).collect()
    }
}
