//! Secrets that stand in a tree. What is told of one is its kind and its place, never a character of it.

use serde::{Deserialize, Serialize};

use super::shapes::{Alphabet, Follows, Shape};
use crate::facts::Spot;
use crate::surroundings::fault::Fault;

/// Words that stand in keys which are none.
const PLACEHOLDERS: [&str; 9] = [
    "example",
    "sample",
    "dummy",
    "fake",
    "xxxx",
    "0000000",
    "1234567890",
    "abcdefgh",
    "changeme",
];
/// Directories whose keys are there to be read.
const SHOWN_DIRECTORIES: [&str; 15] = [
    "demo",
    "demos",
    "doc",
    "docs",
    "example",
    "examples",
    "fixtures",
    "node_modules",
    "sample",
    "samples",
    "spec",
    "test",
    "testdata",
    "tests",
    "vendor",
];
/// Least different characters that a random text of such a length has.
const DIFFERENT_MIN: usize = 10;
/// Fewest characters of a private key; the shortest, of an elliptic curve, has more.
const KEY_MIN: usize = 64;
/// Most bytes of a file that are looked at for one secret.
const WINDOW_BYTES: usize = 400;

/// A secret and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Secret {
    /// What it is, with its article.
    pub(crate) kind: String,
    pub(crate) at: Spot,
}

/// The kind of the secret that stands here, if one does.
pub(super) fn secret(shape: &Shape, bytes: &[u8], at: usize) -> Option<&'static str> {
    let is_inside_a_word =
        at > 0 && Alphabet::Snake.has(bytes[at - 1]) && !matches!(shape.follows, Follows::NamedHex);
    if is_inside_a_word {
        return None;
    }
    let behind = &bytes[at + shape.begins.len()..];
    let behind = &behind[..behind.len().min(WINDOW_BYTES)];
    let is_one = match shape.follows {
        Follows::Run(alphabet, least, most) => {
            let run = run(behind, alphabet);
            (least..=most).contains(&run.len()) && is_random(run)
        }
        Follows::TwoParts => is_two_parts(behind),
        Follows::Pem => return pem(behind).then_some(shape.kind),
        Follows::NamedHex => is_named_hex(behind),
    };
    is_one.then_some(shape.kind)
}

fn run(bytes: &[u8], alphabet: Alphabet) -> &[u8] {
    let end = bytes.iter().position(|byte| !alphabet.has(*byte));
    &bytes[..end.unwrap_or(bytes.len())]
}

fn is_two_parts(behind: &[u8]) -> bool {
    let first = run(behind, Alphabet::Kebab);
    let Some(second) = behind.get(first.len()..).and_then(|rest| rest.strip_prefix(b".")) else {
        return false;
    };
    let second = run(second, Alphabet::Kebab);
    first.len() == 22 && second.len() == 43 && is_random(second)
}

/// `_key" => "0123…"`, however it is written.
fn is_named_hex(behind: &[u8]) -> bool {
    let gap = behind
        .iter()
        .position(|byte| !matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b'=' | b':' | b'>' | b','));
    let value = &behind[gap.unwrap_or(behind.len())..];
    let value = run(value, Alphabet::Hex);
    gap.is_some_and(|gap| (1..16).contains(&gap)) && value.len() == 32 && is_random(value)
}

/// A private key that no passphrase protects, and that is there.
fn pem(behind: &[u8]) -> bool {
    let text = String::from_utf8_lossy(behind);
    let Some((kind, body)) = text.split_once("-----") else {
        return false;
    };
    let is_open = kind.ends_with("PRIVATE KEY") && !kind.contains("ENCRYPTED");
    let body = body.replace("\\n", "\n");
    if !is_open || body.contains("ENCRYPTED") {
        return false;
    }
    let key: String = body
        .lines()
        .map(|line| line.trim().trim_matches(['"', '\'', '.', ' ', '*']))
        .take_while(|line| !line.starts_with('-'))
        .collect();
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let length = key.bytes().take_while(|byte| is_base64(byte)).count();
    length >= KEY_MIN && is_random(&key.as_bytes()[..length])
}

fn is_random(value: &[u8]) -> bool {
    let text = String::from_utf8_lossy(value).to_ascii_lowercase();
    let mut seen = [false; 256];
    for byte in value {
        seen[usize::from(*byte)] = true;
    }
    let different = seen.iter().filter(|seen| **seen).count();
    different >= DIFFERENT_MIN.min(value.len() / 2) && !PLACEHOLDERS.iter().any(|word| text.contains(word))
}

/// What is said of a secret that stands in the file at `path`.
pub(crate) fn judge(secret: &Secret, path: &str) -> Fault {
    let Secret { kind, at } = secret;
    let is_shown = path
        .split('/')
        .any(|part| SHOWN_DIRECTORIES.contains(&part.to_ascii_lowercase().as_str()))
        || path.to_ascii_lowercase().contains("example");
    if is_shown {
        return Fault::note(
            "secret",
            *at,
            format!("{kind} stands here; in an example or a test that may be meant"),
        );
    }
    Fault::warning(
        "secret",
        *at,
        format!("{kind} stands here: whoever reads the code can use it"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::look;

    /// Made up by a generator; none was ever handed out. Split, so that nobody takes them for real ones.
    fn made_up(begins: &str, alphabet: &str, length: usize) -> String {
        let letters: Vec<char> = alphabet.chars().collect();
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let next = |_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            letters[(state >> 33) as usize % letters.len()]
        };
        let tail: String = (0..length).map(next).collect();
        format!("{begins}{tail}")
    }

    const WORD: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    const HEX: &str = "0123456789abcdef";

    #[track_caller]
    fn check(text: &str, kind: Option<&str>) {
        let marks = look(text.as_bytes());
        assert_eq!(
            marks.secrets.first().map(|secret| secret.kind.as_str()),
            kind,
            "{text}"
        );
    }

    #[test]
    fn the_shapes_of_services_are_known() {
        check(
            &format!("$key = '{}';", made_up("AKIA", UPPER, 16)),
            Some("an access key of AWS"),
        );
        check(
            &format!("'{}'", made_up("ghp_", WORD, 36)),
            Some("a personal token of GitHub"),
        );
        check(
            &format!("{}\n", made_up("sk_live_", WORD, 24)),
            Some("a secret key of Stripe"),
        );
        check(
            &format!("'routing_key' => '{}'", made_up("", HEX, 32)),
            Some("a routing key of PagerDuty"),
        );
        check(
            &format!("pd_routing_key: {}", made_up("", HEX, 32)),
            Some("a routing key of PagerDuty"),
        );
        let key = made_up("", WORD, 320);
        check(
            &format!("x\n-----BEGIN RSA PRIVATE KEY-----\n{key}\n"),
            Some("a private key"),
        );
        check(
            &format!("\"-----BEGIN PRIVATE KEY-----\\n{key}\\n"),
            Some("a private key"),
        );
    }

    #[test]
    fn examples_and_what_only_looks_like_one_are_none() {
        check("AKIAIOSFODNN7EXAMPLE", None);
        check(&made_up("XAKIA", UPPER, 16), None);
        check(&made_up("AKIA", UPPER, 17), None);
        check("ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", None);
        check(&made_up("sk_test_", WORD, 24), None);
        check("routing_key = 00000000000000000000000000000000", None);
        check(
            "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
            None,
        );
        let key = made_up("", WORD, 320);
        check(&format!("-----BEGIN ENCRYPTED PRIVATE KEY-----\n{key}"), None);
        check(&format!("-----BEGIN PUBLIC KEY-----\n{key}"), None);
        check(
            &format!("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n{key}"),
            None,
        );
    }

    #[test]
    fn nothing_that_is_told_holds_the_secret() {
        let token = made_up("ghp_", WORD, 36);
        let marks = look(format!("x = '{token}'").as_bytes());
        let told = format!("{:?} {:?}", marks, super::judge(&marks.secrets[0], "config.php"));
        assert!(
            (4..token.len()).all(|end| !told.contains(&token[end - 4..end])),
            "{told}"
        );
    }
}
