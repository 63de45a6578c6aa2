//! What hangs on a file: who includes it, directly and through others, and which entry points reach it.

use lamp_model::finding::BlastRadius;
use lamp_model::reach::{Dependents, GraphFile, Listed, Weight, WholeGraph};

use crate::graph::Graph;
use crate::hashed::HashSet;
use crate::source::Source;

/// Most names that are listed of one kind.
const LISTED_MAX: usize = 2_000;
/// Most includes of a graph that is told whole.
const INCLUDES_MAX: usize = 200_000;
/// Entry points that are followed at once: the bits of a word.
const AT_ONCE: usize = 64;

/// The graph of a tree's includes, with its entry points.
#[derive(Debug)]
pub struct IncludeGraph {
    /// Sorted.
    paths: Vec<String>,
    is_entry: Vec<bool>,
    /// Those nearest to the root first.
    entries: Vec<usize>,
    graph: Graph,
}

impl IncludeGraph {
    pub(crate) fn new(sources: &[Source], is_entry: Vec<bool>, graph: Graph) -> Self {
        let paths: Vec<String> = sources.iter().map(|source| source.path.clone()).collect();
        let mut entries: Vec<usize> = (0..paths.len()).filter(|at| is_entry[*at]).collect();
        entries.sort_by_cached_key(|at| paths[*at].matches('/').count());
        Self {
            paths,
            is_entry,
            entries,
            graph,
        }
    }

    /// What hangs on the file at this path; `None`: it is no PHP file of the tree.
    pub fn dependents(&self, path: &str) -> Option<Dependents> {
        let at = self.at(path)?;
        let directly: HashSet<usize> = self.graph.includers(at).collect();
        let reached_from = self.graph.reached_from(at);
        let all = || (0..self.paths.len()).filter(|other| *other != at);
        let through_others = all().filter(|other| reached_from[*other] && !directly.contains(other));
        Some(Dependents {
            path: path.to_owned(),
            directly: self.listed(all().filter(|other| directly.contains(other))),
            through_others: self.listed(through_others),
            entry_points: Listed::new(self.reaching(at).collect(), LISTED_MAX),
            of: self.entries(),
            includes: self.listed(self.graph.included(at)),
        })
    }

    /// Some of the entry points that reach the file at this path, those nearest to the root first.
    pub fn entry_points_of(&self, path: &str, most: usize) -> Vec<String> {
        let reaching = self.at(path).map(|at| self.reaching(at));
        reaching.into_iter().flatten().take(most).collect()
    }

    /// The files that most of the site hangs on, the heaviest first.
    pub fn top(&self, most: usize) -> Vec<Weight> {
        let counts = self.counts();
        let directly = |at| self.graph.includers(at).collect::<HashSet<usize>>().len() as u64;
        let mut heaviest: Vec<usize> = (0..self.paths.len()).filter(|at| counts[*at] > 0).collect();
        heaviest.sort_by_key(|at| std::cmp::Reverse(counts[*at]));
        // Of equally heavy ones, those that more files name by themselves; by path, where that is equal, too.
        let last = heaviest.get(most.saturating_sub(1)).map_or(0, |at| counts[*at]);
        let weigh = |at: usize| Weight {
            path: self.paths[at].clone(),
            blast_radius: BlastRadius {
                entry_points: counts[at],
                of: self.entries(),
            },
            directly: directly(at),
        };
        let near_the_top = heaviest.into_iter().filter(|at| counts[*at] >= last);
        let mut weights: Vec<Weight> = near_the_top.map(weigh).collect();
        weights.sort_by_key(|one| {
            let weight = (one.blast_radius.entry_points, one.directly);
            (std::cmp::Reverse(weight), one.path.clone())
        });
        weights.truncate(most);
        weights
    }

    /// All of it; of very many includes, the first.
    pub fn whole(&self) -> WholeGraph {
        let mut left = INCLUDES_MAX;
        let mut left_out = 0;
        let mut files = Vec::with_capacity(self.paths.len());
        for (at, path) in self.paths.iter().enumerate() {
            let included = self.graph.included(at);
            let told = included.len().min(left);
            left -= told;
            left_out += (included.len() - told) as u64;
            let numbers = included.into_iter().take(told);
            files.push(GraphFile {
                path: path.clone(),
                is_entry_point: self.is_entry[at],
                includes: numbers.filter_map(|to| u32::try_from(to).ok()).collect(),
            });
        }
        WholeGraph {
            files,
            includes_left_out: left_out,
        }
    }

    fn at(&self, path: &str) -> Option<usize> {
        self.paths.binary_search_by(|known| known.as_str().cmp(path)).ok()
    }

    fn entries(&self) -> u64 {
        self.entries.len() as u64
    }

    /// For each file, how many entry points reach it.
    fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.paths.len()];
        for some in self.entries.chunks(AT_ONCE) {
            let masks = self.graph.reached_by(some);
            for (count, mask) in counts.iter_mut().zip(masks) {
                *count += u64::from(mask.count_ones());
            }
        }
        counts
    }

    /// The entry points that reach a file, those nearest to the root first.
    fn reaching(&self, at: usize) -> impl Iterator<Item = String> {
        let reached_from = self.graph.reached_from(at);
        let entries = self.entries.iter();
        let reaching = entries.filter(move |entry| reached_from[**entry]);
        reaching.map(|entry| self.paths[*entry].clone())
    }

    fn listed(&self, files: impl IntoIterator<Item = usize>) -> Listed {
        let names = files.into_iter().map(|at| self.paths[at].clone());
        Listed::new(names.collect(), LISTED_MAX)
    }
}
