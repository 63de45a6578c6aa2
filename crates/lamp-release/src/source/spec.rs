//! What `--from` names: a directory, or a commit of a repository here or elsewhere. Pure.
//!
//! Only https and ssh are spoken, and nothing that begins with `-` reaches a program: an address is somebody else's
//! text as often as one's own.

use std::fmt;
use std::path::{Path, PathBuf};

/// Longest name of a branch, tag or commit, in bytes.
const REFERENCE_MAX_BYTES: usize = 200;
/// Longest address, in bytes.
const ADDRESS_MAX_BYTES: usize = 2_000;

/// A source, as it was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceSpec {
    /// A directory, its files as they lie there.
    Dir(PathBuf),
    /// A commit of a repository.
    Git(GitSpec),
}

/// A commit of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitSpec {
    /// The repository.
    pub place: Place,
    /// The commit, by a name for it.
    pub reference: Reference,
}

/// Where a repository is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On this machine: its top directory, or a bare one.
    Local(PathBuf),
    /// Elsewhere.
    Remote(Address),
}

/// The address of a repository elsewhere, over https or ssh; it holds no password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    asked: String,
    shown: String,
}

/// The name of a branch, of a tag, or a commit's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference(String);

/// Why a text names no source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// It would be an option to a program.
    #[error("{text:?} begins with -")]
    Dash {
        /// As given.
        text: String,
    },
    /// Not one of the two ways to speak to a repository.
    #[error("{scheme} is not spoken")]
    Scheme {
        /// The way that it asks for.
        scheme: String,
    },
    /// A repository, and not which commit.
    #[error("{text:?} does not say which commit")]
    NoReference {
        /// As given.
        text: String,
    },
    /// What should name a commit cannot.
    #[error("{text:?} is no branch, tag or commit: {why}")]
    Reference {
        /// As given.
        text: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// A password in an address. The address is not repeated.
    #[error("the address holds a password, which whoever lists processes would read")]
    Password,
    /// No address.
    #[error("{text:?} is no address of a repository: {why}")]
    Address {
        /// As given.
        text: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// Neither is there.
    #[error("there is neither a directory {whole:?} nor a repository {repository:?}")]
    NotThere {
        /// The text as a directory.
        whole: String,
        /// The part of it that may name a repository.
        repository: String,
    },
}

impl SpecError {
    /// What to do about it.
    pub const fn way_out(&self) -> &'static str {
        match self {
            Self::Dash { .. } => "write ./ before the name of a directory that begins with -",
            Self::Scheme { .. } => {
                "use https:// or ssh:// (or HOST:PATH); of a repository on this machine name the directory: REPO@REF"
            }
            Self::NoReference { .. } => "say which after an @: a branch, a tag or a commit, as in URL@main",
            Self::Reference { .. } => "name a branch, a tag, or a commit by its id",
            Self::Password => "keep it in ~/.netrc, or use ssh with a key in your agent",
            Self::Address { .. } => "it reads https://HOST/PATH@REF, ssh://HOST/PATH@REF or HOST:PATH@REF",
            Self::NotThere { .. } => "name what is there: DIR, REPO@REF or URL@REF",
        }
    }
}

impl SourceSpec {
    /// Reads what `--from` names; `is_dir` tells whether a directory is there. One that is there is meant, whatever
    /// its name looks like.
    pub fn parse(given: &Path, is_dir: impl Fn(&Path) -> bool) -> Result<Self, SpecError> {
        let Some(text) = given.to_str() else {
            return Ok(Self::Dir(given.to_owned()));
        };
        if text.starts_with('-') {
            return Err(SpecError::Dash {
                text: shortened(text),
            });
        }
        if is_dir(given) {
            return Ok(Self::Dir(given.to_owned()));
        }
        match path_begins(text)? {
            Some(begins) => remote(text, begins),
            None => local(text, is_dir),
        }
    }
}

/// Where the path of an address begins, if the text is one.
fn path_begins(text: &str) -> Result<Option<usize>, SpecError> {
    let before_slash = &text[..text.find('/').unwrap_or(text.len())];
    let scheme_refused = |scheme: &str| SpecError::Scheme {
        scheme: shortened(scheme),
    };
    if let Some((helper, _)) = before_slash.split_once("::") {
        return Err(scheme_refused(&format!("{helper}::")));
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        if !matches!(scheme, "https" | "ssh") {
            return Err(scheme_refused(&format!("{scheme}://")));
        }
        let authority = rest.find('/').unwrap_or(rest.len());
        return Ok(Some(scheme.len() + "://".len() + authority));
    }
    Ok(before_slash.find(':'))
}

fn local(text: &str, is_dir: impl Fn(&Path) -> bool) -> Result<SourceSpec, SpecError> {
    let Some((repository, reference)) = split_reference(text, 0) else {
        return Ok(SourceSpec::Dir(PathBuf::from(text)));
    };
    let place = PathBuf::from(repository);
    if !is_dir(&place) {
        return Err(SpecError::NotThere {
            whole: shortened(text),
            repository: shortened(repository),
        });
    }
    Ok(SourceSpec::Git(GitSpec {
        place: Place::Local(place),
        reference: Reference::parse(reference)?,
    }))
}

fn remote(text: &str, path_begins: usize) -> Result<SourceSpec, SpecError> {
    let (address, reference) = match split_reference(text, path_begins) {
        Some((address, reference)) => (Address::parse(address)?, reference),
        None => {
            // What is wrong with the address is said first: it may hold a password.
            Address::parse(text)?;
            return Err(SpecError::NoReference {
                text: shortened(text),
            });
        }
    };
    Ok(SourceSpec::Git(GitSpec {
        place: Place::Remote(address),
        reference: Reference::parse(reference)?,
    }))
}

/// What stands before and after the `@` of the reference, which comes after `from`. A reference that is written whole
/// (`refs/...`) may hold another `@`.
fn split_reference(text: &str, from: usize) -> Option<(&str, &str)> {
    let tail = text.get(from..)?;
    let at = from + tail.find("@refs/").or_else(|| tail.rfind('@'))?;
    let (before, after) = (text.get(..at)?, text.get(at + 1..)?);
    (!before.is_empty()).then_some((before, after))
}

fn shortened(text: &str) -> String {
    lamp_model::plain::plain(text, REFERENCE_MAX_BYTES)
}

impl Address {
    /// Reads an address over https or ssh.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let refuse = |why| {
            Err(SpecError::Address {
                text: shortened(text),
                why,
            })
        };
        let Some(parts) = Parts::of(text) else {
            return refuse("it names no host");
        };
        if parts.user.is_some_and(|user| user.contains(':')) {
            return Err(SpecError::Password);
        }
        if text.len() > ADDRESS_MAX_BYTES {
            return refuse("it is longer than 2000 bytes");
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return refuse("it holds a blank or a control character");
        }
        let begins_with_dash = |part: &str| part.starts_with('-');
        if begins_with_dash(parts.host)
            || parts.user.is_some_and(begins_with_dash)
            || begins_with_dash(parts.path)
        {
            return refuse("a part of it begins with -");
        }
        if parts.host.is_empty() {
            return refuse("it names no host");
        }
        if parts.path.trim_matches('/').is_empty() {
            return refuse("it names no repository on the host");
        }
        Ok(Self {
            shown: parts.shown(),
            asked: text.to_owned(),
        })
    }

    /// As git is asked for it.
    pub fn as_str(&self) -> &str {
        &self.asked
    }
}

/// Without the user's name, and without what stands after a `?`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// The parts of an address.
struct Parts<'a> {
    /// With what joins it to the host; empty in `HOST:PATH`.
    scheme: &'a str,
    user: Option<&'a str>,
    host: &'a str,
    /// With what joins it to the host.
    path: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (scheme, rest, joint) = match text.split_once("://") {
            Some((scheme, rest)) => (text.get(..scheme.len() + 3)?, rest, '/'),
            None => ("", text, ':'),
        };
        let ends = rest.find(joint).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(ends);
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        Some(Self {
            scheme,
            user,
            host,
            path: if scheme.is_empty() { path.get(1..)? } else { path },
        })
    }

    fn shown(&self) -> String {
        let joint = if self.scheme.is_empty() { ":" } else { "" };
        let path = self.path.split(['?', '#']).next().unwrap_or_default();
        format!("{}{}{joint}{path}", self.scheme, self.host)
    }
}

impl Reference {
    /// Reads the name of a branch or tag, or a commit's id, by the rules of git-check-ref-format(1).
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let refuse = |why| {
            Err(SpecError::Reference {
                text: shortened(text),
                why,
            })
        };
        if text.is_empty() {
            return refuse("nothing stands after the @");
        }
        if text.starts_with('-') {
            return refuse("it begins with -");
        }
        if text.len() > REFERENCE_MAX_BYTES {
            return refuse("it is longer than 200 bytes");
        }
        let is_bad = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
        if text.contains(is_bad) || text.contains("..") || text.contains("@{") || text == "@" {
            return refuse("it holds what no such name may hold");
        }
        let is_bad_part = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
        if text.split('/').any(is_bad_part) || text.ends_with('.') {
            return refuse("a part of it is none of a name");
        }
        Ok(Self(text.to_owned()))
    }

    /// It.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
