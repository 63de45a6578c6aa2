//! One file's bytes into its facts, by the parser of mago.
//!
//! Invariant: no input makes this panic, overflow a stack that has [`STACK_BYTES`], or take longer than is
//! proportional to its length. A file that the parser cannot handle is said to be not checked; it is no error.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bumpalo::Bump;
use mago_database::file::FileId;
use mago_span::HasSpan;
use mago_syntax::ast::Program;
use mago_syntax::error::ParseError;
use mago_syntax::parser::parse_file_content_with_settings;
use mago_syntax::settings::{LexerSettings, ParserSettings};

use crate::facts::{FileFacts, Said, Spot};
use crate::walk;

/// The stack that a thread needs to parse whatever it is given, in bytes.
pub(crate) const STACK_BYTES: usize = 256 * 1024 * 1024;

/// Most memory that the syntax tree of one file may take, in bytes: a hundred times its length is common, and what nobody
/// would write takes five hundred times and more.
const ARENA_MAX_BYTES: usize = 1 << 30;
/// Memory that a thread sets aside for syntax trees, in bytes: more than that of a file of half a megabyte needs. The
/// kernel gives what of it is written to; an arena that grows piece by piece is written to all over.
const ARENA_BYTES: usize = 32 << 20;
/// How the words begin that the arena panics with at its bound.
const OUT_OF_MEMORY: [&str; 2] = ["out of memory", "encountered allocation error"];

/// As Debian and php.ini-production have it: `<?` alone opens nothing.
const SETTINGS: ParserSettings = ParserSettings {
    lexer: LexerSettings {
        enable_short_tags: false,
    },
};

/// Where a thread's syntax trees are built, one after the other.
pub(crate) fn arena() -> Bump {
    let arena = Bump::with_capacity(ARENA_BYTES);
    arena.set_allocation_limit(Some(ARENA_MAX_BYTES));
    arena
}

/// The facts of a file with these bytes; `arena` is emptied for the next.
pub(crate) fn parse(arena: &mut Bump, source: &[u8]) -> FileFacts {
    let parsed = catch_unwind(AssertUnwindSafe(|| facts(arena, source)));
    // Once it has grown, its next piece alone is twice as large, and that one would be kept.
    if arena.allocated_bytes() >= 2 * ARENA_BYTES {
        *arena = self::arena();
    }
    arena.reset();
    parsed.unwrap_or_else(|cause| {
        not_checked(if is_out_of_memory(&*cause) {
            "it holds more code than the parser takes at once"
        } else {
            "the parser gave up on it"
        })
    })
}

fn is_out_of_memory(cause: &(dyn Any + Send)) -> bool {
    let literal = cause.downcast_ref::<&str>().copied();
    let words = literal.or_else(|| cause.downcast_ref::<String>().map(String::as_str));
    words.is_some_and(|words| OUT_OF_MEMORY.iter().any(|begin| words.starts_with(begin)))
}

pub(crate) fn not_checked(why: &str) -> FileFacts {
    FileFacts {
        not_checked: Some(why.to_owned()),
        ..FileFacts::default()
    }
}

fn facts(arena: &Bump, source: &[u8]) -> FileFacts {
    let program = parse_file_content_with_settings(arena, FileId::zero(), source, SETTINGS);
    let lines = Lines::new(source);
    if program.errors.iter().any(is_a_bound) {
        return not_checked("it is nested deeper than the parser goes");
    }
    FileFacts {
        syntax_error: first_error(program, &lines),
        ..walk::walk(program, source, &lines)
    }
}

fn is_a_bound(error: &ParseError) -> bool {
    matches!(error, ParseError::RecursionLimitExceeded(_))
}

/// Those after the first are what the parser makes of the first.
fn first_error(program: &Program<'_>, lines: &Lines<'_>) -> Option<Said> {
    let first = program
        .errors
        .iter()
        .min_by_key(|error| error.span().start.offset)?;
    Some(Said {
        at: lines.spot(first.span().start.offset),
        words: first.to_string(),
    })
}

/// How many bytes are counted at once, in [`Lines`].
const BLOCK_BYTES: usize = 512;

/// Where the lines of a file begin. Few of them are asked for: what is kept is where blocks of bytes stand among them.
#[derive(Debug)]
pub(crate) struct Lines<'s> {
    source: &'s [u8],
    blocks: Vec<Block>,
}

/// The line in which a block of bytes begins.
#[derive(Debug, Clone, Copy)]
struct Block {
    /// From 1.
    line: usize,
    /// Its first byte.
    start: usize,
}

impl<'s> Lines<'s> {
    pub(crate) fn new(source: &'s [u8]) -> Self {
        let mut blocks = Vec::with_capacity(source.len() / BLOCK_BYTES + 2);
        let mut next = Block { line: 1, start: 0 };
        blocks.push(next);
        for (block, at) in source.chunks_exact(BLOCK_BYTES).zip((0..).step_by(BLOCK_BYTES)) {
            next = next.after(block, at);
            blocks.push(next);
        }
        Self { source, blocks }
    }

    /// What lies behind the end is told as the end.
    pub(crate) fn spot(&self, offset: u32) -> Spot {
        let offset = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(self.source.len());
        let number = offset / BLOCK_BYTES;
        let begin = number * BLOCK_BYTES;
        let at = self.blocks[number].after(&self.source[begin..offset], begin);
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Spot {
            line: number(at.line),
            column: number(offset - at.start + 1),
        }
    }
}

impl Block {
    /// The line that comes after these bytes, which stand at this offset.
    fn after(self, bytes: &[u8], at: usize) -> Self {
        match memchr::memrchr(b'\n', bytes) {
            Some(last) => Self {
                line: self.line + memchr::memchr_iter(b'\n', &bytes[..=last]).count(),
                start: at + last + 1,
            },
            None => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK_BYTES, Lines};
    use crate::facts::Spot;

    /// Of each offset of texts with lines of many lengths, what counting byte by byte comes to.
    #[test]
    fn each_offset_has_its_line_and_column() {
        for width in [
            1,
            2,
            3,
            80,
            BLOCK_BYTES - 1,
            BLOCK_BYTES,
            BLOCK_BYTES + 1,
            3 * BLOCK_BYTES + 7,
        ] {
            for length in [
                0,
                1,
                BLOCK_BYTES - 1,
                BLOCK_BYTES,
                BLOCK_BYTES + 1,
                4 * BLOCK_BYTES,
            ] {
                let source: Vec<u8> = (1..=length)
                    .map(|at| if at % width == 0 { b'\n' } else { b'x' })
                    .collect();
                let lines = Lines::new(&source);
                let mut expected = Spot { line: 1, column: 1 };
                for (offset, byte) in (0..).zip(&source) {
                    assert_eq!(
                        lines.spot(offset),
                        expected,
                        "{offset} of {length}, lines of {width}"
                    );
                    expected = match byte {
                        b'\n' => Spot {
                            line: expected.line + 1,
                            column: 1,
                        },
                        _ => Spot {
                            column: expected.column + 1,
                            ..expected
                        },
                    };
                }
                assert_eq!(lines.spot(u32::MAX), expected, "behind the end of {length}");
            }
        }
    }
}
