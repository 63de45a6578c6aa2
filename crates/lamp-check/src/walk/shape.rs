//! What a class declares, read off its syntax: parents, methods, constants.

use mago_syntax::ast::{
    ClassLikeMember, Extends, FunctionLikeParameter, Hint, Identifier, Implements, Method as Written,
    Modifier, Node, TraitUse, TraitUseAdaptation, TraitUseSpecification,
};

use super::names::{Names, text};
use crate::parse::Lines;
use crate::symbols::facts::{Class, ClassKind, Method, Parameter, ParameterKind, Visibility};

/// What a class of any kind begins with.
struct Head<'n, 'a> {
    name: Option<&'n mago_syntax::ast::LocalIdentifier<'a>>,
    offset: u32,
    kind: ClassKind,
    is_final: bool,
    extends: Option<&'n Extends<'a>>,
    implements: Option<&'n Implements<'a>>,
    members: &'n [ClassLikeMember<'a>],
}

/// The class that a node declares, with where it stands.
pub(super) fn class(node: &Node<'_, '_>, names: &Names, lines: &Lines<'_>) -> Option<Class> {
    let head = head(node)?;
    let types =
        |list: Option<&Implements<'_>>| list.map_or_else(Vec::new, |list| whole(list.types.iter(), names));
    let extends = head
        .extends
        .map_or_else(Vec::new, |list| whole(list.types.iter(), names));
    let (parent, more) = match head.kind {
        ClassKind::Interface => (None, extends),
        _ => (extends.into_iter().next(), Vec::new()),
    };
    let mut class = Class {
        name: head
            .name
            .map_or_else(String::new, |name| names.here(text(name.value))),
        at: lines.spot(head.offset),
        kind: head.kind,
        is_final: head.is_final,
        always: false,
        parent,
        interfaces: types(head.implements).into_iter().chain(more).collect(),
        traits: Vec::new(),
        methods: Vec::new(),
        constants: Vec::new(),
        trait_methods_renamed: Vec::new(),
    };
    for member in head.members {
        add(&mut class, member, names, lines);
    }
    Some(class)
}

fn head<'n, 'a>(node: &Node<'n, 'a>) -> Option<Head<'n, 'a>> {
    Some(match node {
        Node::Class(class) => Head {
            name: Some(&class.name),
            offset: class.name.span.start.offset,
            kind: if class.modifiers.iter().any(Modifier::is_abstract) {
                ClassKind::Abstract
            } else {
                ClassKind::Class
            },
            is_final: class.modifiers.iter().any(Modifier::is_final),
            extends: class.extends.as_ref(),
            implements: class.implements.as_ref(),
            members: class.members.as_slice(),
        },
        Node::AnonymousClass(class) => Head {
            name: None,
            offset: class.class.span.start.offset,
            kind: ClassKind::Class,
            is_final: true,
            extends: class.extends.as_ref(),
            implements: class.implements.as_ref(),
            members: class.members.as_slice(),
        },
        Node::Interface(interface) => Head {
            name: Some(&interface.name),
            offset: interface.name.span.start.offset,
            kind: ClassKind::Interface,
            is_final: false,
            extends: interface.extends.as_ref(),
            implements: None,
            members: interface.members.as_slice(),
        },
        Node::Trait(one) => Head {
            name: Some(&one.name),
            offset: one.name.span.start.offset,
            kind: ClassKind::Trait,
            is_final: false,
            extends: None,
            implements: None,
            members: one.members.as_slice(),
        },
        Node::Enum(one) => Head {
            name: Some(&one.name),
            offset: one.name.span.start.offset,
            kind: ClassKind::Enum,
            is_final: true,
            extends: None,
            implements: one.implements.as_ref(),
            members: one.members.as_slice(),
        },
        _ => return None,
    })
}

fn whole<'n, 'a: 'n>(types: impl Iterator<Item = &'n Identifier<'a>>, names: &Names) -> Vec<String> {
    types.map(|name| names.class(name.value())).collect()
}

fn add(class: &mut Class, member: &ClassLikeMember<'_>, names: &Names, lines: &Lines<'_>) {
    match member {
        ClassLikeMember::TraitUse(used) => add_traits(class, used, names),
        ClassLikeMember::Constant(constant) => {
            class
                .constants
                .extend(constant.items.iter().map(|item| text(item.name.value)));
        }
        ClassLikeMember::EnumCase(case) => class.constants.push(text(case.item.name().value)),
        ClassLikeMember::Method(written) => class.methods.push(method(written, class.kind, lines)),
        ClassLikeMember::Property(_) => {}
    }
}

fn add_traits(class: &mut Class, used: &TraitUse<'_>, names: &Names) {
    class.traits.extend(whole(used.trait_names.iter(), names));
    let TraitUseSpecification::Concrete(specification) = &used.specification else {
        return;
    };
    for adaptation in specification.adaptations.iter() {
        if let TraitUseAdaptation::Alias(alias) = adaptation
            && let Some(name) = &alias.alias
        {
            class.trait_methods_renamed.push(text(name.value));
        }
    }
}

fn method<'a>(written: &Written<'a>, kind: ClassKind, lines: &Lines<'_>) -> Method {
    let has = |is: fn(&Modifier<'a>) -> bool| written.modifiers.iter().any(is);
    Method {
        name: text(written.name.value),
        at: lines.spot(written.name.span.start.offset),
        visibility: match (has(Modifier::is_private), has(Modifier::is_protected)) {
            (true, _) => Visibility::Private,
            (false, true) => Visibility::Protected,
            (false, false) => Visibility::Public,
        },
        is_abstract: has(Modifier::is_abstract) || kind == ClassKind::Interface,
        is_static: has(Modifier::is_static),
        is_final: has(Modifier::is_final),
        returns_typed: written.return_type_hint.is_some(),
        parameters: written.parameter_list.parameters.iter().map(parameter).collect(),
    }
}

fn parameter(written: &FunctionLikeParameter<'_>) -> Parameter {
    Parameter {
        kind: match (&written.ellipsis, &written.default_value) {
            (Some(_), _) => ParameterKind::Rest,
            (None, Some(_)) => ParameterKind::Optional,
            (None, None) => ParameterKind::Required,
        },
        by_reference: written.ampersand.is_some(),
        is_typed: written
            .hint
            .as_ref()
            .is_some_and(|hint| !matches!(hint, Hint::Mixed(_))),
    }
}
