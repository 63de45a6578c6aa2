//! In what the candidate's answers differ from those of the live release, by cause. Pure.
//!
//! What the live release itself does not do twice alike says nothing; what it fails at, the candidate may fail at too.

use std::collections::BTreeMap;
use std::time::Duration;

use lamp_model::finding::CodePlace;
use lamp_model::gate::{Cause, CauseKind};

use super::ask::{Answered, Outcome, Reply};
use super::choose::Route;
use super::skeleton::Skeleton;

/// Routes that a cause names.
const ROUTES_MAX: usize = 10;
/// Longer than the live release took, as many times, the candidate need not take; but this long it may.
const PATIENCE: u32 = 20;
const PATIENCE_MIN: Duration = Duration::from_secs(2);

/// One route and its three answers.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) route: Route,
    /// The live release's two; `None`: there is no live release.
    pub(crate) live: Option<(Reply, Reply)>,
    /// The candidate's, if it was asked.
    pub(crate) candidate: Option<Reply>,
}

/// One way in which one route differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Difference {
    kind: CauseKind,
    message: String,
    place: Option<CodePlace>,
}

impl Asked {
    /// A route that the live release has answered twice.
    pub(crate) const fn of_live(route: Route, first: Reply, second: Reply) -> Self {
        Self {
            route,
            live: Some((first, second)),
            candidate: None,
        }
    }

    /// A route of a site that no release has answered yet.
    pub(crate) const fn of_nobody(route: Route) -> Self {
        Self {
            route,
            live: None,
            candidate: None,
        }
    }

    /// How long the candidate's answer is waited for, at most `most`.
    pub(crate) fn patience(&self, most: Duration) -> Duration {
        let slowest = self
            .live
            .as_ref()
            .map(|(first, second)| first.took.max(second.took));
        slowest.map_or(most, |took| (took * PATIENCE).max(PATIENCE_MIN).min(most))
    }

    fn difference(&self) -> Option<Difference> {
        let candidate = self.candidate.as_ref()?;
        new_fatal(candidate, self.live.as_ref()).or_else(|| match &self.live {
            Some((first, second)) => against(first, second, candidate),
            None => alone(candidate),
        })
    }
}

/// The causes, those of most routes first among their kind.
pub(crate) fn causes(asked: &[Asked]) -> Vec<Cause> {
    let mut by_cause: BTreeMap<Difference, Vec<String>> = BTreeMap::new();
    for asked in asked {
        if let Some(difference) = asked.difference() {
            by_cause
                .entry(difference)
                .or_default()
                .push(asked.route.path.clone());
        }
    }
    let mut causes: Vec<Cause> = by_cause.into_iter().map(cause).collect();
    causes.sort_by(|a, b| a.kind.cmp(&b.kind).then_with(|| b.count.cmp(&a.count)));
    causes
}

fn cause((difference, routes): (Difference, Vec<String>)) -> Cause {
    Cause {
        kind: difference.kind,
        message: difference.message,
        place: difference.place,
        count: routes.len() as u64,
        routes: routes.into_iter().take(ROUTES_MAX).collect(),
    }
}

/// An error that ends the request and that the live release does not have there.
fn new_fatal(candidate: &Reply, live: Option<&(Reply, Reply)>) -> Option<Difference> {
    let known = |reply: &Reply, message: &str| reply.fatals.iter().any(|fatal| fatal.message == message);
    let is_known =
        |message: &str| live.is_some_and(|(first, second)| known(first, message) || known(second, message));
    let new = candidate.fatals.iter().find(|fatal| !is_known(&fatal.message))?;
    Some(Difference {
        kind: CauseKind::Fatal,
        message: new.message.clone(),
        place: new.place.clone(),
    })
}

/// Nothing to hold it against: only what is wrong by itself counts.
fn alone(candidate: &Reply) -> Option<Difference> {
    match &candidate.outcome {
        Outcome::Hang { after } => Some(hang(*after, "")),
        Outcome::Broken { why } => Some(status(format!("gives no answer: {why}"))),
        Outcome::Answered(answered) if answered.status >= 500 => {
            Some(status(format!("answers {}", answered.status)))
        }
        Outcome::Answered(_) => None,
    }
}

fn against(first: &Reply, second: &Reply, candidate: &Reply) -> Option<Difference> {
    let (Outcome::Answered(first), Outcome::Answered(second)) = (&first.outcome, &second.outcome) else {
        return None;
    };
    let live = format!(" where the live release answers {}", second.status);
    if first.status >= 500 || second.status >= 500 {
        return None;
    }
    match &candidate.outcome {
        Outcome::Hang { after } => Some(hang(*after, &live)),
        Outcome::Broken { why } => Some(status(format!("gives no answer{live}: {why}"))),
        Outcome::Answered(now) if is_worse(first, second, now) => {
            Some(status(format!("answers {}{live}", now.status)))
        }
        Outcome::Answered(now) => page(first, second, now),
    }
}

/// Another class of status, and neither an improvement nor what the live release does itself now and then.
fn is_worse(first: &Answered, second: &Answered, now: &Answered) -> bool {
    let class = |answered: &Answered| answered.status / 100;
    let improved = class(second) >= 4 && class(now) < class(second);
    class(first) != class(now) && class(second) != class(now) && !improved
}

fn page(first: &Answered, second: &Answered, now: &Answered) -> Option<Difference> {
    if first.status != second.status || now.status / 100 != first.status / 100 {
        return None;
    }
    let moved = first.location == second.location && first.location != now.location;
    let told = |location: &Option<String>| location.clone().unwrap_or_else(|| "nowhere".to_owned());
    let other_kind = first.kind == second.kind && first.kind != now.kind;
    let message = if moved {
        Some(format!(
            "leads to {} where the live release leads to {}",
            told(&now.location),
            told(&first.location)
        ))
    } else if other_kind {
        Some(format!(
            "is {} where the live release gives {}",
            now.kind, first.kind
        ))
    } else {
        Skeleton::difference(&first.skeleton, &second.skeleton, &now.skeleton)
    };
    message.map(|message| Difference {
        kind: CauseKind::Skeleton,
        message,
        place: None,
    })
}

fn hang(after: Duration, live: &str) -> Difference {
    Difference {
        kind: CauseKind::Hang,
        message: format!("no answer within {:.1} s{live}", after.as_secs_f64()),
        place: None,
    }
}

const fn status(message: String) -> Difference {
    Difference {
        kind: CauseKind::Status,
        message,
        place: None,
    }
}

#[cfg(test)]
mod tests;
