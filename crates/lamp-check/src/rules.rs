//! The check of a whole tree: what is wrong in it, where, and how much hangs on that.

use std::collections::{BTreeSet, HashMap, HashSet};

use lamp_model::finding::{BlastRadius, CheckReport, CheckSummary, Finding, RuleName, Severity};
use lamp_model::reach::UnknownInclude;

use crate::Limits;
use crate::applications::{MADE_WHILE_RUNNING, OWN_FILES};
use crate::cache::FactsCache;
use crate::constants::Constants;
use crate::entry::{self, entry_points};
use crate::facts::{FileFacts, Guard, Include, Said, Spot};
use crate::graph::{Edge, Graph};
use crate::hanging::IncludeGraph;
use crate::looked::{Looked, Slip};
use crate::nearest::{Near, nearest};
use crate::place::{Place, Places, file_name, parent};
use crate::read::{Reader, read_all};
use crate::resolve::{Resolver, Target};
use crate::rule::{Rule, page};
use crate::setting::Setting;
use crate::source::{Source, sources};
use crate::surroundings::{self, Seen};
use crate::tree::{EntryKind, Tree};
use crate::unknown;

/// The rule of a file that PHP cannot parse.
pub const SYNTAX_ERROR: &str = "syntax-error";
/// The rule of an include whose file is not there.
pub const INCLUDE_NOT_FOUND: &str = "include-not-found";
/// The rule of a file that could not be looked at.
pub const NOT_CHECKED: &str = "not-checked";

/// The rules of this family.
pub(crate) const RULES: &[Rule] = &[
    Rule {
        name: SYNTAX_ERROR,
        severity: Severity::Error,
        says: "a file that PHP cannot parse",
        page: page!("syntax-error"),
    },
    Rule {
        name: INCLUDE_NOT_FOUND,
        severity: Severity::Error,
        says: "an include that names a file that does not exist",
        page: page!("include-not-found"),
    },
    Rule {
        name: NOT_CHECKED,
        severity: Severity::Note,
        says: "a file that could not be looked at",
        page: page!("not-checked"),
    },
];

/// Most includes that are told to be unknown.
const UNKNOWN_MAX: usize = 20_000;

/// The start of a file.
const TOP: Spot = Spot { line: 1, column: 1 };

/// Checks a tree. `elapsed_ms` of the summary is left at 0: whoever has a clock sets it.
pub fn check(tree: &dyn Tree, setting: &Setting, limits: &Limits) -> CheckReport {
    look(tree, setting, limits, None).report
}

/// Checks a tree, and answers what people ask beside the findings. Files whose facts are in `cache` are not parsed again.
pub fn look(tree: &dyn Tree, setting: &Setting, limits: &Limits, cache: Option<&dyn FactsCache>) -> Looked {
    let places = Places::new(tree.entries());
    let sources = sources(tree.entries());
    let facts = read_all(Reader { tree, limits, cache }, &sources);
    let constants = Constants::new(&sources, &facts, &places);
    let resolver = Resolver::new(&places, &sources, &facts, &constants);
    let resolved = Resolved::new(&places, &sources, &facts, &resolver);
    let graph = Graph::new(sources.len(), &resolved.edges);
    let own_files = own_files(&sources);
    let entries = entry_points(entry::Tree {
        sources: &sources,
        facts: &facts,
        constants: &constants,
        graph: &graph,
        own_files: &own_files,
    });
    let report = Report {
        places: &places,
        sources: &sources,
        facts: &facts,
        resolved: &resolved,
        blast: Blast::new(&graph, &entries),
    };
    let seen = Seen {
        tree,
        places: &places,
        sources: &sources,
        facts: &facts,
        setting,
        limits,
    };
    let report = report.finish(limits, surroundings::check(seen));
    Looked {
        slips: resolved.slips(&places, &sources),
        unknown: resolved.unknown(&sources, &constants),
        graph: IncludeGraph::new(&sources, entries, graph),
        report,
    }
}

fn own_files(sources: &[Source]) -> HashSet<usize> {
    let is_own = |source: &Source| {
        let name = file_name(&source.path);
        OWN_FILES.iter().any(|row| row.sample == name || row.name == name)
    };
    let each = sources.iter().enumerate();
    each.filter(|(_, source)| is_own(source))
        .map(|(at, _)| at)
        .collect()
}

/// An include and what it names.
struct Named<'f> {
    include: &'f Include,
    target: Target,
    /// What a name that leads to nothing may have meant.
    near: Option<Near>,
}

impl Named<'_> {
    /// The files that it names, or was meant to name: what hangs on a file does not change with a slip in it.
    fn meant(&self, places: &Places<'_>) -> Vec<usize> {
        let near = self.near.as_ref().filter(|near| near.is_a_slip);
        match (&self.target, near.map(|near| places.find(&near.path))) {
            (Target::Found(files), _) => files.clone(),
            (Target::Missing(_), Some(Place::File(index))) => vec![index],
            (Target::Missing(_) | Target::Undecided, _) => Vec::new(),
        }
    }
}

impl Named<'_> {
    fn is_slip(&self, places: &Places<'_>, beside: &[Self]) -> bool {
        let near = self.near.as_ref().filter(|near| near.is_a_slip);
        let Some(Place::File(meant)) = near.map(|near| places.find(&near.path)) else {
            return false;
        };
        let names_it = |other: &Self| matches!(&other.target, Target::Found(files) if files.contains(&meant));
        unknown::is_read_in_one_way(&self.include.value) && !beside.iter().any(names_it)
    }
}

/// What each include of each source names.
struct Resolved<'f> {
    /// By source, in the order of the file.
    targets: Vec<Vec<Named<'f>>>,
    edges: BTreeSet<Edge>,
}

impl<'f> Resolved<'f> {
    fn new(
        places: &Places<'_>,
        sources: &[Source],
        facts: &'f [FileFacts],
        resolver: &Resolver<'_, '_>,
    ) -> Self {
        let by_entry: HashMap<usize, usize> = sources
            .iter()
            .enumerate()
            .map(|(at, source)| (source.entry, at))
            .collect();
        let mut edges = BTreeSet::new();
        let mut targets = Vec::with_capacity(sources.len());
        for (from, facts) in facts.iter().enumerate() {
            let target =
                |include: &'f Include| (include, or_its_sample(places, resolver.target(from, include)));
            let of_file = with_nearest(
                places,
                &sources[from],
                facts.includes.iter().map(target).collect(),
            );
            for named in &of_file {
                let meant = named.meant(places).into_iter();
                edges.extend(meant.filter_map(|entry| by_entry.get(&entry)).map(|to| Edge {
                    from,
                    to: *to,
                    outside_functions: named.include.outside_functions,
                }));
            }
            targets.push(of_file);
        }
        Self { targets, edges }
    }

    /// The includes whose file cannot be told, and why.
    fn unknown(&self, sources: &[Source], constants: &Constants<'_>) -> Vec<UnknownInclude> {
        let of_all = sources.iter().zip(&self.targets).enumerate();
        let undecided = of_all.flat_map(|(at, (source, targets))| {
            let of_one = targets.iter().filter(|named| named.target == Target::Undecided);
            of_one.map(move |named| UnknownInclude {
                path: source.path.clone(),
                line: named.include.at.line,
                column: named.include.at.column,
                reason: unknown::reason(&named.include.value, at, constants),
            })
        });
        undecided.take(UNKNOWN_MAX).collect()
    }

    /// Where a missing name can be read in one way, and differs by a slip of the keys from one that is there and that
    /// the same file does not name beside it.
    fn slips(&self, places: &Places<'_>, sources: &[Source]) -> HashSet<Slip> {
        let of_all = sources.iter().zip(&self.targets);
        let slips = of_all.flat_map(|(source, targets)| {
            let of_one = targets.iter().filter(|named| named.is_slip(places, targets));
            of_one.map(|named| Slip {
                path: source.path.clone(),
                line: named.include.at.line,
                column: named.include.at.column,
            })
        });
        slips.collect()
    }
}

/// Beside each missing name the nearest that there is.
fn with_nearest<'f>(
    places: &Places<'_>,
    source: &Source,
    targets: Vec<(&'f Include, Target)>,
) -> Vec<Named<'f>> {
    let found = targets.iter().filter_map(|(_, target)| match target {
        Target::Found(files) => Some(files),
        Target::Missing(_) | Target::Undecided => None,
    });
    let paths = found
        .flatten()
        .map(|entry| places.entries()[*entry].path.as_str());
    // Names that the source names rightly, and itself.
    let taken: HashSet<&str> = paths.chain([source.path.as_str()]).collect();
    let near = |target: &Target| match target {
        Target::Missing(path) => nearest(places.entries(), path, &taken),
        Target::Found(_) | Target::Undecided => None,
    };
    let nears: Vec<Option<Near>> = targets.iter().map(|(_, target)| near(target)).collect();
    let named = targets.into_iter().zip(nears);
    named
        .map(|((include, target), near)| Named {
            include,
            target,
            near,
        })
        .collect()
}

/// A file that each installation writes for itself is stood for by its sample; one that is made while the code runs,
/// by nothing.
fn or_its_sample(places: &Places<'_>, target: Target) -> Target {
    let Target::Missing(path) = &target else {
        return target;
    };
    if MADE_WHILE_RUNNING.contains(&path.as_str()) {
        return Target::Undecided;
    }
    let Some(row) = OWN_FILES.iter().find(|row| row.name == file_name(path)) else {
        return target;
    };
    match places.find(&format!("{}/{}", parent(path), row.sample)) {
        Place::File(sample) => Target::Found(vec![sample]),
        Place::Dir | Place::Nothing | Place::Elsewhere => target,
    }
}

/// How much of the site hangs on each source.
struct Blast<'t> {
    graph: &'t Graph,
    entries: &'t [bool],
}

impl<'t> Blast<'t> {
    const fn new(graph: &'t Graph, entries: &'t [bool]) -> Self {
        Self { graph, entries }
    }

    fn radius(&self, source: usize) -> BlastRadius {
        let reached_from = self.graph.reached_from(source);
        let both = self
            .entries
            .iter()
            .zip(reached_from)
            .filter(|(entry, reached)| **entry && *reached);
        BlastRadius {
            entry_points: both.count() as u64,
            of: self.entries.iter().filter(|entry| **entry).count() as u64,
        }
    }
}

struct Report<'t, 'f> {
    places: &'t Places<'t>,
    sources: &'t [Source],
    facts: &'f [FileFacts],
    resolved: &'t Resolved<'f>,
    blast: Blast<'t>,
}

impl Report<'_, '_> {
    fn finish(&self, limits: &Limits, of_families: Vec<Finding>) -> CheckReport {
        let mut findings: Vec<Finding> = (0..self.sources.len())
            .flat_map(|at| self.of_source(at))
            .collect();
        findings.extend(self.unreadable());
        findings.extend(of_families);
        surroundings::say_the_better(&mut findings);
        let summary = self.summary(&findings);
        if findings.len() > limits.findings_max {
            // Of too many, the worst.
            findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
            findings.truncate(limits.findings_max);
        }
        // Only for those that are told: it takes a look at the whole graph for each.
        for finding in &mut findings {
            finding.blast_radius = self.radius(&finding.path);
        }
        findings.sort_by(|a, b| (&a.path, a.line, a.column).cmp(&(&b.path, b.line, b.column)));
        CheckReport { summary, findings }
    }

    fn radius(&self, path: &str) -> Option<BlastRadius> {
        let of_path = |source: &Source| source.path.as_str().cmp(path);
        let at = self.sources.binary_search_by(of_path).ok()?;
        Some(self.blast.radius(at))
    }

    fn summary(&self, findings: &[Finding]) -> CheckSummary {
        let count = |severity| {
            findings
                .iter()
                .filter(|finding| finding.severity == severity)
                .count() as u64
        };
        let targets = || self.resolved.targets.iter().flatten();
        CheckSummary {
            files: self.sources.len() as u64,
            includes: targets().count() as u64,
            resolved: targets()
                .filter(|named| named.target != Target::Undecided)
                .count() as u64,
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            elapsed_ms: 0,
        }
    }

    /// After a syntax error nothing else of the file is sure.
    fn of_source(&self, at: usize) -> Vec<Finding> {
        let facts = &self.facts[at];
        if let Some(why) = &facts.not_checked {
            return self
                .finding(at, NOT_CHECKED, TOP, not_checked(why))
                .into_iter()
                .collect();
        }
        if let Some(said) = &facts.syntax_error {
            let verdict = syntax_error(said);
            return self
                .finding(at, SYNTAX_ERROR, said.at, verdict)
                .into_iter()
                .collect();
        }
        let targets = self.resolved.targets[at].iter();
        targets.filter_map(|named| self.missing(at, named)).collect()
    }

    fn missing(&self, at: usize, named: &Named<'_>) -> Option<Finding> {
        let Target::Missing(path) = &named.target else {
            return None;
        };
        let near = named.near.as_ref();
        match named.include.guard {
            Guard::None => {}
            // A part that is only wanted if something is not declared may be left out; a slip of the keys is none.
            Guard::OnSymbol if near.is_some_and(|near| near.is_a_slip) => {}
            Guard::OnSymbol | Guard::MayBeMissing => return None,
        }
        let verdict = not_found(named.include, path, near);
        self.finding(at, INCLUDE_NOT_FOUND, named.include.at, verdict)
    }

    fn finding(&self, at: usize, rule: &str, spot: Spot, verdict: Verdict) -> Option<Finding> {
        Some(Finding {
            rule: RuleName::parse(rule).ok()?,
            severity: verdict.severity,
            path: self.sources[at].path.clone(),
            line: spot.line,
            column: spot.column,
            message: verdict.message,
            target: verdict.target,
            suggestion: verdict.suggestion,
            blast_radius: None,
        })
    }

    /// What stands in the tree and could not be looked into.
    fn unreadable(&self) -> Vec<Finding> {
        let entries = self.places.entries().iter();
        let unreadable = entries.filter_map(|entry| match &entry.kind {
            EntryKind::Unreadable { why } => Some((entry, why)),
            EntryKind::File { .. } | EntryKind::Dir | EntryKind::Link { .. } => None,
        });
        let finding = |(entry, why): (&crate::tree::Entry, &crate::tree::Unreadable)| {
            Some(Finding {
                rule: RuleName::parse(NOT_CHECKED).ok()?,
                severity: Severity::Note,
                path: entry.path.clone(),
                line: TOP.line,
                column: TOP.column,
                message: format!("not checked: {why}"),
                target: None,
                suggestion: None,
                blast_radius: None,
            })
        };
        unreadable.filter_map(finding).collect()
    }
}

/// What is said of a place.
struct Verdict {
    severity: Severity,
    message: String,
    target: Option<String>,
    suggestion: Option<String>,
}

fn not_checked(why: &str) -> Verdict {
    Verdict {
        severity: Severity::Note,
        message: format!("not checked: {why}"),
        target: None,
        suggestion: None,
    }
}

fn syntax_error(said: &Said) -> Verdict {
    let mut words = said.words.chars();
    let first = words.next().map(|first| first.to_lowercase().to_string());
    Verdict {
        severity: Severity::Error,
        message: format!(
            "PHP cannot parse this: {}{}",
            first.unwrap_or_default(),
            words.as_str()
        ),
        target: None,
        suggestion: None,
    }
}

fn not_found(include: &Include, path: &str, near: Option<&Near>) -> Verdict {
    let keyword = include.keyword;
    let severity = if keyword.is_required() {
        Severity::Error
    } else {
        Severity::Warning
    };
    Verdict {
        severity,
        message: format!("this {} names a file that does not exist: {path}", keyword.word()),
        target: Some(path.to_owned()),
        suggestion: near.map(|near| near.path.clone()),
    }
}
