//! The secrets on this host's disk: there, whole, and nobody else's to read. None of them is ever shown.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use lamp_agent::hands::all_causes;
use lamp_page::secret::KeyFile;

use super::Check;
use crate::app::door;
use crate::config::Config;

/// Every check of a secret.
pub(super) fn checks(config: &Config) -> Vec<Check> {
    let door = side_door(&door::key_file(&config.agent.state_dir));
    let page = config.page.as_ref();
    let page = page.map(|page| routing_key(&page.routing_key_file));
    [Some(door), page].into_iter().flatten().collect()
}

/// Without it no release can be asked by itself, and none is ever found bad.
fn side_door(path: &Path) -> Check {
    let lacking = |why, mend| Check::lacking("agent", "the side door's key", why, mend);
    let found = match door::read_key(path).and_then(|_| fs_err::metadata(path)) {
        Ok(found) => found,
        Err(error) => {
            return lacking(all_causes(&error), new_key(path));
        }
    };
    let mode = found.mode() & 0o7777;
    if found.uid() != 0 || mode & 0o077 != 0 {
        let path = path.display();
        let why = format!(
            "{path} belongs to uid {} with mode {mode:04o}: others than root may ask for any release",
            found.uid()
        );
        let mend = format!("`chown root: {path} && chmod 0600 {path}`");
        return lacking(why, mend);
    }
    Check::fine("agent", "the side door's key", "only root reads it")
}

/// One that is there is never replaced, and Apache knows the hash of the one that it was given.
fn new_key(path: &Path) -> String {
    let first = match path.exists() {
        true => format!("remove {}, then type", path.display()),
        false => "type".to_owned(),
    };
    format!("{first} `lamp apache install`, and give Apache what `lamp apache lines` prints then")
}

/// Read as whoever pages reads it.
fn routing_key(path: &Path) -> Check {
    match KeyFile::new(path).read() {
        Ok(_) => Check::fine("page", "routing key", "32 characters, nobody else's to read"),
        Err(error) => {
            let path = path.display();
            let mend = format!(
                "put the 32 characters of PagerDuty's integration key into {path}, of root, mode 0600"
            );
            Check::lacking("page", "routing key", all_causes(&error), mend)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const KEY: &str = "R0123456789abcdefghijklmnopqrstu";
    const DOOR: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    /// What is said of a file with this text and mode; `None`: of none.
    fn said(file: Option<(&str, u32)>, look: fn(&Path) -> Check) -> String {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("key");
        if let Some((text, mode)) = file {
            fs_err::write(&path, text).expect("written");
            fs_err::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("mode");
        }
        let said = super::super::text(&look(&path)).replace(&*dir.path().to_string_lossy(), "DIR");
        assert!(!said.contains(KEY) && !said.contains(DOOR), "{said}");
        said
    }

    #[test]
    fn each_state_of_the_side_doors_key_has_its_mend() {
        let files = [
            None,
            Some(("no key", 0o600)),
            Some((DOOR, 0o640)),
            Some((DOOR, 0o600)),
        ];
        let said: Vec<String> = files.into_iter().map(|file| said(file, side_door)).collect();
        insta::assert_snapshot!(said.join("\n"));
    }

    #[test]
    fn each_state_of_the_routing_key_has_its_mend() {
        let files = [
            None,
            Some(("too short", 0o600)),
            Some((KEY, 0o644)),
            Some((KEY, 0o600)),
        ];
        let said: Vec<String> = files.into_iter().map(|file| said(file, routing_key)).collect();
        insta::assert_snapshot!(said.join("\n"));
    }
}
