//! One file of any bytes: it is read to its end, what is told lies within it, and kept facts tell the same.

use std::sync::Mutex;

use super::{Random, over_seeds};
use crate::hashed::HashMap;
use crate::tests::bounds::SEED;
use crate::tests::{Written, report, report_with};
use crate::{ContentHash, FactsCache};

/// Beside the seed of all syntax: what facts are made of, in ways that it does not have.
const MORE: &str = r#"<?php
declare(strict_types=1); use function A\{b, c as d};
if (file_exists(dirname(__FILE__) . '/x.php')) { include_once dirname(__FILE__) . '/x.php'; }
for ($i = 0; $i < 3; $i++) { $p = "a" . $i; while (true) { require $p . '.php'; $p = &$q; } }
set_include_path('.'); spl_autoload_register(function ($c) { require __DIR__ . "/$c.php"; });
trait T { abstract function g(): static; const X = self::Y . 'z'; }
function h() { global $p; static $s = PHP_VERSION . 'x'; unset($p); return list(, $a) = $s ?: exit; }
(function () { $this->x ??= new class { public $y { get => 1; } }; })();
do { continue 2; } while ($x instanceof Y && !defined('Z') || die('x'));
const A = <<<'N'
 x
 N . "\x41{$a[0]->b()}";
"#;

#[derive(Default)]
struct Memory {
    known: HashMap<ContentHash, Vec<u8>>,
    learned: Mutex<Vec<(ContentHash, Vec<u8>)>>,
}

impl FactsCache for Memory {
    fn get(&self, hash: &ContentHash) -> Option<&[u8]> {
        self.known.get(hash).map(Vec::as_slice)
    }

    fn put(&self, hash: ContentHash, facts: Vec<u8>) {
        self.learned.lock().expect("not poisoned").push((hash, facts));
    }
}

fn target(random: &mut Random) {
    let code = code(random);
    let files = [("a.php", code.as_slice()), ("b.php", b"<?php require 'a.php';")];
    let plain = report(&files);
    let lines = code.iter().filter(|byte| **byte == b'\n').count() + 1;
    for finding in plain.findings.iter().filter(|finding| finding.path == "a.php") {
        assert!((1..=lines).contains(&(finding.line as usize)), "{finding:?}");
    }
    let tree = Written::new(&files);
    let mut memory = Memory::default();
    assert_eq!(report_with(&tree, &memory), plain);
    memory.known = memory.learned.lock().expect("not poisoned").drain(..).collect();
    assert_eq!(report_with(&tree, &memory), plain, "with kept facts");
    let learned = memory.learned.lock().expect("not poisoned");
    let is_checked = plain
        .findings
        .iter()
        .all(|finding| finding.rule.as_str() != "not-checked");
    assert!(learned.is_empty() || !is_checked, "kept facts were made again");
}

/// The seeds' pieces: cut, doubled, exchanged, repeated, put inside each other; and a few bytes of noise.
fn code(random: &mut Random) -> Vec<u8> {
    let all: Vec<&[u8]> = pieces(SEED).into_iter().chain(pieces(MORE)).collect();
    let mut code = pieces(if random.one_in(2) { SEED } else { MORE });
    for _ in 0..1 + random.below(12) {
        let at = random.below(code.len());
        let end = (at + 1 + random.below(30)).min(code.len());
        match random.below(7) {
            0 => drop(code.drain(at..end)),
            1 => code.insert(at, *random.pick(&all)),
            2 => code[at] = *random.pick(&all),
            3 => code.extend_from_within(at..end),
            4 => code.swap(at, end - 1),
            5 => {
                let part = code[at..end].to_vec();
                let times = random.below(60);
                code.splice(at..at, part.repeat(times));
            }
            _ => {
                let (open, close) =
                    random.pick(&[("(", ")"), ("{", "}"), ("[", "]"), ("if(1){", "}"), ("\"", "\"")]);
                let times = 1 + random.below(300);
                code.splice(end..end, vec![close.as_bytes(); times]);
                code.splice(at..at, vec![open.as_bytes(); times]);
            }
        }
        if code.is_empty() {
            code.push(b"<?php ");
        }
    }
    let mut bytes = code.concat();
    for _ in 0..random.below(4) {
        let at = random.below(bytes.len());
        bytes[at] = random.below(256) as u8;
    }
    bytes
}

/// Words, white space, and each other sign for itself.
fn pieces(text: &str) -> Vec<&[u8]> {
    let kind = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => 1,
        byte if byte.is_ascii_whitespace() => 2,
        _ => 0,
    };
    text.as_bytes()
        .chunk_by(|a, b| kind(a) == kind(b) && kind(a) != 0)
        .collect()
}

#[test]
fn fuzz_code() {
    over_seeds(600, target);
}
