//! Which nodes of a syntax tree say anything. Most do not: passing over them without a look at each takes most of the time
//! out of a pass. So the commonest kinds are known here by their types; for the rest the parser's own way to children is taken.

use mago_syntax::ast::{
    Access, Argument, ArgumentList, ArrayElement, Call, ClassLikeMemberSelector, Expression, Node, Statement,
    Variable,
};

/// How many nodes that say nothing are passed over in one step, one beneath the other: enough for most code, and no
/// stack's trouble. What is deeper is handed over as it is.
const PASSED_MAX: u8 = 16;

/// Hands over, in the order of the source, the first nodes beneath this one that say more than what they hold. What
/// whoever holds a name or a literal says of it is met there.
pub(super) fn beneath<'a>(node: Node<'a, 'a>, met: &mut impl FnMut(Node<'a, 'a>)) {
    Telling { met }.children(node, PASSED_MAX);
}

/// As [`beneath`], but if the node itself says something, that alone is handed over.
pub(super) fn at<'a>(node: Node<'a, 'a>, met: &mut impl FnMut(Node<'a, 'a>)) {
    Telling { met }.node(node, PASSED_MAX);
}

/// Whether a node says nothing, and neither does anything beneath it.
pub(super) const fn is_silent(node: &Node<'_, '_>) -> bool {
    matches!(
        node,
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
            | Node::ClosingTag(_)
    )
}

/// Whether nothing is to be said of a node itself, and all that it holds runs when it does.
pub(super) const fn is_passed(node: &Node<'_, '_>) -> bool {
    matches!(
        node,
        Node::Access(_)
            | Node::Argument(_)
            | Node::ArgumentList(_)
            | Node::Array(_)
            | Node::ArrayAccess(_)
            | Node::ArrayAppend(_)
            | Node::ArrayElement(_)
            | Node::Block(_)
            | Node::BracedExpressionStringPart(_)
            | Node::Call(_)
            | Node::ClassLikeConstantSelector(_)
            | Node::ClassLikeMember(_)
            | Node::ClassLikeMemberSelector(_)
            | Node::CompositeString(_)
            | Node::Construct(_)
            | Node::EmptyConstruct(_)
            | Node::Expression(_)
            | Node::FunctionLikeParameterList(_)
            | Node::InterpolatedString(_)
            | Node::IssetConstruct(_)
            | Node::KeyValueArrayElement(_)
            | Node::LegacyArray(_)
            | Node::MethodBody(_)
            | Node::Parenthesized(_)
            | Node::PositionalArgument(_)
            | Node::PropertyAccess(_)
            | Node::Statement(_)
            | Node::StringPart(_)
            | Node::UnaryPostfix(_)
            | Node::ValueArrayElement(_)
            | Node::Variable(_)
    )
}

/// Whoever is told what is met.
struct Telling<'m, M> {
    met: &'m mut M,
}

impl<'a, M: FnMut(Node<'a, 'a>)> Telling<'_, M> {
    fn node(&mut self, node: Node<'a, 'a>, depth: u8) {
        match node {
            Node::Expression(expression) => self.expression(expression, depth),
            Node::Statement(statement) => self.statement(statement, depth),
            Node::DirectVariable(variable) if variable.name != b"$this" => {}
            node if is_silent(&node) => {}
            node if depth > 0 && is_passed(&node) => self.children(node, depth - 1),
            node => (self.met)(node),
        }
    }

    fn children(&mut self, node: Node<'a, 'a>, depth: u8) {
        match node {
            Node::Expression(expression) => self.expression(expression, depth),
            Node::Statement(statement) => self.statement(statement, depth),
            Node::ArgumentList(list) => self.arguments(list, depth),
            Node::Assignment(assignment) => self.each(&[assignment.lhs, assignment.rhs], depth),
            Node::ExpressionStatement(statement) => self.expression(statement.expression, depth),
            Node::FunctionCall(call) => {
                self.expression(call.function, depth);
                self.arguments(&call.argument_list, depth);
            }
            Node::MethodCall(call) => {
                self.expression(call.object, depth);
                self.selector(&call.method, depth);
                self.arguments(&call.argument_list, depth);
            }
            Node::StaticMethodCall(call) => {
                self.expression(call.class, depth);
                self.selector(&call.method, depth);
                self.arguments(&call.argument_list, depth);
            }
            Node::UnaryPrefix(prefix) => self.expression(prefix.operand, depth),
            node => node.visit_children(|child| self.node(child, depth)),
        }
    }

    fn expression(&mut self, expression: &'a Expression<'a>, depth: u8) {
        let beneath = depth.saturating_sub(1);
        match expression {
            Expression::Literal(_) | Expression::Identifier(_) | Expression::MagicConstant(_) => {}
            Expression::Variable(Variable::Direct(variable)) => {
                if variable.name == b"$this" {
                    (self.met)(Node::DirectVariable(variable));
                }
            }
            Expression::Call(Call::Function(call)) => (self.met)(Node::FunctionCall(call)),
            Expression::Call(Call::Method(call)) => (self.met)(Node::MethodCall(call)),
            Expression::Assignment(assignment) => (self.met)(Node::Assignment(assignment)),
            Expression::Binary(binary) => (self.met)(Node::Binary(binary)),
            Expression::UnaryPrefix(prefix) => (self.met)(Node::UnaryPrefix(prefix)),
            Expression::ConstantAccess(access) => (self.met)(Node::ConstantAccess(access)),
            _ if depth == 0 => (self.met)(Node::Expression(expression)),
            Expression::Array(array) => self.elements(array.elements.as_slice(), beneath),
            Expression::LegacyArray(array) => self.elements(array.elements.as_slice(), beneath),
            Expression::ArrayAccess(access) => self.each(&[access.array, access.index], beneath),
            Expression::Access(Access::Property(access)) => {
                self.expression(access.object, beneath);
                self.selector(&access.property, beneath);
            }
            Expression::Parenthesized(inner) => self.expression(inner.expression, beneath),
            other => Node::Expression(other).visit_children(|child| self.node(child, beneath)),
        }
    }

    fn statement(&mut self, statement: &'a Statement<'a>, depth: u8) {
        match statement {
            Statement::Expression(it) => match it.expression {
                // What else an expression says is no matter of its being a statement.
                Expression::Assignment(_) | Expression::Throw(_) => (self.met)(Node::ExpressionStatement(it)),
                other => self.expression(other, depth),
            },
            Statement::If(it) => (self.met)(Node::If(it)),
            _ if depth == 0 => (self.met)(Node::Statement(statement)),
            Statement::Block(block) => {
                for statement in &block.statements {
                    self.statement(statement, depth - 1);
                }
            }
            other => Node::Statement(other).visit_children(|child| self.node(child, depth - 1)),
        }
    }

    fn each(&mut self, expressions: &[&'a Expression<'a>], depth: u8) {
        for expression in expressions {
            self.expression(expression, depth);
        }
    }

    fn arguments(&mut self, list: &'a ArgumentList<'a>, depth: u8) {
        for argument in list.arguments.as_slice() {
            match argument {
                Argument::Positional(argument) => self.expression(argument.value, depth),
                Argument::Named(argument) => (self.met)(Node::NamedArgument(argument)),
            }
        }
    }

    fn elements(&mut self, elements: &'a [ArrayElement<'a>], depth: u8) {
        for element in elements {
            match element {
                ArrayElement::KeyValue(pair) => self.each(&[pair.key, pair.value], depth),
                ArrayElement::Value(element) => self.expression(element.value, depth),
                other => Node::ArrayElement(other).visit_children(|child| self.node(child, depth)),
            }
        }
    }

    fn selector(&mut self, selector: &'a ClassLikeMemberSelector<'a>, depth: u8) {
        match selector {
            ClassLikeMemberSelector::Identifier(_) => {}
            other => Node::ClassLikeMemberSelector(other).visit_children(|child| self.node(child, depth)),
        }
    }
}
