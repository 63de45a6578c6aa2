//! The host's own account files: which number a group's name stands for, there.

use super::{Host, HostError};

/// More than any account file of a real host holds, in bytes.
const ACCOUNT_FILE_MAX_BYTES: u64 = 16 * 1024 * 1024;

impl Host {
    /// The number of the group `name` in the host's `/etc/group`.
    pub fn gid_of(&self, name: &str) -> Result<u32, HostError> {
        self.account("group", name)
    }

    /// The number of the user `name` in the host's `/etc/passwd`.
    pub fn uid_of(&self, name: &str) -> Result<u32, HostError> {
        self.account("passwd", name)
    }

    fn account(&self, file: &'static str, name: &str) -> Result<u32, HostError> {
        let bytes = self.dir("/etc")?.read_file(file, ACCOUNT_FILE_MAX_BYTES)?;
        number_of(&bytes, name).ok_or_else(|| HostError::NoAccount {
            what: if file == "group" { "group" } else { "user" },
            name: name.to_owned(),
            file: if file == "group" {
                "/etc/group"
            } else {
                "/etc/passwd"
            },
        })
    }
}

/// The third field of the line whose first is `name`, as in group(5) and passwd(5).
fn number_of(bytes: &[u8], name: &str) -> Option<u32> {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().find(|line| line.split(':').next() == Some(name))?;
    line.split(':').nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_found_by_its_whole_name() {
        let file = b"root:x:0:\nwww:x:7:a,b\nwww-data:x:33:\nbroken\n";
        assert_eq!(number_of(file, "www-data"), Some(33));
        assert_eq!(number_of(file, "www"), Some(7));
        assert_eq!(number_of(file, "data"), None);
        assert_eq!(number_of(file, "broken"), None);
    }

    #[test]
    fn this_machine_has_root() {
        let host = Host::local();
        assert_eq!(host.uid_of("root").expect("the host has a root"), 0);
        let error = host.gid_of("no-such-group").expect_err("no such group");
        assert_eq!(
            error.to_string(),
            "the host has no group \"no-such-group\" in /etc/group"
        );
    }
}
