//! What `--against` names: a directory, a release of a site, or a commit of the repository that the tree lies in, looked
//! for in this order.

use std::path::{Path, PathBuf};

use lamp_model::name::{ReleaseId, SiteName};
use lamp_release::SiteConfig;
use lamp_release::source::spec::{GitSpec, Place, Reference as GitReference};
use lamp_release::store::RELEASES;
use lamp_release::switch::CURRENT;

use super::commit::Unpacked;
use crate::config::Config;
use crate::errors::{Kind, Trouble};
use crate::source::read_commit;

const WAY_OUT: &str = "name a directory, SITE or SITE/RELEASE as `lamp release list SITE` shows them, or a commit, branch or \
     tag of the repository that the tree lies in";

/// A tree to hold findings against.
#[derive(Debug)]
pub(super) enum Reference {
    /// That lies somewhere.
    Dir {
        /// In words.
        name: String,
        dir: PathBuf,
    },
    /// That was unpacked for this, and goes away with it.
    Commit {
        /// In words.
        name: String,
        unpacked: Unpacked,
    },
}

impl Reference {
    /// In words.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Dir { name, .. } | Self::Commit { name, .. } => name,
        }
    }

    pub(super) fn dir(&self) -> &Path {
        match self {
            Self::Dir { dir, .. } => dir,
            Self::Commit { unpacked, .. } => unpacked.dir(),
        }
    }
}

/// What `named` means for the tree `dir`.
pub(super) fn resolve(config: &Path, dir: &Path, named: &Path) -> Result<Reference, Trouble> {
    if named.is_dir() {
        return Ok(Reference::Dir {
            name: format!("the directory {}", named.display()),
            dir: named.to_owned(),
        });
    }
    let text = named.to_str().unwrap_or_default();
    // Whoever only checks trees has no lamp.toml.
    if let Some(release) = Config::read(config)
        .ok()
        .and_then(|config| of_a_site(&config, text))
    {
        return Ok(release);
    }
    of_a_repository(dir, text)
}

/// `SITE`, `SITE/RELEASE`, or a release that only one site has.
fn of_a_site(config: &Config, text: &str) -> Option<Reference> {
    if let Some((site, release)) = text.split_once('/') {
        let site = SiteName::parse(site).ok()?;
        return stored(&site, config.sites.get(&site)?, &ReleaseId::parse(release).ok()?);
    }
    if let Some((site, about)) = SiteName::parse(text)
        .ok()
        .and_then(|site| config.sites.get_key_value(&site))
    {
        return stored(site, about, &live(about)?);
    }
    let release = ReleaseId::parse(text).ok()?;
    let mut found = config
        .sites
        .iter()
        .filter_map(|(site, about)| stored(site, about, &release));
    found.next().filter(|_| found.next().is_none())
}

fn stored(site: &SiteName, about: &SiteConfig, release: &ReleaseId) -> Option<Reference> {
    let dir = about.store.as_path().join(RELEASES).join(release.as_str());
    dir.is_dir().then(|| Reference::Dir {
        name: format!("release {release} of {site}"),
        dir,
    })
}

/// The release that the link `current` names.
fn live(about: &SiteConfig) -> Option<ReleaseId> {
    let target = fs_err::read_link(about.store.as_path().join(CURRENT)).ok()?;
    let name = target.strip_prefix(RELEASES).ok()?.to_str()?;
    ReleaseId::parse(name).ok()
}

fn of_a_repository(dir: &Path, text: &str) -> Result<Reference, Trouble> {
    let thing = || format!("check against {text:?}");
    let no = |why: &str| Trouble::because(Kind::Mistake, thing(), why, WAY_OUT);
    let real = fs_err::canonicalize(dir).map_err(|error| no(&error.to_string()))?;
    let top = real
        .ancestors()
        .find(|above| fs_err::symlink_metadata(above.join(".git")).is_ok())
        .ok_or_else(|| no("it is no directory and no release, and the tree lies in no repository"))?;
    let reference = GitReference::parse(text).map_err(|error| no(&error.to_string()))?;
    let source = read_commit(GitSpec {
        place: Place::Local(top.to_owned()),
        reference,
    })?;
    let inside = real.strip_prefix(top).unwrap_or(Path::new(""));
    let unpacked = Unpacked::new(&source, inside).map_err(|why| no(&why))?;
    let commit = source
        .origin
        .map_or_else(|| text.to_owned(), |origin| origin.commit.id.to_string());
    let short: String = commit.chars().take(12).collect();
    Ok(Reference::Commit {
        name: format!("{text} ({short})"),
        unpacked,
    })
}
