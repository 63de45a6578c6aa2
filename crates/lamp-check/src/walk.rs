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
mod ignored;
mod names;
mod newer;
mod objects;
mod scope;
mod shape;
mod symbols;
mod telling;
mod told;
mod visit;
mod write;

use mago_span::HasSpan;
use mago_syntax::ast::{Expression, Node, Program};

use crate::facts::{FileFacts, Guard, Include, Keyword};
use crate::parse::Lines;
use crate::surroundings::php::Gathered;
use crate::value::{Value, Why};
use evaluate::Evaluation;
use flow::{Around, Flow, VariableName, Write};
use objects::Called;
use scope::Scopes;
use symbols::Symbols;
use told::Meanings;

/// Most includes of one file whose names are read.
const INCLUDES_MAX: usize = 5_000;

/// An expression and where it stands.
#[derive(Debug, Clone, Copy)]
struct Met<'a> {
    expression: &'a Expression<'a>,
    around: Around,
    time: u32,
}

/// What the pass has met, to be evaluated after it.
struct Walk<'a> {
    facts: FileFacts,
    symbols: Symbols<'a>,
    flow: Flow<'a>,
    scopes: Scopes<'a>,
    meanings: Meanings<'a>,
    includes: Vec<(Keyword, Met<'a>)>,
    constants: Vec<(String, Met<'a>)>,
    /// Tests whether a file exists.
    existence_tests: Vec<Met<'a>>,
    /// Methods of objects in variables.
    called: Vec<Called<'a>>,
    surroundings: Gathered,
    /// Writes that are still to happen, the last first.
    pending: Vec<(VariableName<'a>, Write<'a>)>,
    clock: u32,
    /// Lines of which a comment says that whoever analyses them is to be silent.
    ignored_lines: Vec<u32>,
}

/// The facts of a parsed file.
pub(crate) fn walk<'a>(program: &'a Program<'a>, source: &[u8], lines: &'a Lines<'a>) -> FileFacts {
    let mut walk = Walk::new(program, source, lines);
    visit::visit(&mut walk, Node::Program(program));
    let gathered = std::mem::take(&mut walk.surroundings);
    FileFacts {
        surroundings: gathered.finish(program, source, lines),
        ..walk.finish(source, lines)
    }
}

impl<'a> Walk<'a> {
    fn new(program: &'a Program<'a>, source: &[u8], lines: &'a Lines<'a>) -> Self {
        Self {
            facts: FileFacts::default(),
            symbols: Symbols::new(lines),
            flow: Flow::default(),
            scopes: Scopes::default(),
            meanings: Meanings::default(),
            includes: Vec::new(),
            constants: Vec::new(),
            existence_tests: Vec::new(),
            called: Vec::new(),
            surroundings: Gathered::default(),
            pending: Vec::new(),
            clock: 0,
            ignored_lines: ignored::lines(program, source, lines),
        }
    }
}

impl Walk<'_> {
    fn finish(mut self, source: &[u8], lines: &Lines<'_>) -> FileFacts {
        let evaluation = Evaluation::new(&self.flow, &self.scopes);
        let constants = self.constants.iter();
        self.facts.constants = constants
            .map(|(name, met)| (name.clone(), self.certain(evaluation.value(*met))))
            .collect();
        let includes = self.includes.iter();
        let includes: Vec<Include> = includes
            .enumerate()
            .map(|(at, (keyword, met))| match at < INCLUDES_MAX {
                true => self.include(*keyword, *met, &evaluation, (source, lines)),
                false => one_too_many(*keyword, *met, lines),
            })
            .collect();
        self.facts.includes = includes;
        let told = self.told(&Evaluation::of_told(&self.flow, &self.scopes));
        self.facts.told = if self.flow.is_spent() {
            told.unknown()
        } else {
            told
        };
        self.name_objects();
        self.facts.symbols = self.symbols.finish();
        self.facts
    }

    fn include(
        &self,
        keyword: Keyword,
        met: Met<'_>,
        evaluation: &Evaluation<'_, '_>,
        (source, lines): (&[u8], &Lines<'_>),
    ) -> Include {
        let value = self.certain(evaluation.value(met));
        let at = lines.spot(evaluate::start(evaluate::bare(met.expression)));
        let guarded = met.around.quiet
            || self.is_tested(met, &value, evaluation, source)
            || self.ignored_lines.contains(&at.line);
        let guard = match (guarded, met.around.on_symbol) {
            (true, _) => Guard::MayBeMissing,
            (false, true) => Guard::OnSymbol,
            (false, false) => Guard::None,
        };
        // What is only registered is included later, and perhaps never.
        let at_once = keyword != Keyword::Register;
        Include {
            keyword,
            at,
            value,
            guard,
            outside_functions: at_once && met.around.is_outside_functions(),
            always: at_once && met.around.is_always_run() && !met.around.on_symbol,
        }
    }

    /// A value that took more looks than there are may be wrong.
    fn certain(&self, value: Value) -> Value {
        if self.flow.is_spent() {
            Value::Unknown(Why::Bound)
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
            let tested = [Some(test.expression), evaluate::target(test.expression)];
            let mut tested = tested.into_iter().flatten();
            let same_words = words.is_some() && tested.any(|tested| words == self::words(tested, source));
            same_words || (evaluate::is_certain(value) && evaluation.value(*test) == *value)
        })
    }
}

/// An include whose name is not read.
fn one_too_many(keyword: Keyword, met: Met<'_>, lines: &Lines<'_>) -> Include {
    Include {
        always: false,
        keyword,
        at: lines.spot(evaluate::start(evaluate::bare(met.expression))),
        value: Value::Unknown(Why::Bound),
        guard: Guard::None,
        outside_functions: met.around.is_outside_functions(),
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
