//! Who includes whom, and how much of the site hangs on a file.

use std::collections::{BTreeSet, VecDeque};

/// An include of one source by another: by its name, or for a class, by an autoloader.
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
        let mut room = Room::default();
        room.clear(self.back.len());
        room.add(source);
        let mut next = 0;
        while let Some(at) = room.list.get(next).copied() {
            next += 1;
            self.back[at].iter().for_each(|edge| room.add(edge.from));
        }
        room.has
    }

    /// The sources that are run when this one is, before any function is called, and those that their
    /// functions include; itself counted.
    pub(crate) fn at_hand_for<'r>(&self, source: usize, room: &'r mut Room) -> &'r Room {
        room.clear(self.forth.len());
        room.add(source);
        let mut next = 0;
        while let Some(at) = room.list.get(next).copied() {
            next += 1;
            let run = self.forth[at].iter().filter(|edge| edge.outside_functions);
            run.for_each(|edge| room.add(edge.to));
        }
        for at in 0..next {
            let beneath = self.forth[room.list[at]].iter();
            beneath.for_each(|edge| room.add(edge.to));
        }
        room
    }
}

/// Some sources. Filled again and again: making room for all sources of a tree for each of them would take as long as
/// their number squared.
#[derive(Debug, Default)]
pub(crate) struct Room {
    list: Vec<usize>,
    has: Vec<bool>,
}

impl Room {
    fn clear(&mut self, sources: usize) {
        for at in self.list.drain(..) {
            self.has[at] = false;
        }
        self.has.resize(sources, false);
    }

    fn add(&mut self, source: usize) {
        if !std::mem::replace(&mut self.has[source], true) {
            self.list.push(source);
        }
    }

    pub(crate) fn has(&self, source: usize) -> bool {
        self.has[source]
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = usize> {
        self.list.iter().copied()
    }
}
