//! What is known of real applications and cannot be read off their code. One row per fact.

/// A constant that the application sets to the directory of one of its files, always, however it is written.
pub(crate) struct RootConstant {
    pub(crate) name: &'static str,
    /// The file whose directory it is, with a slash at its end.
    pub(crate) beside: &'static str,
}

pub(crate) const ROOT_CONSTANTS: &[RootConstant] = &[
    RootConstant {
        name: "ABSPATH",
        beside: "wp-load.php",
    },
    RootConstant {
        name: "DOKU_INC",
        beside: "doku.php",
    },
];

/// A constant, a variable or a variable of the environment that the application sets to one of its directories, always.
pub(crate) struct RootVariable {
    /// As in `$name`, `$name[key]`; of the environment without `$`.
    pub(crate) name: &'static str,
    /// A file of the application that no other has, from its root.
    pub(crate) known_by: &'static str,
    /// The directory, from the root; without a slash at its end.
    pub(crate) directory: &'static str,
}

pub(crate) const ROOT_VARIABLES: &[RootVariable] = &[
    RootVariable {
        name: "$config[base_path]",
        known_by: "include/cacti_version",
        directory: "",
    },
    RootVariable {
        name: "$config[library_path]",
        known_by: "include/cacti_version",
        directory: "/lib",
    },
    RootVariable {
        name: "$config[include_path]",
        known_by: "include/cacti_version",
        directory: "/include",
    },
    // Of which the others that begin with `JPATH_` are made.
    RootVariable {
        name: "JPATH_ROOT",
        known_by: "administrator/manifests/files/joomla.xml",
        directory: "",
    },
    RootVariable {
        name: "MW_INSTALL_PATH",
        known_by: "includes/WebStart.php",
        directory: "",
    },
];

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

/// Composer's loader, which sets the include path to what the file beside it lists.
pub(crate) const COMPOSER_LOADER: &str = "composer/autoload_real.php";
pub(crate) const COMPOSER_INCLUDE_PATHS: &str = "composer/include_paths.php";

/// Files that an application writes while it runs and then includes, so that a release does not have them.
pub(crate) const MADE_WHILE_RUNNING: &[&str] = &["wp-content/upgrade/version-current.php"];

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

/// Directories of a library with what it brings for those who work on it: no visitor comes by.
pub(crate) const WORKSHOP_DIRECTORIES: &[&str] = &[
    "bench",
    "benchmark",
    "benchmarks",
    "bin",
    "build",
    "demo",
    "demos",
    "doc",
    "docs",
    "example",
    "examples",
    "scripts",
    "tools",
];

/// A function that an application declares to join paths with.
pub(crate) struct PathFunction {
    pub(crate) name: &'static str,
    pub(crate) gives: Gives,
}

/// What a path function makes of its argument.
#[derive(Clone, Copy)]
pub(crate) enum Gives {
    /// The directory that it lies in, with a slash at its end.
    DirectoryWithSlash,
    /// The same with one slash at its end.
    WithSlash,
    /// The same without slashes at its end.
    WithoutSlash,
    /// The same.
    Same,
}

pub(crate) const PATH_FUNCTIONS: &[PathFunction] = &[
    PathFunction {
        name: "plugin_dir_path",
        gives: Gives::DirectoryWithSlash,
    },
    PathFunction {
        name: "trailingslashit",
        gives: Gives::WithSlash,
    },
    PathFunction {
        name: "untrailingslashit",
        gives: Gives::WithoutSlash,
    },
    PathFunction {
        name: "wp_normalize_path",
        gives: Gives::Same,
    },
];

/// A file of settings that lists classes, of each of which a framework makes an object.
pub(crate) struct ClassList {
    pub(crate) path: &'static str,
    pub(crate) framework: &'static str,
    /// A file that the framework's applications have.
    pub(crate) known_by: &'static str,
    /// Whether each of them is made in every request.
    pub(crate) are_all_made: bool,
}

pub(crate) const CLASS_LISTS: &[ClassList] = &[
    ClassList {
        path: "bootstrap/providers.php",
        framework: "Laravel",
        known_by: "artisan",
        are_all_made: true,
    },
    ClassList {
        path: "config/app.php",
        framework: "Laravel",
        known_by: "artisan",
        // Beside providers it lists aliases, which are made when they are used.
        are_all_made: false,
    },
    ClassList {
        path: "config/bundles.php",
        framework: "Symfony",
        known_by: "bin/console",
        // Some are only made where the site is developed.
        are_all_made: false,
    },
];
