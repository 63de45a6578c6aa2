//! Every external program that a lab runs, and the package that brings it. A test of the project holds
//! this table against the package lists.

use std::path::Path;

use crate::error::LabError;
use crate::plan::Sapi;

/// One program, or a file without which a program of ours is useless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Program {
    /// What it is called here.
    pub name: &'static str,
    /// Where Debian has it.
    pub path: &'static str,
    /// The package to install for it; a dependency of that package may hold the file.
    pub package: &'static str,
}

/// Debian 12's PHP.
pub const PHP_VERSION: &str = "8.2";

/// The web server.
pub const APACHE: Program = program("apache2", "/usr/sbin/apache2", "apache2");
/// PHP inside Apache.
pub const MOD_PHP: Program = program(
    "libphp8.2.so",
    "/usr/lib/apache2/modules/libphp8.2.so",
    "libapache2-mod-php",
);
/// PHP beside Apache.
pub const PHP_FPM: Program = program("php-fpm8.2", "/usr/sbin/php-fpm8.2", "php-fpm");
/// The database.
pub const MARIADBD: Program = program("mariadbd", "/usr/sbin/mariadbd", "mariadb-server");
/// Makes an empty datadir.
pub const INSTALL_DB: Program = program(
    "mariadb-install-db",
    "/usr/bin/mariadb-install-db",
    "mariadb-server",
);
/// Speaks to the database.
pub const MARIADB: Program = program("mariadb", "/usr/bin/mariadb", "mariadb-server");
/// Reads a configuration's environment before it starts a server.
pub const SH: Program = program("sh", "/bin/sh", "dash");
/// Makes directories with owner and mode.
pub const INSTALL: Program = program("install", "/usr/bin/install", "coreutils");
/// Empties a directory.
pub const FIND: Program = program("find", "/usr/bin/find", "findutils");
/// Lets the load generator go first.
pub const CHRT: Program = program("chrt", "/usr/bin/chrt", "util-linux");

/// All of them.
pub const ALL: [Program; 10] = [
    APACHE, MOD_PHP, PHP_FPM, MARIADBD, INSTALL_DB, MARIADB, SH, INSTALL, FIND, CHRT,
];

const fn program(name: &'static str, path: &'static str, package: &'static str) -> Program {
    Program { name, path, package }
}

/// What a lab with this PHP, and a database or none, needs.
pub fn needed(sapi: Sapi, database: bool) -> Vec<Program> {
    let php = match sapi {
        Sapi::ModPhp => MOD_PHP,
        Sapi::Fpm => PHP_FPM,
    };
    let mut needed = vec![APACHE, php, SH, INSTALL, FIND, CHRT];
    if database {
        needed.extend([MARIADBD, INSTALL_DB, MARIADB]);
    }
    needed
}

/// Refuses if any of `needed` is not below `root`, naming each.
pub fn check(needed: &[Program], root: &Path) -> Result<(), LabError> {
    let absent = |program: &&Program| !root.join(program.path.trim_start_matches('/')).exists();
    let list: Vec<_> = needed.iter().filter(absent).map(Program::lacking).collect();
    if list.is_empty() {
        Ok(())
    } else {
        Err(LabError::Missing { list })
    }
}

impl Program {
    fn lacking(&self) -> String {
        format!("{} (package {})", self.path, self.package)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_its_package_and_the_mend() {
        let nowhere = tempfile::tempdir().expect("a directory");
        let error = check(&[PHP_FPM, MARIADB], nowhere.path()).expect_err("an empty root has no program");
        assert_eq!(
            error.to_string(),
            "a lab needs /usr/sbin/php-fpm8.2 (package php-fpm), /usr/bin/mariadb (package mariadb-server); \
             type: make packages"
        );
    }

    #[test]
    fn all_programs_are_where_the_table_says() {
        check(&ALL, Path::new("/")).expect("make packages");
    }
}
