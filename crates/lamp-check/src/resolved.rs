//! What each include of a tree names, and the nearest right name beside each wrong one.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use lamp_model::reach::UnknownInclude;

use crate::applications::{MADE_WHILE_RUNNING, OWN_FILES};
use crate::constants::Constants;
use crate::facts::Include;
use crate::graph::Edge;
use crate::hashed::{HashMap, HashSet};
use crate::looked::Slip;
use crate::nearest::{Near, Neighbours};
use crate::place::{Place, Places, file_name, parent};
use crate::resolve::{Ground, Included, Resolver, Target};
use crate::source::Source;
use crate::symbols::Loads;
use crate::unknown;
use crate::value::Why;

/// Most includes that are told to be unknown.
const UNKNOWN_MAX: usize = 20_000;

/// An include and what it names.
pub(crate) struct Named<'f> {
    pub(crate) include: &'f Include,
    pub(crate) target: Target,
    /// What a name that leads to nothing may have meant.
    pub(crate) near: Option<Near>,
}

impl Named<'_> {
    /// The files that it names, or was meant to name: what hangs on a file does not change with a slip in it.
    fn meant(&self, places: &Places<'_>) -> Vec<usize> {
        let near = self.near.as_ref().filter(|near| near.is_a_slip);
        match (&self.target, near.map(|near| places.find(&near.path))) {
            (Target::Found(files), _) => files.clone(),
            (Target::Missing(_), Some(Place::File(index))) => vec![index],
            (Target::Missing(_) | Target::NothingFits { .. } | Target::Undecided(_), _) => Vec::new(),
        }
    }
}

impl Named<'_> {
    /// The one file that is loaded whenever the one that names it is run to its end.
    fn always_loaded(&self) -> Option<usize> {
        let is_sure = self.include.always && unknown::is_read_in_one_way(&self.include.value);
        match &self.target {
            Target::Found(files) if is_sure && files.len() == 1 => files.first().copied(),
            Target::Found(_) | Target::Missing(_) | Target::NothingFits { .. } | Target::Undecided(_) => None,
        }
    }

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
pub(crate) struct Resolved<'f> {
    /// By source, in the order of the file.
    pub(crate) targets: Vec<Vec<Named<'f>>>,
    pub(crate) edges: BTreeSet<Edge>,
    pub(crate) loads: Vec<Loads>,
}

impl<'f> Resolved<'f> {
    /// Twice: who includes whom tells which scripts are started, and so where names without a directory are looked for.
    pub(crate) fn new(ground: Ground<'_, 'f>) -> Self {
        let by_entry: HashMap<usize, usize> = ground
            .sources
            .iter()
            .enumerate()
            .map(|(at, source)| (source.entry, at))
            .collect();
        let resolver = Resolver::new(ground);
        let included = included(ground, &resolver, &by_entry);
        let resolver = resolver.knowing(&included);
        let neighbours = OnceCell::new();
        let mut edges = BTreeSet::new();
        let mut loads = Vec::new();
        let mut targets = Vec::with_capacity(ground.sources.len());
        for from in 0..ground.sources.len() {
            let of_file = Self::of_file(ground, from, &resolver, &neighbours);
            for named in &of_file {
                let always = named.always_loaded().and_then(|entry| by_entry.get(&entry));
                loads.extend(always.map(|to| Loads { from, to: *to }));
                let meant = named.meant(ground.places).into_iter();
                edges.extend(meant.filter_map(|entry| by_entry.get(&entry)).map(|to| Edge {
                    from,
                    to: *to,
                    outside_functions: named.include.outside_functions,
                }));
            }
            targets.push(of_file);
        }
        Self {
            targets,
            edges,
            loads,
        }
    }

    fn of_file<'t>(
        ground: Ground<'t, 'f>,
        from: usize,
        resolver: &Resolver<'_, '_>,
        neighbours: &OnceCell<Neighbours<'t>>,
    ) -> Vec<Named<'f>> {
        let Ground {
            places,
            sources,
            facts,
            ..
        } = ground;
        let target = |include: &'f Include| (include, or_its_sample(places, resolver.target(from, include)));
        let targets = facts[from].includes.iter().map(target).collect();
        with_nearest((places, neighbours), &sources[from], targets)
    }

    /// The includes whose file cannot be told, and why; that some file fits does not tell which.
    pub(crate) fn unknown(&self, sources: &[Source], constants: &Constants<'_>) -> Vec<UnknownInclude> {
        let of_all = sources.iter().zip(&self.targets).enumerate();
        let undecided = of_all.flat_map(|(at, (source, targets))| {
            let of_one = targets.iter().filter(|named| !named.target.is_told());
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
    pub(crate) fn slips(&self, places: &Places<'_>, sources: &[Source]) -> HashSet<Slip> {
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

/// From where each source is included.
fn included(
    ground: Ground<'_, '_>,
    resolver: &Resolver<'_, '_>,
    by_entry: &HashMap<usize, usize>,
) -> Vec<Included> {
    let mut included = vec![Included::Never; ground.sources.len()];
    let directory = |source: usize| parent(&ground.sources[source].path);
    for (from, facts) in ground.facts.iter().enumerate() {
        for include in &facts.includes {
            let Target::Found(files) = resolver.target(from, include) else {
                continue;
            };
            let files = files.iter().filter_map(|entry| by_entry.get(entry));
            for to in files.filter(|to| **to != from) {
                let how = match directory(from) == directory(*to) {
                    true => Included::FromBeside,
                    false => Included::FromElsewhere,
                };
                included[*to] = included[*to].max(how);
            }
        }
    }
    included
}

/// Beside each missing name the nearest that there is.
fn with_nearest<'f, 't>(
    (places, neighbours): (&Places<'t>, &OnceCell<Neighbours<'t>>),
    source: &Source,
    targets: Vec<(&'f Include, Target)>,
) -> Vec<Named<'f>> {
    let found = targets.iter().filter_map(|(_, target)| match target {
        Target::Found(files) => Some(files),
        Target::Missing(_) | Target::NothingFits { .. } | Target::Undecided(_) => None,
    });
    let paths = found
        .flatten()
        .map(|entry| places.entries()[*entry].path.as_str());
    // Names that the source names rightly, and itself.
    let taken: HashSet<&str> = paths.chain([source.path.as_str()]).collect();
    let near = |target: &Target| match target {
        Target::Missing(missing) => {
            let neighbours = neighbours.get_or_init(|| Neighbours::new(places.entries()));
            neighbours.nearest(&missing.paths, &taken)
        }
        Target::NothingFits { near, pattern } => Some(Near {
            path: near.clone(),
            meant: pattern.clone(),
            is_a_slip: true,
        }),
        Target::Found(_) | Target::Undecided(_) => None,
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
    let Target::Missing(missing) = &target else {
        return target;
    };
    let path = missing.path();
    if MADE_WHILE_RUNNING.contains(&path) {
        return Target::Undecided(Why::MadeWhileRunning);
    }
    let Some(row) = OWN_FILES.iter().find(|row| row.name == file_name(path)) else {
        return target;
    };
    match places.find(&format!("{}/{}", parent(path), row.sample)) {
        Place::File(sample) => Target::Found(vec![sample]),
        Place::Dir | Place::Nothing | Place::Elsewhere => target,
    }
}
