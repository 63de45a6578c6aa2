//! What a Rust file says, as far as the checks ask: the paths it names, its functions, its strings.
//!
//! Paths are read from tokens, not from the syntax tree, because macros hold half of the calls. A
//! path is told in full: `use std::process; process::Command::new` names `std::process::Command::new`.

mod functions;
mod paths;
mod test_lines;

use std::ops::RangeInclusive;

use proc_macro2::TokenStream;

pub(crate) use self::functions::Function;
pub(crate) use self::paths::{Declared, Named};

use self::functions::functions;
use self::paths::{declared, paths, strings};
use self::test_lines::test_lines;
use crate::snapshot::{File, Place};

/// One Rust file, read once for all checks.
#[derive(Debug)]
pub(crate) struct Source {
    /// Relative to the workspace.
    pub(crate) path: String,
    /// The crate that it belongs to.
    pub(crate) krate: String,
    pub(crate) place: Place,
    pub(crate) lines: usize,
    pub(crate) starts_with_story: bool,
    pub(crate) functions: Vec<Function>,
    /// Names of the types and modules that it declares.
    pub(crate) declared: Vec<Declared>,
    paths: Vec<Named>,
    strings: Vec<Named>,
    tests: Vec<RangeInclusive<usize>>,
}

impl Source {
    /// Parses one file; the error is what the compiler would say.
    pub(crate) fn parse(file: &File) -> syn::Result<Self> {
        let syntax = syn::parse_file(&file.text)?;
        let tokens: TokenStream = file.text.parse()?;
        Ok(Source {
            path: file.path.clone(),
            krate: file.crate_name().unwrap_or_default().to_owned(),
            place: file.place(),
            lines: file.text.lines().count(),
            starts_with_story: file.text.starts_with("//!"),
            functions: functions(&syntax),
            declared: declared(tokens.clone()),
            paths: paths(tokens.clone()),
            strings: strings(tokens.clone()),
            tests: test_lines(tokens),
        })
    }

    /// The paths that shipped code names: nothing of tests.
    pub(crate) fn shipped_paths(&self) -> impl Iterator<Item = &Named> {
        self.paths.iter().filter(|named| self.is_shipped(named.line))
    }

    /// The strings that shipped code holds: nothing of tests, no documentation.
    pub(crate) fn shipped_strings(&self) -> impl Iterator<Item = &Named> {
        self.strings.iter().filter(|named| self.is_shipped(named.line))
    }

    /// Whether the line is part of what is shipped.
    pub(crate) fn is_shipped(&self, line: usize) -> bool {
        self.place == Place::Source && !self.tests.iter().any(|range| range.contains(&line))
    }
}
