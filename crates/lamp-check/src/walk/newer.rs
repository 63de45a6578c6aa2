//! Constructs that came with a version of PHP, told from the syntax alone.

use mago_syntax::ast::{
    AssignmentOperator, ClassLikeConstantSelector, ClassLikeMember, Expression, Modifier, Node,
};

use crate::symbols::facts::Construct;

/// The newer construct that this node is, and where it begins.
pub(super) fn construct(node: &Node<'_, '_>) -> Option<(Construct, u32)> {
    let (construct, span) = match node {
        Node::ArrowFunction(function) => (Construct::ArrowFunction, function.r#fn.span),
        Node::Assignment(assignment) => match assignment.operator {
            AssignmentOperator::Coalesce(span) => (Construct::NullCoalescingAssignment, span),
            _ => return None,
        },
        Node::Match(expression) => (Construct::Match, expression.r#match.span),
        Node::NullSafeMethodCall(call) => (Construct::NullSafe, call.question_mark_arrow),
        Node::NullSafePropertyAccess(access) => (Construct::NullSafe, access.question_mark_arrow),
        Node::NamedArgument(argument) => (Construct::NamedArgument, argument.name.span),
        Node::FunctionLikeParameter(parameter) if !parameter.modifiers.is_empty() => {
            match parameter.modifiers.iter().find(|one| one.is_readonly()) {
                Some(readonly) => (Construct::ReadonlyProperty, readonly.get_keyword().span),
                None => (Construct::PromotedProperty, parameter.variable.span),
            }
        }
        Node::UnionHint(hint) => (Construct::UnionType, hint.pipe),
        Node::IntersectionHint(hint) => (Construct::IntersectionType, hint.ampersand),
        Node::TryCatchClause(clause) if clause.variable.is_none() => {
            (Construct::CatchWithoutVariable, clause.r#catch.span)
        }
        Node::FunctionPartialApplication(it) => {
            (Construct::FirstClassCallable, it.argument_list.left_parenthesis)
        }
        Node::MethodPartialApplication(it) => {
            (Construct::FirstClassCallable, it.argument_list.left_parenthesis)
        }
        Node::StaticMethodPartialApplication(it) => {
            (Construct::FirstClassCallable, it.argument_list.left_parenthesis)
        }
        Node::Enum(one) => (Construct::Enum, one.r#enum.span),
        Node::ClassConstantAccess(access) => match &access.constant {
            ClassLikeConstantSelector::Expression(selector) => {
                (Construct::DynamicClassConstant, selector.left_brace)
            }
            _ => return None,
        },
        Node::Pipe(pipe) => (Construct::Pipe, pipe.operator),
        Node::Class(class) => (
            Construct::ReadonlyClass,
            class
                .modifiers
                .iter()
                .find(|one| one.is_readonly())?
                .get_keyword()
                .span,
        ),
        _ => return of_member(node),
    };
    Some((construct, span.start.offset))
}

fn of_member<'a>(node: &Node<'_, 'a>) -> Option<(Construct, u32)> {
    let (construct, span) = match node {
        Node::PlainProperty(property) => {
            let modifier = |is: fn(&Modifier<'a>) -> bool| property.modifiers.iter().find(|one| is(one));
            if let Some(modifier) = modifier(Modifier::is_write_visibility) {
                (Construct::AsymmetricVisibility, modifier.get_keyword().span)
            } else if let Some(modifier) = modifier(Modifier::is_readonly) {
                (Construct::ReadonlyProperty, modifier.get_keyword().span)
            } else {
                property.hint.as_ref()?;
                (Construct::TypedProperty, property.items.first()?.variable().span)
            }
        }
        Node::HookedProperty(property) => (Construct::PropertyHook, property.hook_list.left_brace),
        Node::ClassLikeConstant(constant) => {
            let is_final = constant.modifiers.iter().any(Modifier::is_final);
            match (&constant.hint, is_final) {
                (Some(_), _) => (Construct::TypedConstant, constant.r#const.span),
                (None, true) => (Construct::FinalConstant, constant.r#const.span),
                (None, false) => return None,
            }
        }
        Node::Trait(one) => {
            let constant = one.members.iter().find_map(|member| match member {
                ClassLikeMember::Constant(constant) => Some(constant.r#const.span),
                _ => None,
            });
            (Construct::ConstantInTrait, constant?)
        }
        _ => return None,
    };
    Some((construct, span.start.offset))
}

/// Where the `throw` of a statement begins, which every PHP parses.
pub(super) fn thrown(node: &Node<'_, '_>) -> Option<u32> {
    match node {
        Node::ExpressionStatement(statement) => match statement.expression {
            Expression::Throw(throw) => Some(throw.throw.span.start.offset),
            _ => None,
        },
        _ => None,
    }
}
