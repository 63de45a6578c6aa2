//! What comes of events at a receiver: one alert a key, as PagerDuty keeps them.

use std::collections::BTreeMap;

use super::Received;

/// What there is under one key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Alert {
    /// How often an alert was opened: a responder is told as often.
    pub opened: u32,
    /// Triggers that an open one took in, and told nobody of.
    pub repeated: u32,
    /// Resolves that found none open, and were dropped.
    pub dropped: u32,
    /// Whether it is open.
    pub is_open: bool,
}

/// The alerts after these events: a trigger opens one or adds to the open one, a resolve closes it.
pub fn fold(events: &[Received]) -> BTreeMap<String, Alert> {
    let mut alerts: BTreeMap<String, Alert> = BTreeMap::new();
    for event in events {
        let Some(key) = event.dedup_key().filter(|_| !event.is_change()) else {
            continue;
        };
        let alert = alerts.entry(key).or_default();
        match (event.is_trigger(), alert.is_open) {
            (true, true) => alert.repeated += 1,
            (true, false) => {
                alert.opened += 1;
                alert.is_open = true;
            }
            (false, true) => alert.is_open = !event.is_resolve(),
            (false, false) => alert.dropped += 1,
        }
    }
    alerts
}
