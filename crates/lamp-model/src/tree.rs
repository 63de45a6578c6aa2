//! What a release is made of: paths, entries, the manifest.
//!
//! A manifest is sorted by path, names each parent directory before what lies in it, and has one
//! canonical encoding, whose BLAKE3 hash is the tree's identity (the hash is taken by whoever may
//! depend on a hash function; here it is only a name).

use std::fmt;

use serde::{Deserialize, Serialize};

/// Most entries in one release.
pub const MANIFEST_MAX_ENTRIES: usize = 2_000_000;
/// Longest path inside a release, in bytes.
pub const REL_PATH_MAX_BYTES: usize = 4_000;

/// A path inside a release: relative, UTF-8, `/`-separated, no empty, `.` or `..` component, no NUL.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelPath(String);

/// Why a text is no path inside a release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} is not a path inside a release: {why}")]
pub struct RelPathError {
    /// The path as given, cut to 200 characters.
    pub path: String,
    /// The rule that it breaks.
    pub why: &'static str,
}

impl RelPath {
    /// Reads a path inside a release.
    pub fn parse(text: &str) -> Result<Self, RelPathError> {
        let fail = |why| {
            Err(RelPathError {
                path: text.chars().take(200).collect(),
                why,
            })
        };
        if text.len() > REL_PATH_MAX_BYTES {
            return fail("it is longer than 4000 bytes");
        }
        if text.contains('\0') {
            return fail("it holds a NUL byte");
        }
        if text.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return fail("an empty, `.` or `..` component");
        }
        Ok(Self(text.to_owned()))
    }

    /// The path as text, without a leading or trailing slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The directory that it lies in; `None` at the top of the tree.
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(parent.to_owned()))
    }

    /// Its last component.
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(self.0.as_str(), |(_, name)| name)
    }
}

impl PartialOrd for RelPath {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// By component, so that a directory's contents follow it at once (`a`, `a/b`, `a-b`).
impl Ord for RelPath {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // A slash sorts below every byte that a path may hold.
        let order = |byte: u8| if byte == b'/' { 0 } else { byte };
        self.0.bytes().map(order).cmp(other.0.bytes().map(order))
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RelPath {
    type Error = RelPathError;
    fn try_from(text: String) -> Result<Self, RelPathError> {
        Self::parse(&text)
    }
}

impl From<RelPath> for String {
    fn from(path: RelPath) -> String {
        path.0
    }
}

/// A BLAKE3 hash of a file's bytes, of a manifest's canonical encoding, or of a link in the log's chain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash([u8; 32]);

/// A text that is not 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 64 lower-case hexadecimal digits")]
pub struct HashError;

impl Hash {
    /// The hash that stands before the first: all zeroes.
    pub const ZERO: Self = Self([0; 32]);

    /// A hash from its 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, HashError> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(HashError);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
        }
        Ok(Self(bytes))
    }

    /// The first eight digits, for people and for release ids.
    pub fn short(&self) -> String {
        self.to_string()[..8].to_owned()
    }
}

fn hex_digit(digit: u8) -> Result<u8, HashError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(HashError),
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
        let text: String = self
            .0
            .iter()
            .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
            .collect();
        f.pad(&text)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl TryFrom<String> for Hash {
    type Error = HashError;
    fn try_from(text: String) -> Result<Self, HashError> {
        Self::parse(&text)
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> String {
        hash.to_string()
    }
}

/// What stands at one path of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum Node {
    /// A directory; stored with mode 0750.
    Dir {},
    /// A regular file; stored with mode 0640, or 0740 if it may be executed.
    File {
        /// Its length in bytes.
        size: u64,
        /// The BLAKE3 hash of its bytes.
        hash: Hash,
        /// Whether its owner may execute it.
        executable: bool,
    },
    /// A symbolic link that stays inside the release.
    Link {
        /// Its text as stored.
        target: String,
    },
}

/// One path of a release and what stands there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where.
    pub path: RelPath,
    /// What.
    pub node: Node,
}

/// Why a list of entries is no tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The same path stands twice.
    #[error("{0} stands twice")]
    Twice(RelPath),
    /// A path lies below something that is no directory of the list.
    #[error("{0} lies in no directory of the release")]
    Orphan(RelPath),
    /// A link leaves the release.
    #[error("the link {path} -> {target} leaves the release")]
    LinkLeaves {
        /// The link's place.
        path: RelPath,
        /// Its text.
        target: String,
    },
    /// More than [`MANIFEST_MAX_ENTRIES`].
    #[error("more than {MANIFEST_MAX_ENTRIES} entries")]
    TooMany,
}

/// Every path of a release, sorted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Entry>", into = "Vec<Entry>")]
pub struct Manifest(Vec<Entry>);

impl Manifest {
    /// Sorts and checks `entries`.
    pub fn try_new(mut entries: Vec<Entry>) -> Result<Self, ManifestError> {
        if entries.len() > MANIFEST_MAX_ENTRIES {
            return Err(ManifestError::TooMany);
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].path == pair[1].path) {
            return Err(ManifestError::Twice(pair[0].path.clone()));
        }
        let manifest = Self(entries);
        manifest.0.iter().try_for_each(|entry| manifest.check(entry))?;
        Ok(manifest)
    }

    fn check(&self, entry: &Entry) -> Result<(), ManifestError> {
        let in_a_directory = match entry.path.parent() {
            None => true,
            Some(parent) => matches!(
                self.get(&parent),
                Some(Entry {
                    node: Node::Dir {},
                    ..
                })
            ),
        };
        if !in_a_directory {
            return Err(ManifestError::Orphan(entry.path.clone()));
        }
        match &entry.node {
            Node::Link { target } if !stays_inside(&entry.path, target) => Err(ManifestError::LinkLeaves {
                path: entry.path.clone(),
                target: target.clone(),
            }),
            Node::Dir {} | Node::File { .. } | Node::Link { .. } => Ok(()),
        }
    }

    /// The entries, sorted by path, a directory before what lies in it.
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// What stands at `path`.
    pub fn get(&self, path: &RelPath) -> Option<&Entry> {
        self.0
            .binary_search_by(|entry| entry.path.cmp(path))
            .ok()
            .map(|at| &self.0[at])
    }

    /// The bytes of all files together.
    pub fn size_bytes(&self) -> u64 {
        self.0
            .iter()
            .map(|entry| {
                if let Node::File { size, .. } = entry.node {
                    size
                } else {
                    0
                }
            })
            .sum()
    }

    /// The number of regular files.
    pub fn file_count(&self) -> u64 {
        self.0
            .iter()
            .filter(|entry| matches!(entry.node, Node::File { .. }))
            .count() as u64
    }

    /// The canonical encoding: a line per entry, `PATH\0KIND...\n`, in order. Its hash names the tree.
    pub fn canonical(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.0.len() * 128);
        for Entry { path, node } in &self.0 {
            let line = match node {
                Node::Dir {} => format!("{path}\0d\n"),
                Node::File {
                    size,
                    hash,
                    executable: false,
                } => format!("{path}\0f {size} {hash}\n"),
                Node::File {
                    size,
                    hash,
                    executable: true,
                } => format!("{path}\0x {size} {hash}\n"),
                Node::Link { target } => format!("{path}\0l {target}\0\n"),
            };
            out.extend_from_slice(line.as_bytes());
        }
        out
    }
}

/// Whether a link at `path` with this text can only lead to somewhere inside the tree.
///
/// `..` may only lead: behind a name it could climb from wherever another link of the tree leads to.
fn stays_inside(path: &RelPath, target: &str) -> bool {
    if target.is_empty() || target.starts_with('/') || target.contains('\0') {
        return false;
    }
    let depth = path.as_str().split('/').count() - 1;
    let mut parts = target
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .peekable();
    let mut climbed = 0;
    while parts.next_if_eq(&"..").is_some() {
        climbed += 1;
    }
    climbed <= depth && parts.all(|part| part != "..")
}

impl TryFrom<Vec<Entry>> for Manifest {
    type Error = ManifestError;
    fn try_from(entries: Vec<Entry>) -> Result<Self, ManifestError> {
        Self::try_new(entries)
    }
}

impl From<Manifest> for Vec<Entry> {
    fn from(manifest: Manifest) -> Self {
        manifest.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir(path: &str) -> Entry {
        Entry {
            path: RelPath::parse(path).expect("valid"),
            node: Node::Dir {},
        }
    }

    fn link(path: &str, target: &str) -> Entry {
        Entry {
            path: RelPath::parse(path).expect("valid"),
            node: Node::Link {
                target: target.to_owned(),
            },
        }
    }

    #[test]
    fn paths_never_leave_and_never_name_nothing() {
        for bad in ["", "/a", "a/", "a//b", ".", "a/./b", "..", "a/../b", "a\0b"] {
            assert!(RelPath::parse(bad).is_err(), "{bad:?}");
        }
        assert!(RelPath::parse("wp-content/...x/a b").is_ok());
    }

    #[test]
    fn a_directory_is_followed_at_once_by_what_lies_in_it() {
        let manifest = Manifest::try_new(vec![dir("a-b"), dir("a/b"), dir("a")]).expect("a tree");
        let order: Vec<_> = manifest.entries().iter().map(|e| e.path.as_str()).collect();
        assert_eq!(order, ["a", "a/b", "a-b"]);
    }

    #[test]
    fn links_stay_inside() {
        #[track_caller]
        fn check(target: &str, inside: bool) {
            let made = Manifest::try_new(vec![dir("a"), dir("a/b"), link("a/b/l", target)]);
            assert_eq!(made.is_ok(), inside, "{target}");
        }
        check("x", true);
        check("../../x", true);
        check("../../../x", false);
        check("x/../y", false);
        check("./../x/", true);
        check("/etc/passwd", false);
        check("", false);
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        assert_eq!(
            Manifest::try_new(vec![dir("a"), dir("a")]),
            Err(ManifestError::Twice(RelPath::parse("a").expect("valid")))
        );
        assert!(matches!(
            Manifest::try_new(vec![dir("a/b")]),
            Err(ManifestError::Orphan(_))
        ));
        assert!(matches!(
            Manifest::try_new(vec![link("a", "b"), dir("a/b")]),
            Err(ManifestError::Orphan(_))
        ));
    }
}
