//! How long a switch took, as visitors saw it. Pure: records and switches in, durations out.

use std::time::Duration;

use lamp_lab::load::marker::Agreement;
use lamp_lab::load::{Nanos, Outcome, Record, Switches, Way};

/// What visitors saw of one switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// From the rename to the first complete answer of the new release.
    pub first_new: Option<Duration>,
    /// From the rename to the sending of the last request that an earlier release answered;
    /// zero: none was sent after it.
    pub last_old: Duration,
}

/// What visitors saw of each switch, until the one after it.
pub fn lags(records: &[Record], switches: &Switches) -> Vec<Lag> {
    let ends = switches
        .then
        .iter()
        .skip(1)
        .map(|next| next.begun)
        .chain([Nanos(u64::MAX)]);
    let spans = switches.then.iter().zip(ends);
    spans
        .map(|(switch, end)| lag(records, &switch.to, switch.done, end))
        .collect()
}

fn lag(records: &[Record], to: &str, done: Nanos, end: Nanos) -> Lag {
    let mut lag = Lag {
        first_new: None,
        last_old: Duration::ZERO,
    };
    for record in records
        .iter()
        .filter(|record| record.sent >= done && record.sent < end)
    {
        match release(record) {
            Some(release) if release == to => {
                let took = record.received.since(done);
                lag.first_new = Some(lag.first_new.map_or(took, |first| first.min(took)));
            }
            Some(_) => lag.last_old = lag.last_old.max(record.sent.since(done)),
            None => {}
        }
    }
    lag
}

/// The one release that answered, if it was one.
pub fn release(record: &Record) -> Option<&str> {
    const ANY: &[Way] = &[];
    match &record.outcome {
        Outcome::Answered { markers, .. } => match markers.agreement(ANY) {
            Agreement::One(release) => Some(release),
            Agreement::Mixed(..) | Agreement::Incomplete => None,
        },
        Outcome::Unanswered(_) => None,
    }
}

/// The middle one of some durations, in milliseconds.
pub fn median_ms(durations: impl IntoIterator<Item = Duration>) -> Option<f64> {
    let mut sorted: Vec<Duration> = durations.into_iter().collect();
    sorted.sort_unstable();
    sorted
        .get(sorted.len() / 2)
        .map(|middle| middle.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lamp_lab::load::{Markers, Switch};

    fn answered(release: &'static str, sent: u64, received: u64) -> Record {
        let outcome = Outcome::Answered {
            status: 200,
            markers: Markers::of([(Way::Entry, release)]),
        };
        Record {
            target: 0,
            planned: Nanos(sent),
            sent: Nanos(sent),
            received: Nanos(received),
            outcome,
        }
    }

    #[test]
    fn a_switch_lasts_from_the_rename_to_the_first_new_and_the_last_old_answer() {
        let mut switches = Switches::from("1");
        switches.then.push(Switch {
            begun: Nanos(90),
            done: Nanos(100),
            to: "2".into(),
        });
        switches.then.push(Switch {
            begun: Nanos(190),
            done: Nanos(200),
            to: "1".into(),
        });
        let records = [
            answered("1", 99, 140),
            answered("1", 130, 150),
            answered("2", 110, 160),
            answered("2", 120, 125),
            answered("2", 205, 210),
        ];
        let nanos = Duration::from_nanos;
        let expected = [
            Lag {
                first_new: Some(nanos(25)),
                last_old: nanos(30),
            },
            Lag {
                first_new: None,
                last_old: nanos(5),
            },
        ];
        assert_eq!(lags(&records, &switches), expected);
    }
}
