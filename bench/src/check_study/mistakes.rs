//! Mistakes of every rule but wrong includes, by a seed: how many of them the check finds, where, and how it says so.
//!
//! Start at [`SEEDED`]. What is a mistake is said by PHP itself wherever PHP can be asked (`php`), by the text of the tree where it
//! cannot (`text`), and never by the check.

mod around;
mod classes;
mod loaded;
mod names;
mod php;
mod text;

use std::collections::BTreeMap;

use anyhow::Result;
use lamp_check::{ApacheSetting, Extensions, Modules, PhpVersion, Setting};
use lamp_model::finding::{Finding, Severity};
use serde::Serialize;

use super::application::Application;
use super::memory_tree::Change;
use super::seed::Seed;
use php::Php;
use text::Text;

/// Files that are tried before a tree is said to have no place for a mistake.
const TRIES_MAX: usize = 60;
/// Most examples that are kept of a rule.
const EXAMPLES_MAX: usize = 12;

/// An application, and who is asked about it.
struct Ground<'a> {
    application: &'a Application,
    text: Text,
    php: &'a Php,
    hosts: &'a Hosts,
}

impl Ground<'_> {
    fn read(&self, path: &str) -> &[u8] {
        self.application.tree.read(path).unwrap_or_default()
    }
}

/// What may be known of a host.
struct Hosts {
    /// The PHP of this machine, which says what is too new for it.
    php: Setting,
    /// What that PHP loads.
    extensions: Setting,
    /// An Apache that loads hardly anything.
    apache: Setting,
}

impl Hosts {
    fn new() -> Result<Self> {
        let apache = ApacheSetting {
            modules: Some(Modules::parse("core_module,authz_core_module,mime_module")?),
            ..ApacheSetting::default()
        };
        Ok(Self {
            php: Setting {
                php: Some(PhpVersion::new(8, 2)),
                ..Setting::default()
            },
            extensions: Setting {
                extensions: Some(Extensions::parse(&Php::extensions()?)?),
                ..Setting::default()
            },
            apache: Setting {
                apache,
                ..Setting::default()
            },
        })
    }
}

/// Something that is wrong in a tree.
struct Mistake {
    /// What the tree has more before anything is wrong.
    before: Vec<Change>,
    changes: Vec<Change>,
    /// What a finding of it is told of; the changed files if it is none of these.
    is_about: Option<String>,
    /// What the words of a finding of it name, wherever it is told.
    names: Option<String>,
    /// The line that it stands in, if that can be told.
    line: Option<u32>,
    host: Setting,
    words: String,
}

impl Mistake {
    fn of(change: Change) -> Self {
        Self::all(vec![change], String::new())
    }

    fn all(changes: Vec<Change>, words: String) -> Self {
        Self {
            before: Vec::new(),
            changes,
            is_about: None,
            names: None,
            line: None,
            host: Setting::default(),
            words,
        }
    }

    fn paths(&self) -> Vec<&str> {
        let changed = self.changes.iter().filter_map(|change| match change {
            Change::Write { path, .. } => Some(path.as_str()),
            Change::Remove { .. } | Change::Rename { .. } => None,
        });
        self.is_about
            .as_deref()
            .map_or_else(|| changed.collect(), |path| vec![path])
    }

    /// Whether the finding is about it.
    fn is_at(&self, finding: &Finding) -> bool {
        if let Some(names) = &self.names {
            return finding.message.contains(names);
        }
        self.paths().contains(&finding.path.as_str()) && self.line.is_none_or(|line| line == finding.line)
    }
}

/// The line, from 1, of this byte.
fn line_of(source: &[u8], at: usize) -> u32 {
    let before = source[..at].iter().filter(|byte| **byte == b'\n').count();
    u32::try_from(before + 1).unwrap_or(u32::MAX)
}

/// A rule, and what makes mistakes of it.
struct Seeded {
    rule: &'static str,
    made: &'static str,
    /// Who says that it is one.
    judge: &'static str,
    make: fn(&Ground<'_>, &mut Seed) -> Result<Option<Mistake>>,
}

const LINT: &str = "php -l";
const ASKED: &str = "php, which is asked about the file";
const LOADED: &str = "php, which loads the file before and after";
const NOWHERE: &str = "php knows no such name, and no file has the word";
const APACHE: &str = "Apache 2.4, which the tests ask";
const SEED: &str = "the seed";

macro_rules! seeded {
    ($($rule:literal $made:literal $judge:ident $make:path;)*) => {
        &[$(Seeded { rule: $rule, made: $made, judge: $judge, make: $make }),*]
    };
}

const SEEDED: &[Seeded] = seeded! {
    "syntax-error" "a sign lost" LINT around::syntax;
    "undefined-function" "a slip in a call" NOWHERE names::function;
    "undefined-class" "a slip behind `new` or before `::`" NOWHERE names::class;
    "undefined-method" "a slip behind `$this->`" NOWHERE names::method;
    "undefined-constant" "a slip in a constant's name" NOWHERE names::constant;
    "missing-extension" "a call of an extension that is not loaded" NOWHERE classes::missing_extension;
    "too-new-for-php" "a call or construct of PHP 8.3 to 8.5, on 8.2" ASKED classes::too_new;
    "declared-twice" "a declaration again, here or in a file that is loaded" LOADED classes::twice;
    "abstract-not-implemented" "a method renamed" LOADED classes::not_implemented;
    "incompatible-method" "another head of a method" LOADED classes::incompatible;
    "not-first" "something before a namespace" LINT around::not_first;
    "output-before-php" "a mark or a line before `<?php`" ASKED around::output;
    "conflict-marker" "marks of a merge" LINT around::conflict;
    "debug-leftover" "a call that shows everything" SEED around::leftover;
    "secret" "a key" SEED around::secret;
    "env-file" "a .env" SEED around::env;
    "database-dump" "a dump" SEED around::dump;
    "backup-file" "a copy of a PHP file" SEED around::backup;
    "history-in-the-tree" "a repository" SEED around::history;
    "htaccess-section" "a section open, crossed or without a beginning" APACHE around::htaccess_section;
    "htaccess-unknown-directive" "a slip in a directive" APACHE around::htaccess_unknown;
    "htaccess-not-allowed" "a directive of the server's own files" APACHE around::htaccess_not_allowed;
    "htaccess-module-not-loaded" "a directive of a module that is not loaded" SEED around::htaccess_module;
    "htaccess-rewrite" "a rule that is none" APACHE around::htaccess_rewrite;
    "htaccess-arguments" "wrong arguments" APACHE around::htaccess_arguments;
    "htaccess-proxy" "requests handed on" SEED around::htaccess_proxy;
    "hidden-errors" "errors or requests not logged" SEED around::hidden_errors;
    "prepend-not-found" "a slip in a prepended file" SEED around::prepend;
    "ini-syntax" "a line that is none" ASKED around::ini;
    "composer-json" "a sign lost" ASKED around::composer_json;
    "composer-lock-stale" "a package more in composer.json" ASKED around::composer_lock;
    "composer-package-missing" "a package more in composer.lock" SEED around::composer_package;
    "composer-platform" "an extension more in composer.json" SEED around::composer_platform;
    "template-not-found" "a slip in a name of Twig's" SEED around::template;
    "block-file-not-found" "a file that is not there" SEED around::block;
    "asset-not-found" "a slip in a name of a style sheet or a page" SEED loaded::asset;
    "ini-value" "an amount that is none, or a setting of the host's" ASKED loaded::ini_value;
    "apache-snippet" "a slip in a virtual host, or a section open" APACHE loaded::snippet;
    "autoload-file-not-found" "a file of composer's lists renamed" SEED loaded::autoload_file;
    "autoload-wrong-place" "the file of a class renamed that others name" SEED loaded::wrong_place;
    "framework-part-not-found" "a slip in a list of MediaWiki's" SEED loaded::framework_part;
};

/// What was found of the mistakes of one rule.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct OfRule {
    pub(crate) rule: &'static str,
    pub(crate) made_by: &'static str,
    pub(crate) judge: &'static str,
    pub(crate) made: u64,
    /// Told by this rule, at the file and the line.
    pub(crate) found: u64,
    /// Of these, as an error.
    pub(crate) errors: u64,
    /// Of the others, those that another rule tells there.
    pub(crate) told_otherwise: u64,
    /// Findings of this rule in the files concerned, before anything was wrong: the control.
    pub(crate) before: u64,
    pub(crate) by_tree: BTreeMap<String, u64>,
    /// Some that were not found.
    pub(crate) missed: Vec<String>,
}

/// Makes `each` mistakes of every rule.
pub(crate) fn of_rules(
    applications: &[Application],
    each: usize,
    seed: u64,
    only: &[String],
) -> Result<Vec<OfRule>> {
    let (php, hosts) = (Php::new()?, Hosts::new()?);
    let ground = |application| Ground {
        application,
        text: Text::of(application),
        php: &php,
        hosts: &hosts,
    };
    let grounds: Vec<Ground<'_>> = applications.iter().map(ground).collect();
    let asked = SEEDED
        .iter()
        .filter(|seeded| only.is_empty() || only.iter().any(|rule| rule == seeded.rule));
    asked
        .enumerate()
        .map(|(number, seeded)| {
            let seed = Seed::new(seed.wrapping_mul(37).wrapping_add(number as u64));
            of_rule(&grounds, seeded, each, seed)
        })
        .collect()
}

fn of_rule(grounds: &[Ground<'_>], seeded: &Seeded, each: usize, mut seed: Seed) -> Result<OfRule> {
    /// Rounds over all trees for each that is wanted.
    const ROUNDS: usize = 3;
    let mut told = OfRule {
        rule: seeded.rule,
        made_by: seeded.made,
        judge: seeded.judge,
        made: 0,
        found: 0,
        errors: 0,
        told_otherwise: 0,
        before: 0,
        by_tree: BTreeMap::new(),
        missed: Vec::new(),
    };
    for ground in grounds.iter().cycle().take(ROUNDS * each.max(grounds.len())) {
        if told.made >= each as u64 {
            break;
        }
        if let Some(mistake) = (seeded.make)(ground, &mut seed)? {
            told.add(ground.application, &mistake)?;
        }
    }
    Ok(told)
}

impl OfRule {
    fn add(&mut self, application: &Application, mistake: &Mistake) -> Result<()> {
        let before = match mistake.host == Setting::default() && mistake.before.is_empty() {
            true => application.report.findings.clone(),
            false => application.findings_on(&mistake.host, &mistake.before)?,
        };
        let is_new = |finding: &Finding| !before.iter().any(|before| is_same(before, finding));
        let findings = application.findings_on(&mistake.host, &mistake.changes)?;
        let told: Vec<&Finding> = findings
            .iter()
            .filter(|finding| is_new(finding) && mistake.is_at(finding))
            .collect();
        let is_of_rule = |finding: &&&Finding| finding.rule.as_str() == self.rule;
        let found = told
            .iter()
            .filter(is_of_rule)
            .map(|finding| finding.severity)
            .max();
        let paths = mistake.paths();
        let of_files = before
            .iter()
            .filter(|finding| finding.rule.as_str() == self.rule && paths.contains(&finding.path.as_str()));
        self.before += of_files.count() as u64;
        self.made += 1;
        *self.by_tree.entry(application.name.clone()).or_default() += 1;
        self.found += u64::from(found.is_some());
        self.errors += u64::from(found == Some(Severity::Error));
        if found.is_none() {
            self.miss(application, mistake, &told);
        }
        Ok(())
    }

    fn miss(&mut self, application: &Application, mistake: &Mistake, told: &[&Finding]) {
        let otherwise = told.iter().find(|finding| finding.severity > Severity::Note);
        self.told_otherwise += u64::from(otherwise.is_some());
        if self.missed.len() < EXAMPLES_MAX {
            let told = otherwise.map_or("nothing", |finding| finding.rule.as_str());
            let line = mistake.line.map(|line| format!(":{line}")).unwrap_or_default();
            let (name, paths) = (&application.name, mistake.paths().join(", "));
            let words = &mistake.words;
            self.missed
                .push(format!("{name}/{paths}{line}: {words}; told: {told}"));
        }
    }
}

/// Whether both say the same of the same file, wherever in it.
fn is_same(one: &Finding, other: &Finding) -> bool {
    (&one.rule, &one.path, &one.message) == (&other.rule, &other.path, &other.message)
}
