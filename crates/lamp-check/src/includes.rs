//! What each include of a tree names, or why that cannot be told: what a finding does not say, for those who measure
//! and for those who go on where reading the code ends.

use crate::Limits;
use crate::cache::FactsCache;
use crate::constants::Constants;
use crate::facts::Guard;
use crate::names::Names;
use crate::place::Places;
use crate::read::{Reader, read_all};
use crate::resolve::{Ground, Target};
use crate::resolved::{Named, Resolved};
use crate::source::sources;
use crate::tree::Tree;
use crate::value::Why;

/// An include of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncludeSeen {
    /// The file that it stands in, relative to the tree's root.
    pub path: String,
    /// The line of the included name, from 1.
    pub line: u32,
    /// The column in bytes, from 1.
    pub column: u32,
    /// What it names.
    pub outcome: Outcome,
}

/// What an include names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// One of these files; none if a part of the name is unknown and some file fits.
    Found(Vec<String>),
    /// A file that is not there.
    Missing {
        /// By its path; unknown parts are `*`.
        path: String,
        /// Whether the code expects that, so that it is no finding.
        guarded: bool,
    },
    /// It cannot be told.
    Undecided(Why),
}

/// Every include of a tree, by file and place. Files whose facts are in `cache` are not parsed again.
pub fn includes(tree: &dyn Tree, limits: &Limits, cache: Option<&dyn FactsCache>) -> Vec<IncludeSeen> {
    let places = Places::new(tree.entries());
    let sources = sources(tree.entries());
    let facts = read_all(Reader { tree, limits, cache }, &sources);
    let constants = Constants::new(&sources, &facts, &places);
    let names = Names::new(&sources, &facts);
    let resolved = Resolved::new(Ground {
        places: &places,
        sources: &sources,
        facts: &facts,
        constants: &constants,
        names: &names,
    });
    let of_sources = sources.iter().zip(&resolved.targets);
    let seen = of_sources.flat_map(|(source, targets)| {
        targets.iter().map(|named| IncludeSeen {
            path: source.path.clone(),
            line: named.include.at.line,
            column: named.include.at.column,
            outcome: outcome(&places, named),
        })
    });
    seen.collect()
}

fn outcome(places: &Places<'_>, named: &Named<'_>) -> Outcome {
    match &named.target {
        Target::Found(files) => {
            let path = |file: &usize| places.entries()[*file].path.clone();
            Outcome::Found(files.iter().map(path).collect())
        }
        Target::Missing(missing) => Outcome::Missing {
            path: missing.path().to_owned(),
            guarded: named.include.guard != Guard::None,
        },
        Target::NothingFits { pattern, .. } => Outcome::Missing {
            path: pattern.clone(),
            guarded: named.include.guard != Guard::None,
        },
        Target::Undecided(why) => Outcome::Undecided(*why),
    }
}
