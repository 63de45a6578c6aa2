//! What documents say about where things are: every file and function that ARCHITECTURE.md answers a
//! question with exists, and so does every test that SECURITY.md shows a threat by, and every link.

use super::Project;
use crate::finding::Finding;
use crate::rust::Source;
use crate::snapshot::File;

const RULE: &str = "place";
const MAP: &str = "ARCHITECTURE.md";
const QUESTIONS_MIN: usize = 12;
const SECURITY: &str = "SECURITY.md";
/// Acceptance tests T1 to T30.
const ACCEPTANCE_TESTS: usize = 30;
const NOT_YET: &str = "not yet";

pub(crate) fn check(project: &Project<'_>) -> Vec<Finding> {
    let mut findings = questions(project);
    findings.extend(acceptance(project));
    let documents = project
        .snapshot
        .files
        .iter()
        .filter(|file| file.path.ends_with(".md"));
    findings.extend(documents.flat_map(|document| dead_links(project, document)));
    findings
}

/// Links `[text](target)` to something of the project that is not there.
fn dead_links(project: &Project<'_>, document: &File) -> Vec<Finding> {
    let directory = document
        .path
        .rsplit_once('/')
        .map_or("", |(directory, _)| directory);
    let lines = document.text.lines().enumerate();
    let targets = lines.flat_map(|(index, line)| line.split("](").skip(1).map(move |rest| (index + 1, rest)));
    let targets = targets.filter_map(|(line, rest)| Some((line, rest.split_once(')')?.0)));
    let ours = targets.filter(|(_, target)| !target.contains("://") && !target.starts_with('#'));
    let dead = ours.filter(|(_, target)| !is_there(project, directory, target));
    dead.map(|(line, target)| {
        finding(
            &document.path,
            line,
            format!("links to {target}, which does not exist"),
            "link to what it is called now",
        )
    })
    .collect()
}

/// A file of the project, or a directory that holds one; `target` is relative to `directory`.
fn is_there(project: &Project<'_>, directory: &str, target: &str) -> bool {
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    let target = target.split('#').next().unwrap_or_default();
    for part in target.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    let wanted = parts.join("/");
    let below = format!("{wanted}/");
    project
        .snapshot
        .files
        .iter()
        .any(|file| file.path == wanted || file.path.starts_with(&below))
}

/// A row of a table: its line from 1, and its cells.
struct Row<'a> {
    line: usize,
    cells: Vec<&'a str>,
}

fn rows<'a>(project: &'a Project<'_>, path: &str) -> Vec<Row<'a>> {
    let text = project.snapshot.file(path).map_or("", |file| file.text.as_str());
    let row = |(index, line): (usize, &'a str)| {
        let line_text = line.trim().strip_prefix('|')?.strip_suffix('|')?;
        Some(Row {
            line: index + 1,
            cells: line_text.split('|').map(str::trim).collect(),
        })
    };
    text.lines().enumerate().filter_map(row).collect()
}

/// `| Where is X? | file | function |`
fn questions(project: &Project<'_>) -> Vec<Finding> {
    let rows = rows(project, MAP);
    let questions: Vec<&Row<'_>> = rows
        .iter()
        .filter(|row| row.cells[0].starts_with("Where "))
        .collect();
    let mut findings: Vec<Finding> = questions
        .iter()
        .flat_map(|row| missing_places(project, MAP, row, &row.cells[1..]))
        .collect();
    if questions.len() < QUESTIONS_MIN {
        let says = format!(
            "answers {} questions 'Where ...', not {QUESTIONS_MIN}",
            questions.len()
        );
        findings.push(finding(
            MAP,
            0,
            says,
            "add rows `| Where is X? | `file` | `function` |`",
        ));
    }
    findings
}

/// `| T1 | what must hold | file and test, or not yet |`
fn acceptance(project: &Project<'_>) -> Vec<Finding> {
    let rows = rows(project, SECURITY);
    (1..=ACCEPTANCE_TESTS)
        .flat_map(|number| acceptance_row(project, &rows, number))
        .collect()
}

fn acceptance_row(project: &Project<'_>, rows: &[Row<'_>], number: usize) -> Vec<Finding> {
    let name = format!("T{number}");
    let mut named = rows.iter().filter(|row| row.cells[0] == name);
    let Some(row) = named.next() else {
        return vec![finding(
            SECURITY,
            0,
            format!("{name} has no row"),
            "add `| T… | what must hold | the test, or not yet |`",
        )];
    };
    if named.next().is_some() {
        return vec![finding(
            SECURITY,
            row.line,
            format!("{name} has two rows"),
            "keep one",
        )];
    }
    let shown_by = row.cells.last().copied().unwrap_or_default();
    if shown_by.starts_with(NOT_YET) {
        return Vec::new();
    }
    missing_places(project, SECURITY, row, &[shown_by])
}

/// What the cells name in backticks: a path, then the functions in it.
fn missing_places(project: &Project<'_>, document: &str, row: &Row<'_>, cells: &[&str]) -> Vec<Finding> {
    let words: Vec<&str> = cells
        .iter()
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    let mut findings = Vec::new();
    let mut path = None;
    let mut functions = 0;
    for word in words {
        if word.contains('/') {
            path = Some(word);
        } else if let Some(path) = path {
            functions += 1;
            findings.extend(missing(project, path, word).map(|says| {
                finding(
                    document,
                    row.line,
                    says,
                    "name the file and the function as they are now",
                )
            }));
        }
    }
    if functions == 0 {
        findings.push(finding(
            document,
            row.line,
            format!("'{}' is answered by no file and function", row.cells[0]),
            "name both, each in backticks",
        ));
    }
    findings
}

fn missing(project: &Project<'_>, path: &str, function: &str) -> Option<String> {
    let Some(file) = project.snapshot.file(path) else {
        return Some(format!("{path} does not exist"));
    };
    let found = match project.sources.iter().find(|source| source.path == path) {
        Some(source) => has_function(source, function),
        None => file.text.contains(&format!("{function}(")),
    };
    (!found).then(|| format!("{path} has no function {function}"))
}

/// `name` also finds `Type::name`.
fn has_function(source: &Source, wanted: &str) -> bool {
    source
        .functions
        .iter()
        .any(|function| function.name == wanted || function.name.rsplit("::").next() == Some(wanted))
}

fn finding(path: &str, line: usize, says: String, mend: &str) -> Finding {
    Finding {
        path: path.to_owned(),
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

    const CODE: (&str, &str) = ("crates/a/src/lib.rs", "fn f() {}\nimpl Store { fn open() {} }");
    const MODULE: (&str, &str) = ("crates/b/mod.c", "static int hook(request_rec *r) {}");

    /// Both documents as they should be, with one row of each replaced.
    #[track_caller]
    fn check_rows(question: &str, threat: &str, expected: &[&str]) {
        let mut map = format!("{question}\n");
        map.push_str(&"| Where is f? | `crates/a/src/lib.rs` | `f` |\n".repeat(11));
        let mut security = format!("{threat}\n");
        for number in 2..=ACCEPTANCE_TESTS {
            security.push_str(&format!("| T{number} | holds | not yet |\n"));
        }
        let files = [CODE, MODULE, (MAP, map.as_str()), (SECURITY, security.as_str())];
        assert_eq!(case::of_files(check, &files, ""), expected);
    }

    const GOOD_QUESTION: &str = "| Where is it? | `crates/a/src/lib.rs` | `Store::open` |";
    const GOOD_THREAT: &str = "| T1 | holds | `crates/a/src/lib.rs` `f` |";

    #[test]
    fn what_is_named_exists() {
        check_rows(GOOD_QUESTION, GOOD_THREAT, &[]);
        check_rows(
            "| Where is it? | `crates/b/mod.c` | `hook` |",
            "| T1 | holds | not yet: no gate |",
            &[],
        );
    }

    #[test]
    fn a_moved_answer_is_told() {
        check_rows(
            "| Where is it? | `crates/a/src/gone.rs` | `f` |",
            GOOD_THREAT,
            &["ARCHITECTURE.md:1: [place] crates/a/src/gone.rs does not exist"],
        );
        check_rows(
            "| Where is it? | `crates/a/src/lib.rs` | `gone` |",
            GOOD_THREAT,
            &["ARCHITECTURE.md:1: [place] crates/a/src/lib.rs has no function gone"],
        );
        check_rows(
            "| Where is it? | in the store | |",
            GOOD_THREAT,
            &["ARCHITECTURE.md:1: [place] 'Where is it?' is answered by no file and function"],
        );
        check_rows(
            "| Who? | | |",
            GOOD_THREAT,
            &["ARCHITECTURE.md:0: [place] answers 11 questions 'Where ...', not 12"],
        );
    }

    #[test]
    fn a_threat_without_row_or_test_is_told() {
        check_rows(GOOD_QUESTION, "", &["SECURITY.md:0: [place] T1 has no row"]);
        check_rows(
            GOOD_QUESTION,
            "| T1 | holds | |",
            &["SECURITY.md:1: [place] 'T1' is answered by no file and function"],
        );
        check_rows(
            GOOD_QUESTION,
            "| T1 | holds | `crates/a/src/lib.rs` `gone` |",
            &["SECURITY.md:1: [place] crates/a/src/lib.rs has no function gone"],
        );
        check_rows(
            GOOD_QUESTION,
            &format!("{GOOD_THREAT}\n{GOOD_THREAT}"),
            &["SECURITY.md:1: [place] T1 has two rows"],
        );
    }

    #[test]
    fn a_link_leads_to_something() {
        let links = "[a](../crates/a/src/lib.rs#L3) [b](../crates/b/) [c](https://example.org/x) [d](#here)";
        let good = ("docs/good.md", links);
        let bad = ("docs/bad.md", "\n[a](crates/a/src/lib.rs)");
        let told = case::of_files(
            |project| dead_links(project, &project.snapshot.files[0]),
            &[good, CODE, MODULE],
            "",
        );
        assert_eq!(told, Vec::<String>::new());
        let told = case::of_files(
            |project| dead_links(project, &project.snapshot.files[0]),
            &[bad, CODE, MODULE],
            "",
        );
        assert_eq!(
            told,
            ["docs/bad.md:2: [place] links to crates/a/src/lib.rs, which does not exist"]
        );
    }
}
