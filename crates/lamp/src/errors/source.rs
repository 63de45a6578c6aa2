//! Trouble with a tree that is to become a release.

use std::error::Error;
use std::path::Path;

use lamp_release::source::SourceError;

use super::{Kind, Trouble};

/// The directory cannot be opened at all.
pub fn not_there(dir: &Path, error: &(dyn Error + 'static)) -> Trouble {
    Trouble::new(
        Kind::Mistake,
        format!("take {} as a release", dir.display()),
        error,
        "name a directory that is there and that you may read: --from DIR",
    )
}

/// The tree cannot become a release; production was not asked.
pub fn not_taken(error: &SourceError) -> Trouble {
    Trouble::new(
        Kind::Mistake,
        "take the source as a release",
        error,
        error.way_out(),
    )
}
