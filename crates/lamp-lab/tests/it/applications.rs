//! Every fixture application answers what is known of it, with either PHP, over TLS, HTTP/1.1 and HTTP/2.

use lamp_http::{Client, Protocol, Scheme};
use lamp_lab::apps::{self, Ask};
use lamp_lab::load::{Markers, marker::Agreement};
use lamp_lab::{App, Sapi};

use crate::bench::{get, parent, serving};

async fn check(client: &Client, app: &App, ask: &Ask) {
    let answer = get(client, &ask.path).await;
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

async fn check_all(sapi: Sapi, protocol: Protocol) {
    let parent = parent();
    for app in apps::all().expect("facts") {
        let lab = serving(parent.path(), sapi, &app);
        let client = lab
            .client("shop", Scheme::Https)
            .expect("a client")
            .protocol(protocol);
        let client = client.build().expect("a client");
        for ask in &app.facts.asks {
            check(&client, &app, ask).await;
        }
        lab.end().expect("the lab ends");
    }
}

#[tokio::test]
async fn with_mod_php_every_application_answers_as_known() {
    check_all(Sapi::ModPhp, Protocol::Http1).await;
}

#[tokio::test]
async fn with_fpm_every_application_answers_as_known() {
    check_all(Sapi::Fpm, Protocol::Http1).await;
}

#[tokio::test]
async fn with_fpm_every_application_answers_as_known_over_http2() {
    check_all(Sapi::Fpm, Protocol::Http2).await;
}

#[tokio::test]
async fn only_fpm_reads_user_ini_and_both_read_htaccess() {
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
        let text = get(&client, "/index.php?title=x").await.text();
        assert!(text.contains("env=1;"), "{text}");
        assert!(text.contains(ini), "{sapi:?}: {text}");
    }
}
