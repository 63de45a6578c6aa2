//! Composer's files: what they ask for against each other, against what lies in vendor, and against the host.

mod constraint;
mod content_hash;
pub(crate) mod json;
mod md5;

use std::collections::{BTreeMap, BTreeSet};

use super::fault::{Fault, TOP};
use crate::facts::Spot;
use crate::place::{Place, Places, beneath, parent};
use crate::setting::Setting;
use json::Json;

pub(crate) use constraint::{Constraint, Version};

/// Most packages of one file that are looked at.
const PACKAGES_MAX: usize = 20_000;
/// Packages that composer or PHP stands for, and that are no directory.
const NO_DIRECTORY: [&str; 3] = ["metapackage", "composer-plugin-virtual", "php-ext"];
/// Extensions that every PHP of today has.
const ALWAYS_THERE: [&str; 9] = [
    "core",
    "date",
    "hash",
    "json",
    "pcre",
    "random",
    "reflection",
    "spl",
    "standard",
];

/// What one of composer's files says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ComposerFacts {
    /// It is no JSON; where, and why in words.
    Broken(Spot, String),
    Manifest(Manifest),
    Lock(Lock),
    Installed(Installed),
}

/// `composer.json`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// As composer computes it; `None` if a number in it is written in a way that PHP writes otherwise.
    content_hash: Option<String>,
    /// `php` and `ext-…` that it asks for.
    platform: BTreeMap<String, String>,
    vendor_dir: Option<String>,
}

/// `composer.lock`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Lock {
    content_hash: Option<String>,
    /// What is to be installed in production, and its version.
    packages: BTreeMap<String, String>,
}

/// `vendor/composer/installed.json`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Installed {
    packages: BTreeSet<String>,
}

/// Reads one of composer's files.
pub(crate) fn read(path: &str, bytes: &[u8]) -> ComposerFacts {
    let json = match Json::parse(bytes) {
        Ok(json) => json,
        Err((line, column, why)) => return ComposerFacts::Broken(Spot { line, column }, why),
    };
    if path.ends_with("composer.lock") {
        ComposerFacts::Lock(lock(&json))
    } else if path.ends_with("installed.json") {
        ComposerFacts::Installed(installed(&json))
    } else {
        ComposerFacts::Manifest(manifest(&json))
    }
}

fn manifest(json: &Json) -> Manifest {
    let required = json.get("require").map(Json::members).unwrap_or_default();
    let platform = required
        .iter()
        .filter(|(name, _)| name == "php" || name.starts_with("ext-"));
    Manifest {
        content_hash: content_hash::content_hash(json),
        platform: platform
            .filter_map(|(name, wanted)| Some((name.clone(), wanted.text()?.to_owned())))
            .collect(),
        vendor_dir: json
            .get("config")
            .and_then(|config| config.get("vendor-dir")?.text())
            .map(str::to_owned),
    }
}

fn lock(json: &Json) -> Lock {
    let packages = json.get("packages").map(Json::items).unwrap_or_default();
    let directories = packages.iter().take(PACKAGES_MAX).filter(|package| {
        let kind = package.get("type").and_then(Json::text);
        !kind.is_some_and(|kind| NO_DIRECTORY.contains(&kind))
    });
    Lock {
        content_hash: json.get("content-hash").and_then(Json::text).map(str::to_owned),
        packages: directories
            .filter_map(|package| {
                let version = package.get("version").and_then(Json::text).unwrap_or_default();
                Some((package.get("name")?.text()?.to_lowercase(), version.to_owned()))
            })
            .collect(),
    }
}

fn installed(json: &Json) -> Installed {
    let packages = json.get("packages").unwrap_or(json).items();
    let names = packages
        .iter()
        .take(PACKAGES_MAX)
        .filter_map(|package| package.get("name")?.text());
    Installed {
        packages: names.map(str::to_lowercase).collect(),
    }
}

/// What is said of composer's files, by the file that it is said of.
pub(crate) fn judge<'t>(
    files: &BTreeMap<&'t str, &ComposerFacts>,
    places: &Places<'_>,
    setting: &Setting,
) -> Vec<(&'t str, Fault)> {
    let mut faults = Vec::new();
    for (path, facts) in files {
        let of_file = match facts {
            ComposerFacts::Broken(at, why) if is_of_the_site(path) => {
                vec![Fault::warning(
                    "composer-json",
                    *at,
                    format!("composer cannot read this: {why}"),
                )]
            }
            ComposerFacts::Manifest(manifest) if is_of_the_site(path) => platform(manifest, setting),
            ComposerFacts::Lock(lock) => of_lock(lock, path, files, places),
            ComposerFacts::Broken(..) | ComposerFacts::Manifest(_) | ComposerFacts::Installed(_) => {
                Vec::new()
            }
        };
        faults.extend(of_file.into_iter().map(|fault| (*path, fault)));
    }
    faults
}

/// Files in vendor are those of packages, which composer itself answers for.
fn is_of_the_site(path: &str) -> bool {
    !format!("/{path}").contains("/vendor/") && !path.contains("node_modules/")
}

fn of_lock(
    lock: &Lock,
    path: &str,
    files: &BTreeMap<&str, &ComposerFacts>,
    places: &Places<'_>,
) -> Vec<Fault> {
    let beside = beneath(parent(path), "composer.json");
    let Some(ComposerFacts::Manifest(manifest)) = files.get(beside.as_str()).copied() else {
        return Vec::new();
    };
    let mut faults = Vec::new();
    if let (Some(locked), Some(now)) = (&lock.content_hash, &manifest.content_hash)
        && locked != now
        && is_of_the_site(path)
    {
        let message =
            "composer.json was changed after this lock was made: what is locked is not what it asks for";
        faults.push(Fault::warning("composer-lock-stale", TOP, message));
    }
    let vendor = beneath(parent(path), manifest.vendor_dir.as_deref().unwrap_or("vendor"));
    let listed = beneath(&vendor, "composer/installed.json");
    if let Some(ComposerFacts::Installed(installed)) = files.get(listed.as_str()).copied() {
        let missing = lock.packages.iter().filter(|(name, _)| {
            !installed.packages.contains(*name) && places.find(&beneath(&vendor, name)) == Place::Nothing
        });
        faults.extend(missing.map(|(name, version)| {
            let message = format!(
                "{name} {version} is locked and not in {vendor}: composer was not asked to install it"
            );
            Fault::warning("composer-package-missing", TOP, message).naming(beneath(&vendor, name))
        }));
    }
    faults
}

/// What it asks of PHP that this PHP has not.
fn platform(manifest: &Manifest, setting: &Setting) -> Vec<Fault> {
    let lacks = |(name, wanted): (&String, &String)| match name.strip_prefix("ext-") {
        None => {
            let php = setting.php?;
            let fits = Constraint::parse(wanted)?.fits(Version::of_php(php))?;
            (!fits).then(|| format!("composer.json asks for PHP {wanted}, and the site has PHP {php}"))
        }
        Some(extension) => {
            let loaded = setting.extensions.as_ref()?;
            // As composer names them: `ext-zend-opcache`.
            let spaced = extension.to_ascii_lowercase().replace('-', " ");
            let there = ALWAYS_THERE.contains(&extension)
                || loaded.has(&extension.to_ascii_lowercase())
                || loaded.has(&spaced);
            (!there).then(|| {
                format!(
                    "composer.json asks for the extension {extension}, which the site's PHP has not loaded"
                )
            })
        }
    };
    let faults = manifest.platform.iter().filter_map(lacks);
    faults
        .map(|message| Fault::error("composer-platform", TOP, message))
        .collect()
}
