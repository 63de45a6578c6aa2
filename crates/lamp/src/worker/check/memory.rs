//! What the worker knows of its tree from the last check: facts of files ([`Facts`]), and what that check came to
//! ([`Last`]), which is answered again if nothing changed but lines.
//!
//! Invariant: what is answered is what a look without any memory would answer. `last` says when that is so; whatever is
//! not sure is looked at.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use lamp_agent::clock::SystemClock;
use lamp_check::{ContentHash, FACTS_VERSION, FactsCache, Limits, Taken, Tree};
use lamp_model::clock::Clock;

use super::answer::{self, Answer};
use super::dir_tree::DirTree;
use super::facts::Facts;
use super::last::{Last, hashes};
use crate::cli::args::CheckWorkerArgs;

/// What is opened while there are rights to.
pub(super) struct Opened {
    facts: Option<File>,
    last: Option<File>,
    /// Which program this is: one that is built anew may answer something else.
    program: String,
    /// When the look begins, in nanoseconds since 1970.
    now_nanos: Option<i128>,
}

impl Opened {
    /// `None`: the asker keeps nothing.
    pub(super) fn of(args: &CheckWorkerArgs) -> Option<Self> {
        let open = |path| fs_err::File::open(path).ok().map(fs_err::File::into_file);
        Some(Self {
            facts: open(args.facts.as_ref()?),
            last: args.last.as_ref().and_then(open),
            program: program(),
            now_nanos: SystemClock::new().ok().map(|clock| clock.now().as_nanosecond()),
        })
    }
}

/// By which file this process runs; one that cannot be told is like no other.
fn program() -> String {
    match fs_err::metadata("/proc/self/exe") {
        Ok(of) => {
            let (changed, nanos) = (of.ctime(), of.ctime_nsec());
            format!("{} {} {} {changed}.{nanos}", of.dev(), of.ino(), of.size())
        }
        Err(_) => format!("unknown {}", std::process::id()),
    }
}

/// What is known of a tree.
pub(super) struct Memory {
    facts_file: Mutex<Option<File>>,
    /// Read when first asked for.
    facts: OnceLock<Facts>,
    last: Last,
    last_bytes: Vec<u8>,
    asked: String,
    now_nanos: Option<i128>,
    /// Of each entry, the hash of its bytes, if its inode tells that they are those of the last time.
    hashes: Vec<Option<ContentHash>>,
    /// Of each entry, what this check takes of it.
    taken: Mutex<Vec<Taken>>,
}

impl Memory {
    pub(super) fn new(opened: Opened, args: &CheckWorkerArgs, tree: &DirTree) -> Self {
        let last_bytes = super::last::read(opened.last);
        let last = Last::of(&last_bytes);
        let who = (rustix::process::geteuid(), rustix::process::getegid());
        Self {
            asked: format!("{FACTS_VERSION} {} {who:?} {args:?}", opened.program),
            now_nanos: opened.now_nanos,
            facts_file: Mutex::new(opened.facts),
            facts: OnceLock::new(),
            hashes: hashes(&last, tree),
            taken: Mutex::new(vec![Taken::Name; tree.entries().len()]),
            last,
            last_bytes,
        }
    }

    /// What the last check answered to the same question, if it is what this one would.
    pub(super) fn answer(&mut self, tree: &DirTree, limits: &Limits) -> Option<Answer> {
        let answer = self.standing(tree, limits);
        if answer.is_none() {
            self.taken().fill(Taken::Name);
            // What was parsed to see that is not parsed again.
            if let Some(facts) = self.facts.get_mut() {
                facts.recall_the_learned();
            }
        }
        answer
    }

    fn standing(&self, tree: &DirTree, limits: &Limits) -> Option<Answer> {
        if self.last.asked != self.asked {
            return None;
        }
        let moves = lamp_check::moves(tree, limits, self, &self.last.stood)?;
        let mut answer: Answer = serde_json::from_str(&self.last.answer).ok()?;
        moves.report(&mut answer.report)?;
        answer
            .unknown
            .iter_mut()
            .try_for_each(|unknown| moves.unknown(unknown))?;
        answer::show_again(tree, &mut answer, |entry| self.hash_of(entry).is_none());
        Some(answer)
    }

    /// What is to be kept for the next time; `answer` is what this check came to.
    pub(super) fn to_keep(&self, tree: &DirTree, answer: String, origin: Origin) -> ToKeep {
        let (facts, fresh) = match origin {
            Origin::Looked => self.facts().to_keep(),
            Origin::Stood => (Vec::new(), self.facts().fresh()),
        };
        let taken = self.taken();
        // What could not be read may be readable the next time, and nothing would tell.
        let (asked, answer) = match taken.contains(&Taken::Unread) {
            true => (String::new(), String::new()),
            false => (self.asked.clone(), answer),
        };
        let next = Last {
            asked,
            answer,
            fresh,
            ..Last::standing(tree, &taken, self.now_nanos)
        };
        let last = next.bytes().filter(|bytes| *bytes != self.last_bytes);
        ToKeep {
            last: last.unwrap_or_default(),
            facts,
        }
    }

    fn facts(&self) -> &Facts {
        self.facts.get_or_init(|| {
            let mut file = self.facts_file.lock().unwrap_or_else(PoisonError::into_inner);
            Facts::read(file.take()).with_fresh(&self.last.fresh)
        })
    }

    fn taken(&self) -> MutexGuard<'_, Vec<Taken>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How an answer was come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The tree was looked at.
    Looked,
    /// The last answer still stands.
    Stood,
}

impl FactsCache for Memory {
    fn get(&self, hash: &ContentHash) -> Option<&[u8]> {
        self.facts().get(hash)
    }

    fn put(&self, hash: ContentHash, facts: Vec<u8>) {
        self.facts().put(hash, facts);
    }

    fn hash_of(&self, entry: usize) -> Option<ContentHash> {
        self.hashes.get(entry).copied().flatten()
    }

    fn takes(&self, entry: usize, taken: Taken) {
        if let Some(before) = self.taken().get_mut(entry) {
            *before = both(*before, taken);
        }
    }
}

/// What is taken of a file of which both are: who takes its bytes takes its facts. One that changed in between is as one
/// that was not read.
fn both(a: Taken, b: Taken) -> Taken {
    match (a, b) {
        (Taken::Name, other) | (other, Taken::Name) => other,
        (Taken::Unread, _) | (_, Taken::Unread) => Taken::Unread,
        (Taken::Facts(a) | Taken::Bytes(a), Taken::Facts(b) | Taken::Bytes(b)) if a != b => Taken::Unread,
        (Taken::Facts(_), Taken::Facts(_)) => a,
        (Taken::Bytes(hash), Taken::Facts(_) | Taken::Bytes(_)) | (Taken::Facts(_), Taken::Bytes(hash)) => {
            Taken::Bytes(hash)
        }
    }
}

/// Two files' bytes, each perhaps none: then what was kept stays as it is.
#[derive(Default)]
pub(super) struct ToKeep {
    last: Vec<u8>,
    facts: Vec<u8>,
}

impl ToKeep {
    /// Nothing, or the length of the first in eight bytes, it, and the second: as [`Kept`] of the asker takes it apart.
    pub(super) fn write(&self, into: &mut impl Write) -> io::Result<()> {
        if self.last.is_empty() && self.facts.is_empty() {
            return Ok(());
        }
        let length = u64::try_from(self.last.len()).unwrap_or(u64::MAX);
        into.write_all(&length.to_le_bytes())?;
        into.write_all(&self.last)?;
        into.write_all(&self.facts)
    }
}
