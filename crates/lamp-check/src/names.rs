//! What the names of a whole tree stand for: constants, members of classes, functions, variables of all files. Tests
//! are left out: what they define is not what a site runs with.

use crate::facts::FileFacts;
use crate::hashed::HashMap;
use crate::source::Source;
use crate::value::{FunctionValue, Told, Value};

/// How far up a class is followed through what it extends.
const ANCESTORS_MAX: usize = 64;

/// Something that a file says of a name.
#[derive(Debug)]
pub(crate) struct Said<'f, T> {
    /// The file, as an index of the tree's sources.
    pub(crate) source: usize,
    /// The class that it belongs to; empty if it is not known, or if there is none.
    class: &'f str,
    pub(crate) what: &'f T,
}

// Not derived: what is said need not be copied for that.
impl<T> Clone for Said<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Said<'_, T> {}

type ByName<'f, T> = HashMap<&'f str, Vec<Said<'f, T>>>;

/// What all files say.
#[derive(Debug, Default)]
pub(crate) struct Names<'f> {
    class_constants: ByName<'f, Value>,
    properties: ByName<'f, Value>,
    functions: ByName<'f, FunctionValue>,
    globals: ByName<'f, Value>,
    parents: HashMap<&'f str, Vec<&'f str>>,
}

impl<'f> Names<'f> {
    pub(crate) fn new(sources: &[Source], facts: &'f [FileFacts]) -> Self {
        let mut names = Self::default();
        let parts = facts.iter().enumerate();
        for (source, facts) in parts.filter(|(at, _)| !sources[*at].is_test) {
            names.add(source, &facts.told);
        }
        names
    }

    fn add(&mut self, source: usize, told: &'f Told) {
        for one in &told.class_constants {
            put(
                &mut self.class_constants,
                &one.name,
                source,
                (&one.class, &one.value),
            );
        }
        for one in &told.properties {
            put(&mut self.properties, &one.name, source, (&one.class, &one.value));
        }
        for one in &told.functions {
            put(&mut self.functions, &one.name, source, (&one.class, one));
        }
        for (name, value) in &told.globals {
            put(&mut self.globals, name, source, ("", value));
        }
        for (class, parent) in &told.parents {
            self.parents.entry(class).or_default().push(parent);
        }
    }

    /// The constants of that name in the class, in those that it extends and in those that extend it.
    pub(crate) fn class_constants(&self, class: &str, name: &str) -> Vec<Said<'f, Value>> {
        self.of_family(self.class_constants.get(name), class)
    }

    /// What properties of that name are given, in the family of the class or from outside of it.
    pub(crate) fn properties(&self, class: &str, name: &str) -> Vec<Said<'f, Value>> {
        let all = self.properties.get(name).into_iter().flatten();
        all.filter(|said| said.class.is_empty() || self.is_family(said.class, class))
            .copied()
            .collect()
    }

    /// The functions of that name; of methods, those in the family of the class.
    pub(crate) fn functions(&self, class: &str, name: &str) -> Vec<Said<'f, FunctionValue>> {
        self.of_family(self.functions.get(name), class)
    }

    /// What a variable of all files is given; of an element, also what arrays are given of which only that is known.
    pub(crate) fn globals(&self, name: &str) -> Vec<Said<'f, Value>> {
        let any = name.split_once('[').map(|(array, _)| format!("{array}[]"));
        let any = any.and_then(|any| self.globals.get(any.as_str()));
        let own = self.globals.get(name);
        own.into_iter().chain(any).flatten().copied().collect()
    }

    fn of_family<T>(&self, said: Option<&Vec<Said<'f, T>>>, class: &str) -> Vec<Said<'f, T>> {
        let all = said.into_iter().flatten();
        let related = all.filter(|said| self.is_family(said.class, class));
        related.copied().collect()
    }

    fn is_family(&self, a: &str, b: &str) -> bool {
        a == b || (!a.is_empty() && !b.is_empty() && (self.extends(a, b) || self.extends(b, a)))
    }

    fn extends(&self, class: &str, ancestor: &str) -> bool {
        let mut ahead = vec![class];
        for _ in 0..ANCESTORS_MAX {
            let Some(class) = ahead.pop() else { return false };
            let parents = self.parents.get(class).into_iter().flatten();
            for parent in parents {
                if *parent == ancestor {
                    return true;
                }
                ahead.push(parent);
            }
        }
        false
    }
}

fn put<'f, T>(names: &mut ByName<'f, T>, name: &'f str, source: usize, (class, what): (&'f str, &'f T)) {
    let said = Said { source, class, what };
    names.entry(name).or_default().push(said);
}
