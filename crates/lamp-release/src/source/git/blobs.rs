//! Bytes of objects, one after the other, as the repository holds them: `git cat-file --batch` knows no filter and no
//! attribute.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::ChildStdout;

use super::error::GitError;
use super::program::{Git, Running};

/// Longest line before an object, in bytes.
const HEAD_MAX_BYTES: u64 = 200;

/// A run that answers objects.
pub(super) struct Blobs {
    running: Running,
}

impl Blobs {
    pub(super) fn start(git: &Git) -> Result<Self, GitError> {
        let running = git.start(git.reading("read its files", &["cat-file", "--batch"]))?;
        Ok(Self { running })
    }

    /// Hands the bytes of `object` to `each`, piece by piece; refused when there are not `size_bytes`.
    pub(super) fn read(
        &mut self,
        object: &str,
        size_bytes: u64,
        each: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), GitError> {
        let asked = self.running.stdin.as_mut().map_or(Ok(()), |stdin| {
            stdin.write_all(format!("{object}\n").as_bytes())?;
            stdin.flush()
        });
        asked.map_err(GitError::Start)?;
        let mut answer = BufReader::with_capacity(64 << 10, &mut self.running.stdout);
        if head(&mut answer)? != format!("{object} blob {size_bytes}") {
            return Err(GitError::Damaged { what: "a file" });
        }
        pass_on(&mut answer, size_bytes, each)
    }

    /// Why it broke off, if it was ended; else `error`.
    pub(super) fn reason(self, error: GitError) -> GitError {
        self.running.end().err().unwrap_or(error)
    }
}

fn head(answer: &mut BufReader<&mut ChildStdout>) -> Result<String, GitError> {
    let mut line = String::new();
    let mut bounded = answer.take(HEAD_MAX_BYTES);
    bounded.read_line(&mut line).map_err(GitError::Start)?;
    Ok(line.trim_end_matches('\n').to_owned())
}

/// The object's bytes, and the line's end after them.
fn pass_on(
    answer: &mut BufReader<&mut ChildStdout>,
    size_bytes: u64,
    each: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<(), GitError> {
    let mut left = size_bytes;
    while left > 0 {
        let piece = answer.fill_buf().map_err(GitError::Start)?;
        let taken = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if taken == 0 {
            return Err(GitError::Damaged { what: "a file" });
        }
        each(&piece[..taken]).map_err(GitError::Start)?;
        answer.consume(taken);
        left -= taken as u64;
    }
    let mut end = [0; 1];
    answer.read_exact(&mut end).map_err(GitError::Start)
}
