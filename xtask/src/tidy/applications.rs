//! What is known of real applications is data, in one table per crate: no other shipped code holds the
//! name of a directory of `fixtures/`, where those applications stand.

use super::Project;
use crate::finding::Finding;
use crate::rust::{Named, Source};

pub(crate) fn check(project: &Project<'_>) -> Vec<Finding> {
    let rules = &project.rules.applications;
    let known = project
        .snapshot
        .fixture_directories
        .iter()
        .filter(|name| !rules.everyday.contains(name));
    let known: Vec<&str> = known.map(String::as_str).collect();
    let held = project
        .sources
        .iter()
        .filter(|source| source.path.starts_with("crates/"));
    let held = held.filter(|source| !source.path.ends_with(&format!("/{}", rules.table)));
    let mut findings: Vec<Finding> = held
        .flat_map(|source| of_source(source, &known, &rules.table))
        .collect();
    findings.extend(second_tables(project));
    findings
}

fn of_source(source: &Source, known: &[&str], table: &str) -> Vec<Finding> {
    let named = source.shipped_strings();
    named
        .filter_map(|named| known_in(named, known).map(|name| finding(source, named.line, name, table)))
        .collect()
}

/// The known name that is a part of a path in this string.
fn known_in<'a>(named: &Named, known: &[&'a str]) -> Option<&'a str> {
    let is_letter = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_' | '.');
    let mut parts = named.text.split(|character| !is_letter(character));
    parts.find_map(|part| known.iter().find(|name| **name == part).copied())
}

fn finding(source: &Source, line: usize, name: &str, table: &str) -> Finding {
    Finding {
        path: source.path.clone(),
        line,
        rule: "application",
        says: format!("'{name}' is knowledge of an application"),
        mend: format!(
            "make it a row of the crate's {table}; if it is an everyday word, list it in xtask/tidy.toml"
        ),
    }
}

fn second_tables(project: &Project<'_>) -> Vec<Finding> {
    let table = &project.rules.applications.table;
    let tables: Vec<&Source> = project
        .sources
        .iter()
        .filter(|source| source.path.ends_with(&format!("/{table}")))
        .collect();
    let second = |(index, source): &(usize, &&Source)| {
        tables[..*index]
            .iter()
            .any(|earlier| earlier.krate == source.krate)
    };
    let says = |source: &Source| Finding {
        path: source.path.clone(),
        line: 0,
        rule: "application",
        says: format!("{} has a second {table}", source.krate),
        mend: "one table per crate".to_owned(),
    };
    tables
        .iter()
        .enumerate()
        .filter(second)
        .map(|(_, source)| says(source))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Snapshot;
    use crate::tidy::case;

    #[track_caller]
    fn check_files(files: &[(&str, &str)], expected: &[&str]) {
        let mut snapshot = Snapshot::of(files);
        snapshot.fixture_directories = ["wp-content", "public"].map(str::to_owned).to_vec();
        let rules = r#"applications = { table = "applications.rs", everyday = ["public"] }"#;
        assert_eq!(case::of_snapshot(check, &snapshot, rules), expected);
    }

    #[test]
    fn knowledge_stands_in_the_table_only() {
        let source = "const A: &str = \"wp-content/uploads\";";
        check_files(
            &[("crates/a/src/lib.rs", source)],
            &["crates/a/src/lib.rs:1: [application] 'wp-content' is knowledge of an application"],
        );
        check_files(&[("crates/a/src/applications.rs", source)], &[]);
        check_files(&[("crates/a/tests/it/a.rs", source)], &[]);
        check_files(
            &[("crates/a/src/lib.rs", "const A: &str = \"public/my-wp-content\";")],
            &[],
        );
    }

    #[test]
    fn a_crate_has_one_table() {
        let files = [
            ("crates/a/src/applications.rs", ""),
            ("crates/a/src/b/applications.rs", ""),
            ("crates/b/src/applications.rs", ""),
        ];
        check_files(
            &files,
            &["crates/a/src/b/applications.rs:0: [application] a has a second applications.rs"],
        );
    }
}
