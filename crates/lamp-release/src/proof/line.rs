//! One line of our own access log.
//!
//! ```text
//! LogFormat "%>s %{lamp-release}n %P %{begin:usec}t %D %{lamp-door}n %{c}a %L %R \"%r\"" lamp
//! ```
//!
//! The fields that Apache itself fills in come first, so that nothing a visitor writes can stand in their
//! place; of what follows them nothing is believed, and nothing is read here.

use lamp_model::ReleaseId;

/// Longest line that is looked at, in bytes. Apache's own bound on a request line is 8,190.
pub const LINE_MAX_BYTES: usize = 64 * 1024;

/// What the trusted fields of one line say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The final status; `None` when nothing was answered.
    pub status: Option<u16>,
    /// The release that answered; `None` for a request that came to none.
    pub release: Option<ReleaseId>,
    /// The worker, as Apache's host numbers it.
    pub pid: i32,
    /// When the request was received, microseconds since 1970.
    pub begun_micros: i128,
    /// How long it took, in microseconds.
    pub took_micros: u64,
    /// Whether it was asked of a chosen release, through the side door. A probe of ours that was answered as visitors are is
    /// as good as a visit here.
    pub is_door: bool,
}

/// Why bytes are no line of our format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no line of the format `lamp`: {field}")]
pub struct LineError {
    /// The first field that is not what it should be.
    pub field: &'static str,
}

/// Reads one line, without its end.
pub fn parse(line: &[u8]) -> Result<Line, LineError> {
    if line.len() > LINE_MAX_BYTES {
        return Err(LineError { field: "its length" });
    }
    let mut fields = Fields(line);
    Ok(Line {
        status: fields.next("status", |text| unless_dash(text, |text| text.parse().ok()))?,
        release: fields.next("release", |text| {
            unless_dash(text, |text| ReleaseId::parse(text).ok())
        })?,
        pid: fields.next("pid", |text| text.parse().ok().filter(|pid| *pid > 0))?,
        begun_micros: fields.next("begin", |text| text.parse::<u64>().ok())?.into(),
        took_micros: fields.next("duration", |text| text.parse().ok())?,
        is_door: fields.next("door", door)?,
    })
}

fn door(text: &str) -> Option<bool> {
    match text {
        "-" | "2" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

/// What is left of a line.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    /// Takes the next field, up to a blank, as `read` understands it.
    fn next<T>(&mut self, field: &'static str, read: impl FnOnce(&str) -> Option<T>) -> Result<T, LineError> {
        let end = self
            .0
            .iter()
            .position(|byte| *byte == b' ')
            .unwrap_or(self.0.len());
        let (text, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        std::str::from_utf8(text)
            .ok()
            .and_then(read)
            .ok_or(LineError { field })
    }
}

/// Apache writes `-` for what is not there.
fn unless_dash<T>(text: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
    if text == "-" {
        Some(None)
    } else {
        read(text).map(Some)
    }
}

/// Puts lines together from chunks of bytes, holding at most one line's bound.
#[derive(Debug)]
pub struct Splitter {
    max_bytes: usize,
    pending: Vec<u8>,
    /// The line under way is longer than the bound: its rest is passed over.
    overlong: bool,
}

impl Splitter {
    /// A splitter that passes over lines longer than `max_bytes`.
    pub const fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            pending: Vec::new(),
            overlong: false,
        }
    }

    /// Takes the next bytes in, and gives each line that they complete to `each`, without its end.
    pub fn take(&mut self, mut bytes: &[u8], each: &mut dyn FnMut(&[u8])) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.hold(&bytes[..end]);
            if !self.overlong {
                each(&self.pending);
            }
            self.pending.clear();
            self.overlong = false;
            bytes = &bytes[end + 1..];
        }
        self.hold(bytes);
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

    const GOOD: &str = r#"200 20261122-101650-3f9a1c2b 4711 1795342610123456 812 - 192.0.2.7 - application/x-httpd-php "GET / HTTP/1.1""#;

    #[track_caller]
    fn refused(line: &str, field: &str) {
        assert_eq!(
            parse(line.as_bytes()).map_err(|error| error.field),
            Err(field),
            "{line}"
        );
    }

    #[test]
    fn the_trusted_fields_are_read_and_nothing_behind_them() {
        let line = parse(GOOD.as_bytes()).expect("a line of the format");
        assert_eq!(line.status, Some(200));
        assert_eq!(
            line.release.as_ref().map(ReleaseId::as_str),
            Some("20261122-101650-3f9a1c2b")
        );
        assert_eq!(
            (line.pid, line.begun_micros, line.took_micros),
            (4711, 1_795_342_610_123_456, 812)
        );
        assert!(!line.is_door);
        let forged = format!("{GOOD} 500 other 1 1 1 1");
        assert_eq!(parse(forged.as_bytes()), Ok(line));
        let ours = parse(GOOD.replace(" - ", " 2 ").as_bytes()).expect("a line of the format");
        assert!(!ours.is_door);
        let door = parse(GOOD.replace(" - ", " 1 ").as_bytes()).expect("a line of the format");
        assert!(door.is_door);
        let none = parse(b"408 - 12 5 6 - 192.0.2.7 - - \"-\"").expect("a request that came to no release");
        assert_eq!(none.release, None);
    }

    #[test]
    fn what_is_no_line_is_refused_by_its_field() {
        refused("", "status");
        refused("ok rel 1 2 3 -", "status");
        refused("200", "release");
        refused("200 ../x 1 2 3 -", "release");
        refused("200 rel 0 2 3 -", "pid");
        refused("200 rel -5 2 3 -", "pid");
        refused("200 rel 1 now 3 -", "begin");
        refused("200 rel 1 2 -3 -", "duration");
        refused("200 rel 1 2 3 yes", "door");
        refused("200 rel 1 2 3", "door");
        refused(&"2".repeat(LINE_MAX_BYTES + 1), "its length");
    }

    /// Lines of the format with bytes changed, cut and doubled at random, and noise.
    fn fuzz(seed: u64) {
        let mut state = seed;
        let mut random = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut bytes = GOOD.repeat(3).into_bytes();
        for _ in 0..random(40) {
            let at = random(bytes.len());
            match random(4) {
                0 => bytes[at] = b"\n \0\xff-1"[random(6)],
                1 => bytes.truncate(at + 1),
                2 => bytes.extend_from_within(at..),
                _ => bytes.insert(at, b'\n'),
            }
        }
        let bound = 1 + random(200);
        let mut splitter = Splitter::new(bound);
        let mut lines = Vec::new();
        for chunk in bytes.chunks(1 + random(50)) {
            splitter.take(chunk, &mut |line| {
                let _ = parse(line);
                lines.push(line.to_vec());
            });
            assert!(splitter.pending.len() <= bound, "seed {seed}");
        }
        let ends = bytes.iter().filter(|byte| **byte == b'\n').count();
        let whole = bytes
            .split(|byte| *byte == b'\n')
            .take(ends)
            .filter(|line| line.len() <= bound);
        assert!(lines.iter().map(Vec::as_slice).eq(whole), "seed {seed}");
    }

    #[test]
    fn no_bytes_make_it_panic_and_lines_come_out_whole() {
        (0..20_000).for_each(fuzz);
    }
}
