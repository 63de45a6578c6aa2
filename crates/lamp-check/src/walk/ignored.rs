//! Comments that tell who analyses the code to be silent about a line: those of PHPStan that mean a missing file, or all.

use mago_syntax::ast::Program;

use crate::parse::Lines;

/// What PHPStan calls a file that is not there.
const FILE_NOT_FOUND: [&str; 4] = [
    "require.fileNotFound",
    "requireOnce.fileNotFound",
    "include.fileNotFound",
    "includeOnce.fileNotFound",
];

/// What each of them begins with.
const IGNORE: &str = "@phpstan-ignore";

/// The lines to be silent about.
pub(super) fn lines(program: &Program<'_>, source: &[u8], lines: &Lines<'_>) -> Vec<u32> {
    let mut silent = Vec::new();
    // Most files have none, and comments are a third of them.
    if memchr::memmem::find(source, IGNORE.as_bytes()).is_none() {
        return silent;
    }
    for trivia in &program.trivia {
        let text = String::from_utf8_lossy(trivia.value);
        let Some((_, behind)) = text.split_once(IGNORE) else {
            continue;
        };
        let line = lines.spot(trivia.span.start.offset).line;
        let newlines = trivia.value.iter().filter(|byte| **byte == b'\n').count();
        let last = line.saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX));
        if behind.starts_with("-next-line") {
            silent.push(last.saturating_add(1));
        } else if behind.starts_with("-line") {
            silent.push(line);
        } else if FILE_NOT_FOUND
            .iter()
            .any(|identifier| behind.contains(identifier))
        {
            // On a line of its own it is about the next one.
            silent.extend([line, last.saturating_add(1)]);
        }
    }
    silent
}
