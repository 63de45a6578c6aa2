//! Whether the engine goes round: the log folded to its head, the outbox looked at, the paging held. Pure.

use std::fmt;
use std::time::Duration;

use lamp_model::clock::BootTime;
use lamp_page::Cycle;

use super::follow::View;
use super::paging::Holding;

/// Longest time since either half of a cycle: each takes a second.
pub const CYCLE_MAX: Duration = Duration::from_secs(5);

/// What the engine's parts say of themselves.
#[derive(Debug, Clone)]
pub struct Engine {
    /// The log, folded.
    pub view: View,
    /// The outbox, looked at; `None`: nobody is to be paged.
    pub pager: Option<(Cycle, Holding)>,
}

/// Why the engine does not go round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unwell {
    /// The log is not followed.
    NotFollowed(String),
    /// The agent says nothing.
    Behind(Age),
    /// Nobody looks at the outbox.
    NotLooked(Age),
    /// The pages are not sent from here.
    NotHeld(String),
}

/// How long ago; `None`: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age(pub Option<Duration>);

impl Engine {
    /// Whether a whole cycle is over, and not long ago.
    pub fn judge(&self, now: &BootTime) -> Result<(), Unwell> {
        if let Some(trouble) = &self.view.trouble {
            return Err(Unwell::NotFollowed(trouble.clone()));
        }
        let folded = age(self.view.at_head.as_ref(), now);
        if !folded.is_recent() {
            return Err(Unwell::Behind(folded));
        }
        match &self.pager {
            None => Ok(()),
            Some((cycle, holding)) => judge_pager(cycle, holding, now),
        }
    }

    /// Since the older half of the last cycle; `None`: there was none.
    pub fn since_cycle(&self, now: &BootTime) -> Option<Duration> {
        let folded = age(self.view.at_head.as_ref(), now).0?;
        match &self.pager {
            None => Some(folded),
            Some((cycle, _)) => Some(folded.max(age(cycle.at.as_ref(), now).0?)),
        }
    }
}

fn judge_pager(cycle: &Cycle, holding: &Holding, now: &BootTime) -> Result<(), Unwell> {
    let looked = age(cycle.at.as_ref(), now);
    if !looked.is_recent() {
        return Err(Unwell::NotLooked(looked));
    }
    match holding {
        Holding::Held => Ok(()),
        Holding::NotYet => Err(Unwell::NotHeld("it was not asked for yet".to_owned())),
        Holding::Not(why) => Err(Unwell::NotHeld(why.clone())),
    }
}

fn age(at: Option<&BootTime>, now: &BootTime) -> Age {
    Age(at.and_then(|at| now.since(at)))
}

impl Age {
    fn is_recent(self) -> bool {
        self.0.is_some_and(|age| age <= CYCLE_MAX)
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(age) => write!(f, "for {} s", age.as_secs()),
            None => f.write_str("since the start"),
        }
    }
}

impl fmt::Display for Unwell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFollowed(why) => write!(f, "the log is not followed: {why}"),
            Self::Behind(age) => write!(f, "the log was not folded to its head {age}"),
            Self::NotLooked(age) => write!(f, "the outbox was not looked at {age}"),
            Self::NotHeld(why) => write!(f, "pages are not sent from here: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> BootTime {
        BootTime {
            boot_id: "boot".to_owned(),
            nanos: seconds * 1_000_000_000,
        }
    }

    fn engine(folded: Option<u64>, looked: Option<u64>, holding: Holding) -> Engine {
        let view = View {
            at_head: folded.map(at),
            ..View::default()
        };
        let mut cycle = Cycle::default();
        cycle.at = looked.map(at);
        Engine {
            view,
            pager: Some((cycle, holding)),
        }
    }

    #[track_caller]
    fn check(engine: &Engine, expected: &str) {
        let said = match engine.judge(&at(100)) {
            Ok(()) => "well".to_owned(),
            Err(unwell) => unwell.to_string(),
        };
        assert_eq!(said, expected);
    }

    #[test]
    fn only_a_whole_cycle_counts() {
        let held = Holding::Held;
        check(&engine(Some(98), Some(99), held.clone()), "well");
        check(&engine(Some(95), Some(95), held.clone()), "well");
        check(
            &engine(None, Some(99), held.clone()),
            "the log was not folded to its head since the start",
        );
        check(
            &engine(Some(94), Some(99), held.clone()),
            "the log was not folded to its head for 6 s",
        );
        check(
            &engine(Some(99), Some(80), held.clone()),
            "the outbox was not looked at for 20 s",
        );
        check(
            &engine(Some(99), None, held),
            "the outbox was not looked at since the start",
        );
        let not = Holding::Not("no agent listens".to_owned());
        check(
            &engine(Some(99), Some(99), not),
            "pages are not sent from here: no agent listens",
        );
        let asked = "pages are not sent from here: it was not asked for yet";
        check(&engine(Some(99), Some(99), Holding::NotYet), asked);
        let mut broken = engine(Some(99), Some(99), Holding::Held);
        broken.view.trouble = Some("no agent listens".to_owned());
        check(&broken, "the log is not followed: no agent listens");
        broken.view.trouble = None;
        broken.pager = None;
        check(&broken, "well");
    }

    #[test]
    fn a_cycle_is_as_old_as_its_older_half() {
        let seconds = |engine: &Engine| engine.since_cycle(&at(100)).map(|age| age.as_secs());
        assert_eq!(seconds(&engine(Some(90), Some(99), Holding::Held)), Some(10));
        assert_eq!(seconds(&engine(Some(99), Some(70), Holding::Held)), Some(30));
        assert_eq!(seconds(&engine(Some(99), None, Holding::Held)), None);
    }
}
