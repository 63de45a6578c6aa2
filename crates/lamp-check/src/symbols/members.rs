//! Methods and class constants that a class does not have, though all that it is made of is known.

use lamp_model::finding::Severity;

use super::facts::{Class, ClassKind, Of, Use, Used};
use super::hierarchy::{Ancestor, Ancestry, Has, any_descendant, class_of, own};
use super::index::{ClassAt, Index};
use super::near::Candidates;
use super::{Told, UNDEFINED_CONSTANT, UNDEFINED_METHOD};
use crate::hashed::HashMap;
use crate::setting::Setting;

/// What is asked of a class.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Member {
    Method,
    Constant,
}

/// Which class is asked: the one that is named, or one made from it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Itself,
    /// The code that asks is its own: whoever makes a class from it brings what that lacks.
    OrDescendant,
    /// As a parameter says: whoever hands it over may know more of it.
    AnyKin,
}

/// A member that is used.
struct Asked<'f> {
    file: usize,
    used: &'f Use,
    class: ClassAt,
    member: Member,
    name: &'f str,
    which: Which,
}

pub(super) fn told(index: &Index<'_>, setting: &Setting) -> Vec<Told> {
    let mut ancestries: HashMap<ClassAt, Ancestry<'_>> = HashMap::default();
    let mut told = Vec::new();
    for asked in index.uses().filter_map(|(file, used)| asked(index, file, used)) {
        if asked.member.is_of(index.class_at(asked.class), asked.name) {
            continue;
        }
        let ancestry = ancestries
            .entry(asked.class)
            .or_insert_with(|| Ancestry::of(index, asked.class));
        let has = match asked.member {
            Member::Method => ancestry.has_method(asked.name, setting.php),
            Member::Constant => ancestry.has_constant(asked.name, setting.php),
        };
        let sure = match has {
            Has::No => asked.sure(index),
            Has::NotInTable => asked.sure(index).min(Sure::ButForSlips),
            Has::Yes | Has::Unknown => Sure::No,
        };
        if sure > Sure::No {
            told.extend(asked.told(index, ancestry, sure));
        }
    }
    told
}

fn asked<'f>(index: &Index<'f>, file: usize, used: &'f Use) -> Option<Asked<'f>> {
    let ((class, which), member, name) = match &used.what {
        Used::OwnMethod { class, name } => {
            let class = own(index, ClassAt { file, class: *class })?;
            ((class, Which::OrDescendant), Member::Method, name)
        }
        Used::Method { of, name } => (named(index, file, of)?, Member::Method, name),
        Used::ClassConstant { of, name } => (named(index, file, of)?, Member::Constant, name),
        Used::Class(_) | Used::Function(_) | Used::Constant(_) => return None,
    };
    Some(Asked {
        file,
        used,
        class,
        member,
        name,
        which,
    })
}

/// The class that is asked, and how far it is told which.
fn named(index: &Index<'_>, file: usize, of: &Of) -> Option<(ClassAt, Which)> {
    let which = match of {
        Of::Named(_) | Of::Own(_) | Of::Parent(_) => Which::Itself,
        Of::Descendant(_) => Which::OrDescendant,
        Of::Kin(_) => Which::AnyKin,
    };
    Some((class_of(index, file, of)?, which))
}

impl Member {
    fn is_of(self, class: &Class, name: &str) -> bool {
        match self {
            Self::Method => class
                .methods
                .iter()
                .any(|method| method.name.eq_ignore_ascii_case(name)),
            Self::Constant => class.constants.iter().any(|constant| constant == name),
        }
    }

    fn names<'f>(self, ancestor: &Ancestor<'f>) -> Vec<&'f str> {
        match (ancestor, self) {
            (Ancestor::Tree(class), Self::Method) => {
                class.methods.iter().map(|method| method.name.as_str()).collect()
            }
            (Ancestor::Tree(class), Self::Constant) => class.constants.iter().map(String::as_str).collect(),
            (Ancestor::Php(class), Self::Method) => class.methods().map(|method| method.name).collect(),
            (Ancestor::Php(_), Self::Constant) => Vec::new(),
        }
    }
}

/// How sure it is that nothing brings a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sure {
    No,
    /// What is not in the tree may, but hardly under a name that is a slip of the keys away from one that is.
    ButForSlips,
    Yes,
}

impl Asked<'_> {
    /// Whether no class made from this one has it, here or in whatever is put into the tree.
    fn sure(&self, index: &Index<'_>) -> Sure {
        let class = index.class_at(self.class);
        if self.which == Which::Itself {
            return Sure::Yes;
        }
        let has = |class: &Class| self.member.is_of(class, self.name);
        match (any_descendant(index, &class.name, has), class.kind) {
            (true, _) => Sure::No,
            (false, ClassKind::Abstract) => Sure::ButForSlips,
            (false, _) if self.which == Which::AnyKin => Sure::ButForSlips,
            (false, ClassKind::Class | ClassKind::Interface | ClassKind::Trait | ClassKind::Enum) => {
                Sure::Yes
            }
        }
    }

    fn told(&self, index: &Index<'_>, ancestry: &Ancestry<'_>, sure: Sure) -> Option<Told> {
        let class = index.class_at(self.class).shown();
        let name = self.name;
        let (rule, message, target) = match self.member {
            Member::Method => (
                UNDEFINED_METHOD,
                format!("{class} has no method {name}()"),
                format!("{class}::{name}()"),
            ),
            Member::Constant => (
                UNDEFINED_CONSTANT,
                format!("{class} has no constant {name}"),
                format!("{class}::{name}"),
            ),
        };
        let names = ancestry
            .all
            .iter()
            .flat_map(|ancestor| self.member.names(ancestor));
        let near = Candidates::new(names).nearest(name).map(str::to_owned);
        let severity = match (&near, sure) {
            (Some(_), Sure::Yes) => Severity::Error,
            // As for functions: applications carry calls that nobody comes by any more.
            (None, Sure::Yes) | (Some(_), Sure::ButForSlips) => Severity::Warning,
            (None, Sure::ButForSlips) | (_, Sure::No) => return None,
        };
        Some(Told {
            file: self.file,
            at: self.used.at,
            rule,
            severity,
            message,
            target,
            suggestion: near,
        })
    }
}
