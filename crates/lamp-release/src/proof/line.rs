//! One line of our own access log.
//!
//! ```text
//! LogFormat "%>s %{lamp-release}n %P %{begin:usec}t %D %{lamp-door}n %{c}a %R \"%r\"" lamp
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
    /// Whether it came through the side door.
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
    let mut fields = line
        .split(|byte| *byte == b' ')
        .map(|field| std::str::from_utf8(field).ok());
    let mut next = |field| fields.next().flatten().ok_or(LineError { field });
    let (status, release) = (next("status")?, next("release")?);
    let (pid, begun, took, door) = (next("pid")?, next("begin")?, next("duration")?, next("door")?);
    Ok(Line {
        status: unless_dash(status, |text| text.parse().ok()).ok_or(LineError { field: "status" })?,
        release: unless_dash(release, |text| ReleaseId::parse(text).ok())
            .ok_or(LineError { field: "release" })?,
        pid: pid
            .parse()
            .ok()
            .filter(|pid| *pid > 0)
            .ok_or(LineError { field: "pid" })?,
        begun_micros: begun
            .parse::<u64>()
            .map_err(|_| LineError { field: "begin" })?
            .into(),
        took_micros: took.parse().map_err(|_| LineError { field: "duration" })?,
        is_door: match door {
            "-" => false,
            "1" => true,
            _ => return Err(LineError { field: "door" }),
        },
    })
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
