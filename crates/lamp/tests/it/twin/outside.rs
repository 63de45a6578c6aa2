//! T10, T23: nothing of a twin reaches another machine, whoever asks and however.

use std::net::IpAddr;
use std::path::Path;

use lamp_lab::Sapi;

use super::bench::{Production, get, logged, sh};
use crate::turn;

/// Calls what its query names, and says what came of it: `ok`, or the error's number.
const CALLER: &str = "<?php\nerror_reporting(0);\n$at = microtime(true);\nif ($_GET['how'] === 'name') { \
    $ip = gethostbyname($_GET['to']); echo $ip === $_GET['to'] ? 'none' : 'ok'; }\nelse { \
    $socket = stream_socket_client($_GET['how'] . '://' . $_GET['to'], $code, $why, 10);\n\
    if ($socket && $_GET['how'] === 'udp') { fwrite($socket, 'x'); stream_set_timeout($socket, 5); usleep(20000); \
    $sent = fwrite($socket, 'y'); echo $sent ? 'ok' : 'refused'; }\nelse { echo $socket ? 'ok' : $code; } }\n\
    echo ' ', microtime(true) - $at < 5 ? 'at once' : 'late';\n";
/// Connection refused.
const REFUSED: &str = "111 at once";

/// Addresses of documentation (RFC 5737, RFC 3849), and where clouds keep their secrets.
const OTHERS: [&str; 3] = ["203.0.113.7", "169.254.169.254", "2001:db8::7"];

/// With a page that calls out; production itself has the addresses, so there the calls succeed.
fn production() -> Production {
    let production = Production::small(Sapi::ModPhp);
    let page = "/srv/shop/releases/1/public/call.php";
    let file = production.lab.on_host(Path::new(page)).expect("own");
    fs_err::write(file, CALLER).expect("written");
    sh(production.lab.sandbox(), &format!("chmod 644 {page}"));
    production
}

#[test]
fn t10_every_call_outside_is_refused_at_once_and_listed() {
    let _turn = turn::beside_others();
    let production = production();
    let addresses: Vec<IpAddr> = OTHERS
        .iter()
        .map(|text| text.parse().expect("an address"))
        .collect();
    let _addresses = production.lab.sandbox().outside(&addresses).expect("given");
    let client = production.client();
    let twin = production.twin(production.plan("1"));
    let inside = twin.client().expect("a client").build().expect("a client");
    let calls = [
        ("tcp", "203.0.113.7:80"),
        ("tcp", "169.254.169.254:80"),
        ("tcp", "[2001:db8::7]:80"),
        ("udp", "203.0.113.7:9"),
        ("name", "api.example"),
    ];
    for (how, to) in calls {
        let path = format!("/call.php?how={how}&to={to}");
        if how == "tcp" {
            assert_eq!(get(&client, &path).text(), "ok at once", "control: {to}");
        }
        let expected = match how {
            "tcp" => REFUSED,
            "udp" => "refused at once",
            _ => "none at once",
        };
        assert_eq!(get(&inside, &path).text(), expected, "{how} {to}");
    }
    let listed = twin.outside_calls();
    for call in [
        "203.0.113.7:80/tcp",
        "169.254.169.254:80/tcp",
        "[2001:db8::7]:80/tcp",
        "203.0.113.7:9/udp",
    ] {
        assert!(listed.iter().any(|known| known == call), "{call}: {listed:?}");
    }
    let name = "192.0.2.53:53/udp asking for api.example";
    assert!(listed.iter().any(|known| known == name), "{listed:?}");
    // The only devices that a packet can leave by: to itself, and to whoever refuses it. The host has none of them.
    let devices = |line: &str| line.split(':').next().map(str::trim).map(str::to_owned);
    let table = fs_err::read_to_string(format!("/proc/{}/net/dev", twin.sandbox().init_pid())).expect("read");
    let mut all: Vec<_> = table.lines().skip(2).filter_map(devices).collect();
    all.sort();
    assert_eq!(all, ["lo", "outside"]);
    let host = fs_err::read_to_string("/proc/net/dev").expect("read");
    assert!(
        !host.lines().filter_map(devices).any(|device| device == "outside"),
        "{host}"
    );
}

#[test]
fn t23_no_request_of_a_replay_leaves_the_twin() {
    let _turn = turn::beside_others();
    let production = Production::small(Sapi::ModPhp);
    let away = "<?php\nheader('Location: http://203.0.113.7/'); exit;\n";
    production.release("2", &[("public/second.php", "<?php\n", away)]);
    production.release(
        "3",
        &[(
            "public/second.php",
            "<?php\n",
            "<?php\n@file_get_contents('http://203.0.113.7/');\n",
        )],
    );
    let odd = [
        "/",
        "/second.php",
        "//203.0.113.7/",
        "http://203.0.113.7/",
        "https://203.0.113.7/x",
        "/\\203.0.113.7/",
        "*",
    ];
    let rehearse = |candidate| {
        let mut plan = production.plan(candidate);
        plan.requests = logged(&odd);
        production.rehearse(plan).expect("rehearsed")
    };
    let calls_out = rehearse("3");
    assert_eq!(
        calls_out.outside_calls,
        ["203.0.113.7:80/tcp"],
        "control: a call is listed"
    );
    let leads_out = rehearse("2");
    assert_eq!(leads_out.outside_calls, Vec::<String>::new());
    assert_eq!(leads_out.coverage.requests, 2, "{leads_out:#?}");
    assert_eq!(leads_out.causes.len(), 1, "{leads_out:#?}");
    // Its page, crawled instead of logged, leads there too.
    production.release(
        "4",
        &[("public/index.php", "/second.php", "//203.0.113.7/second.php")],
    );
    let mut plan = production.plan("4");
    plan.live = Some(super::bench::id("4"));
    let crawled = production.rehearse(plan).expect("rehearsed");
    assert_eq!(
        (crawled.outside_calls.len(), crawled.coverage.requests),
        (0, 2),
        "{crawled:#?}"
    );
}
