//! The switch under load: no request fails, mixes releases or meets an old one, with either PHP.
//!
//! The control in the same run is a renamed symlink as the document root: there, requests do.

use std::path::PathBuf;

use lamp::drill::run::{Ran, RunPlan, prepare, run};
use lamp::drill::stage::{Application, SITE, Settings, Stage, StagePlan, Switching, default_parent};
use lamp_http::{Protocol, Request, Scheme};
use lamp_lab::Sapi;
use lamp_lab::load::Judgement;

use crate::turn;

/// Different releases that are switched between.
const RELEASES: usize = 9;
/// Deployments, each followed by a rollback.
const ROUNDS: usize = 50;
/// Requests of one run, at least.
const REQUESTS_MIN: usize = 20_000;
/// Requests a second: small pages of PHP and a static file, so that two cores serve them and the load.
const RATE: f64 = 500.0;
/// A run in which the generator itself was late says nothing, and is repeated this often at most.
const REPEATS_MAX: usize = 2;

#[test]
fn no_request_meets_a_switch_with_mod_php() {
    let _alone = turn::alone();
    drill(Sapi::ModPhp, [Protocol::Http1; 3]);
}

#[test]
fn no_request_meets_a_switch_with_php_fpm_over_http_1_and_2() {
    let _alone = turn::alone();
    drill(Sapi::Fpm, [Protocol::Http1, Protocol::Http2, Protocol::Http2]);
}

/// A real application, its own installer, its database: few pages a second, for each costs a core 40 ms.
#[test]
fn no_request_of_wordpress_meets_a_switch() {
    let _alone = turn::alone();
    let unpacked = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../.packages/wordpress");
    let stage = stage_of(Application::WordPress(unpacked), 3, Sapi::ModPhp, Switching::Lamp);
    let plan = RunPlan {
        rate: 40.0,
        requests_min: 1_200,
        ..plan(Protocol::Http1, 5, 10)
    };
    let ran = valid_run(&stage, plan);
    eprintln!("WordPress: {}", ran.tally);
    let tally = &ran.tally;
    assert_eq!(
        (tally.failed, tally.mixed, tally.stale),
        (0, 0, 0),
        "{tally}\n{:#?}",
        tally.examples
    );
    assert_eq!(tally.answered_by.len(), 3, "{:?}", tally.answered_by);
}

#[track_caller]
fn drill(sapi: Sapi, protocols: [Protocol; 3]) {
    let stage = stage(sapi, Switching::Lamp);
    for (seed, protocol) in (1..).zip(protocols) {
        let ran = valid_run(&stage, plan(protocol, seed, ROUNDS));
        eprintln!(
            "{sapi:?} {protocol:?} run {seed}: {}; opcache {}",
            ran.tally,
            opcache(&stage)
        );
        let tally = &ran.tally;
        assert!(tally.requests >= REQUESTS_MIN as u64, "{tally}");
        assert_eq!(ran.switches.then.len(), 2 * ROUNDS);
        assert_eq!(
            (tally.failed, tally.mixed, tally.stale),
            (0, 0, 0),
            "{tally}\n{:#?}",
            tally.examples
        );
        assert!(tally.answered_by.len() >= RELEASES - 1, "{:?}", tally.answered_by);
    }
    drop(stage);
    control(sapi, protocols[0]);
}

/// The same load and script against a symlink: the generator can see what must not be.
fn control(sapi: Sapi, protocol: Protocol) {
    let stage = stage(sapi, Switching::Symlink);
    let ran = valid_run(
        &stage,
        RunPlan {
            requests_min: REQUESTS_MIN / 4,
            ..plan(protocol, 4, ROUNDS / 4)
        },
    );
    eprintln!("{sapi:?} {protocol:?} symlink: {}", ran.tally);
    assert!(
        ran.tally.mixed + ran.tally.stale > 0,
        "the control shows nothing: {}",
        ran.tally
    );
}

fn stage(sapi: Sapi, switching: Switching) -> Stage {
    stage_of(Application::Markers, RELEASES, sapi, switching)
}

fn stage_of(application: Application, releases: usize, sapi: Sapi, switching: Switching) -> Stage {
    let plan = StagePlan {
        parent: default_parent().to_owned(),
        sapi,
        switching,
        application,
        releases,
        lamp: PathBuf::from(env!("CARGO_BIN_EXE_lamp")),
        settings: Settings::default(),
    };
    let stage = Stage::set_up(plan).expect("a stage");
    prepare(&stage).expect("every release deployed once");
    stage
}

const fn plan(protocol: Protocol, seed: u64, rounds: usize) -> RunPlan {
    RunPlan {
        rounds,
        rate: RATE,
        requests_min: REQUESTS_MIN,
        protocol,
        seed,
    }
}

#[expect(clippy::panic, reason = "a run that says nothing must not pass")]
fn valid_run(stage: &Stage, plan: RunPlan) -> Ran {
    for _ in 0..=REPEATS_MAX {
        let ran = run(stage, &plan, |_| Ok(())).expect("a run");
        if ran.tally.judgement() != Judgement::Invalid {
            return ran;
        }
        eprintln!("an invalid run, the generator was late: {}", ran.tally);
    }
    panic!(
        "{} invalid runs: this machine is too busy to judge a switch",
        REPEATS_MAX + 1
    );
}

/// What PHP itself says of its cache.
fn opcache(stage: &Stage) -> String {
    let client = stage
        .lab()
        .client(SITE, Scheme::Https)
        .expect("a site")
        .build()
        .expect("a client");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime
        .block_on(client.get(Request::new("/opcache.php")))
        .expect("an answer")
        .text()
}
