//! What PHP itself brings, and its extensions: tables/php.txt, made by tables/names.php.
//!
//! A name that is not in it may still be brought by an extension that the table does not know.

use std::sync::LazyLock;

use crate::hashed::HashMap;
use crate::setting::PhpVersion;

static TABLE: LazyLock<Php> = LazyLock::new(|| Php::read(include_str!("../../tables/php.txt")));

/// Constants that an extension makes while it runs, so that no list of its names has them.
const MADE_WHILE_RUNNING: [(&str, &str); 1] = [("session", "SID")];
/// Extensions that the table does not have, by what their functions, classes and constants begin with, lower-case.
const OTHER_EXTENSIONS: &[&str] = &[
    "apache_",
    "apc_",
    "apciterator",
    "cairo",
    "com_",
    "couchbase",
    "cubrid_",
    "db2_",
    "ddtrace\\",
    "dio_",
    "eaccelerator",
    "ereg",
    "eventb",
    "excimer",
    "fann_",
    "fastcgi_",
    "fbsql_",
    "fdf_",
    "frankenphp_",
    "gearman",
    "geoip_",
    "gmagick",
    "hw_",
    "ibase_",
    "id3_",
    "ifx_",
    "ingres_",
    "inotify_",
    "judy",
    "kadm5_",
    "libvirt_",
    "litespeed_",
    "lua_",
    "lz4_",
    "lzf_",
    "maxdb_",
    "mb_ereg",
    "memprof_",
    "ming_",
    "mongo",
    "mqseries_",
    "msession_",
    "msql",
    "mssql_",
    "mysql_",
    "mysqlx",
    "ncurses_",
    "newrelic_",
    "newt_",
    "nsapi_",
    "oci_",
    "ocilob",
    "openal_",
    "opencensus_",
    "parsekit_",
    "pdf_",
    "pdo_odbc",
    "pfpro_",
    "pinba_",
    "pthreads",
    "px_",
    "radius_",
    "rar_",
    "rararchive",
    "rnp_",
    "rpm_",
    "runkit",
    "saxon",
    "sapi_windows_",
    "sdo_",
    "seaslog",
    "sphinx",
    "spx_",
    "sqlite_",
    "sqlsrv_",
    "ssdeep_",
    "stats_",
    "stomp",
    "svm",
    "svn_",
    "swoole",
    "sybase_",
    "tcpwrap_",
    "tideways_",
    "trader_",
    "uopz_",
    "uprofiler_",
    "uv_",
    "v8js",
    "variant_",
    "varnish",
    "vips_",
    "vpopmail_",
    "wddx_",
    "wikidiff2_",
    "win32_",
    "wincache_",
    "wkhtmltox",
    "xattr_",
    "xcache_",
    "xdebug_",
    "xdiff_",
    "xhprof_",
    "xlswriter",
    "xmldiff",
    "xslt_",
    "yaf_",
    "yar_",
    "yaz_",
    "yp_",
    "zend_",
    "zmq",
    "zookeeper",
    "zstd_",
];
/// Classes of such extensions whose names are too short to tell by how they begin.
const OTHER_CLASSES: &[&str] = &["com", "dotnet", "event", "ev", "lua", "variant", "yac"];

/// All that is known of PHP.
#[derive(Debug, Default)]
pub(crate) struct Php {
    functions: HashMap<&'static str, Brought>,
    constants: HashMap<&'static str, Brought>,
    /// By lower-case name.
    classes: HashMap<String, PhpClass>,
}

/// Who brings a name, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Brought {
    pub(crate) extension: &'static str,
    pub(crate) since: Option<PhpVersion>,
}

/// A class of PHP's own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PhpClass {
    pub(crate) brought: Brought,
    pub(crate) name: &'static str,
    /// As in the table; `?` if nothing is known but its name.
    kind: &'static str,
    /// All those that it has, from its parents too.
    pub(crate) interfaces: &'static str,
    constants: &'static str,
    methods: &'static str,
}

/// A method of a class of PHP's own, its parents' among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PhpMethod {
    pub(crate) name: &'static str,
    pub(crate) required: usize,
    pub(crate) all: usize,
    flags: &'static str,
}

impl PhpMethod {
    pub(crate) fn is_abstract(&self) -> bool {
        self.flags.contains('a')
    }

    pub(crate) fn is_static(&self) -> bool {
        self.flags.contains('s')
    }
}

impl PhpClass {
    pub(crate) fn methods(&self) -> impl Iterator<Item = PhpMethod> {
        list(self.methods).filter_map(|method| {
            let mut parts = method.split(':');
            Some(PhpMethod {
                name: parts.next()?,
                required: parts.next()?.parse().ok()?,
                all: parts.next()?.parse().ok()?,
                flags: parts.next()?,
            })
        })
    }

    pub(crate) fn has_constant(&self, name: &str) -> bool {
        list(self.constants).any(|constant| constant == name)
    }

    pub(crate) fn is_interface(&self) -> bool {
        self.kind == "i"
    }

    pub(crate) fn is_known_whole(&self) -> bool {
        self.kind != "?"
    }
}

fn list(words: &'static str) -> impl Iterator<Item = &'static str> {
    words.split(',').filter(|word| *word != "-")
}

impl Php {
    /// The table.
    pub(crate) fn table() -> &'static Self {
        &TABLE
    }

    pub(crate) fn function(&self, lower: &str) -> Option<Brought> {
        self.functions.get(lower).copied()
    }

    pub(crate) fn constant(&self, name: &str) -> Option<Brought> {
        self.constants.get(name).copied()
    }

    pub(crate) fn class(&self, lower: &str) -> Option<&PhpClass> {
        self.classes.get(lower)
    }

    /// Every name of a function, lower-case.
    pub(crate) fn functions(&self) -> impl Iterator<Item = &str> {
        self.functions.keys().copied()
    }

    /// Every name of a constant.
    pub(crate) fn constants(&self) -> impl Iterator<Item = &str> {
        self.constants.keys().copied()
    }

    /// Every name of a class, as written.
    pub(crate) fn classes(&self) -> impl Iterator<Item = &str> {
        self.classes.values().map(|class| class.name)
    }

    /// Whether some extension of which nothing more is known may bring this.
    pub(crate) fn may_be_brought(lower: &str) -> bool {
        OTHER_CLASSES.contains(&lower) || OTHER_EXTENSIONS.iter().any(|begin| lower.starts_with(begin))
    }

    /// What a line says that is not as it should be is left out: a test reads every line.
    fn read(text: &'static str) -> Self {
        let mut php = Self::default();
        let mut extension = "";
        for line in text.lines() {
            match line.split_once(' ') {
                Some(("ext", name)) => extension = name,
                Some(("f", names)) => php
                    .functions
                    .extend(names.split(' ').map(|name| brought(name, extension))),
                Some(("c", names)) => php
                    .constants
                    .extend(names.split(' ').map(|name| brought(name, extension))),
                Some(("k", class)) => php.add_class(class, extension),
                _ => {}
            }
        }
        let made = MADE_WHILE_RUNNING.map(|(extension, name)| brought(name, extension));
        php.constants.extend(made);
        php
    }

    fn add_class(&mut self, line: &'static str, extension: &'static str) {
        let words: Vec<&'static str> = line.split(' ').collect();
        let [name, kind, _parent, interfaces, constants, methods] = words[..] else {
            return;
        };
        let (name, brought) = brought(name, extension);
        let class = PhpClass {
            brought,
            name,
            kind,
            interfaces,
            constants,
            methods,
        };
        self.classes.insert(name.to_ascii_lowercase(), class);
    }
}

fn brought(word: &'static str, extension: &'static str) -> (&'static str, Brought) {
    let (name, since) = match word.split_once('@') {
        Some((name, since)) => (name, PhpVersion::parse(since).ok()),
        None => (word, None),
    };
    (name, Brought { extension, since })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every line of the table has the words that [`Php::read`] takes, so that it leaves nothing out.
    #[test]
    fn every_line_of_the_table_is_read() {
        let mut classes = 0;
        for line in include_str!("../../tables/php.txt").lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[0] {
                "ext" => assert!(words.len() > 1, "{line}"),
                "f" | "c" => assert!(words[1..].iter().all(|word| !word.is_empty()), "{line}"),
                "k" => {
                    assert_eq!(words.len(), 7, "{line}");
                    let name = words[1]
                        .split('@')
                        .next()
                        .unwrap_or_default()
                        .to_ascii_lowercase();
                    let class = Php::table().class(&name).expect("a class");
                    let methods = words[6].split(',').filter(|word| *word != "-").count();
                    assert_eq!(class.methods().count(), methods, "{line}");
                    classes += 1;
                }
                _ => panic!("no line of the table: {line}"),
            }
        }
        assert!(classes > 400);
    }

    /// By PHP's manual.
    #[test]
    fn a_name_has_its_extension_and_its_version() {
        let php = Php::table();
        let of = |name: &str| {
            php.function(name)
                .map(|it| (it.extension, it.since.map(|since| since.to_string())))
        };
        assert_eq!(of("strlen"), Some(("core", None)));
        assert_eq!(of("str_contains"), Some(("standard", Some("8.0".to_owned()))));
        assert_eq!(of("mb_trim"), Some(("mbstring", Some("8.4".to_owned()))));
        assert_eq!(of("simplexml_load_string"), Some(("simplexml", None)));
        assert_eq!(of("nothing_of_php"), None);
        assert_eq!(php.constant("E_ALL").map(|it| it.extension), Some("core"));
        assert!(php.class("dateinterval").is_some_and(PhpClass::is_known_whole));
        assert!(php.class("override").is_some_and(|class| !class.is_known_whole()));
    }
}
