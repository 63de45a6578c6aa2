//! What the worker answers `lamp check` beside the findings, and what its asker believes of it: the answer comes of a
//! process that read strangers' code.

use std::collections::HashMap;

use lamp_check::{Looked, Tree};
use lamp_model::baseline::{BASELINE_SCHEMA, Baseline};
use lamp_model::finding::{CheckReport, Finding};
use lamp_model::reach::{Dependents, UnknownInclude, Weight, WholeGraph};
use serde::{Deserialize, Serialize};

use super::dir_tree::DirTree;
use crate::cli::args::CheckWorkerArgs;

/// The name of a baseline that stands in its tree.
pub const BASELINE_NAME: &str = "lamp-baseline.json";

/// Findings after which no more lines are shown.
const LINES_MAX: usize = 1_000;
/// Longest line that is shown, in bytes.
const LINE_MAX_BYTES: usize = 400;
/// Most entry points that are named of one finding.
const ENTRY_POINTS_MAX: usize = 20;

/// What the worker prints with `--with-lines`; without it, an [`Inspection`](lamp_model::reach::Inspection) for the gate.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// What was found.
    pub report: CheckReport,
    /// Of each finding, what stands beside it.
    pub beside: Vec<Beside>,
    /// The tree's own baseline.
    pub baseline: InTree,
    /// Includes whose file cannot be told, if asked for.
    pub unknown: Option<Vec<UnknownInclude>>,
    /// Who includes whom, if asked for.
    pub graph: Option<WholeGraph>,
    /// What hangs on the file that was asked for, if it is one of the tree.
    pub dependents: Option<Dependents>,
    /// The heaviest files, if asked for.
    pub top: Option<Vec<Weight>>,
}

/// What stands beside a finding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beside {
    /// Its line of source, if it can be shown.
    pub line: Option<String>,
    /// Some of the entry points that reach it.
    pub entry_points: Vec<String>,
    /// Whether the suggestion is what was meant, and not merely what is nearest.
    pub is_slip: bool,
}

/// A baseline that may stand in the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InTree {
    /// There is none.
    None,
    /// It.
    Read(Baseline),
    /// It is none, and why.
    Wrong(String),
}

/// Everything that was asked for.
pub(super) fn answer(args: &CheckWorkerArgs, tree: &DirTree, looked: Looked) -> Answer {
    Answer {
        beside: all_beside(tree, &looked),
        baseline: in_tree(tree),
        graph: args.graph.then(|| looked.graph.whole()),
        dependents: args
            .dependents
            .as_deref()
            .and_then(|path| looked.graph.dependents(path)),
        top: args.top.map(|most| looked.graph.top(usize::from(most))),
        unknown: args.unknown.then_some(looked.unknown),
        report: looked.report,
    }
}

/// Puts the tree's baseline anew into an earlier answer, and the lines of source beside the findings in those entries that
/// are stale.
pub(super) fn show_again(tree: &DirTree, answer: &mut Answer, is_stale: impl Fn(usize) -> bool) {
    answer.baseline = in_tree(tree);
    let places = places(tree);
    let mut beside = answer.beside.iter_mut().enumerate();
    for findings in answer.report.findings.chunk_by(|a, b| a.path == b.path) {
        let path = findings.first().map_or("", |finding| finding.path.as_str());
        let beside: Vec<(usize, &mut Beside)> = beside.by_ref().take(findings.len()).collect();
        let is_shown = beside.first().is_some_and(|(at, _)| *at < LINES_MAX);
        let stale = places.get(path).filter(|at| is_shown && is_stale(**at));
        let Some(bytes) = stale.map(|at| tree.bytes(*at)) else {
            continue;
        };
        let bytes = bytes.unwrap_or_default();
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        for (finding, (_, beside)) in findings.iter().zip(beside) {
            beside.line = line(&lines, finding);
        }
    }
}

/// Where each path stands among the entries.
fn places(tree: &DirTree) -> HashMap<&str, usize> {
    let each = tree.entries().iter().enumerate();
    each.map(|(at, entry)| (entry.path.as_str(), at)).collect()
}

fn all_beside(tree: &DirTree, looked: &Looked) -> Vec<Beside> {
    let places = places(tree);
    let mut beside = Vec::with_capacity(looked.report.findings.len());
    // They come by file.
    for findings in looked.report.findings.chunk_by(|a, b| a.path == b.path) {
        let path = findings.first().map_or("", |finding| finding.path.as_str());
        let entry_points = looked.graph.entry_points_of(path, ENTRY_POINTS_MAX);
        let is_shown = beside.len() < LINES_MAX;
        let bytes = places
            .get(path)
            .filter(|_| is_shown)
            .and_then(|at| tree.bytes(*at).ok());
        let lines: Vec<&[u8]> = bytes
            .iter()
            .flat_map(|bytes| bytes.split(|byte| *byte == b'\n'))
            .collect();
        beside.extend(findings.iter().map(|finding| Beside {
            line: line(&lines, finding),
            entry_points: entry_points.clone(),
            is_slip: looked.is_slip(finding),
        }));
    }
    beside
}

/// The line of source that a finding is about, unless a secret stands in it.
fn line(lines: &[&[u8]], finding: &Finding) -> Option<String> {
    if !lamp_check::may_be_shown(finding) {
        return None;
    }
    let line = lines.get(usize::try_from(finding.line).ok()?.checked_sub(1)?)?;
    (line.len() <= LINE_MAX_BYTES).then(|| String::from_utf8_lossy(line).into_owned())
}

fn in_tree(tree: &DirTree) -> InTree {
    let mut entries = tree.entries().iter();
    let Some(at) = entries.position(|entry| entry.path == BASELINE_NAME) else {
        return InTree::None;
    };
    match tree.bytes(at).map_err(|why| why.to_string()) {
        Ok(bytes) => read_baseline(&bytes).map_or_else(InTree::Wrong, InTree::Read),
        Err(why) => InTree::Wrong(why),
    }
}

/// The bytes of a baseline; an error says why they are none.
pub fn read_baseline(bytes: &[u8]) -> Result<Baseline, String> {
    let baseline: Baseline = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    match baseline.schema {
        BASELINE_SCHEMA => Ok(baseline),
        other => Err(format!(
            "its schema is {other}, and this lamp reads {BASELINE_SCHEMA}"
        )),
    }
}

impl Answer {
    /// Whether it can be what a worker answers; an error says what cannot. Whoever prints or writes by it relies on
    /// that: each finding has one place beside it, and names a path beneath the tree.
    pub fn believed(self) -> Result<Self, String> {
        if self.beside.len() != self.report.findings.len() {
            return Err("it does not say the same of each finding".to_owned());
        }
        let mut findings = self.report.findings.iter();
        if let Some(finding) = findings.find(|finding| !is_beneath(&finding.path)) {
            return Err(format!("{:?} is no path of a tree", finding.path));
        }
        let files = self.graph.as_ref().map_or(0, |graph| graph.files.len());
        let mut numbers = self.graph.iter().flat_map(|graph| &graph.files);
        let is_file = |number: &u32| usize::try_from(*number).is_ok_and(|number| number < files);
        if !numbers.all(|file| file.includes.iter().all(is_file)) {
            return Err("its graph names files that it does not list".to_owned());
        }
        Ok(self)
    }
}

/// Relative, and never up.
fn is_beneath(path: &str) -> bool {
    !path.contains('\0') && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use lamp_model::finding::{CheckSummary, RuleName, Severity};
    use lamp_model::reach::GraphFile;

    use super::*;

    fn answer_about(path: &str, beside: usize, includes: u32) -> Answer {
        let finding = Finding {
            rule: RuleName::parse("syntax-error").expect("a rule"),
            severity: Severity::Error,
            path: path.to_owned(),
            line: 1,
            column: 1,
            message: String::new(),
            target: None,
            suggestion: None,
            blast_radius: None,
        };
        let file = GraphFile {
            path: path.to_owned(),
            is_entry_point: true,
            includes: vec![includes],
        };
        Answer {
            report: CheckReport {
                summary: CheckSummary::default(),
                findings: vec![finding],
            },
            beside: vec![Beside::default(); beside],
            baseline: InTree::None,
            unknown: None,
            graph: Some(WholeGraph {
                files: vec![file],
                includes_left_out: 0,
            }),
            dependents: None,
            top: None,
        }
    }

    #[test]
    fn an_answer_that_no_worker_gives_is_not_believed() {
        let is_believed = |path, beside, includes| answer_about(path, beside, includes).believed().is_ok();
        assert!(is_believed("a/b.php", 1, 0));
        for path in [
            "",
            "/etc/passwd",
            "../b.php",
            "a/../../b.php",
            "a//b",
            "./a",
            "a\0b",
        ] {
            assert!(!is_believed(path, 1, 0), "{path:?}");
        }
        assert!(!is_believed("a.php", 0, 0));
        assert!(!is_believed("a.php", 2, 0));
        assert!(!is_believed("a.php", 1, 1));
    }

    #[test]
    fn a_baseline_of_another_schema_or_shape_is_refused() {
        let why = |text: &str| read_baseline(text.as_bytes()).expect_err("refused");
        assert!(read_baseline(b"{\"schema\":1,\"findings\":[]}").is_ok());
        assert!(why("{\"schema\":2,\"findings\":[]}").contains("its schema is 2"));
        assert!(why("{\"schema\":1,\"findings\":[],\"extra\":1}").contains("extra"));
        assert!(!why("").is_empty());
        assert!(!why(&"[".repeat(100_000)).is_empty());
    }
}
