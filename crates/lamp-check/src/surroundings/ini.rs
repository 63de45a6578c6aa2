//! `.user.ini`: what PHP reads of it before every request that php-fpm or CGI answers, and what is wrong with that.

mod value;

use super::apache::hides_errors;
use super::fault::Fault;
use crate::facts::Spot;
use crate::hashed::HashSet;
use crate::nearest::Neighbours;
use crate::place::{Place, Places, fold, parent};
use crate::tree::EntryKind;

/// Most settings that are looked at.
const SETTINGS_MAX: usize = 10_000;

/// What a `.user.ini` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ini {
    settings: Vec<Setting>,
    /// Where PHP stops reading, and why.
    broken: Option<(u32, &'static str)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Setting {
    name: String,
    value: String,
    line: u32,
}

/// Reads a `.user.ini`, as far as PHP does.
pub(crate) fn read(bytes: &[u8]) -> Ini {
    let text = String::from_utf8_lossy(bytes);
    let mut ini = Ini::default();
    let mut quoted_since = None;
    for (at, line) in text.split('\n').enumerate() {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        let line = line.trim();
        let open = quoted_since.is_some();
        if line.matches('"').count() % 2 == 1 && (open || !is_silent(line)) {
            quoted_since = if open { None } else { Some(number) };
        }
        if open || is_silent(line) {
            continue;
        }
        if let Some(why) = refused(line) {
            ini.broken = Some((number, why));
            return ini;
        }
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        if ini.settings.len() < SETTINGS_MAX {
            ini.settings.push(Setting {
                name: name.trim().to_ascii_lowercase(),
                value: bare(value),
                line: number,
            });
        }
    }
    ini.broken = quoted_since.map(|line| (line, "a quote is not closed"));
    ini
}

fn is_silent(line: &str) -> bool {
    line.is_empty() || line.starts_with([';', '#'])
}

/// What PHP cannot read, of what is certain.
fn refused(line: &str) -> Option<&'static str> {
    match line.chars().next() {
        Some('[') if !line.contains(']') => Some("a section lacks its `]`"),
        Some('=') => Some("nothing stands before the `=`"),
        Some('{' | '(' | '!') => Some("a name cannot begin like this"),
        _ => None,
    }
}

/// A value without its quotes and the comment behind it.
fn bare(value: &str) -> String {
    let value = value.trim();
    let Some(quote) = value.chars().next().filter(|first| matches!(first, '"' | '\'')) else {
        return value.split(';').next().unwrap_or_default().trim().to_owned();
    };
    value[1..].split(quote).next().unwrap_or_default().to_owned()
}

/// What is wrong with the `.user.ini` at `path`.
pub(crate) fn judge(ini: &Ini, path: &str, places: &Places<'_>) -> Vec<Fault> {
    let at = |line| Spot { line, column: 1 };
    let broken = ini.broken.map(|(line, why)| {
        let message = format!("PHP stops reading this file here, and leaves the rest of it out: {why}");
        Fault::warning("ini-syntax", at(line), message)
    });
    let of_setting = |setting: &Setting| match setting.name.as_str() {
        "auto_prepend_file" | "auto_append_file" => {
            let file = Prepended {
                name: setting.name.clone(),
                value: setting.value.clone(),
                at: at(setting.line),
            };
            prepended(&file, path, places)
        }
        name => of_value(name, &setting.value, at(setting.line)),
    };
    broken
        .into_iter()
        .chain(ini.settings.iter().filter_map(of_setting))
        .collect()
}

/// What is wrong with a setting that a release brings, in whichever file.
pub(super) fn of_value(name: &str, value: &str, at: Spot) -> Option<Fault> {
    hides_errors(name, value)
        .map(|message| Fault::error("hidden-errors", at, message))
        .or_else(|| value::fault(name, value, at))
}

/// A file that is to be run before or after each request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prepended {
    /// `auto_prepend_file` or `auto_append_file`.
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) at: Spot,
}

/// What is wrong with such a file, named in the file at `path`.
pub(crate) fn prepended(file: &Prepended, path: &str, places: &Places<'_>) -> Option<Fault> {
    let Prepended { name, value, at } = file;
    // `none` takes a file away that the server's own configuration names.
    if value.is_empty() || value.eq_ignore_ascii_case("none") || value.contains("${") {
        return None;
    }
    if value.starts_with('/') {
        let message = format!(
            "{name} names a file outside of the release, which no check and no rollback covers: {value}"
        );
        return Some(Fault::warning("prepend-not-found", *at, message));
    }
    let beside = format!("{}/{value}", parent(path));
    if places.find(&beside) != Place::Nothing || is_anywhere(value, places) {
        return None;
    }
    let missing = fold(&beside)?;
    let message =
        format!("{name} names a file that is not there: every request beneath this directory fails");
    let fault = Fault::error("prepend-not-found", *at, message).naming(missing.clone());
    let neighbours = Neighbours::new(places.entries());
    Some(
        match neighbours.nearest(std::slice::from_ref(&missing), &HashSet::default()) {
            Some(near) => fault.suggesting(near.path),
            None => fault,
        },
    )
}

/// Whether some directory of the tree, which may be on the include path, has it.
fn is_anywhere(value: &str, places: &Places<'_>) -> bool {
    let ending = format!("/{}", value.trim_start_matches("./"));
    let mut entries = places.entries().iter();
    entries.any(|entry| entry.path.ends_with(&ending) && !matches!(entry.kind, EntryKind::Dir))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, settings: &[(&str, &str)], broken: Option<u32>) {
        let ini = read(text.as_bytes());
        let read: Vec<(&str, &str)> = ini
            .settings
            .iter()
            .map(|one| (one.name.as_str(), one.value.as_str()))
            .collect();
        assert_eq!(read, settings, "{text:?}");
        assert_eq!(ini.broken.map(|(line, _)| line), broken, "{text:?}");
    }

    /// Each was given to `parse_ini_string` of PHP 8.2.
    #[test]
    fn an_ini_file_is_read_as_php_reads_it() {
        check("a = b\nC = \"d e\" ; f", &[("a", "b"), ("c", "d e")], None);
        check(
            "; x\n# y\n[s]\na=/x/y.php ; c",
            &[("[s]", ""), ("a", "/x/y.php")],
            None,
        );
        check("a = \"b\nc\"\nd=e", &[("a", "b"), ("d", "e")], None);
        check("a = 'b'", &[("a", "b")], None);
        check("a = b\n[x\nc = d", &[("a", "b")], Some(2));
        check("a = b\n= c", &[("a", "b")], Some(2));
        check("x=1\na = \"b", &[("x", "1"), ("a", "b")], Some(2));
    }
}
