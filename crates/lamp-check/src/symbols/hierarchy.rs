//! What a class has from itself, its parents, interfaces and traits, as far as all of them are known.

use super::facts::{Class, ClassKind, Method, Of};
use super::index::{ClassAt, Index, Known};
use super::php::PhpClass;
use crate::hashed::HashSet;
use crate::setting::PhpVersion;

/// Most classes of one ancestry.
const ANCESTORS_MAX: usize = 500;
/// The PHP that the table was made from: what a newer one's classes have is not known.
const TABLE_PHP: PhpVersion = PhpVersion::new(8, 2);
/// Methods that PHP gives to every enum.
pub(super) const OF_ENUMS: [&str; 3] = ["cases", "from", "tryfrom"];

/// Whether a class has a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Has {
    Yes,
    No,
    /// No, unless a PHP that is newer than the table has given it to a class of its own.
    NotInTable,
    /// Something of its ancestry is not known.
    Unknown,
}

/// What one ancestor is.
#[derive(Clone, Copy)]
pub(super) enum Ancestor<'f> {
    Tree(&'f Class),
    Php(&'static PhpClass),
}

/// A class, and everything that it is made of.
pub(super) struct Ancestry<'f> {
    /// The class first, then its traits, parents and interfaces, each after whatever names it.
    pub(super) all: Vec<Ancestor<'f>>,
    /// Whether each of them is known.
    pub(super) is_whole: bool,
}

impl<'f> Ancestry<'f> {
    pub(super) fn of(index: &Index<'f>, at: ClassAt) -> Self {
        let class = index.class_at(at);
        let mut ancestry = Self {
            all: vec![Ancestor::Tree(class)],
            is_whole: true,
        };
        let mut seen = HashSet::default();
        let mut left = made_of(class);
        while let Some(name) = left.pop() {
            if !seen.insert(name.to_ascii_lowercase()) {
                continue;
            }
            match index.class(name) {
                Known::Tree(_, class) if seen.len() < ANCESTORS_MAX => {
                    ancestry.all.push(Ancestor::Tree(class));
                    left.extend(made_of(class));
                }
                Known::Php(class) if class.is_known_whole() => ancestry.all.push(Ancestor::Php(class)),
                Known::Tree(..) | Known::Php(_) | Known::Somehow | Known::Nowhere => {
                    ancestry.is_whole = false;
                }
            }
        }
        ancestry
    }

    pub(super) fn has_method(&self, name: &str, php: Option<PhpVersion>) -> Has {
        self.has(php, |ancestor| match ancestor {
            Ancestor::Tree(class) => has_method(class, name),
            Ancestor::Php(class) => class
                .methods()
                .any(|method| method.name.eq_ignore_ascii_case(name)),
        })
    }

    pub(super) fn has_constant(&self, name: &str, php: Option<PhpVersion>) -> Has {
        self.has(php, |ancestor| match ancestor {
            Ancestor::Tree(class) => class.constants.iter().any(|constant| constant == name),
            Ancestor::Php(class) => class.has_constant(name),
        })
    }

    fn has(&self, php: Option<PhpVersion>, has: impl Fn(&Ancestor<'f>) -> bool) -> Has {
        if self.all.iter().any(has) {
            return Has::Yes;
        }
        let is_table_enough = |ancestor: &Ancestor<'_>| match ancestor {
            Ancestor::Tree(_) => true,
            Ancestor::Php(class) => is_settled(class) || php.is_some_and(|php| php <= TABLE_PHP),
        };
        match (self.is_whole, self.all.iter().all(is_table_enough)) {
            (true, true) => Has::No,
            (true, false) => Has::NotInTable,
            (false, _) => Has::Unknown,
        }
    }
}

/// Whether later versions of PHP will have added nothing to it: exceptions and interfaces.
fn is_settled(class: &PhpClass) -> bool {
    class.is_interface() || class.interfaces.split(',').any(|name| name == "Throwable")
}

fn has_method(class: &Class, name: &str) -> bool {
    let is = |other: &str| other.eq_ignore_ascii_case(name);
    let answers_any =
        |other: &str| other.eq_ignore_ascii_case("__call") || other.eq_ignore_ascii_case("__callStatic");
    class
        .methods
        .iter()
        .any(|method| is(&method.name) || answers_any(&method.name))
        || class.trait_methods_renamed.iter().any(|other| is(other))
        || (class.kind == ClassKind::Enum && OF_ENUMS.iter().any(|other| is(other)))
}

fn made_of(class: &Class) -> Vec<&str> {
    let from = class.interfaces.iter().chain(&class.parent).chain(&class.traits);
    from.map(String::as_str).collect()
}

/// The class that is asked in a file, if it is one of the tree that is known whole enough to look into.
pub(super) fn class_of(index: &Index<'_>, file: usize, of: &Of) -> Option<ClassAt> {
    let named = |name: &str| match index.class(name) {
        Known::Tree(at, _) => Some(at),
        Known::Php(_) | Known::Somehow | Known::Nowhere => None,
    };
    match of {
        Of::Named(name) | Of::Kin(name) => named(name),
        Of::Own(class) | Of::Descendant(class) => own(index, ClassAt { file, class: *class }),
        Of::Parent(class) => {
            let own = own(index, ClassAt { file, class: *class })?;
            named(index.class_at(own).parent.as_deref()?)
        }
    }
}

/// A class as itself; of a trait nothing is known but what it is used in.
pub(super) fn own(index: &Index<'_>, at: ClassAt) -> Option<ClassAt> {
    let class = index.facts.get(at.file)?.symbols.classes.get(at.class)?;
    (class.kind != ClassKind::Trait).then_some(at)
}

/// Whether any class made from this one, at any distance, passes.
pub(super) fn any_descendant(index: &Index<'_>, name: &str, is_it: impl Fn(&Class) -> bool) -> bool {
    let mut seen = HashSet::default();
    let mut left = vec![name.to_owned()];
    while let Some(name) = left.pop() {
        if name.is_empty() || !seen.insert(name.to_ascii_lowercase()) {
            continue;
        }
        for at in index.children(&name) {
            let class = index.class_at(*at);
            // A trait that it uses may bring anything.
            if is_it(class) || !class.traits.is_empty() || seen.len() > ANCESTORS_MAX {
                return true;
            }
            left.push(class.name.clone());
        }
    }
    false
}

/// The method of that name, as the class itself writes it.
pub(super) fn written<'f>(class: &'f Class, name: &str) -> Option<&'f Method> {
    class
        .methods
        .iter()
        .find(|method| method.name.eq_ignore_ascii_case(name))
}
