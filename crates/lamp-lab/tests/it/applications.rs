//! Every fixture application answers what is known of it, with either PHP, over TLS, HTTP/1.1 and HTTP/2.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use fs_err as fs;
use lamp_http::{Client, Protocol, Scheme};
use lamp_lab::apps::{self, Ask};
use lamp_lab::load::{Markers, marker::Agreement};
use lamp_lab::{App, Lab, Sapi};

use crate::bench::{get, id, parent, serving};

fn check(client: &Client, app: &App, ask: &Ask) {
    let answer = get(client, &ask.path);
    let (name, path, text) = (app.name, &ask.path, answer.text());
    assert_eq!(answer.status.as_u16(), ask.status, "{name} {path}: {text}");
    assert!(text.contains(&ask.contains), "{name} {path}: {text}");
    assert!(
        ask.lacks.is_empty() || !text.contains(&ask.lacks),
        "{name} {path}: {text}"
    );
    if !ask.location.is_empty() {
        let location = answer.header("location").unwrap_or_default();
        assert!(location.ends_with(&ask.location), "{name} {path}: {location}");
    }
    let markers = Markers::read(&answer.body);
    if !ask.markers.is_empty() {
        assert_eq!(
            markers.agreement(&ask.markers),
            Agreement::One("1"),
            "{name} {path}: {text}"
        );
    }
}

fn check_all(sapi: Sapi, protocol: Protocol) {
    let parent = parent();
    for app in apps::all().expect("facts") {
        let lab = serving(parent.path(), sapi, &app);
        let client = lab
            .client("shop", Scheme::Https)
            .expect("a client")
            .protocol(protocol);
        let client = client.build().expect("a client");
        for ask in &app.facts.asks {
            check(&client, &app, ask);
        }
        lab.end().expect("the lab ends");
    }
}

#[test]
fn with_mod_php_every_application_answers_as_known() {
    check_all(Sapi::ModPhp, Protocol::Http1);
}

#[test]
fn with_fpm_every_application_answers_as_known() {
    check_all(Sapi::Fpm, Protocol::Http1);
}

#[test]
fn with_fpm_every_application_answers_as_known_over_http2() {
    check_all(Sapi::Fpm, Protocol::Http2);
}

#[test]
fn only_fpm_reads_user_ini_and_both_read_htaccess() {
    let parent = parent();
    let all = apps::all().expect("facts");
    let wiki = all.iter().find(|app| app.name == "mediawiki").expect("the wiki");
    for (sapi, ini) in [(Sapi::ModPhp, "ini=;"), (Sapi::Fpm, "ini=wiki-1;")] {
        let lab = serving(parent.path(), sapi, wiki);
        let client = lab
            .client("shop", Scheme::Http)
            .expect("a client")
            .build()
            .expect("a client");
        let text = get(&client, "/index.php?title=x").text();
        assert!(text.contains("env=1;"), "{text}");
        assert!(text.contains(ini), "{sapi:?}: {text}");
    }
}

const PORT_PAGE: &str =
    "<?php echo $_SERVER['REMOTE_PORT'], ' ', $_SERVER['SERVER_PROTOCOL'], ' ', $_SERVER['HTTPS'];";

/// The connections, told by the visitor's port, that three requests took, and how they were asked.
fn connections(lab: &Lab, protocol: Protocol, idle: Duration) -> (usize, String) {
    let client = lab
        .client("shop", Scheme::Https)
        .expect("a client")
        .protocol(protocol)
        .idle(idle);
    let client = client.build().expect("a client");
    let answers: Vec<_> = (0..3).map(|_| get(&client, "/port.php").text()).collect();
    let ports: BTreeSet<_> = answers
        .iter()
        .filter_map(|answer| answer.split_once(' '))
        .collect();
    let asked = ports
        .first()
        .map(|(_, asked)| (*asked).to_owned())
        .unwrap_or_default();
    (ports.len(), asked)
}

#[test]
fn connections_are_kept_alive_over_tls() {
    let parent = parent();
    let app = apps::with_all_ways().expect("one shows all ways");
    let kept = Duration::from_secs(3);
    for sapi in Sapi::ALL {
        let lab = serving(parent.path(), sapi, &app);
        lab.put_release("shop", &id("2"), |dir| {
            Ok(write_port_page(dir, &app.facts.docroot)?)
        })
        .expect("written");
        lab.switch_by_link("shop", &id("2")).expect("switched");
        let of = |protocol, idle| connections(&lab, protocol, idle);
        assert_eq!(of(Protocol::Http1, kept), (1, "HTTP/1.1 on".to_owned()));
        assert_eq!(of(Protocol::Http1, Duration::ZERO).0, 3);
        if sapi == Sapi::Fpm {
            assert_eq!(of(Protocol::Http2, kept), (1, "HTTP/2.0 on".to_owned()));
        }
    }
}

fn write_port_page(dir: &Path, docroot: &str) -> std::io::Result<()> {
    let docroot = dir.join(docroot);
    fs::create_dir_all(&docroot)?;
    fs::write(docroot.join("port.php"), PORT_PAGE)
}
