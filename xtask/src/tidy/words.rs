//! The field's words: names that say nothing, and the words that GLOSSARY.md gives up for better ones.

use super::Project;
use crate::finding::Finding;
use crate::rust::{Declared, Source};
use crate::snapshot::{File, Place};

const RULE: &str = "word";
const GLOSSARY: &str = "GLOSSARY.md";
/// Texts that people read and that are ours; code is read as a whole.
const PROSE: &[&str] = &[".md", ".rs", ".c", ".h", ".toml", ".sh"];
/// Texts that speak about the words themselves.
const ABOUT_WORDS: &[&str] = &[GLOSSARY, super::rules::PATH, "xtask/src/tidy/words.rs"];

pub(crate) fn check(project: &Project<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = project
        .sources
        .iter()
        .flat_map(|source| names(project, source))
        .collect();
    let given_up = given_up(project);
    let prose = project.snapshot.files.iter().filter(|file| is_prose(file));
    findings.extend(prose.flat_map(|file| said(file, &given_up)));
    findings
}

fn names(project: &Project<'_>, source: &Source) -> Vec<Finding> {
    if source.place == Place::Test {
        return Vec::new();
    }
    let words = &project.rules.words;
    let says_nothing = |declared: &&Declared| match declared.what.as_str() {
        "mod" => words.modules.contains(&declared.name),
        _ => words
            .type_endings
            .iter()
            .any(|ending| declared.name.ends_with(ending.as_str())),
    };
    source
        .declared
        .iter()
        .filter(says_nothing)
        .map(|declared| empty_name(source, declared))
        .collect()
}

fn empty_name(source: &Source, declared: &Declared) -> Finding {
    Finding {
        path: source.path.clone(),
        line: declared.line,
        rule: RULE,
        says: format!(
            "{} {} says nothing about what it holds",
            declared.what, declared.name
        ),
        mend: "name it after the thing of the field that it is about".to_owned(),
    }
}

/// A word that the glossary gives up, and the one that it says instead.
struct GivenUp {
    word: String,
    we_say: String,
}

/// Table rows `| we say | meaning | not |`; in the last cell only words in backticks are held.
fn given_up(project: &Project<'_>) -> Vec<GivenUp> {
    let Some(glossary) = project.snapshot.file(GLOSSARY) else {
        return Vec::new();
    };
    glossary.text.lines().flat_map(of_row).collect()
}

fn of_row(line: &str) -> Vec<GivenUp> {
    let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
    let [we_say, _, not] = cells.as_slice() else {
        return Vec::new();
    };
    let word = |word: &str| GivenUp {
        word: word.to_lowercase(),
        we_say: (*we_say).to_owned(),
    };
    not.split('`').skip(1).step_by(2).map(word).collect()
}

fn is_prose(file: &File) -> bool {
    PROSE.iter().any(|ending| file.path.ends_with(ending))
        && !ABOUT_WORDS.contains(&file.path.as_str())
        && !file.path.starts_with("fixtures/")
}

fn said(file: &File, given_up: &[GivenUp]) -> Vec<Finding> {
    let lines = file.text.lines().enumerate();
    lines
        .flat_map(|(index, line)| said_in_line(file, index + 1, line, given_up))
        .collect()
}

fn said_in_line(file: &File, line: usize, text: &str, given_up: &[GivenUp]) -> Vec<Finding> {
    let text = text.to_lowercase();
    given_up
        .iter()
        .filter(|given_up| holds_word(&text, &given_up.word))
        .map(|given_up| Finding {
            path: file.path.clone(),
            line,
            rule: RULE,
            says: format!("'{}' is a word that we gave up", given_up.word),
            mend: format!("say '{}' (GLOSSARY.md)", given_up.we_say),
        })
        .collect()
}

/// `_` parts words, so that names in code are held as well.
fn holds_word(text: &str, word: &str) -> bool {
    let is_letter = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !is_letter(before) && !is_letter(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::case;

    const RULES: &str = r#"words = { modules = ["util"], type_endings = ["Manager"] }"#;
    const WORDS: (&str, &str) = (
        GLOSSARY,
        "| we say | meaning | not |\n|---|---|---|\n| release | a tree | `artifact`, build |\n",
    );

    #[track_caller]
    fn check_file(path: &str, text: &str, expected: &[&str]) {
        assert_eq!(case::of_files(check, &[WORDS, (path, text)], RULES), expected);
    }

    #[test]
    fn a_name_that_says_nothing_is_refused() {
        let path = "crates/a/src/lib.rs";
        check_file(
            path,
            "mod util;",
            &["crates/a/src/lib.rs:1: [word] mod util says nothing about what it holds"],
        );
        check_file(
            path,
            "struct SiteManager;",
            &["crates/a/src/lib.rs:1: [word] struct SiteManager says nothing about what it holds"],
        );
        check_file(path, "mod utility_bill; fn manager() {}", &[]);
        check_file("crates/a/tests/it/main.rs", "mod util;", &[]);
    }

    #[test]
    fn a_word_that_was_given_up_is_found_in_prose_and_in_names() {
        check_file(
            "docs/a.md",
            "\nThe Artifact.",
            &["docs/a.md:2: [word] 'artifact' is a word that we gave up"],
        );
        check_file(
            "crates/a/src/lib.rs",
            "fn artifact_path() {}",
            &["crates/a/src/lib.rs:1: [word] 'artifact' is a word that we gave up"],
        );
        check_file("docs/a.md", "the artifacts of a build", &[]);
        check_file("fixtures/a.md", "artifact", &[]);
    }
}
