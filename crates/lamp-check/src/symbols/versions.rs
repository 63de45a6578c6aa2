//! What the host's PHP does not have: names and constructs of later versions, names of extensions that it does not load.

use lamp_model::finding::Severity;

use super::facts::{Certainty, Use, Used};
use super::index::{Index, Known, Name};
use super::php::Brought;
use super::{MISSING_EXTENSION, TOO_NEW, Told};
use crate::setting::{Extensions, PhpVersion, Setting};

/// Parts of a path that say that a file is for other versions of PHP than some.
const FOR_SOME_PHP: [&str; 4] = ["php7", "php8", "polyfill", "stubs"];

pub(super) fn told(index: &Index<'_>, setting: &Setting) -> Vec<Told> {
    if *setting == Setting::default() {
        return Vec::new();
    }
    let is_for_all = |file: usize| {
        let path = index.sources[file].path.to_ascii_lowercase();
        !FOR_SOME_PHP.iter().any(|part| path.contains(part))
    };
    let mut told = Vec::new();
    for (file, used) in index.uses().filter(|(file, _)| is_for_all(*file)) {
        let Some((what, name, brought)) = brought(index, used) else {
            continue;
        };
        let place = Place { file, used };
        told.extend(
            setting
                .php
                .and_then(|php| too_new(place, (what, name), brought, php)),
        );
        told.extend(
            setting
                .extensions
                .as_ref()
                .and_then(|loaded| not_loaded(place, (what, name), brought, loaded)),
        );
    }
    if let Some(php) = setting.php {
        let files = (0..index.facts.len()).filter(|file| is_for_all(*file) && !index.sources[*file].is_test);
        told.extend(files.flat_map(|file| newer_syntax(index, file, php)));
    }
    told
}

#[derive(Clone, Copy)]
struct Place<'u> {
    file: usize,
    used: &'u Use,
}

/// What is used, if PHP brings it and the tree does not.
fn brought<'u>(index: &Index<'_>, used: &'u Use) -> Option<(&'static str, &'u str, Brought)> {
    match &used.what {
        Used::Class(name) => match index.class(name) {
            Known::Php(class) => Some(("class", name, class.brought)),
            Known::Tree(..) | Known::Somehow | Known::Nowhere => None,
        },
        Used::Function(resolved) => match index.function(resolved) {
            Name::Php(brought) => Some(("function", last(&resolved.name), brought)),
            Name::Somehow | Name::Nowhere => None,
        },
        Used::Constant(resolved) => match index.constant(resolved) {
            Name::Php(brought) => Some(("constant", last(&resolved.name), brought)),
            Name::Somehow | Name::Nowhere => None,
        },
        Used::Method { .. } | Used::OwnMethod { .. } | Used::ClassConstant { .. } => None,
    }
}

fn last(name: &str) -> &str {
    name.rsplit('\\').next().unwrap_or(name)
}

fn too_new(place: Place<'_>, (what, name): (&str, &str), brought: Brought, php: PhpVersion) -> Option<Told> {
    let since = brought.since.filter(|since| *since > php)?;
    Some(Told {
        file: place.file,
        at: place.used.at,
        rule: TOO_NEW,
        severity: Severity::Error,
        message: format!("the {what} {name} came with PHP {since}; the host has {php}"),
        target: name.to_owned(),
        suggestion: None,
    })
}

/// An error where the file cannot be loaded without it: other code may only be come by where the extension is there.
fn not_loaded(
    place: Place<'_>,
    (what, name): (&str, &str),
    brought: Brought,
    loaded: &Extensions,
) -> Option<Told> {
    if loaded.has(brought.extension) || brought.extension == "core" {
        return None;
    }
    Some(Told {
        file: place.file,
        at: place.used.at,
        rule: MISSING_EXTENSION,
        severity: match place.used.certainty {
            Certainty::Always => Severity::Error,
            Certainty::IfReached => Severity::Warning,
        },
        message: format!(
            "the {what} {name} is the extension {}'s, which the host's PHP does not load",
            brought.extension
        ),
        target: name.to_owned(),
        suggestion: None,
    })
}

/// The first construct that this PHP cannot parse: after it, it reads nothing more.
fn newer_syntax(index: &Index<'_>, file: usize, php: PhpVersion) -> Option<Told> {
    let mut newer = index.facts[file].symbols.newer_syntax.iter();
    let (at, since, what) = newer.find_map(|newer| {
        let ((major, minor), what) = newer.construct.since();
        let since = PhpVersion::new(major, minor);
        (since > php).then_some((newer.at, since, what))
    })?;
    Some(Told {
        file,
        at,
        rule: TOO_NEW,
        severity: Severity::Error,
        message: format!("{what} came with PHP {since}; the host has {php}, which cannot parse this file"),
        target: what.to_owned(),
        suggestion: None,
    })
}
