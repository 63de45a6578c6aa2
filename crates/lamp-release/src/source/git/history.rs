//! Who touched a file last, from the text of `git log --name-only`, the newest commit first. Pure.

use std::collections::BTreeSet;

use lamp_model::RelPath;
use lamp_model::origin::{Commit, CommitId, Touch};
use lamp_model::plain::PlainText;

/// What [`Gathering`] reads: a line for each commit, and after it one for each file. The line of a commit begins with
/// a character that no line of a file does, for git quotes names that hold one.
pub(super) const FORMAT: &str = "--format=tformat:%x01%H%x02%an%x02%ae";

/// The commits that were the last to touch some files.
#[derive(Debug)]
pub(super) struct Gathering {
    /// Files of which it is not known yet.
    open: BTreeSet<RelPath>,
    touches: Vec<Touch>,
    /// The commit whose files come.
    current: Option<Commit>,
}

impl Gathering {
    /// Of these files.
    pub(super) const fn of(files: BTreeSet<RelPath>) -> Self {
        Self {
            open: files,
            touches: Vec::new(),
            current: None,
        }
    }

    /// Takes the next line.
    pub(super) fn take(&mut self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches('\n');
        if let Some(head) = text.strip_prefix('\u{1}') {
            self.current = commit(head);
            return;
        }
        let path = RelPath::parse(text).ok().and_then(|path| self.open.take(&path));
        let (Some(path), Some(commit)) = (path, &self.current) else {
            return;
        };
        match self.touches.last_mut() {
            Some(last) if last.commit.id == commit.id => last.paths.push(path),
            Some(_) | None => self.touches.push(Touch {
                commit: commit.clone(),
                paths: vec![path],
            }),
        }
    }

    /// Whether there is nothing more to learn.
    pub(super) fn is_complete(&self) -> bool {
        self.open.is_empty()
    }

    /// What was learned.
    pub(super) fn touches(self) -> Vec<Touch> {
        self.touches
    }
}

/// `ID 0x02 AUTHOR 0x02 MAIL`.
pub(super) fn commit(head: &str) -> Option<Commit> {
    let mut fields = head.splitn(3, '\u{2}');
    Some(Commit {
        id: CommitId::parse(fields.next()?).ok()?,
        author: PlainText::of(fields.next()?),
        mail: PlainText::of(fields.next()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_commit_of_each_file_is_kept() {
        let files = ["a.php", "b.php", "never.php"].map(|path| RelPath::parse(path).expect("a path"));
        let mut gathering = Gathering::of(files.into());
        let (new, old) = ("b".repeat(40), "a".repeat(40));
        let text = format!(
            "\u{1}{new}\u{2}Grace\u{2}grace@example.org\n\nb.php\nother.php\n\"\\001{old}\\002Eve\"\n\
             \u{1}{old}\u{2}Ada\u{2}ada@example.org\n\na.php\nb.php\n"
        );
        text.lines().for_each(|line| gathering.take(line.as_bytes()));
        assert!(!gathering.is_complete());
        let touches = gathering.touches();
        let told: Vec<_> = touches
            .iter()
            .map(|touch| {
                (
                    touch.commit.author.as_str(),
                    touch.paths.len(),
                    touch.paths[0].as_str(),
                )
            })
            .collect();
        assert_eq!(told, [("Grace", 1, "b.php"), ("Ada", 1, "a.php")]);
    }

    #[test]
    fn a_file_before_any_commit_or_after_a_damaged_one_is_nobodys() {
        let file = RelPath::parse("a.php").expect("a path");
        for lines in ["a.php\n", "\u{1}nonsense\na.php\n"] {
            let mut gathering = Gathering::of([file.clone()].into());
            lines.lines().for_each(|line| gathering.take(line.as_bytes()));
            assert_eq!(gathering.touches(), [], "{lines:?}");
        }
    }
}
