//! What may stand in any text file and never should: the marks of a merge that was not finished, and secrets. Both
//! are looked for in one pass over the bytes.

mod conflict;
mod secrets;
mod shapes;

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use serde::{Deserialize, Serialize};

pub(crate) use secrets::{Secret, judge as judge_secret};

use crate::facts::Spot;
use shapes::SHAPES;

/// Most secrets of one file that are told.
const SECRETS_MAX: usize = 20;

/// Most beginnings of a merge of one file whose end is looked for.
const CONFLICT_TRIES_MAX: usize = 50;

/// What was found in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Marks {
    /// Where an unfinished merge begins.
    pub(crate) conflict: Option<Spot>,
    pub(crate) secrets: Vec<Secret>,
}

/// What everything that is looked for begins with: the shapes of secrets in order, then a conflict. None begins with
/// another, so that the leftmost is all that there is; looking for that passes over many bytes at once.
static BEGINNINGS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let shapes = SHAPES.iter().map(|shape| shape.begins);
    let mut builder = AhoCorasick::builder();
    builder.match_kind(MatchKind::LeftmostFirst);
    builder.build(shapes.chain([conflict::BEGINS])).ok()
});

/// Looks through a file.
pub(crate) fn look(bytes: &[u8]) -> Marks {
    let mut marks = Marks::default();
    let Some(beginnings) = BEGINNINGS.as_ref() else {
        return marks;
    };
    let mut tries_left = CONFLICT_TRIES_MAX;
    for found in beginnings.find_iter(bytes) {
        let at = found.start();
        match SHAPES.get(found.pattern().as_usize()) {
            None if marks.conflict.is_none() && tries_left > 0 => {
                tries_left -= 1;
                marks.conflict = conflict::is_whole(bytes, at).then(|| spot(bytes, at));
            }
            Some(shape) if marks.secrets.len() < SECRETS_MAX => {
                let secret = secrets::secret(shape, bytes, at);
                marks.secrets.extend(secret.map(|kind| Secret {
                    kind: kind.to_owned(),
                    at: spot(bytes, at),
                }));
            }
            None | Some(_) => {}
        }
    }
    marks
}

fn spot(bytes: &[u8], at: usize) -> Spot {
    let before = &bytes[..at];
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let begun = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    Spot {
        line: number(line),
        column: number(at - begun + 1),
    }
}
