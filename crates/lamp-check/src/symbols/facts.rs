//! What one file declares and uses by name: classes, functions, methods, constants, each name as PHP resolves it in its
//! namespace. A function of the file's bytes alone.

use serde::{Deserialize, Serialize};

use crate::facts::Spot;

/// The names of one file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SymbolFacts {
    pub(crate) functions: Vec<Function>,
    pub(crate) classes: Vec<Class>,
    /// Constants that it declares, by their whole names.
    pub(crate) constants: Vec<String>,
    /// How constants begin whose names it makes while it runs; an empty text: anyhow.
    pub(crate) constants_made: Vec<String>,
    /// Whether a `return` outside of functions may keep a part of it from running.
    pub(crate) returns: bool,
    /// Names that it gives to classes that are declared under others.
    pub(crate) class_aliases: Vec<String>,
    /// Each name once; what is only used behind a guard (the code first asks whether it is declared, or which PHP runs) is
    /// left out.
    pub(crate) uses: Vec<Use>,
    /// Classes whose names it asks for by `::class`, outside functions.
    pub(crate) class_names: Vec<(String, Spot)>,
    /// Constructs that not every PHP can parse.
    pub(crate) newer_syntax: Vec<NewerSyntax>,
}

/// A declared function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) at: Spot,
    /// Whether the file, once it is loaded, has always declared it.
    pub(crate) always: bool,
}

/// A declared class, interface, trait or enum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Class {
    /// Its whole name; of one without a name, empty.
    pub(crate) name: String,
    pub(crate) at: Spot,
    pub(crate) kind: ClassKind,
    pub(crate) is_final: bool,
    /// Whether the file, once it is loaded, has always declared it.
    pub(crate) always: bool,
    pub(crate) parent: Option<String>,
    /// That it implements, or as an interface extends.
    pub(crate) interfaces: Vec<String>,
    pub(crate) traits: Vec<String>,
    pub(crate) methods: Vec<Method>,
    /// Constants and cases, as written.
    pub(crate) constants: Vec<String>,
    /// Names that it gives to methods of its traits.
    pub(crate) trait_methods_renamed: Vec<String>,
}

impl Class {
    /// Its name for people.
    pub(crate) fn shown(&self) -> &str {
        match self.name.as_str() {
            "" => "this class",
            name => name,
        }
    }
}

/// What kind of class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ClassKind {
    Class,
    Abstract,
    Interface,
    Trait,
    Enum,
}

/// A declared method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Method {
    /// As written; PHP does not heed its case.
    pub(crate) name: String,
    pub(crate) at: Spot,
    pub(crate) visibility: Visibility,
    pub(crate) is_abstract: bool,
    pub(crate) is_static: bool,
    pub(crate) is_final: bool,
    /// Whether it says what it returns.
    pub(crate) returns_typed: bool,
    pub(crate) parameters: Vec<Parameter>,
}

/// Who may call it, the widest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Visibility {
    Public,
    Protected,
    Private,
}

/// One parameter of a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parameter {
    pub(crate) kind: ParameterKind,
    pub(crate) by_reference: bool,
    pub(crate) is_typed: bool,
}

/// Whether a caller must give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ParameterKind {
    Required,
    Optional,
    /// `...$rest`
    Rest,
}

/// A name that is used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Use {
    pub(crate) what: Used,
    pub(crate) at: Spot,
    pub(crate) certainty: Certainty,
}

/// What is used.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Used {
    /// So that it must exist: made, called, extended; not merely asked for.
    Class(String),
    Function(Resolved),
    Constant(Resolved),
    /// `self::name()`, `Class::name()`, or `$x->name()` of an object whose class the code around it tells.
    Method {
        of: Of,
        name: String,
    },
    /// `$this->name()`, in the class at this index of the file.
    OwnMethod {
        class: usize,
        name: String,
    },
    ClassConstant {
        of: Of,
        name: String,
    },
}

impl Used {
    /// Whether it is a member of the class around it, or of what that is made from.
    pub(crate) const fn is_of_own(&self) -> bool {
        match self {
            Self::OwnMethod { .. } => true,
            Self::Method { of, .. } | Self::ClassConstant { of, .. } => {
                !matches!(of, Of::Named(_) | Of::Kin(_))
            }
            Self::Class(_) | Self::Function(_) | Self::Constant(_) => false,
        }
    }
}

/// A name as PHP resolves it, and whether it stands for the global one too if that is not there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Resolved {
    pub(crate) name: String,
    pub(crate) or_global: bool,
}

/// The class before a `::`, or of the object before a `->`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Of {
    Named(String),
    /// That of this name, or one made from it.
    Kin(String),
    /// `self`, in the class at this index of the file.
    Own(usize),
    /// `static`, likewise: that class, or one made from it.
    Descendant(usize),
    /// `parent`, likewise.
    Parent(usize),
}

/// How sure it is that the name must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Certainty {
    /// Whenever the file is loaded.
    Always,
    /// If the code around it is come by.
    IfReached,
}

/// A construct that came with a version of PHP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NewerSyntax {
    pub(crate) construct: Construct,
    pub(crate) at: Spot,
}

/// What came when: see [`Construct::since`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Construct {
    CatchOfSeveral,
    ArrowFunction,
    TypedProperty,
    NullCoalescingAssignment,
    Match,
    NullSafe,
    NamedArgument,
    PromotedProperty,
    UnionType,
    ThrowExpression,
    CatchWithoutVariable,
    Enum,
    ReadonlyProperty,
    FirstClassCallable,
    IntersectionType,
    FinalConstant,
    ReadonlyClass,
    ConstantInTrait,
    TypedConstant,
    DynamicClassConstant,
    PropertyHook,
    AsymmetricVisibility,
    Pipe,
}

impl Construct {
    /// The first version that parses it, by PHP's migration guides, and its name for people.
    pub(crate) const fn since(self) -> ((u8, u8), &'static str) {
        match self {
            Self::CatchOfSeveral => ((7, 1), "several classes in one `catch`"),
            Self::ArrowFunction => ((7, 4), "an arrow function"),
            Self::TypedProperty => ((7, 4), "a property with a type"),
            Self::NullCoalescingAssignment => ((7, 4), "`??=`"),
            Self::Match => ((8, 0), "`match`"),
            Self::NullSafe => ((8, 0), "`?->`"),
            Self::NamedArgument => ((8, 0), "a named argument"),
            Self::PromotedProperty => ((8, 0), "a property declared in a constructor's parameters"),
            Self::UnionType => ((8, 0), "a union type"),
            Self::ThrowExpression => ((8, 0), "`throw` inside an expression"),
            Self::CatchWithoutVariable => ((8, 0), "`catch` without a variable"),
            Self::Enum => ((8, 1), "`enum`"),
            Self::ReadonlyProperty => ((8, 1), "a readonly property"),
            Self::FirstClassCallable => ((8, 1), "a function made a value by `(...)`"),
            Self::IntersectionType => ((8, 1), "an intersection type"),
            Self::FinalConstant => ((8, 1), "a final class constant"),
            Self::ReadonlyClass => ((8, 2), "a readonly class"),
            Self::ConstantInTrait => ((8, 2), "a constant in a trait"),
            Self::TypedConstant => ((8, 3), "a class constant with a type"),
            Self::DynamicClassConstant => ((8, 3), "a class constant fetched by an expression"),
            Self::PropertyHook => ((8, 4), "a property hook"),
            Self::AsymmetricVisibility => ((8, 4), "a property that others may read and not write"),
            Self::Pipe => ((8, 5), "`|>`"),
        }
    }
}
