//! What a lab will be: a plain value that a test can read.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use lamp_model::SiteName;
use lamp_sandbox::{OwnDir, Plan};
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::load::Nanos;

/// Longest name of a lab, in bytes: it is a host name, too.
pub const LAB_NAME_MAX_BYTES: usize = 40;
/// What every lab's name begins with: the mark by which a leak is found. It is the name of the lab's
/// directory and of its sandbox, and stands in the environment of its processes as [`MARK_VARIABLE`].
pub const MARK: &str = "lamp-lab-";
/// The variable that holds a lab's name in each of its processes.
pub const MARK_VARIABLE: &str = "LAMP_LAB";
/// What a lab has of its own; the rest of its root is the host's, read-only.
const OWN_DIRS: [&str; 6] = ["etc", "var", "srv", "home", "root", "tmp"];

/// A lab's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LabName(String);

impl LabName {
    /// `lamp-lab-` and `word`: letters a-z, digits and `-`.
    pub fn parse(word: &str) -> Result<Self, LabError> {
        let name = format!("{MARK}{}", word.strip_prefix(MARK).unwrap_or(word));
        let valid = name.len() <= LAB_NAME_MAX_BYTES
            && name.len() > MARK.len()
            && name
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        valid.then_some(Self(name)).ok_or_else(|| LabError::Name {
            text: word.to_owned(),
            max_bytes: LAB_NAME_MAX_BYTES,
        })
    }

    /// A name that no other lab of this host has.
    pub fn unique() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(format!(
            "{MARK}{:x}-{count}-{:x}",
            std::process::id(),
            Nanos::now().0 & 0xff_ffff
        ))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LabName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for LabName {
    type Error = LabError;
    fn try_from(text: String) -> Result<Self, LabError> {
        Self::parse(&text)
    }
}

impl From<LabName> for String {
    fn from(name: LabName) -> Self {
        name.0
    }
}

/// How PHP is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sapi {
    /// Apache prefork with mod_php: HTTP/1.1.
    ModPhp,
    /// Apache event with php-fpm: HTTP/1.1 and HTTP/2.
    Fpm,
}

impl Sapi {
    /// Both.
    pub const ALL: [Self; 2] = [Self::ModPhp, Self::Fpm];
}

/// What a lab will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabPlan {
    /// Its name.
    pub name: LabName,
    /// The directory that it is made in: it must be on a real filesystem, and may hold many labs.
    pub parent: PathBuf,
    /// How PHP is run.
    pub sapi: Sapi,
    /// The sites that it serves; the first one answers unknown host names.
    pub sites: Vec<SitePlan>,
    /// Whether it has a database.
    pub database: bool,
    /// The Apache module that switches releases, if it is there.
    pub module: Option<ModulePlan>,
}

/// One site: `http://<name>.example/` and the same with TLS, its releases in `/srv/<name>/releases`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SitePlan {
    /// Its name.
    pub name: SiteName,
    /// The docroot inside a release; `.` is the release itself.
    pub docroot: String,
    /// Lines for both virtual hosts, the switch's for instance. Without any the site is switched by its
    /// link alone, as the control is.
    pub lines: String,
}

/// The module that switches releases, rendered by who knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModulePlan {
    /// The built module, byte for byte; in the lab it stands at [`MODULE_PATH`].
    pub image: Vec<u8>,
    /// Lines for the server: those that load it, and the log format.
    pub lines: String,
}

/// Where the module stands in a lab.
pub const MODULE_PATH: &str = "/etc/apache2/lamp/mod_lamp.so";

impl LabPlan {
    /// A lab of one PHP and no site yet, without a database, in `parent`.
    pub fn new(parent: impl Into<PathBuf>, sapi: Sapi) -> Self {
        Self {
            name: LabName::unique(),
            parent: parent.into(),
            sapi,
            sites: Vec::new(),
            database: false,
            module: None,
        }
    }

    /// With one site more.
    #[must_use]
    pub fn site(mut self, site: SitePlan) -> Self {
        self.sites.push(site);
        self
    }

    /// With a database.
    #[must_use]
    pub const fn with_database(mut self) -> Self {
        self.database = true;
        self
    }

    /// With the module that switches releases.
    #[must_use]
    pub fn module(mut self, image: impl Into<Vec<u8>>, lines: impl Into<String>) -> Self {
        self.module = Some(ModulePlan {
            image: image.into(),
            lines: lines.into(),
        });
        self
    }

    /// Its directory, which is its sandbox's state directory: what `inside` in lamp.toml names.
    pub fn state_dir(&self) -> PathBuf {
        self.parent.join(self.name.as_str())
    }

    /// Where a path of the lab's own stands on the host; `None` for what is the host's.
    pub fn on_host(&self, inside: &Path) -> Option<PathBuf> {
        let below = inside.strip_prefix("/").ok()?;
        let own = OWN_DIRS.iter().any(|dir| below.starts_with(dir));
        own.then(|| self.state_dir().join(lamp_sandbox::plan::OWN_DIR).join(below))
    }

    /// Its sandbox.
    pub fn sandbox(&self) -> Plan {
        let state_dir = self.state_dir();
        let own = OWN_DIRS.map(|dir| {
            OwnDir::at(
                state_dir.join(lamp_sandbox::plan::OWN_DIR).join(dir),
                Path::new("/").join(dir),
            )
        });
        Plan::lab(self.name.as_str(), &state_dir, own.into())
    }
}

impl SitePlan {
    /// A site whose docroot is `docroot` in each release, switched by its link until lines say otherwise.
    pub fn new(name: SiteName, docroot: impl Into<String>) -> Self {
        Self {
            name,
            docroot: docroot.into(),
            lines: String::new(),
        }
    }

    /// With these lines in both of its virtual hosts.
    #[must_use]
    pub fn lines(mut self, lines: impl Into<String>) -> Self {
        self.lines = lines.into();
        self
    }

    /// Its host name.
    pub fn host(&self) -> String {
        format!("{}.example", self.name)
    }

    /// Its store, inside the lab.
    pub fn store(&self) -> PathBuf {
        Path::new("/srv").join(self.name.as_str())
    }

    /// The docroot behind the link `current`, inside the lab.
    pub fn docroot(&self) -> PathBuf {
        let current = self.store().join("current");
        if self.docroot == "." {
            current
        } else {
            current.join(&self.docroot)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn name(word: &str, expected: Option<&str>) {
        assert_eq!(
            LabName::parse(word).ok().as_ref().map(LabName::as_str),
            expected,
            "{word:?}"
        );
    }

    #[test]
    fn a_lab_bears_the_mark_in_its_name() {
        name("shop", Some("lamp-lab-shop"));
        name("lamp-lab-shop", Some("lamp-lab-shop"));
        for bad in ["", "lamp-lab-", "a/b", "..", "A", "a_b", &"a".repeat(32)] {
            name(bad, None);
        }
    }

    #[test]
    fn names_are_unique_and_valid() {
        let (one, other) = (LabName::unique(), LabName::unique());
        assert_ne!(one, other);
        name(one.as_str(), Some(one.as_str()));
    }

    #[test]
    fn own_paths_stand_in_the_labs_directory_and_others_do_not() {
        let mut plan = LabPlan::new("/var/tmp", Sapi::Fpm);
        plan.name = LabName::parse("x").expect("valid");
        let srv = plan.on_host(Path::new("/srv/shop"));
        assert_eq!(srv, Some(PathBuf::from("/var/tmp/lamp-lab-x/own/srv/shop")));
        assert_eq!(plan.on_host(Path::new("/usr/bin/php")), None);
        assert_eq!(plan.on_host(Path::new("/run/x")), None);
    }
}
