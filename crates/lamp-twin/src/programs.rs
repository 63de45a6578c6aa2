//! The programs of the host that a twin's database is copied with, and the package that brings each. What production itself runs
//! (Apache, PHP, MariaDB) a twin finds where production has it.

/// One program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Program {
    /// As it is called, found by the usual path.
    pub(crate) name: &'static str,
    /// The package to install for it.
    pub(crate) package: &'static str,
}

/// Copies a live database.
pub(crate) const MARIABACKUP: Program = Program {
    name: "mariabackup",
    package: "mariadb-backup",
};
/// Unpacks what it sends.
pub(crate) const MBSTREAM: Program = Program {
    name: "mbstream",
    package: "mariadb-backup",
};
