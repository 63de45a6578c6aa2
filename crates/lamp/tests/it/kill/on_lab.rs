//! The kill table on a lab, with visitors: none of them fails or sees two releases at once.

use std::time::Duration;

use lamp_http::Protocol;
use lamp_lab::Sapi;
use lamp_lab::load::{self, LoadPlan, Nanos, Running, Switch, Switches, Target};

use super::{Kind, Scene, instants, random_instants, table};
use crate::ground::Ground;

/// The load is stopped when the table is over; this is only its bound.
const LOAD_LENGTH_MAX: Duration = Duration::from_secs(3_000);
/// Requests a second: two cores serve them besides builds, agents and verbs that come and go.
const RATE: f64 = 50.0;
/// Requests that a table must at least have met, or it says nothing.
const REQUESTS_MIN: usize = 500;

#[test]
fn no_visitor_meets_a_kill_at_any_step_nor_at_random_instants() {
    let mut scene = OnLab::new();
    table(&mut scene, Kind::Deploy);
    table(&mut scene, Kind::Rollback);
    random_instants(&mut scene, instants());
    assert!(scene.judged >= REQUESTS_MIN, "{} requests only", scene.judged);
    assert!(scene.releases_seen() > 10, "the load met one release only");
}

/// A lab, and visitors from its first release on.
struct OnLab {
    ground: Ground,
    targets: Vec<Target>,
    load: Running,
    judged: usize,
}

impl OnLab {
    fn new() -> Self {
        let ground = Ground::on_lab(Sapi::ModPhp);
        let agent = ground.agent();
        ground.deploy("first");
        agent.terminate();
        let stage = ground.stage().expect("a lab");
        let targets = stage.targets();
        let plan = LoadPlan::new(targets.clone(), RATE, LOAD_LENGTH_MAX, 1);
        let visitors = stage.visitors(Protocol::Http1).expect("visitors");
        let load = load::run(&plan, &visitors).expect("the load runs");
        Self {
            ground,
            targets,
            load,
            judged: 0,
        }
    }

    /// Which release answers when is the table's own affair: here any one that there is may answer.
    fn any_release(&self) -> Switches {
        let always = |mark: String| Switch {
            begun: Nanos(0),
            done: Nanos(u64::MAX),
            to: mark,
        };
        Switches {
            first: "first".into(),
            then: self.ground.marks().into_iter().map(always).collect(),
        }
    }

    fn releases_seen(&self) -> usize {
        load::judge(&self.targets, &self.load.records_from(0), &self.any_release())
            .answered_by
            .len()
    }
}

impl Scene for OnLab {
    fn ground(&self) -> &Ground {
        &self.ground
    }

    fn check(&mut self, case: &str) {
        let records = self.load.records_from(self.judged);
        self.judged += records.len();
        let tally = load::judge(&self.targets, &records, &self.any_release());
        let faults = (tally.failed, tally.mixed, tally.stale);
        assert_eq!(faults, (0, 0, 0), "{case}: {tally}\n{:#?}", tally.examples);
    }
}
