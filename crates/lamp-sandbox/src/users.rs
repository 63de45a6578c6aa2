//! The user namespace of a twin.

use std::os::fd::OwnedFd;

use crate::error::Refused;
use crate::plan::Plan;

/// Makes the user namespace that the plan asks for.
pub(crate) fn make(_plan: &Plan) -> Result<Option<OwnedFd>, Refused> {
    Ok(None)
}
