//! Visitors of a lab, and what the link named meanwhile, as the kernel told it: no verb is asked, for
//! whoever makes a switch may be killed before he could tell of it.

use std::path::Path;
use std::time::Duration;

use lamp::drill::link_watch::{LinkWatch, Rename};
use lamp::drill::stage::Stage;
use lamp_http::Protocol;
use lamp_lab::load::marker::Agreement;
use lamp_lab::load::{self, LoadPlan, Markers, Running, Switch, Switches, Tally, Target};

use crate::ground::until;

/// The load is stopped when the visit is over; this is only its bound.
const LOAD_LENGTH_MAX: Duration = Duration::from_secs(3_000);
/// Requests a second: two cores serve them besides builds, agents and verbs that come and go.
const RATE: f64 = 50.0;
/// A file of each release that shows its mark without PHP.
const SHOWS_MARK: &str = "public/static.txt";

/// Visitors that come all the time.
pub(super) struct Visit {
    targets: Vec<Target>,
    load: Running,
    watch: LinkWatch,
    switches: Switches,
    judged: usize,
}

impl Visit {
    /// Begins while the release marked `first` is live.
    pub(super) fn begin(stage: &Stage, protocol: Protocol, first: &str) -> Self {
        let watch = LinkWatch::start(&stage.store()).expect("a watch");
        let targets = stage.targets();
        let plan = LoadPlan::new(targets.clone(), RATE, LOAD_LENGTH_MAX, 1);
        let visitors = stage.visitors(protocol).expect("visitors");
        Self {
            load: load::run(&plan, &visitors).expect("the load runs"),
            targets,
            watch,
            switches: Switches::from(first),
            judged: 0,
        }
    }

    /// Judges what was answered since the last time, when nothing is under way and `store` names its release.
    #[track_caller]
    pub(super) fn judge_further(&mut self, store: &Path) -> Tally {
        let records = self.load.records_from(self.judged);
        self.judged += records.len();
        self.learn_switches(store);
        load::judge(&self.targets, &records, &self.switches)
    }

    /// Waits for the last answers and judges all of them.
    pub(super) fn end(self) -> Tally {
        self.load.stop();
        let records = self.load.wait().expect("the load ran to its end");
        load::judge(&self.targets, &records, &self.switches)
    }

    /// A release may be pruned later, so its mark is read as soon as its switch is known.
    #[track_caller]
    fn learn_switches(&mut self, store: &Path) {
        let live = fs_err::read_link(store.join("current")).expect("a release is live");
        let mut renames = Vec::new();
        until("the watch has told of the last switch", || {
            renames = self.watch.renames();
            renames.last().is_none_or(|last| last.to == live)
        });
        let further = renames.into_iter().skip(self.switches.then.len());
        self.switches
            .then
            .extend(further.map(|rename| switch(store, rename)));
    }
}

fn switch(store: &Path, rename: Rename) -> Switch {
    let page = fs_err::read(store.join(rename.to).join(SHOWS_MARK)).expect("a release of the fixture");
    let mark = match Markers::read(&page).agreement(&[]) {
        Agreement::One(mark) => mark.to_owned(),
        Agreement::Mixed(..) | Agreement::Incomplete => String::new(),
    };
    assert_ne!(mark, "", "no mark in {}", String::from_utf8_lossy(&page));
    Switch {
        begun: rename.begun,
        done: rename.done,
        to: mark,
    }
}
