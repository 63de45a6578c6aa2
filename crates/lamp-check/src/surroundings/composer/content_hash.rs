//! The `content-hash` of composer.lock: MD5 over what matters of composer.json, as PHP's `json_encode` writes it.
//! Composer's own way is `Composer\Package\Locker::getContentHash`.

use std::fmt::Write;

use super::json::Json;
use super::md5::md5;

/// What matters, in the order in which it is hashed: `config` stands for its `platform` alone.
const RELEVANT: [&str; 12] = [
    "config",
    "conflict",
    "extra",
    "minimum-stability",
    "name",
    "prefer-stable",
    "provide",
    "replace",
    "repositories",
    "require",
    "require-dev",
    "version",
];

/// What PHP makes of one value while it is written.
enum Todo<'j> {
    Value(&'j Json),
    Text(&'static str),
    Key(&'j str),
}

/// The hash; `None` where a number is written in a way that cannot be foretold.
pub(super) fn content_hash(manifest: &Json) -> Option<String> {
    let mut parts = Vec::new();
    for name in RELEVANT {
        let Some(member) = manifest.get(name) else {
            continue;
        };
        if name != "config" {
            parts.push(format!("\"{name}\":{}", encode(member)?));
        } else if let Some(platform) = member.get("platform").filter(|platform| **platform != Json::Null) {
            parts.push(format!("\"config\":{{\"platform\":{}}}", encode(platform)?));
        }
    }
    let whole = if parts.is_empty() {
        "[]".to_owned()
    } else {
        format!("{{{}}}", parts.join(","))
    };
    Some(md5(whole.as_bytes()))
}

/// As `json_encode` of an array that `json_decode` made.
fn encode(value: &Json) -> Option<String> {
    let mut written = String::new();
    let mut todo = vec![Todo::Value(value)];
    while let Some(next) = todo.pop() {
        match next {
            Todo::Text(text) => written.push_str(text),
            Todo::Key(key) => {
                quote(&mut written, key);
                written.push(':');
            }
            Todo::Value(value) => write_value(&mut written, &mut todo, value)?,
        }
    }
    Some(written)
}

fn write_value<'j>(written: &mut String, todo: &mut Vec<Todo<'j>>, value: &'j Json) -> Option<()> {
    match value {
        Json::Null => written.push_str("null"),
        Json::Bool(true) => written.push_str("true"),
        Json::Bool(false) => written.push_str("false"),
        Json::Integer(number) => written.push_str(&number.to_string()),
        Json::Float(_) => return None,
        Json::Text(text) => quote(written, text),
        Json::List(items) => {
            todo.push(Todo::Text("]"));
            for (at, item) in items.iter().enumerate().rev() {
                todo.push(Todo::Value(item));
                todo.push(Todo::Text(if at == 0 { "[" } else { "," }));
            }
            if items.is_empty() {
                written.push('[');
            }
        }
        Json::Map(members) => write_map(written, todo, members),
    }
    Some(())
}

/// A map whose names are 0, 1, 2… is a list to PHP; so is an empty one.
fn write_map<'j>(written: &mut String, todo: &mut Vec<Todo<'j>>, members: &'j [(String, Json)]) {
    let is_list = members
        .iter()
        .enumerate()
        .all(|(at, (key, _))| *key == at.to_string());
    todo.push(Todo::Text(if is_list { "]" } else { "}" }));
    for (at, (key, value)) in members.iter().enumerate().rev() {
        todo.push(Todo::Value(value));
        if !is_list {
            todo.push(Todo::Key(key));
        }
        todo.push(Todo::Text(match (at, is_list) {
            (0, true) => "[",
            (0, false) => "{",
            _ => ",",
        }));
    }
    if members.is_empty() {
        written.push('[');
    }
}

fn quote(written: &mut String, text: &str) {
    written.push('"');
    for c in text.chars() {
        match c {
            '"' => written.push_str("\\\""),
            '\\' => written.push_str("\\\\"),
            '/' => written.push_str("\\/"),
            '\u{8}' => written.push_str("\\b"),
            '\u{c}' => written.push_str("\\f"),
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            ' '..='\u{7f}' => written.push(c),
            _ => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    // Writing to a text cannot fail.
                    let _ = write!(written, "\\u{unit:04x}");
                }
            }
        }
    }
    written.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(manifest: &str, expected: Option<&str>) {
        let manifest = Json::parse(manifest.as_bytes()).expect("it is JSON");
        assert_eq!(content_hash(&manifest).as_deref(), expected);
    }

    /// Each hash is what composer's own function gave in PHP 8.2.
    #[test]
    fn the_hash_is_composers() {
        check(
            r#"{"name": "a/b", "require": {"php": ">=7.4", "c/d": "^1.0"}, "description": "x"}"#,
            Some("7eb89fb3f9a187669c934e7d2d2a0576"),
        );
        check(r#"{}"#, Some("d751713988987e9331980363e24189ce"));
        check(
            r#"{"require": {}, "extra": {"0": "a", "1": "b"}, "repositories": [{"type": "vcs", "url": "https://x/y"}]}"#,
            Some("c7613f89a0e2d2e3d09711facf4db98a"),
        );
        check(
            r#"{"extra": {"ä€😀": "\u0001\"\\ \t", "10": true, "x": null}, "config": {"platform": {"php": "8.1"}, "sort-packages": true}}"#,
            Some("6d851552b99072eb3c6e42864398c9f8"),
        );
        check(
            r#"{"name": "a/b", "name": "c/d", "prefer-stable": true, "minimum-stability": "dev", "version": "1.0"}"#,
            Some("de1cf5d7f9ca9807a48ab524f01dfb9d"),
        );
        check(
            r#"{"config": {"platform": null}, "require-dev": {"a/b": "*"}, "conflict": [], "replace": {"x/y": "self.version"}, "provide": {"z/z": "1"}}"#,
            Some("5f5409ce9f142fbb0edcc914012cf606"),
        );
        check(
            r#"{"config": {"platform": {}}, "extra": {"list": [1, [2, []], {"a": {}}]}}"#,
            Some("01c4c403a1d47fbc95dedba8aad6141b"),
        );
        check(r#"{"extra": {"a": 1.5}}"#, None);
    }
}
