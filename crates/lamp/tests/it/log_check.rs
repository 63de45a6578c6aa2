//! The log after a fault: whole, without a gap, and saying what is so.

use std::path::Path;

use lamp_log::{SqliteLog, replay, verify};
use lamp_model::event::Seq;
use lamp_model::port::EventLog;
use lamp_model::{ReleaseId, SiteName, World};

/// Records that are read at once; no test writes more.
const ALL: usize = 1_000_000;

/// Verifies the chain, counts the records, folds them, and holds the fold against what is live.
#[track_caller]
pub(crate) fn check(path: &Path, live: Option<&ReleaseId>, case: &str) {
    let world = whole(path, case);
    let site = world.site(&SiteName::parse("shop").expect("valid"));
    let site = site.expect("the site");
    let said = site.live.as_ref().map(|live| &live.release);
    assert_eq!(said, live, "{case}: the log says another release is live");
    assert!(
        site.active.is_none(),
        "{case}: the log says that {:?} is under way",
        site.active
    );
}

/// Verifies the chain, counts the records, and answers what they come to.
#[track_caller]
pub(crate) fn whole(path: &Path, case: &str) -> World {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let log = SqliteLog::open_reading(path).expect("the log can be read");
        let head = verify(&log).await.expect("the chain verifies");
        let records = log.read(Seq(0), ALL).await.expect("records");
        let places: Vec<u64> = records.iter().map(|record| record.seq.0).collect();
        assert_eq!(places, (1..=head.seq.0).collect::<Vec<_>>(), "{case}: a gap");
        let view = replay(&log, &log).await.expect("the log folds");
        World::clone(&view.world)
    })
}
