//! Faults of a real stack in the middle of a deployment: Apache killed, and started again; all processes
//! of the lab killed, its /run emptied, and started again. A deployment is then either confirmed or goes
//! back, and afterwards one whole release answers.

use insta::assert_snapshot;
use lamp::drill::stage::{Application, SITE, Settings, Stage, StagePlan, Switching, default_parent};
use lamp_http::{Request, Scheme};
use lamp_lab::{Sapi, Service};

use crate::ground::{Beside, Ended, until};
use crate::turn;

/// A stage with release 0 live.
fn stage() -> Stage {
    let plan = StagePlan {
        parent: default_parent().to_owned(),
        sapi: Sapi::ModPhp,
        switching: Switching::Lamp,
        application: Application::Markers,
        releases: 2,
        lamp: env!("CARGO_BIN_EXE_lamp").into(),
        settings: Settings::default(),
    };
    let stage = Stage::set_up(plan).expect("a lab");
    stage.deploy(0).expect("the first release");
    stage
}

/// The deployment of release 1, held before its bake.
fn held_before_the_bake(stage: &Stage) -> Beside {
    fs_err::write(stage.place().join("state/hold/before-bake"), "").expect("a hold point");
    let source = stage.source(1).display().to_string();
    let mut command = stage.command(&["deploy", SITE, "--from", &source, "--bake", "0s"]);
    command.env("NO_COLOR", "1");
    let lamp = Beside::start(command);
    let held = stage.place().join("state/hold/at-before-bake");
    until("the agent waits before the bake", || held.exists());
    lamp
}

fn let_go(stage: &Stage, lamp: Beside) -> Ended {
    fs_err::remove_file(stage.place().join("state/hold/before-bake")).expect("let go");
    lamp.ended()
}

/// The release that answers a visitor.
#[track_caller]
fn answering(stage: &Stage) -> String {
    let client = stage
        .lab()
        .client(SITE, Scheme::Https)
        .expect("a client")
        .build()
        .expect("a client");
    let path = stage
        .targets()
        .first()
        .expect("the application is asked something")
        .path
        .clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let answer = runtime
        .block_on(client.get(Request::new(path)))
        .expect("Apache answers");
    assert!(answer.status.is_success(), "{answer:?}");
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    let markers = [Stage::marker(0), Stage::marker(1)];
    let mut found = markers.into_iter().filter(|marker| body.contains(marker));
    let marker = found.next().expect("the page shows its release");
    assert_eq!(found.next(), None, "mixed: {body}");
    marker
}

/// A verb, run to its end.
#[track_caller]
fn verb(stage: &Stage, arguments: &[&str]) -> Ended {
    let mut command = stage.command(arguments);
    Ended::of(command.env("NO_COLOR", "1").output().expect("lamp runs"))
}

#[track_caller]
fn check_whole(stage: &Stage) {
    let verified = verb(stage, &["release", "verify", SITE]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

#[test]
fn apache_killed_and_started_again_in_the_middle_changes_nothing() {
    let _turn = turn::beside_others();
    let mut stage = stage();
    let lamp = held_before_the_bake(&stage);
    stage.lab_mut().kill_service(Service::Apache).expect("killed");
    stage
        .lab_mut()
        .start_service(Service::Apache)
        .expect("started again");
    assert_snapshot!(let_go(&stage, lamp).told_of(&stage.place()));
    assert_eq!(answering(&stage), Stage::marker(1));
    check_whole(&stage);
}

#[test]
fn an_apache_that_stays_away_sends_the_release_back() {
    let _turn = turn::beside_others();
    let mut stage = stage();
    let lamp = held_before_the_bake(&stage);
    stage.lab_mut().kill_service(Service::Apache).expect("killed");
    assert_snapshot!(let_go(&stage, lamp).told_of(&stage.place()));
    stage
        .lab_mut()
        .start_service(Service::Apache)
        .expect("started again");
    assert_eq!(answering(&stage), Stage::marker(0));
    check_whole(&stage);
}

#[test]
fn a_host_whose_processes_all_die_comes_up_with_one_whole_release() {
    let _turn = turn::beside_others();
    let mut stage = stage();
    let lamp = held_before_the_bake(&stage);
    stage.kill_agent().expect("killed");
    stage
        .lab_mut()
        .kill_everything()
        .expect("killed, and /run emptied");
    let watched = lamp.ended();
    let source = stage.source(0);
    let agentless = verb(&stage, &["deploy", SITE, "--from", &source.to_string_lossy()]);
    assert!(
        agentless.code == Some(2) && !lamp_agent::state_dir::is_locked(&stage.place().join("state")),
        "no verb of a drill starts an agent that nobody would end: {agentless:?}"
    );
    fs_err::remove_file(stage.place().join("state/hold/before-bake")).expect("no hold any more");
    stage.lab_mut().start_services().expect("started again");
    stage.start_agent().expect("the agent starts");
    until("the site is settled", || {
        verb(&stage, &["status", SITE, "--format", "json"])
            .out
            .contains("\"good\"")
    });
    let told = [watched, verb(&stage, &["status", SITE])];
    assert_snapshot!(told.map(|ended| ended.told_of(&stage.place())).join("\n"));
    assert_eq!(answering(&stage), Stage::marker(0), "unconfirmed, it went back");
    check_whole(&stage);
    stage.deploy(1).expect("a re-run converges");
    assert_eq!(answering(&stage), Stage::marker(1));
    check_whole(&stage);
}
