//! What makes a page die, or betrays a site, though no PHP is wrong: Apache's and PHP's settings that a release brings,
//! what stands before `<?php`, merges that were not finished, secrets, composer's files, and templates, pictures and
//! styles that are not there.
//!
//! [`php`] says what one PHP file has to do with it, `beside` reads the files that are no PHP; [`check`] holds both
//! against the tree and the host. Invariant: an error is certain; what may be meant is a warning, a note or silence.
//! No secret is ever part of a finding.

mod apache;
mod assets;
mod beside;
pub(crate) mod composer;
mod dotenv;
mod dump;
pub(crate) mod fault;
mod ini;
mod marks;
mod of_php;
pub(crate) mod php;
mod rules;
mod templates;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use lamp_model::finding::Finding;

pub(crate) use rules::RULES;

use crate::Limits;
use crate::cache::FactsCache;
use crate::facts::FileFacts;
use crate::hashed::HashSet;
use crate::place::{Places, file_name};
use crate::setting::Setting;
use crate::source::Source;
use crate::tree::{Entry, EntryKind, Tree};
pub(crate) use beside::Reading;
use beside::{Beside, Form};
use fault::{Fault, TOP};
use templates::Named;

/// Directories whose files no visitor comes by.
const APART: [&str; 10] = [
    "doc",
    "docs",
    "example",
    "examples",
    "fixtures",
    "node_modules",
    "test",
    "testdata",
    "tests",
    "vendor",
];

/// What the check looks at.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'t> {
    pub(crate) places: &'t Places<'t>,
    pub(crate) sources: &'t [Source],
    pub(crate) facts: &'t [FileFacts],
    pub(crate) setting: &'t Setting,
    pub(crate) limits: &'t Limits,
}

/// Whether a file stands where visitors do not come.
fn is_apart(path: &str) -> bool {
    path.split('/')
        .any(|part| APART.iter().any(|apart| part.eq_ignore_ascii_case(apart)))
}

/// Whether a finding's line of source may be shown: one with a secret in it may not.
pub fn may_be_shown(finding: &Finding) -> bool {
    !matches!(finding.rule.as_str(), "secret" | "env-file" | "database-dump")
}

/// What the files of a tree say that are no PHP, still to be read.
pub(crate) fn reading<'t>(tree: &'t dyn Tree, cache: Option<&'t dyn FactsCache>) -> Reading<'t> {
    Reading::new(beside::Reader { tree, cache })
}

/// What is wrong around the PHP of a tree; `beside` are its other files.
pub(crate) fn check(seen: Seen<'_>, beside: &[Beside<'_>]) -> Vec<Finding> {
    let mut faults: Vec<(&str, Fault)> = Vec::new();
    for (source, facts) in seen.sources.iter().zip(seen.facts) {
        let of_file = of_php::judge(source, facts);
        faults.extend(of_file.into_iter().map(|fault| (source.path.as_str(), fault)));
    }
    for file in beside {
        let of_file = of_beside(file, seen);
        faults.extend(of_file.into_iter().map(|fault| (file.path, fault)));
    }
    let composer = beside.iter().filter_map(|file| match &file.facts.form {
        Form::Composer(facts) => Some((file.path, facts)),
        Form::Text
        | Form::Htaccess(_)
        | Form::Snippet(_)
        | Form::Ini(_)
        | Form::Dotenv(_)
        | Form::Dump(_) => None,
    });
    let composer: BTreeMap<&str, &composer::ComposerFacts> = composer.collect();
    faults.extend(composer::judge(&composer, seen.places, seen.setting));
    faults.extend(templates::judge(&namings(seen, beside), seen.places));
    faults.extend(by_name(seen));
    faults
        .into_iter()
        .filter_map(|(path, fault)| fault.finding(path))
        .collect()
}

/// Leaves out what is said better: PHP's words about the marks of a merge.
pub(crate) fn say_the_better(findings: &mut Vec<Finding>) {
    let merged: HashSet<String> = findings
        .iter()
        .filter(|finding| finding.rule.as_str() == "conflict-marker")
        .map(|finding| finding.path.clone())
        .collect();
    findings.retain(|finding| {
        finding.rule.as_str() != crate::rules::SYNTAX_ERROR || !merged.contains(&finding.path)
    });
}

fn namings<'t>(seen: Seen<'t>, beside: &'t [Beside<'_>]) -> Vec<Named<'t>> {
    let of_php = seen
        .sources
        .iter()
        .zip(seen.facts)
        .filter(|(source, _)| !source.is_test)
        .flat_map(|(source, facts)| {
            let namings = facts.surroundings.namings.iter();
            namings.map(move |naming| Named {
                path: &source.path,
                naming,
            })
        });
    let of_templates = beside.iter().filter(|file| !is_test(file.path)).flat_map(|file| {
        let namings = file.facts.namings.iter();
        namings.map(move |naming| Named {
            path: file.path,
            naming,
        })
    });
    of_php.chain(of_templates).collect()
}

fn is_test(path: &str) -> bool {
    path.split('/').any(|part| {
        ["test", "tests", "fixtures"]
            .iter()
            .any(|test| part.eq_ignore_ascii_case(test))
    })
}

fn of_beside(file: &Beside<'_>, seen: Seen<'_>) -> Vec<Fault> {
    let mut faults: Vec<Fault> = beside::conflict(file).into_iter().collect();
    if faults.is_empty() {
        faults.extend(of_form(file, seen));
    }
    let secrets = file.facts.marks.secrets.iter();
    faults.extend(secrets.map(|secret| marks::judge_secret(secret, file.path)));
    faults
}

fn of_form(file: &Beside<'_>, seen: Seen<'_>) -> Vec<Fault> {
    let path = file.path;
    match &file.facts.form {
        Form::Htaccess(_) if is_test(path) => Vec::new(),
        Form::Htaccess(htaccess) => {
            let mut faults = apache::judge(htaccess, &seen.setting.apache);
            let prepended = apache::prepended(htaccess);
            faults.extend(prepended.filter_map(|file| ini::prepended(&file, path, seen.places)));
            faults
        }
        Form::Snippet(_) if is_test(path) => Vec::new(),
        Form::Snippet(snippet) => apache::judge_snippet(snippet),
        Form::Ini(ini) => ini::judge(ini, path, seen.places),
        Form::Dotenv(Some(at)) => {
            let message =
                "a secret has its value here: it belongs to the host, and whoever reads the code can use it";
            vec![Fault::warning("env-file", *at, message)]
        }
        Form::Dump(Some(dump::Holds::Passwords)) => {
            vec![Fault::warning(
                "database-dump",
                TOP,
                "a dump of a database stands here, with hashes of passwords",
            )]
        }
        Form::Dump(Some(dump::Holds::Rows)) => vec![Fault::note(
            "database-dump",
            TOP,
            "a dump of a database stands here, with its rows",
        )],
        Form::Dotenv(None) | Form::Dump(None) | Form::Text | Form::Composer(_) => Vec::new(),
    }
}

/// What its name alone says.
fn by_name(seen: Seen<'_>) -> Vec<(&str, Fault)> {
    let entries = seen.places.entries().iter();
    entries
        .filter_map(|entry| Some((entry.path.as_str(), named(entry, seen.limits)?)))
        .collect()
}

fn named(entry: &Entry, limits: &Limits) -> Option<Fault> {
    let name = file_name(&entry.path);
    match entry.kind {
        EntryKind::File { size_bytes } if dump::is_packed(name, size_bytes, limits) => {
            let message = "this seems to be a dump of a database, too large or packed to be looked into";
            Some(Fault::note("database-dump", TOP, message))
        }
        EntryKind::File { .. } if !is_test(&entry.path) => {
            let of = dump::copied(name)?;
            let message =
                format!("this is a copy of {of} that a server shows as text to whoever asks for it");
            Some(Fault::warning("backup-file", TOP, message))
        }
        // That of the whole tree is where a source was checked out, and never part of a release.
        EntryKind::Dir if matches!(name, ".git" | ".svn" | ".hg") && entry.path.contains('/') => {
            let message =
                "a repository stands inside the tree: if it is served, so is all that was ever in it";
            Some(Fault::warning("history-in-the-tree", TOP, message))
        }
        EntryKind::File { .. } | EntryKind::Dir | EntryKind::Link { .. } | EntryKind::Unreadable { .. } => {
            None
        }
    }
}
