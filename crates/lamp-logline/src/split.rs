//! Bytes to lines, holding at most one line's bound.

use crate::field::Unreadable;

/// What a splitter gives out: a line without its end, or why there is none.
pub type Split<'a> = Result<&'a [u8], Unreadable>;

/// Puts lines together from chunks of bytes.
#[derive(Debug)]
pub struct LineSplitter {
    max_bytes: usize,
    pending: Vec<u8>,
    /// The line under way is longer than the bound: its rest is passed over.
    overlong: bool,
}

impl LineSplitter {
    /// A splitter that refuses lines longer than `max_bytes`.
    pub const fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            pending: Vec::new(),
            overlong: false,
        }
    }

    /// Takes the next bytes in, and gives each line that they complete to `each`, without its end.
    pub fn take(&mut self, mut bytes: &[u8], each: &mut dyn FnMut(Split<'_>)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.hold(&bytes[..end]);
            each(if self.overlong {
                Err(Unreadable::TooLong)
            } else {
                Ok(&self.pending)
            });
            self.forget();
            bytes = &bytes[end + 1..];
        }
        self.hold(bytes);
    }

    /// Drops the line under way: its end will never come, the file was replaced.
    pub fn forget(&mut self) {
        self.pending.clear();
        self.overlong = false;
    }

    /// Whether a line has begun and not ended.
    pub fn is_within_line(&self) -> bool {
        self.overlong || !self.pending.is_empty()
    }

    fn hold(&mut self, bytes: &[u8]) {
        if self.overlong || self.pending.len() + bytes.len() > self.max_bytes {
            self.overlong = true;
            self.pending.clear();
            return;
        }
        self.pending.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lamp_testkit::seed::Seed;

    #[track_caller]
    fn check(chunks: &[&str], expected: &[&str]) {
        let mut splitter = LineSplitter::new(8);
        let mut lines = Vec::new();
        for chunk in chunks {
            splitter.take(chunk.as_bytes(), &mut |line| {
                lines.push(line.map_or("(too long)".to_owned(), |line| {
                    String::from_utf8_lossy(line).into_owned()
                }));
            });
        }
        assert_eq!(lines, expected, "{chunks:?}");
    }

    #[test]
    fn lines_come_whole_however_they_are_cut() {
        check(&["one\ntwo\n"], &["one", "two"]);
        check(&["o", "n", "e\nt", "wo", "\n"], &["one", "two"]);
        check(&["half"], &[]);
        check(&["\n\n"], &["", ""]);
        check(&["12345678\n"], &["12345678"]);
        check(&["123456789\nnext\n"], &["(too long)", "next"]);
        check(&["12345", "6789", "more", "\nnext\n"], &["(too long)", "next"]);
    }

    #[test]
    fn a_line_whose_end_never_comes_is_dropped() {
        let mut splitter = LineSplitter::new(8);
        splitter.take(b"half", &mut |_| {});
        assert!(splitter.is_within_line());
        splitter.forget();
        let mut lines = Vec::new();
        splitter.take(b"new\n", &mut |line| lines.push(line.map(<[u8]>::to_vec)));
        assert_eq!(lines, [Ok(b"new".to_vec())]);
    }

    #[test]
    fn it_never_holds_more_than_its_bound() {
        for seed in 0..2_000 {
            let mut random = Seed::new(seed);
            let bytes: Vec<u8> = (0..random.below(300))
                .map(|_| b"ab\n\0\xff"[random.below(5) as usize])
                .collect();
            let bound = 1 + random.below(20) as usize;
            let mut splitter = LineSplitter::new(bound);
            let mut lines = Vec::new();
            for chunk in bytes.chunks(1 + random.below(20) as usize) {
                splitter.take(chunk, &mut |line| lines.push(line.map(<[u8]>::to_vec)));
                assert!(splitter.pending.len() <= bound, "seed {seed}");
            }
            let ends = bytes.iter().filter(|byte| **byte == b'\n').count();
            let whole = bytes.split(|byte| *byte == b'\n').take(ends).map(|line| {
                Some(line.to_vec())
                    .filter(|line| line.len() <= bound)
                    .ok_or(Unreadable::TooLong)
            });
            assert!(lines.into_iter().eq(whole), "seed {seed}");
        }
    }
}
