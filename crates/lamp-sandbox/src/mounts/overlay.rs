//! The root of a twin.

use std::os::fd::OwnedFd;
use std::path::Path;

use super::Users;
use crate::error::Refused;
use crate::plan::Plan;

pub(super) fn mount(_place: &Path, _plan: &Plan, _users: Users<'_>) -> Result<OwnedFd, Refused> {
    Err(Refused {
        doing: "building a twin".to_owned(),
        source: std::io::Error::other("not built yet"),
    })
}
