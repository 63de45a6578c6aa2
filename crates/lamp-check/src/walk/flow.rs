//! What runs when: scopes, branches, and the writes to variables.

use std::collections::HashMap;

use mago_syntax::ast::Expression;

use super::Met;
use crate::effort::Effort;

/// How often it is looked, for one file, at a write, a branch or an include. A file of a person's takes some thousands.
const LOOKS_MAX: u64 = 20_000_000;

/// Where in a file's flow something stands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Around {
    pub(super) scope: u32,
    pub(super) branch: u32,
    /// Beneath an `@`.
    pub(super) quiet: bool,
    /// Run only if something is, or is not, declared.
    pub(super) on_symbol: bool,
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
}

/// A write to a variable; `None`: of something that is not followed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Write<'a> {
    pub(super) value: Option<&'a Expression<'a>>,
    pub(super) around: Around,
    pub(super) time: u32,
}

/// Branches and writes of a file.
pub(super) struct Flow<'a> {
    branches: Vec<Branch>,
    scopes: u32,
    writes: HashMap<(u32, &'a [u8]), Vec<Write<'a>>>,
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
        };
        Self {
            branches: vec![root],
            scopes: 0,
            writes: HashMap::new(),
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
        self.branches.push(Branch { parent, is_loop });
        u32::try_from(self.branches.len() - 1).unwrap_or_default()
    }

    pub(super) fn wrote(&mut self, variable: &'a [u8], write: Write<'a>) {
        let key = (write.around.scope, variable);
        self.writes.entry(key).or_default().push(write);
    }

    pub(super) fn included(&mut self, around: Around, time: u32) {
        self.includes.push((around.scope, time));
    }

    /// The writes to a variable in the scope of `met`, the last in the source first.
    pub(super) fn writes(&self, variable: &'a [u8], met: Met<'a>) -> impl Iterator<Item = &Write<'a>> {
        let key = (met.around.scope, variable);
        let writes = self.writes.get(&key).into_iter().flatten().rev();
        writes.take_while(|_| self.effort.spend(1))
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
