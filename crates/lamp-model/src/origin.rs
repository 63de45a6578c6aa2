//! Where a release came from, when it came from a git repository: the commit, and who last touched which file.
//!
//! Names and addresses in a commit are whatever its author typed: they are [`PlainText`] before anything keeps them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::plain::PlainText;
use crate::tree::RelPath;

/// Most files of one release of which it is kept who touched them last.
pub const TOUCHED_PATHS_MAX: usize = 1_000;
/// Digits of a commit's id that people are shown.
const SHORT_DIGITS: usize = 12;

/// A commit's id: 40 hexadecimal digits (SHA-1), or 64 (SHA-256), lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommitId(String);

/// A text that is no whole id of a commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a commit's id has 40 or 64 lower-case hexadecimal digits")]
pub struct CommitIdError;

impl CommitId {
    /// Reads a whole id.
    pub fn parse(text: &str) -> Result<Self, CommitIdError> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_id = matches!(text.len(), 40 | 64) && text.bytes().all(is_digit);
        is_id.then(|| Self(text.to_owned())).ok_or(CommitIdError)
    }

    /// All its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its first digits, for people.
    pub fn short(&self) -> &str {
        self.0.get(..SHORT_DIGITS).unwrap_or(&self.0)
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for CommitId {
    type Error = CommitIdError;
    fn try_from(text: String) -> Result<Self, CommitIdError> {
        Self::parse(&text)
    }
}

impl From<CommitId> for String {
    fn from(id: CommitId) -> Self {
        id.0
    }
}

/// A commit, and who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// Its id.
    pub id: CommitId,
    /// Its author's name, as the commit says.
    pub author: PlainText,
    /// Its author's address, as the commit says.
    pub mail: PlainText,
}

/// The place that a release came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The repository: a directory, or an address without a user's name or password.
    pub repository: PlainText,
    /// The branch, tag or commit, as it was asked for.
    pub reference: PlainText,
    /// The commit that this was then.
    pub commit: Commit,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            repository,
            reference,
            commit,
        } = self;
        write!(f, "{repository}@{reference} ({})", commit.id.short())
    }
}

/// The files that a commit was the last to touch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Touch {
    /// The commit.
    pub commit: Commit,
    /// The files.
    pub paths: Vec<RelPath>,
}

/// Who last touched what differs from the release that was live: at most [`TOUCHED_PATHS_MAX`] files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Touch>", into = "Vec<Touch>")]
pub struct Touches(Vec<Touch>);

/// More files than are kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{paths} touched files; the most are {TOUCHED_PATHS_MAX}")]
pub struct TooManyTouched {
    /// How many.
    pub paths: usize,
}

impl Touches {
    /// The commit that touched `path` last, if that is known.
    pub fn of(&self, path: &str) -> Option<&Commit> {
        let names_it = |touch: &&Touch| touch.paths.iter().any(|touched| touched.as_str() == path);
        self.0.iter().find(names_it).map(|touch| &touch.commit)
    }
}

impl TryFrom<Vec<Touch>> for Touches {
    type Error = TooManyTouched;
    fn try_from(touches: Vec<Touch>) -> Result<Self, TooManyTouched> {
        let paths = touches.iter().map(|touch| touch.paths.len()).sum();
        if paths > TOUCHED_PATHS_MAX {
            return Err(TooManyTouched { paths });
        }
        Ok(Self(touches))
    }
}

impl From<Touches> for Vec<Touch> {
    fn from(touches: Touches) -> Self {
        touches.0
    }
}

/// All that is known of where a release came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The place.
    pub origin: Origin,
    /// Who touched what.
    pub touches: Touches,
}

impl Provenance {
    /// The commit to be named beside a culprit, in words: that of the file, with its author; else the release's own,
    /// without one, for nobody is named who may never have touched the file.
    pub fn commit_words(&self, path: Option<&str>) -> String {
        match path.and_then(|path| self.touches.of(path)) {
            Some(commit) if commit.author.as_str().trim().is_empty() => commit.id.short().to_owned(),
            Some(commit) => format!("{} by {}", commit.id.short(), commit.author),
            None => self.origin.commit.id.short().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(digit: char, author: &str) -> Commit {
        Commit {
            id: CommitId::parse(&digit.to_string().repeat(40)).expect("an id"),
            author: PlainText::of(author),
            mail: PlainText::of("someone@example.org"),
        }
    }

    fn touch(commit: Commit, paths: usize) -> Touch {
        let path = |number| RelPath::parse(&format!("{number}.php")).expect("a path");
        Touch {
            commit,
            paths: (0..paths).map(path).collect(),
        }
    }

    fn provenance(touches: Vec<Touch>) -> Provenance {
        Provenance {
            origin: Origin {
                repository: PlainText::of("/srv/shop.git"),
                reference: PlainText::of("main"),
                commit: commit('a', "Ada"),
            },
            touches: Touches::try_from(touches).expect("few"),
        }
    }

    #[test]
    fn the_author_of_the_file_is_named_and_nobody_for_a_file_that_is_not_known() {
        let known = provenance(vec![touch(commit('b', "Grace\u{202e}\n"), 1)]);
        assert_eq!(known.commit_words(Some("0.php")), "bbbbbbbbbbbb by Grace ");
        let nameless = provenance(vec![touch(commit('b', " "), 1)]);
        assert_eq!(nameless.commit_words(Some("0.php")), "bbbbbbbbbbbb");
        assert_eq!(known.commit_words(Some("other.php")), "aaaaaaaaaaaa");
        assert_eq!(known.commit_words(None), "aaaaaaaaaaaa");
        assert_eq!(known.origin.to_string(), "/srv/shop.git@main (aaaaaaaaaaaa)");
    }

    #[test]
    fn it_reads_back_as_it_was_written_and_more_than_is_kept_is_refused() {
        let most = provenance(vec![touch(commit('b', "Grace"), TOUCHED_PATHS_MAX)]);
        let text = serde_json::to_string(&most).expect("JSON");
        assert_eq!(
            serde_json::from_str::<Provenance>(&text).expect("reads back"),
            most
        );
        let touches = vec![
            touch(commit('b', "Grace"), TOUCHED_PATHS_MAX),
            touch(commit('c', "Ada"), 1),
        ];
        assert_eq!(
            Touches::try_from(touches),
            Err(TooManyTouched {
                paths: TOUCHED_PATHS_MAX + 1
            })
        );
    }

    #[test]
    fn an_id_is_whole_and_lower_case() {
        for (text, is_id) in [
            ("a".repeat(40), true),
            ("0".repeat(64), true),
            ("a".repeat(39), false),
            ("A".repeat(40), false),
            (format!("-{}", "a".repeat(39)), false),
        ] {
            assert_eq!(CommitId::parse(&text).is_ok(), is_id, "{text}");
        }
    }
}
