//! Whether a release answers well: probes through Apache, and the workers' own log lines.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lamp_http::Client;
use lamp_http::error::chain;
use lamp_model::clock::{BootTime, Clock};
use lamp_model::plan::{Plan, Step};
use lamp_model::port::Answer;
use lamp_release::bake::{Ask, await_answer, bake};
use lamp_release::proof::{self, Claim, LogMark, ProofError};

use super::{HandsError, SiteHands, blocking};
use crate::asker::{DoorKeeper, as_visitors};
use crate::hands::{Fact, all_causes};

/// Where the access log ended before the switch, and when the switch was made.
pub(super) struct Mark {
    log: LogMark,
    switched: BootTime,
}

/// Asks as visitors do.
struct Visitor<'a> {
    client: Client,
    door: Option<&'a dyn DoorKeeper>,
}

impl Ask for Visitor<'_> {
    fn ask<'a>(&'a self, path: &'a str) -> Answer<'a, u16, String> {
        Box::pin(async move {
            let answer = self.client.get(as_visitors(path, self.door)).await;
            answer
                .map(|answer| answer.status.as_u16())
                .map_err(|error| chain(&error))
        })
    }
}

impl SiteHands {
    /// Notes where the access log ends, before the switch is made.
    pub(super) async fn mark(&self) -> Result<(), HandsError> {
        self.keep(self.log_end().await?);
        Ok(())
    }

    async fn log_end(&self) -> Result<Mark, HandsError> {
        let (reach, clock) = (Arc::clone(&self.reach), Arc::clone(&self.clock));
        let noted = blocking(move || {
            let log = proof::mark(&reach.host(), reach.0.access_log.as_path());
            Ok(Mark {
                log: log.map_err(|error| HandsError::failed(&error))?,
                switched: clock.boot_time(),
            })
        });
        noted.await
    }

    /// The switch was made just now.
    pub(super) fn mark_switched(&self) {
        let now = self.clock.boot_time();
        if let Some(mark) = self.mark.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            mark.switched = now;
        }
    }

    fn keep(&self, mark: Mark) {
        *self.mark.lock().unwrap_or_else(PoisonError::into_inner) = Some(mark);
    }

    fn take(&self) -> Option<Mark> {
        self.mark.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn visitor(&self) -> Result<Visitor<'_>, HandsError> {
        Ok(Visitor {
            client: self.reach.client()?,
            door: self.door.as_deref(),
        })
    }

    /// Until the log shows that the release answers: before, Apache does not know of it, and who answers is somebody else.
    pub(super) async fn await_answer(
        &self,
        plan: &Plan,
        within_millis: u64,
        probe: &str,
    ) -> Result<Fact, HandsError> {
        let mark = match self.take() {
            Some(mark) => mark,
            None => self.log_end().await?,
        };
        let (visitor, claim) = (self.visitor()?, self.claim(plan, &mark));
        let has_answered =
            || proof::has_answered(&self.reach.host(), &mark.log, &claim).map_err(|error| unproven(&error));
        let asked = (probe, Duration::from_millis(within_millis));
        let instead = await_answer(&visitor, &*self.clock, asked, has_answered).await?;
        if let Some(answer) = instead {
            let unmet = ProofError::Unmet {
                path: self.config().access_log.as_path().to_owned(),
                release: plan.to.clone(),
                probe: probe.to_owned(),
                answer,
            };
            return Err(unproven(&unmet));
        }
        self.keep(mark);
        Ok(Fact::Done)
    }

    fn claim<'a>(&'a self, plan: &'a Plan, mark: &Mark) -> Claim<'a> {
        Claim {
            release: &plan.to,
            switched_at: wall_time_of(&mark.switched, &*self.clock),
            apache_pid_file: self.config().apache_pid_file.as_path(),
        }
    }

    pub(super) async fn bake(&self, bake_millis: u64, probes: &[String]) -> Result<Fact, HandsError> {
        let visitor = self.visitor()?;
        let length = Duration::from_millis(bake_millis);
        let baked = bake(&visitor, &*self.clock, length, probes).await;
        baked.map(|_| Fact::Done).map_err(HandsError::Judged)
    }

    /// Without probes nobody was asked, and a worker that nobody asks shows nothing: a site that is
    /// configured so is not proven by its log.
    pub(super) async fn prove(&self, plan: &Plan) -> Result<Fact, HandsError> {
        let Some(probes) = probes(plan).filter(|probes| !probes.is_empty()) else {
            return Ok(Fact::Done);
        };
        let mark = match self.take() {
            Some(mark) => mark,
            None => self.mark_anew(probes).await?,
        };
        let claim = self.claim(plan, &mark);
        let seen = proof::prove(&self.reach.host(), &mark.log, &claim, &*self.clock).await;
        let seen = seen.map_err(|error| unproven(&error))?;
        seen.verdict().map(|()| Fact::Done).map_err(HandsError::Judged)
    }

    /// A rollback that another agent began: its mark is gone, so what counts is what is answered from
    /// now on.
    async fn mark_anew(&self, probes: &[String]) -> Result<Mark, HandsError> {
        self.mark().await?;
        self.bake(0, probes).await?;
        self.take()
            .ok_or_else(|| HandsError::Failed("the access log was not marked".into()))
    }
}

fn unproven(error: &ProofError) -> HandsError {
    HandsError::Failed(format!("{}; {}", all_causes(error), error.way_out()))
}

/// When `moment` was, by the wall clock as it stands now: Apache stamps its lines with that clock, and it
/// may have been set since.
fn wall_time_of(moment: &BootTime, clock: &dyn Clock) -> Timestamp {
    let passed = clock.boot_time().since(moment).unwrap_or_default();
    let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::ZERO);
    let now = clock.now();
    now.checked_sub(passed).unwrap_or(now)
}

fn probes(plan: &Plan) -> Option<&[String]> {
    plan.steps.iter().find_map(|step| {
        if let Step::Bake { probes, .. } = step {
            Some(probes.as_slice())
        } else {
            None
        }
    })
}
