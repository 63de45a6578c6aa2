//! A kernel that refuses what sandboxes are made of: told, with the mend. A twin is such a place: its filter
//! refuses mounts and namespaces.

use std::path::Path;

use lamp_sandbox::{IdMap, InitProgram, Output, Plan, Sandbox, start};

use crate::turn;

#[test]
fn a_missing_kernel_feature_is_named_with_its_mend() {
    let _turn = turn::beside_others();
    let place = tempfile::Builder::new()
        .prefix("lamp-it-")
        .tempdir_in("/var/tmp")
        .expect("a directory");
    open(place.path());
    let lamp = place.path().join("lamp");
    fs_err::copy(env!("CARGO_BIN_EXE_lamp"), &lamp).expect("copied");
    let twin = twin(&place.path().join("sandboxes/refused"), &lamp);

    let hide = |text: &str| without_labs(text).replace(&*place.path().to_string_lossy(), "PLACE");
    // Where no other test's labs stand, of which it would speak first.
    let labs = place.path().join("labs");
    fs_err::create_dir(&labs).expect("made");
    let labs = labs.display().to_string();
    let demo = said(
        &twin,
        &lamp,
        &["demo", "--switches", "--rounds", "1", "--dir", &labs],
    );
    insta::assert_snapshot!("demo", hide(&demo));

    let config = place.path().join("lamp.toml");
    let state = place.path().join("state").display().to_string();
    fs_err::write(&config, format!("[agent]\nstate_dir = \"{state}\"\n")).expect("written");
    let here = doctor(&config, |arguments| host(&lamp, arguments));
    let there = doctor(&config, |arguments| output(&twin, &lamp, arguments));
    assert_eq!(here, "", "the control: this machine lacks nothing");
    insta::assert_snapshot!("doctor", hide(&there));
}

/// What sandboxes lack, as the doctor says.
fn doctor(config: &Path, run: impl Fn(&[&str]) -> String) -> String {
    let told = run(&["doctor", "--config", &config.display().to_string()]);
    let lines: Vec<&str> = told.lines().collect();
    let lacking = lines
        .windows(2)
        .filter(|pair| pair[0].starts_with("LACKING  sandbox"));
    lacking.map(|pair| pair.join("\n")).collect::<Vec<_>>().join("\n")
}

fn twin(state: &Path, lamp: &Path) -> Sandbox {
    fs_err::create_dir_all(state.parent().expect("has one")).expect("made");
    let users = IdMap::slot(200).expect("a slot");
    let init = InitProgram::new(lamp).arg("sandbox-init");
    start(&Plan::twin("lamp-it-refused", state, users), &init).expect("a twin")
}

fn said(twin: &Sandbox, lamp: &Path, arguments: &[&str]) -> String {
    let output = run(twin, lamp, arguments);
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn output(twin: &Sandbox, lamp: &Path, arguments: &[&str]) -> String {
    String::from_utf8_lossy(&run(twin, lamp, arguments).stdout).into_owned()
}

fn run(twin: &Sandbox, lamp: &Path, arguments: &[&str]) -> Output {
    twin.command(lamp).args(arguments).output().expect("it runs")
}

fn host(lamp: &Path, arguments: &[&str]) -> String {
    let output = std::process::Command::new(lamp)
        .args(arguments)
        .output()
        .expect("it runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The twin's users are others than ours, and must reach the program.
fn open(dir: &Path) {
    let all = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs_err::set_permissions(dir, all).expect("opened");
}

/// Names of labs and pids are other ones each time.
fn without_labs(text: &str) -> String {
    let words = text
        .split(' ')
        .map(|word| if word.contains("lamp-lab-") { "LAB" } else { word });
    words.collect::<Vec<_>>().join(" ")
}
