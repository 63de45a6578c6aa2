//! Who was met by a bad release: counted from the visitors' records, whatever any log says. Pure but for the clock
//! that it is given.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use lamp_lab::load::judge::fault;
use lamp_lab::load::{Fault, Nanos, Record, Switches, Target};
use lamp_model::clock::Clock;

/// The requests of a run that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// When visitors got each failed answer, in order.
    pub failed_at: Vec<Nanos>,
    /// What they met, in words, and how many of them.
    pub reasons: BTreeMap<String, u64>,
}

impl Met {
    /// Those of these records.
    pub fn of(targets: &[Target], records: &[Record], switches: &Switches) -> Self {
        let mut met = Self {
            failed_at: Vec::new(),
            reasons: BTreeMap::new(),
        };
        for record in records {
            let target = targets.get(record.target);
            let fault = target.and_then(|target| fault(target, record, switches));
            if let Some(Fault::Failed(why)) = fault {
                met.failed_at.push(record.received);
                *met.reasons.entry(why).or_default() += 1;
            }
        }
        met.failed_at.sort_unstable();
        met
    }

    /// The first of them by the wall clock, which is read now and taken back by the time that has passed since.
    pub fn first_by_wall(&self, clock: &impl Clock) -> Option<Timestamp> {
        let first = self.failed_at.first()?;
        let (wall, since_boot) = (clock.now(), Nanos(clock.boot_time().nanos));
        let passed = SignedDuration::try_from(since_boot.since(*first)).ok()?;
        wall.checked_sub(passed).ok()
    }
}

/// Of all that visitors ask for, the share that goes to the targets that `is_meant` picks, 0 to 1.
pub(super) fn share(targets: &[Target], is_meant: impl Fn(&Target) -> bool) -> f64 {
    let weight = |targets: &mut dyn Iterator<Item = &Target>| -> f64 {
        targets.map(|target| f64::from(target.weight)).sum()
    };
    let all = weight(&mut targets.iter());
    let meant = weight(&mut targets.iter().filter(|target| is_meant(target)));
    if all > 0.0 { meant / all } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lamp_lab::load::{Markers, Outcome};
    use lamp_model::clock::BootTime;

    struct Fixed;

    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            "2026-11-22T06:40:10Z".parse().expect("a time")
        }

        fn boot_time(&self) -> BootTime {
            BootTime {
                boot_id: String::new(),
                nanos: 60_000_000_000,
            }
        }
    }

    fn answered(target: usize, status: u16, received_ms: u64) -> Record {
        let received = Nanos(received_ms * 1_000_000);
        Record {
            target,
            planned: received,
            sent: received,
            received,
            outcome: Outcome::Answered {
                status,
                markers: Markers::default(),
            },
        }
    }

    fn targets() -> [Target; 3] {
        [("/", 6), ("/small.php", 60), ("/static.txt", 34)]
            .map(|(path, weight)| Target::new(path, weight, &[]))
    }

    fn met(records: &[Record]) -> Met {
        Met::of(&targets(), records, &Switches::from("r0"))
    }

    #[test]
    fn the_failed_ones_are_told_in_the_order_in_which_visitors_got_them() {
        let met = met(&[
            answered(0, 500, 50_250),
            answered(1, 200, 50_100),
            answered(0, 500, 50_000),
        ]);
        assert_eq!(met.failed_at, [50_000, 50_250].map(|ms| Nanos(ms * 1_000_000)));
        assert_eq!(met.reasons, [("status 500 instead of 200".to_owned(), 2)].into());
        let first = met.first_by_wall(&Fixed).map(|at| at.to_string());
        assert_eq!(first.as_deref(), Some("2026-11-22T06:40:00Z"));
    }

    #[test]
    fn who_was_not_met_has_no_first_moment() {
        let met = met(&[answered(0, 200, 50_000)]);
        assert_eq!(met.failed_at, []);
        assert_eq!(met.first_by_wall(&Fixed), None);
    }

    #[test]
    fn a_share_is_one_of_weights() {
        let of = |path: &'static str| share(&targets(), |target| target.path == path);
        assert!(
            (of("/") - 0.06).abs() < 1e-9 && of("/absent") == 0.0,
            "{}",
            of("/")
        );
        assert!(share(&[], |_| true) == 0.0);
    }
}
