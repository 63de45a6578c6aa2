use serde_json::{Value, json};

use super::*;
use crate::secret::KeyFile;
use lamp_model::SiteName;

const KEY: &str = "R0123456789abcdefghijklmnopqrstu";

fn key() -> SecretKey {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs_err::write(file.path(), KEY).expect("written");
    KeyFile::new(file.path()).read().expect("a key")
}

fn intent(action: PageAction) -> PageIntent {
    PageIntent {
        action,
        dedup_key: "lamp-host1-incident-3".to_owned(),
        incident: None,
        site: SiteName::parse("shop").expect("a name"),
        severity: PageSeverity::Warning,
        summary: "shop: wp-settings.php:139 names class-wp-locale.phpp".to_owned(),
        happened_at: "2026-11-22T06:40:00.25Z".parse().expect("a time"),
        details: vec![
            ("release".into(), "r2".into()),
            ("blast radius".into(), "9 of 12".into()),
        ],
    }
}

#[track_caller]
fn encoded(intent: &PageIntent) -> Value {
    let bytes = encode(intent, &key(), "web1.example").expect("a body");
    assert!(bytes.len() <= BODY_MAX_BYTES, "{} bytes", bytes.len());
    serde_json::from_slice(&bytes).expect("JSON")
}

/// Field by field as PagerDuty's description of the Events API v2 names them.
#[test]
fn an_alert_is_what_the_events_api_names() {
    let expected = |action: &str| {
        json!({
            "routing_key": KEY,
            "event_action": action,
            "dedup_key": "lamp-host1-incident-3",
            "payload": {
                "summary": "shop: wp-settings.php:139 names class-wp-locale.phpp",
                "source": "web1.example",
                "severity": "warning",
                "timestamp": "2026-11-22T06:40:00.25Z",
                "component": "shop",
                "group": "lamplighter",
                "class": "incident",
                "custom_details": { "release": "r2", "blast radius": "9 of 12" },
            },
            "client": "Lamplighter",
        })
    };
    assert_eq!(encoded(&intent(PageAction::Trigger)), expected("trigger"));
    assert_eq!(encoded(&intent(PageAction::Resolve)), expected("resolve"));
}

#[test]
fn a_change_has_neither_key_nor_severity() {
    let expected = json!({
        "routing_key": KEY,
        "payload": {
            "summary": "shop: wp-settings.php:139 names class-wp-locale.phpp",
            "source": "web1.example",
            "timestamp": "2026-11-22T06:40:00.25Z",
            "custom_details": { "release": "r2", "blast radius": "9 of 12" },
        },
    });
    assert_eq!(encoded(&intent(PageAction::Change)), expected);
}

#[test]
fn texts_are_bounded_and_harmless() {
    let mut long = intent(PageAction::Trigger);
    long.summary = format!("a\u{202e}b\r\n\x1b[31m{}", "x".repeat(5000));
    long.dedup_key = "k".repeat(300);
    let body = encoded(&long);
    let summary = body["payload"]["summary"].as_str().expect("a text");
    assert!(summary.starts_with("ab   [31mxxx"), "{summary:.40}");
    assert_eq!(summary.chars().count(), SUMMARY_MAX_CHARS);
    let key = body["dedup_key"].as_str().expect("a text");
    assert_eq!(key.chars().count(), NAME_MAX_CHARS);
}

#[test]
fn a_page_without_a_key_can_never_be_resolved_and_is_none() {
    let mut keyless = intent(PageAction::Trigger);
    keyless.dedup_key = "\n".to_owned();
    assert_eq!(
        encode(&keyless, &key(), "h"),
        Err("the page has no key".to_owned())
    );
    keyless.action = PageAction::Change;
    assert!(encode(&keyless, &key(), "h").is_ok());
}

#[test]
fn details_that_do_not_fit_are_counted() {
    let mut wide = intent(PageAction::Trigger);
    wide.details = (0..1000)
        .map(|n| (format!("d{n}"), "\"é山".repeat(3000)))
        .collect();
    let body = encoded(&wide);
    let details = body["payload"]["custom_details"].as_object().expect("an object");
    let kept = details.len() - 1;
    assert!((10..1000).contains(&kept), "{kept}");
    assert_eq!(details["left out"], format!("{} more", 1000 - kept));
}

#[test]
fn no_detail_hides_another_of_its_name() {
    let mut twice = intent(PageAction::Trigger);
    twice.details = ["a", "a", "a (2)", "a"]
        .map(|name| (name.to_owned(), "x".to_owned()))
        .into();
    let body = encoded(&twice);
    let details = body["payload"]["custom_details"].as_object().expect("an object");
    assert_eq!(details.len(), 4);
}
