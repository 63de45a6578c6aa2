//! The gate's effect: the code is looked at, the release is rehearsed, one answer comes of both.
//!
//! Looking and rehearsing stand behind ports: [`Checker`], of which [`worker`] is the real one, and [`Rehearser`], of
//! which [`twin`] is. [`lamp_model::gate::GateResult::of`] decides.
//!
//! Dropping the future of [`Gatekeeper::ask`] ends what was begun.

pub mod requests;
pub mod twin;
pub mod worker;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use lamp_model::finding::CheckReport;
use lamp_model::gate::{GateResult, RehearsalOutcome, Rehearsed, new_errors};
use lamp_model::name::ReleaseId;
use lamp_model::opened::Opened;
use lamp_model::plan::GateScope;
use lamp_model::port::Answer;
use lamp_model::reach::{Inspection, WholeGraph};

/// Most releases whose findings are remembered.
const KNOWN_MAX: usize = 4;

/// Looks at the code of a release of the site.
pub trait Checker: Send + Sync {
    /// What it finds; an error is why it could not look.
    fn check<'a>(&'a self, release: &'a ReleaseId) -> Answer<'a, Inspection, String>;
}

/// Rehearses a release of the site in a twin of production.
pub trait Rehearser: Send + Sync {
    /// What the candidate does differently from what is live; an error is why no twin could be had.
    fn rehearse<'a>(
        &'a self,
        candidate: &'a ReleaseId,
        live: Option<&'a ReleaseId>,
    ) -> Answer<'a, Rehearsed, String>;
}

/// What is put to the gate.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The release.
    pub release: &'a ReleaseId,
    /// What is live, to compare with.
    pub against: Option<&'a ReleaseId>,
    /// What the gate rests on.
    pub scope: GateScope,
}

/// What the gate says of a release.
#[derive(Debug)]
pub struct Answered {
    /// The answer, with all that it rests on.
    pub result: GateResult,
    /// What hangs on each file of the release, completed by what ran in the twin; `None`: its code could not be looked
    /// at.
    pub graph: Option<WholeGraph>,
}

/// Keeps the gate of one site.
pub struct Gatekeeper {
    checker: Arc<dyn Checker>,
    rehearser: Arc<dyn Rehearser>,
    /// The releases that were looked at last. A release never changes, so what was found in it stays found.
    known: Mutex<VecDeque<(ReleaseId, Arc<Inspection>)>>,
}

impl Gatekeeper {
    /// With these two.
    pub fn new(checker: Arc<dyn Checker>, rehearser: Arc<dyn Rehearser>) -> Self {
        Self {
            checker,
            rehearser,
            known: Mutex::default(),
        }
    }

    /// Looks at the release's code, rehearses it, and answers.
    pub async fn ask(&self, candidate: Candidate<'_>) -> Answered {
        let baseline = self.baseline(candidate.against).await;
        let baseline = baseline.as_deref().map(|inspection| &inspection.report);
        let inspection = self.look_at(candidate.release).await;
        let check = inspection.as_ref().map(|inspection| &inspection.report);
        let check = check.map_err(String::as_str);
        let (mut rehearsal, ran) = self.rehearsal(candidate, check, baseline).await;
        let graph = inspection.as_ref().ok().map(|inspection| {
            let mut graph = inspection.graph.clone();
            if let RehearsalOutcome::Done { shown } = &mut rehearsal {
                shown.unfollowed = graph.complete(&inspection.unknown, &ran);
            }
            graph
        });
        Answered {
            result: GateResult::of(check, baseline, rehearsal),
            graph,
        }
    }

    /// Without a baseline every error counts as new: an unknown one must not open the gate.
    async fn baseline(&self, live: Option<&ReleaseId>) -> Option<Arc<Inspection>> {
        let live = live?;
        match self.look_at(live).await {
            Ok(inspection) => Some(inspection),
            Err(why) => {
                tracing::warn!(%live, why, "the live release could not be looked at");
                None
            }
        }
    }

    async fn look_at(&self, release: &ReleaseId) -> Result<Arc<Inspection>, String> {
        if let Some(known) = self.known(release) {
            return Ok(known);
        }
        let inspection = Arc::new(self.checker.check(release).await?);
        self.keep(release, &inspection);
        Ok(inspection)
    }

    /// What the twin showed, and the files that ran in it.
    async fn rehearsal(
        &self,
        candidate: Candidate<'_>,
        check: Result<&CheckReport, &str>,
        baseline: Option<&CheckReport>,
    ) -> (RehearsalOutcome, Vec<Opened>) {
        let is_clean = |report: &CheckReport| new_errors(report, baseline).is_empty();
        let outcome = match candidate.scope {
            GateScope::Off | GateScope::Check => RehearsalOutcome::SwitchedOff,
            GateScope::Full if !check.is_ok_and(is_clean) => RehearsalOutcome::Skipped,
            GateScope::Full => {
                let rehearsed = self.rehearser.rehearse(candidate.release, candidate.against);
                match rehearsed.await {
                    Ok(Rehearsed { shown, ran }) => {
                        let shown = Box::new(shown);
                        return (RehearsalOutcome::Done { shown }, ran);
                    }
                    Err(why) => RehearsalOutcome::Failed { why },
                }
            }
        };
        (outcome, Vec::new())
    }

    fn known(&self, release: &ReleaseId) -> Option<Arc<Inspection>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().find(|(of, _)| of == release);
        found.map(|(_, inspection)| Arc::clone(inspection))
    }

    fn keep(&self, release: &ReleaseId, inspection: &Arc<Inspection>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.truncate(KNOWN_MAX - 1);
        known.push_front((release.clone(), Arc::clone(inspection)));
    }
}

/// No code can be looked at here.
#[derive(Debug, Clone, Copy)]
pub struct NoCheck;

impl Checker for NoCheck {
    fn check<'a>(&'a self, _: &'a ReleaseId) -> Answer<'a, Inspection, String> {
        Box::pin(std::future::ready(Err("no check is at this agent".to_owned())))
    }
}

/// No twin can be made here.
#[derive(Debug, Clone, Copy)]
pub struct NoTwin;

impl Rehearser for NoTwin {
    fn rehearse<'a>(&'a self, _: &'a ReleaseId, _: Option<&'a ReleaseId>) -> Answer<'a, Rehearsed, String> {
        let why = "no twin can be made of this site; `gate = \"check\"` in lamp.toml looks at the code alone";
        Box::pin(std::future::ready(Err(why.to_owned())))
    }
}

#[cfg(test)]
mod tests;
