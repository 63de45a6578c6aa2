//! Wrong names by the hundred: what the check finds of them, what it suggests, and why it misses the rest.

use std::collections::BTreeMap;

use anyhow::Result;
use lamp_model::finding::Finding;
use serde::Serialize;

use super::application::{Application, is_at};
use super::scan::{Site, sites};
use super::seed::Seed;
use super::wrong::{Way, Wrong, target, wrong};

/// What was found of the wrong names made one way.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Tally {
    pub(crate) way: Way,
    pub(crate) made: u64,
    pub(crate) found: u64,
    /// Of the found, those that something in the tree mends.
    pub(crate) mendable: u64,
    /// Of these, those whose suggestion is the right file.
    pub(crate) suggested_right: u64,
    /// Of the made, those whose include the resolver decided before.
    pub(crate) decided: u64,
    pub(crate) decided_and_found: u64,
    pub(crate) by_tree: BTreeMap<String, Count>,
    /// Why the others were not found.
    pub(crate) missed: BTreeMap<String, u64>,
    /// The first of each reason, and suggestions that were not right.
    pub(crate) examples: Vec<String>,
}

/// Of one tree.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Count {
    pub(crate) made: u64,
    pub(crate) found: u64,
}

/// Most examples that are kept of a way.
const EXAMPLES_MAX: usize = 40;

/// The includes of every tree, by their text.
#[derive(Debug)]
pub(crate) struct Population<'a> {
    /// Those with a literal name that a file of the tree has, and of which nothing is told as they are shipped.
    pub(crate) named: Vec<(&'a Application, Site)>,
    /// All.
    pub(crate) all: u64,
    /// Of the named, those that the resolver cannot tell, and why.
    pub(crate) undecided: Vec<String>,
    /// Why the others have no place among the named; of each kind, how many there are and how many the resolver decides.
    pub(crate) unnamed: BTreeMap<&'static str, Unnamed>,
}

/// Includes that cannot be made wrong by their text.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Unnamed {
    pub(crate) all: u64,
    pub(crate) decided: u64,
}

impl<'a> Population<'a> {
    pub(crate) fn new(applications: &'a [Application]) -> Self {
        let mut population = Self {
            named: Vec::new(),
            all: 0,
            undecided: Vec::new(),
            unnamed: BTreeMap::new(),
        };
        for application in applications {
            let tree = &application.tree;
            for path in tree.files().filter(|path| application.is_php(path)) {
                for site in sites(path, tree.read(path).unwrap_or_default()) {
                    population.meet(application, site);
                }
            }
        }
        population
    }

    fn meet(&mut self, application: &'a Application, site: Site) {
        self.all += 1;
        let undecided = application.undecided_at(&site);
        if let Some(why) = why_unnamed(application, &site) {
            let unnamed = self.unnamed.entry(why).or_default();
            unnamed.all += 1;
            unnamed.decided += u64::from(undecided.is_none());
            return;
        }
        let place = format!("{}/{}:{}", application.name, site.path, site.line);
        let words = undecided.map(|why| format!("{place} {}: {why}", site.expression));
        self.undecided.extend(words);
        self.named.push((application, site));
    }
}

/// Why a name cannot be made wrong here by its text; `None`: it can.
fn why_unnamed(application: &Application, site: &Site) -> Option<&'static str> {
    if site.name.is_none() {
        return Some("no literal name");
    }
    if application.is_wrong_already(site) {
        return Some("told as they are shipped");
    }
    target(&application.tree, site)
        .is_none()
        .then_some("a literal name that no file of the tree has, or more than one")
}

/// Makes `each` wrong names this way, one at a time.
pub(crate) fn tally(population: &Population<'_>, way: Way, each: usize, seed: u64) -> Result<Tally> {
    let mut tally = Tally::new(way);
    let mut seed = Seed::new(seed.wrapping_mul(31).wrapping_add(way as u64));
    let order = seed.shuffled((0..population.named.len()).collect());
    for at in order {
        if tally.made >= each as u64 {
            break;
        }
        let (application, site) = &population.named[at];
        if let Some(wrong) = wrong(&application.tree, site, way, &mut seed) {
            tally.add(application, site, &wrong)?;
        }
    }
    Ok(tally)
}

impl Tally {
    const fn new(way: Way) -> Self {
        Self {
            way,
            made: 0,
            found: 0,
            mendable: 0,
            suggested_right: 0,
            decided: 0,
            decided_and_found: 0,
            by_tree: BTreeMap::new(),
            missed: BTreeMap::new(),
            examples: Vec::new(),
        }
    }

    fn add(&mut self, application: &Application, site: &Site, wrong: &Wrong) -> Result<()> {
        let findings = application.findings_with(std::slice::from_ref(&wrong.change))?;
        let found = findings
            .iter()
            .find(|finding| application.is_new(finding) && is_at(finding, site));
        let decided = application.decides(site);
        self.made += 1;
        self.found += u64::from(found.is_some());
        self.decided += u64::from(decided);
        self.decided_and_found += u64::from(decided && found.is_some());
        let count = self.by_tree.entry(application.name.clone()).or_default();
        count.made += 1;
        count.found += u64::from(found.is_some());
        match found {
            Some(finding) => self.suggested(application, site, wrong, finding),
            None => self.missed(application, site, wrong)?,
        }
        Ok(())
    }

    fn suggested(&mut self, application: &Application, site: &Site, wrong: &Wrong, finding: &Finding) {
        let Some(mend) = &wrong.mend else { return };
        self.mendable += 1;
        if finding.suggestion.as_ref() == Some(mend) {
            self.suggested_right += 1;
            return;
        }
        let said = finding.suggestion.as_deref().unwrap_or("nothing");
        let named = finding.target.as_deref().unwrap_or_default();
        self.example(
            application,
            site,
            &format!("{named}: suggested {said}, right is {mend}"),
        );
    }

    fn missed(&mut self, application: &Application, site: &Site, wrong: &Wrong) -> Result<()> {
        let why = application.why_missed(site, &wrong.change)?;
        let before = self.missed.entry(why.clone()).or_default();
        *before += 1;
        self.example(application, site, &format!("missed: {why}"));
        Ok(())
    }

    fn example(&mut self, application: &Application, site: &Site, words: &str) {
        if self.examples.len() < EXAMPLES_MAX {
            let place = format!("{}/{}:{}", application.name, site.path, site.line);
            self.examples
                .push(format!("{place} {}: {words}", site.expression));
        }
    }
}

/// A share for people.
pub(crate) fn share(part: u64, of: u64) -> String {
    if of == 0 {
        return "none".to_owned();
    }
    format!("{:.1} %", 100.0 * part as f64 / of as f64)
}
