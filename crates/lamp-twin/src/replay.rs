//! What visitors asked, asked again in the twin: of the live release twice, of the candidate once.
//!
//! The live release goes first and second: what differs between its own two answers says nothing about the
//! candidate. One twin serves all three rounds, switched between them by production's own switch, so each round
//! meets the state that the one before left, as in production. One request at a time, so that what PHP logs
//! meanwhile is of that request.
//!
//! Pure: [`choose`], [`skeleton`], [`compare`], and what is read of a page in [`crawl`] and of a line in [`fatal`].

pub(crate) mod ask;
pub(crate) mod choose;
pub(crate) mod compare;
mod crawl;
mod fatal;
mod skeleton;

use std::time::{Duration, Instant};

use lamp_model::opened::Opened;

use crate::coverage::RunFiles;
use crate::error::TwinError;
use crate::plan::{Phase, RehearsalPlan, Tools};
use crate::twin::Twin;
use ask::{Asker, Outcome, Reply};
use choose::Chosen;
use compare::Asked;

/// After as many requests in a row without an answer the rest is not asked: workers that hang take all.
const HANGS_MAX: usize = 3;
/// Of the time that there is: until when the live release is asked the first time, and the second time.
const FIRST_ROUND: f64 = 0.3;
const SECOND_ROUND: f64 = 0.6;

/// What was asked and answered.
#[derive(Debug)]
pub(crate) struct Replayed {
    pub(crate) chosen: Chosen,
    pub(crate) asked: Vec<Asked>,
    /// The candidate's PHP files that ran, each once.
    pub(crate) ran: Vec<Opened>,
    pub(crate) php_files: u64,
    /// In words, if it could not be seen in the twin's log which release answered.
    pub(crate) unseen: Option<String>,
}

/// The time that a replay has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time {
    pub(crate) begun: Instant,
    pub(crate) most: Duration,
}

impl Time {
    fn share(self, share: f64) -> Instant {
        self.begun + self.most.mul_f64(share)
    }
}

/// Asks all that is to be asked.
pub(crate) async fn replay(
    twin: &Twin,
    plan: &RehearsalPlan,
    tools: &Tools<'_>,
    time: Time,
) -> Result<Replayed, TwinError> {
    let mut asker = Asker::new(twin, plan, tools.clock)?;
    let mut chosen = choose::choose(&plan.requests, &plan.queries, plan.bounds.routes_max);
    chosen.also(&plan.site.probe_paths());
    let mut asked = Vec::new();
    if let Some(live) = &plan.live {
        (tools.progress)(Phase::AskingLive);
        asker.switch(live)?;
        let first = first_round(&mut asker, &mut chosen, plan, time.share(FIRST_ROUND)).await?;
        let routes = chosen.routes.iter().cloned();
        for (route, first) in routes.zip(first) {
            if Instant::now() > time.share(SECOND_ROUND) {
                break;
            }
            let second = asker.ask(&route.path, plan.bounds.request_max).await?;
            asked.push(Asked::of_live(route, first, second));
        }
    } else {
        asked = chosen.routes.iter().cloned().map(Asked::of_nobody).collect();
    }
    (tools.progress)(Phase::AskingCandidate);
    asker.switch(&plan.candidate)?;
    let mut run = RunFiles::watch(&twin.release(&plan.candidate)?)?;
    candidate_round(&mut asker, &mut asked, &mut run, time.share(1.0)).await?;
    Ok(Replayed {
        unseen: asker.unseen(&plan.candidate).await?,
        php_files: run.php_files,
        ran: run.opened(),
        chosen,
        asked,
    })
}

/// The live release for the first time; without logged requests, from the home page along its links.
async fn first_round(
    asker: &mut Asker<'_>,
    chosen: &mut Chosen,
    plan: &RehearsalPlan,
    until: Instant,
) -> Result<Vec<Reply>, TwinError> {
    let mut replies: Vec<Reply> = Vec::new();
    while let Some(route) = chosen.routes.get(replies.len()) {
        if Instant::now() > until || hung(&replies) {
            break;
        }
        let path = route.path.clone();
        let reply = asker.ask(&path, plan.bounds.request_max).await?;
        if chosen.is_crawl
            && let Some(page) = reply.page()
        {
            crawl::add_links(
                &mut chosen.routes,
                page,
                &path,
                &plan.site.hostname,
                plan.bounds.routes_max,
            );
        }
        replies.push(reply);
    }
    if chosen.is_crawl {
        chosen.known = chosen.routes.len() as u64;
    }
    Ok(replies)
}

async fn candidate_round(
    asker: &mut Asker<'_>,
    asked: &mut [Asked],
    run: &mut RunFiles,
    until: Instant,
) -> Result<(), TwinError> {
    let mut hangs = 0;
    for asked in asked {
        if Instant::now() > until || hangs == HANGS_MAX {
            return Ok(());
        }
        let reply = asker
            .ask(&asked.route.path, asked.patience(asker.request_max()))
            .await?;
        hangs = if matches!(reply.outcome, Outcome::Hang { .. }) {
            hangs + 1
        } else {
            0
        };
        asked.candidate = Some(reply);
        run.take(&asked.route.path)?;
    }
    Ok(())
}

fn hung(replies: &[Reply]) -> bool {
    let last = replies.iter().rev().take(HANGS_MAX);
    replies.len() >= HANGS_MAX
        && last
            .clone()
            .all(|reply| matches!(reply.outcome, Outcome::Hang { .. }))
}
