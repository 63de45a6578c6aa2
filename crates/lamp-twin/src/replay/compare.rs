//! In what the candidate's answers differ from those of the live release, by cause. Pure.
//!
//! What the live release itself does not do twice alike says nothing; what it fails at, the candidate may fail at too.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lamp_model::finding::CodePlace;
use lamp_model::gate::{Cause, CauseKind};

use super::ask::{Answered, Outcome, Reply};
use super::choose::Route;
use super::skeleton::{self, Part, Skeleton};

/// Routes that a cause names.
const ROUTES_MAX: usize = 10;
/// As many times longer than the live release the candidate may take: than its first answer, when nothing was compiled, and
/// than its second. But this long it may take in any case.
const PATIENCE_COLD: u32 = 3;
const PATIENCE_WARM: u32 = 20;
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
enum Difference {
    /// Whole in itself: routes that differ in the same are of one cause.
    Whole {
        kind: CauseKind,
        message: String,
        place: Option<CodePlace>,
    },
    /// A page whose elements differ; pages that differ in some of the same are of one cause.
    Page(BTreeSet<Part>),
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
        let Some((first, second)) = &self.live else {
            return most;
        };
        let warranted = (first.took * PATIENCE_COLD).max(second.took * PATIENCE_WARM);
        warranted.max(PATIENCE_MIN).min(most)
    }

    fn difference(&self) -> Option<Difference> {
        let candidate = self.candidate.as_ref()?;
        new_fatal(candidate, self.live.as_ref()).or_else(|| match &self.live {
            Some((first, second)) => against(first, second, candidate),
            None => alone(candidate),
        })
    }
}

/// The path at which the live release failed first, if it answers none of its routes: then the twin is no likeness of
/// production, and that the candidate fails as well says nothing.
pub(crate) fn live_answers_nowhere(asked: &[Asked]) -> Option<&str> {
    let is_well =
        |reply: &Reply| matches!(&reply.outcome, Outcome::Answered(answered) if answered.status < 500);
    let answers = |asked: &Asked| match &asked.live {
        Some((first, second)) => is_well(first) || is_well(second),
        None => true,
    };
    let first = asked.first()?;
    (!asked.iter().any(answers)).then_some(first.route.path.as_str())
}

/// The causes, those of most routes first among their kind.
pub(crate) fn causes(asked: &[Asked]) -> Vec<Cause> {
    let mut whole: BTreeMap<(CauseKind, String, Option<CodePlace>), Vec<String>> = BTreeMap::new();
    let mut pages = Vec::new();
    for asked in asked {
        let path = asked.route.path.clone();
        match asked.difference() {
            Some(Difference::Whole { kind, message, place }) => {
                whole.entry((kind, message, place)).or_default().push(path);
            }
            Some(Difference::Page(parts)) => pages.push((path, parts)),
            None => {}
        }
    }
    let whole = whole
        .into_iter()
        .map(|((kind, message, place), routes)| cause(kind, message, place, routes));
    let mut causes: Vec<Cause> = whole.chain(of_pages(pages)).collect();
    causes.sort_by(|a, b| a.kind.cmp(&b.kind).then_with(|| b.count.cmp(&a.count)));
    causes
}

fn cause(kind: CauseKind, message: String, place: Option<CodePlace>, routes: Vec<String>) -> Cause {
    Cause {
        kind,
        message,
        place,
        count: routes.len() as u64,
        routes: routes.into_iter().take(ROUTES_MAX).collect(),
    }
}

/// One change of a template shows in many pages, with other small ones beside it: pages are of one cause that share what most
/// of them differ in.
fn of_pages(mut pages: Vec<(String, BTreeSet<Part>)>) -> Vec<Cause> {
    let mut causes = Vec::new();
    while let Some(shared) = most_shared(&pages) {
        let (group, rest): (Vec<_>, Vec<_>) =
            pages.into_iter().partition(|(_, parts)| parts.contains(&shared));
        pages = rest;
        let all = group.iter().map(|(_, parts)| parts.clone());
        let common = all.reduce(|common, parts| &common & &parts).unwrap_or_default();
        let routes = group.into_iter().map(|(path, _)| path).collect();
        causes.push(cause(CauseKind::Skeleton, skeleton::words(&common), None, routes));
    }
    causes
}

/// The part in which most pages differ; the first of several.
fn most_shared(pages: &[(String, BTreeSet<Part>)]) -> Option<Part> {
    let mut counts: BTreeMap<&Part, u32> = BTreeMap::new();
    for part in pages.iter().flat_map(|(_, parts)| parts) {
        *counts.entry(part).or_default() += 1;
    }
    let most = counts
        .iter()
        .max_by(|a, b| a.1.cmp(b.1).then_with(|| b.0.cmp(a.0)));
    most.map(|(part, _)| (*part).clone())
}

/// An error that ends the request and that the live release does not have there.
fn new_fatal(candidate: &Reply, live: Option<&(Reply, Reply)>) -> Option<Difference> {
    let known = |reply: &Reply, message: &str| reply.fatals.iter().any(|fatal| fatal.message == message);
    let is_known =
        |message: &str| live.is_some_and(|(first, second)| known(first, message) || known(second, message));
    let new = candidate.fatals.iter().find(|fatal| !is_known(&fatal.message))?;
    Some(Difference::Whole {
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
    if moved {
        return Some(another_page(format!(
            "leads to {} where the live release leads to {}",
            told(&now.location),
            told(&first.location)
        )));
    }
    if other_kind {
        return Some(another_page(format!(
            "is {} where the live release gives {}",
            now.kind, first.kind
        )));
    }
    let parts = Skeleton::difference(&first.skeleton, &second.skeleton, &now.skeleton);
    (!parts.is_empty()).then_some(Difference::Page(parts))
}

const fn another_page(message: String) -> Difference {
    Difference::Whole {
        kind: CauseKind::Skeleton,
        message,
        place: None,
    }
}

fn hang(after: Duration, live: &str) -> Difference {
    Difference::Whole {
        kind: CauseKind::Hang,
        message: format!("no answer within {:.1} s{live}", after.as_secs_f64()),
        place: None,
    }
}

const fn status(message: String) -> Difference {
    Difference::Whole {
        kind: CauseKind::Status,
        message,
        place: None,
    }
}

#[cfg(test)]
mod tests;
