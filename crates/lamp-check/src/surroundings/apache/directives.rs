//! Every directive of Apache 2.4: its module and where it may stand.

use std::sync::LazyLock;

use strsim::osa_distance;

use crate::hashed::HashMap;

const TABLE: &str = include_str!("directives.txt");

/// Names that begin so are of modules that Apache does not bring, or of other servers that read `.htaccess`.
const OF_OTHERS: [&str; 24] = [
    "AuthOpenIDC",
    "AuthMellon",
    "AuthCAS",
    "AuthShib",
    "BW",
    "CacheEngine",
    "CacheLookup",
    "CachePublic",
    "Cas",
    "DOS",
    "Fcgid",
    "FPM",
    "GeoIP",
    "Krb",
    "LS",
    "MaxMind",
    "Mellon",
    "ModPagespeed",
    "OIDC",
    "Passenger",
    "Perl",
    "Sec",
    "Shib",
    "WSGI",
];
/// Whole names of the same.
const NAMES_OF_OTHERS: [&str; 16] = [
    "AddSuphpHandler",
    "BandWidth",
    "CacheKeyModify",
    "CBRequireMatch",
    "LiteSpeed",
    "MITLS",
    "Pagespeed",
    "PyHandler",
    "PythonHandler",
    "RAllowMethods",
    "RMode",
    "RUidGid",
    "suPHP_ConfigPath",
    "suPHP_Engine",
    "XSendFile",
    "XSendFilePath",
];
/// Most letters that a misspelt name is off; a third of it at most.
const SLIP_MAX: usize = 2;

/// What is known of a directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) name: &'static str,
    /// As in `LoadModule`: `rewrite_module`.
    pub(super) module: &'static str,
    /// As in `<IfModule>`: `mod_rewrite.c`.
    pub(super) file: &'static str,
    pub(super) place: Place,
}

/// Where a directive may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In a `.htaccess`, if AllowOverride has this class.
    Class(&'static str),
    /// In a `.htaccess`, whatever class is allowed.
    Any,
    /// In the server's own configuration only.
    Server,
    /// Known to another version or system.
    Unsure,
}

static KNOWN: LazyLock<HashMap<String, Known>> = LazyLock::new(|| {
    let rows = TABLE.lines().filter(|line| !line.starts_with('#'));
    let known = rows.filter_map(row).flatten();
    known
        .map(|known| (known.name.to_ascii_lowercase(), known))
        .collect()
});

/// The names that `LoadModule` has, by themselves and by the names of their files.
static MODULES: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let known = KNOWN.values();
    known
        .flat_map(|known| [(known.module, known.module), (known.file, known.module)])
        .collect()
});

fn row(line: &'static str) -> Option<impl Iterator<Item = Known>> {
    let (head, names) = line.split_once(':')?;
    let mut head = head.split(' ');
    let (module, file, place) = (head.next()?, head.next()?, place(head.next()?));
    let known = move |name| Known {
        name,
        module,
        file,
        place,
    };
    Some(names.split_whitespace().map(known))
}

fn place(word: &'static str) -> Place {
    match word {
        "Any" => Place::Any,
        "Server" => Place::Server,
        "Unsure" => Place::Unsure,
        class => Place::Class(class),
    }
}

/// What is known of a directive, or of a section as `<Files`, whatever its case.
pub(super) fn known(name: &str) -> Option<Known> {
    KNOWN.get(&name.to_ascii_lowercase()).copied()
}

/// Whether a module or server that is not of Apache is known to have it.
pub(super) fn is_of_others(name: &str) -> bool {
    let begins = |prefix: &&str| {
        name.get(..prefix.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
    };
    OF_OTHERS.iter().any(begins)
        || NAMES_OF_OTHERS
            .iter()
            .any(|other| name.eq_ignore_ascii_case(other))
}

/// The directive that a misspelt name may have meant: one that may stand in a `.htaccess`.
pub(super) fn meant(name: &str) -> Option<&'static str> {
    nearest(name, |known| known.place != Place::Server)
}

/// The same, of those that may stand in the server's own configuration: all of them.
pub(super) fn meant_of_server(name: &str) -> Option<&'static str> {
    nearest(name, |_| true)
}

fn nearest(name: &str, is_one: impl Fn(&Known) -> bool) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let most = SLIP_MAX.min(lower.len() / 3);
    let near = KNOWN
        .iter()
        .filter(|(_, known)| is_one(known) && !known.name.starts_with('<'));
    let near = near.filter(|(other, _)| other.len().abs_diff(lower.len()) <= most);
    let scored = near.map(|(other, known)| (osa_distance(other, &lower), known.name));
    scored
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, name)| name)
}

/// The module that `<IfModule>` names, by the name that `LoadModule` has for it, if it is Apache's or PHP's.
pub(super) fn module(named: &str) -> Option<&'static str> {
    if named == "mod_php.c"
        || named
            .strip_prefix("mod_php")
            .is_some_and(|rest| matches!(rest, "5.c" | "7.c" | "8.c"))
    {
        return Some("php_module");
    }
    MODULES.get(named).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert!(KNOWN.len() > 780, "{}", KNOWN.len());
        assert_eq!(
            known("rewriteRULE").map(|known| (known.module, known.place)),
            Some(("rewrite_module", Place::Class("FileInfo")))
        );
        assert_eq!(known("<Directory").map(|known| known.place), Some(Place::Server));
        assert_eq!(
            known("php_admin_value").map(|known| known.place),
            Some(Place::Server)
        );
        // Apache's manual says .htaccess; Apache says "not allowed here".
        assert_eq!(
            known("CacheDisable").map(|known| known.place),
            Some(Place::Server)
        );
    }

    #[test]
    fn a_slip_is_told_from_what_others_have() {
        assert_eq!(meant("RewriteEngin"), Some("RewriteEngine"));
        assert_eq!(meant("Redirekt"), Some("Redirect"));
        assert_eq!(meant("Foo"), None);
        assert!(is_of_others("SecRuleEngine") && is_of_others("modpagespeed"));
        assert!(!is_of_others("RewriteEngin"));
        assert_eq!(module("mod_headers.c"), Some("headers_module"));
        assert_eq!(module("mod_php7.c"), Some("php_module"));
        assert_eq!(module("LiteSpeed"), None);
    }
}
