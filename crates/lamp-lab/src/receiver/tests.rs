use lamp_http::{Client, HttpError, Request, Scheme};
use serde_json::{Value, json};

use super::*;

const KEY: &str = "R0123456789abcdefghijklmnopqrstu";
const TIMEOUT: Duration = Duration::from_millis(500);

fn client(receiver: &Receiver) -> Client {
    let builder = match receiver.url().strip_prefix("unix:") {
        Some(path) => Client::unix("localhost", path),
        None => {
            let address = receiver.url().strip_prefix("http://").expect("http");
            Client::at(Scheme::Http, "127.0.0.1", address.parse().expect("an address"))
        }
    };
    builder.timeout(TIMEOUT).build().expect("a client")
}

fn trigger() -> Value {
    json!({
        "routing_key": KEY,
        "event_action": "trigger",
        "dedup_key": "a",
        "payload": { "summary": "shop fails", "source": "web1", "severity": "critical" },
    })
}

fn action(action: &str, key: &str) -> Value {
    let mut event = trigger();
    event["event_action"] = action.into();
    event["dedup_key"] = key.into();
    event
}

async fn post(receiver: &Receiver, path: &str, body: &Value) -> Result<(u16, Value), HttpError> {
    let answer = client(receiver)
        .post_json(Request::new(path), body.to_string())
        .await?;
    let said = serde_json::from_slice(&answer.body).expect("JSON");
    Ok((answer.status.as_u16(), said))
}

#[tokio::test]
async fn what_the_api_takes_is_taken_and_kept_as_it_came() {
    let receiver = Receiver::start().expect("a receiver");
    let (status, said) = post(&receiver, "/v2/enqueue", &trigger())
        .await
        .expect("an answer");
    assert_eq!((status, &said["dedup_key"]), (202, &json!("a")));
    let change = json!({ "routing_key": KEY, "payload": { "summary": "shop switched", "timestamp": "2026-11-22T06:40:00Z" } });
    let (status, _) = post(&receiver, "/v2/change/enqueue", &change)
        .await
        .expect("an answer");
    assert_eq!(status, 202);
    let received = receiver.received();
    assert_eq!(received.len(), 2);
    assert!(received[0].is_trigger() && !received[0].is_change() && received[1].is_change());
    assert_eq!(received[0].raw, trigger().to_string().as_bytes());
    assert!(received[0].at < received[1].at && received[1].at <= Nanos::now());
    let kind = ("content-type".to_owned(), "application/json".to_owned());
    assert!(received[0].headers.contains(&kind), "{:?}", received[0].headers);
}

#[tokio::test]
async fn what_the_api_does_not_take_is_refused_by_the_rule_it_breaks() {
    let receiver = Receiver::start().expect("a receiver");
    let breaks: [(&str, Value, &str); 8] = [
        ("/routing_key", json!("short"), "'routing_key' has 32 characters"),
        (
            "/event_action",
            json!("page"),
            "'event_action' is missing or unknown",
        ),
        ("/dedup_key", json!("k".repeat(256)), "'dedup_key' is too long"),
        (
            "/payload/summary",
            json!("s".repeat(1025)),
            "'payload.summary' is missing or too long",
        ),
        (
            "/payload/summary",
            json!(null),
            "'payload.summary' is missing or too long",
        ),
        (
            "/payload/severity",
            json!("loud"),
            "'payload.severity' is missing or unknown",
        ),
        ("/payload/source", json!(""), "'payload.source' is missing"),
        ("/event_action", json!("resolve"), "'dedup_key' is missing"),
    ];
    for (place, value, rule) in breaks {
        let mut event = trigger();
        if value == "resolve" {
            event["dedup_key"] = Value::Null;
        }
        *event.pointer_mut(place).unwrap_or(&mut Value::Null) = value;
        let (status, said) = post(&receiver, "/v2/enqueue", &event).await.expect("an answer");
        assert_eq!((status, &said["errors"]), (400, &json!([rule])), "{event}");
    }
    let (status, _) = post(&receiver, "/v1/enqueue", &trigger())
        .await
        .expect("an answer");
    assert_eq!(status, 400);
    assert_eq!((receiver.received().len(), receiver.heard().len()), (0, 9));
}

#[tokio::test]
async fn it_answers_as_it_is_told() {
    let receiver = Receiver::start().expect("a receiver");
    let too_many = Manner::TooMany { retry_after: Some(7) };
    for (manner, expected) in [
        (Manner::Refuses, 400),
        (too_many, 429),
        (Manner::Fails, 500),
        (Manner::Accepts, 202),
    ] {
        receiver.be(manner);
        let answer = client(&receiver)
            .post_json(Request::new("/v2/enqueue"), trigger().to_string())
            .await
            .expect("an answer");
        assert_eq!(answer.status.as_u16(), expected);
        let wait = (manner == too_many).then_some("7");
        assert_eq!(answer.header("retry-after"), wait);
    }
    receiver.be(Manner::Silent);
    let silent = post(&receiver, "/v2/enqueue", &trigger()).await;
    assert!(matches!(silent, Err(HttpError::TimedOut { .. })), "{silent:?}");
    assert_eq!(receiver.received().len(), 2, "what is not answered is taken");
}

#[tokio::test]
async fn it_is_down_and_comes_back_where_it_was() {
    let dir = tempfile::tempdir().expect("a directory");
    let unix = Receiver::unix(&dir.path().join("receiver.sock")).expect("a receiver");
    for receiver in [Receiver::start().expect("a receiver"), unix] {
        assert!(post(&receiver, "/v2/enqueue", &trigger()).await.is_ok());
        receiver.be(Manner::Down);
        let mut asked = post(&receiver, "/v2/enqueue", &trigger()).await;
        while asked.is_ok() {
            asked = post(&receiver, "/v2/enqueue", &trigger()).await;
        }
        assert!(
            matches!(asked, Err(HttpError::Connect(_) | HttpError::Exchange(_))),
            "{asked:?}"
        );
        receiver.be(Manner::Accepts);
        while asked.is_err() {
            asked = post(&receiver, "/v2/enqueue", &trigger()).await;
        }
    }
    assert_eq!(
        fs_err::read_dir(dir.path()).expect("read").count(),
        0,
        "its socket goes with it"
    );
}

#[tokio::test]
async fn alerts_are_kept_by_key_as_a_responder_would_be_told() {
    let receiver = Receiver::start().expect("a receiver");
    let events = [
        "trigger a",
        "trigger a",
        "resolve a",
        "resolve a",
        "trigger a",
        "trigger b",
    ];
    for event in events {
        let (what, key) = event.split_once(' ').expect("two words");
        let answer = post(&receiver, "/v2/enqueue", &action(what, key)).await;
        assert_eq!(answer.expect("an answer").0, 202);
    }
    let alerts = receiver.alerts();
    let a = Alert {
        opened: 2,
        repeated: 1,
        dropped: 1,
        is_open: true,
    };
    assert_eq!((alerts.len(), alerts["a"]), (2, a));
    assert!(receiver.wait_until(Duration::ZERO, |heard| heard.len() == events.len()));
    assert!(!receiver.wait_until(Duration::from_millis(10), |heard| heard.len() > events.len()));
}
