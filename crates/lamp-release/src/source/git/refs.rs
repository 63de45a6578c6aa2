//! What a repository on this machine calls its commits, read from its files: no program runs in it, so nothing that it
//! configures can.
//!
//! The formats are those of gitrepository-layout(5): `HEAD`, one file per name beneath `refs/`, `packed-refs`; a work
//! tree's `.git` may be a file that leads to the repository, and `commondir` to the one that it shares.

use std::path::{Path, PathBuf};

use lamp_fleet::{Dir, DirError, Host, Kind};
use lamp_model::origin::CommitId;
use rustix::io::Errno;

use super::error::GitError;
use crate::source::spec::Reference;

/// Largest file that holds one name, in bytes.
const NAME_FILE_MAX_BYTES: u64 = 8 << 10;
/// Largest `packed-refs`, in bytes.
const PACKED_MAX_BYTES: u64 = 256 << 20;
/// How many names may lead from one to the next.
const SYMBOLIC_MAX: usize = 5;

/// A repository on this machine.
#[derive(Debug)]
pub(super) struct LocalRepository {
    /// The work tree's own part: `HEAD`.
    own: Dir,
    /// What its work trees share: objects, branches, tags.
    shared: Dir,
}

impl LocalRepository {
    /// The repository whose top, or whose bare self, is at the absolute `path`.
    pub(super) fn open(path: &Path) -> Result<Self, GitError> {
        let top = Host::local().dir(path)?;
        let own = match top.find(".git")?.map(|meta| meta.kind) {
            None => top,
            Some(Kind::File) => led_to(path, &top, ".git", "gitdir:")?,
            Some(_) => Host::local().dir(path.join(".git"))?,
        };
        let shared = match own.find("commondir")? {
            Some(_) => led_to(own.path(), &own, "commondir", "")?,
            None => own.try_clone()?,
        };
        if own.find("HEAD")?.is_none() || shared.find("objects")?.is_none() {
            return Err(GitError::NoRepository {
                path: path.display().to_string(),
                why: "it has no HEAD, or no objects",
            });
        }
        Ok(Self { own, shared })
    }

    /// Where its objects are.
    pub(super) fn objects(&self) -> PathBuf {
        self.shared.path().join("objects")
    }

    /// The object that a whole name (`HEAD`, `refs/...`) stands for.
    pub(super) fn find(&self, name: &str) -> Result<Option<CommitId>, GitError> {
        if self.shared.find("reftable")?.is_some() {
            return Err(GitError::Reftable {
                path: self.shared.path().display().to_string(),
            });
        }
        let mut name = name.to_owned();
        for _ in 0..SYMBOLIC_MAX {
            let Some(text) = self.text_of(&name)? else {
                return self.packed(&name);
            };
            match text.strip_prefix("ref:").map(str::trim) {
                None => return Ok(CommitId::parse(text.trim()).ok()),
                Some(next) if next.starts_with("refs/") && Reference::parse(next).is_ok() => {
                    next.clone_into(&mut name);
                }
                Some(_) => return Ok(None),
            }
        }
        Ok(None)
    }

    fn text_of(&self, name: &str) -> Result<Option<String>, GitError> {
        let dir = if name == "HEAD" { &self.own } else { &self.shared };
        match dir.read_file(name, NAME_FILE_MAX_BYTES) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if is_no_name(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn packed(&self, name: &str) -> Result<Option<CommitId>, GitError> {
        match self.shared.read_file("packed-refs", PACKED_MAX_BYTES) {
            Ok(bytes) => Ok(in_packed(&bytes, name)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// `refs/heads/feature` may be the directory of `refs/heads/feature/x`, or `x` be no directory of `x/y`.
fn is_no_name(error: &DirError) -> bool {
    error.is_not_found() || error.is(Errno::ISDIR) || error.is(Errno::NOTDIR)
}

/// The directory that a file names, after `lead`; a relative one is beneath the directory `at`, where the file is.
fn led_to(at: &Path, dir: &Dir, file: &str, lead: &str) -> Result<Dir, GitError> {
    let bytes = dir.read_file(file, NAME_FILE_MAX_BYTES)?;
    let text = String::from_utf8_lossy(&bytes);
    let Some(path) = text.strip_prefix(lead).map(str::trim) else {
        return Err(GitError::NoRepository {
            path: at.display().to_string(),
            why: "its .git is neither a directory nor the name of one",
        });
    };
    Ok(Host::local().dir(at.join(path))?)
}

/// A name in the text of `packed-refs`: lines of an id and a name; `#` and `^` begin lines of another kind.
fn in_packed(bytes: &[u8], name: &str) -> Option<CommitId> {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    lines.find_map(|line| {
        let (id, named) = std::str::from_utf8(line).ok()?.split_once(' ')?;
        (named.trim_end() == name).then(|| CommitId::parse(id).ok())?
    })
}

/// The whole names that a reference may be short for, a tag's before a branch's.
pub(super) fn candidates(reference: &Reference) -> Vec<String> {
    let text = reference.as_str();
    if text == "HEAD" || text.starts_with("refs/") {
        return vec![text.to_owned()];
    }
    ["refs/tags/", "refs/heads/", "refs/remotes/"]
        .map(|lead| format!("{lead}{text}"))
        .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_name_is_found_among_lines_of_other_kinds() {
        let (one, two) = ("1".repeat(40), "2".repeat(40));
        let text = format!(
            "# pack-refs with: peeled fully-peeled sorted \n{one} refs/heads/main\n{two} refs/tags/v1\n^{one}\nnonsense\n"
        );
        let found = |name| in_packed(text.as_bytes(), name).map(String::from);
        assert_eq!(found("refs/heads/main"), Some(one));
        assert_eq!(found("refs/tags/v1"), Some(two));
        assert_eq!(found("refs/tags/v"), None);
        assert_eq!(found("peeled fully-peeled sorted"), None);
    }
}
