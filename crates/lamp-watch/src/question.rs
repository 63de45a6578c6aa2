//! Asking both releases, at the same time: what the verdict costs is one answer of the slower one.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;
use lamp_model::ReleaseId;
use lamp_model::evidence::Hanging;

use crate::message::{Ask, Suspect};
use crate::verdict::{self, Answered, Decision, Hearing, Nothing};

/// How long one answer is waited for.
pub const ASK_TIMEOUT: Duration = Duration::from_secs(3);

/// An answer on its way.
pub type Asking<'a> = Pin<Box<dyn Future<Output = Answered> + Send + 'a>>;

/// The secret way to ask one request of a chosen release. What answers, gives in [`Answered::error`] what the log then has for the very
/// request ([`crate::sightings::Sightings`]).
pub trait SideDoor: Send + Sync {
    /// A GET of `path`, answered by `release`. No answer is an [`Answered`] too.
    fn ask<'a>(&'a self, release: &'a ReleaseId, path: &'a str) -> Asking<'a>;

    /// The same, on the connection that is kept for the release before: with every worker held by visitors a new connection waits, and
    /// whoever was not answered on one must not look worse for it than the release before, which has its own.
    fn ask_on_reserve<'a>(&'a self, release: &'a ReleaseId, path: &'a str) -> Asking<'a>;

    /// With what `release` failed lately for `path`, since it last answered well, whoever asked: see [`crate::heard::Heard`].
    fn failures(&self, release: &ReleaseId, path: &str) -> Vec<Answered>;

    /// Requests of `release` that do not end, if there were none such of `before`.
    fn hanging(&self, release: &ReleaseId, before: Option<&ReleaseId>) -> Option<Hanging>;
}

/// Asks for what a suspicion proposes, one path after the other, until one brings a verdict.
pub async fn settle(
    door: &dyn SideDoor,
    suspect: &Suspect,
    before: Option<&ReleaseId>,
    noticed_at: Timestamp,
) -> Decision {
    let mut last = Decision::Nothing(Nothing::NotAsked);
    for ask in &suspect.asks {
        let (new, old) = tokio::join!(
            until_settled(door, &suspect.release, ask),
            old_answer(door, before, ask)
        );
        last = verdict::decide(&Hearing {
            suspect,
            ask,
            noticed_at,
            new: &new,
            old: old.as_ref(),
            hanging: door.hanging(&suspect.release, before),
        });
        if matches!(last, Decision::Verdict(_)) {
            break;
        }
    }
    last
}

/// A release is asked at least once, and then until it has failed often enough, by this asking or by others beside it.
async fn until_settled(door: &dyn SideDoor, release: &ReleaseId, ask: &Ask) -> Vec<Answered> {
    let path = ask.path.as_str();
    let mut answers: Vec<Answered> = Vec::new();
    loop {
        let asking = match answers.last() {
            Some(Answered { answer: Err(_), .. }) => door.ask_on_reserve(release, path),
            Some(_) | None => door.ask(release, path),
        };
        answers.push(in_time(asking).await);
        if verdict::is_settled(&answers) {
            return answers;
        }
        let by_all = door.failures(release, path);
        if verdict::is_settled(&by_all) {
            return by_all;
        }
    }
}

/// Silence is asked about once more: a busy machine must not make a bad release look like nobody's fault.
async fn old_answer(door: &dyn SideDoor, before: Option<&ReleaseId>, ask: &Ask) -> Option<Answered> {
    let before = before?;
    let answered = in_time(door.ask(before, ask.path.as_str())).await;
    if answered.answer.is_ok() {
        return Some(answered);
    }
    Some(in_time(door.ask(before, ask.path.as_str())).await)
}

async fn in_time(asking: Asking<'_>) -> Answered {
    let late = || Answered {
        answer: Err(format!("nothing came within {} s", ASK_TIMEOUT.as_secs())),
        error: None,
    };
    match tokio::time::timeout(ASK_TIMEOUT, asking).await {
        Ok(answered) => answered,
        Err(_) => late(),
    }
}

#[cfg(test)]
mod tests;
