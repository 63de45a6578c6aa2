//! Joomla's extensions: the directory of an extension's classes, and the file or directory that it begins with, as its
//! manifest names them. (Its layouts are templates: [`crate::surroundings::templates`].)
//!
//! The paths of a manifest are those of the installed extension, from its own directory, as in `libraries/namespacemap.php` of
//! Joomla 4 and `libraries/src/Extension` of 5; the part of a component that visitors see lies in a second one.

use super::{Missing, Seen, spot};
use crate::place::{Place, beneath, parent};

/// Where each component has its manifest, and where other parts of it lie.
const COMPONENTS: &str = "administrator/components/";
const COMPONENT_PARTS: [&str; 3] = ["administrator/components/", "components/", "api/components/"];
/// Which of the files of a manifest Joomla begins with: the attribute names the extension.
const FIRST: [&str; 2] = ["plugin", "module"];

pub(super) fn missing<'t>(seen: Seen<'t, '_>) -> Vec<Missing<'t>> {
    let manifests = seen.paths(is_manifest);
    manifests.flat_map(|path| of_manifest(seen, path)).collect()
}

/// An `x.xml` that lies where Joomla looks for extensions.
fn is_manifest(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let (directory, name) = match parts.as_slice() {
        ["administrator", "components", directory, name]
        | ["modules", directory, name]
        | ["administrator", "modules", directory, name]
        | ["plugins", _, directory, name] => (directory, name),
        _ => return false,
    };
    let name = name.strip_suffix(".xml");
    name.is_some_and(|name| name == *directory || Some(name) == directory.strip_prefix("com_"))
}

fn of_manifest<'t>(seen: Seen<'t, '_>, by: &'t str) -> Vec<Missing<'t>> {
    let Some(text) = seen.text(by) else {
        return Vec::new();
    };
    let tags = tags(&text);
    if !tags.iter().any(|tag| matches!(tag.name, "extension" | "install")) {
        return Vec::new();
    }
    let named = tags.iter().filter_map(|tag| {
        let first = || FIRST.iter().find_map(|attribute| tag.attribute(attribute));
        match tag.name {
            "namespace" => Some((
                tag,
                tag.attribute("path")?,
                format!("Joomla is to load the classes of {} from", tag.text.trim()),
            )),
            "filename" | "folder" => Some((
                tag,
                tag.text.trim(),
                format!("Joomla is to begin {} with", first()?),
            )),
            _ => None,
        }
    });
    let missing = named.filter_map(|(tag, path, message)| {
        let of_extension = parent(by).strip_prefix(COMPONENTS);
        let directories = match of_extension {
            Some(component) => COMPONENT_PARTS.map(|part| format!("{part}{component}")).to_vec(),
            None => vec![parent(by).to_owned()],
        };
        let mut paths = directories.iter().map(|directory| beneath(directory, path));
        let is_there = |path: &String| seen.ground.places.find(path) != Place::Nothing;
        if path.is_empty() || paths.clone().any(|path| is_there(&path)) {
            return None;
        }
        let missing = paths.next()?;
        Some(Missing {
            by,
            at: spot(&text, tag.at),
            message: format!("{message} what does not exist: {missing}"),
            path: missing,
        })
    });
    missing.collect()
}

/// An opening tag, and the text behind it.
struct Tag<'x> {
    /// Where its name begins.
    at: usize,
    name: &'x str,
    attributes: &'x str,
    text: &'x str,
}

impl<'x> Tag<'x> {
    fn attribute(&self, name: &str) -> Option<&'x str> {
        let mut rest = self.attributes;
        loop {
            let (before, behind) = rest.split_once('=')?;
            let behind = behind.trim_start();
            let quote = behind
                .chars()
                .next()
                .filter(|quote| matches!(quote, '"' | '\''))?;
            let (value, further) = behind.get(1..)?.split_once(quote)?;
            if before.trim() == name {
                return Some(value);
            }
            rest = further;
        }
    }
}

/// The opening tags of a text of XML; what is none, or stands in a comment, is passed over.
fn tags(text: &str) -> Vec<Tag<'_>> {
    let mut tags = Vec::new();
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once('<') {
        if let Some(comment) = behind.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, behind)| behind);
            continue;
        }
        let at = text.len() - behind.len();
        let Some((inside, behind)) = behind.split_once('>') else {
            break;
        };
        rest = behind;
        let inside = inside.trim_end_matches('/');
        let (name, attributes) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
        if name.starts_with(|first: char| first.is_ascii_alphabetic()) {
            let said = behind.split('<').next().unwrap_or_default();
            tags.push(Tag {
                at,
                name,
                attributes,
                text: said,
            });
        }
    }
    tags
}
