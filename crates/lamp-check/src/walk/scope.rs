//! Whose body each scope is: the class it belongs to, the function and its parameters.

use mago_syntax::ast::{Expression, FunctionLikeParameterList, Hint, Identifier, Variable};

use super::condition::lower_segment;
use super::evaluate::bare;

/// A function's body, or what stands in a class outside its functions.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope<'a> {
    /// Lower-case.
    pub(super) class: Option<String>,
    /// Lower-case; of functions and methods.
    pub(super) function: Option<String>,
    /// It is only declared if something is, or is not, declared.
    pub(super) may_be_another: bool,
    pub(super) parameters: Vec<Parameter<'a>>,
}

/// A parameter of a function.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameter<'a> {
    /// With its `$`.
    pub(super) name: &'a [u8],
    pub(super) default: Option<&'a Expression<'a>>,
    /// `&$x` and `...$x` are not what was given.
    pub(super) is_plain: bool,
    /// The class that it says it is of.
    pub(super) class: Option<&'a Identifier<'a>>,
}

/// The scopes of a file, by number; 0 lies outside functions.
#[derive(Debug, Default)]
pub(super) struct Scopes<'a>(Vec<Scope<'a>>);

impl<'a> Scopes<'a> {
    pub(super) fn put(&mut self, number: u32, scope: Scope<'a>) {
        let at = usize::try_from(number).unwrap_or_default();
        if self.0.len() <= at {
            self.0.resize_with(at + 1, Scope::default);
        }
        self.0[at] = scope;
    }

    pub(super) fn get(&self, number: u32) -> Option<&Scope<'a>> {
        self.0.get(usize::try_from(number).ok()?)
    }

    pub(super) fn class(&self, number: u32) -> Option<&str> {
        self.get(number)?.class.as_deref()
    }

    /// Which parameter of the scope's function the variable is.
    pub(super) fn parameter(&self, number: u32, variable: &[u8]) -> Option<usize> {
        let parameters = &self.get(number)?.parameters;
        let at = parameters
            .iter()
            .position(|parameter| parameter.name == variable)?;
        parameters[at].is_plain.then_some(at)
    }

    /// The class that the parameter of this name says it is of.
    pub(super) fn class_of_parameter(&self, number: u32, variable: &[u8]) -> Option<&'a Identifier<'a>> {
        let mut parameters = self.get(number)?.parameters.iter();
        let parameter = parameters.find(|parameter| parameter.name == variable)?;
        parameter.class.filter(|_| parameter.is_plain)
    }

    /// The class that `$this`, `self`, `static`, `parent` or a name stands for in a scope, lower-case.
    pub(super) fn class_of(&self, expression: &Expression<'_>, scope: u32) -> Option<String> {
        match bare(expression) {
            Expression::Variable(Variable::Direct(variable)) if variable.name == b"$this" => {
                self.class(scope).map(str::to_owned)
            }
            // What a parent has is looked for along the whole family.
            Expression::Self_(_) | Expression::Static(_) | Expression::Parent(_) => {
                self.class(scope).map(str::to_owned)
            }
            Expression::Identifier(name) => Some(lower_segment(name.value())),
            _ => None,
        }
    }
}

fn class_of_hint<'a>(hint: &'a Hint<'a>) -> Option<&'a Identifier<'a>> {
    match hint {
        Hint::Identifier(name) => Some(name),
        Hint::Nullable(nullable) => match nullable.hint {
            Hint::Identifier(name) => Some(name),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn parameters<'a>(list: &'a FunctionLikeParameterList<'a>) -> Vec<Parameter<'a>> {
    let each = list.parameters.iter().map(|parameter| Parameter {
        name: parameter.variable.name,
        default: parameter.default_value.as_ref().map(|default| default.value),
        is_plain: parameter.ampersand.is_none() && parameter.ellipsis.is_none(),
        class: parameter.hint.as_ref().and_then(class_of_hint),
    });
    each.collect()
}
