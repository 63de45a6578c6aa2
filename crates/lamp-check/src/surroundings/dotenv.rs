//! `.env` files: settings that hold secrets, and that belong to a host, not to a release.

use crate::facts::Spot;

/// Endings of such files that are made to be read.
const SHOWN: [&str; 7] = [
    "dist", "example", "sample", "template", "test", "testing", "tests",
];
/// Words in the name of a setting that is a secret.
const SECRET_WORDS: [&str; 7] = [
    "APIKEY", "API_KEY", "APP_KEY", "PASSWD", "PASSWORD", "SECRET", "TOKEN",
];
/// Values that stand for one that is to come.
const PLACEHOLDERS: [&str; 12] = [
    "change",
    "dummy",
    "example",
    "false",
    "insert",
    "localhost",
    "null",
    "password",
    "secret",
    "todo",
    "xxx",
    "your",
];
/// Shortest value that protects anything.
const VALUE_MIN: usize = 8;

pub(super) fn is_named_so(name: &str) -> bool {
    let Some(kind) = name.strip_prefix(".env") else {
        return false;
    };
    kind.is_empty()
        || kind
            .strip_prefix('.')
            .is_some_and(|kind| !kind.split('.').any(|word| SHOWN.contains(&word)))
}

/// Where the first setting stands that is a secret and has a value.
pub(super) fn secret(bytes: &[u8]) -> Option<Spot> {
    let text = String::from_utf8_lossy(bytes);
    let at = text.lines().position(is_secret)?;
    Some(Spot {
        line: u32::try_from(at + 1).unwrap_or(u32::MAX),
        column: 1,
    })
}

fn is_secret(line: &str) -> bool {
    let line = line.trim().strip_prefix("export ").unwrap_or(line.trim());
    let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else {
        return false;
    };
    let name = name.to_ascii_uppercase();
    let value = value.trim().trim_matches(['"', '\'']).to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| name.contains(word))
        && value.len() >= VALUE_MIN
        && !value.contains(['$', '<', '%'])
        && !PLACEHOLDERS.iter().any(|word| value.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_made_to_be_read_are_told_apart() {
        for name in [".env", ".env.local", ".env.production"] {
            assert!(is_named_so(name), "{name}");
        }
        for name in [
            ".env.example",
            ".env.dist",
            ".env.test",
            ".envrc",
            "env",
            ".env.local.dist",
        ] {
            assert!(!is_named_so(name), "{name}");
        }
    }

    #[track_caller]
    fn check(text: &str, line: Option<u32>) {
        assert_eq!(secret(text.as_bytes()).map(|at| at.line), line, "{text}");
    }

    #[test]
    fn a_secret_with_a_value_is_told_from_a_place_for_one() {
        check("# x\nDB_HOST=db\nDB_PASSWORD=uG7-kkq2!\n", Some(3));
        check("APP_KEY=base64:Zm9vYmFyYmF6cXV4\n", Some(1));
        check(
            "DB_PASSWORD=\nAPP_SECRET=changeme-now\nTOKEN=${TOKEN_OF_CI}\nSECRET=\"<your secret>\"\n",
            None,
        );
        check("#DB_PASSWORD=uG7-kkq2!\nPASSWORD=short\n", None);
    }
}
