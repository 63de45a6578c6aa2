//! What is known of real applications and cannot be read off their code. One row per fact.

/// A constant that the application sets to the directory of one of its files, always, however it is written.
pub(crate) struct RootConstant {
    pub(crate) name: &'static str,
    /// The file whose directory it is, with a slash at its end.
    pub(crate) beside: &'static str,
}

pub(crate) const ROOT_CONSTANTS: &[RootConstant] = &[RootConstant {
    name: "ABSPATH",
    beside: "wp-load.php",
}];

/// A file that each installation writes for itself, so that a release does not have it.
pub(crate) struct OwnFile {
    pub(crate) name: &'static str,
    /// The file beside it that stands for it: it includes what the other one does.
    pub(crate) sample: &'static str,
}

pub(crate) const OWN_FILES: &[OwnFile] = &[OwnFile {
    name: "wp-config.php",
    sample: "wp-config-sample.php",
}];

/// Endings of file names that PHP is written in, beside `.php`; such a file counts if `<?php` stands in it.
pub(crate) const OTHER_ENDINGS: &[&str] = &[
    ".inc", ".install", ".module", ".php5", ".php7", ".php8", ".phtml", ".profile", ".theme",
];

/// Endings of files that are no PHP yet, whatever the last part says: templates that are compiled first.
pub(crate) const TEMPLATE_ENDINGS: &[&str] = &[".blade.php", ".stub.php"];

/// Directories of tests: what stands there is not part of what visitors reach.
pub(crate) const TEST_DIRECTORIES: &[&str] = &["phpunit", "spec", "test", "tests", "Test", "Tests"];

/// Directories whose files are only ever included.
pub(crate) const LIBRARY_DIRECTORIES: &[&str] = &["node_modules", "vendor"];
