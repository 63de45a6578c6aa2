//! Nothing in the project names the machine that it was written on.
//!
//! The marks are asked of the machine that runs the check, so the project holds no list of them.

use std::path::Path;

use crate::finding::Finding;
use crate::snapshot::{File, Snapshot};

/// Directories of every Unix; a checkout beneath one of them gives away nothing by that part.
const EVERYWHERE: &[&str] = &[
    "", "home", "mnt", "opt", "root", "srv", "tmp", "usr", "var", "build", "src",
];
/// A shorter host name may be a word.
const HOST_NAME_CHARACTERS_MIN: usize = 6;
/// Host names that many machines bear.
const ANYBODY: &[&str] = &["localhost", "debian", "ubuntu", "archlinux", "runner"];
/// Homes of people who build on a Mac; ours are Debian's.
const FOREIGN_HOMES: &str = "/Users/";

/// Texts that give a machine away.
pub(crate) struct Marks(Vec<String>);

impl Marks {
    /// Asks this machine: where the checkout stands, whose home it is, what it is called.
    pub(crate) fn of_this_machine(checkout: &Path) -> Self {
        let home = std::env::home_dir().unwrap_or_default();
        let host = fs_err::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Marks::of(&checkout.to_string_lossy(), &home.to_string_lossy(), host.trim())
    }

    fn of(checkout: &str, home: &str, host: &str) -> Self {
        let mut marks = vec![FOREIGN_HOMES.to_owned(), checkout.to_owned()];
        let first = checkout.split('/').nth(1).unwrap_or_default();
        if !EVERYWHERE.contains(&first) {
            marks.push(format!("/{first}/"));
        }
        if home.starts_with("/home/") {
            marks.push(home.to_owned());
        }
        if host.len() >= HOST_NAME_CHARACTERS_MIN && !ANYBODY.contains(&host) {
            marks.push(host.to_owned());
        }
        Marks(marks)
    }
}

pub(crate) fn check(snapshot: &Snapshot, marks: &Marks) -> Vec<Finding> {
    let about_marks = |file: &&File| file.path != "xtask/src/tidy/machine.rs";
    snapshot
        .files
        .iter()
        .filter(about_marks)
        .flat_map(|file| of_file(file, marks))
        .collect()
}

fn of_file(file: &File, marks: &Marks) -> Vec<Finding> {
    let lines = file.text.lines().enumerate();
    lines
        .filter_map(|(index, line)| mark_in(line, marks).map(|mark| finding(file, index + 1, mark)))
        .collect()
}

/// A mark that does not begin in the middle of a longer path or word.
fn mark_in<'a>(line: &str, marks: &'a Marks) -> Option<&'a str> {
    let begins = |at: usize| {
        !line[..at].ends_with(|before: char| {
            before.is_alphanumeric() || matches!(before, '.' | '_' | '-' | '}' | ')')
        })
    };
    let found = |mark: &&String| line.match_indices(mark.as_str()).any(|(at, _)| begins(at));
    marks.0.iter().find(found).map(String::as_str)
}

fn finding(file: &File, line: usize, mark: &str) -> Finding {
    Finding {
        path: file.path.clone(),
        line,
        rule: "machine",
        says: format!("'{mark}' is a path or name of one machine"),
        mend: "write what holds on every machine".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_text(text: &str, expected: &[&str]) {
        let marks = Marks::of("/build7/lamp", "/home/ada", "workbench-3");
        let found = check(&Snapshot::of(&[("README.md", text)]), &marks);
        let says: Vec<String> = found.into_iter().map(|finding| finding.says).collect();
        let expected: Vec<String> = expected
            .iter()
            .map(|mark| format!("'{mark}' is a path or name of one machine"))
            .collect();
        assert_eq!(says, expected);
    }

    #[test]
    fn marks_of_the_machine_are_found() {
        check_text("cd /build7/lamp", &["/build7/lamp"]);
        check_text("see /build7/notes.txt", &["/build7/"]);
        check_text("(/home/ada/.cargo)", &["/home/ada"]);
        check_text("ran on workbench-3", &["workbench-3"]);
        check_text("open /Users/ada/x", &["/Users/"]);
    }

    #[test]
    fn what_every_machine_has_is_no_mark() {
        check_text(
            "/usr/share and /home/shop and site/build7/x and my-workbench-3",
            &[],
        );
        let nobody = Marks::of("/usr/src/lamp", "/root", "debian");
        assert_eq!(
            check(&Snapshot::of(&[("a", "/usr/share /root debian")]), &nobody),
            []
        );
    }
}
