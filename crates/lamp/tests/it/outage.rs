//! The loop of an outage on a real stack: a bad release is forced into production under load, taken back, paged for,
//! and its incident is over; and what must not set the loop off does not.
//!
//! What is right comes from the load generator, the receiver of pages and the breakage, never from the code under
//! test.

mod blind;
mod first;
mod hidden;
pub(crate) mod scene;
mod stuck;

use std::path::Path;
use std::time::Duration;

use lamp_lab::load::{Outcome, Record, Target};
use lamp_lab::receiver::Received;

use scene::{Forced, Scene};

use crate::git::{ADA, GRACE, commit};
use crate::ground::until;

/// Pages of a release that fail whoever asks for them.
const FAILING_PAGES: usize = 50;
/// Requests a second.
const RATE: f64 = 100.0;

#[test]
fn a_bad_release_is_taken_back_and_the_page_names_its_line() {
    taken_back(&Scene::new(true));
}

#[test]
fn a_bad_release_is_taken_back_with_php_fpm() {
    taken_back(&Scene::with_fpm());
}

/// Ada wrote the site, Grace the misspelt name; the page and the report say so.
#[test]
fn from_a_repository_the_page_and_the_report_name_the_commit_and_its_author() {
    let scene = Scene::new(true);
    commit(&scene.next(), ADA);
    let broken = scene.break_next();
    let id = commit(&scene.next(), GRACE);
    fs_err::write(scene.next().join("unrelated.php"), "<?php\n").expect("written");
    commit(&scene.next(), ADA);
    let source = format!("{}@main", scene.next().display());
    let forced = scene.visited(RATE, &[], |scene| scene.deploy_from(&source, "30s").ended());
    assert_eq!(forced.exit, Some(1), "{}", forced.said);
    let words = format!("{} by {}", &id[..12], GRACE.0);
    let [trigger] = &forced.triggers()[..] else {
        panic!("one trigger: {:#?}", forced.received);
    };
    let summary = text(trigger, "/payload/summary");
    let place = format!("{}:{}", broken.path, broken.line);
    assert!(summary.contains(&place), "{summary}");
    assert!(summary.contains(&format!("(commit {words})")), "{summary}");
    assert_eq!(text(trigger, "/payload/custom_details/commit"), words);
    assert_eq!(scene.incident()["incident"]["commit"], words.as_str());
    let report = scene.report();
    let cause = report["root_cause"].to_string();
    assert!(cause.contains(&format!("The change: {words}.")), "{report:#}");
    let stored = report["timeline"].to_string();
    assert!(stored.contains("@main ("), "{report:#}");
}

#[track_caller]
fn taken_back(scene: &Scene) {
    let broken = scene.break_next();
    let forced = scene.force(RATE, "30s");
    eprintln!("{forced}");
    assert_eq!(forced.exit, Some(1), "{}", forced.said);
    assert!(forced.said.contains("went back"), "{}", forced.said);
    let failed = forced.failed.len();
    // None at all may have come by before it went back; that it fails for whoever comes shows where nobody watches.
    assert!(failed <= 100, "{forced}");
    let place = format!("{}:{}", broken.path, broken.line);
    let right = broken.right.expect("this breakage knows the right name");
    let triggers = forced.triggers();
    assert_eq!(triggers.len(), 1, "{:#?}", forced.received);
    let trigger = triggers[0];
    let summary = text(trigger, "/payload/summary");
    assert!(summary.contains(&place), "{summary}");
    assert!(
        !summary.contains("(commit"),
        "a directory has no commit: {summary}"
    );
    let name = right.rsplit('/').next().expect("a name");
    assert!(summary.contains(&format!("right name is {name};")), "{summary}");
    assert_eq!(
        text(trigger, "/payload/severity"),
        "warning",
        "healed by rollback"
    );
    let resolves = forced.resolves();
    assert_eq!(resolves.len(), 1, "{:#?}", forced.received);
    assert_eq!(resolves[0].dedup_key(), trigger.dedup_key());
    let report = scene.report();
    let counted = &report["impact"]["failed_requests"];
    assert_eq!(counted, &serde_json::json!(failed), "{report:#}");
}

/// The mistake of the outage itself: few pages a second, for each costs a core 40 ms.
#[test]
fn wordpress_is_taken_back_from_a_misspelt_include() {
    let scene = Scene::wordpress();
    let broken = scene.break_next();
    let forced = scene.force(15.0, "60s");
    eprintln!("{forced}");
    assert_eq!(forced.exit, Some(1), "{}", forced.said);
    let [trigger] = &forced.triggers()[..] else {
        panic!("one trigger: {:#?}", forced.received);
    };
    let summary = text(trigger, "/payload/summary");
    assert!(
        summary.contains(&format!("{}:{}", broken.path, broken.line)),
        "{summary}"
    );
    assert_eq!(forced.resolves().len(), 1, "{:#?}", forced.received);
}

/// Nobody comes by: what visitors asked for before, and were always answered well, is asked in their place; never
/// anything else (T24).
#[test]
fn a_quiet_site_is_judged_by_a_harmless_sweep() {
    let scene = Scene::new(true);
    let good = scene.live();
    scene.break_next();
    for (path, status) in [
        ("/", 200),
        ("/small.php", 200),
        ("/?x=1", 200),
        ("/parts/dir.php", 403),
        ("/absent", 404),
    ] {
        assert_eq!(scene.ask(path), Some(status), "{path}");
    }
    let ended = scene.deploy_next("60s");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(scene.live(), good);
    let asked = scene.asked_through_the_door();
    let harmless = ["/", "/small.php", "/static.txt"];
    assert!(
        asked.iter().all(|path| harmless.contains(&path.as_str())),
        "{asked:?}"
    );
    assert!(
        asked.iter().any(|path| path != "/static.txt"),
        "the control: it did ask: {asked:?}"
    );
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
    let standing = forced
        .records
        .iter()
        .filter(|record| status(record) == Some(500))
        .count();
    assert!(standing > 10, "the control: the old page fails: {standing}");
    assert!(forced.triggers().is_empty(), "{:#?}", forced.received);
    assert_eq!(scene.incidents(), 0);
}

/// What anyone can type, beside the good release's bake: no reason to go back.
#[test]
fn a_hostile_visitor_brings_no_good_release_down() {
    let scene = Scene::with(true, write_failing_pages);
    let forced = scene.visited(20.0, &[], |scene| {
        let deployed = scene.deploy_beside("10s");
        assert_eq!(
            scene.shout(500),
            500,
            "the control: each of them is answered with 500"
        );
        deployed.ended()
    });
    eprintln!("{forced}");
    assert_eq!(forced.exit, Some(0), "{}", forced.said);
    assert!(forced.triggers().is_empty(), "{:#?}", forced.received);
}

/// And none not to, for a bad one (T14).
#[test]
fn a_hostile_visitor_hides_no_bad_release() {
    let scene = Scene::with(true, write_failing_pages);
    scene.break_next();
    let forced = scene.visited(RATE, &[], |scene| {
        let deployed = scene.deploy_beside("30s");
        scene.shout(500);
        deployed.ended()
    });
    eprintln!("{forced}");
    assert_eq!(forced.exit, Some(1), "{}", forced.said);
    assert_eq!(forced.triggers().len(), 1, "{:#?}", forced.received);
}

/// Going back would not mend it: whoever is on call is told, and the release stays.
#[test]
fn a_dead_database_in_a_good_bake_pages_and_switches_nothing() {
    let mut scene = Scene::wordpress();
    let before = scene.live();
    let deploying = scene.deploy_beside("20s");
    until("the good release is live", || scene.live() != before);
    let release = scene.live();
    for _ in 0..5 {
        assert_eq!(scene.ask("/"), Some(200));
    }
    scene.stop_database();
    until("somebody is paged", || {
        scene.ask("/");
        scene.receiver().received().iter().any(Received::is_trigger)
    });
    assert_eq!(
        scene.ask("/"),
        Some(500),
        "the control: without its database it fails"
    );
    assert_eq!(scene.live(), release, "nothing is switched for it");
    scene.start_database();
    until("the alert is resolved", || {
        scene.ask("/");
        scene.receiver().received().iter().any(Received::is_resolve)
    });
    let ended = deploying.ended();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(scene.live(), release);
    let received = scene.receiver().received();
    let trigger = received.iter().find(|page| page.is_trigger()).expect("one");
    assert_eq!(text(trigger, "/payload/severity"), "critical");
    at_rest(&mut scene);
    assert!(
        text(trigger, "/payload/summary").contains("release before"),
        "{}",
        text(trigger, "/payload/summary")
    );
}

/// The same again, long after any deployment: another incident, and status says so.
fn at_rest(scene: &mut Scene) {
    let count = |scene: &Scene, which: fn(&Received) -> bool| {
        scene
            .receiver()
            .received()
            .iter()
            .filter(|page| which(page))
            .count()
    };
    assert_eq!(scene.status().code, Some(0), "the control: all is well");
    scene.stop_database();
    until("somebody is paged again", || {
        scene.ask("/");
        count(scene, Received::is_trigger) == 2
    });
    let status = scene.status();
    assert_eq!(status.code, Some(1), "{status:?}");
    assert!(status.out.contains("FAILING"), "{status:?}");
    scene.start_database();
    until("that is resolved as well", || {
        scene.ask("/");
        count(scene, Received::is_resolve) == 2
    });
    assert_eq!(scene.incidents(), 2);
}

/// Pages that nobody links to and that fail whoever asks: each application has some.
fn write_failing_pages(dir: &Path) {
    for number in 0..FAILING_PAGES {
        let page = dir.join(format!("public/direct-{number}.php"));
        fs_err::write(page, "<?php\nnever_defined();\n").expect("written");
    }
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
