//! The fixture applications: small ones of our own with the `.htaccess` habits of well-known ones, and
//! what is known of each. They are data, embedded at build time; nothing here knows one by name.
//!
//! In every file the text `@RELEASE@` stands for the release that the file belongs to.

use std::path::Path;

use fs_err as fs;
use serde::Deserialize;

use crate::breakage::Breakage;
use crate::error::LabError;
use crate::load::{Target, Way};

include!(concat!(env!("OUT_DIR"), "/apps.rs"));

/// What stands for the release in the files of an application.
const PLACEHOLDER: &str = "@RELEASE@";

/// An application as the build embedded it.
struct Embedded {
    name: &'static str,
    facts: &'static str,
    files: &'static [(&'static str, &'static str)],
}

/// A fixture application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its directory's name among the fixtures.
    pub name: &'static str,
    /// What is known of it.
    pub facts: Facts,
    files: &'static [(&'static str, &'static str)],
}

/// What is known of an application.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Its docroot inside a release.
    pub docroot: String,
    /// What it answers.
    pub asks: Vec<Ask>,
    /// How a release of it may be broken.
    #[serde(default)]
    pub breakages: Vec<Breakage>,
}

/// One request and its right answer, the same with either PHP and by every way of switching.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The path, query included.
    pub path: String,
    /// The right status.
    pub status: u16,
    /// The markers that the answer holds.
    pub markers: Vec<Way>,
    /// A text that the body holds.
    #[serde(default)]
    pub contains: String,
    /// A text that the body does not hold; empty: anything may be there.
    #[serde(default)]
    pub lacks: String,
    /// The path that it redirects to.
    #[serde(default)]
    pub location: String,
}

/// All fixture applications, in the order of their names.
pub fn all() -> Result<Vec<App>, LabError> {
    let app = |embedded: &Embedded| {
        Ok(App {
            name: embedded.name,
            facts: serde_json::from_str(embedded.facts).map_err(std::io::Error::from)?,
            files: embedded.files,
        })
    };
    EMBEDDED.iter().map(app).collect()
}

/// The application with pages that show the release in every one of the four ways.
pub fn with_all_ways() -> Result<App, LabError> {
    let shown = |app: &App, way: &Way| app.facts.asks.iter().any(|ask| ask.markers.contains(way));
    let found = all()?
        .into_iter()
        .find(|app| Way::ALL.iter().all(|way| shown(app, way)));
    found.ok_or_else(|| std::io::Error::other("no fixture application shows all ways").into())
}

impl App {
    /// Writes one release of it into `dir`, which is made; each file names `release`.
    pub fn write_release(&self, dir: &Path, release: &str) -> Result<(), LabError> {
        for (path, text) in self.files {
            let file = dir.join(path);
            fs::create_dir_all(file.parent().unwrap_or(dir))?;
            fs::write(file, text.replace(PLACEHOLDER, release))?;
        }
        Ok(())
    }

    /// Whether each of an application's breakages makes this target of it fail: they all are of what pages include by
    /// `__DIR__`.
    pub fn is_reached_by_breakages(target: &Target) -> bool {
        target.ways.contains(&Way::Dir)
    }

    /// Its pages that show markers, as targets of a load, equally often.
    pub fn targets(&self) -> Vec<Target> {
        let marked = self.facts.asks.iter().filter(|ask| !ask.markers.is_empty());
        let target = |ask: &Ask| Target {
            path: ask.path.clone(),
            weight: 1,
            status: ask.status,
            ways: ask.markers.clone(),
        };
        marked.map(target).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_application_has_readable_facts_and_files() {
        let all = all().expect("facts are well formed");
        assert_eq!(all.len(), 4);
        for app in all {
            assert!(
                !app.facts.asks.is_empty() && !app.targets().is_empty(),
                "{}",
                app.name
            );
            assert!(
                app.files.iter().any(|(path, _)| path.ends_with(".htaccess")),
                "{}",
                app.name
            );
        }
    }

    #[test]
    fn two_releases_differ_in_the_marker_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let app = with_all_ways().expect("one shows all ways");
        for release in ["7", "8"] {
            app.write_release(&dir.path().join(release), release)
                .expect("written");
        }
        let read = |release: &str, path: &str| {
            fs::read_to_string(dir.path().join(release).join(path)).expect("a file")
        };
        for (path, embedded) in app.files {
            assert_eq!(
                read("7", path).replace('7', "8"),
                read("8", path).replace('7', "8"),
                "{path}"
            );
            assert_eq!(
                embedded.contains(PLACEHOLDER),
                read("7", path) != read("8", path),
                "{path}"
            );
        }
        let marked = app
            .files
            .iter()
            .filter(|(_, text)| text.contains(PLACEHOLDER))
            .count();
        assert!(marked > 5, "{marked} files bear the marker");
    }
}
