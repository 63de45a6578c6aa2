//! What a condition asks for, and what that says of the code behind it.

use std::borrow::Cow;

use mago_syntax::ast::{
    Binary, BinaryOperator, Call, Construct, Expression, FunctionCall, Identifier, If, IfBody, Literal, Node,
    UnaryPrefixOperator,
};

use super::evaluate::bare;
use super::names::last;
use super::telling::{at, beneath};

/// Functions that tell whether something is declared.
const SYMBOL_TESTS: [&[u8]; 9] = [
    b"class_exists",
    b"defined",
    b"enum_exists",
    b"extension_loaded",
    b"function_exists",
    b"interface_exists",
    b"is_callable",
    b"method_exists",
    b"trait_exists",
];
/// Most nodes of one condition that are looked at.
const NODES_MAX: usize = 500;

/// The name of a function that is called by its name, lower-case, without its namespace. Most names are written so, and
/// then nothing is copied: this is asked for every call of a tree.
pub(super) fn called<'a>(call: &FunctionCall<'a>) -> Option<Cow<'a, [u8]>> {
    let name = called_as_written(call)?;
    Some(match name.iter().any(u8::is_ascii_uppercase) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    })
}

/// As [`called`], in whatever case.
fn called_as_written<'a>(call: &FunctionCall<'a>) -> Option<&'a [u8]> {
    match call.function {
        Expression::Identifier(Identifier::Local(name)) => Some(name.value),
        Expression::Identifier(name) => Some(last(name.value())),
        _ => None,
    }
}

/// A name without its namespace, lower-case.
pub(super) fn lower_segment(name: &[u8]) -> String {
    let mut name = last_segment(name);
    name.make_ascii_lowercase();
    name
}

/// A name without its namespace.
pub(super) fn last_segment(name: &[u8]) -> String {
    String::from_utf8_lossy(last(name)).into_owned()
}

/// Whether the expression asks for something declared, anywhere in it.
pub(super) fn asks_for_a_symbol(condition: &Expression<'_>) -> bool {
    let is_test = |node: &Node<'_, '_>| match node {
        Node::FunctionCall(call) => called_as_written(call).is_some_and(tests_a_symbol),
        _ => false,
    };
    any_beneath(Node::Expression(condition), is_test)
}

/// Whether a part stands in a name, in whatever case, so that its letter of this number is the one at `at`.
pub(super) fn stands_around(name: &[u8], at: usize, (part, number): (&[u8], usize)) -> bool {
    let from = at.checked_sub(number);
    from.and_then(|from| name.get(from..from + part.len()))
        .is_some_and(|found| found.eq_ignore_ascii_case(part))
}

/// Whether a function tells whether something is declared.
pub(super) fn tests_a_symbol(called: &[u8]) -> bool {
    SYMBOL_TESTS.iter().any(|test| called.eq_ignore_ascii_case(test))
}

/// Whether which branch of a statement was run says nothing of the code after it: the branches end nothing, load nothing,
/// and leave no word behind.
pub(super) fn leaves_no_mark(statement: &If<'_>) -> bool {
    let is_mark = |node: &Node<'_, '_>| match node {
        Node::Assignment(_)
        | Node::UnaryPostfix(_)
        | Node::ExitConstruct(_)
        | Node::DieConstruct(_)
        | Node::Throw(_)
        | Node::Return(_)
        | Node::Break(_)
        | Node::Continue(_)
        | Node::Goto(_)
        | Node::Yield(_)
        | Node::IncludeConstruct(_)
        | Node::IncludeOnceConstruct(_)
        | Node::RequireConstruct(_)
        | Node::RequireOnceConstruct(_) => true,
        Node::FunctionCall(call) => {
            called_as_written(call).is_none_or(|name| name.eq_ignore_ascii_case(b"define"))
        }
        _ => false,
    };
    any_of(Node::IfBody(&statement.body), is_mark) == Some(false)
}

/// `if (!defined('X')) exit;` and its kin.
pub(super) fn refuses_unless_declared(statement: &If<'_>) -> bool {
    let body = match &statement.body {
        IfBody::Statement(body) => Node::Statement(body.statement),
        IfBody::ColonDelimited(body) => match body.statements.first() {
            Some(first) => Node::Statement(first),
            None => return false,
        },
    };
    is_negated_test(statement.condition) && ends_the_file(body)
}

/// `defined('X') || exit;` and its kin.
pub(super) fn exits_unless_declared(or: &Binary<'_>) -> bool {
    matches!(or.operator, BinaryOperator::Or(_) | BinaryOperator::LowOr(_))
        && asks_for_a_symbol(or.lhs)
        && matches!(
            bare(or.rhs),
            Expression::Construct(Construct::Exit(_) | Construct::Die(_))
        )
}

/// `if (false)` and its kin, without another branch.
pub(super) fn never_holds(statement: &If<'_>) -> bool {
    let is_alone = match &statement.body {
        IfBody::Statement(body) => body.else_if_clauses.is_empty() && body.else_clause.is_none(),
        IfBody::ColonDelimited(body) => body.else_if_clauses.is_empty() && body.else_clause.is_none(),
    };
    is_alone
        && match bare(statement.condition) {
            Expression::Literal(Literal::False(_) | Literal::Null(_)) => true,
            Expression::Literal(Literal::Integer(integer)) => integer.value == Some(0),
            _ => false,
        }
}

fn is_negated_test(condition: &Expression<'_>) -> bool {
    match bare(condition) {
        Expression::UnaryPrefix(prefix) => {
            matches!(prefix.operator, UnaryPrefixOperator::Not(_)) && asks_for_a_symbol(prefix.operand)
        }
        Expression::Binary(binary) => match binary.operator {
            BinaryOperator::Equal(_) | BinaryOperator::Identical(_) => asks_for_a_symbol(binary.lhs),
            _ => is_negated_test(binary.rhs) || is_negated_call(binary.lhs),
        },
        _ => false,
    }
}

/// As the one above for the left of a chain, which is not followed further.
fn is_negated_call(condition: &Expression<'_>) -> bool {
    match bare(condition) {
        Expression::UnaryPrefix(prefix) => {
            matches!(prefix.operator, UnaryPrefixOperator::Not(_))
                && matches!(bare(prefix.operand), Expression::Call(Call::Function(call))
                    if called_as_written(call).is_some_and(tests_a_symbol))
        }
        _ => false,
    }
}

/// Whether the piece, not counting functions declared in it, exits or returns.
fn ends_the_file(body: Node<'_, '_>) -> bool {
    any_beneath(body, |node| {
        matches!(
            node,
            Node::ExitConstruct(_) | Node::DieConstruct(_) | Node::Return(_)
        )
    })
}

fn any_beneath<'a>(root: Node<'a, 'a>, is_it: impl Fn(&Node<'a, 'a>) -> bool) -> bool {
    any_of(root, is_it) == Some(true)
}

/// `None`: there are too many nodes to be sure.
fn any_of<'a>(root: Node<'a, 'a>, is_it: impl Fn(&Node<'a, 'a>) -> bool) -> Option<bool> {
    let mut search = Search {
        is_it,
        left: NODES_MAX,
        found: false,
    };
    at(root, &mut |node| search.look(node));
    match (search.found, search.left) {
        (true, _) => Some(true),
        (false, 0) => None,
        (false, _) => Some(false),
    }
}

/// A search from node to node, each for what is beneath it: no deeper than there are nodes left to look at.
struct Search<I> {
    is_it: I,
    left: usize,
    found: bool,
}

impl<I> Search<I> {
    fn look<'a>(&mut self, node: Node<'a, 'a>)
    where
        I: Fn(&Node<'a, 'a>) -> bool,
    {
        if self.found || self.left == 0 {
            return;
        }
        self.left -= 1;
        self.found = (self.is_it)(&node);
        if !self.found && !matches!(node, Node::Closure(_) | Node::Function(_) | Node::Class(_)) {
            beneath(node, &mut |child| self.look(child));
        }
    }
}
