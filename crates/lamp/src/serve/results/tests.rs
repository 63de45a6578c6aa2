use lamp_model::SiteName;
use lamp_model::incident::{PageAction, PageIntent, PageSeverity};

use super::*;

const TAKEN: PageResult = PageResult::Accepted { tries: 1 };

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("a time")
}

/// A world in which these pages wait, each since that second.
fn waiting(pages: &[(u64, i64)]) -> World {
    let mut world = World::default();
    for (id, second) in pages {
        let intent = PageIntent {
            action: PageAction::Trigger,
            dedup_key: "a".to_owned(),
            incident: None,
            site: SiteName::parse("shop").expect("a name"),
            severity: PageSeverity::Critical,
            summary: String::new(),
            happened_at: at(*second),
            details: Vec::new(),
        };
        let since = at(*second);
        world.outbox.insert(PageId(*id), PendingPage { since, intent });
    }
    world
}

fn pending(results: &Results, world: &World) -> Vec<u64> {
    results.without(&world.outbox).keys().map(|id| id.0).collect()
}

fn to_hand_over(results: &Results, world: &World) -> Vec<u64> {
    let lacking = results.to_hand_over(&world.outbox);
    lacking.iter().map(|(id, _)| id.0).collect()
}

#[test]
fn a_page_with_a_result_is_pending_no_more_over_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let world = waiting(&[(1, 0), (2, 5)]);
    let mut results = Results::open(dir.path()).expect("opened");
    assert_eq!(pending(&results, &world), [1, 2]);
    results.keep(PageId(1), at(0), TAKEN).expect("kept");
    drop(results);
    let results = Results::open(dir.path()).expect("opened again");
    assert_eq!(pending(&results, &world), [2]);
    assert_eq!(to_hand_over(&results, &world), [1]);
}

#[test]
fn what_is_handed_over_stays_until_the_log_tells_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut results = Results::open(dir.path()).expect("opened");
    let world = waiting(&[(1, 0)]);
    results.keep(PageId(1), at(0), TAKEN).expect("kept");
    results.handed_over(PageId(1));
    results.forget_told(&world).expect("forgotten");
    assert_eq!(
        (pending(&results, &world), to_hand_over(&results, &world)),
        (vec![], vec![])
    );
    results.forget_told(&waiting(&[])).expect("forgotten");
    drop(results);
    let results = Results::open(dir.path()).expect("opened again");
    assert_eq!(pending(&results, &world), [1], "forgotten on disk too");
}

#[test]
fn a_result_is_never_taken_for_that_of_a_page_of_another_log() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut results = Results::open(dir.path()).expect("opened");
    results.keep(PageId(1), at(0), TAKEN).expect("kept");
    let other = waiting(&[(1, 60)]);
    assert_eq!(pending(&results, &other), [1]);
    assert_eq!(to_hand_over(&results, &other), [] as [u64; 0]);
}

#[test]
fn two_do_not_share_a_directory_and_what_is_not_ours_is_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let results = Results::open(dir.path()).expect("opened");
    let second = Results::open(dir.path());
    assert!(matches!(second, Err(ResultsError::Locked { .. })), "{second:?}");
    drop(results);
    fs::write(dir.path().join("results.json"), "{}").expect("written");
    let broken = Results::open(dir.path());
    assert!(matches!(broken, Err(ResultsError::Broken { .. })), "{broken:?}");
}
