//! What runs when: scopes, branches, and the writes to variables.

use std::borrow::Cow;

use mago_syntax::ast::Expression;

use crate::effort::Effort;
use crate::hashed::HashMap;

/// How often it is looked, for one file, at a write, a branch or an include. A file of a person's takes some thousands.
const LOOKS_MAX: u64 = 20_000_000;

/// Where in a file's flow something stands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Around {
    pub(super) scope: u32,
    pub(super) branch: u32,
    /// Beneath an `@`, or where the code never comes by.
    pub(super) quiet: bool,
    /// Run only if something is, or is not, declared.
    pub(super) on_symbol: bool,
    /// The class that `$this` is of, from 1 in the order of the file; 0 if it is of none that is known.
    pub(super) class: u32,
}

impl Around {
    pub(super) const fn is_outside_functions(self) -> bool {
        self.scope == 0
    }

    /// Whether the file, once run, always comes by here.
    pub(super) const fn is_always_run(self) -> bool {
        self.scope == 0 && self.branch == 0
    }
}

/// A piece that runs as a whole or not at all.
#[derive(Debug, Clone, Copy)]
struct Branch {
    parent: Option<u32>,
    is_loop: bool,
    /// Of branches of which one is always run, the first; and how many they are.
    one_of: Option<(u32, u32)>,
}

/// What a variable is given.
#[derive(Debug, Clone, Copy)]
pub(super) enum Given<'a> {
    /// By `=`.
    Value(&'a Expression<'a>),
    /// By `.=`.
    Appended(&'a Expression<'a>),
    /// By `foreach`: an element of this.
    ElementOf(&'a Expression<'a>),
    /// By `global`: what it holds in all files.
    Global,
    /// Something that is not followed.
    Unknown,
}

/// A write to a variable.
#[derive(Debug, Clone, Copy)]
pub(super) struct Write<'a> {
    pub(super) given: Given<'a>,
    pub(super) around: Around,
    pub(super) time: u32,
}

/// A variable with its `$`; an element of one as `$name[key]`, one that is not known which as `$name[]`.
pub(super) type VariableName<'a> = Cow<'a, [u8]>;

/// Branches and writes of a file.
pub(super) struct Flow<'a> {
    branches: Vec<Branch>,
    scopes: u32,
    writes: HashMap<(u32, VariableName<'a>), Vec<Write<'a>>>,
    /// When each scope includes a file, which may write to the scope's variables.
    includes: Vec<(u32, u32)>,
    /// Looks that are left. Once they are spent the answers below are of no use.
    effort: Effort,
}

impl Default for Flow<'_> {
    fn default() -> Self {
        let root = Branch {
            parent: None,
            is_loop: false,
            one_of: None,
        };
        Self {
            branches: vec![root],
            scopes: 0,
            writes: HashMap::default(),
            includes: Vec::new(),
            effort: Effort::new(LOOKS_MAX),
        }
    }
}

impl<'a> Flow<'a> {
    /// A function's body, from where it is declared.
    pub(super) fn new_scope(&mut self) -> Around {
        self.scopes += 1;
        Around {
            scope: self.scopes,
            branch: self.new_branch(0, false),
            ..Around::default()
        }
    }

    pub(super) fn new_branch(&mut self, parent: u32, is_loop: bool) -> u32 {
        let parent = Some(parent);
        let one_of = None;
        self.branches.push(Branch {
            parent,
            is_loop,
            one_of,
        });
        u32::try_from(self.branches.len() - 1).unwrap_or_default()
    }

    /// One of these branches is always run.
    pub(super) fn one_is_run(&mut self, branches: &[u32]) {
        let Some(first) = branches.first() else { return };
        let count = u32::try_from(branches.len()).unwrap_or(u32::MAX);
        for branch in branches {
            let at = usize::try_from(*branch).unwrap_or(usize::MAX);
            if let Some(branch) = self.branches.get_mut(at) {
                branch.one_of = Some((*first, count));
            }
        }
    }

    /// Whether whoever comes by `later` has always come by one of these before.
    pub(super) fn one_dominates(&self, earlier: &[Around], later: Around) -> bool {
        let groups = earlier.iter().filter_map(|around| {
            let (first, count) = self.branch(around.branch)?.one_of?;
            Some((first, count, around.branch))
        });
        let mut groups: Vec<(u32, u32, u32)> = groups.collect();
        groups.sort_unstable();
        groups.dedup();
        let mut whole = groups
            .chunk_by(|a, b| a.0 == b.0)
            .filter(|group| group.len() == count_of(group));
        whole.any(|group| {
            let parent = self.branch(group[0].0).and_then(|branch| branch.parent);
            parent.is_some_and(|parent| self.ancestors(later.branch).any(|branch| branch == parent))
        })
    }

    pub(super) fn wrote(&mut self, variable: VariableName<'a>, write: Write<'a>) {
        let key = (write.around.scope, variable);
        self.writes.entry(key).or_default().push(write);
    }

    pub(super) fn included(&mut self, around: Around, time: u32) {
        self.includes.push((around.scope, time));
    }

    /// The writes to a variable in a scope, in the order of the source.
    pub(super) fn writes<'s>(&'s self, variable: &'s [u8], scope: u32) -> &'s [Write<'a>] {
        let key = (scope, Cow::Borrowed(variable));
        let writes: &HashMap<(u32, VariableName<'s>), Vec<Write<'a>>> = &self.writes;
        writes.get(&key).map_or(&[], Vec::as_slice)
    }

    /// Every variable that is written, by scope.
    pub(super) fn written(&self) -> impl Iterator<Item = (u32, &[u8], &[Write<'a>])> {
        let all = self.writes.iter();
        all.map(|((scope, name), writes)| (*scope, &**name, writes.as_slice()))
    }

    /// Whether the scope includes a file between these two times.
    pub(super) fn includes_between(&self, scope: u32, from: u32, to: u32) -> bool {
        // They were met in the order of time.
        let first = self.includes.partition_point(|(_, time)| *time < from);
        let within = self.includes[first..]
            .iter()
            .take_while(|(_, time)| *time < to && self.effort.spend(1));
        within.into_iter().any(|(in_scope, _)| *in_scope == scope)
    }

    /// Whether whoever comes by `later` has always come by `earlier` before.
    pub(super) fn dominates(&self, earlier: Around, later: Around) -> bool {
        self.ancestors(later.branch)
            .any(|branch| branch == earlier.branch)
    }

    /// Whether both are repeated by one loop, so that the later may come first.
    pub(super) fn share_a_loop(&self, a: Around, b: Around) -> bool {
        let is_loop = |branch: &u32| self.branch(*branch).is_some_and(|branch| branch.is_loop);
        let mut loops = self.ancestors(a.branch).filter(is_loop);
        loops.any(|branch| self.ancestors(b.branch).any(|other| other == branch))
    }

    /// Whether this file took more looks than there are for one: nothing that was made of the answers above may be told.
    pub(super) const fn is_spent(&self) -> bool {
        self.effort.is_spent()
    }

    /// Takes looks for work of another kind.
    pub(super) fn spend(&self, looks: u64) -> bool {
        self.effort.spend(looks)
    }

    fn branch(&self, branch: u32) -> Option<Branch> {
        self.branches.get(usize::try_from(branch).ok()?).copied()
    }

    /// A branch and those that it lies in.
    fn ancestors(&self, branch: u32) -> impl Iterator<Item = u32> {
        std::iter::successors(Some(branch), |branch| {
            let spent = !self.effort.spend(1);
            self.branch(*branch)?.parent.filter(|_| !spent)
        })
    }
}

fn count_of(group: &[(u32, u32, u32)]) -> usize {
    group.first().map_or(usize::MAX, |(_, count, _)| {
        usize::try_from(*count).unwrap_or(usize::MAX)
    })
}
