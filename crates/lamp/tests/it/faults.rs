//! Bad input and faults: each a clear message that names the thing, the cause and the way out;
//! production is untouched, and nothing that was acknowledged is lost.

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;
use lamp_fleet::file::{Guard, guard};

use crate::ground::{Agent, Beside, Ended, Ground, SITE, until};

/// Someone who is neither root nor in a group of ours.
const NOBODY: u32 = 65_534;

fn deploy(source: &str) -> [&str; 4] {
    ["deploy", SITE, "--from", source]
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn a_tree_without_php_is_refused() {
    let ground = Ground::new();
    let source = ground.path("pictures");
    fs_err::create_dir(&source).expect("made");
    fs_err::write(source.join("cat.jpg"), "meow").expect("written");
    assert_snapshot!(ground.lamp(&deploy(&text(&source))).told(&ground));
    assert!(!ground.path("state").exists(), "no agent was even started");
}

#[test]
fn a_source_that_is_not_there_is_named() {
    let ground = Ground::new();
    assert_snapshot!(ground.lamp(&deploy(&text(&ground.path("nowhere")))).told(&ground));
}

#[test]
fn an_unreadable_file_is_named_and_root_is_not_borrowed() {
    let ground = Ground::new();
    let source = ground.source("secret");
    let secret = source.join("include/one.php");
    fs_err::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).expect("mode set");
    open_to_all(&ground, &[&source, &source.join("include")]);
    let ended = as_nobody(&ground, &deploy(&text(&source)));
    assert_snapshot!(ended.told(&ground));
    let control = ground.lamp(&deploy(&text(&source)));
    assert_eq!(control.code, Some(0), "the control: root reads it: {control:?}");
}

#[test]
fn without_root_no_agent_is_started() {
    let ground = Ground::new();
    let source = ground.source("plain");
    open_to_all(&ground, &[&source, &source.join("include")]);
    let (deployed, agent) = (
        as_nobody(&ground, &deploy(&text(&source))),
        as_nobody(&ground, &["agent"]),
    );
    assert_snapshot!(format!("{}\n{}", deployed.told(&ground), agent.told(&ground)));
}

#[test]
fn an_agent_that_is_left_to_its_service_is_not_started() {
    let ground = Ground::new();
    ground.on_demand(false);
    let source = ground.source("plain");
    assert_snapshot!(ground.lamp(&deploy(&text(&source))).told(&ground));
    assert!(!ground.path("state").exists(), "no agent was even started");
    ground.on_demand(true);
    let control = ground.lamp(&deploy(&text(&source)));
    assert_eq!(control.code, Some(0), "the control: it is started: {control:?}");
}

#[test]
fn an_unknown_key_is_shown_with_the_nearest_known_one() {
    let ground = Ground::new();
    ground.configure("probs = [\"/\"]\n");
    assert_snapshot!(ground.lamp(&["status"]).told(&ground));
}

#[test]
fn a_value_that_is_none_is_shown_at_its_place() {
    let ground = Ground::new();
    ground.configure("keep = 0\n");
    assert_snapshot!(ground.lamp(&["status"]).told(&ground));
}

#[test]
fn a_configuration_that_is_not_there_is_named() {
    let ground = Ground::new();
    fs_err::remove_file(ground.config()).expect("removed");
    assert_snapshot!(ground.lamp(&["status"]).told(&ground));
}

#[test]
fn an_unknown_site_is_answered_with_those_that_there_are() {
    let ground = Ground::new();
    let _agent = ground.agent();
    assert_snapshot!(ground.lamp(&["status", "shpo"]).told(&ground));
}

#[test]
fn a_release_larger_than_the_disk_is_refused_before_a_byte_is_written() {
    let ground = Ground::new();
    ground.configure("");
    ground.store_at("disk/store");
    let agent = ground.agent_on_disk("disk", "8m");
    let small = ground.lamp(&deploy(&text(&ground.source("small"))));
    assert_eq!(small.code, Some(0), "the control: a small one fits: {small:?}");
    let source = ground.source("large");
    fs_err::write(source.join("film.bin"), vec![7; 32 << 20]).expect("written");
    let told = ground.lamp(&deploy(&text(&source))).told(&ground);
    assert_snapshot!(without_numbers(&told));
    assert_eq!(ground.lamp(&["release", "list", SITE]).out.lines().count(), 1);
    agent.terminate();
}

#[test]
fn a_disk_that_fills_up_while_storing_leaves_production_as_it_was() {
    let ground = Ground::new();
    ground.store_at("disk/store");
    let agent = ground.agent_on_disk("disk", "8m");
    ground.lamp(&deploy(&text(&ground.source("small"))));
    let source = ground.source("large");
    fs_err::write(source.join("film.bin"), vec![7; 3 << 20]).expect("written");
    ground.hold("before-stage");
    let lamp = Beside::start(ground.command(&deploy(&text(&source))));
    ground.until_held("before-stage");
    let filler = ground.seen_by(&agent, "disk/filler");
    fill(&filler);
    ground.let_go("before-stage");
    assert_snapshot!(without_numbers(&lamp.ended().told(&ground)));
    fs_err::remove_file(&filler).expect("room again");
    let again = ground.lamp(&deploy(&text(&source)));
    assert_eq!(again.code, Some(0), "a re-run converges: {again:?}");
    agent.terminate();
}

#[test]
fn a_full_disk_under_the_log_refuses_before_the_switch_and_goes_back_after_it() {
    let ground = Ground::new();
    let agent = ground.agent_on_disk("state", "4m");
    ground.deploy("one");
    let live = ground.live();
    let source = text(&ground.source("two"));
    let filler = ground.seen_by(&agent, "state/filler");

    let hold = ground.seen_by(&agent, "state/hold");
    fs_err::write(hold.join("before-bake"), "").expect("a hold point");
    let lamp = Beside::start(ground.command(&deploy(&source)));
    until("the agent waits before-bake", || {
        hold.join("at-before-bake").exists()
    });
    assert_ne!(ground.live(), live, "the control: it is switched");
    fill(&filler);
    fs_err::remove_file(hold.join("before-bake")).expect("let go");
    let after_the_switch = lamp.ended();
    assert_eq!(ground.live(), live, "it went back");

    let before_the_switch = ground.lamp(&deploy(&source));
    assert_eq!(ground.live(), live);
    let status = ground.lamp(&["status", SITE]);
    fs_err::remove_file(&filler).expect("room again");
    ground.until_settled();
    crate::log_check::check(
        &copied_log(&ground, &agent),
        live.as_ref(),
        "after the disk was full",
    );
    let told = [
        after_the_switch,
        before_the_switch,
        status,
        ground.lamp(&["status", SITE]),
    ];
    let told = told
        .iter()
        .map(|ended| ended.told(&ground))
        .collect::<Vec<_>>()
        .join("\n");
    assert_snapshot!(told);
    ground.deploy("two");
    agent.terminate();
}

#[test]
fn a_log_that_cannot_be_used_keeps_no_unconfirmed_release_live() {
    let ground = Ground::new();
    let agent = ground.agent();
    let live = ground.deploy("one");
    ground.hold("after-switch");
    let lamp = Beside::start(ground.command(&deploy(&text(&ground.source("two")))));
    ground.until_held("after-switch");
    agent.kill();
    drop(lamp);
    ground.let_go("after-switch");
    assert_ne!(ground.live().as_ref(), Some(&live), "the control: it is switched");

    let (log, kept) = (ground.path("state/log.sqlite"), ground.path("kept"));
    let wal = [ground.path("state/log.sqlite-wal"), ground.path("kept-wal")];
    fs_err::rename(&log, &kept).expect("kept");
    fs_err::rename(&wal[0], &wal[1]).expect("kept");
    fs_err::write(&log, "this is no log of ours ".repeat(400)).expect("damaged");
    let refused = ground.lamp(&["agent"]);
    assert_eq!(ground.live().as_ref(), Some(&live), "it went back all the same");

    fs_err::rename(&kept, &log).expect("mended");
    fs_err::rename(&wal[1], &wal[0]).expect("mended");
    let _agent = ground.agent();
    ground.until_settled();
    crate::log_check::check(&log, Some(&live), "after the log was mended");
    // What the agent traces on its way bears times of its own.
    let told = Ended {
        err: without_traces(&refused.err),
        ..refused
    };
    assert_snapshot!(told.told(&ground));
}

#[test]
fn without_an_agent_root_still_sees_what_runs() {
    let ground = Ground::new();
    let before = ground.lamp(&["status"]);
    let agent = ground.agent();
    ground.deploy("one");
    agent.terminate();
    let (after, list) = (ground.lamp(&["status"]), ground.lamp(&["release", "list", SITE]));
    let told = [before, after, list].map(|ended| ended.told(&ground)).join("\n");
    assert_snapshot!(told);
}

#[test]
fn a_missing_package_is_named_with_the_command_that_brings_it() {
    const HIDE: &str = r#"mount -t tmpfs lamp-it /usr/lib/apache2/modules && exec "$0" "$@""#;
    let ground = Ground::new();
    let doctor = |mut command: Command| {
        let output = command
            .arg(env!("CARGO_BIN_EXE_lamp"))
            .arg("--config")
            .arg(ground.config())
            .arg("doctor");
        let output = Ended::of(output.env("NO_COLOR", "1").output().expect("lamp runs"));
        let lines = output
            .out
            .lines()
            .skip_while(|line| !line.contains("libphp"))
            .take(2);
        lines.collect::<Vec<_>>().join("\n")
    };
    let mut hidden = Command::new("unshare");
    hidden.args(["--mount", "--propagation", "private", "sh", "-c", HIDE]);
    assert_snapshot!(doctor(hidden));
    let here = doctor(Command::new("env"));
    assert!(here.starts_with("ok "), "the control: it is here: {here}");
}

#[test]
fn a_rollback_target_that_was_altered_is_not_switched_to() {
    let ground = Ground::new();
    let _agent = ground.agent();
    let target = ground.deploy("one");
    let live = ground.deploy("two");
    let page = ground.path(&format!("store/releases/{target}/index.php"));
    let file = fs_err::File::open(&page).expect("the page").into_file();
    guard(&file, Guard::Lifted).expect("the flag lifted");
    fs_err::write(&page, "<?php /* not what was stored */\n").expect("altered");
    let (rolled, verified) = (
        ground.lamp(&["rollback", SITE]),
        ground.lamp(&["release", "verify", SITE]),
    );
    assert_eq!(ground.live(), Some(live));
    let told = format!("{}\n{}", rolled.told(&ground), verified.told(&ground));
    assert_snapshot!(hashes_out(&told));
}

#[test]
fn a_rollback_target_that_was_pruned_is_not_switched_to() {
    let ground = Ground::new();
    let _agent = ground.agent();
    let target = ground.deploy("one");
    let live = ground.deploy("two");
    fs_err::rename(
        ground.path(&format!("store/releases/{target}")),
        ground.path("gone"),
    )
    .expect("gone");
    let named = ground.lamp(&["rollback", SITE, "--to", target.as_str()]);
    assert_eq!(ground.live(), Some(live));
    assert_snapshot!(named.told(&ground));
}

/// T12, as people are told of it; what visitors get then is lamp-apache's to show.
#[test]
fn a_link_that_names_no_release_is_told_and_a_deployment_mends_it() {
    let ground = Ground::new();
    let _agent = ground.agent();
    ground.deploy("one");
    let current = ground.store().join("current");
    let mut told = Vec::new();
    for broken in ["missing", "an empty file", "../x", "releases/unknown"] {
        fs_err::remove_file(&current).expect("the link");
        match broken {
            "missing" => {}
            "an empty file" => fs_err::write(&current, "").expect("no link"),
            text => fs_err::os::unix::fs::symlink(text, &current).expect("another link"),
        }
        let (status, rolled) = (ground.lamp(&["status", SITE]), ground.lamp(&["rollback", SITE]));
        let mended = ground.lamp(&deploy(&text(&ground.source(&format!("after-{}", told.len())))));
        assert!(ground.live().is_some(), "{broken}: {mended:?}");
        let said = [status, rolled, mended].map(|ended| ended.told(&ground)).join("");
        told.push(format!("=== {broken}\n{said}"));
    }
    assert_snapshot!(told.join("\n"));
}

#[test]
fn two_deployments_of_one_site_do_not_meet() {
    let ground = Ground::new();
    let _agent = ground.agent();
    ground.deploy("one");
    ground.hold("after-stage");
    let first = Beside::start(ground.command(&deploy(&text(&ground.source("first")))));
    ground.until_held("after-stage");
    let second = ground.lamp(&deploy(&text(&ground.source("second"))));
    let status = ground.lamp(&["status", SITE]);
    ground.let_go("after-stage");
    assert_eq!(first.ended().code, Some(0), "the first one is not disturbed");
    assert_snapshot!(format!("{}\n{}", second.told(&ground), status.told(&ground)));
}

/// A bake may last, and nobody has to sit it out.
#[test]
fn a_deployment_in_its_bake_is_called_back() {
    let ground = Ground::new();
    let _agent = ground.agent();
    let before = ground.deploy("one");
    let mut long = deploy(&text(&ground.source("two"))).map(str::to_owned).to_vec();
    long.extend(["--bake".to_owned(), "1h".to_owned()]);
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    let deployment = Beside::start(ground.command(&long));
    until("the log tells of the bake", || {
        ground.lamp(&["status", SITE]).out.contains("bake")
    });
    assert_ne!(
        ground.live(),
        Some(before.clone()),
        "the control: it was switched"
    );
    let called = ground.lamp(&["rollback", SITE]);
    assert_eq!(ground.live(), Some(before));
    let ended = deployment.ended();
    assert_eq!((ended.code, called.code), (Some(1), Some(0)));
    assert_snapshot!(called.told(&ground));
}

#[test]
fn a_terminal_that_dies_changes_nothing() {
    let ground = Ground::new();
    let source = text(&ground.source("one"));
    // Before it starts an agent, as no agent runs.
    ground.hold("before-switch");
    let mut command = ground.command(&deploy(&source));
    command.process_group(0);
    let lamp = Beside::start(command);
    ground.until_held("before-switch");
    lamp.hang_up();
    assert_eq!(ground.live(), None, "the control: it was not switched yet");
    ground.let_go("before-switch");
    ground.until_settled();
    assert!(ground.live().is_some(), "the agent went on");
}

/// Lets everyone enter the ground and these directories of it.
fn open_to_all(ground: &Ground, further: &[&Path]) {
    for dir in [&*ground.path("")].iter().chain(further) {
        fs_err::set_permissions(dir, std::fs::Permissions::from_mode(0o755)).expect("mode set");
    }
    fs_err::set_permissions(ground.config(), std::fs::Permissions::from_mode(0o644)).expect("mode set");
}

/// Runs `lamp` without any rights of root. A copy of it: the build's own directory may be root's alone.
fn as_nobody(ground: &Ground, arguments: &[&str]) -> Ended {
    let copy = ground.path("lamp");
    if !copy.exists() {
        fs_err::copy(env!("CARGO_BIN_EXE_lamp"), &copy).expect("copied");
        chown(&copy, Some(NOBODY), Some(NOBODY)).expect("owned");
    }
    let mut command = Command::new(copy);
    command
        .arg("--config")
        .arg(ground.config())
        .args(arguments)
        .env("NO_COLOR", "1");
    command.uid(NOBODY).gid(NOBODY);
    Ended::of(command.output().expect("lamp runs"))
}

/// The log that only the agent's namespace shows, where the test can open it.
fn copied_log(ground: &Ground, agent: &Agent) -> std::path::PathBuf {
    for file in ["log.sqlite", "log.sqlite-wal"] {
        let seen = ground.seen_by(agent, "state").join(file);
        fs_err::copy(seen, ground.path(file)).expect("copied");
    }
    ground.path("log.sqlite")
}

/// Without the lines that begin with a moment.
fn without_traces(err: &str) -> String {
    let lines = err.lines().filter(|line| !line.starts_with("20"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Writes until nothing goes any more.
fn fill(path: &Path) {
    let mut file = fs_err::File::create(path).expect("a filler");
    for size in [1 << 20, 1 << 12, 1] {
        while std::io::Write::write_all(&mut file, &vec![0; size]).is_ok() {}
    }
}

/// Sizes of a filesystem differ from kernel to kernel.
fn without_numbers(text: &str) -> String {
    let word = |word: &str| {
        let is_number = word.len() > 4 && word.bytes().all(|byte| byte.is_ascii_digit());
        if is_number {
            "[NUMBER]".to_owned()
        } else {
            word.to_owned()
        }
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The first digits of a hash, in brackets of a sentence.
fn hashes_out(text: &str) -> String {
    let is_hash = |word: &str| word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let word = |word: &str| {
        let bare = word.trim_matches(['(', ',']);
        if is_hash(bare) {
            word.replace(bare, "[HASH]")
        } else {
            word.to_owned()
        }
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
