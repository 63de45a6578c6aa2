//! Ways to break a release, as data: what people really do to PHP trees. Each is one edit of one file, or one file
//! that goes away, and knows what it is: where it stands, and which name would be right.
//!
//! A drill expects of the gate, and of the page, what stands here; nothing of it comes from the code that is drilled.

use std::path::Path;

use fs_err as fs;
use serde::Deserialize;

use crate::error::LabError;

/// One way to break a release.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breakage {
    /// What kind of mistake, in kebab-case.
    pub kind: String,
    /// The file where it shows, relative to the release.
    pub file: String,
    /// The text there, which stands in it once.
    pub find: String,
    /// What is written in its place; nothing: the file stays as it is.
    #[serde(default)]
    replace: Option<String>,
    /// A file that goes away.
    #[serde(default)]
    remove: Option<String>,
    /// A file that gets another name.
    #[serde(default)]
    rename: Option<(String, String)>,
    /// The rule of the check that sees it; none: only running it shows it.
    #[serde(default)]
    rule: Option<String>,
    /// The right name, where there is one: a path relative to the release, or a name of the code.
    #[serde(default)]
    right: Option<String>,
    /// Where PHP complains, if that is not where the mistake was made.
    #[serde(default)]
    shows_at: Option<ShowsAt>,
}

/// A place by its text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShowsAt {
    file: String,
    find: String,
}

/// What is to be found out about a broken release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The file that fails, relative to the release.
    pub path: String,
    /// Its line that fails, from 1.
    pub line: u32,
    /// The rule of the check that sees it; `None`: only running it shows it.
    pub rule: Option<String>,
    /// The right name, where there is one: a path relative to the release, or a name of the code.
    pub right: Option<String>,
}

/// The breakage of this seed, the same each time; without a seed the first one.
pub fn pick(all: &[Breakage], seed: Option<u64>) -> Option<&Breakage> {
    let count = u64::try_from(all.len()).ok()?;
    let place = seed.unwrap_or(0).checked_rem(count)?;
    all.get(usize::try_from(place).ok()?)
}

impl Breakage {
    /// Breaks the release in `dir`.
    pub fn apply(&self, dir: &Path) -> Result<Broken, LabError> {
        let file = dir.join(&self.file);
        let text = fs::read_to_string(&file)?;
        if text.matches(&self.find).count() != 1 {
            return Err(self.not_here(&self.file, &self.find));
        }
        if let Some(replace) = &self.replace {
            fs::write(&file, text.replace(&self.find, replace))?;
        }
        if let Some(gone) = &self.remove {
            fs::remove_file(dir.join(gone))?;
        }
        if let Some((from, to)) = &self.rename {
            fs::rename(dir.join(from), dir.join(to))?;
        }
        self.shown(dir)
    }

    fn shown(&self, dir: &Path) -> Result<Broken, LabError> {
        let here = self.replace.as_deref().unwrap_or(&self.find);
        let (path, find) = match &self.shows_at {
            Some(place) => (&place.file, place.find.as_str()),
            None => (&self.file, here),
        };
        let text = fs::read_to_string(dir.join(path))?;
        let before = text.split_once(find).map(|(before, _)| before);
        let before = before.ok_or_else(|| self.not_here(path, find))?;
        let line = before.matches('\n').count() + 1;
        Ok(Broken {
            path: path.clone(),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            rule: self.rule.clone(),
            right: self.right.clone(),
        })
    }

    fn not_here(&self, file: &str, find: &str) -> LabError {
        let words = format!(
            "{file} does not hold {find:?} once, so it cannot be broken ({})",
            self.kind
        );
        std::io::Error::other(words).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breakage(json: &str) -> Breakage {
        serde_json::from_str(json).expect("well formed")
    }

    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join("a.php"), "<?php\n\nrequire 'b.php';\n").expect("written");
        fs::write(dir.path().join("b.php"), "<?php\nreturn 1;\n").expect("written");
        dir
    }

    #[test]
    fn an_edit_knows_its_line_and_the_right_name() {
        let dir = tree();
        let suffix = breakage(
            r#"{"kind":"suffix","file":"a.php","find":"'b.php'","replace":"'b.phpp'",
                "rule":"include-not-found","right":"b.php"}"#,
        );
        let broken = suffix.apply(dir.path()).expect("applied");
        assert_eq!((broken.path.as_str(), broken.line), ("a.php", 3));
        assert_eq!(broken.right.as_deref(), Some("b.php"));
        let text = fs::read_to_string(dir.path().join("a.php")).expect("read");
        assert_eq!(text, "<?php\n\nrequire 'b.phpp';\n");
    }

    #[test]
    fn what_goes_away_shows_where_it_is_named() {
        let dir = tree();
        let gone = breakage(r#"{"kind":"deleted","file":"a.php","find":"'b.php'","remove":"b.php"}"#);
        assert_eq!(gone.apply(dir.path()).expect("applied").line, 3);
        assert!(!dir.path().join("b.php").exists());
    }

    #[test]
    fn it_may_show_elsewhere() {
        let dir = tree();
        let there = breakage(
            r#"{"kind":"class","file":"b.php","find":"return 1","replace":"return none()",
                "shows_at":{"file":"a.php","find":"require"}}"#,
        );
        let broken = there.apply(dir.path()).expect("applied");
        assert_eq!(
            (broken.path.as_str(), broken.line, broken.rule),
            ("a.php", 3, None)
        );
    }

    #[test]
    fn a_tree_without_the_text_is_not_half_broken() {
        let dir = tree();
        let absent = breakage(r#"{"kind":"suffix","file":"a.php","find":"c.php","remove":"b.php"}"#);
        assert!(absent.apply(dir.path()).is_err());
        assert!(dir.path().join("b.php").exists());
    }

    #[test]
    fn a_seed_always_picks_the_same_one_and_no_seed_the_first() {
        let all: Vec<_> = ["a", "b", "c"]
            .map(|kind| breakage(&format!(r#"{{"kind":"{kind}","file":"x","find":"y"}}"#)))
            .into();
        let kind = |seed| pick(&all, seed).map(|breakage| breakage.kind.as_str());
        assert_eq!(kind(None), Some("a"));
        assert_eq!(
            [kind(Some(1)), kind(Some(5)), kind(Some(u64::MAX))],
            [Some("b"), Some("c"), Some("a")]
        );
        assert_eq!(pick(&[], Some(1)), None);
    }
}
