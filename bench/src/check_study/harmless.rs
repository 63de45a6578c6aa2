//! Edits that change nothing of what a tree does: after each of them there must be no new error.

use serde::Serialize;

use super::memory_tree::{Change, MemoryTree};
use super::scan;
use super::seed::Seed;

/// A kind of harmless edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Edit {
    /// Comments above: every line of the file moves.
    MovedLines,
    /// A local variable of a function has another name.
    RenamedLocal,
    /// A new file beside another, which includes it.
    AddedFile,
    /// A function's body becomes a function of its own, which the first one calls.
    SplitFunction,
}

impl Edit {
    pub(crate) const ALL: [Self; 4] = [
        Self::MovedLines,
        Self::RenamedLocal,
        Self::AddedFile,
        Self::SplitFunction,
    ];
}

/// Files that are tried before an edit is given up.
const TRIES_MAX: usize = 400;

/// An edit of this kind somewhere in the tree; `None`: the tree has no place for it.
pub(crate) fn edit(tree: &MemoryTree, kind: Edit, seed: &mut Seed) -> Option<Change> {
    let files: Vec<&str> = tree.files().filter(|path| path.ends_with(".php")).collect();
    (0..TRIES_MAX).find_map(|number| {
        let path = seed.pick(&files)?;
        let source = std::str::from_utf8(tree.read(path)?).ok()?;
        let source = source.strip_prefix("<?php\n").map(|_| source)?;
        let text = match kind {
            Edit::MovedLines => moved_lines(source, seed),
            Edit::RenamedLocal => renamed_local(source, seed),
            Edit::AddedFile => return added_file(tree, path, number),
            Edit::SplitFunction => split_function(source, seed),
        }?;
        let (path, bytes) = ((*path).to_owned(), text.into_bytes());
        Some(Change::Write { path, bytes })
    })
}

/// Only where no `declare` or `namespace` must come first: a comment may.
fn moved_lines(source: &str, seed: &mut Seed) -> Option<String> {
    let comment = "// A line more.\n".repeat(1 + seed.below(30));
    Some(format!("<?php\n{comment}{}", source.strip_prefix("<?php\n")?))
}

fn added_file(tree: &MemoryTree, beside: &str, number: usize) -> Option<Change> {
    let (directory, file) = beside.rsplit_once('/').unwrap_or(("", beside));
    let path = format!("{directory}/lamp-added-{number}.php");
    let path = path.trim_start_matches('/').to_owned();
    let code =
        format!("<?php\nfunction lamp_added_{number}() {{\n\treturn require __DIR__ . '/{file}';\n}}\n");
    let bytes = code.into_bytes();
    tree.read(&path)
        .is_none()
        .then_some(Change::Write { path, bytes })
}

/// A function or method: where its name, its parameters and its body stand.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Function {
    start: usize,
    name: String,
    /// What stands between the parentheses.
    parameters: String,
    is_method: bool,
    /// Inside the braces.
    body: std::ops::Range<usize>,
}

/// What makes a body one that cannot be taken apart by its text alone.
const UNCERTAIN: [&str; 16] = [
    "$$",
    "compact",
    "extract",
    "func_",
    "static ",
    "yield",
    "global ",
    "__FUNCTION__",
    "__LINE__",
    "${",
    "<<<",
    "eval",
    "?>",
    "get_defined_vars",
    "debug_",
    "function",
];

/// Functions and methods that begin a line and are simple enough.
fn functions(source: &str) -> Vec<Function> {
    let keywords = source.match_indices("function ");
    keywords
        .filter_map(|(at, keyword)| function(source, at, at + keyword.len()))
        .collect()
}

/// The function whose keyword stands from `keyword` to `behind`.
fn function(source: &str, keyword: usize, behind: usize) -> Option<Function> {
    let line = source[..keyword].rfind('\n')? + 1;
    let before = &source[line..keyword];
    let indent = &before[..before.len() - before.trim_start().len()];
    let modifiers = ["abstract", "final", "private", "protected", "public", "static"];
    if !before.split_whitespace().all(|word| modifiers.contains(&word)) {
        return None;
    }
    let rest = &source[behind..];
    let open = rest.find('(')?;
    let close = open + rest[open..].find(')')?;
    let name = rest[..open].trim();
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let brace = close + 1 + rest[close + 1..].find('{')?;
    // Nothing, or the type of what it gives.
    let between = rest[close + 1..brace].trim();
    if !is_name || !(between.is_empty() || between.starts_with(':')) || between.contains(';') {
        return None;
    }
    let body_start = behind + brace + 1;
    // A body ends at the first brace that stands where its function does.
    let end = format!("\n{indent}}}");
    let body_end = body_start + source[body_start..].find(&end)? + end.len() - 1;
    let body = &source[body_start..body_end];
    let is_certain = !UNCERTAIN.iter().any(|word| body.contains(word)) && scan::is_balanced(body);
    is_certain.then(|| Function {
        start: line,
        name: name.to_owned(),
        parameters: rest[open + 1..close].to_owned(),
        is_method: !before.is_empty(),
        body: body_start..body_end,
    })
}

impl Function {
    /// Whether its parameters are names alone, so that they can be handed on.
    fn is_plain(&self) -> bool {
        let is_name = |parameter: &str| {
            let word = parameter.strip_prefix('$');
            word.is_some_and(|word| {
                word.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            })
        };
        let mut parameters = self.parameters.split(',').map(str::trim);
        !self.is_method && (self.parameters.trim().is_empty() || parameters.all(is_name))
    }
}

fn split_function(source: &str, seed: &mut Seed) -> Option<String> {
    let functions: Vec<Function> = functions(source).into_iter().filter(Function::is_plain).collect();
    let it = seed.pick(&functions)?;
    let (name, parameters) = (&it.name, it.parameters.trim());
    let before = &source[..it.start];
    let body = &source[it.body.clone()];
    let after = &source[it.body.end + 1..];
    Some(format!(
        "{before}function {name}({parameters}) {{\n\treturn {name}_lamp_rest({parameters});\n}}\n\n\
         function {name}_lamp_rest({parameters}) {{{body}}}{after}"
    ))
}

fn renamed_local(source: &str, seed: &mut Seed) -> Option<String> {
    let functions = functions(source);
    let it = seed.pick(&functions)?;
    let body = &source[it.body.clone()];
    let variables: Vec<&str> = variables(body).filter(|name| is_local(name, it)).collect();
    let old = *seed.pick(&variables)?;
    let new = format!("{old}_lamp_renamed");
    let mut text = String::new();
    let mut left = body;
    while let Some(at) = left.find(old) {
        let end = at + old.len();
        let is_whole = !left[end..].starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_');
        text += &left[..at];
        text += if is_whole { &new } else { old };
        left = &left[end..];
    }
    text += left;
    Some(format!(
        "{}{text}{}",
        &source[..it.body.start],
        &source[it.body.end..]
    ))
}

fn variables(body: &str) -> impl Iterator<Item = &str> {
    body.match_indices('$').filter_map(|(at, _)| {
        let rest = &body[at + 1..];
        let length = rest
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            .count();
        (length > 0).then(|| &body[at..=at + length])
    })
}

/// Not one that is known by its name elsewhere.
fn is_local(name: &str, of: &Function) -> bool {
    let is_everywhere = name == "$this" || name[1..].starts_with('_') || name == "$GLOBALS";
    !is_everywhere && variables(&of.parameters).all(|parameter| parameter != name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_and_methods_are_found_with_their_bodies() {
        let source = "<?php\nclass A\n{\n    public static function f(int $a = 1): int\n    {\n        $b = $a;\n        return $b;\n    }\n    function g() { yield 1; }\n}\n";
        let found = functions(source);
        let names: Vec<(&str, bool)> = found.iter().map(|it| (it.name.as_str(), it.is_plain())).collect();
        assert_eq!(names, [("f", false)]);
        assert_eq!(
            &source[found[0].body.clone()],
            "\n        $b = $a;\n        return $b;\n    "
        );
        let renamed = renamed_local(source, &mut Seed::new(1)).expect("a local");
        assert!(
            renamed.contains("$b_lamp_renamed = $a;") && renamed.contains("return $b_lamp_renamed;"),
            "{renamed}"
        );
    }

    const CODE: &str = "<?php\nfunction f($a, $b) {\n\t$c = $a . $b;\n\t$cc = \"x{$c}\";\n\treturn $cc . $c;\n}\necho f('1', '2');\n";

    /// What real PHP prints.
    #[track_caller]
    fn printed(code: &str) -> String {
        let php = std::process::Command::new("php")
            .args(["-r", &code["<?php\n".len()..]])
            .output()
            .expect("php");
        assert!(
            php.status.success(),
            "{code}\n{}",
            String::from_utf8_lossy(&php.stderr)
        );
        String::from_utf8_lossy(&php.stdout).into_owned()
    }

    #[test]
    fn php_prints_the_same_after_an_edit() {
        let tree = MemoryTree::default();
        let (path, bytes) = ("a.php".to_owned(), CODE.as_bytes().to_vec());
        let tree = tree.with(&[Change::Write { path, bytes }]).expect("a tree");
        for kind in Edit::ALL.into_iter().filter(|kind| *kind != Edit::AddedFile) {
            let Some(Change::Write { bytes, .. }) = edit(&tree, kind, &mut Seed::new(7)) else {
                panic!("{kind:?} is not made");
            };
            let edited = String::from_utf8(bytes).expect("text");
            assert_ne!(edited, CODE);
            assert_eq!(printed(&edited), printed(CODE), "{edited}");
        }
    }

    #[test]
    fn a_file_is_added_beside_another_that_it_includes() {
        let tree = MemoryTree::default();
        let (path, bytes) = ("d/a.php".to_owned(), CODE.as_bytes().to_vec());
        let tree = tree.with(&[Change::Write { path, bytes }]).expect("a tree");
        let Some(Change::Write { path, bytes }) = edit(&tree, Edit::AddedFile, &mut Seed::new(1)) else {
            panic!("it is not made");
        };
        assert_eq!(path, "d/lamp-added-0.php");
        assert!(String::from_utf8_lossy(&bytes).contains("'/a.php'"));
    }
}
