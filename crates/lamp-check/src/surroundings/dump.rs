//! Dumps of databases and copies that an editor or a person left: served as plain text, they are the whole site.

use crate::Limits;

/// What a dump holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// Hashes of passwords.
    Passwords,
    /// Rows, as whoever dumped them had them.
    Rows,
}

/// What the tools write on top of a dump.
const HEADS: [&str; 5] = [
    "-- MySQL dump",
    "-- MariaDB dump",
    "-- PostgreSQL database dump",
    "-- phpMyAdmin SQL Dump",
    "-- Adminer ",
];
/// What hashes of passwords begin with.
const HASHES: [&str; 5] = ["'$2y$", "'$P$B", "'$argon2", "'$2a$", "'$wp$2y$"];

pub(super) fn is_named_so(name: &str) -> bool {
    name.ends_with(".sql") || name.ends_with(".dump")
}

/// Whether it is a dump by its name that cannot be looked into.
pub(super) fn is_packed(name: &str, size_bytes: u64, limits: &Limits) -> bool {
    let is_long = is_named_so(name) && size_bytes > limits.file_max_bytes;
    is_long
        || [".sql.bz2", ".sql.gz", ".sql.xz", ".sql.zip"]
            .iter()
            .any(|ending| name.ends_with(ending))
}

/// What the beginning of a dump shows, if it is one; a schema that an application installs is none.
pub(super) fn holds(head: &[u8]) -> Option<Holds> {
    let text = String::from_utf8_lossy(head);
    let is_dump = HEADS.iter().any(|head| text.contains(head));
    let has_rows = text.contains("INSERT INTO") || text.contains("\nCOPY ");
    if has_rows && HASHES.iter().any(|hash| text.contains(hash)) {
        return Some(Holds::Passwords);
    }
    (is_dump && has_rows).then_some(Holds::Rows)
}

/// Copies of PHP that are served as text; what each is a copy of.
pub(super) fn copied(name: &str) -> Option<&str> {
    const ENDINGS: [&str; 8] = [".bak", ".old", ".orig", ".save", ".swp", ".backup", "~", ".rej"];
    let bare = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending))?;
    let bare = if name.ends_with(".swp") {
        bare.strip_prefix('.')?
    } else {
        bare
    };
    let is_php = bare.ends_with(".php")
        || bare.ends_with(".inc")
        || bare.starts_with(".env")
        || bare.ends_with(".sql");
    is_php.then_some(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<Holds>) {
        assert_eq!(holds(text.as_bytes()), expected, "{text}");
    }

    #[test]
    fn a_dump_is_told_from_a_schema() {
        check(
            "-- MySQL dump 10.13\nINSERT INTO `a` VALUES (1);",
            Some(Holds::Rows),
        );
        check("-- MariaDB dump\nCREATE TABLE a (b int);", None);
        check("CREATE TABLE a (b int);\nINSERT INTO a VALUES ('de');", None);
        check(
            "INSERT INTO wp_users VALUES (1,'admin','$P$BTu0lWvTXlZgKGG0oCKBMr2CzEwcMa1');",
            Some(Holds::Passwords),
        );
    }

    #[test]
    fn copies_of_php_are_told_by_their_names() {
        for name in [
            "wp-config.php.bak",
            "index.php~",
            ".wp-config.php.swp",
            "a.inc.old",
        ] {
            assert!(copied(name).is_some(), "{name}");
        }
        for name in ["a.bak", "notes.txt~", "a.php", "Makefile.orig"] {
            assert!(copied(name).is_none(), "{name}");
        }
    }
}
