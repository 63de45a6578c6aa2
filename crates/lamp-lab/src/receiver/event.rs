//! What the Events API v2 says of a body: the rules of its description, not of those who send.

use serde_json::{Value, json};

use super::Manner;
use super::wire::{Answer, Request};

/// Where alerts go.
const ALERTS: &str = "/v2/enqueue";
/// Where changes go.
pub(super) const CHANGES: &str = "/v2/change/enqueue";
/// Longest body, in bytes.
const BODY_MAX_BYTES: usize = 512 << 10;
const KEY_CHARS: usize = 32;
const DEDUP_KEY_MAX_CHARS: usize = 255;
const SUMMARY_MAX_CHARS: usize = 1024;
const ACTIONS: [&str; 3] = ["trigger", "acknowledge", "resolve"];
const SEVERITIES: [&str; 4] = ["critical", "error", "warning", "info"];

/// What is answered to a request; `None`: nothing at all.
pub(super) fn answer(request: &Request, manner: Manner) -> Option<Answer> {
    let status = match manner {
        Manner::Accepts | Manner::Down => 202,
        Manner::Refuses => 400,
        Manner::TooMany { .. } => 429,
        Manner::Fails => 500,
        Manner::Silent => return None,
    };
    let errors = match status {
        202 => errors(request),
        _ => vec!["'routing_key' is not known here".to_owned()],
    };
    let status = if errors.is_empty() || status != 202 {
        status
    } else {
        400
    };
    Some(Answer {
        status,
        retry_after: match manner {
            Manner::TooMany { retry_after } => retry_after,
            Manner::Accepts | Manner::Refuses | Manner::Fails | Manner::Silent | Manner::Down => None,
        },
        body: words(request, status, &errors).to_string(),
    })
}

fn words(request: &Request, status: u16, errors: &[String]) -> Value {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    match status {
        202 => json!({
            "status": "success",
            "message": "Event processed",
            "dedup_key": body.get("dedup_key"),
        }),
        // It repeats the key, as real ones have been seen to do: no sender may write it down.
        400 => json!({
            "status": "invalid event",
            "message": format!("Event object is invalid ({})", body["routing_key"].as_str().unwrap_or("no key")),
            "errors": errors,
        }),
        429 => {
            json!({ "status": "throttle exceeded", "message": "Requests for this service are arriving too quickly" })
        }
        _ => json!({ "status": "internal server error", "message": "try again later" }),
    }
}

/// Which rules a request breaks.
fn errors(request: &Request) -> Vec<String> {
    let mut errors = Vec::new();
    let mut must = |holds: bool, rule: &str| {
        if !holds {
            errors.push(rule.to_owned());
        }
    };
    let json_kind = |(name, text): &(String, String)| name == "content-type" && text == "application/json";
    must(request.method == "POST", "events are posted");
    must(
        request.headers.iter().any(json_kind),
        "events are application/json",
    );
    must(
        request.body.len() <= BODY_MAX_BYTES,
        "an event has at most 512 KB",
    );
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    must(
        chars(&body["routing_key"]) == KEY_CHARS,
        "'routing_key' has 32 characters",
    );
    match request.path.as_str() {
        ALERTS => of_alert(&body, &mut must),
        CHANGES => of_payload(&body["payload"], &mut must),
        _ => must(false, "no such address"),
    }
    errors
}

fn of_alert(body: &Value, must: &mut impl FnMut(bool, &str)) {
    let action = body["event_action"].as_str().unwrap_or_default();
    must(ACTIONS.contains(&action), "'event_action' is missing or unknown");
    let key = chars(&body["dedup_key"]);
    must(key <= DEDUP_KEY_MAX_CHARS, "'dedup_key' is too long");
    if action != "trigger" {
        return must(key > 0, "'dedup_key' is missing");
    }
    let payload = &body["payload"];
    let severity = payload["severity"].as_str().unwrap_or_default();
    must(
        SEVERITIES.contains(&severity),
        "'payload.severity' is missing or unknown",
    );
    must(chars(&payload["source"]) > 0, "'payload.source' is missing");
    of_payload(payload, must);
}

fn of_payload(payload: &Value, must: &mut impl FnMut(bool, &str)) {
    let summary = chars(&payload["summary"]);
    must(
        (1..=SUMMARY_MAX_CHARS).contains(&summary),
        "'payload.summary' is missing or too long",
    );
    let at = payload["timestamp"].as_str();
    // A date, a T and a time: the shape of ISO 8601, from the description's example.
    let is_time = |text: &str| text.len() >= 19 && text.as_bytes()[10] == b'T';
    must(at.is_none_or(is_time), "'payload.timestamp' is no time");
    let details = &payload["custom_details"];
    must(
        details.is_null() || details.is_object(),
        "'payload.custom_details' is no object",
    );
}

/// Characters of a text; 0 for what is none.
fn chars(value: &Value) -> usize {
    value.as_str().map_or(0, |text| text.chars().count())
}
