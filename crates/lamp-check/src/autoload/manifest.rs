//! The loaders that composer is yet to generate, from `composer.json` and from the list of what is installed.
//!
//! What is only for development is left out: a release may come without it.

use super::Files;
use super::loader::{Listed, Loader, Origin, Prefixes};
use crate::facts::Spot;
use crate::place::{Place, beneath, file_name, parent};
use crate::surroundings::composer::json::Json;
use crate::surroundings::fault::TOP;

/// Most packages whose loading is looked at.
const PACKAGES_MAX: usize = 20_000;

/// One loader for each `composer.json` of the site; `generated` are the directories of packages that have one already.
pub(super) fn read(files: Files<'_>, generated: &[String]) -> Vec<Loader> {
    let entries = files.places.entries().iter();
    let manifests = entries
        .map(|entry| entry.path.as_str())
        .filter(|path| file_name(path) == "composer.json" && is_of_the_site(files, path));
    manifests
        .filter_map(|path| of_manifest(files, path, generated))
        .collect()
}

/// At the top of the tree, or with packages of its own beside it: any other may be a package's that is put in whole.
fn is_of_the_site(files: Files<'_>, path: &str) -> bool {
    let is_a_package = path
        .split('/')
        .any(|part| matches!(part, "vendor" | "node_modules"));
    let listed = beneath(parent(path), "vendor/composer/installed.json");
    !is_a_package && (path == "composer.json" || matches!(files.places.find(&listed), Place::File(_)))
}

fn of_manifest(files: Files<'_>, path: &str, generated: &[String]) -> Option<Loader> {
    let text = files.text(path)?;
    let json = Json::parse(text.as_bytes()).ok()?;
    let own = json
        .get("config")
        .and_then(|config| config.get("vendor-dir")?.text());
    let vendor = beneath(parent(path), own.unwrap_or("vendor"));
    let origin = match generated.contains(&vendor) {
        true => Origin::GeneratedBefore,
        false => Origin::ToBeGenerated,
    };
    let mut loader = Loader::new(origin, &vendor);
    let written = Written {
        by: path,
        text: &text,
        begins: 0,
        base: parent(path),
    };
    written.add_to(&mut loader, &json);
    if origin == Origin::ToBeGenerated {
        add_packages(files, &mut loader);
    }
    Some(loader)
}

/// Those that lie in the tree.
fn add_packages(files: Files<'_>, loader: &mut Loader) {
    let composer = beneath(&loader.vendor, "composer");
    let path = beneath(&composer, "installed.json");
    let Some(text) = files.text(&path) else { return };
    let Ok(json) = Json::parse(text.as_bytes()) else {
        return;
    };
    let packages = json.get("packages").unwrap_or(&json).items();
    for package in packages.iter().take(PACKAGES_MAX) {
        let Some(name) = package.get("name").and_then(Json::text) else {
            continue;
        };
        let base = match package.get("install-path").and_then(Json::text) {
            Some(to) => beneath(&composer, to),
            None => beneath(&loader.vendor, name),
        };
        let has_a_target = package.get("target-dir").is_some();
        if has_a_target || files.places.find(&base) != Place::Dir {
            continue;
        }
        let begins = format!("\"name\": \"{name}\"");
        let written = Written {
            by: &path,
            text: &text,
            begins: text.find(&begins).unwrap_or_default(),
            base: &base,
        };
        written.add_to(loader, package);
    }
}

/// What is written of one package.
struct Written<'w> {
    /// The file that says it.
    by: &'w str,
    text: &'w str,
    /// Where in the text the package begins.
    begins: usize,
    /// The directory that paths begin in.
    base: &'w str,
}

impl Written<'_> {
    fn add_to(&self, loader: &mut Loader, package: &Json) {
        let Some(autoload) = package.get("autoload") else {
            return;
        };
        let listed = |kind: &str| {
            let items = autoload.get(kind).map(Json::items).unwrap_or_default();
            // Patterns are composer's to follow.
            let paths = items
                .iter()
                .filter_map(Json::text)
                .filter(|path| !path.contains('*'));
            paths.map(|path| self.listed(path)).collect::<Vec<Listed>>()
        };
        loader.files.extend(listed("files"));
        loader.scanned.extend(listed("classmap"));
        if loader.origin == Origin::ToBeGenerated {
            self.add_prefixes(&mut loader.psr4, autoload.get("psr-4"));
            self.add_prefixes(&mut loader.psr0, autoload.get("psr-0"));
        }
    }

    fn add_prefixes(&self, prefixes: &mut Prefixes, written: Option<&Json>) {
        for (prefix, to) in written.map(Json::members).unwrap_or_default() {
            let directories = to
                .text()
                .into_iter()
                .chain(to.items().iter().filter_map(Json::text));
            for directory in directories {
                prefixes.add(prefix, beneath(self.base, directory));
            }
        }
    }

    fn listed(&self, path: &str) -> Listed {
        Listed {
            by: self.by.to_owned(),
            at: self.spot(path),
            path: beneath(self.base, path),
        }
    }

    /// Where a text first stands as a whole.
    fn spot(&self, text: &str) -> Spot {
        let ways = [format!("\"{text}\""), format!("\"{}\"", text.replace('/', "\\/"))];
        let Some(at) = ways.iter().find_map(|way| self.text[self.begins..].find(way)) else {
            return TOP;
        };
        let at = self.begins + at;
        let before = &self.text[..at];
        let line_begins = before.rfind('\n').map_or(0, |at| at + 1);
        let number = |count: usize| u32::try_from(count + 1).unwrap_or(u32::MAX);
        Spot {
            line: number(before.matches('\n').count()),
            column: number(at - line_begins),
        }
    }
}
