//! Asking both releases, one question at a time: the next one waits, and only the latest.

use std::sync::Arc;

use jiff::Timestamp;
use lamp_model::evidence::{ErrorSignature, Verdict};
use lamp_model::name::ReleaseId;
use lamp_watch::message::{Ask, Suspect};
use lamp_watch::question::settle;
use lamp_watch::verdict::{Decision, Nothing};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::door::Door;
use crate::guard::Finding;

/// Why something is asked.
#[derive(Debug)]
pub enum Cause {
    /// Visitors failed, or a probe of ours did.
    Seen,
    /// Requests seem not to end; only if they still do not when it is answered, it counts.
    Hanging,
    /// A probe of a bake failed; it waits for what comes of it.
    Bake(oneshot::Sender<Finding>),
}

/// One question.
#[derive(Debug)]
pub struct Question {
    /// What looks bad.
    pub suspect: Suspect,
    /// The release to hold it against.
    pub before: Option<ReleaseId>,
    /// When it was noticed.
    pub noticed_at: Timestamp,
    /// Why it is asked.
    pub cause: Cause,
}

/// A question with its answer.
#[derive(Debug)]
pub struct Settled {
    /// What looked bad.
    pub suspect: Suspect,
    /// Why it was asked.
    pub cause: Cause,
    /// What follows.
    pub decision: Decision,
}

/// The question under way, and the one that waits.
pub struct Questions {
    door: Arc<Door>,
    under_way: JoinSet<Settled>,
    waiting: Option<Question>,
}

impl Questions {
    /// None yet.
    pub fn new(door: Arc<Door>) -> Self {
        Self {
            door,
            under_way: JoinSet::new(),
            waiting: None,
        }
    }

    /// Asks now, or next.
    pub fn put(&mut self, question: Question) {
        if !self.under_way.is_empty() {
            self.wait(question);
            return;
        }
        let door = Arc::clone(&self.door);
        self.under_way.spawn(async move {
            let Question {
                suspect,
                before,
                noticed_at,
                cause,
            } = question;
            let decision = settle(&*door, &suspect, before.as_ref(), noticed_at).await;
            Settled {
                suspect,
                cause,
                decision,
            }
        });
    }

    /// Whoever waits for an answer is not put off for something that was only seen.
    fn wait(&mut self, question: Question) {
        let is_awaited = |question: &Question| matches!(question.cause, Cause::Bake(_));
        if self.waiting.as_ref().is_some_and(is_awaited) && !is_awaited(&question) {
            return;
        }
        self.waiting = Some(question);
    }

    /// Whether nothing is being asked.
    pub fn is_at_rest(&self) -> bool {
        self.under_way.is_empty()
    }

    /// The next question that is settled; waits for ever while there is none. May be dropped at any time.
    pub async fn settled(&mut self) -> Settled {
        loop {
            match self.under_way.join_next().await {
                Some(Ok(settled)) => {
                    if let Some(next) = self.waiting.take() {
                        self.put(next);
                    }
                    return settled;
                }
                Some(Err(error)) => tracing::error!(%error, "a question did not end well"),
                None => return std::future::pending().await,
            }
        }
    }
}

/// A probe of ours that failed, as something to ask about; `None`: its path is none that may be asked for.
pub fn failed_probe(release: &ReleaseId, path: &str, failed: FailedProbe) -> Option<Suspect> {
    Some(Suspect {
        release: release.clone(),
        route: path.to_owned(),
        status: failed.status,
        error: failed.error,
        first_failed_at: failed.at,
        asks: vec![ask(path)?],
        failed_requests: 0,
        failed_clients: 0,
    })
}

/// Requests that do not end, as something to ask about; `None`: no path among these may be asked for.
pub fn endless(release: &ReleaseId, paths: &[String], at: Timestamp) -> Option<Suspect> {
    let failed = FailedProbe {
        status: None,
        error: None,
        at,
    };
    let asks: Vec<Ask> = paths.iter().filter_map(|path| ask(path)).collect();
    let suspect = failed_probe(release, asks.first()?.path.as_str(), failed)?;
    Some(Suspect { asks, ..suspect })
}

/// What a failed probe saw.
#[derive(Debug, Clone)]
pub struct FailedProbe {
    /// The answer, if there was one.
    pub status: Option<u16>,
    /// What was logged for it.
    pub error: Option<ErrorSignature>,
    /// When.
    pub at: Timestamp,
}

/// A configured probe is a path that has to answer: whoever wrote it down said so. Reading the message checks it.
fn ask(path: &str) -> Option<Ask> {
    let said = serde_json::json!({ "path": path, "was_well": true });
    serde_json::from_value(said).ok()
}

/// What a bake is told.
pub fn finding(decision: &Decision) -> Finding {
    match decision {
        Decision::Verdict(Verdict::Bad { evidence }) => Finding::Bad(evidence.clone()),
        Decision::Verdict(Verdict::Hold { .. }) => Finding::NotTheRelease,
        Decision::Nothing(
            Nothing::ItAnswers | Nothing::NeverAnswered | Nothing::AsBefore | Nothing::NotAsked,
        ) => Finding::ItAnswers,
    }
}
