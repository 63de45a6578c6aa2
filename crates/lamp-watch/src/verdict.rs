//! What the answers of both releases mean. Pure.
//!
//! Bad: the release fails each time that it is asked, and the release before answers well. Both fail: it is not the release, or nobody can
//! tell; a person is paged, if the path is one that used to answer. Neither answers at all, and requests of the release have been computing
//! for long without waiting for anybody: it holds the workers that the asking needs, and is bad. The release answers: it was the request, or it passes; nothing is done.

use jiff::Timestamp;
use lamp_model::evidence::{ErrorKind, ErrorSignature, Evidence, Hanging, Trouble, Verdict};

use crate::hanging;
use crate::message::{Ask, Suspect};

/// How often the release must fail, one after the other, with an answer.
pub const FAILURES_ENOUGH: usize = 3;
/// How often it must fail without one: waiting for an answer is dear.
pub const SILENCES_ENOUGH: usize = 2;

/// What one asking came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The status, or why there was no answer, in words.
    pub answer: Result<u16, String>,
    /// The worst error that was logged for this very request.
    pub error: Option<ErrorSignature>,
}

impl Answered {
    /// Whether it is no answer, a server's error, or stands on a fatal error.
    pub fn is_failure(&self) -> bool {
        self.answer.as_ref().map_or(true, |status| *status >= 500) || self.is_fatal()
    }

    /// Whether it is 2xx or 3xx without a fatal error.
    pub fn is_well(&self) -> bool {
        matches!(self.answer, Ok(200..=399)) && !self.is_fatal()
    }

    fn is_fatal(&self) -> bool {
        self.error
            .as_ref()
            .is_some_and(|error| error.kind == ErrorKind::Fatal)
    }

    /// For people, as in `answered 500`.
    pub fn words(&self) -> String {
        match &self.answer {
            Ok(status) if *status < 500 && self.is_fatal() => {
                format!("answered {status}, and ended in a fatal error")
            }
            Ok(status) => format!("answered {status}"),
            Err(why) => format!("did not answer: {why}"),
        }
    }
}

/// Why nothing is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nothing {
    /// The release answers.
    ItAnswers,
    /// It fails, but the path never answered a visitor well, nor does the release before answer it well.
    NeverAnswered,
    /// It stands on a fatal error as the release before does, and answers like it.
    AsBefore,
    /// Nothing could be asked.
    NotAsked,
}

/// What follows from the answers to one suspicion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// A verdict.
    Verdict(Verdict),
    /// None, and why.
    Nothing(Nothing),
}

/// Whether the release need be asked no more: it answered, or failed often enough.
pub fn is_settled(new: &[Answered]) -> bool {
    let silent = new.iter().filter(|answered| answered.answer.is_err()).count();
    new.iter().any(|answered| !answered.is_failure())
        || silent >= SILENCES_ENOUGH
        || new.len() >= FAILURES_ENOUGH
}

/// All that is known when a question has been answered.
#[derive(Debug)]
pub struct Hearing<'a> {
    /// Why it was asked.
    pub suspect: &'a Suspect,
    /// What was asked.
    pub ask: &'a Ask,
    /// When the suspicion was heard.
    pub noticed_at: Timestamp,
    /// The release's answers, in order; see [`is_settled`].
    pub new: &'a [Answered],
    /// That of the release before; `None`: there is none.
    pub old: Option<&'a Answered>,
    /// Requests of the release that do not end, and such of the release before did; see [`hanging`].
    pub hanging: Option<Hanging>,
}

impl Hearing<'_> {
    /// Whether nobody was answered: with every worker at requests that do not end, asking says nothing of the release before.
    fn is_silent(&self) -> bool {
        let mut answers = self.new.iter().chain(self.old);
        answers.all(|answered| answered.answer.is_err())
    }
}

/// Decides.
pub fn decide(hearing: &Hearing<'_>) -> Decision {
    let Some(last) = hearing.new.last() else {
        return Decision::Nothing(Nothing::NotAsked);
    };
    if !is_settled(hearing.new) || !hearing.new.iter().all(Answered::is_failure) {
        return Decision::Nothing(Nothing::ItAnswers);
    }
    match hearing.old {
        Some(old) if old.is_well() => Decision::Verdict(Verdict::Bad {
            evidence: Box::new(evidence(hearing, last)),
        }),
        Some(old) if matches!((&last.answer, &old.answer), (Ok(new), Ok(old)) if *new < 500 && *old < 500) => {
            Decision::Nothing(Nothing::AsBefore)
        }
        Some(_) if hearing.is_silent() && hearing.hanging.is_some_and(hanging::is_to_blame) => {
            Decision::Verdict(Verdict::Bad {
                evidence: Box::new(evidence(hearing, last)),
            })
        }
        _ if !hearing.ask.was_well => Decision::Nothing(Nothing::NeverAnswered),
        _ => Decision::Verdict(Verdict::Hold {
            trouble: Box::new(Trouble::NotTheRelease {
                evidence: Box::new(evidence(hearing, last)),
            }),
        }),
    }
}

/// The error of our own asking is blamed, in which no visitor has a hand; only where none was logged, that of the visitor.
fn evidence(hearing: &Hearing<'_>, last: &Answered) -> Evidence {
    let asked = hearing
        .new
        .iter()
        .rev()
        .find_map(|answered| answered.error.clone());
    Evidence {
        release: Some(hearing.suspect.release.clone()),
        path: hearing.ask.path.to_string(),
        first_failed_at: (hearing.suspect.failed_requests > 0).then_some(hearing.suspect.first_failed_at),
        noticed_at: hearing.noticed_at,
        answered: last.words(),
        before_answered: hearing.old.map(Answered::words),
        error: asked.or_else(|| hearing.suspect.error.clone()),
        failed_requests: hearing.suspect.failed_requests,
        failed_clients: hearing.suspect.failed_clients,
        hanging: hearing.hanging,
    }
}

#[cfg(test)]
mod tests;
