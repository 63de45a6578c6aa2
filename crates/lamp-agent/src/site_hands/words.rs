//! What the parts' errors and reasons are in words: the cause, and the way out that the part itself names.

use lamp_http::BuildError;
use lamp_model::name::ReleaseId;
use lamp_release::StoreError;
use lamp_release::retention::{Fate, KeepReason};
use lamp_release::step::StepError;
use lamp_release::switch::SwitchError;

use crate::hands::{HandsError, all_causes};

pub(super) fn of_release(error: &StepError) -> HandsError {
    HandsError::Failed(format!("{}; {}", all_causes(error), error.way_out()))
}

pub(super) fn of_store(error: &StoreError) -> HandsError {
    HandsError::Failed(format!("{}; {}", all_causes(error), error.way_out()))
}

pub(super) fn of_switch(error: &SwitchError) -> HandsError {
    HandsError::failed(error)
}

pub(super) fn of_http(error: &BuildError) -> HandsError {
    HandsError::failed(error)
}

/// A release that stays, with the reason.
pub(super) fn kept((release, fate): &(ReleaseId, Fate)) -> Option<(ReleaseId, String)> {
    let why = match fate {
        Fate::Prune(_) => return None,
        Fate::Keep(KeepReason::Live) => "it is live",
        Fate::Keep(KeepReason::RollbackTarget) => "a rollback leads to it",
        Fate::Keep(KeepReason::LastGood) => "it answers if the link is broken",
        Fate::Keep(KeepReason::Armed) => "the armed way back leads to it",
        Fate::Keep(KeepReason::Coming) => "a deployment under way brings it",
        Fate::Keep(KeepReason::ProvenRecently) => "it is among the newest proven ones",
        Fate::Keep(KeepReason::NewestUnproven) => "it is the newest one that was never proven",
    };
    Some((release.clone(), why.to_owned()))
}
