//! One rehearsal from end to end.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use lamp_model::gate::{Coverage, Rehearsal, Rehearsed};
use lamp_model::opened::Unfollowed;

use crate::error::TwinError;
use crate::plan::{Phase, RehearsalPlan, Tools};
use crate::replay::{self, Replayed, Time, compare};
use crate::twin::Twin;
use crate::up::{Prepared, Work};

/// Rehearses the candidate: builds a twin, asks both releases, compares. Dropping the future ends it and leaves
/// nothing; it takes no longer than the plan's bounds allow.
pub async fn rehearse(plan: RehearsalPlan, tools: &Tools<'_>) -> Result<Rehearsed, TwinError> {
    let begun = Instant::now();
    let work = Work::begin(plan, tools);
    let prepared = work.prepare(tools).await?;
    let at = Mutex::new(Phase::Starting);
    let told = |phase| {
        *at.lock().unwrap_or_else(PoisonError::into_inner) = phase;
        (tools.progress)(phase);
    };
    let tools = Tools {
        progress: &told,
        ..*tools
    };
    let most = work.plan().bounds.total_max;
    let rehearsed = tokio::time::timeout(most, in_twin(&work, prepared, &tools)).await;
    let mut rehearsal = rehearsed.unwrap_or_else(|_| {
        Err(TwinError::TooSlow {
            seconds: most.as_secs(),
            at: at.lock().unwrap_or_else(PoisonError::into_inner).words(),
        })
    })?;
    rehearsal.shown.elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(rehearsal)
}

async fn in_twin(work: &Work, prepared: Prepared, tools: &Tools<'_>) -> Result<Rehearsed, TwinError> {
    let begun = Instant::now();
    let twin = work.twin(prepared, tools).await?;
    let time = Time {
        begun,
        most: work.plan().bounds.total_max,
    };
    let replayed = replay::replay(&twin, work.plan(), tools, time).await?;
    (tools.progress)(Phase::Comparing);
    let nowhere = compare::live_answers_nowhere(&replayed.asked).map(str::to_owned);
    let rehearsal = told(replayed, &twin);
    // Before the answer: whoever has it may count on the twin being gone.
    work.end(twin).await?;
    match nowhere {
        Some(path) => Err(TwinError::LiveFails { path }),
        None => Ok(rehearsal),
    }
}

/// What was seen, as it is kept.
fn told(replayed: Replayed, twin: &Twin) -> Rehearsed {
    let candidates = replayed.asked.iter().filter(|asked| asked.candidate.is_some());
    let requests = candidates.count() as u64;
    let shown = Rehearsal {
        coverage: Coverage {
            routes_known: replayed.chosen.known,
            routes_asked: requests,
            requests,
            php_files_run: replayed.ran.len() as u64,
            php_files: replayed.php_files,
            not_replayed: replayed.chosen.not_replayed,
        },
        causes: compare::causes(&replayed.asked),
        differs: twin.differs().iter().cloned().chain(replayed.unseen).collect(),
        outside_calls: twin.outside_calls(),
        unfollowed: Unfollowed::default(),
        elapsed_ms: 0,
    };
    Rehearsed {
        shown,
        ran: replayed.ran,
    }
}
