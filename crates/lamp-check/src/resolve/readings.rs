//! Every way to read an expression: names of other files are put in for what they say, and functions for what they
//! give.

use super::Resolver;
use super::reading::Reading;
use crate::place;
use crate::value::{FunctionValue, Value, Why};

/// Most ways to read one expression; beyond, nothing is said of it.
const READINGS_MAX: usize = 48;
/// How deep names are followed through each other.
const DEPTH_MAX: usize = 32;
/// Most places that may say what a name stands for.
const DEFINITIONS_MAX: usize = 24;

/// Where an expression stands, and what its function was given.
#[derive(Debug, Clone, Copy)]
struct At<'c> {
    source: usize,
    depth: usize,
    given: Option<&'c [Vec<Reading>]>,
}

impl Resolver<'_, '_> {
    /// Every way to read an expression of a file.
    pub(super) fn all_readings(&self, value: &Value, source: usize) -> Vec<Reading> {
        let (depth, given) = (DEPTH_MAX, None);
        self.readings(value, At { source, depth, given })
    }

    fn readings(&self, value: &Value, at: At<'_>) -> Vec<Reading> {
        let steps_left = self.steps_left.get().saturating_sub(1);
        self.steps_left.set(steps_left);
        let Some(depth) = at.depth.checked_sub(1).filter(|_| steps_left > 0) else {
            return self.unknown(Why::Bound);
        };
        let at = At { depth, ..at };
        let of = |value: &Value| self.readings(value, at);
        let each =
            |value: &Value, change: &dyn Fn(Reading) -> Reading| of(value).into_iter().map(change).collect();
        let readings = match value {
            Value::Text(text) => vec![Reading::plain(text.clone())],
            Value::Dir => vec![Reading::at(place::parent(&self.sources[at.source].path))],
            Value::File => vec![Reading::at(&self.sources[at.source].path)],
            Value::Constant(name) => self.constant(name, at),
            Value::ClassConstant { class, name } => {
                let said = self.names.class_constants(class, name);
                self.any_of(
                    said.iter().map(|said| (said.what, said.source)),
                    at,
                    Why::Constant,
                )
            }
            Value::Property { class, name } => {
                let said = self.names.properties(class, name);
                self.any_of(
                    said.iter().map(|said| (said.what, said.source)),
                    at,
                    Why::Property,
                )
            }
            Value::Global(name) => self.global(name, at),
            Value::Environment(name) => self.environment(name),
            Value::Parameter(number) => match at.given.and_then(|given| given.get(*number)) {
                Some(readings) => readings.clone(),
                None => self.unknown(Why::Parameter),
            },
            Value::Call {
                class,
                function,
                arguments,
            } => self.call((class, function), arguments, at),
            Value::Joined(parts) => {
                let empty = vec![Reading::plain(String::new())];
                parts
                    .iter()
                    .map(of)
                    .fold(empty, |left, right| self.joined(&left, &right))
            }
            Value::Dirname { of, levels } => each(of, &|reading| reading.dirname(*levels)),
            Value::WithSlash(of) => each(of, &Reading::with_slash),
            Value::WithoutSlash(of) => each(of, &Reading::without_slash),
            Value::Shortened { of, bytes } => each(of, &|reading| reading.shortened(*bytes)),
            Value::Lower(of) => each(of, &Reading::lower),
            Value::Either(values) => values.iter().flat_map(of).collect(),
            Value::Shared { variable, value } => {
                let mut readings = of(value);
                readings.extend(self.written_elsewhere(variable, at));
                readings
            }
            Value::IncludePath => self.unknown(Why::IncludePath),
            Value::Unknown(why) => self.unknown(*why),
        };
        self.bounded(readings)
    }

    /// Cannot be told; the first reason is kept.
    fn unknown(&self, why: Why) -> Vec<Reading> {
        self.why.set(self.why.get().or(Some(why)));
        vec![Reading::unknown()]
    }

    fn constant(&self, name: &str, at: At<'_>) -> Vec<Reading> {
        match name {
            "DIRECTORY_SEPARATOR" => return vec![Reading::plain("/".to_owned())],
            "PATH_SEPARATOR" => return vec![Reading::plain(":".to_owned())],
            _ => {}
        }
        if let Some(roots) = self.constants.roots(name) {
            return roots.iter().cloned().map(Reading::from_root).collect();
        }
        let definitions = self.constants.definitions(name, at.source);
        let definitions = definitions.iter().map(|one| (one.value, one.source));
        self.any_of(definitions, at, Why::Constant)
    }

    fn global(&self, name: &str, at: At<'_>) -> Vec<Reading> {
        if let Some(roots) = self.constants.roots(name) {
            return roots.iter().cloned().map(Reading::from_root).collect();
        }
        let said = self.names.globals(name);
        self.any_of(
            said.iter().map(|said| (said.what, said.source)),
            at,
            Why::Variable,
        )
    }

    fn environment(&self, name: &str) -> Vec<Reading> {
        match self.constants.roots(name) {
            Some(roots) => roots.iter().cloned().map(Reading::from_root).collect(),
            None => self.unknown(Why::Environment),
        }
    }

    /// What files other than this one give the variable.
    fn written_elsewhere(&self, variable: &str, at: At<'_>) -> Vec<Reading> {
        let said = self.names.globals(variable);
        let others: Vec<_> = said.iter().filter(|said| said.source != at.source).collect();
        if others.is_empty() {
            return Vec::new();
        }
        self.any_of(
            others.iter().map(|said| (said.what, said.source)),
            at,
            Why::Variable,
        )
    }

    /// One of these, each in its own file; of none, nothing is known.
    fn any_of<'v>(
        &self,
        values: impl ExactSizeIterator<Item = (&'v Value, usize)>,
        at: At<'_>,
        why: Why,
    ) -> Vec<Reading> {
        match values.len() {
            0 => self.unknown(why),
            1..=DEFINITIONS_MAX => {
                let given = None;
                let each =
                    values.flat_map(|(value, source)| self.readings(value, At { source, given, ..at }));
                self.bounded(each.collect())
            }
            _ => self.unknown(Why::Bound),
        }
    }

    fn call(&self, (class, function): (&str, &str), arguments: &[Value], at: At<'_>) -> Vec<Reading> {
        let functions = self.names.functions(class, function);
        if functions.is_empty() || functions.len() > DEFINITIONS_MAX {
            return self.unknown(Why::Call);
        }
        let arguments: Vec<Vec<Reading>> = arguments
            .iter()
            .map(|argument| self.readings(argument, at))
            .collect();
        let readings = functions.iter().flat_map(|said| {
            let given = self.given(
                &arguments,
                said.what,
                At {
                    source: said.source,
                    ..at
                },
            );
            let inside = At {
                source: said.source,
                given: Some(&given),
                ..at
            };
            let each = said.what.returns.iter().map(|value| self.readings(value, inside));
            each.collect::<Vec<_>>().concat()
        });
        self.bounded(readings.collect())
    }

    /// What a function is given: its arguments, and the defaults of those that are left out.
    fn given(&self, arguments: &[Vec<Reading>], function: &FunctionValue, at: At<'_>) -> Vec<Vec<Reading>> {
        let left_out = function.defaults.iter().skip(arguments.len());
        let given = None;
        let default = |default: &Option<Value>| match default {
            Some(value) => self.readings(value, At { given, ..at }),
            None => self.unknown(Why::Parameter),
        };
        arguments.iter().cloned().chain(left_out.map(default)).collect()
    }

    /// Each left with each right.
    fn joined(&self, left: &[Reading], right: &[Reading]) -> Vec<Reading> {
        let pairs = left
            .iter()
            .flat_map(|left| right.iter().map(move |right| left.join(right)));
        self.bounded(pairs.collect())
    }

    /// Without repetitions; of too many, none.
    fn bounded(&self, mut readings: Vec<Reading>) -> Vec<Reading> {
        readings.sort_unstable();
        readings.dedup();
        if readings.len() > READINGS_MAX {
            return self.unknown(Why::Bound);
        }
        readings
    }
}
