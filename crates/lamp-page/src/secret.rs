//! The routing key: read from a file, used in a body, shown nowhere.

use std::fmt;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use fs_err::os::unix::fs::OpenOptionsExt;

use crate::error::KeyError;

/// How long a routing key is, in characters.
pub const KEY_CHARS: usize = 32;
/// Bytes that are read of a key's file.
const FILE_MAX_BYTES: u64 = 1024;
/// What stands in a text where the key stood.
const REDACTED: &str = "[key]";

/// A routing key. It is neither printed nor compared: it goes into a body, and out of every text.
#[derive(Clone)]
pub struct SecretKey(String);

impl SecretKey {
    /// The key itself, for the body that carries it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// `text` without the key, wherever it stood in it.
    pub fn redact(&self, text: &str) -> String {
        text.replace(&self.0, REDACTED)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// Where the routing key stands. It is read at each try, so that a key that was mended or changed is used
/// without a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile(PathBuf);

impl KeyFile {
    /// The file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Reads the key.
    pub fn read(&self) -> Result<SecretKey, KeyError> {
        let path = &self.0;
        let text = open(path)?;
        let key = text.trim_ascii();
        let plain = key.iter().all(u8::is_ascii_alphanumeric);
        let text = String::from_utf8_lossy(key);
        let chars = text.chars().count();
        if chars != KEY_CHARS || !plain {
            let path = path.clone();
            return Err(KeyError::NoKey { path, chars, plain });
        }
        Ok(SecretKey(text.into_owned()))
    }
}

/// What the file holds, once it is seen that nobody else reads or writes it.
fn open(path: &Path) -> Result<Vec<u8>, KeyError> {
    let failed = |source| KeyError::Read {
        path: path.to_owned(),
        source,
    };
    // A pipe in the file's place must not hold the one who pages.
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits();
    let mut options = fs_err::OpenOptions::new();
    options.read(true).custom_flags(nonblocking.cast_signed());
    let file = options.open(path).map_err(failed)?;
    check(path, &file.metadata().map_err(failed)?)?;
    let mut text = Vec::new();
    file.take(FILE_MAX_BYTES).read_to_end(&mut text).map_err(failed)?;
    Ok(text)
}

fn check(path: &Path, found: &std::fs::Metadata) -> Result<(), KeyError> {
    let path = path.to_owned();
    if !found.is_file() {
        return Err(KeyError::NoFile { path });
    }
    let mode = found.mode() & 0o7777;
    if mode & 0o007 != 0 {
        return Err(KeyError::ReadByOthers { path, mode });
    }
    let owner = found.uid();
    if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        return Err(KeyError::Owner { path, owner });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const KEY: &str = "R0123456789abcdefghijklmnopqrstu";

    /// What a file of this text and mode says, as one who pages would read it.
    #[track_caller]
    fn check(text: &str, mode: u32, expected: &str) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("key");
        fs_err::write(&path, text).expect("written");
        fs_err::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("set");
        let said = match KeyFile::new(&path).read() {
            Ok(key) => format!("{key:?} of {}", key.reveal().len()),
            Err(error) => lamp_http::error::chain(&error),
        };
        let said = said.replace(&path.display().to_string(), "FILE");
        assert_eq!(said, expected);
        assert!(!said.contains(KEY), "{said}");
    }

    #[test]
    fn a_key_is_read_and_what_is_none_is_told_without_showing_it() {
        check(KEY, 0o600, "[key] of 32");
        check(&format!("{KEY}\n"), 0o640, "[key] of 32");
        let others = "FILE can be read by others (mode 0644): chmod 0640 it, and make a new key";
        check(KEY, 0o644, others);
        let none = "FILE holds no routing key: one has 32 letters and digits, and this has";
        check("", 0o600, &format!("{none} 0 characters"));
        check(&format!("{KEY}x"), 0o600, &format!("{none} 33 characters"));
        check(
            "R0123456789abcdefghijklmnopqrst-",
            0o600,
            &format!("{none} 32 characters, some of them neither"),
        );
    }

    #[test]
    fn what_is_no_file_is_told() {
        let dir = tempfile::tempdir().expect("a directory");
        let missing = KeyFile::new(dir.path().join("none")).read().expect_err("missing");
        assert!(matches!(missing, KeyError::Read { .. }), "{missing}");
        let directory = KeyFile::new(dir.path()).read().expect_err("a directory");
        assert!(matches!(directory, KeyError::NoFile { .. }), "{directory}");
    }

    #[test]
    fn a_key_that_somebody_repeats_is_taken_out() {
        let key = SecretKey(KEY.to_owned());
        let said = format!("'{KEY}' is no key; {KEY}!");
        assert_eq!(key.redact(&said), "'[key]' is no key; [key]!");
    }
}
