//! Classes that PHP refuses where they are declared: one that lacks what it must implement, one whose method cannot stand in for
//! its parent's.

use lamp_model::finding::Severity;

use super::facts::{Class, ClassKind, Method, Parameter, ParameterKind, Visibility};
use super::hierarchy::{Ancestor, Ancestry, OF_ENUMS, written};
use super::index::{ClassAt, Index, Known};
use super::php::PhpMethod;
use super::{ABSTRACT_NOT_IMPLEMENTED, INCOMPATIBLE_METHOD, Told};
use crate::hashed::HashSet;
use crate::setting::{PhpVersion, Setting};

/// Since then PHP refuses parameters that it only warned of before.
const STRICT_PHP: PhpVersion = PhpVersion::new(8, 0);

pub(super) fn told(index: &Index<'_>, setting: &Setting) -> Vec<Told> {
    let mut told = Vec::new();
    for (at, class) in index.own_classes() {
        let is_made_of_others =
            class.parent.is_some() || !class.interfaces.is_empty() || !class.traits.is_empty();
        let declares_all = !is_made_of_others && !class.methods.iter().any(|method| method.is_abstract);
        if class.kind == ClassKind::Trait || declares_all || !is_the_only_one(index, at, class) {
            continue;
        }
        let ancestry = Ancestry::of(index, at);
        // A package that was put beside others may carry classes for which they are too new, and which nobody loads.
        let severity = match index.sources[at.file].is_library {
            true => Severity::Warning,
            false => Severity::Error,
        };
        told.extend(not_implemented(at, class, &ancestry).map(|told| Told { severity, ..told }));
        let only_warned_of = setting.php.is_some_and(|php| php < STRICT_PHP);
        let severity = if only_warned_of {
            Severity::Warning
        } else {
            severity
        };
        told.extend(incompatible(at, class, &ancestry).map(|told| Told { severity, ..told }));
    }
    told
}

fn is_the_only_one(index: &Index<'_>, at: ClassAt, class: &Class) -> bool {
    class.name.is_empty() || matches!(index.class(&class.name), Known::Tree(found, _) if found == at)
}

fn not_implemented(at: ClassAt, class: &Class, ancestry: &Ancestry<'_>) -> Option<Told> {
    let must = matches!(class.kind, ClassKind::Class | ClassKind::Enum);
    if !must || !ancestry.is_whole {
        return None;
    }
    let there: HashSet<String> = ancestry.all.iter().flat_map(implemented).collect();
    let is_given = |name: &str| class.kind == ClassKind::Enum && OF_ENUMS.contains(&name);
    let mut wanted = ancestry.all.iter().flat_map(demanded);
    let (from, method) = wanted.find(|(_, method)| {
        let lower = method.to_ascii_lowercase();
        !there.contains(&lower) && !is_given(&lower)
    })?;
    let of = class.shown();
    Some(Told {
        file: at.file,
        at: class.at,
        rule: ABSTRACT_NOT_IMPLEMENTED,
        severity: Severity::Error,
        message: format!("{of} does not implement {method}(), as {from} demands"),
        target: format!("{of}::{method}()"),
        suggestion: None,
    })
}

/// The methods with a body, lower-case.
fn implemented(ancestor: &Ancestor<'_>) -> Vec<String> {
    let (methods, renamed): (Vec<&str>, &[String]) = match ancestor {
        Ancestor::Tree(class) => {
            let methods = class.methods.iter().filter(|method| !method.is_abstract);
            (
                methods.map(|method| method.name.as_str()).collect(),
                &class.trait_methods_renamed,
            )
        }
        Ancestor::Php(class) => {
            let methods = class.methods().filter(|method| !method.is_abstract());
            (methods.map(|method| method.name).collect(), &[])
        }
    };
    let names = methods.into_iter().chain(renamed.iter().map(String::as_str));
    names.map(str::to_ascii_lowercase).collect()
}

/// The methods without a body, each with the class that demands it.
fn demanded<'f>(ancestor: &Ancestor<'f>) -> Vec<(&'f str, &'f str)> {
    match ancestor {
        Ancestor::Tree(class) => {
            let methods = class.methods.iter().filter(|method| method.is_abstract);
            methods
                .map(|method| (class.shown(), method.name.as_str()))
                .collect()
        }
        Ancestor::Php(class) => {
            let methods = class.methods().filter(PhpMethod::is_abstract);
            methods.map(|method| (class.name, method.name)).collect()
        }
    }
}

fn incompatible<'f>(at: ClassAt, class: &'f Class, ancestry: &Ancestry<'f>) -> impl Iterator<Item = Told> {
    class.methods.iter().filter_map(move |method| {
        let (from, clash) = ancestry
            .all
            .iter()
            .skip(1)
            .find_map(|ancestor| clash(method, ancestor))?;
        let name = format!("{}::{}()", class.shown(), method.name);
        Some(Told {
            file: at.file,
            at: method.at,
            rule: INCOMPATIBLE_METHOD,
            severity: Severity::Error,
            message: format!("{name} cannot stand in for {from}'s: {}", clash.words()),
            target: name,
            suggestion: None,
        })
    })
}

/// Why one method cannot stand in for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clash {
    Final,
    Static,
    NotStatic,
    Narrower,
    DemandsMore,
    TakesFewer,
    ByReference,
    NotByReference,
    TypeAdded,
    ReturnTypeDropped,
}

impl Clash {
    const fn words(self) -> &'static str {
        match self {
            Self::Final => "that one is final",
            Self::Static => "it is static and that one is not",
            Self::NotStatic => "that one is static and it is not",
            Self::Narrower => "fewer may call it",
            Self::DemandsMore => "it demands more arguments",
            Self::TakesFewer => "it takes fewer arguments",
            Self::ByReference => "it takes by reference what is given by value",
            Self::NotByReference => "it takes by value what is given by reference",
            Self::TypeAdded => "it asks for a type where that one takes anything",
            Self::ReturnTypeDropped => "it does not say what it returns",
        }
    }
}

fn clash<'f>(method: &Method, ancestor: &Ancestor<'f>) -> Option<(&'f str, Clash)> {
    match ancestor {
        Ancestor::Tree(class) if class.kind != ClassKind::Trait => {
            let parent = written(class, &method.name)?;
            Some((class.shown(), of_tree(method, parent)?))
        }
        // The parameters of PHP's own classes changed with its versions; those of its interfaces did not.
        Ancestor::Php(class) if class.is_interface() => {
            let mut methods = class.methods();
            let parent = methods.find(|parent| parent.name.eq_ignore_ascii_case(&method.name))?;
            Some((class.name, of_php(method, parent)?))
        }
        Ancestor::Tree(_) | Ancestor::Php(_) => None,
    }
}

/// As PHP compares them, each case tried with PHP 8.2.
fn of_tree(method: &Method, parent: &Method) -> Option<Clash> {
    if parent.visibility == Visibility::Private {
        return None;
    }
    if parent.is_final {
        return Some(Clash::Final);
    }
    if method.name.eq_ignore_ascii_case("__construct") && !parent.is_abstract {
        return None;
    }
    if method.visibility > parent.visibility {
        return Some(Clash::Narrower);
    }
    is_static(method, parent.is_static)
        .or_else(|| parameters(method, parent))
        .or_else(|| (parent.returns_typed && !method.returns_typed).then_some(Clash::ReturnTypeDropped))
}

fn of_php(method: &Method, parent: PhpMethod) -> Option<Clash> {
    if method.visibility != Visibility::Public {
        return Some(Clash::Narrower);
    }
    let fewer = !takes_rest(method) && method.parameters.len() < parent.all;
    is_static(method, parent.is_static())
        .or_else(|| (required(method) > parent.required).then_some(Clash::DemandsMore))
        .or_else(|| fewer.then_some(Clash::TakesFewer))
}

fn is_static(method: &Method, parents: bool) -> Option<Clash> {
    match (method.is_static, parents) {
        (true, false) => Some(Clash::Static),
        (false, true) => Some(Clash::NotStatic),
        (true, true) | (false, false) => None,
    }
}

fn parameters(method: &Method, parent: &Method) -> Option<Clash> {
    if required(method) > required(parent) {
        return Some(Clash::DemandsMore);
    }
    let takes_fewer = method.parameters.len() < parent.parameters.len() || takes_rest(parent);
    if !takes_rest(method) && takes_fewer {
        return Some(Clash::TakesFewer);
    }
    let mut pairs = method.parameters.iter().zip(&parent.parameters);
    pairs.find_map(|(own, other)| parameter(*own, *other))
}

fn parameter(own: Parameter, other: Parameter) -> Option<Clash> {
    match (own.by_reference, other.by_reference) {
        (true, false) => Some(Clash::ByReference),
        (false, true) => Some(Clash::NotByReference),
        _ if own.is_typed && !other.is_typed => Some(Clash::TypeAdded),
        _ => None,
    }
}

fn takes_rest(method: &Method) -> bool {
    method
        .parameters
        .iter()
        .any(|one| one.kind == ParameterKind::Rest)
}

/// How many arguments a caller must give: all up to the last that has no default.
fn required(method: &Method) -> usize {
    let last = method
        .parameters
        .iter()
        .rposition(|one| one.kind == ParameterKind::Required);
    last.map_or(0, |at| at + 1)
}
