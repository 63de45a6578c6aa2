//! One file's syntax tree into its facts: a single pass in the order of the source, without recursion, then
//! the values of what it met.
//!
//! A *scope* is a function's body (0 stands for what lies outside functions), a *branch* is a piece of a scope
//! that runs as a whole or not at all, and *time* is the order of the source.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's enums have a variant for everything in PHP"
)]

mod condition;
mod evaluate;
mod flow;
mod visit;

use mago_span::HasSpan;
use mago_syntax::ast::{Expression, Node, Program};

use crate::facts::{FileFacts, Guard, Include, Keyword, Value};
use crate::parse::Lines;
use crate::surroundings::php::Gathered;
use evaluate::Evaluation;
use flow::{Around, Flow};

/// An expression and where it stands.
#[derive(Debug, Clone, Copy)]
struct Met<'a> {
    expression: &'a Expression<'a>,
    around: Around,
    time: u32,
}

/// What the pass has met, to be evaluated after it.
#[derive(Default)]
struct Walk<'a> {
    facts: FileFacts,
    flow: Flow<'a>,
    includes: Vec<(Keyword, Met<'a>)>,
    constants: Vec<(String, Met<'a>)>,
    /// Tests whether a file exists.
    existence_tests: Vec<Met<'a>>,
    surroundings: Gathered,
    clock: u32,
}

/// The facts of a parsed file.
pub(crate) fn walk<'a>(program: &'a Program<'a>, source: &[u8], lines: &Lines) -> FileFacts {
    let mut walk = Walk::default();
    visit::visit(&mut walk, Node::Program(program));
    let gathered = std::mem::take(&mut walk.surroundings);
    FileFacts {
        surroundings: gathered.finish(program, source, lines),
        ..walk.finish(source, lines)
    }
}

impl Walk<'_> {
    fn finish(mut self, source: &[u8], lines: &Lines) -> FileFacts {
        let evaluation = Evaluation::new(&self.flow);
        let constants = self.constants.iter();
        self.facts.constants = constants
            .map(|(name, met)| (name.clone(), self.certain(evaluation.value(*met))))
            .collect();
        let includes = self.includes.iter();
        let includes: Vec<Include> = includes
            .map(|(keyword, met)| self.include(*keyword, *met, &evaluation, (source, lines)))
            .collect();
        self.facts.includes = includes;
        self.facts
    }

    fn include(
        &self,
        keyword: Keyword,
        met: Met<'_>,
        evaluation: &Evaluation<'_, '_>,
        (source, lines): (&[u8], &Lines),
    ) -> Include {
        let value = self.certain(evaluation.value(met));
        let guarded = met.around.quiet || self.is_tested(met, &value, evaluation, source);
        let guard = match (guarded, met.around.on_symbol) {
            (true, _) => Guard::MayBeMissing,
            (false, true) => Guard::OnSymbol,
            (false, false) => Guard::None,
        };
        Include {
            keyword,
            at: lines.spot(evaluate::start(evaluate::bare(met.expression))),
            value,
            guard,
            outside_functions: met.around.is_outside_functions(),
        }
    }

    /// A value that took more looks than there are may be wrong.
    fn certain(&self, value: Value) -> Value {
        if self.flow.is_spent() {
            Value::Unknown
        } else {
            value
        }
    }

    /// Whether the same scope asks if the same file exists, by the same words or the same value.
    fn is_tested(&self, met: Met<'_>, value: &Value, evaluation: &Evaluation<'_, '_>, source: &[u8]) -> bool {
        let words = words(met.expression, source);
        let mut tests = self
            .existence_tests
            .iter()
            .filter(|test| test.around.scope == met.around.scope);
        tests.any(|test| {
            let length = words.as_ref().map_or(0, Vec::len);
            if !self
                .flow
                .spend(u64::try_from(length).unwrap_or(u64::MAX).saturating_add(10))
            {
                return true;
            }
            let same_words = words.is_some() && words == self::words(test.expression, source);
            same_words || (evaluate::is_certain(value) && evaluation.value(*test) == *value)
        })
    }
}

/// An expression as written, without white space and outer parentheses.
fn words(expression: &Expression<'_>, source: &[u8]) -> Option<Vec<u8>> {
    let expression = evaluate::bare(expression);
    if !evaluate::is_shallow(expression) {
        return None;
    }
    let bytes = source.get(expression.span().to_range_usize())?;
    Some(
        bytes
            .iter()
            .copied()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect(),
    )
}
