//! Where a path leads in a tree: as PHP and the kernel would go, by exact case, through links that stay inside.

use std::sync::OnceLock;

use crate::hashed::HashMap;
use crate::tree::{Entry, EntryKind};

/// Most links on one way; the kernel's own bound is 40.
const LINKS_MAX: usize = 40;

/// Where a path leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// To the file at this index of the tree's entries.
    File(usize),
    /// To a directory.
    Dir,
    /// To nothing, and nothing outside the tree can put it there.
    Nothing,
    /// Out of the tree, into a dangling link, or to something that cannot be looked at.
    Elsewhere,
}

/// The names of a tree, to be looked up.
#[derive(Debug)]
pub(crate) struct Places<'t> {
    entries: &'t [Entry],
    by_path: HashMap<&'t str, usize>,
    /// The regular files, as indices of `entries`, by path; made when it is asked for.
    files: OnceLock<Vec<usize>>,
    /// Links, and what cannot be looked into, as indices of `entries`; made when it is asked for.
    doubtful: OnceLock<Vec<usize>>,
}

/// The regular files of a tree, sorted by path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Files<'s, 't> {
    entries: &'t [Entry],
    order: &'s [usize],
}

impl<'s, 't> Files<'s, 't> {
    pub(crate) const fn len(self) -> usize {
        self.order.len()
    }

    /// The paths that begin so.
    pub(crate) fn beneath(self, start: &'s str) -> impl Iterator<Item = &'t str> + Clone {
        let path = |at: usize| self.entries[at].path.as_str();
        let first = self.order.partition_point(|at| path(*at) < start);
        let paths = self.order[first..].iter().map(move |at| path(*at));
        paths.take_while(move |path| path.starts_with(start))
    }
}

impl<'t> Places<'t> {
    pub(crate) fn new(entries: &'t [Entry]) -> Self {
        let by_path = entries.iter().enumerate();
        Self {
            entries,
            by_path: by_path
                .map(|(index, entry)| (entry.path.as_str(), index))
                .collect(),
            files: OnceLock::new(),
            doubtful: OnceLock::new(),
        }
    }

    /// The regular files, sorted.
    pub(crate) fn files(&self) -> Files<'_, 't> {
        let entries = self.entries;
        let order = self.files.get_or_init(|| {
            let is_file = |at: &usize| matches!(entries[*at].kind, EntryKind::File { .. });
            let mut files: Vec<usize> = (0..entries.len()).filter(is_file).collect();
            files.sort_unstable_by_key(|at| entries[*at].path.as_str());
            files
        });
        Files { entries, order }
    }

    /// Whether a link, or what cannot be looked into, stands somewhere in the directory.
    pub(crate) fn has_link_beneath(&self, directory: &str) -> bool {
        let mut doubtful = self.doubtful().iter();
        doubtful.any(|at| is_beneath(&self.entries[*at].path, directory))
    }

    /// How many links, and things that cannot be looked into, there are.
    pub(crate) fn count_doubtful(&self) -> usize {
        self.doubtful().len()
    }

    fn doubtful(&self) -> &[usize] {
        self.doubtful.get_or_init(|| {
            let is_doubtful = |at: &usize| {
                matches!(
                    self.entries[*at].kind,
                    EntryKind::Link { .. } | EntryKind::Unreadable { .. }
                )
            };
            (0..self.entries.len()).filter(is_doubtful).collect()
        })
    }

    /// Whether a directory stands there by itself, and not through a link.
    pub(crate) fn is_plain_directory(&self, path: &str) -> bool {
        let kind = self.by_path.get(path).map(|index| &self.entries[*index].kind);
        path.is_empty() || matches!(kind, Some(EntryKind::Dir))
    }

    pub(crate) fn entries(&self) -> &'t [Entry] {
        self.entries
    }

    /// Where `path` leads, from the root of the tree; `..` and `.` are allowed.
    pub(crate) fn find(&self, path: &str) -> Place {
        match fold(path) {
            Some(folded) => self.find_folded(&folded, &mut { LINKS_MAX }),
            None => Place::Elsewhere,
        }
    }

    fn find_folded(&self, path: &str, links_left: &mut usize) -> Place {
        if path.is_empty() {
            return Place::Dir;
        }
        match self
            .by_path
            .get(path)
            .map(|index| (*index, &self.entries[*index].kind))
        {
            Some((index, EntryKind::File { .. })) => Place::File(index),
            Some((_, EntryKind::Dir)) => Place::Dir,
            Some((_, EntryKind::Unreadable { .. })) => Place::Elsewhere,
            Some((_, EntryKind::Link { target })) => self.through(path, target, "", links_left),
            None => self.through_a_parent(path, links_left),
        }
    }

    /// The link at `link`, and what follows behind it.
    /// `links_left` counts over the whole way, or links through links would double it at each.
    fn through(&self, link: &str, target: &str, rest: &str, links_left: &mut usize) -> Place {
        if target.starts_with('/') || *links_left == 0 {
            return Place::Elsewhere;
        }
        *links_left -= 1;
        let Some(led) = fold(&format!("{}/{target}", parent(link))) else {
            return Place::Elsewhere;
        };
        match self.find_folded(&led, links_left) {
            // A dangling link may be whole on the host that it is made for.
            Place::Nothing => Place::Elsewhere,
            Place::Dir if !rest.is_empty() && led.is_empty() => self.find_folded(rest, links_left),
            Place::Dir if !rest.is_empty() => self.find_folded(&format!("{led}/{rest}"), links_left),
            Place::File(_) if !rest.is_empty() => Place::Nothing,
            place @ (Place::File(_) | Place::Dir | Place::Elsewhere) => place,
        }
    }

    /// Whether some directory on the way is a link, or cannot be looked into.
    fn through_a_parent(&self, path: &str, links_left: &mut usize) -> Place {
        let mut above = parent(path);
        while !above.is_empty() {
            match self.by_path.get(above).map(|index| &self.entries[*index].kind) {
                Some(EntryKind::Link { target }) => {
                    let rest = path[above.len()..].trim_start_matches('/');
                    return self.through(above, target, rest, links_left);
                }
                Some(EntryKind::Unreadable { .. }) => return Place::Elsewhere,
                Some(EntryKind::Dir | EntryKind::File { .. }) => return Place::Nothing,
                None => above = parent(above),
            }
        }
        Place::Nothing
    }
}

/// The directory of a path; empty at the top of the tree.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// The last component of a path.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// `path` without `.`, `..` and doubled slashes, as PHP folds it before it asks the kernel; `None`: it climbs
/// above the root.
pub(crate) fn fold(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The path of `name`, as `dir` names it; what climbs above the root stays as it is written.
pub(crate) fn beneath(dir: &str, name: &str) -> String {
    let joined = if dir.is_empty() {
        name.to_owned()
    } else {
        format!("{dir}/{name}")
    };
    fold(&joined).unwrap_or(joined)
}

/// Whether a path lies in a directory, at any depth; all do in the root, which is empty.
pub(crate) fn is_beneath(path: &str, directory: &str) -> bool {
    directory.is_empty()
        || path
            .strip_prefix(directory)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// Whether the last parts of a path are these.
pub(crate) fn ends_in(path: &str, parts: &str) -> bool {
    path.strip_suffix(parts)
        .is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Unreadable;

    fn entry(path: &str, kind: EntryKind) -> Entry {
        Entry {
            path: path.to_owned(),
            kind,
        }
    }

    fn link(path: &str, target: &str) -> Entry {
        let target = target.to_owned();
        entry(path, EntryKind::Link { target })
    }

    fn tree() -> Vec<Entry> {
        let why = Unreadable("permission denied".to_owned());
        vec![
            entry("a", EntryKind::Dir),
            entry("a/x.php", EntryKind::File { size_bytes: 1 }),
            link("to-a", "a"),
            link("a/up", "../a/x.php"),
            link("gone", "nowhere"),
            link("out", "/etc/passwd"),
            link("above", "../b"),
            link("loop", "loop"),
            link("here", "."),
            link("a/top", ".."),
            entry("closed", EntryKind::Unreadable { why }),
        ]
    }

    #[track_caller]
    fn check(path: &str, expected: Place) {
        assert_eq!(Places::new(&tree()).find(path), expected, "{path}");
    }

    #[test]
    fn a_path_leads_as_the_kernel_goes() {
        check("a/x.php", Place::File(1));
        check("/a//./../a/x.php", Place::File(1));
        check("", Place::Dir);
        check("a/..", Place::Dir);
        check("a/X.php", Place::Nothing);
        check("b/x.php", Place::Nothing);
        check("a/x.php/y", Place::Nothing);
        check("../a/x.php", Place::Elsewhere);
    }

    #[test]
    fn links_lead_inside_or_elsewhere() {
        check("to-a/x.php", Place::File(1));
        check("to-a/y.php", Place::Nothing);
        check("a/up", Place::File(1));
        check("gone", Place::Elsewhere);
        check("gone/x", Place::Elsewhere);
        check("a/up/x", Place::Nothing);
        check("out", Place::Elsewhere);
        check("out/x", Place::Elsewhere);
        check("above/x", Place::Elsewhere);
        check("loop", Place::Elsewhere);
        check("here/here/a/x.php", Place::File(1));
        check("a/top/a/top/a/x.php", Place::File(1));
        check("here/y.php", Place::Nothing);
        check("closed/x.php", Place::Elsewhere);
    }

    /// Each is a way through the one before, twice: followed one by one they would double at each.
    #[test]
    fn links_through_links_end() {
        let through = |at: usize| link(&format!("l{at}"), &format!("l{}/s", at - 1));
        let mut entries = vec![entry("d", EntryKind::Dir), link("l0", "d"), link("d/s", ".")];
        entries.extend((1..20).map(through));
        let places = Places::new(&entries);
        assert_eq!(places.find("l3/s"), Place::Dir);
        for _ in 0..1_000 {
            assert_eq!(places.find("l18/s/x.php"), Place::Elsewhere);
        }
    }
}
