//! lamp.toml: every crate's own section, read together, each mistake shown at its place.
//!
//! An unknown key is refused with the nearest known one: a misspelt `probes` must not mean "no probes".

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lamp_model::name::SiteName;
use lamp_model::tree::Hash;
use lamp_page::{HeartbeatConfig, PageConfig};
use lamp_release::config::SiteConfig;
use serde::Deserialize;

use crate::errors::Told;
use crate::errors::config::{self as told, Misplaced};

/// Longest configuration file, in bytes.
const CONFIG_MAX_BYTES: u64 = 4 << 20;

/// All of lamp.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[agent]`
    #[serde(default)]
    pub agent: lamp_agent::Config,
    /// `[page]`; without it nobody is paged.
    #[serde(default)]
    pub page: Option<PageConfig>,
    /// `[heartbeat]`
    #[serde(default)]
    pub heartbeat: Option<HeartbeatConfig>,
    /// `[serve]`
    #[serde(default)]
    pub serve: crate::serve::ServeConfig,
    /// `[site.NAME]`
    #[serde(default, rename = "site")]
    pub sites: BTreeMap<SiteName, SiteConfig>,
    /// Where it was read from.
    #[serde(skip)]
    pub path: PathBuf,
    /// Of its text: whether the agent was started with the same is seen by it.
    #[serde(skip, default = "no_hash")]
    pub hash: Hash,
}

const fn no_hash() -> Hash {
    Hash::ZERO
}

impl Config {
    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<Self, Told> {
        let text = read_bounded(path).map_err(|error| told::unreadable(path, &error))?;
        let mut config = Self::parse(&path.display().to_string(), &text)?;
        config.path = path.to_owned();
        config.hash = Hash::from_bytes(*blake3::hash(text.as_bytes()).as_bytes());
        Ok(config)
    }

    /// Reads the text of a file called `name`.
    pub fn parse(name: &str, text: &str) -> Result<Self, Told> {
        toml::from_str(text).map_err(|error| Misplaced::new(name, text, &error).into())
    }
}

fn read_bounded(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let file = fs_err::File::open(path)?;
    std::io::Read::read_to_string(&mut std::io::Read::take(file, CONFIG_MAX_BYTES), &mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever else the manual shows is a default, and may be left out.
    const NO_DEFAULT: [&str; 12] = [
        "store",
        "access_log",
        "error_log",
        "owner",
        "address",
        "hostname",
        "docroot",
        "probes",
        "datadir",
        "socket",
        "routing_key_file",
        "url",
    ];

    fn example() -> &'static str {
        let manual = include_str!("../../../docs/config.md").split("```toml\n").nth(1);
        manual
            .and_then(|rest| rest.split("```").next())
            .expect("an example")
    }

    #[test]
    fn the_example_of_the_manual_is_read() {
        let config = Config::parse("docs/config.md", example()).expect("valid");
        let site = config.sites.values().next().expect("a site");
        assert_eq!(site.probe_paths(), ["/", "/login"]);
        assert_eq!(site.docroot.as_str(), "public");
        assert!(site.error_log.is_some() && site.database.is_some());
        assert!(config.page.is_some() && config.heartbeat.is_some());
    }

    #[test]
    fn what_the_manual_shows_as_a_default_is_one() {
        let stays = |line: &&str| {
            let key = line.split(' ').next().unwrap_or_default();
            line.starts_with('[') || NO_DEFAULT.contains(&key)
        };
        let (_, section) = example().split_once("\n\n").expect("two sections");
        let short: Vec<&str> = section.lines().filter(stays).collect();
        let is_there = |key: &&str| short.iter().any(|line| line.starts_with(key));
        assert!(NO_DEFAULT.iter().all(is_there), "{short:#?}");
        let shown = Config::parse("docs/config.md", example()).expect("valid");
        let left_out = Config::parse("short", &short.join("\n")).expect("valid");
        assert_eq!(shown.sites, left_out.sites);
        assert_eq!(shown.agent, left_out.agent);
        assert_eq!((shown.page, shown.heartbeat), (left_out.page, left_out.heartbeat));
    }
}
