//! One log file, followed by name beneath a directory's descriptor: through rotation by rename, truncation, replacement, deletion and return.
//!
//! Invariants: only a regular file is opened, links are not followed, nothing blocks ([`lamp_fleet::Dir`]); one look reads at most
//! [`LOOK_MAX_BYTES`]; a file that was rotated away is read on, for workers that have not heard of it write on.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use lamp_fleet::{Dir, DirError, Kind, Meta};
use lamp_logline::split::Split;
use lamp_logline::{LINE_MAX_BYTES, LineSplitter};

use crate::message::LogState;

/// Most bytes that one look reads of one file.
pub const LOOK_MAX_BYTES: u64 = 8 << 20;
/// Further behind the end than this, the middle is passed over.
pub const BEHIND_MAX_BYTES: u64 = 64 << 20;
/// How much before the end reading then goes on.
const GOES_ON_BYTES: u64 = 1 << 20;
/// Bytes read at once.
const CHUNK_BYTES: usize = 64 << 10;
/// Files that were rotated away and are still read.
const ROTATED_MAX: usize = 2;
/// How long one of them is read on after its last line.
const ROTATED_FOR: Duration = Duration::from_secs(60);

/// Where reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// So many bytes before the end, at the next whole line.
    BeforeEnd(u64),
    /// Where reading had come to; at the beginning if the file is another one by now.
    At(Place),
}

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The filesystem.
    pub dev: u64,
    /// The file.
    pub ino: u64,
    /// Bytes from its beginning.
    pub offset: u64,
}

/// What a look came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// How the log is.
    pub state: LogState,
    /// Whether there was more than one look reads.
    pub has_more: bool,
}

/// A log that is followed.
#[derive(Debug)]
pub struct Follower {
    dir: Dir,
    name: String,
    start: Start,
    open: Option<Open>,
    rotated: VecDeque<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    place: Place,
    splitter: LineSplitter,
    /// Reading began within a line: its rest is dropped.
    drops_rest: bool,
    grew_at: Duration,
}

impl Follower {
    /// Follows `name` in `dir`; nothing is opened yet.
    pub const fn new(dir: Dir, name: String, start: Start) -> Self {
        Self {
            dir,
            name,
            start,
            open: None,
            rotated: VecDeque::new(),
        }
    }

    /// Gives every line that has been completed since the last look to `each`. `now` only ever grows.
    pub fn look(&mut self, now: Duration, each: &mut dyn FnMut(Split<'_>)) -> Looked {
        let found = self.find(now);
        let mut passed_over = 0;
        let mut has_more = false;
        let mut failed = None;
        for open in self.rotated.iter_mut().chain(&mut self.open) {
            match open.read_on(now, each) {
                Ok(read) => {
                    passed_over += read.passed_over;
                    has_more |= read.has_more;
                }
                Err(error) => failed = Some(unreadable(&error)),
            }
        }
        self.rotated
            .retain(|open| now.saturating_sub(open.grew_at) < ROTATED_FOR);
        let state = match (found, failed) {
            (Err(state), _) | (Ok(()), Some(state)) => state,
            (Ok(()), None) if passed_over > 0 => LogState::PassedOver { bytes: passed_over },
            (Ok(()), None) => LogState::Followed,
        };
        Looked { state, has_more }
    }

    /// Where reading has come to.
    pub fn place(&self) -> Option<Place> {
        self.open.as_ref().map(|open| open.place)
    }

    /// Sees to it that what stands at the name now is open.
    fn find(&mut self, now: Duration) -> Result<(), LogState> {
        let unreadable = |error: DirError| unreadable(&error.source);
        let meta = self.dir.find(&self.name).map_err(unreadable)?;
        let meta = meta.ok_or(LogState::Missing)?;
        if meta.kind != Kind::File {
            return Err(LogState::NotAFile {
                kind: meta.kind.word().to_owned(),
            });
        }
        let is_open = |open: &Open| (open.place.dev, open.place.ino) == (meta.dev, meta.ino);
        if self.open.as_ref().is_some_and(is_open) {
            return Ok(());
        }
        let (file, meta) = self.dir.open_file(&self.name).map_err(unreadable)?;
        let next = Open::begin(file, &meta, self.start, now);
        // Only the first file is begun elsewhere than at its beginning.
        self.start = Start::At(next.place);
        if let Some(rotated) = self.open.replace(next) {
            self.rotated.push_back(rotated);
            if self.rotated.len() > ROTATED_MAX {
                self.rotated.pop_front();
            }
        }
        Ok(())
    }
}

struct Read {
    passed_over: u64,
    has_more: bool,
}

impl Open {
    const fn begin(file: File, meta: &Meta, start: Start, now: Duration) -> Self {
        let offset = match start {
            Start::BeforeEnd(bytes) => meta.size.saturating_sub(bytes),
            Start::At(place) if place.dev == meta.dev && place.ino == meta.ino => place.offset,
            Start::At(_) => 0,
        };
        let within = matches!(start, Start::BeforeEnd(_)) && offset > 0;
        Self {
            file,
            // One byte earlier: if that ends a line, the line at the offset is whole.
            place: Place {
                dev: meta.dev,
                ino: meta.ino,
                offset: if within { offset - 1 } else { offset },
            },
            splitter: LineSplitter::new(LINE_MAX_BYTES),
            drops_rest: within,
            grew_at: now,
        }
    }

    fn read_on(&mut self, now: Duration, each: &mut dyn FnMut(Split<'_>)) -> io::Result<Read> {
        let size = lamp_fleet::file::meta(&self.file)?.size;
        if size < self.place.offset {
            // Cut to nothing and begun anew (`copytruncate`).
            self.go_to(0);
        }
        let behind = size - self.place.offset.min(size);
        let passed_over = if behind > BEHIND_MAX_BYTES {
            behind - GOES_ON_BYTES
        } else {
            0
        };
        if passed_over > 0 {
            self.go_to(size - GOES_ON_BYTES);
            self.drops_rest = true;
        }
        let begun = self.place.offset;
        let mut chunk = vec![0; CHUNK_BYTES];
        while self.place.offset - begun < LOOK_MAX_BYTES {
            match self.file.read_at(&mut chunk, self.place.offset) {
                Ok(0) => break,
                Ok(read) => self.take(&chunk[..read], each),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.place.offset > begun {
            self.grew_at = now;
        }
        Ok(Read {
            passed_over,
            has_more: self.place.offset - begun >= LOOK_MAX_BYTES,
        })
    }

    fn take(&mut self, bytes: &[u8], each: &mut dyn FnMut(Split<'_>)) {
        self.place.offset += bytes.len() as u64;
        let mut rest = bytes;
        if self.drops_rest {
            let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
                return;
            };
            self.drops_rest = false;
            rest = &bytes[end + 1..];
        }
        self.splitter.take(rest, each);
    }

    fn go_to(&mut self, offset: u64) {
        self.place.offset = offset;
        self.drops_rest = false;
        self.splitter.forget();
    }
}

fn unreadable(error: &io::Error) -> LogState {
    let why = lamp_logline::clean::one_line(&error.to_string(), crate::message::TEXT_MAX_BYTES);
    LogState::Unreadable { why }
}

#[cfg(test)]
mod tests;
