//! The real hands of a site: its store and links through [`lamp_release`], its host through
//! [`lamp_fleet::Host`], its visitors' view through [`lamp_http`].
//!
//! The host is opened anew for each call, so that a lab that was killed and started again is reached
//! without anybody's doing. Files are worked on by threads of their own, never by those that serve tasks.

mod proving;
mod reach;
mod words;

use std::sync::{Arc, Mutex};

use lamp_fleet::protocol::{Aim, Refusal};
use lamp_model::clock::Clock;
use lamp_model::name::{DeploymentId, ReleaseId, SiteName};
use lamp_model::plan::{Plan, Step};
use lamp_model::port::{Answer, Live, Switch as _};
use lamp_model::reach::WholeGraph;
use lamp_model::state::{Deployment, Site};
use lamp_model::tree::Manifest;
use lamp_release::config::SiteConfig;
use lamp_release::plan::{self, Coming, Facts, GateTerms, Terms, Watch};
use lamp_release::retention::{self, Candidate, InUse};
use lamp_release::store::{Incoming, NewFile, release_id, tree_hash};
use lamp_release::{Store, step};

use crate::asker::DoorKeeper;
use crate::gate::{Answered, Candidate as GateCandidate, Gatekeeper, NoCheck, NoTwin};
use crate::hands::{Delivery, Difference, Fact, Hands, HandsError, Planned, Retention, Wish};
use proving::Mark;
pub(crate) use reach::{Reach, blocking};
use words::{of_http, of_release, of_store, of_switch};

/// One site as lamp.toml describes it.
pub struct SiteHands {
    site: SiteName,
    reach: Arc<Reach>,
    clock: Arc<dyn Clock>,
    gatekeeper: Gatekeeper,
    door: Option<Arc<dyn DoorKeeper>>,
    mark: Mutex<Option<Mark>>,
}

impl SiteHands {
    /// Hands for `site`, whose gate nobody keeps: it opens for nothing.
    pub fn new(site: SiteName, config: SiteConfig, clock: Arc<dyn Clock>) -> Self {
        Self {
            site,
            reach: Arc::new(Reach(config)),
            clock,
            gatekeeper: Gatekeeper::new(Arc::new(NoCheck), Arc::new(NoTwin)),
            door: None,
            mark: Mutex::new(None),
        }
    }

    /// The same, with a gate that is kept by `gatekeeper`.
    #[must_use]
    pub fn gate(mut self, gatekeeper: Gatekeeper) -> Self {
        self.gatekeeper = gatekeeper;
        self
    }

    /// The same, whose probes the log tells from visits.
    #[must_use]
    pub fn door(mut self, door: Option<Arc<dyn DoorKeeper>>) -> Self {
        self.door = door;
        self
    }

    fn config(&self) -> &SiteConfig {
        &self.reach.0
    }

    /// Works on the store, on a thread of its own.
    async fn on_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, HandsError> + Send + 'static,
    ) -> Result<T, HandsError> {
        let reach = Arc::clone(&self.reach);
        blocking(move || work(&reach.store()?)).await
    }

    fn plan_for(&self, wish: Wish<'_>, coming: &Coming, facts: &Facts) -> Result<Plan, plan::Refusal> {
        let configured = self.config();
        match wish.aim {
            Aim::Test {} => plan::test(wish.deployment, coming, configured.gate, facts),
            Aim::Deploy {
                bake_millis,
                probes,
                overridden,
            } => {
                let terms = Terms {
                    gate: GateTerms {
                        scope: configured.gate,
                        overridden: overridden.map(Into::into),
                    },
                    watch: Watch {
                        bake: bake_millis
                            .map_or_else(|| configured.bake.duration(), std::time::Duration::from_millis),
                        probes: probes.unwrap_or_else(|| configured.probe_paths()),
                    },
                };
                plan::deploy(wish.deployment, coming, &terms, facts)
            }
        }
    }

    /// A proven release is watched for one round of probes only: whoever goes back is in a hurry.
    fn short_watch(&self) -> Watch {
        Watch {
            bake: std::time::Duration::ZERO,
            probes: self.config().probe_paths(),
        }
    }

    fn refused(&self, refusal: plan::Refusal) -> HandsError {
        let site = self.site.clone();
        HandsError::Refused(Box::new(match refusal {
            plan::Refusal::AlreadyLive { release } => Refusal::LiveAlready { site, release },
            plan::Refusal::NothingToRollBackTo => Refusal::NothingToGoBackTo { site },
            plan::Refusal::NoGate => Refusal::NoGate { site },
            plan::Refusal::NoRelease { release } => Refusal::NoSuchRelease { site, release },
            plan::Refusal::DiskTooSmall {
                needed_bytes,
                free_bytes,
                ..
            } => Refusal::NoRoom {
                site,
                needed_bytes,
                free_bytes,
            },
            plan::Refusal::TooFewInodes { .. } => Refusal::Failed {
                why: format!("{refusal}; {}", refusal.way_out()),
            },
        }))
    }
}

impl Hands for SiteHands {
    fn live(&self) -> Answer<'_, Live, HandsError> {
        Box::pin(self.on_store(|store| links(store)?.live().map_err(|error| of_switch(&error))))
    }

    fn plan_offer<'a>(&'a self, wish: Wish<'a>, manifest: &'a Manifest) -> Answer<'a, Planned, HandsError> {
        Box::pin(async move {
            let (manifest, now) = (manifest.clone(), self.clock.now());
            let target = wish.site.rollback_target().cloned();
            let surveyed = self.on_store(move |store| {
                let facts = facts(store, target)?;
                Ok((coming(store, &manifest, now, &facts.live)?, facts))
            });
            let (coming, facts) = surveyed.await?;
            let lacking = match &coming {
                Coming::New { survey, .. } => survey.new.iter().map(|file| file.hash).collect(),
                Coming::Stored { .. } => Vec::new(),
            };
            let plan = self.plan_for(wish, &coming, &facts);
            let plan = plan.map_err(|refusal| self.refused(refusal))?;
            Ok(Planned { plan, lacking })
        })
    }

    fn plan_rollback(&self, deployment: DeploymentId, to: ReleaseId) -> Answer<'_, Plan, HandsError> {
        Box::pin(async move {
            let facts = self.on_store(move |store| facts(store, None)).await?;
            let plan = plan::rollback(deployment, Some(&to), &self.short_watch(), &facts);
            plan.map_err(|refusal| self.refused(refusal))
        })
    }

    fn plan_again<'a>(&'a self, rollback: &'a Deployment) -> Answer<'a, Plan, HandsError> {
        Box::pin(async move {
            let mut facts = self.on_store(|store| facts(store, None)).await?;
            facts.live = rollback.from.clone().map_or(Live::Nothing, Live::Release);
            let plan = plan::rollback(
                rollback.id.clone(),
                Some(&rollback.to),
                &self.short_watch(),
                &facts,
            );
            plan.map_err(|refusal| self.refused(refusal))
        })
    }

    fn step<'a>(
        &'a self,
        plan: &'a Plan,
        step: &'a Step,
        delivery: Option<Arc<Delivery>>,
    ) -> Answer<'a, Fact, HandsError> {
        Box::pin(async move {
            match step {
                Step::CheckDisk {
                    needed_bytes,
                    needed_inodes,
                } => self.check_disk(*needed_bytes, *needed_inodes).await,
                Step::Stage { release, .. } => self.stage(plan, release, delivery).await,
                Step::Seal { release } => self.seal(release.clone()).await,
                Step::Gate {
                    release,
                    against,
                    scope,
                    ..
                } => {
                    let candidate = GateCandidate {
                        release,
                        against: against.as_ref(),
                        scope: *scope,
                    };
                    Ok(self.ask_gate(candidate).await)
                }
                Step::Verify { release } => self.verify_step(release.clone()).await,
                Step::Arm { back_to } => self.arm(back_to.clone()).await,
                Step::Switch { to } => self.switch(plan.from.clone(), to.clone()).await,
                Step::AwaitAnswer { within_millis, probe } => {
                    self.await_answer(plan, *within_millis, probe).await
                }
                Step::Bake { bake_millis, probes } => self.bake(*bake_millis, probes).await,
                Step::ProveWorkers {} => self.prove(plan).await,
                Step::Confirm { .. } => Ok(Fact::Done),
            }
        })
    }

    fn go_back<'a>(&'a self, back_to: Option<&'a ReleaseId>) -> Answer<'a, Fact, HandsError> {
        let (back_to, clock) = (back_to.cloned(), Arc::clone(&self.clock));
        Box::pin(self.on_store(move |store| {
            let links = links(store)?;
            let begun = clock.boot_time();
            // The ready link may be gone with a store that was copied or mended by hand: the release
            // itself still answers.
            if links.go_back(back_to.as_ref()).is_err() {
                links
                    .switch(back_to.as_ref())
                    .map_err(|error| of_switch(&error))?;
            }
            Ok(switched(&*clock, &begun))
        }))
    }

    fn tidy<'a>(&'a self, last_good: Option<&'a ReleaseId>) -> Answer<'a, (), HandsError> {
        let (last_good, reach) = (last_good.cloned(), Arc::clone(&self.reach));
        Box::pin(blocking(move || {
            let store = reach.create_store()?;
            let links = links(&store)?;
            if let Some(release) = last_good.filter(|release| store.has(release).unwrap_or(false)) {
                links.set_last_good(&release).map_err(|error| of_switch(&error))?;
            }
            links.disarm().map_err(|error| of_switch(&error))?;
            let recovered = store.recover().map_err(|error| of_store(&error))?;
            if recovered != lamp_release::store::Recovered::default() {
                tracing::info!(?recovered, "store put right");
            }
            Ok(())
        }))
    }

    fn list(&self) -> Answer<'_, Vec<ReleaseId>, HandsError> {
        Box::pin(self.on_store(|store| store.list().map_err(|error| of_store(&error))))
    }

    fn record<'a>(&'a self, release: &'a ReleaseId) -> Answer<'a, Fact, HandsError> {
        let release = release.clone();
        Box::pin(self.on_store(move |store| {
            let record = store.record(&release);
            record.map(stored).map_err(|error| of_store(&error))
        }))
    }

    fn manifest<'a>(&'a self, release: &'a ReleaseId) -> Answer<'a, Manifest, HandsError> {
        let release = release.clone();
        Box::pin(self.on_store(move |store| {
            let record = store.record(&release);
            record
                .map(|record| record.manifest)
                .map_err(|error| of_store(&error))
        }))
    }

    fn graph<'a>(&'a self, release: &'a ReleaseId) -> Answer<'a, Option<WholeGraph>, HandsError> {
        let release = release.clone();
        Box::pin(self.on_store(move |store| Ok(store.graph(&release))))
    }

    fn verify<'a>(&'a self, release: &'a ReleaseId) -> Answer<'a, Vec<Difference>, HandsError> {
        let (release, site) = (release.clone(), self.site.clone());
        Box::pin(self.on_store(move |store| {
            if !store.has(&release).map_err(|error| of_store(&error))? {
                return Err(HandsError::Refused(Box::new(Refusal::NoSuchRelease {
                    site,
                    release,
                })));
            }
            let differences = lamp_release::verify::verify(store, &release);
            let differences = differences.map_err(|error| of_store(&error))?;
            Ok(differences
                .into_iter()
                .map(|found| (found.path, found.what.to_string()))
                .collect())
        }))
    }

    fn retention<'a>(&'a self, site: &'a Site) -> Answer<'a, Retention, HandsError> {
        let (site, keep) = (site.clone(), self.config().keep);
        Box::pin(self.on_store(move |store| {
            let links = links(store)?;
            let in_use = InUse {
                live: released(links.live().map_err(|error| of_switch(&error))?),
                rollback_target: site.rollback_target().cloned(),
                last_good: released(links.last_good().map_err(|error| of_switch(&error))?),
                armed: released(links.armed().map_err(|error| of_switch(&error))?),
                coming: site.active.as_ref().map(|active| active.to.clone()),
            };
            let fates = retention::decide(&candidates(&site), &in_use, keep);
            Ok(Retention {
                gone: retention::to_prune(&fates),
                kept: fates.iter().filter_map(words::kept).collect(),
            })
        }))
    }

    fn prune<'a>(&'a self, release: &'a ReleaseId) -> Answer<'a, (), HandsError> {
        let release = release.clone();
        Box::pin(self.on_store(move |store| store.prune(&release).map_err(|error| of_store(&error))))
    }
}

/// The steps, each on a thread of its own where it works on files.
impl SiteHands {
    async fn check_disk(&self, needed_bytes: u64, needed_inodes: u64) -> Result<Fact, HandsError> {
        let work = move |store: &Store| {
            step::check_disk(store, needed_bytes, needed_inodes).map_err(|error| of_release(&error))
        };
        self.on_store(work).await.map(|()| Fact::Done)
    }

    async fn stage(
        &self,
        plan: &Plan,
        release: &ReleaseId,
        delivery: Option<Arc<Delivery>>,
    ) -> Result<Fact, HandsError> {
        let delivery = delivery.ok_or_else(|| HandsError::Failed("nothing was handed over".into()))?;
        let (live, at) = (plan.from.clone(), self.clock.now());
        let incoming = Incoming {
            release: release.clone(),
            manifest: delivery.manifest.clone(),
            source: delivery.source.clone(),
            provenance: delivery.provenance.clone(),
            at,
        };
        let work = move |store: &Store| {
            let survey = store.survey(&incoming.manifest, live.as_ref());
            let survey = survey.map_err(|error| of_store(&error))?;
            let mut supply = |wanted: &NewFile| match delivery.files.get(&wanted.hash) {
                Some(file) => file.try_clone(),
                None => Err(std::io::ErrorKind::NotFound.into()),
            };
            step::stage(store, &incoming, &survey, &mut supply).map_err(|error| of_release(&error))
        };
        self.on_store(work).await.map(|()| Fact::Done)
    }

    async fn seal(&self, release: ReleaseId) -> Result<Fact, HandsError> {
        let work = move |store: &Store| step::seal(store, &release).map_err(|error| of_release(&error));
        self.on_store(work).await.map(stored)
    }

    /// Without the graph less is told later of what a wrong line costs; the gate's answer stands all the same.
    async fn ask_gate(&self, candidate: GateCandidate<'_>) -> Fact {
        let Answered { result, graph } = self.gatekeeper.ask(candidate).await;
        if let Some(graph) = graph {
            let release = candidate.release.clone();
            let kept = self.on_store(move |store| {
                store
                    .keep_graph(&release, &graph)
                    .map_err(|error| of_store(&error))
            });
            if let Err(error) = kept.await {
                tracing::warn!(release = %candidate.release, %error, "what hangs on its files is not kept");
            }
        }
        Fact::Gated {
            result: Box::new(result),
        }
    }

    async fn verify_step(&self, release: ReleaseId) -> Result<Fact, HandsError> {
        let work = move |store: &Store| step::verify(store, &release).map_err(|error| of_release(&error));
        self.on_store(work).await.map(|()| Fact::Done)
    }

    async fn arm(&self, back_to: Option<ReleaseId>) -> Result<Fact, HandsError> {
        let work = move |store: &Store| {
            step::arm(&links(store)?, back_to.as_ref()).map_err(|error| of_release(&error))
        };
        self.on_store(work).await.map(|()| Fact::Done)
    }

    async fn switch(&self, from: Option<ReleaseId>, to: ReleaseId) -> Result<Fact, HandsError> {
        self.mark().await?;
        let clock = Arc::clone(&self.clock);
        let work = move |store: &Store| {
            let links = links(store)?;
            let begun = clock.boot_time();
            step::switch(&links, from.as_ref(), &to).map_err(|error| of_release(&error))?;
            Ok(switched(&*clock, &begun))
        };
        let fact = self.on_store(work).await?;
        self.mark_switched();
        Ok(fact)
    }
}

fn links(store: &Store) -> Result<lamp_release::LinkSwitch, HandsError> {
    store.switch().map_err(|error| of_store(&error))
}

fn facts(store: &Store, rollback_target: Option<ReleaseId>) -> Result<Facts, HandsError> {
    let links = links(store)?;
    Ok(Facts {
        live: links.live().map_err(|error| of_switch(&error))?,
        last_good: released(links.last_good().map_err(|error| of_switch(&error))?),
        rollback_target,
        stored: store.list().map_err(|error| of_store(&error))?,
        space: store.space().map_err(|error| of_store(&error))?,
    })
}

fn coming(
    store: &Store,
    manifest: &Manifest,
    now: jiff::Timestamp,
    live: &Live,
) -> Result<Coming, HandsError> {
    let tree = tree_hash(manifest);
    if let Some(release) = store.find_tree(&tree).map_err(|error| of_store(&error))? {
        return Ok(Coming::Stored { release });
    }
    let first = match live {
        Live::Release(release) => Some(release),
        Live::Nothing | Live::Invalid(_) => None,
    };
    Ok(Coming::New {
        release: release_id(now, &tree).map_err(|error| HandsError::failed(&error))?,
        survey: store.survey(manifest, first).map_err(|error| of_store(&error))?,
    })
}

fn candidates(site: &Site) -> Vec<Candidate> {
    let candidate = |(id, release): (&ReleaseId, &lamp_model::state::Release)| Candidate {
        release: id.clone(),
        stored_at: release.stored_at,
        proven_at: release.proven_at,
    };
    site.releases.iter().map(candidate).collect()
}

fn stored(record: lamp_release::store::StoredRelease) -> Fact {
    Fact::Stored {
        tree: record.tree,
        files: record.manifest.file_count(),
        size_bytes: record.size_bytes,
        new_bytes: record.new_bytes,
        source: record.source,
        provenance: record.provenance,
    }
}

fn switched(clock: &dyn Clock, begun: &lamp_model::clock::BootTime) -> Fact {
    let took = clock.boot_time().since(begun).unwrap_or_default();
    Fact::Switched {
        switch_micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
    }
}

fn released(live: Live) -> Option<ReleaseId> {
    match live {
        Live::Release(release) => Some(release),
        Live::Nothing | Live::Invalid(_) => None,
    }
}
