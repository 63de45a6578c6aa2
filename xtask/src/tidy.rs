//! What must hold in every commit. Each check is a pure function from what was read to findings, and
//! brings its own broken input as tests. The rules stand in `xtask/tidy.toml`.

mod applications;
mod doors;
mod edges;
mod machine;
mod outside;
mod places;
mod programs;
mod rules;
mod shape;
mod words;

use std::process::ExitCode;

use crate::finding::Finding;
use crate::rust::Source;
use crate::snapshot::Snapshot;
use crate::workspace::Workspace;

pub(crate) use rules::Rules;

/// Everything that a check may look at.
pub(crate) struct Project<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) sources: &'a [Source],
    pub(crate) workspace: &'a Workspace,
    pub(crate) rules: &'a Rules,
}

type Check = fn(&Project<'_>) -> Vec<Finding>;

/// Every check, in the order of their names.
const CHECKS: &[Check] = &[
    applications::check,
    doors::check,
    edges::check,
    outside::check,
    places::check,
    programs::check,
    shape::check,
    words::check,
];

/// Checks this workspace and prints what it refuses.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let workspace = Workspace::read()?;
    let snapshot = Snapshot::read(workspace.root())?;
    let rules = Rules::read(&snapshot)?;
    let (sources, mut findings) = parse(&snapshot);
    let project = Project {
        snapshot: &snapshot,
        sources: &sources,
        workspace: &workspace,
        rules: &rules,
    };
    findings.extend(CHECKS.iter().flat_map(|check| check(&project)));
    findings.extend(machine::check(
        &snapshot,
        &machine::Marks::of_this_machine(workspace.root()),
    ));
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    println!(
        "tidy: {} files, {} crates, {} findings",
        snapshot.files.len(),
        workspace.crates.len(),
        findings.len()
    );
    Ok(if findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

/// Parses every Rust file; one that is no Rust is itself a finding.
pub(crate) fn parse(snapshot: &Snapshot) -> (Vec<Source>, Vec<Finding>) {
    let mut sources = Vec::new();
    let mut findings = Vec::new();
    for file in snapshot.rust() {
        match Source::parse(file) {
            Ok(source) => sources.push(source),
            Err(error) => findings.push(Finding {
                path: file.path.clone(),
                line: error.span().start().line,
                rule: "rust",
                says: error.to_string(),
                mend: "let it compile first".to_owned(),
            }),
        }
    }
    (sources, findings)
}

/// What the checks' tests are made of.
#[cfg(test)]
pub(crate) mod case {
    use super::*;

    /// A project of the given files and rules, without a graph of crates.
    pub(crate) fn of_files(check: Check, files: &[(&str, &str)], rules: &str) -> Vec<String> {
        let snapshot = Snapshot::of(files);
        of_snapshot(check, &snapshot, rules)
    }

    /// The same for a snapshot that was made by hand.
    pub(crate) fn of_snapshot(check: Check, snapshot: &Snapshot, rules: &str) -> Vec<String> {
        of_project(check, snapshot, &Workspace::default(), rules)
    }

    /// The same with a graph.
    pub(crate) fn of_project(
        check: Check,
        snapshot: &Snapshot,
        workspace: &Workspace,
        rules: &str,
    ) -> Vec<String> {
        let (sources, broken) = parse(snapshot);
        assert_eq!(broken, [], "a case is made of Rust");
        let rules = self::rules(rules);
        let project = Project {
            snapshot,
            sources: &sources,
            workspace,
            rules: &rules,
        };
        let told = |finding: Finding| {
            format!(
                "{}:{}: [{}] {}",
                finding.path, finding.line, finding.rule, finding.says
            )
        };
        check(&project).into_iter().map(told).collect()
    }

    /// The given rules; what they leave out is empty.
    fn rules(text: &str) -> Rules {
        let mut rules: toml::Table = toml::from_str(EMPTY).expect("the empty rules are TOML");
        rules.extend(toml::from_str::<toml::Table>(text).expect("the case's rules are TOML"));
        rules.try_into().expect("the case's rules are rules")
    }

    const EMPTY: &str = r#"
        doors = []
        edges = {}
        dev_only = { crates = [] }
        owners = {}
        banned = {}
        licences = { allowed = [] }
        duplicates = {}
        words = { modules = [], type_endings = [] }
        shape = { file_lines_max = 800, function_lines_max = 70 }
        applications = { table = "applications.rs", everyday = [] }
    "#;
}
