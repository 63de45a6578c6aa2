//! One application of the study: its tree, and what the check says of it as it was shipped.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use lamp_check::{ContentHash, FactsCache, IncludeSeen, Limits, Outcome, Setting};
use lamp_model::finding::{CheckReport, Finding};

use super::memory_tree::{Change, MemoryTree};
use super::scan::Site;

/// An application, unmodified.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) name: String,
    /// Where it was unpacked.
    pub(crate) root: PathBuf,
    pub(crate) tree: MemoryTree,
    pub(crate) report: CheckReport,
    /// What each include names, by file and line.
    includes: BTreeMap<(String, u32), Vec<Outcome>>,
    /// Findings of the unmodified tree, without their lines.
    known: HashSet<String>,
    /// What parsing its files came to, so that a change costs the parsing of one file.
    facts: Facts,
}

/// The facts of an unmodified tree's files.
#[derive(Debug, Default)]
struct Facts {
    kept: HashMap<ContentHash, Vec<u8>>,
    /// What is put while a check runs; of the first check alone it is kept.
    put: Mutex<Vec<(ContentHash, Vec<u8>)>>,
}

impl Facts {
    fn keep(&mut self) {
        let put = self.put.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.kept = put.drain(..).collect();
    }
}

impl FactsCache for Facts {
    fn get(&self, hash: &ContentHash) -> Option<&[u8]> {
        self.kept.get(hash).map(Vec::as_slice)
    }

    fn put(&self, hash: ContentHash, facts: Vec<u8>) {
        if self.kept.is_empty() {
            let mut put = self.put.lock().unwrap_or_else(PoisonError::into_inner);
            put.push((hash, facts));
        }
    }
}

impl Application {
    pub(crate) fn load(directory: &Path, name: &str) -> Result<Self> {
        let root = fs_err::canonicalize(directory.join(name))?;
        let tree = MemoryTree::load(&root)?;
        let mut facts = Facts::default();
        let report = lamp_check::look(&tree, &Setting::default(), &LIMITS, Some(&facts)).report;
        facts.keep();
        let known = report.findings.iter().map(key).collect();
        let includes = by_place(lamp_check::includes(&tree, &LIMITS, Some(&facts)));
        Ok(Self {
            name: name.to_owned(),
            root,
            tree,
            report,
            includes,
            known,
            facts,
        })
    }

    /// Whether the check reads the file as PHP.
    pub(crate) fn is_php(&self, path: &str) -> bool {
        path.ends_with(".php") && !path.ends_with(".blade.php") && !path.ends_with(".stub.php")
    }

    /// What is found in the tree with these changes.
    pub(crate) fn findings_with(&self, changes: &[Change]) -> Result<Vec<Finding>> {
        self.findings_on(&Setting::default(), changes)
    }

    /// What is found in the tree with these changes, on a host of which this is known.
    pub(crate) fn findings_on(&self, host: &Setting, changes: &[Change]) -> Result<Vec<Finding>> {
        let tree = self.tree.with(changes)?;
        let looked = lamp_check::look(&tree, host, &LIMITS, Some(&self.facts));
        Ok(looked.report.findings)
    }

    /// Whether it is none that the unmodified tree has as well.
    pub(crate) fn is_new(&self, finding: &Finding) -> bool {
        !self.known.contains(&key(finding))
    }

    /// Why the resolver does not know what the site names, as it was shipped; `None`: it does.
    pub(crate) fn undecided_at(&self, site: &Site) -> Option<&'static str> {
        let outcomes = at_site(&self.includes, site).map_or(&[][..], Vec::as_slice);
        let mut why = None;
        for outcome in outcomes {
            match outcome {
                Outcome::Undecided(reason) => why = Some(reason.words()),
                Outcome::Found(_) | Outcome::Missing { .. } => return None,
            }
        }
        why.or(Some("the parser sees no include there"))
    }

    /// Whether the site is told of as it was shipped, which the study explains one by one.
    pub(crate) fn is_wrong_already(&self, site: &Site) -> bool {
        self.report.findings.iter().any(|finding| is_at(finding, site))
    }

    /// Whether the resolver knows what the site names, as it was shipped.
    pub(crate) fn decides(&self, site: &Site) -> bool {
        self.undecided_at(site).is_none()
    }

    /// Why includes cannot be told, and how many.
    pub(crate) fn undecided(&self) -> BTreeMap<&'static str, u64> {
        let mut reasons = BTreeMap::new();
        for outcome in self.includes.values().flatten() {
            if let Outcome::Undecided(why) = outcome {
                *reasons.entry(why.words()).or_default() += 1;
            }
        }
        reasons
    }

    /// Why a site that was made wrong is not told, in words.
    pub(crate) fn why_missed(&self, site: &Site, change: &Change) -> Result<String> {
        let tree = self.tree.with(std::slice::from_ref(change))?;
        let includes = by_place(lamp_check::includes(&tree, &LIMITS, Some(&self.facts)));
        let Some(outcomes) = at_site(&includes, site) else {
            return Ok("the parser sees no include there".to_owned());
        };
        let mut why = outcomes.iter().map(|outcome| match outcome {
            Outcome::Undecided(why) => why.words().to_owned(),
            Outcome::Missing { guarded: true, .. } => "the code expects it to be missing".to_owned(),
            Outcome::Missing { .. } => "it is known to be missing and not told".to_owned(),
            Outcome::Found(_) => "another file fits".to_owned(),
        });
        Ok(why.next_back().unwrap_or_default())
    }
}

const LIMITS: Limits = Limits {
    threads: 2,
    file_max_bytes: 4 * 1024 * 1024,
    findings_max: 50_000,
};

fn by_place(includes: Vec<IncludeSeen>) -> BTreeMap<(String, u32), Vec<Outcome>> {
    let mut places: BTreeMap<(String, u32), Vec<Outcome>> = BTreeMap::new();
    for include in includes {
        places
            .entry((include.path, include.line))
            .or_default()
            .push(include.outcome);
    }
    places
}

/// Whether the finding is about the include: a statement may begin lines before its name.
pub(crate) fn is_at(finding: &Finding, site: &Site) -> bool {
    const LINES_MAX: u32 = 4;
    finding.path == site.path && (site.line..=site.line + LINES_MAX).contains(&finding.line)
}

/// The name may begin a few lines below the keyword.
fn at_site<'p>(places: &'p BTreeMap<(String, u32), Vec<Outcome>>, site: &Site) -> Option<&'p Vec<Outcome>> {
    const LINES_MAX: u32 = 4;
    let from = (site.path.clone(), site.line);
    let to = (site.path.clone(), site.line + LINES_MAX);
    places.range(from..=to).next().map(|(_, outcomes)| outcomes)
}

/// A finding without its place in the file, which an edit above it moves.
fn key(finding: &Finding) -> String {
    format!("{} {} {}", finding.rule, finding.path, finding.message)
}
