//! One report through every format, plain and as hostile as a tree can make it.

use lamp_model::baseline::Baseline;
use lamp_model::finding::{BlastRadius, CheckReport, CheckSummary, Finding, RuleName, Severity};
use lamp_model::reach::{UnknownInclude, UnknownReason};
use serde_json::Value;

use super::known::Known;
use super::*;
use crate::worker::check::answer::{Answer, Beside, InTree};

fn finding(severity: Severity, path: &str, words: &str) -> Finding {
    Finding {
        rule: RuleName::parse("include-not-found").expect("a rule"),
        severity,
        path: path.to_owned(),
        line: 7,
        column: 9,
        message: format!("names {words}"),
        target: Some(words.to_owned()),
        suggestion: Some(words.replace("mial", "mail")),
        blast_radius: Some(BlastRadius {
            entry_points: 3,
            of: 4,
        }),
    }
}

fn answer(findings: Vec<Finding>, words: &str) -> Answer {
    let beside = Beside {
        line: Some(format!("require '{words}';")),
        entry_points: vec![words.to_owned()],
        is_slip: true,
    };
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .count() as u64;
    let unknown = UnknownInclude {
        path: words.to_owned(),
        line: 1,
        column: 1,
        reason: UnknownReason::ForeignConstant {
            name: words.to_owned(),
        },
    };
    Answer {
        beside: vec![beside; findings.len()],
        report: CheckReport {
            summary: CheckSummary {
                files: 1,
                errors,
                ..CheckSummary::default()
            },
            findings,
        },
        baseline: InTree::None,
        unknown: Some(vec![unknown]),
        graph: None,
        dependents: None,
        top: None,
    }
}

const FORMATS: [CheckFormat; 5] = [
    CheckFormat::Text,
    CheckFormat::Json,
    CheckFormat::Sarif,
    CheckFormat::Github,
    CheckFormat::Junit,
];

/// What a tree may be called, or hold in its lines.
const HOSTILE: [&str; 16] = [
    "::error::x",
    "\n::error file=a::b",
    "%0A::set-output name=x::y",
    "]]>",
    "<!--",
    "</failure><script>",
    "&lt;\"'",
    "\x1b[2J\x1b]0;x\x07",
    "\u{202e}gpj",
    "\u{0}",
    "\r\n",
    "\u{9b}31m",
    "a,line=1:2",
    "\u{fffd}\u{ffff}",
    "{{`$(id)`",
    "\\\"é",
];

fn no_control(text: &str, seed: &str) {
    let acts = |c: char| (c.is_control() && c != '\n') || lamp_model::plain::is_invisible(c);
    assert!(!text.chars().any(acts), "{seed}: {text:?}");
}

/// Every `<` begins a tag of ours, every `&` an entity, and what is opened is closed.
fn is_well_formed(xml: &str, seed: &str) {
    let mut open: Vec<&str> = Vec::new();
    for tag in xml.split('<').skip(1) {
        let (within, _) = tag.split_once('>').expect("an end");
        let name = within
            .trim_start_matches(['/', '?'])
            .split([' ', '/', '?'])
            .next()
            .expect("a name");
        assert!(
            [
                "xml",
                "testsuites",
                "testsuite",
                "testcase",
                "failure",
                "system-out"
            ]
            .contains(&name),
            "{seed}: {name}"
        );
        assert_eq!(within.matches('"').count() % 2, 0, "{seed}: {within}");
        match (within.starts_with('/'), within.ends_with(['/', '?'])) {
            (true, _) => assert_eq!(open.pop(), Some(name), "{seed}"),
            (false, true) => {}
            (false, false) => open.push(name),
        }
    }
    assert!(open.is_empty(), "{seed}: {open:?}");
    for entity in xml.split('&').skip(1) {
        let known = ["amp;", "lt;", "gt;", "quot;", "apos;"];
        assert!(
            known.iter().any(|known| entity.starts_with(known)),
            "{seed}: {entity}"
        );
    }
}

fn is_one_command_a_line(text: &str, seed: &str) {
    for line in text.lines() {
        let rest = line.strip_prefix("::error file=").expect(seed);
        let (properties, words) = rest.split_once("::").expect(seed);
        let keys: Vec<&str> = properties
            .split(',')
            .skip(1)
            .filter_map(|part| part.split('=').next())
            .collect();
        assert_eq!(keys, ["line", "col", "title"], "{seed}: {line}");
        assert!(words.contains("names "), "{seed}: {line}");
    }
}

fn inert(words: &str) {
    let path = format!("a{words}.php");
    let answer = answer(vec![finding(Severity::Error, &path, words)], words);
    let known = Known {
        names: vec![words.to_owned()],
        baseline: Baseline::of(&[finding(Severity::Note, &path, words)]),
    };
    let shown = Shown::new(Path::new("."), &answer, Some(known));
    for format in FORMATS {
        let text = printed(format, &shown);
        no_control(&text, words);
        match format {
            CheckFormat::Text | CheckFormat::Dot => {}
            CheckFormat::Github => {
                assert_eq!(text.lines().count(), 1, "{text:?}");
                is_one_command_a_line(&text, words);
            }
            CheckFormat::Junit => is_well_formed(&text, words),
            CheckFormat::Json => {
                let value: Value = serde_json::from_str(&text).expect(words);
                assert_eq!(value["findings"][0]["path"], path.as_str());
                assert_eq!(value["findings"][0]["target"], words);
            }
            CheckFormat::Sarif => {
                let value: Value = serde_json::from_str(&text).expect(words);
                let uri = &value["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
                    ["uri"];
                let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~/%".contains(c);
                assert!(uri.as_str().is_some_and(|uri| uri.chars().all(allowed)), "{uri}");
            }
        }
    }
}

#[test]
fn strangers_text_breaks_no_format_and_no_terminal() {
    for words in HOSTILE {
        inert(words);
    }
    for seed in 1..300_usize {
        let words: String = (0..seed % 7)
            .map(|n| HOSTILE[(seed * 31 + n * n * 17) % HOSTILE.len()])
            .collect();
        inert(&words);
    }
}

fn three() -> Vec<Finding> {
    vec![
        finding(Severity::Error, "a.php", "mial.php"),
        finding(Severity::Warning, "b.php", "c.php"),
        finding(Severity::Note, "d.php", "e.php"),
    ]
}

/// What a terminal is told are our own marks and nothing else.
#[test]
fn colours_add_nothing_but_colours() {
    for words in HOSTILE {
        let answer = answer(vec![finding(Severity::Error, words, words)], words);
        let shown = Shown::new(Path::new("."), &answer, None);
        let coloured = text::text(&shown, Paint::new(true));
        assert!(
            coloured.contains("\x1b[1;31merror[include-not-found]\x1b[0m"),
            "{coloured:?}"
        );
        let ours = ["\x1b[1m", "\x1b[1;31m", "\x1b[1;34m", "\x1b[0m"];
        let bare = ours.iter().fold(coloured, |text, mark| text.replace(mark, ""));
        assert_eq!(bare, text::text(&shown, Paint::new(false)));
    }
}

#[test]
fn only_what_is_new_counts() {
    let answer = answer(three(), "mial.php");
    let errors = |known: &[Finding]| {
        let known = Known {
            names: vec!["x".to_owned()],
            baseline: Baseline::of(known),
        };
        Shown::new(Path::new("."), &answer, Some(known)).errors()
    };
    assert_eq!(Shown::new(Path::new("."), &answer, None).errors(), 1);
    assert_eq!(errors(&[]), 1);
    assert_eq!(errors(&three()), 0);
    assert_eq!(errors(&three()[1..]), 1);
}

#[test]
fn each_format_tells_the_same_findings() {
    let answer = answer(three(), "mial.php");
    let known = Known {
        names: vec!["release r1 of shop".to_owned()],
        baseline: Baseline::of(&three()[1..2]),
    };
    let shown = Shown::new(Path::new("."), &answer, Some(known));
    for format in FORMATS {
        let name = format!("{format:?}").to_lowercase();
        let text = printed(format, &shown);
        // The pages and the place are others' matter.
        let text = match format {
            CheckFormat::Sarif => without_rules(&text),
            CheckFormat::Json => text
                .lines()
                .filter(|line| !line.contains("\"root\""))
                .collect::<Vec<_>>()
                .join("\n"),
            CheckFormat::Text | CheckFormat::Github | CheckFormat::Junit | CheckFormat::Dot => text,
        };
        insta::assert_snapshot!(name, text);
    }
}

fn without_rules(sarif: &str) -> String {
    let mut log: Value = serde_json::from_str(sarif).expect("JSON");
    let driver = &mut log["runs"][0]["tool"]["driver"];
    let rules = driver["rules"].as_array().expect("rules").len();
    let listed = lamp_check::rules().count();
    assert_eq!(rules, listed);
    driver["rules"] = Value::Null;
    driver["semanticVersion"] = Value::Null;
    serde_json::to_string_pretty(&log).expect("JSON")
}
