//! The unprivileged user of workers, looked up in /etc/passwd.

use crate::error::{Doing, Refused};

/// The user of lamp's own unprivileged processes.
const LAMP: &str = "lamp";
/// Who it is where nobody made that user.
const NOBODY: u32 = 65_534;

/// A user by name and number.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// The user `lamp`, else `nobody`.
pub(super) fn unprivileged() -> Result<User, Refused> {
    let users = fs_err::read("/etc/passwd").doing(|| format!("looking up the user {LAMP}"))?;
    Ok(find(&String::from_utf8_lossy(&users)))
}

fn find(users: &str) -> User {
    let nobody = User {
        name: "nobody".to_owned(),
        uid: NOBODY,
        gid: NOBODY,
    };
    users.lines().find_map(lamp).unwrap_or(nobody)
}

/// The user of a line of passwd(5), if it is `lamp` and not root under another name.
fn lamp(line: &str) -> Option<User> {
    let mut fields = line.split(':');
    let name = fields.next().filter(|name| *name == LAMP)?;
    let mut number = |skipped| fields.nth(skipped)?.parse().ok().filter(|id| *id != 0);
    let (uid, gid) = (number(1)?, number(0)?);
    Some(User {
        name: name.to_owned(),
        uid,
        gid,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(users: &str, expected: (&str, u32, u32)) {
        let found = find(users);
        assert_eq!((found.name.as_str(), found.uid, found.gid), expected);
    }

    #[test]
    fn lamp_is_found_and_never_root() {
        let nobody = ("nobody", NOBODY, NOBODY);
        check(
            "root:x:0:0::/root:/bin/sh\nlamp:x:990:991::/:/bin/false\n",
            ("lamp", 990, 991),
        );
        check(
            "root:x:0:0::/root:/bin/sh\nlamps:x:990:991::/:/bin/false\n",
            nobody,
        );
        check("lamp:x:0:991::/:/bin/false\n", nobody);
        check("lamp:x:990:0::/:/bin/false\n", nobody);
        check("lamp:x\n", nobody);
        check("", nobody);
    }
}
