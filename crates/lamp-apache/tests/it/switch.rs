//! `current` is honoured by every request, and by the whole of it.

use crate::client::Connection;
use crate::config::{FALLBACK_SITE, PUBLIC_SITE, SITE};
use crate::stack::{Sapi, Setup, Stack};

const SAPIS: [Sapi; 2] = [Sapi::Prefork, Sapi::Event];

fn stacks() -> impl Iterator<Item = Stack> {
    SAPIS.into_iter().map(|sapi| {
        Stack::start(&Setup {
            lines: "ErrorDocument 500 /which.php",
            ..Setup::of(sapi)
        })
    })
}

#[test]
fn each_request_is_answered_by_the_release_that_current_names() {
    for stack in stacks() {
        for id in ["a", "b", "c", "a", "b"] {
            stack.store.point("current", &format!("releases/{id}"));
            assert_eq!(stack.body("/which.txt"), id);
            assert_eq!(stack.body("/which.php"), id);
            assert_eq!(
                stack.get(PUBLIC_SITE, "/which.txt", "").body,
                format!("public of {id}")
            );
            assert_eq!(stack.get(FALLBACK_SITE, "/which.txt", "").body, id);
        }
    }
}

#[test]
fn a_kept_connection_sees_the_switch_on_its_next_request() {
    for stack in stacks() {
        let mut kept = Connection::new(stack.connect(SITE));
        for id in ["a", "b", "c"] {
            stack.store.point("current", &format!("releases/{id}"));
            assert_eq!(kept.get("/which.php", "").body, id);
            assert_eq!(kept.get("/which.txt", "").body, id);
        }
    }
}

#[test]
fn an_http2_connection_sees_the_switch_on_its_next_stream() {
    let stack = Stack::start(&Setup::of(Sapi::Event));
    let mut connection = stack.h2();
    for id in ["a", "b", "c"] {
        stack.store.point("current", &format!("releases/{id}"));
        assert_eq!(connection.body("/which.php"), id);
        assert_eq!(connection.body("/which.txt"), id);
    }
}

#[test]
fn an_error_document_comes_from_the_release_in_which_the_request_began() {
    for stack in stacks() {
        let mut slow = Connection::new(stack.connect(SITE));
        slow.send("GET /slow.cgi HTTP/1.1\r\nHost: shop.example\r\n\r\n");
        stack.wait_for_slow();
        stack.store.point("current", "releases/b");
        assert_eq!(stack.body("/which.php"), "b", "another request sees the switch");
        fs_err::write(stack.gate().join("go"), "").expect("the leave to go on");
        let answer = slow.answer();
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (500, "a"),
            "{}",
            stack.log("error.log")
        );
        let line = stack
            .log_lines(2)
            .into_iter()
            .find(|line| line.contains("slow.cgi"))
            .expect("its line");
        assert!(line.starts_with("500 a "), "{line}");
    }
}

#[test]
fn subrequests_come_from_the_release_in_which_the_request_began() {
    for stack in stacks() {
        let mut slow = Connection::new(stack.connect(SITE));
        slow.send("GET /slow.shtml HTTP/1.1\r\nHost: shop.example\r\n\r\n");
        stack.wait_for_slow();
        stack.store.point("current", "releases/b");
        assert_eq!(stack.body("/which.php"), "b", "another request sees the switch");
        fs_err::write(stack.gate().join("go"), "").expect("the leave to go on");
        let parts: Vec<String> = slow.answer().body.split(',').map(str::to_owned).collect();
        let of_a = |at: usize| {
            assert_eq!(
                parts[at],
                "a",
                "part {at} of {parts:?}\n{}",
                stack.log("error.log")
            )
        };
        [0, 2, 3, 4].into_iter().for_each(of_a);
    }
}

#[test]
fn the_access_log_names_the_release_of_each_request() {
    for stack in stacks() {
        stack.body("/which.php");
        stack.store.point("current", "releases/b");
        assert_eq!(
            Connection::new(stack.connect(SITE)).get("/which.txt", "").status,
            200
        );
        let mut unknown = Connection::new(stack.connect(SITE));
        unknown.send("FOO /which.txt HTTP/1.1\r\nHost: shop.example\r\n\r\n");
        assert_eq!(unknown.answer().status, 501);
        let mut garbled = Connection::new(stack.connect(SITE));
        garbled.send("GET /%zz HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n");
        assert_eq!(garbled.rest().status, 400);
        let mut begins: Vec<String> = stack
            .log_lines(4)
            .iter()
            .map(|line| line.chars().take(6).collect())
            .collect();
        begins.sort(); // each worker writes for itself
        assert_eq!(begins, ["200 a ", "200 b ", "400 - ", "501 b "]);
    }
}
