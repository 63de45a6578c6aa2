//! The side door: one request of a chosen release, for who has the key, and never a trace of it for the application.

use lamp_apache::{DOOR_HEADER, DoorKey};
use lamp_model::name::ReleaseId;

use crate::config::{PLAIN_SITE, SITE};
use crate::stack::{Sapi, Setup, Stack};
use crate::store::put;

/// A header that the application may see, and variables made of both: the control of every "never visible".
const LINES: &str = "SetEnvIf X-Other \"(.+)\" SEEN_OTHER=$1\nSetEnvIf X-Lamp-Door \"(.+)\" SEEN_DOOR=$1\n\
    ErrorDocument 404 /dump.php\nErrorDocument 403 /told.php\nRewriteRule ^/forbidden - [F]\n";
const OTHER: &str = "X-Other: visible-value\r\n";
const SAPIS: [Sapi; 2] = [Sapi::Prefork, Sapi::Event];

fn key() -> DoorKey {
    DoorKey::from_random(&[0xa7; 32])
}

fn start(sapi: Sapi, door: Option<DoorKey>) -> Stack {
    Stack::start(&Setup {
        door,
        lines: LINES,
        ..Setup::of(sapi)
    })
}

fn header(value: &str) -> String {
    format!("{DOOR_HEADER}: {value}\r\n{OTHER}")
}

fn value(release: &str) -> String {
    key().header_value(&ReleaseId::parse(release).expect("valid"))
}

#[track_caller]
fn check(stack: &Stack, value: &str, status: u16, release: &str) {
    let answer = stack.get(SITE, "/which.txt", &header(value));
    assert_eq!(answer.status, status, "{value:?}: {}", answer.body);
    assert!(
        status == 503 || answer.body == release,
        "{value:?}: {}",
        answer.body
    );
}

/// The header of a probe that is answered as visitors are.
fn as_visitors() -> String {
    key().as_visitors()
}

#[test]
fn the_right_key_chooses_the_release_and_nothing_else_does() {
    for stack in SAPIS.map(|sapi| start(sapi, Some(key()))) {
        stack.store.point("current", "releases/b");
        let key = key().reveal().to_owned();
        for id in ["a", "b", "c"] {
            check(&stack, &value(id), 200, id);
        }
        let other_end = key.replacen("a7", "a8", 1);
        let other_start = format!("{}a8", &key[..62]);
        for wrong in [
            &other_end,
            &other_start,
            &"0".repeat(64),
            &key[1..],
            &format!("{key}0"),
            &key.to_uppercase(),
        ] {
            check(&stack, &format!("{wrong} a"), 200, "b");
        }
        for malformed in [
            "",
            "a",
            &key,
            &format!("{key}  a"),
            &format!("{key}\ta"),
            &format!("{key} ../b"),
            &format!("{key} a/"),
            &format!("{key} A"),
            &format!("{key} a, {key} a"),
        ] {
            check(&stack, malformed, 200, "b");
        }
        check(&stack, &as_visitors(), 200, "b");
        check(&stack, &value("unknown"), 503, "");
        let twice = format!(
            "{DOOR_HEADER}: {}\r\n{DOOR_HEADER}: {}\r\n",
            value("a"),
            value("c")
        );
        assert_eq!(
            stack.get(SITE, "/which.txt", &twice).body,
            "b",
            "two headers are none"
        );
    }
}

#[test]
fn the_side_door_opens_when_no_link_is_valid() {
    let stack = start(Sapi::Prefork, Some(key()));
    stack.store.clear("current");
    check(&stack, &value("a"), 200, "a");
    assert_eq!(stack.get(SITE, "/which.txt", "").status, 503);
}

#[test]
fn without_a_hash_every_key_is_wrong() {
    let stack = start(Sapi::Prefork, None);
    stack.store.point("current", "releases/b");
    check(&stack, &value("a"), 200, "b");
}

#[track_caller]
fn unseen(stack: &Stack, site: &str, path: &str, value: &str) {
    let body = stack.get(site, path, &header(value)).body;
    let lower = body.to_lowercase();
    assert!(
        body.contains(r#""SEEN_OTHER":"visible-value"#) && lower.contains(r#""x-other":"visible-value"#),
        "{body}"
    );
    assert!(lower.contains(r#""http_x_other":"#), "{body}");
    let key = key().reveal().to_owned();
    for trace in [
        "x-lamp-door",
        "x_lamp_door",
        "seen_door",
        &key[..16],
        "0000000000000000",
    ] {
        assert!(!lower.contains(trace), "{site} {path}: {trace} in {body}");
    }
}

#[test]
fn php_never_sees_the_header() {
    for sapi in SAPIS {
        for stack in [Some(key()), None].map(|door| start(sapi, door)) {
            for value in [
                value("a"),
                format!("{} a", "0".repeat(64)),
                "malformed".to_owned(),
            ] {
                unseen(&stack, SITE, "/dump.php", &value);
                unseen(&stack, SITE, "/missing", &value);
                unseen(&stack, SITE, "/", &value);
                unseen(&stack, PLAIN_SITE, "/dump.php", &value);
            }
        }
    }
}

#[test]
fn php_is_told_the_release_only_where_the_module_chose_it() {
    for stack in SAPIS.map(|sapi| start(sapi, Some(key()))) {
        let told = |site, path, headers: &str| stack.get(site, path, headers).body;
        assert_eq!(told(SITE, "/told.php", ""), "a");
        assert_eq!(told(SITE, "/forbidden", ""), "a", "by an error document");
        assert_eq!(told(SITE, "/told.php", &header(&value("c"))), "c");
        assert_eq!(
            told(SITE, "/forbidden", &header(&value("c"))),
            "c",
            "by an error document"
        );
        assert_eq!(told(PLAIN_SITE, "/told.php", &header(&value("c"))), "nothing");
    }
}

#[test]
fn the_access_log_tells_side_door_requests_and_php_cannot_forge_it() {
    let forged = r"<?php apache_note('lamp-release', 'forged'); apache_note('lamp-door', '1'); apache_note('own', 'written');
        echo apache_note('lamp-release'), apache_note('own');";
    let lines = "LogFormat \"%{own}n\" own\nCustomLog logs/own.log own\n";
    let stack = Stack::start(&Setup {
        door: Some(key()),
        lines,
        ..Setup::of(Sapi::Prefork)
    });
    put(&stack.store.release("a").join("forge.php"), forged);
    assert_eq!(stack.body("/forge.php"), "forgedwritten");
    stack.get(SITE, "/which.txt", &header(&value("c")));
    stack.get(SITE, "/which.txt", &header("wrong"));
    stack.get(SITE, "/which.txt", &header(&as_visitors()));
    let mut fields: Vec<String> = stack
        .log_lines(4)
        .iter()
        .map(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            [fields[0], fields[1], fields[5]].join(" ")
        })
        .collect();
    fields.sort();
    assert_eq!(fields, ["200 a -", "200 a -", "200 a 2", "200 c 1"]);
    assert!(
        stack.log("own.log").contains("written"),
        "notes of PHP do reach a log"
    );
}
