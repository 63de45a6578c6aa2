//! What follows from the log: every site, its releases, its deployments.
//!
//! State is a fold: [`World::apply`] is the only way it changes, on the first run and on every replay.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::{Actor, Event, Outcome};
use crate::evidence::{Subject, Urgency, Verdict};
use crate::gate::GateResult;
use crate::incident::{Incident, IncidentId, PageId, PageIntent};
use crate::name::{DeploymentId, ReleaseId, SiteName};
use crate::origin::Origin;
use crate::plan::{PlanKind, StepName};
use crate::tree::Hash;

/// Everything that the log says, as of its last applied record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct World {
    /// Every site that was ever deployed to.
    pub sites: BTreeMap<SiteName, Site>,
    /// Every incident.
    pub incidents: BTreeMap<IncidentId, Incident>,
    /// Pages that nobody has taken yet.
    pub outbox: BTreeMap<PageId, PendingPage>,
    /// How many pages there were.
    pub pages: u64,
}

/// A page that nobody has taken yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingPage {
    /// When it was written down.
    pub since: Timestamp,
    /// What it says.
    pub intent: PageIntent,
}

/// A verdict, and what it is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// When.
    pub at: Timestamp,
    /// The deployment that was watched; `None`: none was under way.
    pub deployment: Option<DeploymentId>,
    /// The verdict.
    pub verdict: Verdict,
}

impl Judged {
    /// How soon a person must see to it.
    pub fn urgency(&self) -> Urgency {
        match &self.verdict {
            Verdict::Hold { trouble } => trouble.urgency(),
            Verdict::Bad { .. } => Urgency::Now,
        }
    }

    /// What it is about, if not about what answers.
    pub fn subject(&self) -> Option<Subject> {
        match &self.verdict {
            Verdict::Hold { trouble } => trouble.subject(),
            Verdict::Bad { .. } => None,
        }
    }
}

/// A switch of which nobody outside was told yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// The deployment.
    pub deployment: DeploymentId,
    /// What answered before.
    pub from: Option<ReleaseId>,
    /// What answers since.
    pub to: Option<ReleaseId>,
}

/// Most troubles with what surrounds a site that stand at once; of more, the later ones are not taken in.
pub const STANDING_MAX: usize = 32;
/// Most changes that wait to be told; of more, the oldest are forgotten.
pub const UNTOLD_CHANGES_MAX: usize = 16;

/// One site.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// What answers requests, and since when.
    pub live: Option<LiveSince>,
    /// What is in the store.
    pub releases: BTreeMap<ReleaseId, Release>,
    /// The releases to go back to, by their last proof, the latest last: those proven good, but for what someone rolled back
    /// from. An order of its own, since `proven_at` runs backwards when the host's clock is set back.
    pub proven: Vec<ReleaseId>,
    /// The deployment under way.
    pub active: Option<Deployment>,
    /// The last one that ended.
    pub last: Option<Ended>,
    /// How many there were.
    pub deployments: u64,
    /// The verdict that stands: nobody has seen the site well since.
    pub judged: Option<Judged>,
    /// Troubles with what surrounds the site that stand, one per subject; at most [`STANDING_MAX`].
    pub standing: Vec<Judged>,
    /// The number of the last deployment whose end an incident was opened for, or fell into one: it gives rise to
    /// no other.
    pub followed_up: u64,
    /// Switches of which nobody outside was told yet, the oldest first; at most [`UNTOLD_CHANGES_MAX`].
    pub untold_changes: Vec<Change>,
}

/// What answers requests, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveSince {
    /// The release.
    pub release: ReleaseId,
    /// When it was switched to.
    pub since: Timestamp,
}

/// A release in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// When it counted as stored.
    pub stored_at: Timestamp,
    /// The hash of its manifest.
    pub tree: Hash,
    /// Its regular files.
    pub files: u64,
    /// Their bytes together.
    pub size_bytes: u64,
    /// The bytes that were new when it was stored.
    pub new_bytes: u64,
    /// Where it came from, in words.
    pub source: String,
    /// The repository and commit, if it came from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Box<Origin>>,
    /// When it was last proven good.
    pub proven_at: Option<Timestamp>,
    /// What the gate said of it last.
    pub gate: Option<Box<Gated>>,
}

/// What the gate said of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gated {
    /// When.
    pub at: Timestamp,
    /// What.
    pub result: GateResult,
    /// Why it went all the same, if it was shut.
    pub overridden: Option<String>,
}

/// A deployment under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Its id.
    pub id: DeploymentId,
    /// Forwards or back.
    pub kind: PlanKind,
    /// What was live when it was planned.
    pub from: Option<ReleaseId>,
    /// What it brings.
    pub to: ReleaseId,
    /// Who asked for it.
    pub by: Actor,
    /// When it was planned.
    pub planned_at: Timestamp,
    /// Its steps.
    pub steps: Vec<StepName>,
    /// How far it is.
    pub phase: Phase,
}

/// How far a deployment is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Accepted.
    Planned,
    /// In the step at this index; production is as it was.
    Preparing {
        /// Its index.
        index: u32,
    },
    /// The way back is ready; production is as it was, or just about to change.
    Armed {
        /// The step that is under way.
        index: u32,
    },
    /// The new release answers, unconfirmed.
    Switched {
        /// The step that is under way.
        index: u32,
    },
}

/// A deployment that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The deployment as it was.
    pub deployment: Deployment,
    /// When it ended.
    pub at: Timestamp,
    /// How.
    pub outcome: Outcome,
}

/// An event that cannot follow what the log says before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{event} cannot follow: {why}")]
pub struct IllegalTransition {
    /// The event's kind.
    pub event: &'static str,
    /// What stands against it.
    pub why: String,
}

mod incidents;

impl World {
    /// The world after `event`, which happened at `at`.
    pub fn apply(mut self, at: Timestamp, event: &Event) -> Result<Self, IllegalTransition> {
        match event {
            Event::LogOpened { .. } | Event::AgentStarted { .. } | Event::WorkersEnded { .. } => {}
            Event::Planned { deployment, .. } => {
                if let Some(planned) = planned(at, event) {
                    self.site_mut(deployment.site()).plan(planned)?;
                }
            }
            Event::StepStarted {
                deployment, index, ..
            } => self.advance(deployment, "step-started", |phase| phase.in_step(*index))?,
            Event::StepDone { deployment, .. } => self.advance(deployment, "step-done", Ok)?,
            Event::Armed { deployment, .. } => self.advance(deployment, "armed", Phase::armed)?,
            Event::Switched { deployment, to, .. } => self.switched(at, deployment, to.as_ref())?,
            Event::Ended { deployment, outcome } => self.end(at, deployment, outcome)?,
            Event::Stored { site, release, .. } => {
                if let Some(stored) = stored(at, event) {
                    let releases = &mut self.site_mut(site).releases;
                    releases.entry(release.clone()).or_insert(stored);
                }
            }
            Event::Proven { site, release } => self.prove(at, site, release)?,
            Event::Pruned { site, release } => self.prune(site, release)?,
            Event::Gated {
                deployment,
                release,
                result,
                overridden,
            } => {
                let gated = Gated {
                    at,
                    result: (**result).clone(),
                    overridden: overridden.clone(),
                };
                self.release_mut("gated", deployment.site(), release)?.gate = Some(Box::new(gated));
            }
            Event::Judged {
                site,
                deployment,
                verdict,
            } => {
                let judged = Judged {
                    at,
                    deployment: deployment.clone(),
                    verdict: (**verdict).clone(),
                };
                self.judge(site, judged);
            }
            Event::Recovered { site, impact } => self.recover(site, impact),
            Event::Relieved { site, subject } => self.site_mut(site).relieve(subject),
            Event::IncidentOpened { .. }
            | Event::IncidentMitigated { .. }
            | Event::IncidentResolved { .. }
            | Event::Noted { .. }
            | Event::Acknowledged { .. }
            | Event::PageIntended { .. }
            | Event::PageSettled { .. } => self.follow_incident(at, event)?,
        }
        Ok(self)
    }

    /// What the log says of `site`, if anything.
    pub fn site(&self, site: &SiteName) -> Option<&Site> {
        self.sites.get(site)
    }

    fn site_mut(&mut self, site: &SiteName) -> &mut Site {
        self.sites.entry(site.clone()).or_default()
    }

    fn release_mut(
        &mut self,
        event: &'static str,
        site: &SiteName,
        release: &ReleaseId,
    ) -> Result<&mut Release, IllegalTransition> {
        let found = self
            .sites
            .get_mut(site)
            .and_then(|site| site.releases.get_mut(release));
        found.ok_or_else(|| IllegalTransition {
            event,
            why: format!("{site} has no release {release}"),
        })
    }

    fn active_mut(
        &mut self,
        event: &'static str,
        id: &DeploymentId,
    ) -> Result<&mut Deployment, IllegalTransition> {
        let active = self
            .sites
            .get_mut(id.site())
            .and_then(|site| site.active.as_mut());
        active
            .filter(|active| active.id == *id)
            .ok_or_else(|| IllegalTransition {
                event,
                why: format!("{id} is not under way"),
            })
    }

    fn advance(
        &mut self,
        id: &DeploymentId,
        event: &'static str,
        step: impl FnOnce(Phase) -> Result<Phase, &'static str>,
    ) -> Result<(), IllegalTransition> {
        let active = self.active_mut(event, id)?;
        active.phase = step(active.phase.clone()).map_err(|why| IllegalTransition {
            event,
            why: format!("{id} {why}"),
        })?;
        Ok(())
    }

    fn switched(
        &mut self,
        at: Timestamp,
        id: &DeploymentId,
        to: Option<&ReleaseId>,
    ) -> Result<(), IllegalTransition> {
        self.advance(id, "switched", Phase::switched)?;
        let live = to.map(|release| LiveSince {
            release: release.clone(),
            since: at,
        });
        let site = self.site_mut(id.site());
        let from = std::mem::replace(&mut site.live, live).map(|live| live.release);
        site.pass_over_what_was_left(to);
        site.tell_later(Change {
            at,
            deployment: id.clone(),
            from,
            to: to.cloned(),
        });
        Ok(())
    }

    fn prove(
        &mut self,
        at: Timestamp,
        site: &SiteName,
        release: &ReleaseId,
    ) -> Result<(), IllegalTransition> {
        self.release_mut("proven", site, release)?.proven_at = Some(at);
        let proven = &mut self.site_mut(site).proven;
        proven.retain(|other| other != release);
        proven.push(release.clone());
        Ok(())
    }

    fn end(&mut self, at: Timestamp, id: &DeploymentId, outcome: &Outcome) -> Result<(), IllegalTransition> {
        let deployment = self.active_mut("ended", id)?.clone();
        let site = self.site_mut(id.site());
        site.active = None;
        site.last = Some(Ended {
            deployment,
            at,
            outcome: outcome.clone(),
        });
        Ok(())
    }

    fn prune(&mut self, site: &SiteName, release: &ReleaseId) -> Result<(), IllegalTransition> {
        self.release_mut("pruned", site, release)?;
        let site = self.site_mut(site);
        if site.live.as_ref().is_some_and(|live| live.release == *release) {
            return Err(IllegalTransition {
                event: "pruned",
                why: format!("{release} is live"),
            });
        }
        site.releases.remove(release);
        site.proven.retain(|other| other != release);
        Ok(())
    }
}

/// A release as it is stored; of any other event, nothing.
fn stored(at: Timestamp, event: &Event) -> Option<Release> {
    let Event::Stored {
        tree,
        files,
        size_bytes,
        new_bytes,
        source,
        origin,
        ..
    } = event
    else {
        return None;
    };
    Some(Release {
        stored_at: at,
        tree: *tree,
        files: *files,
        size_bytes: *size_bytes,
        new_bytes: *new_bytes,
        source: source.clone(),
        origin: origin.clone(),
        proven_at: None,
        gate: None,
    })
}

/// A deployment as it is planned; of any other event, nothing.
fn planned(at: Timestamp, event: &Event) -> Option<Deployment> {
    let Event::Planned {
        deployment,
        kind,
        from,
        to,
        steps,
        by,
    } = event
    else {
        return None;
    };
    Some(Deployment {
        id: deployment.clone(),
        kind: *kind,
        from: from.clone(),
        to: to.clone(),
        by: by.clone(),
        planned_at: at,
        steps: steps.clone(),
        phase: Phase::Planned,
    })
}

impl Site {
    fn plan(&mut self, planned: Deployment) -> Result<(), IllegalTransition> {
        let refuse = |why| {
            Err(IllegalTransition {
                event: "planned",
                why,
            })
        };
        if let Some(active) = &self.active {
            return refuse(format!("{} is under way", active.id));
        }
        if planned.id.number() != self.deployments + 1 {
            return refuse(format!("the next deployment is number {}", self.deployments + 1));
        }
        self.deployments += 1;
        self.active = Some(planned);
        Ok(())
    }

    /// Someone rolled back from a release: it is gone back to only by its name, until it is proven anew. That it was proven
    /// stays true, and keeps it in the store.
    fn pass_over_what_was_left(&mut self, to: Option<&ReleaseId>) {
        let rolled_back_from = self
            .active
            .as_ref()
            .filter(|active| active.kind == PlanKind::Rollback)
            .and_then(|active| active.from.clone());
        let Some(left) = rolled_back_from.filter(|left| Some(left) != to) else {
            return;
        };
        self.proven.retain(|other| *other != left);
    }

    fn tell_later(&mut self, change: Change) {
        if self.untold_changes.len() >= UNTOLD_CHANGES_MAX {
            self.untold_changes.remove(0);
        }
        self.untold_changes.push(change);
    }

    /// Whether a verdict is on what answers now; one on a release that has gone says nothing of it.
    pub fn is_met_by(&self, verdict: &Verdict) -> bool {
        match verdict {
            Verdict::Hold { .. } => true,
            Verdict::Bad { evidence } => {
                let live = self.live.as_ref().map(|live| &live.release);
                evidence.release.is_none() || evidence.release.as_ref() == live
            }
        }
    }

    /// The trouble that stands with this.
    pub fn standing_on(&self, subject: &Subject) -> Option<&Judged> {
        let is_on = |judged: &&Judged| judged.subject().as_ref() == Some(subject);
        self.standing.iter().find(is_on)
    }

    fn stand(&mut self, subject: &Subject, judged: Judged) {
        let is_on = |known: &&mut Judged| known.subject().as_ref() == Some(subject);
        if let Some(known) = self.standing.iter_mut().find(is_on) {
            *known = judged;
        } else if self.standing.len() < STANDING_MAX {
            self.standing.push(judged);
        }
    }

    fn relieve(&mut self, subject: &Subject) {
        self.standing
            .retain(|judged| judged.subject().as_ref() != Some(subject));
    }

    /// The release to go back to: the last one proven good that is not live.
    pub fn rollback_target(&self) -> Option<&ReleaseId> {
        let live = self.live.as_ref().map(|live| &live.release);
        self.proven.iter().rev().find(|release| Some(*release) != live)
    }
}

impl Phase {
    /// Whether requests may be answered by the unconfirmed release.
    pub const fn is_switched(&self) -> bool {
        matches!(self, Self::Switched { .. })
    }

    /// The step under way, by its index in the plan.
    pub const fn step_index(&self) -> Option<u32> {
        match self {
            Self::Planned => None,
            Self::Preparing { index } | Self::Armed { index } | Self::Switched { index } => Some(*index),
        }
    }

    fn in_step(self, index: u32) -> Result<Self, &'static str> {
        if self.step_index().is_some_and(|at| at > index) {
            return Err("never goes a step back");
        }
        Ok(match self {
            Self::Planned | Self::Preparing { .. } => Self::Preparing { index },
            Self::Armed { .. } => Self::Armed { index },
            Self::Switched { .. } => Self::Switched { index },
        })
    }

    const fn armed(self) -> Result<Self, &'static str> {
        match self {
            Self::Preparing { index } | Self::Armed { index } => Ok(Self::Armed { index }),
            Self::Planned => Err("has not begun"),
            Self::Switched { .. } => Err("is switched already"),
        }
    }

    /// Switching is legal only with the way back armed; going back is a switch too.
    const fn switched(self) -> Result<Self, &'static str> {
        match self {
            Self::Armed { index } | Self::Switched { index } => Ok(Self::Switched { index }),
            Self::Planned | Self::Preparing { .. } => Err("is not armed"),
        }
    }
}

#[cfg(test)]
mod tests;
