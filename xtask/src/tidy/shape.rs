//! Every module opens with its story; no file and no function is too long to be read.

use super::Project;
use super::rules::Shape;
use crate::finding::Finding;
use crate::rust::{Function, Source};
use crate::snapshot::Place;

const RULE: &str = "shape";

pub(crate) fn check(project: &Project<'_>) -> Vec<Finding> {
    let shape = &project.rules.shape;
    let mut findings: Vec<Finding> = project
        .sources
        .iter()
        .flat_map(|source| of_source(source, shape))
        .collect();
    findings.extend(
        shape
            .longer
            .keys()
            .filter(|name| !is_longer(project, name))
            .map(|name| no_longer(name)),
    );
    findings
}

fn of_source(source: &Source, shape: &Shape) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !source.starts_with_story && source.place != Place::Test {
        findings.push(finding(
            source,
            1,
            "the module has no story".to_owned(),
            "open it with `//!`: what it is for, its invariant, where to start",
        ));
    }
    if source.lines > shape.file_lines_max && !shape.longer.contains_key(&source.path) {
        let says = format!("{} lines, more than {}", source.lines, shape.file_lines_max);
        findings.push(finding(
            source,
            0,
            says,
            "split it by what it is about, not by kind",
        ));
    }
    let long = |function: &&Function| {
        function.lines > shape.function_lines_max && !shape.longer.contains_key(&key(source, function))
    };
    findings.extend(
        source
            .functions
            .iter()
            .filter(long)
            .map(|function| too_long(source, function, shape)),
    );
    findings
}

fn key(source: &Source, function: &Function) -> String {
    format!("{}:{}", source.path, function.name)
}

fn too_long(source: &Source, function: &Function, shape: &Shape) -> Finding {
    let says = format!(
        "{} has {} lines, more than {}",
        function.name, function.lines, shape.function_lines_max
    );
    finding(
        source,
        function.line,
        says,
        "let the parent decide and the leaves compute; or say why in [shape.longer]",
    )
}

/// Whether an exception is still needed.
fn is_longer(project: &Project<'_>, name: &str) -> bool {
    let shape = &project.rules.shape;
    project.sources.iter().any(|source| {
        let file = source.path == name && source.lines > shape.file_lines_max;
        let long =
            |function: &Function| key(source, function) == name && function.lines > shape.function_lines_max;
        file || source.functions.iter().any(long)
    })
}

fn no_longer(name: &str) -> Finding {
    let says = format!("{name} is not too long any more");
    let mend = "remove it from [shape.longer]".to_owned();
    Finding {
        path: super::rules::PATH.to_owned(),
        line: 0,
        rule: RULE,
        says,
        mend,
    }
}

fn finding(source: &Source, line: usize, says: String, mend: &str) -> Finding {
    Finding {
        path: source.path.clone(),
        line,
        rule: RULE,
        says,
        mend: mend.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::case;

    const PATH: &str = "crates/a/src/lib.rs";

    #[track_caller]
    fn check_source(source: &str, longer: &str, expected: &[&str]) {
        let rules =
            format!("shape = {{ file_lines_max = 6, function_lines_max = 3, longer = {{ {longer} }} }}");
        assert_eq!(case::of_files(check, &[(PATH, source)], &rules), expected);
    }

    #[test]
    fn a_story_is_told_and_lengths_are_held() {
        check_source("//! A.\nfn f() {\n}\n", "", &[]);
        check_source(
            "fn f() {\n}\n",
            "",
            &["crates/a/src/lib.rs:1: [shape] the module has no story"],
        );
        let long = "//! A.\nfn f() {\n\n\n}\n";
        check_source(
            long,
            "",
            &["crates/a/src/lib.rs:2: [shape] f has 4 lines, more than 3"],
        );
        check_source(
            "//! A.\n\n\n\n\n\n\n",
            "",
            &["crates/a/src/lib.rs:0: [shape] 7 lines, more than 6"],
        );
    }

    #[test]
    fn an_exception_holds_only_while_it_is_needed() {
        let long = "//! A.\nfn f() {\n\n\n}\n";
        let exception = "\"crates/a/src/lib.rs:f\" = \"one table\"";
        check_source(long, exception, &[]);
        let says = "xtask/tidy.toml:0: [shape] crates/a/src/lib.rs:f is not too long any more";
        check_source("//! A.\nfn f() {}\n", exception, &[says]);
    }
}
