//! One site's section of lamp.toml: `[site.NAME]`.
//!
//! Everything is checked as it is read; a key that is not named here is refused.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use lamp_model::incident::PersonName;
use lamp_model::plan::GateScope;
use serde::{Deserialize, Serialize};

/// Longest bake, so that a misprint holds no deployment for weeks.
pub const BAKE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How a site is reached on its own host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Plain.
    Http,
    /// With TLS.
    #[default]
    Https,
}

/// Whether a site is watched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Watching {
    /// As long as the agent lives: the logs, the probes, a verdict.
    #[default]
    On,
    /// Only its probes through a bake.
    Off,
}

/// The database that a twin of the site copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// Where MariaDB keeps its files.
    pub datadir: AbsolutePath,
    /// The unix socket that it listens on.
    pub socket: AbsolutePath,
}

/// One site as lamp.toml describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteConfig {
    /// The release store, on the docroot's filesystem.
    pub store: AbsolutePath,
    /// The document root inside a release. Default: the release itself.
    #[serde(default)]
    pub docroot: Docroot,
    /// The group that PHP runs in: releases belong to root and to it. Default: Debian's `www-data`.
    #[serde(default = "default_group")]
    pub group: String,
    /// The access log of our own format that Apache writes for this site.
    pub access_log: AbsolutePath,
    /// The error log of our own format that Apache writes for this site. Without it no failure is traced to a
    /// line of the code.
    #[serde(default)]
    pub error_log: Option<AbsolutePath>,
    /// Where Apache writes the process id of its parent. Default: Debian's.
    #[serde(default = "default_apache_pid_file")]
    pub apache_pid_file: AbsolutePath,
    /// Where probes are sent.
    pub address: SocketAddr,
    /// Whether probes speak TLS. Default: they do.
    #[serde(default)]
    pub scheme: Scheme,
    /// The host name that probes ask for.
    pub hostname: String,
    /// Paths that must answer 2xx or 3xx through the bake. Default: the home page.
    #[serde(default = "default_probes")]
    pub probes: Vec<ProbePath>,
    /// How long a new release is watched before it counts as good. Default: two minutes.
    #[serde(default)]
    pub bake: BakeTime,
    /// What a release must pass before it may answer. Default: the code is looked at and rehearsed in a twin.
    #[serde(default)]
    pub gate: GateScope,
    /// Whether the site is watched. Default: it is.
    #[serde(default)]
    pub watch: Watching,
    /// What a twin copies; absent: the site has no database.
    #[serde(default)]
    pub database: Option<DatabaseConfig>,
    /// Who sees to the site: named in reports. Default: nobody is known to.
    #[serde(default)]
    pub owner: Option<PersonName>,
    /// How many proven releases stay in the store. Default: five.
    #[serde(default = "default_keep")]
    pub keep: NonZeroU32,
    /// The state directory of the sandbox that the site lives in; only for a site of a lab.
    #[serde(default)]
    pub inside: Option<AbsolutePath>,
}

fn default_group() -> String {
    "www-data".to_owned()
}

fn default_apache_pid_file() -> AbsolutePath {
    AbsolutePath(PathBuf::from("/run/apache2/apache2.pid"))
}

fn default_probes() -> Vec<ProbePath> {
    vec![ProbePath("/".to_owned())]
}

fn default_keep() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(4)
}

impl SiteConfig {
    /// The probes as plain texts, for a plan.
    pub fn probe_paths(&self) -> Vec<String> {
        self.probes.iter().map(|probe| probe.0.clone()).collect()
    }
}

/// Why a value of lamp.toml is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not {wanted}")]
pub struct ValueError {
    value: String,
    wanted: &'static str,
}

impl ValueError {
    fn new(value: &str, wanted: &'static str) -> Self {
        Self {
            value: value.chars().take(200).collect(),
            wanted,
        }
    }
}

/// A path from the root, without `..`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AbsolutePath(PathBuf);

impl AbsolutePath {
    /// Reads a path from the root.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let path = Path::new(text);
        let climbs = path.components().any(|part| part == Component::ParentDir);
        if !path.is_absolute() || climbs || text.contains('\0') {
            return Err(ValueError::new(text, "an absolute path without `..`"));
        }
        Ok(Self(path.to_owned()))
    }

    /// The path.
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

/// The document root inside a release: `.` for the release itself, else a path beneath it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Docroot(String);

impl Default for Docroot {
    fn default() -> Self {
        Self(".".to_owned())
    }
}

impl Docroot {
    /// Reads a document root.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        if text == "." || lamp_model::RelPath::parse(text).is_ok() {
            return Ok(Self(text.to_owned()));
        }
        Err(ValueError::new(text, "`.` or a path inside the release"))
    }

    /// The path inside the release; `.` for the release itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A path to ask for: starts with exactly one slash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProbePath(String);

impl ProbePath {
    /// Reads a path to ask for.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let wanted = "a path that starts with one `/` and holds no blank";
        let blank = |c: char| c.is_whitespace() || c.is_control();
        if !text.starts_with('/') || text.starts_with("//") || text.contains(blank) {
            return Err(ValueError::new(text, wanted));
        }
        Ok(Self(text.to_owned()))
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How long a bake lasts, written as in `2m`, `90s` or `1h 30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BakeTime(Duration);

impl Default for BakeTime {
    fn default() -> Self {
        Self(Duration::from_secs(120))
    }
}

impl BakeTime {
    /// Reads a length of time up to [`BAKE_MAX`]; `0s` bakes for the length of one round of probes.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let fail = || ValueError::new(text, "a length of time up to a day, as in `2m` or `90s`");
        let signed: jiff::SignedDuration = text.parse().map_err(|_| fail())?;
        let bake = Duration::try_from(signed).map_err(|_| fail())?;
        Some(Self(bake)).filter(|_| bake <= BAKE_MAX).ok_or_else(fail)
    }

    /// The length.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

macro_rules! text_value {
    ($name:ident, $text:expr) => {
        impl TryFrom<String> for $name {
            type Error = ValueError;
            fn try_from(text: String) -> Result<Self, ValueError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                let text: fn(&$name) -> Self = $text;
                text(&value)
            }
        }
    };
}

text_value!(AbsolutePath, |path| path.0.to_string_lossy().into_owned());
text_value!(Docroot, |docroot| docroot.0.clone());
text_value!(ProbePath, |probe| probe.0.clone());
text_value!(BakeTime, |bake| jiff::SignedDuration::try_from(bake.0)
    .map_or_else(|_| "24h".to_owned(), |bake| format!("{bake:#}")));

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn least() -> Value {
        json!({
            "store": "/srv/shop",
            "access_log": "/var/log/apache2/lamp-shop.log",
            "address": "127.0.0.1:443",
            "hostname": "shop.example",
        })
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let site: SiteConfig = serde_json::from_value(least()).expect("enough");
        insta::assert_snapshot!(serde_json::to_string_pretty(&site).expect("text"));
        let again: SiteConfig =
            serde_json::from_str(&serde_json::to_string(&site).expect("text")).expect("read");
        assert_eq!(again, site);
    }

    #[track_caller]
    fn refused(key: &str, value: Value) -> String {
        let mut site = least();
        site[key] = value;
        serde_json::from_value::<SiteConfig>(site)
            .expect_err(key)
            .to_string()
    }

    #[test]
    fn bad_values_are_refused_and_named() {
        let told = [
            refused("store", json!("srv/shop")),
            refused("store", json!("/srv/../etc")),
            refused("docroot", json!("../public")),
            refused("probes", json!(["//evil.example/"])),
            refused("probes", json!(["/a b"])),
            refused("bake", json!("soon")),
            refused("bake", json!("-2m")),
            refused("bake", json!("25h")),
            refused("keep", json!(0)),
            refused("scheme", json!("ftp")),
            refused("gate", json!("open")),
            refused("watch", json!("blindly")),
            refused("error_log", json!("error.log")),
            refused("database", json!({"datadir": "/var/lib/mysql"})),
            refused("stroe", json!("/srv/shop")),
        ];
        insta::assert_snapshot!(told.join("\n"));
    }
}
