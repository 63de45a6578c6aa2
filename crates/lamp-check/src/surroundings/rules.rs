//! The rules of this family. The severity is the worst that a finding of it has.

use lamp_model::finding::Severity;

use crate::rule::{Rule, page};

pub(crate) const RULES: &[Rule] = &[
    Rule {
        name: "htaccess-section",
        severity: Severity::Error,
        says: "a section of a .htaccess that is not begun, not ended, or crossed",
        page: page!("htaccess-section"),
    },
    Rule {
        name: "htaccess-unknown-directive",
        severity: Severity::Error,
        says: "a directive in a .htaccess that no module of Apache has",
        page: page!("htaccess-unknown-directive"),
    },
    Rule {
        name: "htaccess-not-allowed",
        severity: Severity::Error,
        says: "a directive that may not stand in a .htaccess",
        page: page!("htaccess-not-allowed"),
    },
    Rule {
        name: "htaccess-module-not-loaded",
        severity: Severity::Error,
        says: "a directive of a module that this Apache has not loaded",
        page: page!("htaccess-module-not-loaded"),
    },
    Rule {
        name: "htaccess-rewrite",
        severity: Severity::Error,
        says: "a rule of mod_rewrite that Apache refuses",
        page: page!("htaccess-rewrite"),
    },
    Rule {
        name: "htaccess-arguments",
        severity: Severity::Error,
        says: "a directive whose arguments Apache refuses",
        page: page!("htaccess-arguments"),
    },
    Rule {
        name: "htaccess-proxy",
        severity: Severity::Error,
        says: "a .htaccess that hands requests to a port or a socket",
        page: page!("htaccess-proxy"),
    },
    Rule {
        name: "hidden-errors",
        severity: Severity::Error,
        says: "a setting that hides the errors of PHP or requests from the log",
        page: page!("hidden-errors"),
    },
    Rule {
        name: "prepend-not-found",
        severity: Severity::Error,
        says: "a file that PHP is to run before or after each request, and that is not there",
        page: page!("prepend-not-found"),
    },
    Rule {
        name: "ini-syntax",
        severity: Severity::Warning,
        says: "a .user.ini that PHP cannot read to its end",
        page: page!("ini-syntax"),
    },
    Rule {
        name: "apache-snippet",
        severity: Severity::Warning,
        says: "a piece of Apache's own configuration with which Apache does not start",
        page: page!("apache-snippet"),
    },
    Rule {
        name: "ini-value",
        severity: Severity::Error,
        says: "a setting of PHP that PHP reads as something else, or not at all",
        page: page!("ini-value"),
    },
    Rule {
        name: "not-first",
        severity: Severity::Error,
        says: "a namespace or strict types that something stands before",
        page: page!("not-first"),
    },
    Rule {
        name: "output-before-php",
        severity: Severity::Warning,
        says: "a byte order mark or white space before <?php",
        page: page!("output-before-php"),
    },
    Rule {
        name: "conflict-marker",
        severity: Severity::Error,
        says: "a merge that was not finished",
        page: page!("conflict-marker"),
    },
    Rule {
        name: "debug-leftover",
        severity: Severity::Warning,
        says: "a call that was left from looking for a mistake",
        page: page!("debug-leftover"),
    },
    Rule {
        name: "secret",
        severity: Severity::Warning,
        says: "a private key or a token that stands in the tree",
        page: page!("secret"),
    },
    Rule {
        name: "env-file",
        severity: Severity::Warning,
        says: "a .env with values of secrets",
        page: page!("env-file"),
    },
    Rule {
        name: "database-dump",
        severity: Severity::Warning,
        says: "a dump of a database in the tree",
        page: page!("database-dump"),
    },
    Rule {
        name: "backup-file",
        severity: Severity::Warning,
        says: "a copy of a PHP file that is served as text",
        page: page!("backup-file"),
    },
    Rule {
        name: "history-in-the-tree",
        severity: Severity::Warning,
        says: "a repository inside the tree",
        page: page!("history-in-the-tree"),
    },
    Rule {
        name: "composer-json",
        severity: Severity::Warning,
        says: "a file of composer's that is no JSON",
        page: page!("composer-json"),
    },
    Rule {
        name: "composer-lock-stale",
        severity: Severity::Warning,
        says: "a composer.lock that is older than its composer.json",
        page: page!("composer-lock-stale"),
    },
    Rule {
        name: "composer-package-missing",
        severity: Severity::Warning,
        says: "a package that is locked and not in vendor",
        page: page!("composer-package-missing"),
    },
    Rule {
        name: "composer-platform",
        severity: Severity::Error,
        says: "a PHP or an extension that composer.json asks for and the site has not",
        page: page!("composer-platform"),
    },
    Rule {
        name: "template-not-found",
        severity: Severity::Warning,
        says: "a template that is named and not there",
        page: page!("template-not-found"),
    },
    Rule {
        name: "asset-not-found",
        severity: Severity::Warning,
        says: "a picture, style or script that is named and not there",
        page: page!("asset-not-found"),
    },
    Rule {
        name: "block-file-not-found",
        severity: Severity::Warning,
        says: "a file that a block.json names and that is not there",
        page: page!("block-file-not-found"),
    },
];
