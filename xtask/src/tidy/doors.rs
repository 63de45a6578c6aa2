//! One door per effect: what shipped code may call, and in which crate.

use super::Project;
use super::rules::Door;
use crate::finding::Finding;
use crate::rust::{Named, Source};

pub(crate) fn check(project: &Project<'_>) -> Vec<Finding> {
    let through = |source| {
        project
            .rules
            .doors
            .iter()
            .flat_map(move |door| past(source, door))
    };
    project.sources.iter().flat_map(through).collect()
}

fn past(source: &Source, door: &Door) -> Vec<Finding> {
    if door.crates.contains(&source.krate) || door.files.contains(&source.path) {
        return Vec::new();
    }
    let mut named: Vec<&Named> = source
        .shipped_paths()
        .filter(|named| leads_through(door, &named.text))
        .collect();
    named.dedup_by_key(|named| named.line);
    named
        .into_iter()
        .map(|named| finding(source, door, named))
        .collect()
}

fn leads_through(door: &Door, path: &str) -> bool {
    let path = path.trim_start_matches("::");
    door.paths.iter().any(|start| {
        path.strip_prefix(start.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    })
}

fn finding(source: &Source, door: &Door, named: &Named) -> Finding {
    let owners = if door.crates.is_empty() {
        "nobody".to_owned()
    } else {
        door.crates.join(", ")
    };
    Finding {
        path: source.path.clone(),
        line: named.line,
        rule: "door",
        says: format!(
            "{} stands in {}; {} belongs to {owners}",
            named.text, source.krate, door.name
        ),
        mend: format!("use {}", door.instead),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::case;

    const RULES: &str = r#"
        doors = [
            { name = "files", paths = ["std::fs"], crates = ["store"], files = ["crates/lab/src/root.rs"], instead = "the store" },
            { name = "unsafe", paths = ["unsafe"], crates = [], instead = "nothing" },
        ]
    "#;

    #[track_caller]
    fn check_file(path: &str, source: &str, expected: &[&str]) {
        assert_eq!(case::of_files(check, &[(path, source)], RULES), expected);
    }

    #[test]
    fn a_call_past_the_door_is_refused_however_it_is_written() {
        let says = ["crates/web/src/a.rs:2: [door] std::fs::read stands in web; files belongs to store"];
        check_file("crates/web/src/a.rs", "\nfn f() { std::fs::read(p); }", &says);
        check_file(
            "crates/web/src/a.rs",
            "\nfn f() { ::std::fs::read(p); }",
            &["crates/web/src/a.rs:2: [door] std::fs::read stands in web; files belongs to store"],
        );
        let says = [
            "crates/web/src/a.rs:1: [door] std::fs stands in web; files belongs to store",
            "crates/web/src/a.rs:2: [door] std::fs::read stands in web; files belongs to store",
        ];
        check_file(
            "crates/web/src/a.rs",
            "use std::fs as disk;\nfn f() { g!(disk::read(p)) }",
            &says,
        );
        check_file(
            "crates/web/src/a.rs",
            "fn f() { unsafe { g() } }",
            &["crates/web/src/a.rs:1: [door] unsafe stands in web; unsafe belongs to nobody"],
        );
    }

    #[test]
    fn the_owner_the_file_with_a_reason_and_tests_go_through() {
        let source = "fn f() { std::fs::read(p); }";
        check_file("crates/store/src/a.rs", source, &[]);
        check_file("crates/lab/src/root.rs", source, &[]);
        check_file("crates/web/tests/it/a.rs", source, &[]);
        check_file("crates/web/src/a/tests.rs", source, &[]);
        check_file(
            "crates/web/src/a.rs",
            "#[cfg(test)]\nmod tests { use std::fs; }",
            &[],
        );
    }

    #[test]
    fn a_name_that_only_begins_like_the_door_is_another() {
        check_file("crates/web/src/a.rs", "fn f() { std::fsync(p); }", &[]);
    }

    #[test]
    fn shipped_code_beside_tests_is_still_seen() {
        let says = ["crates/web/src/a.rs:3: [door] std::fs::read stands in web; files belongs to store"];
        check_file(
            "crates/web/src/a.rs",
            "#[cfg(test)]\nmod tests {}\nfn f() { std::fs::read(p); }",
            &says,
        );
        check_file(
            "crates/web/src/a.rs",
            "\n#[cfg(not(test))]\nfn f() { std::fs::read(p); }",
            &says,
        );
    }
}
