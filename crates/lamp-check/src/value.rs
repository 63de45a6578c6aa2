//! What an expression comes to, as far as its own file tells; the rest is left to whoever knows the whole tree.

use serde::{Deserialize, Serialize};

/// What an expression comes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Value {
    Text(String),
    /// `__DIR__`
    Dir,
    /// `__FILE__`
    File,
    Constant(String),
    /// A constant of a class, lower-case.
    ClassConstant {
        class: String,
        name: String,
    },
    /// A property of a class, lower-case, or of those that extend it.
    Property {
        class: String,
        name: String,
    },
    /// A variable of all files, with its `$`; an element of one as `$name[key]`.
    Global(String),
    /// What the function was given at this place.
    Parameter(usize),
    /// What a function gives; of a class, lower-case, or empty.
    Call {
        class: String,
        function: String,
        arguments: Vec<Value>,
    },
    /// A variable of the environment.
    Environment(String),
    /// Where names without a directory are looked for, as it was before.
    IncludePath,
    Joined(Vec<Value>),
    Dirname {
        of: Box<Value>,
        levels: u32,
    },
    /// With one slash at its end.
    WithSlash(Box<Value>),
    /// Without slashes at its end.
    WithoutSlash(Box<Value>),
    /// Without so many bytes at its end.
    Shortened {
        of: Box<Value>,
        bytes: usize,
    },
    /// In lower case.
    Lower(Box<Value>),
    /// One of these.
    Either(Vec<Value>),
    /// This, unless a file that was included between changes the variable.
    Shared {
        variable: String,
        value: Box<Value>,
    },
    /// Anything.
    Unknown(Why),
}

/// Why it cannot be told what an expression comes to, or what a name leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Why {
    /// A variable that is written elsewhere, or nowhere.
    Variable,
    /// What a function was given.
    Parameter,
    /// An element of an array.
    Element,
    /// A property of an object.
    Property,
    /// What a function or method gives.
    Call,
    /// A constant that the tree does not define, or with a value that cannot be told.
    Constant,
    /// The environment.
    Environment,
    /// Something else that only running the code tells.
    Expression,
    /// There are too many ways to read it.
    Bound,
    /// It leads out of the tree, or into a link that does.
    Outside,
    /// It is looked for in directories that only running the code tells.
    IncludePath,
    /// A part of the name is unknown, and nothing in the tree fits or nearly fits the rest.
    Pattern,
    /// The application makes the file while it runs.
    MadeWhileRunning,
}

impl Why {
    /// In words that go on after "undecided: ".
    pub const fn words(self) -> &'static str {
        match self {
            Self::Variable => "a variable that is written elsewhere",
            Self::Parameter => "a parameter of the function",
            Self::Element => "an element of an array",
            Self::Property => "a property of an object",
            Self::Call => "what a function gives",
            Self::Constant => "a constant whose value the tree does not tell",
            Self::Environment => "a variable of the environment",
            Self::Expression => "an expression that only running the code tells",
            Self::Bound => "too many ways to read it",
            Self::Outside => "it leads out of the tree",
            Self::IncludePath => "the include path is not known",
            Self::Pattern => "a part of the name is unknown, and nothing fits the rest",
            Self::MadeWhileRunning => "a file that is made while the application runs",
        }
    }
}

/// What a file says that other files need, to read names by it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Told {
    /// Constants of classes.
    pub(crate) class_constants: Vec<MemberValue>,
    /// What properties are given, wherever; the class is empty if it is not known whose.
    pub(crate) properties: Vec<MemberValue>,
    /// Classes and what they extend or use, lower-case.
    pub(crate) parents: Vec<(String, String)>,
    /// What functions and methods give.
    pub(crate) functions: Vec<FunctionValue>,
    /// What variables of all files are given, and elements of any array.
    pub(crate) globals: Vec<(String, Value)>,
    /// What the include path is set to.
    pub(crate) include_paths: Vec<Value>,
    /// The list that whoever includes the file is given, if it is written out.
    pub(crate) returned_list: Vec<Value>,
    /// Whether it changes the directory from which `./` is looked for.
    pub(crate) changes_directory: bool,
}

impl Told {
    /// The same names, of which nothing can be told.
    pub(crate) fn unknown(mut self) -> Self {
        let members = self.class_constants.iter_mut().chain(&mut self.properties);
        let members = members.map(|member| &mut member.value);
        let globals = self.globals.iter_mut().map(|(_, value)| value);
        let paths = self.include_paths.iter_mut().chain(&mut self.returned_list);
        let returns = self
            .functions
            .iter_mut()
            .flat_map(|function| &mut function.returns);
        for value in members.chain(globals).chain(paths).chain(returns) {
            *value = Value::Unknown(Why::Bound);
        }
        self
    }
}

/// What a member of a class is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MemberValue {
    /// Lower-case; empty: of some class.
    pub(crate) class: String,
    pub(crate) name: String,
    pub(crate) value: Value,
}

/// What a function gives, by its `return`s.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FunctionValue {
    /// Lower-case; empty: no method.
    pub(crate) class: String,
    /// Lower-case.
    pub(crate) name: String,
    /// Default values of its parameters.
    pub(crate) defaults: Vec<Option<Value>>,
    pub(crate) returns: Vec<Value>,
}
