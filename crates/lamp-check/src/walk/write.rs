//! Writes to variables, elements and properties, as the pass over the syntax tree meets them.

use mago_syntax::ast::{
    Access, Assignment, AssignmentOperator, ClassLikeMemberSelector, Expression, Foreach, ForeachTarget,
    Node, Variable,
};

use super::evaluate::{bare, element_name, literal_key};
use super::flow::{Around, Given, VariableName, Write};
use super::visit::{Pass, Todo, children, put};
use super::{Met, Walk};

pub(super) fn assignment_expression<'a>(
    (walk, todo): Pass<'_, 'a>,
    assignment: &'a Assignment<'a>,
    around: Around,
) {
    let given = match assignment.operator {
        AssignmentOperator::Assign(_) => Given::Value(assignment.rhs),
        AssignmentOperator::Concat(_) => Given::Appended(assignment.rhs),
        _ => Given::Unknown,
    };
    let value = match given {
        Given::Value(expression) => Some(expression),
        Given::Appended(_) | Given::ElementOf(_) | Given::Global | Given::Unknown => None,
    };
    let write = |given| Write {
        given,
        around,
        time: 0,
    };
    match written_to(assignment.lhs) {
        Some((variable, true)) => write_later((&mut *walk, &mut *todo), variable, write(given)),
        Some((variable, false)) => {
            write_later((&mut *walk, &mut *todo), variable, write(Given::Unknown));
        }
        None => match bare(assignment.lhs) {
            Expression::Access(access) => walk.property_written(access, value, around),
            written => {
                overwritten((walk, todo), Node::Expression(written), around);
                put(todo, Node::Expression(assignment.rhs), around);
                return;
            }
        },
    }
    children((walk, todo), Node::Assignment(assignment), around);
}

/// The variable that an expression names, one or an element of one, and whether all of it.
fn written_to<'a>(expression: &'a Expression<'a>) -> Option<(VariableName<'a>, bool)> {
    let mut expression = bare(expression);
    let mut keys = Vec::new();
    loop {
        let (array, key) = match expression {
            Expression::Variable(Variable::Direct(variable)) => {
                return Some(element_written(variable.name, keys));
            }
            Expression::ArrayAccess(access) => (access.array, literal_key(access.index)),
            Expression::ArrayAppend(append) => (append.array, None),
            _ => return None,
        };
        keys.push(key.unwrap_or_default());
        expression = bare(array);
    }
}

/// `keys` are the last first.
fn element_written<'a>(array: &'a [u8], mut keys: Vec<&[u8]>) -> (VariableName<'a>, bool) {
    let is_global = array == b"$GLOBALS" && !keys.is_empty();
    let array = match (is_global, keys.pop()) {
        (_, None) => return (VariableName::Borrowed(array), true),
        (true, Some(key)) => [b"$", key].concat(),
        (false, Some(key)) => element_name(array, key),
    };
    (VariableName::Owned(array), keys.is_empty())
}

/// What is iterated is computed, then the target is written, then the body is run.
pub(super) fn foreach_statement<'a>((walk, todo): Pass<'_, 'a>, foreach: &'a Foreach<'a>, around: Around) {
    todo.push(Todo::Visit(Node::ForeachBody(&foreach.body), around));
    let (key, value) = match &foreach.target {
        ForeachTarget::Value(target) => (None, target.value),
        ForeachTarget::KeyValue(target) => (Some(target.key), target.value),
    };
    if let Some(key) = key {
        overwritten((&mut *walk, &mut *todo), Node::Expression(key), around);
    }
    match bare(value) {
        Expression::Variable(Variable::Direct(variable)) => {
            let given = Given::ElementOf(foreach.expression);
            let write = Write {
                given,
                around,
                time: 0,
            };
            let name = VariableName::Borrowed(variable.name);
            write_later((&mut *walk, &mut *todo), name, write);
        }
        value => overwritten((walk, &mut *todo), Node::Expression(value), around),
    }
    put(todo, Node::Expression(foreach.expression), around);
}

/// A write that happens once what was put up after it is done.
fn write_later<'a>((walk, todo): Pass<'_, 'a>, variable: VariableName<'a>, write: Write<'a>) {
    walk.pending.push((variable, write));
    todo.push(Todo::Write);
}

/// Every variable named in the node may hold anything after it.
pub(super) fn overwritten<'a>(pass: Pass<'_, 'a>, node: Node<'a, 'a>, around: Around) {
    written(pass, node, around, Given::Unknown);
}

/// Every variable named in the node is given this; what an element is named by is only read.
pub(super) fn written<'a>((walk, todo): Pass<'_, 'a>, node: Node<'a, 'a>, around: Around, given: Given<'a>) {
    let write = |given| Write {
        given,
        around,
        time: 0,
    };
    let mut left = vec![node];
    while let Some(node) = left.pop() {
        match node {
            Node::Expression(expression @ (Expression::ArrayAccess(_) | Expression::ArrayAppend(_))) => {
                if let Some((element, _)) = written_to(expression) {
                    write_later((&mut *walk, &mut *todo), element, write(Given::Unknown));
                    continue;
                }
            }
            Node::DirectVariable(variable) => {
                let name = VariableName::Borrowed(variable.name);
                write_later((&mut *walk, &mut *todo), name, write(given));
            }
            Node::Access(access) => walk.property_written(access, None, around),
            _ => {}
        }
        node.visit_children(|child| left.push(child));
    }
    children((walk, todo), node, around);
}

impl<'a> Walk<'a> {
    fn property_written(&mut self, access: &Access<'a>, value: Option<&'a Expression<'a>>, around: Around) {
        let (owner, name): (_, &[u8]) = match access {
            Access::Property(access) => match &access.property {
                ClassLikeMemberSelector::Identifier(name) => (access.object, name.value),
                _ => return,
            },
            Access::StaticProperty(access) => match &access.property {
                Variable::Direct(variable) => (access.class, variable.name),
                _ => return,
            },
            Access::NullSafeProperty(_) | Access::ClassConstant(_) => return,
        };
        let class = self.scopes.class_of(owner, around.scope);
        let time = self.clock;
        let given = value.map(|expression| Met {
            expression,
            around,
            time,
        });
        self.property(class, name, given);
    }
}
