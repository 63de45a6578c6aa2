//! Which file declares a name, over the whole tree, and whether PHP brings it.
//!
//! Invariant: a name that is declared twice is known, and nothing more is said of it: which of the two is loaded cannot be told.

use super::facts::{Class, Resolved, Use};
use super::php::{Brought, Php, PhpClass};
use crate::facts::FileFacts;
use crate::hashed::{HashMap, HashSet};
use crate::lower::lower;
use crate::source::Source;

/// A class's place: the file among the tree's sources, and the class in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ClassAt {
    pub(crate) file: usize,
    pub(crate) class: usize,
}

/// Every name of the tree.
pub(crate) struct Index<'f> {
    pub(super) sources: &'f [Source],
    pub(super) facts: &'f [FileFacts],
    pub(super) php: &'static Php,
    /// By lower-case name, as written.
    functions: HashMap<String, &'f str>,
    classes: HashMap<String, Vec<ClassAt>>,
    /// By lower-case name of the parent, interface or trait.
    children: HashMap<String, Vec<ClassAt>>,
    aliases: HashSet<String>,
    constants: HashSet<&'f str>,
    constants_made: HashSet<&'f str>,
    /// Whether the tree makes constants of which not even the beginning can be told.
    pub(super) makes_any_constant: bool,
    /// Lower-case; in which classes or functions are declared.
    namespaces: HashSet<String>,
}

/// Who has a class.
#[derive(Clone, Copy)]
pub(super) enum Known<'f> {
    Tree(ClassAt, &'f Class),
    Php(&'static PhpClass),
    /// It is there, and more cannot be told.
    Somehow,
    Nowhere,
}

/// Who has a function or a constant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// The tree declares it, or an extension may bring it.
    Somehow,
    Php(Brought),
    Nowhere,
}

impl<'f> Index<'f> {
    pub(crate) fn new(sources: &'f [Source], facts: &'f [FileFacts]) -> Self {
        let mut index = Self {
            sources,
            facts,
            php: Php::table(),
            functions: HashMap::default(),
            classes: HashMap::default(),
            children: HashMap::default(),
            aliases: HashSet::default(),
            constants: HashSet::default(),
            constants_made: HashSet::default(),
            makes_any_constant: false,
            namespaces: HashSet::default(),
        };
        for (file, facts) in facts.iter().enumerate() {
            index.add(file, facts);
        }
        index
    }

    fn add(&mut self, file: usize, facts: &'f FileFacts) {
        let symbols = &facts.symbols;
        for function in &symbols.functions {
            let lower = function.name.to_ascii_lowercase();
            self.namespaces.insert(namespace(&lower).to_owned());
            self.functions.insert(lower, &function.name);
        }
        for (at, class) in symbols.classes.iter().enumerate() {
            self.add_class(ClassAt { file, class: at }, class);
        }
        self.aliases
            .extend(symbols.class_aliases.iter().map(|name| name.to_ascii_lowercase()));
        self.constants
            .extend(symbols.constants.iter().map(String::as_str));
        for begin in &symbols.constants_made {
            match begin.as_str() {
                "" => self.makes_any_constant = true,
                begin => drop(self.constants_made.insert(begin)),
            }
        }
    }

    fn add_class(&mut self, at: ClassAt, class: &Class) {
        for name in class.parent.iter().chain(&class.interfaces).chain(&class.traits) {
            self.children
                .entry(name.to_ascii_lowercase())
                .or_default()
                .push(at);
        }
        if class.name.is_empty() {
            return;
        }
        let lower = class.name.to_ascii_lowercase();
        self.namespaces.insert(namespace(&lower).to_owned());
        self.classes.entry(lower).or_default().push(at);
    }

    pub(crate) fn class_at(&self, at: ClassAt) -> &'f Class {
        &self.facts[at.file].symbols.classes[at.class]
    }

    pub(super) fn class(&self, name: &str) -> Known<'f> {
        let lower = lower(name);
        match self.classes.get(&*lower).map(Vec::as_slice) {
            Some([only]) if !self.aliases.contains(&*lower) && self.php.class(&lower).is_none() => {
                Known::Tree(*only, self.class_at(*only))
            }
            Some(_) => Known::Somehow,
            None if self.aliases.contains(&*lower) => Known::Somehow,
            None => match self.php.class(&lower) {
                Some(class) => Known::Php(class),
                None if Php::may_be_brought(&lower) => Known::Somehow,
                None => Known::Nowhere,
            },
        }
    }

    /// Every place at which the tree declares a class of this name, in whatever case.
    pub(crate) fn declaring(&self, name: &str) -> &[ClassAt] {
        let at = self.classes.get(&*lower(name));
        at.map_or(&[], Vec::as_slice)
    }

    /// Whether a name stands for the one class of the tree that is declared under it, and for nothing else.
    pub(crate) fn is_plain(&self, name: &str) -> bool {
        matches!(self.class(name), Known::Tree(..))
    }

    /// Whether nothing declares a class of this name, though the tree declares others right in its namespace.
    pub(crate) fn is_missing_here(&self, name: &str) -> bool {
        name.contains('\\') && matches!(self.class(name), Known::Nowhere) && self.knows_namespace_of(name)
    }

    /// Classes that name this one as their parent, interface or trait.
    pub(super) fn children(&self, name: &str) -> &[ClassAt] {
        self.children.get(&*lower(name)).map_or(&[], Vec::as_slice)
    }

    pub(super) fn function(&self, resolved: &Resolved) -> Name {
        let lower = lower(&resolved.name);
        let candidates = [Some(&*lower), global(&lower, resolved)];
        for lower in candidates.into_iter().flatten() {
            if self.functions.contains_key(lower) {
                return Name::Somehow;
            }
            if let Some(brought) = self.php.function(lower) {
                return Name::Php(brought);
            }
        }
        match Php::may_be_brought(global(&lower, resolved).unwrap_or(&lower)) {
            true => Name::Somehow,
            false => Name::Nowhere,
        }
    }

    pub(super) fn constant(&self, resolved: &Resolved) -> Name {
        let candidates = [Some(resolved.name.as_str()), global(&resolved.name, resolved)];
        for name in candidates.into_iter().flatten() {
            let is_made = |begin: &&str| name.starts_with(*begin);
            if self.constants.contains(name) || self.constants_made.iter().any(is_made) {
                return Name::Somehow;
            }
            match self.php.constant(name) {
                // It may stand in for one that PHP does not have.
                Some(_) if self.makes_any_constant => return Name::Somehow,
                Some(brought) => return Name::Php(brought),
                None => {}
            }
        }
        match Php::may_be_brought(&lower(&resolved.name)) {
            true => Name::Somehow,
            false => Name::Nowhere,
        }
    }

    /// Whether something is declared right in the namespace of this name, or it is in none.
    pub(super) fn knows_namespace_of(&self, name: &str) -> bool {
        let lower = lower(name);
        let namespace = namespace(&lower);
        namespace.is_empty() || self.namespaces.contains(namespace)
    }

    /// Every name of a function in the tree, as written.
    pub(super) fn functions(&self) -> impl Iterator<Item = &str> {
        self.functions.values().copied()
    }

    /// Every name of a class in the tree, as written.
    pub(crate) fn classes(&self) -> impl Iterator<Item = &str> {
        self.classes
            .values()
            .filter_map(|at| Some(self.class_at(*at.first()?).name.as_str()))
    }

    pub(super) fn constants(&self) -> impl Iterator<Item = &str> {
        self.constants.iter().copied()
    }

    /// The names that the site's own files use: not those of tests, nor of files that PHP cannot read.
    pub(crate) fn uses(&self) -> impl Iterator<Item = (usize, &'f Use)> {
        let each = self.facts.iter().enumerate();
        each.filter(|(file, facts)| !self.sources[*file].is_test && facts.syntax_error.is_none())
            .flat_map(|(file, facts)| facts.symbols.uses.iter().map(move |used| (file, used)))
    }

    /// The classes that the site's own files declare.
    pub(super) fn own_classes(&self) -> impl Iterator<Item = (ClassAt, &'f Class)> {
        let each = self.facts.iter().enumerate();
        let own = each.filter(|(file, facts)| !self.sources[*file].is_test && facts.syntax_error.is_none());
        own.flat_map(|(file, facts)| {
            let classes = facts.symbols.classes.iter().enumerate();
            classes.map(move |(class, declared)| (ClassAt { file, class }, declared))
        })
    }
}

fn namespace(name: &str) -> &str {
    name.rsplit_once('\\').map_or("", |(namespace, _)| namespace)
}

fn global<'n>(name: &'n str, resolved: &Resolved) -> Option<&'n str> {
    resolved.or_global.then(|| name.rsplit('\\').next()).flatten()
}
