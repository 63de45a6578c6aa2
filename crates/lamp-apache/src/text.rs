//! Text that may stand between double quotes in Apache's configuration and means there what it says.

use std::fmt;
use std::path::{Path, PathBuf};

/// Longest path that is rendered, in bytes; Apache's own limit for a path is 4096.
pub(crate) const PATH_MAX_BYTES: usize = 1_024;

/// Why a text cannot stand in Apache's configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} cannot stand in Apache's configuration: {why}")]
pub struct TextError {
    /// The text as given, cut to 80 characters.
    pub text: String,
    /// The rule that it breaks.
    pub why: &'static str,
}

impl TextError {
    pub(crate) fn new(text: &str, why: &'static str) -> Self {
        Self {
            text: text.chars().take(80).collect(),
            why,
        }
    }
}

/// An absolute path that Apache reads as it is written: it ends no quote or line, names no variable and is no pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigPath(PathBuf);

impl ConfigPath {
    /// Checks a path.
    pub fn parse(path: impl AsRef<Path>) -> Result<Self, TextError> {
        let path = path.as_ref();
        let Some(text) = path.to_str() else {
            return Err(TextError::new(&path.to_string_lossy(), "it is not UTF-8"));
        };
        if !path.is_absolute() {
            return Err(TextError::new(text, "it is not absolute"));
        }
        if text.split('/').any(|part| part == "..") {
            return Err(TextError::new(text, "it holds `..`"));
        }
        check_text(text)?;
        Ok(Self(path.to_owned()))
    }

    /// The path.
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

impl fmt::Display for ConfigPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

/// The rules that hold for any text of ours between double quotes.
pub(crate) fn check_text(text: &str) -> Result<(), TextError> {
    if text.len() > PATH_MAX_BYTES {
        return Err(TextError::new(text, "it is longer than 1024 bytes"));
    }
    match text.chars().find_map(why_not) {
        Some(why) => Err(TextError::new(text, why)),
        None => Ok(()),
    }
}

fn why_not(character: char) -> Option<&'static str> {
    match character {
        '"' | '\'' | '\\' => Some("a quote or backslash would end or escape the quoting"),
        '$' => Some("`$` would begin a variable"),
        '<' | '>' => Some("`<` or `>` would open or close a section"),
        '*' | '?' | '[' | ']' => Some("it would be read as a pattern"),
        other if other.is_control() => Some("it holds a control character"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, refused: Option<&str>) {
        let why = ConfigPath::parse(path).err().map(|error| error.why);
        assert_eq!(why.is_some(), refused.is_some(), "{path:?}: {why:?}");
        let (why, part) = (why.unwrap_or_default(), refused.unwrap_or_default());
        assert!(why.contains(part), "{path:?}: {why:?} does not say {part:?}");
    }

    #[test]
    fn a_path_is_rendered_only_if_apache_reads_it_as_it_is_written() {
        check("/srv/shop", None);
        check("/srv/Müllers Laden, 2. Etage #1", None);
        check("srv/shop", Some("absolute"));
        check("|/bin/sh", Some("absolute"));
        check("", Some("absolute"));
        check("/srv/../etc", Some("`..`"));
        check("/srv/a\"\nLoadFile /tmp/x.so\n#", Some("quote"));
        check("/srv/a\nLoadFile /tmp/x.so", Some("control"));
        check("/srv/a\\", Some("backslash"));
        check("/srv/'a", Some("quote"));
        check("/srv/${HOME}", Some("variable"));
        check("/srv/a>", Some("section"));
        check("/srv/*", Some("pattern"));
        check("/srv/\0", Some("control"));
        check(&format!("/{}", "a".repeat(1_024)), Some("longer"));
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        use std::os::unix::ffi::OsStrExt;
        let path = Path::new(std::ffi::OsStr::from_bytes(b"/srv/\xff"));
        assert_eq!(
            ConfigPath::parse(path).map_err(|error| error.why),
            Err("it is not UTF-8")
        );
    }
}
