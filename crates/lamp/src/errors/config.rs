//! Trouble with lamp.toml: shown at its place, with the nearest known key.

use std::io;
use std::path::Path;

use miette::{Diagnostic, NamedSource, SourceSpan};

use super::refusal::nearest;
use super::{Kind, Told, Trouble};

/// The file cannot be read at all.
pub fn unreadable(path: &Path, error: &io::Error) -> Told {
    let way_out = match error.kind() == io::ErrorKind::NotFound {
        true => "write it (docs/config.md shows one), or name another with --config PATH",
        false => "give yourself the right to read it, or run this as root",
    };
    let thing = format!("read {}", path.display());
    Trouble::new(Kind::Mistake, thing, error, way_out).into()
}

/// A mistake at one place of the file.
#[derive(Debug, Clone, thiserror::Error, Diagnostic)]
#[error("{message}")]
pub struct Misplaced {
    message: String,
    #[source_code]
    file: NamedSource<String>,
    #[label("here")]
    at: Option<SourceSpan>,
    #[help]
    way_out: String,
}

impl Misplaced {
    /// What `toml` found wrong in `text`, the file called `name`.
    pub fn new(name: &str, text: &str, error: &toml::de::Error) -> Self {
        let message = error.message();
        let unknown = UnknownKey::read(message);
        Self {
            message: unknown.as_ref().map_or_else(
                || format!("{name}: {message}"),
                |unknown| format!("{name}: there is no key `{}` here", unknown.key),
            ),
            file: NamedSource::new(name, text.to_owned()),
            at: error.span().map(SourceSpan::from),
            way_out: unknown.map_or_else(
                || "mend the place shown; docs/config.md explains every key".into(),
                |unknown| unknown.way_out(),
            ),
        }
    }
}

/// What serde says of a key that a section does not have: the one place that reads its words.
struct UnknownKey<'a> {
    key: &'a str,
    known: Vec<&'a str>,
}

impl<'a> UnknownKey<'a> {
    fn read(message: &'a str) -> Option<Self> {
        let quoted: Vec<_> = message.strip_prefix("unknown field ")?.split('`').collect();
        let mut words = quoted.into_iter().skip(1).step_by(2);
        Some(Self {
            key: words.next()?,
            known: words.collect(),
        })
    }

    fn way_out(&self) -> String {
        let all = format!("the keys here: {}", self.known.join(", "));
        match nearest(self.key, self.known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`? {all}"),
            None => all,
        }
    }
}
