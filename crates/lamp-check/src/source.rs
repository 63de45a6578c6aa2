//! Which files of a tree are PHP, and which of them are tests.

use crate::applications::{
    LIBRARY_DIRECTORIES, OTHER_ENDINGS, TEMPLATE_ENDINGS, TEST_DIRECTORIES, WORKSHOP_DIRECTORIES,
};
use crate::place;
use crate::tree::{Entry, EntryKind};

/// A PHP file of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// Its index among the tree's entries.
    pub(crate) entry: usize,
    pub(crate) path: String,
    pub(crate) size_bytes: u64,
    /// It stands among tests.
    pub(crate) is_test: bool,
    /// The site itself does not run it: a test, or what a library brings for those who work on it.
    pub(crate) is_aside: bool,
    /// It stands where only libraries stand.
    pub(crate) is_library: bool,
    /// Its name alone does not say that it is PHP.
    pub(crate) only_if_opened: bool,
}

/// The PHP files of a tree, by path.
pub(crate) fn sources(entries: &[Entry]) -> Vec<Source> {
    let mut sources: Vec<Source> = entries.iter().enumerate().filter_map(source).collect();
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

/// Where the source with this path stands among those of a tree.
pub(crate) fn position(sources: &[Source], path: &str) -> Option<usize> {
    sources
        .binary_search_by(|source| source.path.as_str().cmp(path))
        .ok()
}

fn source((index, entry): (usize, &Entry)) -> Option<Source> {
    let EntryKind::File { size_bytes } = entry.kind else {
        return None;
    };
    let path = entry.path.as_str();
    let ends_with = |ending: &&str| path.ends_with(*ending);
    let is_php = path.ends_with(".php") && !TEMPLATE_ENDINGS.iter().any(ends_with);
    if !is_php && !OTHER_ENDINGS.iter().any(ends_with) {
        return None;
    }
    let lies_in = |names: &[&str]| place::parent(path).split('/').any(|part| names.contains(&part));
    let is_test = lies_in(TEST_DIRECTORIES) || path.ends_with("Test.php");
    let is_library = lies_in(LIBRARY_DIRECTORIES);
    Some(Source {
        entry: index,
        path: path.to_owned(),
        size_bytes,
        is_test,
        is_aside: is_test || (is_library && lies_in(WORKSHOP_DIRECTORIES)),
        is_library,
        only_if_opened: !is_php,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Option<(bool, bool)>) {
        let kind = EntryKind::File { size_bytes: 0 };
        let path = path.to_owned();
        let found = sources(&[Entry { path, kind }]);
        let found = found.first().map(|source| (source.is_test, source.is_library));
        assert_eq!(found, expected);
    }

    #[test]
    fn what_a_library_brings_for_its_makers_is_aside() {
        let is_aside = |path: &str| {
            let kind = EntryKind::File { size_bytes: 0 };
            let path = path.to_owned();
            sources(&[Entry { path, kind }])[0].is_aside
        };
        assert!(is_aside("tests/a.php"));
        assert!(is_aside("vendor/a/b/examples/c.php"));
        assert!(!is_aside("vendor/a/b/src/c.php"));
        assert!(!is_aside("bin/c.php"), "the site's own is not");
    }

    #[test]
    fn php_is_told_from_the_rest_and_tests_from_the_site() {
        check("index.php", Some((false, false)));
        check("core/modules/node/node.module", Some((false, false)));
        check("tests/a.php", Some((true, false)));
        check("src/FooTest.php", Some((true, false)));
        check("vendor/a/b.php", Some((false, true)));
        check("contests/a.php", Some((false, false)));
        check("views/a.blade.php", None);
        check("style.css", None);
        check("php", None);
    }
}
