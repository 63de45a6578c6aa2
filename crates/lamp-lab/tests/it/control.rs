//! The control: switched by its link alone, a site answers from old and mixed releases. A load generator
//! and a judge that do not see it would prove nothing about any other way.

use std::time::Duration;

use lamp_http::Protocol;
use lamp_lab::load::{self, Judgement, LoadPlan, Switches};
use lamp_lab::{Lab, Sapi, apps};

use crate::bench::{alone, id, parent, serving};

const RATE: f64 = 200.0;
const SWITCHES: u32 = 8;
const BETWEEN: Duration = Duration::from_millis(700);
/// A run whose load was not sent in time says nothing, and is repeated this often at most.
const REPEATS_MAX: usize = 2;

/// Switches by the link under load and gives the judgement of every request.
fn run(lab: &Lab, targets: Vec<load::Target>, protocol: Protocol) -> load::Tally {
    let plan = LoadPlan::new(targets, RATE, BETWEEN * (SWITCHES + 1), 1);
    let visitors = lab.visitors("shop", protocol).expect("visitors");
    let running = load::run(&plan, &visitors).expect("a load");
    let mut switches = Switches::from("1");
    for number in 2..2 + SWITCHES {
        std::thread::sleep(BETWEEN);
        let to = number.to_string();
        switches
            .record(&to, || lab.switch_by_link("shop", &id(&to)))
            .expect("switched");
    }
    running.judge(&switches).expect("a run")
}

#[track_caller]
fn control(sapi: Sapi, protocol: Protocol) {
    let _alone = alone();
    let (parent, app) = (parent(), apps::with_all_ways().expect("one shows all ways"));
    let lab = serving(parent.path(), sapi, &app);
    for number in 2..2 + SWITCHES {
        let release = number.to_string();
        lab.put_release("shop", &id(&release), |dir| app.write_release(dir, &release))
            .expect("written");
    }
    let mut tally = run(&lab, app.targets(), protocol);
    for _ in 0..REPEATS_MAX {
        if tally.judgement() == Judgement::Invalid {
            lab.switch_by_link("shop", &id("1")).expect("switched back");
            tally = run(&lab, app.targets(), protocol);
        }
    }
    assert_eq!(
        tally.judgement(),
        Judgement::Faulty,
        "{tally} {:?}",
        tally.examples
    );
    assert!(tally.mixed + tally.stale > 0, "{tally} {:?}", tally.examples);
}

#[test]
fn with_mod_php_switching_by_the_link_is_seen_red() {
    control(Sapi::ModPhp, Protocol::Http1);
}

#[test]
fn with_fpm_switching_by_the_link_is_seen_red() {
    control(Sapi::Fpm, Protocol::Http2);
}

#[test]
fn without_a_switch_the_same_load_is_clean_at_600_a_second() {
    let _alone = alone();
    let (parent, app) = (parent(), apps::with_all_ways().expect("one shows all ways"));
    for (sapi, protocol) in [(Sapi::ModPhp, Protocol::Http1), (Sapi::Fpm, Protocol::Http2)] {
        let lab = serving(parent.path(), sapi, &app);
        let plan = LoadPlan::new(app.targets(), 600.0, Duration::from_secs(5), 1);
        let visitors = lab.visitors("shop", protocol).expect("visitors");
        let tally = load::run(&plan, &visitors)
            .expect("a load")
            .judge(&Switches::from("1"))
            .expect("a run");
        assert!(tally.requests > 2500, "{tally}");
        assert_eq!(
            (tally.failed, tally.mixed, tally.stale),
            (0, 0, 0),
            "{tally} {:?}",
            tally.examples
        );
    }
}
