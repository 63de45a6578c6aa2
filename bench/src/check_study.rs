//! The check on nine real applications: what it says of them as they are, after harmless edits, and of wrong names.
//!
//! Start at [`application`]; [`mistakes`] makes mistakes of every other rule, [`mutations`] makes names wrong in the seven ways of [`wrong`], at includes that
//! [`scan`] picks by their text, and [`harmless`] changes what changes nothing. All of it happens in memory: a wrong name
//! costs one check of the tree, in this process. The same seed gives the same figures.

mod application;
mod harmless;
mod memory_tree;
mod mistakes;
mod mutations;
mod scan;
mod seed;
mod table;
mod wrong;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use lamp_model::finding::{Finding, Severity};
use serde::Serialize;

use crate::publish::{Machine, publish};
use application::Application;
use harmless::Edit;
use mistakes::{OfRule, of_rules};
use mutations::{Population, Tally, Unnamed, tally};
use seed::Seed;
use wrong::Way;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where bench/trees.sh unpacked the applications
    #[arg(long, default_value = ".packages/trees")]
    trees: PathBuf,
    /// Wrong names made each way
    #[arg(long, default_value_t = 300)]
    each: usize,
    /// Harmless edits of each tree
    #[arg(long, default_value_t = 50)]
    edits: usize,
    /// Mistakes made of each other rule
    #[arg(long, default_value_t = 40)]
    mistakes: usize,
    /// What the choices are made by
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only these trees; the figures are then shown and not written
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only these ways; the figures are then shown and not written
    #[arg(long, value_enum, value_delimiter = ',')]
    ways: Vec<Way>,
    /// Only these rules' mistakes; the figures are then shown and not written
    #[arg(long, value_delimiter = ',')]
    rules: Vec<String>,
}

#[derive(Serialize)]
struct Raw {
    machine: Machine,
    command: &'static str,
    seed: u64,
    /// As apt names them.
    packages: Vec<String>,
    trees: Vec<TreeRow>,
    /// Include expressions of all trees, by their text.
    includes: u64,
    /// Those of them with a literal name that a file of the tree has.
    includes_named: u64,
    /// Of these, those that the resolver cannot tell, and why.
    includes_undecided: Vec<String>,
    /// The other includes, and how many of them the resolver decides.
    includes_unnamed: BTreeMap<&'static str, Unnamed>,
    ways: Vec<Tally>,
    mistakes: Vec<OfRule>,
}

const COMMAND: &str = "make bench-check-study";

/// What the check says of one tree.
#[derive(Serialize)]
struct TreeRow {
    name: String,
    files: u64,
    includes: u64,
    resolved: u64,
    undecided: BTreeMap<&'static str, u64>,
    errors: u64,
    warnings: u64,
    notes: u64,
    /// Every error and warning, in a line.
    findings: Vec<String>,
    edits: u64,
    /// Errors that an edit brought though it changes nothing.
    new_errors: Vec<String>,
}

/// Runs the bench and writes its figures.
pub(crate) fn run(options: &Options) -> Result<()> {
    let applications = load(options)?;
    let trees = applications
        .iter()
        .map(|application| tree_row(application, options));
    let trees = trees.collect::<Result<Vec<TreeRow>>>()?;
    let population = Population::new(&applications);
    let is_asked = |way: &Way| options.ways.is_empty() || options.ways.contains(way);
    let ways = Way::ALL.into_iter().filter(is_asked);
    let ways = ways.map(|way| tally(&population, way, options.each, options.seed));
    let raw = Raw {
        machine: Machine::read()?,
        command: COMMAND,
        seed: options.seed,
        packages: packages(options)?,
        trees,
        includes: population.all,
        includes_named: population.named.len() as u64,
        includes_undecided: population.undecided.clone(),
        includes_unnamed: population.unnamed.clone(),
        ways: ways.collect::<Result<Vec<Tally>>>()?,
        mistakes: of_rules(&applications, options.mistakes, options.seed, &options.rules)?,
    };
    let table = table::table(&raw);
    if options.only.is_empty() && options.ways.is_empty() && options.rules.is_empty() {
        return publish("check-study", &raw, &table);
    }
    println!("{}\n{table}", serde_json::to_string_pretty(&raw)?);
    Ok(())
}

fn load(options: &Options) -> Result<Vec<Application>> {
    let mut names: Vec<String> = fs_err::read_dir(&options.trees)
        .context("unpack them first: bench/trees.sh")?
        .filter_map(|item| item.ok().filter(|item| item.path().is_dir()))
        .map(|item| item.file_name().to_string_lossy().into_owned())
        .filter(|name| options.only.is_empty() || options.only.contains(name))
        .collect();
    names.sort();
    names
        .iter()
        .map(|name| Application::load(&options.trees, name))
        .collect()
}

fn packages(options: &Options) -> Result<Vec<String>> {
    let versions = fs_err::read_to_string(options.trees.join("versions.txt"))?;
    Ok(versions.lines().map(str::to_owned).collect())
}

fn tree_row(application: &Application, options: &Options) -> Result<TreeRow> {
    let report = &application.report;
    let count = |severity| {
        report
            .findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count() as u64
    };
    let told = report
        .findings
        .iter()
        .filter(|finding| finding.severity != Severity::Note);
    let (edits, new_errors) = edited(application, options)?;
    Ok(TreeRow {
        name: application.name.clone(),
        files: report.summary.files,
        includes: report.summary.includes,
        resolved: report.summary.resolved,
        undecided: application.undecided(),
        errors: count(Severity::Error),
        warnings: count(Severity::Warning),
        notes: count(Severity::Note),
        findings: told.map(line).collect(),
        edits,
        new_errors,
    })
}

/// How many edits were made, and every error that one of them brought.
fn edited(application: &Application, options: &Options) -> Result<(u64, Vec<String>)> {
    let mut seed = Seed::new(options.seed);
    let mut made = 0;
    let mut errors = Vec::new();
    for number in 0..options.edits {
        // Where the tree has no place for one kind, the next is made.
        let mut kinds = Edit::ALL
            .iter()
            .cycle()
            .skip(number % Edit::ALL.len())
            .take(Edit::ALL.len());
        let change =
            kinds.find_map(|kind| Some((kind, harmless::edit(&application.tree, *kind, &mut seed)?)));
        let Some((kind, change)) = change else { continue };
        made += 1;
        let findings = application.findings_with(std::slice::from_ref(&change))?;
        let new = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error && application.is_new(finding));
        errors.extend(new.map(|finding| format!("{kind:?}: {}", line(finding))));
    }
    Ok((made, errors))
}

fn line(finding: &Finding) -> String {
    format!(
        "{}:{} {}: {}",
        finding.path, finding.line, finding.rule, finding.message
    )
}
