//! What goes wrong, as it is told: the thing, the cause; and nothing is left.

use std::error::Error;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use lamp_sandbox::{InitProgram, Plan, Sandbox, start};

use crate::support::{Place, started};

const NO_PROGRAM: &str = "/no/such/program";

/// The error and its causes, the test's own directory left out.
fn told(place: &Place, error: &dyn Error) -> String {
    let mut causes = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes
        .join("\n  ")
        .replace(&place.path().display().to_string(), "PLACE")
}

#[track_caller]
fn refused(place: &Place, plan: &Plan, init: &InitProgram) -> String {
    let error = start(plan, init).expect_err("refused");
    assert!(!plan.state_dir.exists(), "something is left");
    told(place, &error)
}

#[test]
fn an_init_program_that_is_none_is_named() {
    let place = Place::new();
    let plan = place.lab("init");
    let absent = refused(&place, &plan, &InitProgram::new("/no/such/lamp"));
    insta::assert_snapshot!("no-init-program", absent);
    let other = refused(&place, &plan, &InitProgram::new("/bin/true"));
    insta::assert_snapshot!("init-program-of-something-else", other);
}

#[test]
fn without_root_it_says_so() {
    let place = Place::new();
    fs_err::set_permissions(place.path(), std::fs::Permissions::from_mode(0o777)).expect("opened");
    let program = place.path().join("owner");
    fs_err::copy(env!("CARGO_BIN_EXE_lamp-sandbox-owner"), &program).expect("copied");
    let plan = place.path().join("plan.json");
    fs_err::write(&plan, serde_json::to_vec(&place.lab("root")).expect("a value")).expect("written");
    let mut command = Command::new(program);
    command.arg("/no/init").arg(plan).arg("/bin/true").uid(33).gid(33);
    let output = command.output().expect("ran");
    insta::assert_snapshot!("no-root", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_the_host_lacks_is_named() {
    let place = Place::new();
    let mut plan = place.lab("lacks");
    plan.root = lamp_sandbox::plan::RootPlan::ReadOnlyBind {
        layers: vec![lamp_sandbox::plan::Layer::whole_root()],
        own: vec![lamp_sandbox::OwnDir::at(place.path().join("absent"), "/srv")],
    };
    insta::assert_snapshot!(
        "no-own-directory",
        refused(&place, &plan, &crate::support::init())
    );
}

#[test]
fn no_sandbox_no_command() {
    let place = Place::new();
    let none = Sandbox::open(&place.parent().join("none")).expect_err("there is none");
    insta::assert_snapshot!("no-sandbox", told(&place, &none));

    let sandbox = started(&place.lab("commands"));
    let tell = |error: lamp_sandbox::CommandError| told(&place, &error);
    let absent = sandbox.command(NO_PROGRAM).output().expect_err("refused");
    insta::assert_snapshot!("no-program", tell(absent));
    let long = sandbox
        .command("/bin/true")
        .arg("x".repeat(1 << 20))
        .output()
        .expect_err("refused");
    insta::assert_snapshot!("too-long", tell(long));
    let slow = sandbox
        .command("/bin/sleep")
        .arg("1000")
        .deadline(Duration::from_secs(1))
        .output();
    insta::assert_snapshot!("too-slow", tell(slow.expect_err("refused")));
}
