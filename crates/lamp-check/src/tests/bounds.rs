//! Input that no person would write: it is looked at in bounded time and memory, and nothing panics.

use lamp_testkit::Seed;

use super::{Written, report, told};
use crate::{Entry, EntryKind, Limits, Setting, check};

pub(super) const SEED: &str = r#"<?php
namespace A\B;
define('X', __DIR__ . "/{$a['b']}/" . dirname(__FILE__, 2));
const Y = X . 'y', Z = <<<E
 text {$x->y[1]} ${z}
 E;
abstract class C extends D implements E { use F { f as protected g; } public function __construct(private ?int $x = null) {} }
#[Attr(1)] enum S: string { case A = 'a'; }
function f(int|string &...$x): ?static { yield from g(); return match (true) { 1, 2 => fn() => $x, default => throw new E }; }
if (!defined('X')): exit; elseif (file_exists($f = __FILE__)): require_once ($f ?? 'x' . 'y.php'); else: @include './a/../b.php'; endif;
foreach ([1, 'a' => [2]] as ['a' => $k]) { switch ($k) { case 1: require "b$k.php"; break; default: $d .= 'x'; } }
try { $o?->p()::$q[] = clone $r; } catch (E | F $e) { goto end; } finally { unset($x, $y['z']); }
end: echo `ls $x`, 0x1F, 1_000.5e-3, "\u{1F600}" ?>
text <?= $x ?> more
<?php __halt_compiler(); binary"#;

#[track_caller]
fn survives(bytes: &[u8]) {
    let report = report(&[("a.php", bytes)]);
    assert_eq!(report.summary.files, 1);
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() as u32 + 1;
    for finding in &report.findings {
        assert!((1..=lines).contains(&finding.line), "{finding:?}");
    }
}

#[test]
fn the_seed_itself_is_whole() {
    assert_eq!(told(&report(&[("a.php", SEED)])), [""; 0]);
}

#[test]
fn a_file_cut_anywhere_is_survived() {
    for end in (0..SEED.len()).step_by(3) {
        survives(&SEED.as_bytes()[..end]);
    }
}

/// Each seed is a number that says which bytes are changed and to what.
#[test]
fn a_file_with_any_bytes_changed_is_survived() {
    for seed in 0..400_u64 {
        let mut bytes = SEED.as_bytes().to_vec();
        let mut random = Seed::new(seed);
        for _ in 0..1 + seed % 8 {
            let at = random.below(bytes.len() as u64) as usize;
            match seed % 3 {
                0 => bytes[at] = random.below(256) as u8,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, b"(){}[]'\"$\\;?<"[random.below(13) as usize]),
            }
        }
        survives(&bytes);
    }
}

#[test]
fn bytes_that_are_no_text_are_survived() {
    let every: Vec<u8> = (0..=255).cycle().take(4096).collect();
    survives(&every);
    survives(&[b"<?php ".as_slice(), &every].concat());
    survives(b"");
    survives(b"\xef\xbb\xbf<?php\nrequire 'x.php';");
    survives(b"<?php require \"\xff\xfe\";");
    survives(b"<?php require 'a\0b.php';");
}

#[test]
fn nesting_of_any_depth_is_survived() {
    for depth in [100, 600, 2_000, 100_000] {
        for (open, close) in [
            ("(", ")"),
            ("[", "]"),
            ("{", "}"),
            ("if (1) ", ";"),
            ("!", "1"),
            ("f(", ")"),
        ] {
            survives(format!("<?php {}{}", open.repeat(depth), close.repeat(depth)).as_bytes());
        }
    }
    let deep = format!("<?php $x = {}1{};", "(".repeat(2_000), ")".repeat(2_000));
    let report = report(&[("a.php", &deep)]);
    assert_eq!(told(&report), ["note not-checked a.php:1:1"]);
}

#[test]
fn chains_of_any_length_are_survived() {
    for link in [" . 'a'", "->b", "[1]", "()", " ?? 1", " && f()", " ? 1 : 2"] {
        survives(format!("<?php require $x{};", link.repeat(20_000)).as_bytes());
    }
    survives(format!("<?php {} require $x;", "$x = $x . $x;".repeat(2_000)).as_bytes());
    survives(format!("<?php {}", "const A = A . A; require A;".repeat(500)).as_bytes());
    survives("<?php require 'a.php';\n".repeat(20_000).as_bytes());
}

#[test]
fn a_file_too_long_is_said_to_be_not_checked() {
    let limits = Limits {
        file_max_bytes: 100,
        ..Limits::default()
    };
    let long = format!("<?php\nfoo(;{}", " ".repeat(100));
    let told_of = |text: &str| {
        told(&check(
            &Written::new(&[("a.php", text)]),
            &Setting::default(),
            &limits,
        ))
    };
    assert_eq!(told_of(&long), ["note not-checked a.php:1:1"]);
    assert_eq!(told_of("<?php\nfoo(;"), ["error syntax-error a.php:2:5"]);
}

#[test]
fn constants_that_name_each_other_end() {
    let files = [
        ("a.php", "<?php\nconst A = B . '/';\nrequire A . 'x.php';"),
        ("b.php", "<?php\ndefine('B', A . '/');"),
    ];
    assert_eq!(told(&report(&files)), [""; 0]);
}

/// As many names as a big shop with its pictures has, and one of them wrong.
#[test]
fn a_tree_of_200_000_files_is_looked_at() {
    let mut tree = Written::new(&[("index.php", "<?php\nrequire __DIR__ . '/d0/f0.php';\necho 1;")]);
    let mut put = |path: String, code: String| {
        let kind = EntryKind::File {
            size_bytes: code.len() as u64,
        };
        tree.entries.push(Entry { path, kind });
        tree.bytes.push(code.into_bytes());
    };
    for at in 0..20_000 {
        let (dir, next) = (at / 10, at / 10 * 10 + (at + 1) % 10);
        let wrong = if at == 12_345 {
            "require __DIR__ . '/f1234.php';"
        } else {
            ""
        };
        let code = format!(
            "<?php\nrequire __DIR__ . '/f{next}.php';\nrequire 'f{at}.php';{wrong}\nfunction g{at}() {{ g{next}(); }}\ng{at}();"
        );
        put(format!("d{dir}/f{at}.php"), code);
        for picture in 0..9 {
            put(format!("d{dir}/f{at}-{picture}.png"), String::new());
        }
    }
    let report = check(&tree, &Setting::default(), &Limits::default());
    assert_eq!(report.summary.files, 20_001);
    let told = told(&report);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("error include-not-found d1234/f12345.php:3:30 d1234/f1234.php"),
        "{told:?}"
    );
}

/// A hundred times what a file of this length takes that a person wrote.
#[test]
fn a_file_whose_tree_would_take_gigabytes_is_said_to_be_not_checked() {
    let length = Limits::default().file_max_bytes as usize;
    let code = format!("<?php {}", "f($x);".repeat((length - 6) / 6));
    let report = report(&[("a.php", code.as_str()), ("b.php", "<?php\nfoo(;")]);
    assert_eq!(
        told(&report),
        ["note not-checked a.php:1:1", "error syntax-error b.php:2:5"]
    );
    assert_eq!(
        report.findings[0].message,
        "not checked: it holds more code than the parser takes at once"
    );
}

/// Files of the greatest length that are made of the same few bytes.
#[test]
fn the_same_again_and_again_is_survived() {
    let length = Limits::default().file_max_bytes as usize;
    for unit in [
        ";",
        "{}",
        "a:",
        "<?=1?>a",
        "f($x);",
        "$x='a';require $x;",
        "[",
        "'a'=>[1,",
        "if(1)",
        "#[A]",
        "\n",
    ] {
        let code = format!("<?php {}", unit.repeat((length - 6) / unit.len()));
        survives(code.as_bytes());
    }
}
