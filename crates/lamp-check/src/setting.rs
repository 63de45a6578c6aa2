//! What is known of the host that is to run a tree. All of it is optional, and what is not known is never
//! guessed: no finding rests on it.

mod apache;

use std::collections::BTreeSet;
use std::fmt;

pub use apache::{AllowOverride, ApacheSetting, Modules};

/// Most extensions that a host can be said to load.
const EXTENSIONS_MAX: usize = 500;
/// Longest name of an extension, in bytes.
const EXTENSION_MAX_BYTES: usize = 64;

/// What is known of the host beside the tree; the default is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Setting {
    /// The PHP that runs the tree.
    pub php: Option<PhpVersion>,
    /// What that PHP loads.
    pub extensions: Option<Extensions>,
    /// The Apache that serves the tree.
    pub apache: ApacheSetting,
}

/// A version of PHP as far as its language goes: `8.2` of `8.2.36`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhpVersion {
    major: u8,
    minor: u8,
}

impl PhpVersion {
    /// The version `major.minor`.
    pub const fn new(major: u8, minor: u8) -> Self {
        Self { major, minor }
    }

    /// Its first part.
    pub(crate) const fn major(self) -> u8 {
        self.major
    }

    /// Its second part.
    pub(crate) const fn minor(self) -> u8 {
        self.minor
    }

    /// Reads `8.2` or `8.2.36`, with whatever a distribution writes behind it.
    pub fn parse(text: &str) -> Result<Self, SettingError> {
        let no_version = || SettingError::PhpVersion(text.to_owned());
        let mut parts = text.trim().splitn(3, '.');
        let mut part = || parts.next().and_then(|part| part.parse().ok());
        let (Some(major), Some(minor)) = (part(), part()) else {
            return Err(no_version());
        };
        if !(5..=9).contains(&major) {
            return Err(no_version());
        }
        Ok(Self { major, minor })
    }
}

impl fmt::Display for PhpVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The extensions that a PHP loads, by the names that `php -m` tells, whatever their case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extensions(BTreeSet<String>);

impl Extensions {
    /// Reads names between commas or line ends; headings in brackets are left out, so that what `php -m` prints is such a list.
    pub fn parse(list: &str) -> Result<Self, SettingError> {
        let names = list.split([',', '\n']).map(str::trim);
        let names: BTreeSet<String> = names
            .filter(|name| !name.is_empty() && !name.starts_with('['))
            .map(str::to_ascii_lowercase)
            .collect();
        if let Some(name) = names.iter().find(|name| !is_extension(name)) {
            return Err(SettingError::Extension(name.clone()));
        }
        if names.is_empty() || names.len() > EXTENSIONS_MAX {
            return Err(SettingError::Extensions(names.len()));
        }
        Ok(Self(names))
    }

    /// Whether this one, named in lower case, is loaded.
    pub fn has(&self, extension: &str) -> bool {
        self.0.contains(extension)
    }

    /// The names, lower-case, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().collect();
        f.write_str(&names.join(","))
    }
}

fn is_extension(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b' ');
    name.len() <= EXTENSION_MAX_BYTES && name.bytes().all(is_part)
}

/// Why something is no setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// A version of PHP that is none.
    #[error("{0:?} is no version of PHP, as in 8.2")]
    PhpVersion(String),
    /// A name of an extension that cannot be one.
    #[error("{0:?} is no name of an extension, as in mysqli")]
    Extension(String),
    /// None, or more than any PHP loads.
    #[error("{0} extensions, where a PHP loads between 1 and {EXTENSIONS_MAX}")]
    Extensions(usize),
    /// A list without any module of Apache.
    #[error("{0:?} names no module of Apache, as rewrite_module")]
    Modules(String),
    /// A word that AllowOverride does not take.
    #[error("{0:?} is nothing that AllowOverride takes, as FileInfo")]
    AllowOverride(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_version(text: &str, expected: Option<(u8, u8)>) {
        let expected = expected.map(|(major, minor)| PhpVersion::new(major, minor));
        assert_eq!(PhpVersion::parse(text).ok(), expected, "{text}");
    }

    #[test]
    fn a_version_of_php_is_read_as_php_and_people_write_it() {
        check_version("8.2", Some((8, 2)));
        check_version("8.2.36", Some((8, 2)));
        check_version("7.4.33-1+deb11u5\n", Some((7, 4)));
        check_version("8", None);
        check_version("8.x", None);
        check_version("82", None);
        check_version("80.2", None);
        check_version("", None);
        assert!(PhpVersion::new(8, 10) > PhpVersion::new(8, 9));
    }

    #[track_caller]
    fn check_extensions(list: &str, expected: Option<&str>) {
        let read = Extensions::parse(list).ok();
        assert_eq!(read.map(|read| read.to_string()).as_deref(), expected, "{list}");
    }

    #[test]
    fn extensions_are_read_as_php_prints_them() {
        let printed = "[PHP Modules]\nCore\nPDO\nmysqli\n\n[Zend Modules]\nZend OPcache\n\n";
        check_extensions(printed, Some("core,mysqli,pdo,zend opcache"));
        check_extensions("mysqli, Core,mysqli", Some("core,mysqli"));
        check_extensions("", None);
        check_extensions("[PHP Modules]\n", None);
        check_extensions("core\nmysqli;rm", None);
    }
}
