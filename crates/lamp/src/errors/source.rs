//! Trouble with a tree that is to become a release.

use std::error::Error;
use std::path::Path;

use lamp_model::RelPath;
use lamp_release::source::SourceError;
use lamp_release::source::git::GitError;
use lamp_release::source::spec::SpecError;

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

/// What `--from` says names no source.
pub fn not_named(error: &SpecError) -> Trouble {
    Trouble::new(Kind::Mistake, "tell what --from names", error, error.way_out())
}

/// The caller has no directory for caches of their own.
pub fn no_place_for_copies() -> Trouble {
    Trouble::because(
        Kind::Environment,
        "keep a copy of the repository",
        "neither XDG_CACHE_HOME nor HOME names a directory of yours",
        "set HOME to your own home directory, as `sudo -H` does",
    )
}

/// A submodule is not part of the release, and a page may hang on it.
pub fn submodule(path: &RelPath) -> String {
    let path = lamp_model::plain::plain(path.as_str(), 200);
    format!("left out: {path} is a submodule, which is not fetched; deploy a directory if the site needs it")
}

/// The tree cannot become a release; production was not asked.
pub fn not_taken(error: &SourceError) -> Trouble {
    let lacks_git = matches!(
        error,
        SourceError::Git(GitError::NotInstalled | GitError::Start(_))
    );
    let kind = if lacks_git {
        Kind::Environment
    } else {
        Kind::Mistake
    };
    Trouble::new(kind, "take the source as a release", error, error.way_out())
}
