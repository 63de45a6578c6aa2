//! The notifier against a receiver that judges by the Events API's own rules, over real sockets; the heartbeat.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lamp_agent::clock::SystemClock;
use lamp_lab::Receiver;
use lamp_lab::receiver::Manner;
use lamp_model::SiteName;
use lamp_model::incident::{PageAction, PageIntent, PageSeverity};
use lamp_page::heartbeat::Heartbeat;
use lamp_page::{Notifier, PageConfig, PagerDuty, Said};
use tokio::sync::watch;

/// A key such as PagerDuty gives: 32 letters and digits.
pub(crate) const KEY: &str = "R0123456789abcdefghijklmnopqrstu";

/// Writes a key's file as it has to be.
pub(crate) fn write_key(dir: &Path) -> PathBuf {
    let path = dir.join("pagerduty.key");
    fs_err::write(&path, format!("{KEY}\n")).expect("written");
    fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("mode set");
    path
}

/// What is to be told.
pub(crate) fn intent(action: PageAction, key: &str) -> PageIntent {
    PageIntent {
        action,
        dedup_key: key.to_owned(),
        incident: None,
        site: SiteName::parse("shop").expect("a name"),
        severity: PageSeverity::Critical,
        summary: "shop fails: wp-settings.php:139 names class-wp-locale.phpp".to_owned(),
        happened_at: "2026-11-22T06:40:00Z".parse().expect("a time"),
        details: vec![("release".to_owned(), "r2".to_owned())],
    }
}

fn pager(receiver: &Receiver, key: &Path) -> PagerDuty {
    let text = format!("routing_key_file = {key:?}\nurl = \"{}\"", receiver.url());
    let config: PageConfig = toml::from_str(&text).expect("a section");
    PagerDuty::new(
        config,
        "web1.example",
        Arc::new(SystemClock::new().expect("a clock")),
    )
}

async fn tell(pager: &PagerDuty, action: PageAction) -> Said {
    pager.send(&intent(action, "a")).await
}

#[tokio::test]
async fn what_it_sends_is_what_the_api_takes() {
    let dir = tempfile::tempdir().expect("a directory");
    let unix = Receiver::unix(&dir.path().join("receiver.sock")).expect("a receiver");
    for receiver in [Receiver::start().expect("a receiver"), unix] {
        let pager = pager(&receiver, &write_key(dir.path()));
        for action in [PageAction::Change, PageAction::Trigger, PageAction::Resolve] {
            assert_eq!(tell(&pager, action).await, Said::Accepted, "{action:?}");
        }
        let received = receiver.received();
        let paths: Vec<_> = received.iter().map(|received| received.path.as_str()).collect();
        assert_eq!(paths, ["/v2/change/enqueue", "/v2/enqueue", "/v2/enqueue"]);
        assert!(received[1].is_trigger() && received[2].is_resolve());
        let body = received[1].body();
        assert_eq!(body["payload"]["source"], "web1.example");
        assert_eq!(body["payload"]["custom_details"]["release"], "r2");
        let alerts = receiver.alerts();
        assert!(
            alerts.len() == 1 && !alerts["a"].is_open && alerts["a"].opened == 1,
            "{alerts:?}"
        );
    }
}

#[tokio::test]
async fn each_answer_has_its_meaning_and_none_shows_the_key() {
    let dir = tempfile::tempdir().expect("a directory");
    let receiver = Receiver::start().expect("a receiver");
    let pager = pager(&receiver, &write_key(dir.path()));
    let mut said = Vec::new();
    for manner in [
        Manner::Accepts,
        Manner::Refuses,
        Manner::TooMany { retry_after: Some(7) },
        Manner::TooMany { retry_after: None },
        Manner::Fails,
        Manner::Down,
    ] {
        receiver.be(manner);
        let mut heard = tell(&pager, PageAction::Trigger).await;
        // It takes a moment until nobody listens.
        while manner == Manner::Down && heard == Said::Accepted {
            heard = tell(&pager, PageAction::Trigger).await;
        }
        said.push(format!("{manner:?}: {heard:?}"));
    }
    receiver.be(Manner::Accepts);
    let said = said.join("\n");
    let echo = String::from_utf8(receiver.heard()[0].raw.clone()).expect("text");
    assert!(echo.contains(KEY), "the control: the receiver had it");
    assert!(!said.contains(KEY), "{said}");
    let address = receiver.url().trim_start_matches("http://").to_owned();
    assert!(!said.contains(&address), "{said}");
    let refused = "Refuses: Refused { why: \"answered 400: Event object is invalid ([key]): \
                   'routing_key' is not known here\" }";
    assert!(said.contains(refused), "{said}");
    let wait = "retry_after: Some(7s)";
    assert!(
        said.lines()
            .nth(2)
            .is_some_and(|line| line.contains("TooMany {") && line.contains(wait)),
        "{said}"
    );
    assert!(
        said.lines()
            .nth(4)
            .is_some_and(|line| line.contains("NotNow { why: \"answered 500")),
        "{said}"
    );
    assert!(
        said.lines().nth(5).is_some_and(|line| line.contains("NotNow")),
        "{said}"
    );
}

#[tokio::test]
async fn a_key_that_is_mended_is_used_without_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let receiver = Receiver::start().expect("a receiver");
    let key = dir.path().join("pagerduty.key");
    let pager = pager(&receiver, &key);
    let missing = tell(&pager, PageAction::Trigger).await;
    assert!(matches!(missing, Said::NotNow { .. }), "{missing:?}");
    write_key(dir.path());
    fs_err::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("mode set");
    let loose = tell(&pager, PageAction::Trigger).await;
    assert!(
        matches!(&loose, Said::NotNow { why, .. } if why.contains("read by others")),
        "{loose:?}"
    );
    assert_eq!(receiver.heard().len(), 0, "nothing goes out without a key");
    write_key(dir.path());
    assert_eq!(tell(&pager, PageAction::Trigger).await, Said::Accepted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_beats_after_a_whole_cycle_and_only_then() {
    let receiver = Receiver::start().expect("a receiver");
    let text = format!("url = \"{}/ping/a-secret\"", receiver.url());
    let heartbeat = Heartbeat::new(toml::from_str(&text).expect("a section"));
    let (cycles, counted) = watch::channel(5);
    let beating = tokio::spawn(heartbeat.run(counted));
    assert!(!receiver.wait_until(Duration::from_millis(200), |heard| !heard.is_empty()));
    cycles.send_replace(6);
    assert!(receiver.wait_until(Duration::from_secs(30), |heard| heard.len() == 1));
    assert_eq!(receiver.heard()[0].path, "/ping/a-secret");
    drop(cycles);
    beating.abort();
}
