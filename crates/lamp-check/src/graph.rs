//! Who includes whom, and how much of the site hangs on a file.

use std::collections::{BTreeSet, VecDeque};

/// An include of one source by another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// Whether it is followed whenever the file is run.
    pub(crate) outside_functions: bool,
}

/// The include graph over a tree's sources.
#[derive(Debug)]
pub(crate) struct Graph {
    forth: Vec<Vec<Edge>>,
    back: Vec<Vec<Edge>>,
}

impl Graph {
    pub(crate) fn new(sources: usize, edges: &BTreeSet<Edge>) -> Self {
        let mut graph = Self {
            forth: vec![Vec::new(); sources],
            back: vec![Vec::new(); sources],
        };
        for edge in edges {
            graph.forth[edge.from].push(*edge);
            graph.back[edge.to].push(*edge);
        }
        graph
    }

    /// The sources that include this one, itself aside.
    pub(crate) fn includers(&self, source: usize) -> impl Iterator<Item = usize> {
        let edges = self.back[source].iter().filter(move |edge| edge.from != source);
        edges.map(|edge| edge.from)
    }

    /// The sources that this one includes outside functions.
    pub(crate) fn included_first(&self, source: usize) -> impl Iterator<Item = usize> {
        let edges = self.forth[source].iter().filter(|edge| edge.outside_functions);
        edges.map(|edge| edge.to)
    }

    /// The sources that this one includes, each once.
    pub(crate) fn included(&self, source: usize) -> BTreeSet<usize> {
        self.forth[source].iter().map(|edge| edge.to).collect()
    }

    /// For each source, from which of `starts` it is reached, themselves counted: bit by bit, of the first 64.
    pub(crate) fn reached_by(&self, starts: &[usize]) -> Vec<u64> {
        let mut masks = vec![0_u64; self.forth.len()];
        let mut is_ahead = vec![false; self.forth.len()];
        let mut ahead = VecDeque::new();
        for (bit, start) in starts.iter().take(64).enumerate() {
            masks[*start] |= 1 << bit;
            is_ahead[*start] = true;
            ahead.push_back(*start);
        }
        while let Some(at) = ahead.pop_front() {
            is_ahead[at] = false;
            for to in self.forth[at].iter().map(|edge| edge.to) {
                let grown = masks[to] | masks[at];
                if masks[to] != grown {
                    masks[to] = grown;
                    if !std::mem::replace(&mut is_ahead[to], true) {
                        ahead.push_back(to);
                    }
                }
            }
        }
        masks
    }

    /// The sources from which this one is reached, itself counted.
    pub(crate) fn reached_from(&self, source: usize) -> Vec<bool> {
        spread(&self.back, source, |edge| Some(edge.from))
    }

    /// The sources that are run when this one is, before any function is called, and those that their
    /// functions include; itself counted.
    pub(crate) fn at_hand_for(&self, source: usize) -> Vec<bool> {
        let run = spread(&self.forth, source, |edge| {
            edge.outside_functions.then_some(edge.to)
        });
        let mut at_hand = run.clone();
        for edge in self
            .forth
            .iter()
            .zip(run)
            .filter(|(_, run)| *run)
            .flat_map(|(edges, _)| edges)
        {
            at_hand[edge.to] = true;
        }
        at_hand
    }
}

fn spread(edges: &[Vec<Edge>], from: usize, next: impl Fn(&Edge) -> Option<usize>) -> Vec<bool> {
    let mut reached = vec![false; edges.len()];
    let mut ahead = VecDeque::from([from]);
    reached[from] = true;
    while let Some(at) = ahead.pop_front() {
        for to in edges[at].iter().filter_map(&next) {
            if !std::mem::replace(&mut reached[to], true) {
                ahead.push_back(to);
            }
        }
    }
    reached
}
