//! What people are told when something could not be done: the thing, the cause, the way out.
//!
//! The one place where errors of the other crates become words for people; one file per domain.
//! An answer of "no" (a deployment went back, a release differs) is no [`Trouble`]: its verb prints it
//! and ends with [`crate::cli::Exit::No`].

pub mod agent;
pub mod apache;
pub mod config;
pub mod drill;
pub mod log;
pub mod refusal;
pub mod serve;
pub mod source;

use std::error::Error;
use std::fmt;

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The one who typed: another argument, another file, other rights.
    Mistake,
    /// The machine lacks something, or something on it failed.
    Environment,
    /// Ours: this should not happen.
    Bug,
}

/// Something that could not be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Whose turn it is.
    pub kind: Kind,
    /// What could not be done, to what; reads well after "could not".
    pub thing: String,
    /// Why, the nearest cause first.
    pub causes: Vec<String>,
    /// What to do about it.
    pub way_out: String,
}

impl Trouble {
    /// Trouble with this error and all its sources as the cause.
    pub fn new(
        kind: Kind,
        thing: impl Into<String>,
        cause: &(dyn Error + 'static),
        way_out: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            thing: thing.into(),
            causes: causes(cause),
            way_out: way_out.into(),
        }
    }

    /// Trouble with a cause in words.
    pub fn because(
        kind: Kind,
        thing: impl Into<String>,
        cause: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            thing: thing.into(),
            causes: vec![cause.into()],
            way_out: way_out.into(),
        }
    }
}

/// What is told: in words alone, or at its place in a file.
#[derive(Debug, Clone)]
pub enum Told {
    /// In words.
    Trouble(Trouble),
    /// At its place in lamp.toml.
    Misplaced(Box<config::Misplaced>),
}

impl From<Trouble> for Told {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<config::Misplaced> for Told {
    fn from(misplaced: config::Misplaced) -> Self {
        Self::Misplaced(Box::new(misplaced))
    }
}

impl Told {
    /// The text for a screen that has colours, or has none.
    pub fn text(&self, colours: bool) -> String {
        match self {
            Self::Trouble(trouble) => trouble.to_string(),
            Self::Misplaced(misplaced) => at_its_place(misplaced.as_ref(), colours),
        }
    }
}

fn at_its_place(diagnostic: &dyn miette::Diagnostic, colours: bool) -> String {
    let theme = if colours {
        miette::GraphicalTheme::unicode()
    } else {
        miette::GraphicalTheme::none()
    };
    let mut text = String::new();
    let handler = miette::GraphicalReportHandler::new_themed(theme).with_links(false);
    match handler.render_report(&mut text, diagnostic) {
        Ok(()) => text,
        Err(fmt::Error) => diagnostic.to_string(),
    }
}

/// An error and its sources, each in its own words, repetitions left out.
pub fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if causes.last().is_none_or(|last| !last.contains(&text)) {
            causes.push(text);
        }
        next = error.source();
    }
    causes
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.kind {
            Kind::Mistake | Kind::Environment => "error",
            Kind::Bug => "bug",
        };
        writeln!(f, "{word}: could not {}", self.thing)?;
        for cause in &self.causes {
            writeln!(f, "  because: {cause}")?;
        }
        write!(f, "  way out: {}", self.way_out)
    }
}

/// The kernel gives this process no way to wait for anything.
pub fn no_runtime(error: &std::io::Error) -> Trouble {
    Trouble::new(
        Kind::Environment,
        "start",
        error,
        "look at the limits of this process: `ulimit -a`",
    )
}
