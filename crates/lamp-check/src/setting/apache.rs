//! What is known of the Apache that is to serve a tree.

use std::collections::BTreeSet;
use std::fmt;

use super::SettingError;

/// Modules that every Apache has whose `.htaccess` files are of any use.
const ALWAYS_THERE: [&str; 2] = ["core_module", "so_module"];
/// What `AllowOverride` may name.
const CLASSES: [&str; 5] = ["AuthConfig", "FileInfo", "Indexes", "Limit", "Options"];

/// What is known of Apache; the default is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApacheSetting {
    /// The modules that it loads, as `LoadModule` names them.
    pub modules: Option<Modules>,
    /// What its `.htaccess` files may hold.
    pub allow_override: Option<AllowOverride>,
}

impl ApacheSetting {
    /// Whether Apache has a module: `named` as `<IfModule>` does, `known` the name that `LoadModule` has for it, if any is.
    pub(crate) fn has_module(&self, named: &str, known: Option<&str>) -> Option<bool> {
        let loaded = known.unwrap_or(named);
        if ALWAYS_THERE.contains(&loaded) {
            return Some(true);
        }
        let modules = self.modules.as_ref()?;
        // Of a module that is not Apache's only the file is named, which tells nothing of its other name.
        (known.is_some() || modules.0.contains(named)).then(|| modules.0.contains(loaded))
    }

    pub(crate) const fn knows_modules(&self) -> bool {
        self.modules.is_some()
    }

    /// Whether it reads `.htaccess` files, as far as is known.
    pub(crate) fn reads_htaccess(&self) -> bool {
        self.allow_override
            .as_ref()
            .is_none_or(|allowed| !allowed.0.is_empty())
    }

    /// Whether directives of this class may stand in a `.htaccess`.
    pub(crate) fn allows(&self, class: &str) -> Option<bool> {
        self.allow_override
            .as_ref()
            .map(|allowed| allowed.0.contains(class))
    }
}

/// The modules that an Apache loads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modules(BTreeSet<String>);

impl Modules {
    /// Reads names as `rewrite_module`, between commas or line ends; what `apachectl -M` prints is such a list.
    pub fn parse(list: &str) -> Result<Self, SettingError> {
        let names = list
            .split([',', '\n'])
            .filter_map(|line| line.split_whitespace().next());
        let names: BTreeSet<String> = names
            .filter(|name| name.ends_with("_module"))
            .map(str::to_owned)
            .collect();
        if names.is_empty() {
            return Err(SettingError::Modules(list.chars().take(80).collect()));
        }
        // Debian's names end in the version: php_module since PHP 8, php7_module before.
        let is_php = |name: &String| {
            name.starts_with("php") && name.trim_start_matches("php").starts_with(['5', '7', '_'])
        };
        let php = names.iter().any(is_php).then(|| "php_module".to_owned());
        Ok(Self(names.into_iter().chain(php).collect()))
    }
}

impl fmt::Display for Modules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(String::as_str).collect();
        f.write_str(&names.join(","))
    }
}

/// What `AllowOverride` allows: classes; none, and no `.htaccess` is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowOverride(BTreeSet<&'static str>);

impl AllowOverride {
    /// Reads what stands behind `AllowOverride`: `All`, `None`, or classes with spaces or commas between them.
    pub fn parse(text: &str) -> Result<Self, SettingError> {
        let mut allowed = BTreeSet::new();
        for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
            let named = word.split('=').next().unwrap_or_default();
            match named.to_ascii_lowercase().as_str() {
                "all" => allowed.extend(CLASSES),
                "none" | "nonfatal" => {}
                other => {
                    let class = CLASSES.iter().find(|class| class.eq_ignore_ascii_case(other));
                    allowed.insert(*class.ok_or_else(|| SettingError::AllowOverride(word.to_owned()))?);
                }
            }
        }
        Ok(Self(allowed))
    }
}

impl fmt::Display for AllowOverride {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let classes: Vec<&str> = self.0.iter().copied().collect();
        match classes.as_slice() {
            [] => f.write_str("None"),
            classes => f.write_str(&classes.join(",")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_read_as_apachectl_prints_them() {
        let printed =
            "Loaded Modules:\n core_module (static)\n rewrite_module (shared)\n php_module (shared)\n";
        let apache = ApacheSetting {
            modules: Modules::parse(printed).ok(),
            allow_override: None,
        };
        let has = |named, known| apache.has_module(named, known);
        assert_eq!(has("mod_rewrite.c", Some("rewrite_module")), Some(true));
        assert_eq!(has("mod_headers.c", Some("headers_module")), Some(false));
        assert_eq!(has("LiteSpeed", None), None);
        assert_eq!(
            ApacheSetting::default().has_module("mod_rewrite.c", Some("rewrite_module")),
            None
        );
        assert!(Modules::parse("").is_err() && Modules::parse("nothing here").is_err());
    }

    #[test]
    fn what_is_known_is_written_as_it_is_read() {
        let modules = Modules::parse("b_module,a_module").expect("modules");
        assert_eq!(modules.to_string(), "a_module,b_module");
        for text in ["None", "FileInfo,Indexes"] {
            let allowed = AllowOverride::parse(text).expect("an override");
            assert_eq!(allowed.to_string(), text);
        }
    }

    #[test]
    fn overrides_are_read_as_apache_writes_them() {
        let allows = |text: &str, class: &str| {
            let allow_override = AllowOverride::parse(text).ok();
            ApacheSetting {
                modules: None,
                allow_override,
            }
            .allows(class)
        };
        assert_eq!(allows("All", "FileInfo"), Some(true));
        assert_eq!(allows("none", "FileInfo"), Some(false));
        assert_eq!(allows("AuthConfig fileinfo", "FileInfo"), Some(true));
        assert_eq!(allows("Options=Indexes", "Options"), Some(true));
        assert!(AllowOverride::parse("Everything").is_err());
    }
}
