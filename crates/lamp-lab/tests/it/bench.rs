//! What the tests start from: a directory of their own, the init program, and labs.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lamp_http::{Answer, Client, Request};
use lamp_lab::{App, Lab, LabPlan, Sapi, SitePlan};
use lamp_model::{ReleaseId, SiteName};
use lamp_sandbox::InitProgram;
use tempfile::TempDir;

/// The program that becomes a lab's keeper.
pub(crate) fn init() -> InitProgram {
    InitProgram::new(env!("CARGO_BIN_EXE_lamp-lab-init"))
}

/// A directory for labs on a real filesystem; what a killed lab left in it is removed with it.
pub(crate) fn parent() -> TempDir {
    tempfile::Builder::new()
        .prefix("lamp-lab-")
        .tempdir_in("/var/tmp")
        .expect("a directory in /var/tmp")
}

/// Held by a test that measures under load: two loads at once would measure each other.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn id(text: &str) -> ReleaseId {
    ReleaseId::parse(text).expect("a release id")
}

/// The site `shop` serving `app`.
pub(crate) fn shop(app: &App) -> SitePlan {
    SitePlan::new(SiteName::parse("shop").expect("a name"), &*app.facts.docroot)
}

/// A lab whose site `shop` serves release `1` of `app`, switched by its link.
pub(crate) fn serving(parent: &Path, sapi: Sapi, app: &App) -> Lab {
    let plan = LabPlan::new(parent, sapi).site(shop(app));
    let lab = Lab::start(plan, &init()).expect("the lab starts");
    lab.put_release("shop", &id("1"), |dir| app.write_release(dir, "1"))
        .expect("written");
    lab.switch_by_link("shop", &id("1")).expect("switched");
    lab
}

/// Runs one future on the test's own thread.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

/// The answer to one request; there must be one.
pub(crate) fn get(client: &Client, path: &str) -> Answer {
    wait(client.get(Request::new(path))).expect(path)
}

/// Waits, with a bound, until `there`.
pub(crate) fn wait_for(what: &str, mut there: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !there() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "waited 60 s for {what}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}
