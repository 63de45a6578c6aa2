//! The check of a whole tree: what is wrong in it, where, and how much hangs on that.

use lamp_model::finding::{BlastRadius, CheckReport, CheckSummary, Finding, RuleName, Severity};

use crate::Limits;
use crate::applications::OWN_FILES;
use crate::autoload::{self, Autoload};
use crate::cache::{FactsCache, Watched};
use crate::constants::Constants;
use crate::entry::{self, entry_points};
use crate::facts::{FileFacts, Guard, Include, Said, Spot};
use crate::frameworks;
use crate::graph::Graph;
use crate::hanging::IncludeGraph;
use crate::hashed::HashSet;
use crate::looked::Looked;
use crate::meantime::{both, discard};
use crate::names::Names;
use crate::nearest::Near;
use crate::place::{Places, file_name};
use crate::read::{Reader, read_all};
use crate::resolve::{Ground, Target};
use crate::resolved::{Named, Resolved};
use crate::rule::{Rule, page};
use crate::setting::Setting;
use crate::source::{Source, position, sources};
use crate::surroundings::{self, Reading, Seen};
use crate::symbols;
use crate::symbols::index::Index;
use crate::tree::{EntryKind, Tree};

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

/// The start of a file.
const TOP: Spot = Spot { line: 1, column: 1 };

/// Checks a tree that a host with this setting is to run. `elapsed_ms` of the summary is left at 0: whoever has a clock sets it.
pub fn check(tree: &dyn Tree, setting: &Setting, limits: &Limits) -> CheckReport {
    look(tree, setting, limits, None).report
}

/// Checks a tree, and answers what people ask beside the findings. Files whose facts are in `cache` are not parsed again.
pub fn look(tree: &dyn Tree, setting: &Setting, limits: &Limits, cache: Option<&dyn FactsCache>) -> Looked {
    let places = Places::new(tree.entries());
    let sources = sources(tree.entries());
    let facts = read_all(Reader { tree, limits, cache }, &sources);
    // Whatever reads more of the tree, the cache is told; texts are hashed once for that and for what is kept of them.
    let watched: &dyn Tree = &Watched { tree, cache };
    let seen = Seen {
        places: &places,
        sources: &sources,
        facts: &facts,
        setting,
        limits,
    };
    let texts = surroundings::reading(tree, cache);
    let (index, includes, autoload) = put_together(watched, seen, &texts);
    let beside = texts.end();
    let loaded = autoload::Ground {
        places: &places,
        sources: &sources,
        facts: &facts,
        index: &index,
        graph: &includes.graph,
        resolved: &includes.resolved,
    };
    let parts = frameworks::Parts::of(loaded);
    let reach = reach(&autoload, loaded, &parts);
    let names = symbols::Tree {
        sources: &sources,
        index: &index,
        setting,
        loads: &includes.resolved.loads,
    };
    let of_code = || {
        let of_loaders = autoload::judge(&autoload, loaded);
        let of_frameworks = frameworks::judge(frameworks::Seen {
            tree: watched,
            limits,
            ground: loaded,
            parts: &parts,
        });
        [symbols::check(names), of_loaders, of_frameworks].concat()
    };
    let (of_code, of_surroundings) = both(of_code, || surroundings::check(seen, &beside));
    let report = Report {
        places: &places,
        sources: &sources,
        facts: &facts,
        resolved: &includes.resolved,
        blast: Blast::new(&reach, &includes.entries),
    }
    .finish(limits, [of_code, of_surroundings].concat());
    let looked = Looked {
        slips: includes.resolved.slips(&places, &sources),
        unknown: includes.resolved.unknown(&sources, &includes.constants),
        graph: IncludeGraph::new(&sources, includes.entries, reach),
        report,
    };
    discard(facts);
    looked
}

/// The tree's names, its includes, and what loads its classes; whoever is done first goes on with the texts.
fn put_together<'t>(
    tree: &dyn Tree,
    seen: Seen<'t>,
    texts: &Reading<'_>,
) -> (Index<'t>, Includes<'t>, Autoload) {
    let Seen {
        places,
        sources,
        facts,
        limits,
        ..
    } = seen;
    let of_names = || {
        let index = Index::new(sources, facts);
        texts.take_part();
        index
    };
    let of_includes = || {
        let includes = Includes::new(places, sources, facts);
        let autoload = Autoload::read(tree, places, sources, limits);
        texts.take_part();
        (includes, autoload)
    };
    let (index, (includes, autoload)) = both(of_names, of_includes);
    (index, includes, autoload)
}

/// An entry point is told by what it includes; what hangs on a file, by what comes with an autoloader, too.
fn reach(autoload: &Autoload, loaded: autoload::Ground<'_, '_>, parts: &frameworks::Parts<'_>) -> Graph {
    let mut edges = autoload::edges(autoload, loaded);
    edges.extend(&loaded.resolved.edges);
    edges.extend(frameworks::edges(loaded, parts));
    Graph::new(loaded.sources.len(), &edges)
}

/// Who includes whom, and what of it visitors ask for.
struct Includes<'f> {
    constants: Constants<'f>,
    resolved: Resolved<'f>,
    graph: Graph,
    /// Whether each source is an entry point.
    entries: Vec<bool>,
}

impl<'f> Includes<'f> {
    fn new(places: &Places<'_>, sources: &[Source], facts: &'f [FileFacts]) -> Self {
        let constants = Constants::new(sources, facts, places);
        let resolved = Resolved::new(Ground {
            places,
            sources,
            facts,
            constants: &constants,
            names: &Names::new(sources, facts),
        });
        let graph = Graph::new(sources.len(), &resolved.edges);
        let entries = entry_points(entry::Tree {
            sources,
            facts,
            constants: &constants,
            graph: &graph,
            own_files: &own_files(sources),
        });
        Self {
            constants,
            resolved,
            graph,
            entries,
        }
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

/// How much of the site hangs on each source.
struct Blast<'t> {
    graph: &'t Graph,
    entries: &'t [bool],
    /// How many entry points there are.
    of: u64,
}

impl<'t> Blast<'t> {
    fn new(graph: &'t Graph, entries: &'t [bool]) -> Self {
        let of = entries.iter().filter(|entry| **entry).count() as u64;
        Self { graph, entries, of }
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
            of: self.of,
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
        Some(self.blast.radius(position(self.sources, path)?))
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
            resolved: targets().filter(|named| named.target.is_told()).count() as u64,
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
        let near = named.near.as_ref();
        let (path, is_bare) = match &named.target {
            Target::Missing(missing) => (missing.path(), missing.is_bare),
            Target::NothingFits { pattern, near } => {
                let verdict = nothing_fits(named.include, pattern, near);
                return (named.include.guard == Guard::None)
                    .then(|| self.finding(at, INCLUDE_NOT_FOUND, named.include.at, verdict))?;
            }
            Target::Found(_) | Target::Undecided(_) => return None,
        };
        let doubt = match named.include.guard {
            _ if near.is_some_and(|near| near.is_a_slip) => None,
            Guard::None if is_bare => Some(Doubt::MayBeALibrary),
            Guard::None => None,
            // A part that is only wanted if something is not declared may be left out; a file that has moved is none.
            Guard::OnSymbol if near.is_some() => Some(Doubt::MayBeLeftOut),
            Guard::OnSymbol | Guard::MayBeMissing => return None,
        };
        if named.include.guard == Guard::MayBeMissing {
            return None;
        }
        let doubt = doubt.or_else(|| self.sources[at].is_aside.then_some(Doubt::IsAside));
        let path = near.map_or(path, |near| near.meant.as_str());
        let verdict = not_found(named.include, path, near, doubt);
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

/// A warning: what the unknown part holds may yet be a file that the site makes.
fn nothing_fits(include: &Include, pattern: &str, near: &str) -> Verdict {
    let keyword = include.keyword.word();
    Verdict {
        severity: Severity::Warning,
        message: format!(
            "whatever `*` is, this {keyword} names a file that does not exist: {pattern}; {near} does"
        ),
        target: Some(pattern.to_owned()),
        suggestion: Some(near.to_owned()),
    }
}

/// Why a name that leads to nothing may do no harm.
#[derive(Debug, Clone, Copy)]
enum Doubt {
    /// It is looked for in directories outside the tree as well.
    MayBeALibrary,
    /// It is only wanted if something is not declared.
    MayBeLeftOut,
    /// No visitor comes by: a test, or what a library brings for those who work on it.
    IsAside,
}

impl Doubt {
    const fn words(self) -> &'static str {
        match self {
            Self::MayBeALibrary => ", unless the include path outside this tree has it",
            Self::MayBeLeftOut => ", if it is ever come by",
            Self::IsAside => ", in a file that the site itself does not run",
        }
    }
}

fn not_found(include: &Include, path: &str, near: Option<&Near>, doubt: Option<Doubt>) -> Verdict {
    let keyword = include.keyword;
    let severity = match doubt {
        None if keyword.is_required() => Severity::Error,
        None | Some(_) => Severity::Warning,
    };
    let doubt = doubt.map_or("", Doubt::words);
    Verdict {
        severity,
        message: format!(
            "this {} names a file that does not exist: {path}{doubt}",
            keyword.word()
        ),
        target: Some(path.to_owned()),
        suggestion: near.map(|near| near.path.clone()),
    }
}
