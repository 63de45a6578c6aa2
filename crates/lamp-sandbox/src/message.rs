//! What owner, keeper, first process and callers say to each other.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::step::Step;

/// What a freshly started init program is asked to be.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Asked {
    /// The keeper of a sandbox; beside this the state directory's lock and a descriptor of the owner.
    Keep { state_dir: PathBuf },
    /// A process that tries what this machine can, and answers with checks.
    Try { dir: PathBuf },
}

/// From the first process to the keeper, and on to the owner, while building.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Progress {
    /// This step is done.
    Reached(Step),
    /// The step after this one failed; it is over.
    Failed { after: Step, why: String },
    /// Commands are served.
    Serving,
}

/// From the keeper to the first process: the journal names it, build on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Build;

/// From a caller to the first process; beside it the descriptors that `given` lists.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) program: Word,
    pub(crate) args: Vec<Word>,
    pub(crate) env: Vec<(Word, Word)>,
    pub(crate) cwd: PathBuf,
    pub(crate) user: Option<(u32, u32)>,
    pub(crate) outlives_caller: bool,
    /// Which of the standard three come beside this, in order.
    pub(crate) given: Vec<Standard>,
}

/// What a program is handed: text nearly always, any bytes at times; text is sent as short as it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Word {
    #[serde(rename = "t")]
    Text(String),
    #[serde(rename = "b")]
    Bytes(Vec<u8>),
}

impl From<&OsStr> for Word {
    fn from(word: &OsStr) -> Self {
        word.to_str().map_or_else(
            || Self::Bytes(word.as_bytes().to_vec()),
            |text| Self::Text(text.to_owned()),
        )
    }
}

impl From<Word> for OsString {
    fn from(word: Word) -> Self {
        match word {
            Word::Text(text) => text.into(),
            Word::Bytes(bytes) => Self::from_vec(bytes),
        }
    }
}

impl Word {
    /// For people.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}

/// One of the standard descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Standard {
    In,
    Out,
    Err,
}

/// From the first process to a caller.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Ran {
    /// It runs; beside this a descriptor of it.
    Running,
    /// It could not be executed: the kernel's error number.
    Refused { errno: i32 },
    /// It returned this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}
