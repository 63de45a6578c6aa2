//! Release markers: what a page says about the release that each of its parts came from.
//!
//! A page says it in one run of text, `lamp-markers entry=7 dir=7 relative=7 root=7 end`, so that a
//! truncated page has no complete run.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a part of the answer was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// The script that Apache chose.
    Entry,
    /// Included by `__DIR__`.
    Dir,
    /// Included by a relative path.
    Relative,
    /// Included by `DOCUMENT_ROOT`.
    Root,
    /// A file that no PHP has touched.
    Static,
}

impl Way {
    /// Every way.
    pub const ALL: [Self; 5] = [Self::Entry, Self::Dir, Self::Relative, Self::Root, Self::Static];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Dir => "dir",
            Self::Relative => "relative",
            Self::Root => "root",
            Self::Static => "static",
        }
    }
}

/// The release that each part of one answer names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Markers(Vec<(Way, String)>);

/// What the markers of one answer amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement<'a> {
    /// Not all of the expected ways are there.
    Incomplete,
    /// The answer names two releases.
    Mixed(&'a str, &'a str),
    /// One release, by every way.
    One(&'a str),
}

const OPENING: &str = "lamp-markers ";
const CLOSING: &str = "end";

impl Markers {
    /// The markers of a body; none if the run of text is absent, broken or cut off.
    pub fn read(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let run = text.find(OPENING).map(|at| &text[at + OPENING.len()..]);
        run.and_then(Self::read_run).unwrap_or_default()
    }

    fn read_run(run: &str) -> Option<Self> {
        let mut markers = Vec::new();
        for word in run.split_ascii_whitespace() {
            if word == CLOSING {
                return Some(Self(markers));
            }
            let (name, release) = word.split_once('=')?;
            let way = Way::ALL.into_iter().find(|way| way.as_str() == name)?;
            markers.push((way, release.to_owned()));
        }
        None
    }

    /// Markers given by hand.
    pub fn of(markers: impl IntoIterator<Item = (Way, &'static str)>) -> Self {
        Self(
            markers
                .into_iter()
                .map(|(way, release)| (way, release.to_owned()))
                .collect(),
        )
    }

    /// Whether the `expected` ways are all there, and all markers name one release.
    pub fn agreement(&self, expected: &[Way]) -> Agreement<'_> {
        let complete = expected
            .iter()
            .all(|way| self.0.iter().any(|(there, _)| there == way));
        let Some((_, first)) = self.0.first().filter(|_| complete) else {
            return Agreement::Incomplete;
        };
        match self.0.iter().find(|(_, release)| release != first) {
            Some((_, other)) => Agreement::Mixed(first, other),
            None => Agreement::One(first),
        }
    }
}

impl fmt::Display for Markers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (way, release)) in self.0.iter().enumerate() {
            let space = if place == 0 { "" } else { " " };
            write!(f, "{space}{}={release}", way.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: &str) {
        assert_eq!(Markers::read(body.as_bytes()).to_string(), expected, "{body:?}");
    }

    #[test]
    fn markers_are_read_out_of_any_page() {
        check("lamp-markers entry=7 dir=8 end", "entry=7 dir=8");
        check(
            "<p>x</p><!-- lamp-markers static=r-1 end --></html>",
            "static=r-1",
        );
        check("/* lamp-markers root=7\n relative=7 end */", "root=7 relative=7");
    }

    #[test]
    fn a_broken_or_cut_off_run_has_no_markers() {
        for body in [
            "",
            "lamp-markers entry=7",
            "lamp-markers entry=7 en",
            "lamp-markers entry end",
        ] {
            check(body, "");
        }
        check("lamp-markers other=7 end", "");
    }

    #[test]
    fn agreement_needs_every_expected_way_and_one_release() {
        use Way::{Dir, Entry, Root};
        let same = Markers::of([(Entry, "7"), (Dir, "7")]);
        assert_eq!(same.agreement(&[Entry, Dir]), Agreement::One("7"));
        assert_eq!(same.agreement(&[Entry]), Agreement::One("7"));
        assert_eq!(same.agreement(&[Entry, Root]), Agreement::Incomplete);
        let mixed = Markers::of([(Entry, "7"), (Dir, "8")]);
        assert_eq!(mixed.agreement(&[Entry, Dir]), Agreement::Mixed("7", "8"));
        // A disagreement counts even where only one of the two was asked for.
        assert_eq!(mixed.agreement(&[Entry]), Agreement::Mixed("7", "8"));
        assert_eq!(Markers::default().agreement(&[]), Agreement::Incomplete);
    }
}
