//! The kill table on a lab, with visitors: none of them fails, sees two releases at once, or is answered by
//! a release that the link no longer named when he asked.
//!
//! The control is the same load, watch and judgement over a renamed symlink as the document root.

use std::time::Duration;

use lamp::drill::run::prepare;
use lamp::drill::stage::{Application, SITE, Settings, Stage, StagePlan, Switching, default_parent};
use lamp_http::Protocol;
use lamp_lab::Sapi;
use lamp_lab::load::{Judgement, Tally};
use lamp_model::ReleaseId;

use super::visit::Visit;
use super::{Kind, Scene, instants, random_instants, table};
use crate::ground::Ground;
use crate::turn;

/// Requests that a table must at least have met, or it says nothing.
const REQUESTS_MIN: u64 = 500;
/// Releases that must at least have answered.
const RELEASES_MIN: usize = 10;
/// A run in which the generator itself was late says nothing, and is repeated this often at most.
const REPEATS_MAX: usize = 2;
/// Switches of the control, and how long each release is asked.
const CONTROL_SWITCHES: usize = 10;
const CONTROL_PAUSE: Duration = Duration::from_millis(300);

#[test]
fn no_visitor_meets_a_kill_at_any_step_nor_at_random_instants_with_mod_php() {
    kill_under_load(Sapi::ModPhp, Protocol::Http1);
}

#[test]
fn no_visitor_meets_a_kill_at_any_step_nor_at_random_instants_with_php_fpm() {
    kill_under_load(Sapi::Fpm, Protocol::Http2);
}

#[track_caller]
fn kill_under_load(sapi: Sapi, protocol: Protocol) {
    let tally = valid_run(sapi, protocol);
    assert_eq!(
        tally.judgement(),
        Judgement::Clean,
        "{tally}\n{:#?}",
        tally.examples
    );
    assert!(tally.requests >= REQUESTS_MIN, "{tally}");
    assert!(tally.answered_by.len() >= RELEASES_MIN, "{:?}", tally.answered_by);
    control(sapi, protocol);
}

#[expect(clippy::panic, reason = "a run that says nothing must not pass")]
fn valid_run(sapi: Sapi, protocol: Protocol) -> Tally {
    for _ in 0..=REPEATS_MAX {
        let tally = whole_run(sapi, protocol);
        eprintln!("{sapi:?}: {tally}");
        if tally.judgement() != Judgement::Invalid {
            return tally;
        }
    }
    panic!(
        "{} invalid runs: this machine is too busy to judge a kill under load",
        REPEATS_MAX + 1
    );
}

#[track_caller]
fn whole_run(sapi: Sapi, protocol: Protocol) -> Tally {
    let mut scene = OnLab::new(sapi, protocol);
    table(&mut scene, Kind::Deploy);
    table(&mut scene, Kind::Rollback);
    random_instants(&mut scene, instants());
    scene.visit.end()
}

/// A lab, and visitors from its first release on.
struct OnLab {
    ground: Ground,
    visit: Visit,
}

impl OnLab {
    fn new(sapi: Sapi, protocol: Protocol) -> Self {
        let ground = Ground::on_lab(sapi);
        let agent = ground.agent();
        ground.deploy("first");
        agent.terminate();
        let visit = Visit::begin(ground.stage().expect("a lab"), protocol, "first");
        Self { ground, visit }
    }
}

impl Scene for OnLab {
    fn ground(&self) -> &Ground {
        &self.ground
    }

    fn check(&mut self, case: &str) {
        let tally = self.visit.judge_further(&self.ground.store());
        let faults = (tally.failed, tally.mixed, tally.stale);
        assert_eq!(faults, (0, 0, 0), "{case}: {tally}\n{:#?}", tally.examples);
    }
}

/// Such visitors do notice when an earlier release answers.
#[track_caller]
fn control(sapi: Sapi, protocol: Protocol) {
    let _alone = turn::alone();
    let plan = StagePlan {
        parent: default_parent().to_owned(),
        sapi,
        switching: Switching::Symlink,
        application: Application::Markers,
        releases: 2,
        lamp: env!("CARGO_BIN_EXE_lamp").into(),
        settings: Settings::default(),
    };
    let stage = Stage::set_up(plan).expect("a lab");
    prepare(&stage).expect("both releases are there, the last one live");
    let mut visit = Visit::begin(&stage, protocol, &Stage::marker(1));
    for number in 0..CONTROL_SWITCHES {
        // How long it is asked is part of what is done; nothing is waited for.
        std::thread::sleep(CONTROL_PAUSE);
        let id = ReleaseId::parse(&Stage::marker(number % 2)).expect("a marker is a release id");
        stage.lab().switch_by_link(SITE, &id).expect("switched");
    }
    std::thread::sleep(CONTROL_PAUSE);
    visit.judge_further(&stage.store());
    let tally = visit.end();
    eprintln!("{sapi:?}, symlink: {tally}");
    assert!(tally.stale > 0, "the control shows nothing: {tally}");
}
