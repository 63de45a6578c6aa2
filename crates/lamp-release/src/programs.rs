//! The one program that a source is read with, and the package that brings it.

/// One program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Program {
    /// As it is called, found by the usual path.
    pub(crate) name: &'static str,
    /// The package to install for it.
    pub(crate) package: &'static str,
}

/// Reads objects out of packs, and speaks to repositories elsewhere.
pub(crate) const GIT: Program = Program {
    name: "git",
    package: "git",
};
