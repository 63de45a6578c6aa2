//! The side door's key, as the agent holds it.

use std::io::Read;
use std::path::{Path, PathBuf};

use fs_err as fs;
use lamp_agent::asker::DoorKeeper;
use lamp_apache::{DOOR_HEADER, DoorKey};
use lamp_http::request::{HeaderName, HeaderValue};
use lamp_model::ReleaseId;

/// Longest file that is read as a key, in bytes.
const KEY_FILE_MAX_BYTES: u64 = 128;

/// Where the key stands in the agent's directory.
pub fn key_file(state_dir: &Path) -> PathBuf {
    state_dir.join("door.key")
}

/// Reads the key. It is a secret: what its file says is in no error.
pub fn read_key(path: &Path) -> std::io::Result<DoorKey> {
    let mut text = String::new();
    fs::File::open(path)?
        .take(KEY_FILE_MAX_BYTES)
        .read_to_string(&mut text)?;
    let no_key = |_| std::io::Error::other(format!("{} holds no key", path.display()));
    DoorKey::parse(text.trim_end()).map_err(no_key)
}

/// The door of this host's sites; `None`: it has no key.
pub fn side_door(state_dir: &Path) -> Option<Door> {
    match read_key(&key_file(state_dir)) {
        Ok(key) => Some(Door(key)),
        Err(error) => {
            tracing::warn!(%error, "no release can be asked by itself: `lamp apache install` makes the key");
            None
        }
    }
}

/// Opens the side door.
pub struct Door(DoorKey);

impl DoorKeeper for Door {
    fn header(&self, release: Option<&ReleaseId>) -> (HeaderName, HeaderValue) {
        let name = HeaderName::from_bytes(DOOR_HEADER.as_bytes()).expect("our own header's name");
        let value = release.map_or_else(|| self.0.as_visitors(), |release| self.0.header_value(release));
        let mut value = HeaderValue::from_str(&value).expect("hex digits, and a release's id or a dash");
        value.set_sensitive(true);
        (name, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_the_one_that_mod_lamp_reads() {
        let key = DoorKey::from_random(&[7; 32]);
        let release = ReleaseId::parse("20261122-1").expect("valid");
        let (_, unchosen) = Door(key.clone()).header(None);
        assert_eq!(unchosen.to_str().expect("text"), key.as_visitors());
        let (name, value) = Door(key.clone()).header(Some(&release));
        assert_eq!(name.as_str(), DOOR_HEADER.to_lowercase());
        assert_eq!(value.to_str().expect("text"), key.header_value(&release));
        assert_eq!(format!("{value:?}"), "Sensitive");
    }
}
