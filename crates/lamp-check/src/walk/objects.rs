//! Of which class the object in a variable is, as far as the function around it tells: it was made there, or handed over
//! with its type.

use mago_syntax::ast::{Expression, Identifier, Instantiation, LocalIdentifier};

use super::Walk;
use super::evaluate::bare;
use super::flow::{Around, Given};

/// A class by its name as written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Object<'a> {
    pub(super) class: &'a Identifier<'a>,
    /// Of no class made from it.
    pub(super) is_exact: bool,
}

impl<'a> Object<'a> {
    /// What `new Name` makes.
    pub(super) fn made(new: &Instantiation<'a>) -> Option<Self> {
        let Expression::Identifier(class) = new.class else {
            return None;
        };
        let is_exact = true;
        Some(Self { class, is_exact })
    }
}

/// A method of the object in a variable is called.
#[derive(Debug, Clone, Copy)]
pub(super) struct Called<'a> {
    /// With its `$`.
    pub(super) variable: &'a [u8],
    pub(super) method: &'a LocalIdentifier<'a>,
    pub(super) around: Around,
    pub(super) time: u32,
}

impl<'a> Walk<'a> {
    /// Once all that is written is known.
    pub(super) fn name_objects(&mut self) {
        // Names are resolved here by what they mean at the end of the file.
        if !self.symbols.is_of_one_namespace() {
            return;
        }
        for called in std::mem::take(&mut self.called) {
            let object = self.object(called);
            self.symbols.object_method(object, called.method, called.around);
        }
    }

    /// The object in the variable then. Outside functions, whoever includes the file may write to it.
    fn object(&self, called: Called<'a>) -> Option<Object<'a>> {
        let (around, scope) = (called.around, called.around.scope);
        let is_left_alone = |from| !self.flow.includes_between(scope, from, called.time);
        if around.is_outside_functions() {
            return None;
        }
        match self.flow.writes(called.variable, scope) {
            [] => {
                let class = self.scopes.class_of_parameter(scope, called.variable)?;
                let is_exact = false;
                is_left_alone(0).then_some(Object { class, is_exact })
            }
            [only] if only.time < called.time && self.flow.dominates(only.around, around) => {
                let made = made(only.given)?;
                is_left_alone(only.time).then_some(made)
            }
            _ => None,
        }
    }
}

/// The object that is made where a variable is given it.
fn made(given: Given<'_>) -> Option<Object<'_>> {
    match given {
        Given::Value(value) => match bare(value) {
            Expression::Instantiation(new) => Object::made(new),
            _ => None,
        },
        Given::Appended(_) | Given::ElementOf(_) | Given::Global | Given::Unknown => None,
    }
}
