//! T25, the agent's half: no TCP socket, and a socket that refuses uid 33; what is no message is told so
//! and harms nobody.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;

use lamp_testkit::Seed;

use crate::ground::{Agent, Beside, Ended, Ground, SITE, until};

/// PHP's user on Debian.
const WWW_DATA: u32 = 33;

#[test]
fn the_agent_has_no_tcp_socket() {
    let ground = Ground::new();
    let agent = ground.agent();
    ground.hold("after-switch");
    let source = ground.source("one").display().to_string();
    let lamp = Beside::start(ground.command(&["deploy", SITE, "--from", &source]));
    ground.until_held("after-switch");
    let mine = sockets_of(agent.pid());
    let tcp = tcp_sockets(agent.pid());
    assert!(
        mine.is_disjoint(&tcp),
        "{:?}",
        mine.intersection(&tcp).collect::<Vec<_>>()
    );
    assert!(!mine.is_empty(), "the control: its unix sockets are seen");
    let control = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
    assert!(
        !sockets_of(std::process::id()).is_disjoint(&tcp_sockets(std::process::id())),
        "{control:?}"
    );
    ground.let_go("after-switch");
    assert_eq!(lamp.ended().code, Some(0));
}

#[test]
fn who_commands_an_agent_that_was_started_with_another_configuration_is_told_so() {
    let ground = Ground::new();
    let agent = ground.agent();
    let note = |ended: &Ended| ended.err.contains("another configuration");
    assert!(!note(&ground.lamp(&["status"])), "the control: it is the same");
    ground.configure("keep = 7");
    let told = ground.lamp(&["status"]);
    assert_eq!((told.code, note(&told)), (Some(0), true), "{}", told.err);
    drop(agent);
    let _agent = ground.agent();
    assert!(!note(&ground.lamp(&["status"])), "it was started again");
}

#[test]
fn the_socket_refuses_uid_33() {
    let ground = Ground::new();
    let _agent = ground.agent();
    let socket = ground.path("agent.sock");
    let mode = fs_err::metadata(&socket)
        .expect("the socket")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o660);
    fs_err::set_permissions(ground.path(""), std::fs::Permissions::from_mode(0o755)).expect("mode set");
    let by_mode = status_as_www_data(&ground);
    // If ever its mode were loosened, who asks is looked at all the same.
    fs_err::set_permissions(&socket, std::fs::Permissions::from_mode(0o666)).expect("mode set");
    let by_peer = status_as_www_data(&ground);
    insta::assert_snapshot!(format!("{}\n{}", by_mode.told(&ground), by_peer.told(&ground)));
    assert_eq!(ground.lamp(&["status"]).code, Some(0), "the control: root may");
}

#[test]
fn what_is_no_message_is_told_so_and_the_agent_lives() {
    let ground = Ground::new();
    let _agent = ground.agent();
    let hello = frame(br#"{"verb":"hello","protocol":4,"lamp":"test"}"#);
    let other = frame(br#"{"verb":"hello","protocol":99,"lamp":"test"}"#);
    for (sent, expected) in [
        (frame(b"no json"), "not-understood"),
        (frame(br#"{"verb":"format-disk"}"#), "not-understood"),
        (
            frame(br#"{"verb":"status","site":null,"path":"/etc"}"#),
            "not-understood",
        ),
        (other, "other-version"),
        (vec![255; 6], "not-understood"),
        (
            [
                hello.clone(),
                frame(br#"{"verb":"execute","deployment":"shop-1"}"#),
            ]
            .concat(),
            "not-understood",
        ),
        (
            [
                hello.clone(),
                frame(br#"{"verb":"watch","deployment":"shop-9","after":0}"#),
            ]
            .concat(),
            "not-understood",
        ),
    ] {
        let answer = answer(&ground, &sent);
        assert!(answer.contains(expected), "{sent:?}: {answer}");
    }
    for seed in 0..200 {
        answer(&ground, &damaged(&hello, seed));
    }
    assert_eq!(ground.lamp(&["status"]).code, Some(0), "it lives");
}

#[test]
fn a_second_agent_is_refused() {
    let ground = Ground::new();
    let _agent = ground.agent();
    insta::assert_snapshot!(ground.lamp(&["agent"]).told(&ground));
}

#[test]
fn an_agent_that_is_told_to_end_in_the_bake_goes_back() {
    let ground = Ground::new();
    let agent = ground.agent();
    ground.deploy("one");
    let live = ground.live();
    let source = ground.source("two").display().to_string();
    ground.hold("after-switch");
    let lamp = Beside::start(ground.command(&["deploy", SITE, "--from", &source]));
    ground.until_held("after-switch");
    assert_ne!(ground.live(), live, "the control: it is switched");
    agent.terminate();
    assert_eq!(ground.live(), live);
    insta::assert_snapshot!(lamp.ended().told(&ground));
    ground.let_go("after-switch");
    let _agent: Agent = ground.agent();
    ground.until_settled();
    crate::log_check::check(&ground.path("state/log.sqlite"), live.as_ref(), "after SIGTERM");
}

fn frame(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("short").to_be_bytes();
    [&length, &[0, 0][..], body].concat()
}

fn damaged(frame: &[u8], seed: u64) -> Vec<u8> {
    let mut seed = Seed::new(seed);
    let mut bytes = frame.to_vec();
    for _ in 0..=seed.below(3) {
        let at = usize::try_from(seed.below(bytes.len() as u64)).expect("small");
        bytes[at] = u8::try_from(seed.below(256)).expect("a byte");
    }
    bytes
}

/// All that the agent says to these bytes.
fn answer(ground: &Ground, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(ground.path("agent.sock")).expect("connected");
    // The agent may have closed its side already.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn status_as_www_data(ground: &Ground) -> Ended {
    let copy = ground.path("lamp");
    if !copy.exists() {
        fs_err::copy(env!("CARGO_BIN_EXE_lamp"), &copy).expect("copied");
    }
    let mut command = Command::new(copy);
    command
        .arg("--config")
        .arg(ground.config())
        .arg("status")
        .env("NO_COLOR", "1");
    Ended::of(command.uid(WWW_DATA).gid(WWW_DATA).output().expect("lamp runs"))
}

/// The inodes of the sockets that a process has open.
pub(crate) fn sockets_of(pid: u32) -> HashSet<String> {
    let mut sockets = HashSet::new();
    until("the descriptors are read", || {
        for entry in fs_err::read_dir(format!("/proc/{pid}/fd"))
            .expect("descriptors")
            .flatten()
        {
            let link = fs_err::read_link(entry.path()).unwrap_or_default();
            let link = link.to_string_lossy().into_owned();
            sockets.extend(
                link.strip_prefix("socket:[")
                    .map(|rest| rest.trim_end_matches(']').to_owned()),
            );
        }
        true
    });
    sockets
}

/// The inodes of all TCP sockets of a process's network namespace.
fn tcp_sockets(pid: u32) -> HashSet<String> {
    tcp_sockets_in(pid, |_| true)
}

/// The inodes of those that listen.
pub(crate) fn tcp_listeners(pid: u32) -> HashSet<String> {
    const LISTENS: &str = "0A";
    tcp_sockets_in(pid, |state| state == LISTENS)
}

fn tcp_sockets_in(pid: u32, state: impl Fn(&str) -> bool) -> HashSet<String> {
    let read = |table: &str| fs_err::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
    let tables = [read("tcp"), read("tcp6")].concat();
    let inode = |line: &str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let is_in = fields.get(3).is_some_and(|field| state(field));
        fields.get(9).filter(|_| is_in).map(|inode| (*inode).to_owned())
    };
    tables.lines().filter_map(inode).collect()
}
