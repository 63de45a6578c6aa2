//! Which nodes of a syntax tree say anything. Most do not: passing over them where they are met halves the time of a pass.

use mago_syntax::ast::{Access, Call, Expression, Node, Variable};

/// The first node at or beneath this one that says more than that there is one beneath it. What whoever holds a name or
/// a literal says of it is met there.
pub(super) fn telling<'a>(mut node: Node<'a, 'a>) -> Option<Node<'a, 'a>> {
    loop {
        match node {
            Node::Keyword(_)
            | Node::Terminator(_)
            | Node::BinaryOperator(_)
            | Node::AssignmentOperator(_)
            | Node::UnaryPrefixOperator(_)
            | Node::UnaryPostfixOperator(_)
            | Node::LocalIdentifier(_)
            | Node::Identifier(_)
            | Node::Literal(_)
            | Node::LiteralStringPart(_)
            | Node::MagicConstant(_)
            | Node::MethodAbstractBody(_)
            | Node::Modifier(_)
            | Node::OpeningTag(_)
            | Node::ClosingTag(_) => return None,
            Node::DirectVariable(variable) if variable.name != b"$this" => return None,
            Node::Expression(expression) => node = beneath(expression)?,
            // Each has one child at most.
            Node::Access(_)
            | Node::Argument(_)
            | Node::PositionalArgument(_)
            | Node::ArrayElement(_)
            | Node::ValueArrayElement(_)
            | Node::Call(_)
            | Node::ClassLikeConstantSelector(_)
            | Node::ClassLikeMember(_)
            | Node::ClassLikeMemberSelector(_)
            | Node::Construct(_)
            | Node::Parenthesized(_)
            | Node::Statement(_)
            | Node::StringPart(_)
            | Node::Variable(_) => node = only_child(node)?,
            _ => return Some(node),
        }
    }
}

/// What an expression is; the commonest kinds in one step.
fn beneath<'a>(expression: &'a Expression<'a>) -> Option<Node<'a, 'a>> {
    match expression {
        Expression::Literal(_) | Expression::Identifier(_) | Expression::MagicConstant(_) => None,
        Expression::Variable(Variable::Direct(variable)) => Some(Node::DirectVariable(variable)),
        Expression::Call(Call::Function(call)) => Some(Node::FunctionCall(call)),
        Expression::Call(Call::Method(call)) => Some(Node::MethodCall(call)),
        Expression::Access(Access::Property(access)) => Some(Node::PropertyAccess(access)),
        _ => only_child(Node::Expression(expression)),
    }
}

fn only_child<'a>(node: Node<'a, 'a>) -> Option<Node<'a, 'a>> {
    let mut only = None;
    node.visit_children(|child| only = Some(child));
    only
}
