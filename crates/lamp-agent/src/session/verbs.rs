//! The answer to each verb but `watch`.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use lamp_fleet::protocol::message::{Difference, Kept, Link, SiteReport};
use lamp_fleet::protocol::{Aim, Refusal, Reply, Request};
use lamp_model::event::Actor;
use lamp_model::name::{DeploymentId, ReleaseId, SiteName};
use lamp_model::plan::{Plan, PlanKind};
use lamp_model::port::Live;
use lamp_model::state::Site;

use super::Session;
use super::incidents::{Note, Taken};
use crate::agent::Event;
use crate::desk::{Condition, Desk};
use crate::hands::{Delivery, HandsError, Retention, Wish};
use crate::job::{Job, Order, not_leased};
use crate::ledger::site_lease;
use crate::offer::{Offer, not_understood};
use crate::retain::try_retain;

pub(super) type Answered = Result<Reply, Refusal>;

pub(super) async fn answer(
    session: &mut Session,
    by: &Actor,
    request: Request,
    files: Vec<OwnedFd>,
) -> Answered {
    match request {
        Request::Hello { .. } => Ok(super::hello(&session.shared)),
        Request::Watch { .. } => Err(not_understood("a watch within a watch".into())),
        Request::Status { site } => session.status(site.as_ref()).await,
        Request::Offer {
            site,
            manifest,
            source,
            provenance,
            aim,
        } => {
            let delivery = Delivery {
                manifest,
                source,
                provenance,
                files: HashMap::new(),
            };
            session.offered(&site, delivery, aim).await
        }
        Request::Files { deployment, hashes } => {
            let files = session.offer_of(&deployment)?.take(hashes, files)?;
            Ok(Reply::Taken { files })
        }
        Request::Execute { deployment } => session.execute(&deployment, by).await,
        Request::Rollback { site, to, dry_run } => session.rollback(&site, to, dry_run, by).await,
        Request::Follow { .. } => Err(not_understood("a log is followed already".into())),
        Request::TakePaging {} => session.take_paging(by).await,
        Request::PageSettled { page, result } => session.page_settled(page, result).await,
        Request::ReleaseList { site } => session.releases(&site),
        Request::ReleaseShow { site, release } => session.show(&site, &release).await,
        Request::ReleaseVerify { site, release } => session.verify(&site, &release).await,
        Request::Incidents { incident } => session.incidents(incident),
        Request::Records { incident, after } => session.records(incident, after).await,
        Request::Note {
            incident,
            happened_at,
            text,
        } => {
            let note = Note {
                incident,
                happened_at,
                text,
            };
            session.note(note, by).await
        }
        Request::Acknowledge {
            incident,
            happened_at,
            who,
        } => {
            let taken = Taken {
                incident,
                happened_at,
                who,
            };
            session.acknowledge(taken, by).await
        }
        Request::ReleasePrune { site, dry_run } => session.prune(&site, dry_run).await,
    }
}

impl Session {
    fn desk(&self, site: &SiteName) -> Result<Arc<Desk>, Refusal> {
        let desks = &self.shared.desks;
        desks.get(site).cloned().ok_or_else(|| Refusal::NoSuchSite {
            site: site.clone(),
            known: desks.keys().cloned().collect(),
        })
    }

    fn logged(&self, site: &SiteName) -> Site {
        self.shared.tools.ledger.site(site)
    }

    async fn status(&self, site: Option<&SiteName>) -> Answered {
        let desks = match site {
            Some(site) => vec![self.desk(site)?],
            None => self.shared.desks.values().cloned().collect(),
        };
        let mut sites = Vec::with_capacity(desks.len());
        for desk in desks {
            sites.push(self.report(&desk).await);
        }
        Ok(Reply::Status { sites })
    }

    async fn report(&self, desk: &Desk) -> SiteReport {
        let (under_way, unsettled) = match desk.condition() {
            Condition::AtRest | Condition::Pruning => (None, None),
            Condition::Running(plan) => (Some(plan.deployment), None),
            Condition::Unsettled(unsettled) => (None, Some(unsettled)),
        };
        SiteReport {
            site: desk.site.clone(),
            link: link(desk.hands.live().await),
            logged: self.logged(&desk.site),
            under_way,
            unlogged: unsettled
                .as_ref()
                .is_some_and(|unsettled| unsettled.ended.is_some()),
            unsettled: unsettled.map(|unsettled| unsettled.why),
        }
    }

    async fn offered(&mut self, site: &SiteName, delivery: Delivery, aim: Aim) -> Answered {
        let desk = self.desk(site)?;
        let logged = self.logged(site);
        if let Some(busy) = desk.busy() {
            return Err(busy);
        }
        let wish = Wish {
            deployment: DeploymentId::new(site.clone(), logged.deployments + 1),
            site: &logged,
            aim,
        };
        let planned = desk
            .hands
            .plan_offer(wish, &delivery.manifest)
            .await
            .map_err(refusal)?;
        self.shared.check_files(planned.lacking.len())?;
        let reply = Reply::Offered {
            plan: planned.plan.clone(),
            lacking: planned.lacking.clone(),
        };
        self.offer = Some(Offer::new(planned, delivery));
        Ok(reply)
    }

    fn offer_of(&mut self, deployment: &DeploymentId) -> Result<&mut Offer, Refusal> {
        let offer = self
            .offer
            .as_mut()
            .filter(|offer| offer.deployment() == deployment);
        offer.ok_or_else(|| not_understood(format!("{deployment} was not offered here")))
    }

    async fn execute(&mut self, deployment: &DeploymentId, by: &Actor) -> Answered {
        self.offer_of(deployment)?;
        let Some(offer) = self.offer.take() else {
            return Err(not_understood(format!("{deployment} was not offered here")));
        };
        let (plan, delivery) = offer.complete()?;
        let order = Order {
            plan,
            delivery: Some(Arc::new(delivery)),
            by: by.clone(),
        };
        self.begin(deployment.site(), order).await
    }

    async fn begin(&self, site: &SiteName, order: Order) -> Answered {
        let desk = self.desk(site)?;
        let (job, after) = Job::accept(&desk, &self.shared.tools, order).await?;
        let plan = job.plan().clone();
        let begun = self.shared.events.send(Event::Begin(Box::new(job))).await;
        // The agent is ending: its next start finds the deployment in the log, and ends it.
        begun.map_err(|_| Refusal::Ending {})?;
        Ok(Reply::Accepted { plan, after })
    }

    /// A deployment under way is its own way back: whoever carries it out takes it.
    async fn rollback(&self, site: &SiteName, to: Option<ReleaseId>, dry_run: bool, by: &Actor) -> Answered {
        let desk = self.desk(site)?;
        if let (Some(plan), None, false) = (deploying(&desk), &to, dry_run) {
            let after = self.shared.tools.ledger.journal.view().seq;
            desk.guard.call_back(plan.deployment.clone(), by.clone());
            return Ok(Reply::Accepted { plan: *plan, after });
        }
        let plan = self.rollback_plan(site, to).await?;
        if dry_run {
            let lacking = Vec::new();
            return Ok(Reply::Offered { plan, lacking });
        }
        let order = Order {
            plan,
            delivery: None,
            by: by.clone(),
        };
        self.begin(site, order).await
    }

    async fn rollback_plan(&self, site: &SiteName, to: Option<ReleaseId>) -> Result<Plan, Refusal> {
        let desk = self.desk(site)?;
        let logged = self.logged(site);
        if let Some(busy) = desk.busy() {
            return Err(busy);
        }
        let to = rollback_target(site, &logged, to)?;
        let next = DeploymentId::new(site.clone(), logged.deployments + 1);
        desk.hands.plan_rollback(next, to).await.map_err(refusal)
    }

    fn releases(&self, site: &SiteName) -> Answered {
        self.desk(site)?;
        let logged = self.logged(site);
        Ok(Reply::Releases {
            live: logged.live.as_ref().map(|live| live.release.clone()),
            rollback_target: logged.rollback_target().cloned(),
            releases: logged.releases,
        })
    }

    async fn show(&self, site: &SiteName, release: &ReleaseId) -> Answered {
        let desk = self.desk(site)?;
        let known = self.logged(site).releases.remove(release);
        let known = known.ok_or_else(|| no_such_release(site, release))?;
        let manifest = desk.hands.manifest(release).await.map_err(refusal)?;
        Ok(Reply::Release {
            release: known,
            manifest,
        })
    }

    async fn verify(&self, site: &SiteName, release: &ReleaseId) -> Answered {
        let desk = self.desk(site)?;
        let differences = match desk.hands.verify(release).await {
            // The log knows it and nobody is removing it: that it is not there is a difference.
            Err(HandsError::Refused(_)) if self.is_known(site, release) && desk.busy().is_none() => {
                vec![(".".to_owned(), "the whole release is missing".to_owned())]
            }
            verified => verified.map_err(refusal)?,
        };
        let differences = differences
            .into_iter()
            .map(|(path, what)| Difference { path, what });
        Ok(Reply::Verified {
            differences: differences.collect(),
        })
    }

    fn is_known(&self, site: &SiteName, release: &ReleaseId) -> bool {
        self.logged(site).releases.contains_key(release)
    }

    async fn prune(&self, site: &SiteName, dry_run: bool) -> Answered {
        let desk = self.desk(site)?;
        if let Some(busy) = desk.busy() {
            return Err(busy);
        }
        let Retention { gone, kept } = desk.hands.retention(&self.logged(site)).await.map_err(refusal)?;
        let gone = if dry_run {
            gone
        } else {
            self.remove_old(&desk).await?
        };
        let kept = kept.into_iter().map(|(release, why)| Kept { release, why });
        Ok(Reply::Pruned {
            gone,
            kept: kept.collect(),
        })
    }
}

impl Session {
    /// Alone at the site, so that no deployment meets a store that is being changed.
    async fn remove_old(&self, desk: &Desk) -> Result<Vec<ReleaseId>, Refusal> {
        desk.begin(Condition::Pruning)?;
        let gone = self.remove_leased(desk).await;
        desk.set(Condition::AtRest);
        gone
    }

    async fn remove_leased(&self, desk: &Desk) -> Result<Vec<ReleaseId>, Refusal> {
        let ledger = &self.shared.tools.ledger;
        let leased = ledger.lease(&site_lease(&desk.site), "prune".to_owned()).await;
        let grant = leased.map_err(|error| not_leased(desk, error))?;
        let gone = try_retain(desk, &self.shared.tools).await;
        ledger.give_up(&grant).await;
        gone.map_err(refusal)
    }
}

/// The deployment of a release that is under way there.
fn deploying(desk: &Desk) -> Option<Box<Plan>> {
    match desk.condition() {
        Condition::Running(plan) if plan.kind == PlanKind::Deploy => Some(plan),
        Condition::Running(_) | Condition::AtRest | Condition::Pruning | Condition::Unsettled(_) => None,
    }
}

/// The release to go back to. Only a proven one is a target: anything else is a deployment.
fn rollback_target(site: &SiteName, logged: &Site, to: Option<ReleaseId>) -> Result<ReleaseId, Refusal> {
    let Some(release) = to else {
        let target = logged.rollback_target().cloned();
        return target.ok_or_else(|| Refusal::NothingToGoBackTo { site: site.clone() });
    };
    let known = logged
        .releases
        .get(&release)
        .ok_or_else(|| no_such_release(site, &release))?;
    if known.proven_at.is_none() {
        return Err(Refusal::NeverProven {
            site: site.clone(),
            release,
        });
    }
    Ok(release)
}

fn no_such_release(site: &SiteName, release: &ReleaseId) -> Refusal {
    Refusal::NoSuchRelease {
        site: site.clone(),
        release: release.clone(),
    }
}

fn refusal(error: HandsError) -> Refusal {
    match error {
        HandsError::Refused(refusal) => *refusal,
        HandsError::Judged(_) | HandsError::Failed(_) => Refusal::Failed {
            why: error.to_string(),
        },
    }
}

/// What `current` says, for a report.
pub fn link(live: Result<Live, HandsError>) -> Link {
    match live {
        Ok(Live::Nothing) => Link::Nothing {},
        Ok(Live::Release(release)) => Link::Release { release },
        Ok(Live::Invalid(text)) => Link::Invalid { text },
        Err(error) => Link::Unreadable {
            why: error.to_string(),
        },
    }
}
