//! Wrong names: includes picked by their text alone, at most one a file, each made wrong in one of three ways.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::Result;

/// Where a name was made wrong.
pub(super) struct Broken {
    /// The file, from the top of the application.
    pub(super) path: String,
    /// The line, from 1.
    pub(super) line: u64,
}

/// The PHP files beneath `tree`, from its top, in order; links are not followed.
pub(super) fn php_files(tree: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut ahead = vec![tree.to_owned()];
    while let Some(dir) = ahead.pop() {
        for entry in fs_err::read_dir(dir)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            if kind.is_dir() {
                ahead.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|ending| ending == "php") {
                files.push(path.strip_prefix(tree)?.to_owned());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Makes so many names wrong, spread over the application.
pub(super) fn break_names(tree: &Path, files: &[PathBuf], wanted: usize) -> Result<Vec<Broken>> {
    let names: HashSet<&str> = files
        .iter()
        .filter_map(|path| path.file_name()?.to_str())
        .collect();
    let mut all = Vec::new();
    for path in files {
        let text = String::from_utf8_lossy(&fs_err::read(tree.join(path))?).into_owned();
        if let Some(place) = text
            .lines()
            .enumerate()
            .find_map(|(at, line)| name_in(at, line, &names))
        {
            all.push((path, text, place));
        }
    }
    let step = all.len().div_ceil(wanted.max(1)).max(1);
    let mut broken = Vec::new();
    for (path, text, (at, name)) in all.into_iter().step_by(step) {
        let wrong = wrong_name(&name, broken.len());
        let line = |(number, line): (usize, &str)| match number == at {
            true => line.replacen(&name, &wrong, 1) + "\n",
            false => format!("{line}\n"),
        };
        let changed: String = text.lines().enumerate().map(line).collect();
        fs_err::write(tree.join(path), changed)?;
        broken.push(Broken {
            path: path.to_string_lossy().into_owned(),
            line: u64::try_from(at)? + 1,
        });
    }
    Ok(broken)
}

/// A line that is one include statement with one literal name of a file that there is, expected to be there.
fn name_in(at: usize, line: &str, names: &HashSet<&str>) -> Option<(usize, String)> {
    let statement = line.trim_start();
    if !["require", "include"]
        .iter()
        .any(|word| statement.starts_with(word))
        || !statement.contains(';')
    {
        return None;
    }
    let (before, _) = statement
        .split_once(".php'")
        .or_else(|| statement.split_once(".php\""))?;
    let name = before.rsplit(['/', '\'', '"']).next()?;
    let name = format!("{name}.php");
    (names.contains(name.as_str()) && statement.matches(".php").count() == 1).then_some((at, name))
}

/// A letter too many, two letters exchanged, or another case.
fn wrong_name(name: &str, way: usize) -> String {
    let stem = name.trim_end_matches(".php");
    let (head, tail) = stem
        .split_at_checked(stem.len().saturating_sub(2))
        .unwrap_or((stem, ""));
    let swapped: String = tail.chars().rev().collect();
    match way % 3 {
        1 if swapped != tail => format!("{head}{swapped}.php"),
        2 if stem.to_uppercase() != stem => format!("{}.php", stem.to_uppercase()),
        _ => format!("{name}p"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn includes_are_picked_by_their_text() {
        let names = HashSet::from(["a.php"]);
        let picked = |line: &str| name_in(7, line, &names).map(|(_, name)| name);
        assert_eq!(
            picked("\trequire_once ABSPATH . 'inc/a.php';"),
            Some("a.php".to_owned())
        );
        assert_eq!(picked("include(\"a.php\");"), Some("a.php".to_owned()));
        assert_eq!(picked("require 'b.php';"), None);
        assert_eq!(picked("// require 'a.php';"), None);
        assert_eq!(picked("require $x;"), None);
    }

    #[test]
    fn a_wrong_name_is_another_name() {
        let wrong = |way| wrong_name("load.php", way);
        assert_eq!(
            [wrong(0), wrong(1), wrong(2)],
            ["load.phpp", "loda.php", "LOAD.php"]
        );
        assert_eq!(wrong_name("aa.php", 1), "aa.phpp");
    }
}
