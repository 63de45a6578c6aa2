//! What releases answered lately, whoever asked: a probe, a sweep and a question may ask for the same within milliseconds, and each
//! answer is worth as much as the others. A server that fails closes the connection, and the next one may have to wait for a worker.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use lamp_model::ReleaseId;

use crate::verdict::Answered;

/// How long an answer is worth remembering.
const LATELY: Duration = Duration::from_secs(5);
/// Most answers that are remembered.
const ANSWERS_MAX: usize = 64;

/// The answers of the last seconds.
#[derive(Debug, Default)]
pub struct Heard(Mutex<VecDeque<Entry>>);

#[derive(Debug)]
struct Entry {
    release: ReleaseId,
    path: String,
    answered: Answered,
    at: Timestamp,
}

impl Heard {
    /// Remembers an answer. Silence is none: it may be for want of a worker.
    pub fn note(&self, (release, path): (&ReleaseId, &str), answered: &Answered, at: Timestamp) {
        if answered.answer.is_err() {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == ANSWERS_MAX {
            all.pop_front();
        }
        all.push_back(Entry {
            release: release.clone(),
            path: path.to_owned(),
            answered: answered.clone(),
            at,
        });
    }

    /// What `release` answered last for `path`, if that was at `since` or later.
    pub fn since(&self, (release, path): (&ReleaseId, &str), since: Timestamp) -> Option<Answered> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_of_it = |entry: &&Entry| entry.release == *release && entry.path == path;
        let last = all.iter().rev().find(is_of_it);
        last.filter(|last| last.at >= since)
            .map(|last| last.answered.clone())
    }

    /// With what `release` failed lately for `path`, in order, since it last answered well.
    pub fn failures(&self, (release, path): (&ReleaseId, &str), now: Timestamp) -> Vec<Answered> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_late = |entry: &&Entry| now.duration_since(entry.at).unsigned_abs() <= LATELY;
        let of_it = all.iter().rev().take_while(is_late);
        let of_it = of_it.filter(|entry| entry.release == *release && entry.path == path);
        let failures = of_it
            .map(|entry| &entry.answered)
            .take_while(|answered| answered.is_failure());
        let mut failures: Vec<_> = failures.cloned().collect();
        failures.reverse();
        failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(answer: Result<u16, &str>) -> Answered {
        let answer = answer.map_err(str::to_owned);
        Answered { answer, error: None }
    }

    /// What was answered, each a second after the one before, in seconds before now.
    #[track_caller]
    fn check(answers: &[(&str, &str, Result<u16, &str>, i64)], expected: &[u16]) {
        let now = Timestamp::UNIX_EPOCH;
        let heard = Heard::default();
        let release = |name| ReleaseId::parse(name).expect("a name");
        for (name, path, answer, seconds_ago) in answers {
            let at = now - jiff::SignedDuration::from_secs(*seconds_ago);
            heard.note((&release(name), path), &answered(*answer), at);
        }
        let failures = heard.failures((&release("new"), "/"), now);
        assert_eq!(failures.len(), expected.len(), "{failures:?}");
        let statuses: Vec<u16> = failures.into_iter().flat_map(|one| one.answer).collect();
        assert_eq!(statuses, expected);
    }

    #[test]
    fn failures_in_a_row_count_whoever_asked() {
        check(&[], &[]);
        check(&[("new", "/", Ok(500), 2), ("new", "/", Ok(503), 1)], &[500, 503]);
        check(&[("new", "/", Ok(500), 2), ("new", "/", Ok(200), 1)], &[]);
        check(&[("new", "/", Ok(200), 2), ("new", "/", Ok(500), 1)], &[500]);
        check(&[("old", "/", Ok(500), 1), ("new", "/shop", Ok(500), 1)], &[]);
        check(&[("new", "/", Ok(500), 2), ("old", "/", Ok(200), 1)], &[500]);
        check(&[("new", "/", Ok(500), 60)], &[]);
    }

    #[test]
    fn whoever_waits_takes_what_others_were_answered() {
        let (heard, release) = (Heard::default(), ReleaseId::parse("old").expect("a name"));
        let at = Timestamp::UNIX_EPOCH;
        let second = jiff::SignedDuration::from_secs(1);
        heard.note((&release, "/"), &answered(Ok(200)), at);
        assert_eq!(heard.since((&release, "/"), at), Some(answered(Ok(200))));
        assert_eq!(heard.since((&release, "/"), at + second), None);
        assert_eq!(heard.since((&release, "/shop"), at), None);
    }

    #[test]
    fn silence_is_no_answer() {
        check(&[("new", "/", Err("nothing came"), 1)], &[]);
    }

    #[test]
    fn not_more_is_remembered_than_is_needed() {
        let many: Vec<_> = (0..1000).map(|_| ("old", "/", Ok(200), 0)).collect();
        check(&[&[("new", "/", Ok(500), 0)], &many[..]].concat(), &[]);
        check(&[&many[..], &[("new", "/", Ok(500), 0)]].concat(), &[500]);
    }
}
