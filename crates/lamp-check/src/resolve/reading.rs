//! One way to read an expression: a text, perhaps with holes, from the tree's root or as it is.

use crate::place;

/// Stands in a text for a part that cannot be told; no character, so that no source has it.
pub(crate) const HOLE: char = '\u{FFFF}';

/// Where a reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Start {
    /// What stands behind the path of the tree's root.
    Root,
    /// A text as it is.
    Plain,
}

/// One way to read an expression.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reading {
    pub(crate) start: Start,
    pub(crate) path: String,
}

impl Reading {
    pub(crate) const fn plain(path: String) -> Self {
        let start = Start::Plain;
        Self { start, path }
    }

    pub(crate) const fn from_root(path: String) -> Self {
        let start = Start::Root;
        Self { start, path }
    }

    /// At a path of the tree.
    pub(crate) fn at(path: &str) -> Self {
        Self::from_root(if path.is_empty() {
            String::new()
        } else {
            format!("/{path}")
        })
    }

    pub(crate) fn unknown() -> Self {
        Self::plain(HOLE.to_string())
    }

    pub(crate) fn has_hole(&self) -> bool {
        self.path.contains(HOLE)
    }

    /// Whether nothing is known of where it begins.
    pub(crate) fn is_unknown(&self) -> bool {
        self.start == Start::Plain && self.path.starts_with(HOLE)
    }

    pub(crate) fn join(&self, right: &Self) -> Self {
        match (self.start, right.start) {
            (_, Start::Plain) => Self {
                start: self.start,
                path: format!("{}{}", self.path, right.path).replace("\u{FFFF}\u{FFFF}", "\u{FFFF}"),
            },
            (Start::Plain, Start::Root) if self.path.is_empty() => right.clone(),
            (Start::Plain | Start::Root, Start::Root) => Self::unknown(),
        }
    }

    /// PHP's `dirname`.
    pub(crate) fn dirname(self, levels: u32) -> Self {
        (0..levels.min(64)).fold(self, |reading, _| reading.parent())
    }

    fn parent(self) -> Self {
        let path = self.path.trim_end_matches('/');
        let last_hole = path.rfind(HOLE);
        if last_hole > path.rfind('/') {
            // The hole may hold slashes.
            let start = path.find(HOLE).unwrap_or_default();
            return Self {
                start: self.start,
                path: format!("{}{HOLE}", &path[..start]),
            };
        }
        match self.start {
            Start::Root if path.is_empty() => Self::unknown(),
            Start::Root => Self::at(place::parent(path.trim_start_matches('/'))),
            Start::Plain => Self::plain(match path.rsplit_once('/') {
                Some((parent, _)) if !parent.is_empty() => parent.to_owned(),
                Some(_) => "/".to_owned(),
                None => ".".to_owned(),
            }),
        }
    }

    pub(crate) fn with_slash(self) -> Self {
        let path = format!("{}/", self.path.trim_end_matches('/'));
        Self { path, ..self }
    }

    pub(crate) fn without_slash(self) -> Self {
        let path = self.path.trim_end_matches('/').to_owned();
        Self { path, ..self }
    }

    /// Without so many bytes at its end.
    pub(crate) fn shortened(self, bytes: usize) -> Self {
        let kept = self.path.len().checked_sub(bytes);
        match kept.and_then(|kept| self.path.split_at_checked(kept)) {
            Some((kept, cut)) if !cut.contains(HOLE) => Self {
                start: self.start,
                path: kept.to_owned(),
            },
            _ => Self::unknown(),
        }
    }

    /// The root's own name is lowered too, and so another.
    pub(crate) fn lower(self) -> Self {
        match self.start {
            Start::Root => Self::unknown(),
            Start::Plain => Self::plain(self.path.to_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(reading: Reading, start: Start, path: &str) {
        assert_eq!(
            reading,
            Reading {
                start,
                path: path.to_owned()
            }
        );
    }

    /// Expected values are what `php -r` prints of the same on a path whose root is `/r`.
    #[test]
    fn a_reading_is_changed_as_php_changes_a_path() {
        check(Reading::at("a/b/c.php").dirname(1), Start::Root, "/a/b");
        check(Reading::at("a/b/c.php").dirname(2), Start::Root, "/a");
        check(Reading::at("a").dirname(1), Start::Root, "");
        check(Reading::at("a/b").with_slash(), Start::Root, "/a/b/");
        check(
            Reading::at("a/b").with_slash().without_slash(),
            Start::Root,
            "/a/b",
        );
        check(Reading::at("site/include").shortened(8), Start::Root, "/site");
        check(Reading::plain("A/B".to_owned()).lower(), Start::Plain, "a/b");
        check(Reading::plain("a".to_owned()).dirname(1), Start::Plain, ".");
        check(Reading::plain("/a".to_owned()).dirname(1), Start::Plain, "/");
    }

    #[test]
    fn what_cannot_be_told_stays_a_hole() {
        let hole = || Reading::unknown();
        check(Reading::at("a/").join(&hole()), Start::Root, "/a/\u{FFFF}");
        check(
            Reading::at("a/").join(&hole()).dirname(1),
            Start::Root,
            "/a/\u{FFFF}",
        );
        assert!(Reading::at("").dirname(1).is_unknown());
        assert!(Reading::at("a").shortened(9).is_unknown());
        assert!(Reading::at("a").lower().is_unknown());
        assert!(hole().join(&Reading::plain("/x.php".to_owned())).is_unknown());
        assert!(
            Reading::plain("x".to_owned())
                .join(&Reading::at("a"))
                .is_unknown()
        );
    }
}
