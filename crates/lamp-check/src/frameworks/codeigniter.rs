//! CodeIgniter 3: the parts that its loader is asked for by their names, and the controllers that an address names.
//!
//! Where each part lies is as in `system/core/Loader.php` of 3.1. Packages and modules add directories while the site runs,
//! so that a part is there if it lies in any directory of its kind.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Missing, Seen, is_test};
use crate::autoload::Ground;
use crate::facts::Spot;
use crate::graph::Edge;
use crate::hashed::HashMap;
use crate::place::{beneath, ends_in, file_name, is_beneath, parent};
use crate::source::position;

/// A file of the framework that no other program has, and one that each application has, both from their directory.
const CORE: &str = "core/CodeIgniter.php";
const SETTINGS: &str = "config/autoload.php";

/// A part that the loader is asked for: `$this->load->model('shop/cart')`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) at: Spot,
    pub(crate) part: Part,
    pub(crate) name: String,
}

/// What kind of part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Part {
    View,
    Model,
    Library,
    Helper,
}

impl Part {
    /// Which the loader's method of this name brings.
    pub(crate) const fn of_method(name: &[u8]) -> Option<Self> {
        match name {
            b"view" => Some(Self::View),
            b"model" => Some(Self::Model),
            b"library" => Some(Self::Library),
            b"helper" => Some(Self::Helper),
            _ => None,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Model => "model",
            Self::Library => "library",
            Self::Helper => "helper",
        }
    }

    /// How the path of its file may end, the plainest first.
    fn endings(self, name: &str) -> Vec<String> {
        let (directory, last) = (parent(name), file_name(name));
        let in_directory = |kind: &str, last: &str| beneath(kind, &beneath(directory, last));
        match self {
            Self::View if last.contains('.') => vec![in_directory("views", last)],
            Self::View => vec![in_directory("views", &format!("{last}.php"))],
            Self::Model => {
                let class = capital(last);
                ["", "MY_"]
                    .map(|before| in_directory("models", &format!("{before}{class}.php")))
                    .to_vec()
            }
            Self::Library => {
                let class = capital(last);
                let plain =
                    ["", "MY_"].map(|before| in_directory("libraries", &format!("{before}{class}.php")));
                let inside = in_directory("libraries", &format!("{class}/{class}.php"));
                [plain.as_slice(), &[inside]].concat()
            }
            Self::Helper => {
                let last = last.strip_suffix("_helper").unwrap_or(last);
                let of =
                    |before: &str, last: &str| in_directory("helpers", &format!("{before}{last}_helper.php"));
                vec![of("", last), of("", &last.to_lowercase()), of("MY_", last)]
            }
        }
    }
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// What the applications of a tree ask their loader for.
pub(crate) struct Parts<'t> {
    /// The directory of each.
    applications: Vec<&'t str>,
    /// The framework's own source.
    core: Option<usize>,
    loaded: Vec<Loaded<'t>>,
}

/// Who asks for a part, and each file that it may be.
struct Loaded<'t> {
    from: usize,
    load: &'t Load,
    files: Vec<&'t str>,
}

impl<'t> Parts<'t> {
    /// None, unless the framework is in the tree.
    pub(crate) fn of(ground: Ground<'t, 't>) -> Self {
        let each = ground.sources.iter().enumerate();
        let mut cores = each
            .filter(|(_, source)| ends_in(&source.path, CORE))
            .map(|(at, _)| at);
        let (first, second) = (cores.next(), cores.next());
        let applications = match first {
            Some(_) => applications(ground),
            None => Vec::new(),
        };
        Self {
            // Of several it is not known which one is run.
            core: first.filter(|_| second.is_none()),
            loaded: match applications.is_empty() {
                true => Vec::new(),
                false => loaded(ground),
            },
            applications,
        }
    }
}

pub(super) fn missing<'t>(seen: Seen<'t, '_>) -> Vec<Missing<'t>> {
    let without = seen.parts.loaded.iter().filter(|loaded| loaded.files.is_empty());
    let missing = without.filter_map(|Loaded { from, load, .. }| {
        let by = seen.ground.sources[*from].path.as_str();
        let application = around(by, &seen.parts.applications)?;
        let path = beneath(application, load.part.endings(&load.name).first()?);
        let (part, name) = (load.part.words(), &load.name);
        Some(Missing {
            by,
            at: load.at,
            message: format!("CodeIgniter is to load the {part} {name}, whose file does not exist: {path}"),
            path,
        })
    });
    missing.collect()
}

/// From who asks for a part to its file, and from the framework to every controller.
pub(super) fn edges(ground: Ground<'_, '_>, parts: &Parts<'_>) -> BTreeSet<Edge> {
    let edge = |from, to| Edge {
        from,
        to,
        outside_functions: false,
    };
    let loaded = parts
        .loaded
        .iter()
        .filter_map(|loaded| match loaded.files.as_slice() {
            [only] => Some(edge(loaded.from, position(ground.sources, only)?)),
            _ => None,
        });
    let controllers = parts.applications.iter().flat_map(|application| {
        let directory = beneath(application, "controllers");
        let each = ground.sources.iter().enumerate();
        let each = each.filter(move |(_, source)| is_beneath(&source.path, &directory));
        each.map(|(to, _)| to)
    });
    loaded
        .chain(controllers.filter_map(|to| Some(edge(parts.core?, to))))
        .collect()
}

fn applications<'t>(ground: Ground<'t, '_>) -> Vec<&'t str> {
    let paths = ground.sources.iter().map(|source| source.path.as_str());
    let directories = paths.filter_map(|path| path.strip_suffix(SETTINGS)?.strip_suffix('/'));
    directories.collect()
}

/// The application that a file is part of.
fn around<'a>(path: &str, applications: &[&'a str]) -> Option<&'a str> {
    let around = applications
        .iter()
        .filter(|application| is_beneath(path, application));
    around.max_by_key(|application| application.len()).copied()
}

fn loaded<'t>(ground: Ground<'t, 't>) -> Vec<Loaded<'t>> {
    let mut by_name: HashMap<&str, Vec<&str>> = HashMap::default();
    for entry in ground.places.entries() {
        let of_name = by_name.entry(file_name(&entry.path)).or_default();
        of_name.push(&entry.path);
    }
    let files = |load: &Load| -> Vec<&'t str> {
        let endings = load.part.endings(&load.name).into_iter();
        let files = endings.flat_map(|ending| {
            let named = by_name.get(file_name(&ending)).into_iter().flatten();
            let named = named.filter(|path| ends_in(path, &ending));
            named.copied().collect::<Vec<&str>>()
        });
        files.collect()
    };
    let sources = ground.sources.iter().zip(ground.facts).enumerate();
    let sources = sources.filter(|(_, (source, _))| !is_test(&source.path));
    let loaded =
        sources.flat_map(|(from, (_, facts))| facts.surroundings.loads.iter().map(move |load| (from, load)));
    loaded
        .filter(|(_, load)| is_plain(&load.name))
        .map(|(from, load)| Loaded {
            from,
            load,
            files: files(load),
        })
        .collect()
}

/// A name that leads nowhere but down.
fn is_plain(name: &str) -> bool {
    let is_of_a_name =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '/' | '.');
    !name.is_empty()
        && name.chars().all(is_of_a_name)
        && !name.split('/').any(|part| matches!(part, "" | "." | ".."))
}
