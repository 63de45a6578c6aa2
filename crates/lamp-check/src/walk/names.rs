//! Names as PHP resolves them: by the namespace and the `use` statements above them.

use mago_syntax::ast::{Identifier, Namespace, Use, UseItem, UseItems, UseType};

use crate::hashed::HashMap;
use crate::symbols::facts::Resolved;

/// What names mean at a place of the file.
#[derive(Debug, Default)]
pub(super) struct Names {
    namespace: String,
    /// How many namespaces the file has begun.
    pub(super) count: u32,
    classes: HashMap<Vec<u8>, String>,
    functions: HashMap<Vec<u8>, String>,
    constants: HashMap<Vec<u8>, String>,
}

/// What kind of name a `use` brings.
#[derive(Clone, Copy)]
enum Brings {
    Class,
    Function,
    Constant,
}

impl Names {
    pub(super) fn enter(&mut self, namespace: &Namespace<'_>) {
        let name = namespace.name.as_ref().map(Identifier::value);
        *self = Self {
            namespace: text(name.unwrap_or_default()),
            count: self.count + 1,
            ..Self::default()
        };
    }

    pub(super) fn uses(&mut self, statement: &Use<'_>) {
        match &statement.items {
            UseItems::Sequence(list) => list
                .items
                .iter()
                .for_each(|item| self.brings(b"", item, Brings::Class)),
            UseItems::TypedSequence(list) => {
                let brings = kind(Some(&list.r#type));
                list.items.iter().for_each(|item| self.brings(b"", item, brings));
            }
            UseItems::TypedList(list) => {
                let (under, brings) = (list.namespace.value(), kind(Some(&list.r#type)));
                list.items
                    .iter()
                    .for_each(|item| self.brings(under, item, brings));
            }
            UseItems::MixedList(list) => {
                let under = list.namespace.value();
                let each = list.items.iter();
                each.for_each(|item| self.brings(under, &item.item, kind(item.r#type.as_ref())));
            }
        }
    }

    fn brings(&mut self, under: &[u8], item: &UseItem<'_>, brings: Brings) {
        let name = match under {
            [] => text(item.name.value()),
            under => format!("{}\\{}", text(under), text(item.name.value())),
        };
        let alias = match &item.alias {
            Some(alias) => alias.identifier.value,
            None => last(item.name.value()),
        };
        match brings {
            Brings::Class => self.classes.insert(alias.to_ascii_lowercase(), name),
            Brings::Function => self.functions.insert(alias.to_ascii_lowercase(), name),
            Brings::Constant => self.constants.insert(alias.to_vec(), name),
        };
    }

    /// A class's whole name.
    pub(super) fn class(&self, written: &[u8]) -> String {
        if written.first() == Some(&b'\\') {
            return text(written);
        }
        let (first, rest) = match written.iter().position(|byte| *byte == b'\\') {
            Some(at) => (&written[..at], &written[at..]),
            None => (written, &written[written.len()..]),
        };
        if first.eq_ignore_ascii_case(b"namespace") && !rest.is_empty() {
            return self.here(text(rest));
        }
        match self.classes.get(&first.to_ascii_lowercase()) {
            Some(name) => format!("{name}{}", String::from_utf8_lossy(rest)),
            None => self.here(text(written)),
        }
    }

    pub(super) fn function(&self, written: &[u8]) -> Resolved {
        // Hardly a file says `use function`: then no name is copied to be looked up.
        let used = match self.functions.is_empty() {
            true => None,
            false => self.functions.get(&written.to_ascii_lowercase()),
        };
        self.unqualified(written, used)
    }

    pub(super) fn constant(&self, written: &[u8]) -> Resolved {
        self.unqualified(written, self.constants.get(written))
    }

    fn unqualified(&self, written: &[u8], used: Option<&String>) -> Resolved {
        let is_qualified = written.contains(&b'\\');
        Resolved {
            name: match used {
                Some(name) => name.clone(),
                None if is_qualified => self.class(written),
                None => self.here(text(written)),
            },
            or_global: !is_qualified && used.is_none() && !self.namespace.is_empty(),
        }
    }

    /// The whole name of what is declared here.
    pub(super) fn here(&self, name: String) -> String {
        match self.namespace.as_str() {
            "" => name,
            namespace => format!("{namespace}\\{name}"),
        }
    }
}

fn kind(r#type: Option<&UseType<'_>>) -> Brings {
    match r#type {
        None => Brings::Class,
        Some(UseType::Function(_)) => Brings::Function,
        Some(UseType::Const(_)) => Brings::Constant,
    }
}

/// A name without its namespace. (The parser's own answer to this keeps all but the first part.)
pub(super) fn last(name: &[u8]) -> &[u8] {
    memchr::memrchr(b'\\', name).map_or(name, |at| &name[at + 1..])
}

/// Bytes as text, without a backslash at their beginning or end.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_matches('\\').to_owned()
}
