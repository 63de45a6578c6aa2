//! What is posted: field by field as the Events API v2 names it, every text bounded and harmless.

use lamp_model::incident::{PageAction, PageIntent, PageSeverity, SUMMARY_MAX_CHARS};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::secret::SecretKey;
use crate::words::one_line;

/// Longest body that PagerDuty takes, in bytes.
pub const BODY_MAX_BYTES: usize = 512 << 10;
/// What details may take of it, in bytes as JSON; the rest of a body is far less than what remains.
const DETAILS_MAX_BYTES: usize = 400 << 10;
/// Longest key, name of a detail, source or component, in characters.
const NAME_MAX_CHARS: usize = 255;
/// Longest text of a detail, in characters.
const DETAIL_MAX_CHARS: usize = 8 << 10;

#[derive(Serialize)]
struct Alert<'a> {
    routing_key: &'a str,
    event_action: &'static str,
    dedup_key: String,
    payload: AlertPayload<'a>,
    client: &'static str,
}

#[derive(Serialize)]
struct AlertPayload<'a> {
    summary: String,
    source: String,
    severity: PageSeverity,
    timestamp: String,
    component: &'a str,
    group: &'static str,
    class: &'static str,
    custom_details: Details,
}

#[derive(Serialize)]
struct Change<'a> {
    routing_key: &'a str,
    payload: ChangePayload,
}

#[derive(Serialize)]
struct ChangePayload {
    summary: String,
    source: String,
    timestamp: String,
    custom_details: Details,
}

/// The body for `intent`, in the name of the host `source`; `Err`: why it can never be one.
pub(super) fn encode(intent: &PageIntent, key: &SecretKey, source: &str) -> Result<Vec<u8>, String> {
    let event_action = match intent.action {
        PageAction::Trigger => "trigger",
        PageAction::Resolve => "resolve",
        PageAction::Change => return Ok(json(&change(intent, key, source))),
    };
    let dedup_key = one_line(&intent.dedup_key, NAME_MAX_CHARS);
    if dedup_key.trim().is_empty() {
        // The receiver would make one up, and no resolve could find the alert again.
        return Err("the page has no key".to_owned());
    }
    let payload = AlertPayload {
        summary: summary(intent),
        source: one_line(source, NAME_MAX_CHARS),
        severity: intent.severity,
        timestamp: intent.happened_at.to_string(),
        component: intent.site.as_str(),
        group: "lamplighter",
        class: "incident",
        custom_details: Details::of(&intent.details),
    };
    Ok(json(&Alert {
        routing_key: key.reveal(),
        event_action,
        dedup_key,
        payload,
        client: "Lamplighter",
    }))
}

fn change<'a>(intent: &PageIntent, key: &'a SecretKey, source: &str) -> Change<'a> {
    Change {
        routing_key: key.reveal(),
        payload: ChangePayload {
            summary: summary(intent),
            source: one_line(source, NAME_MAX_CHARS),
            timestamp: intent.happened_at.to_string(),
            custom_details: Details::of(&intent.details),
        },
    }
}

fn summary(intent: &PageIntent) -> String {
    one_line(&intent.summary, SUMMARY_MAX_CHARS)
}

fn json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("a body has text keys only and no fallible serializer")
}

/// Names and texts as a JSON object, in their order, no name twice.
struct Details(Vec<(String, String)>);

impl Details {
    /// As many as fit; how many did not is the last detail.
    fn of(details: &[(String, String)]) -> Self {
        let mut kept: Vec<(String, String)> = Vec::new();
        let mut left_bytes = DETAILS_MAX_BYTES;
        for (name, text) in details {
            let name = unused(&kept, one_line(name, NAME_MAX_CHARS));
            let text = one_line(text, DETAIL_MAX_CHARS);
            let bytes = json(&(&name, &text)).len();
            let Some(left) = left_bytes.checked_sub(bytes) else {
                break;
            };
            left_bytes = left;
            kept.push((name, text));
        }
        let missing = details.len() - kept.len();
        if missing > 0 {
            let name = unused(&kept, "left out".to_owned());
            kept.push((name, format!("{missing} more")));
        }
        Self(kept)
    }
}

fn unused(kept: &[(String, String)], name: String) -> String {
    let taken = |name: &str| kept.iter().any(|(other, _)| other == name);
    if !taken(&name) {
        return name;
    }
    let mut numbered = (2..=kept.len() + 2).map(|n| format!("{name} ({n})"));
    numbered.find(|other| !taken(other)).unwrap_or(name)
}

impl Serialize for Details {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, text) in &self.0 {
            map.serialize_entry(name, text)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests;
