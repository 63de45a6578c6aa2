//! Makes any event log fail: as scripted, or by a seed that repeats.
//!
//! A fault is chosen when `append` is called, not when it is awaited, so that appends which are under way
//! together keep their order.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lamp_model::event::{Record, Seq};
use lamp_model::port::{Answer, AppendError, EventLog, Head, ReadError};
use lamp_model::stored::Stored;

use crate::seed::Seed;

/// How one append fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is written, and the answer is lost.
    UnknownWritten,
    /// It is not written, and the answer is lost.
    UnknownNotWritten,
    /// The answer is lost, and it is written only when the next append comes.
    UnknownWrittenLate,
    /// It is not written, and the log says so.
    Unavailable,
    /// It is not written: the log says that the head is elsewhere, though nobody else wrote.
    Conflict,
}

impl Fault {
    const ALL: [Self; 5] = [
        Self::UnknownWritten,
        Self::UnknownNotWritten,
        Self::UnknownWrittenLate,
        Self::Unavailable,
        Self::Conflict,
    ];
}

/// Which appends and reads fail.
#[derive(Debug)]
pub struct Faults {
    script: VecDeque<Option<Fault>>,
    chance: Option<(Seed, u64)>,
    failing_reads: u32,
}

impl Faults {
    /// The first appends fare as listed, all later ones well.
    pub fn script(script: impl IntoIterator<Item = Option<Fault>>) -> Self {
        Self {
            script: script.into_iter().collect(),
            chance: None,
            failing_reads: 0,
        }
    }

    /// Of a hundred appends `percent` fail, each in a way of the seed's choosing.
    pub fn seeded(seed: Seed, percent: u64) -> Self {
        Self {
            script: VecDeque::new(),
            chance: Some((seed, percent)),
            failing_reads: 0,
        }
    }

    /// The next `count` reads fail too.
    #[must_use]
    pub const fn with_failing_reads(mut self, count: u32) -> Self {
        self.failing_reads = count;
        self
    }

    fn next(&mut self) -> Option<Fault> {
        if let Some(scripted) = self.script.pop_front() {
            return scripted;
        }
        let (seed, percent) = self.chance.as_mut()?;
        (seed.below(100) < *percent).then(|| {
            let which = seed.below(Fault::ALL.len() as u64);
            Fault::ALL[usize::try_from(which).expect("below five")]
        })
    }
}

/// An event log that fails as its [`Faults`] say, and is otherwise `L`.
#[derive(Debug)]
pub struct FaultyLog<L> {
    inner: L,
    faults: Mutex<Faults>,
    late: Mutex<Option<(Seq, Record)>>,
}

impl<L: EventLog> FaultyLog<L> {
    /// `inner`, failing as `faults` say.
    pub const fn new(inner: L, faults: Faults) -> Self {
        Self {
            inner,
            faults: Mutex::new(faults),
            late: Mutex::new(None),
        }
    }

    /// From here on it fails as `faults` say.
    pub fn set(&self, faults: Faults) {
        *self.faults() = faults;
    }

    /// The log without its faults.
    pub const fn inner(&self) -> &L {
        &self.inner
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    fn read_fails(&self) -> bool {
        let mut faults = self.faults();
        let fails = faults.failing_reads > 0;
        faults.failing_reads = faults.failing_reads.saturating_sub(1);
        fails
    }

    fn append_or_fail(&self, expect: Seq, record: Record) -> Answer<'_, Seq, AppendError> {
        let fault = self.faults().next();
        match fault {
            None => self.inner.append(expect, record),
            Some(Fault::UnknownWritten) => self.append_and_lose(expect, record),
            Some(Fault::UnknownWrittenLate) => {
                *lock(&self.late) = Some((expect, record));
                Box::pin(async { Err(AppendError::Unknown) })
            }
            Some(Fault::UnknownNotWritten) => Box::pin(async { Err(AppendError::Unknown) }),
            Some(Fault::Unavailable) => Box::pin(async {
                Err(AppendError::Unavailable {
                    why: "the test made it so".to_owned(),
                })
            }),
            Some(Fault::Conflict) => Box::pin(async {
                let head = self.inner.head().await.map_or(Seq(0), |head| head.seq);
                Err(AppendError::Conflict { head })
            }),
        }
    }

    /// Appends, and loses the answer of what was written.
    fn append_and_lose(&self, expect: Seq, record: Record) -> Answer<'_, Seq, AppendError> {
        let appending = self.inner.append(expect, record);
        Box::pin(async move {
            match appending.await {
                Ok(_) => Err(AppendError::Unknown),
                failed @ Err(_) => failed,
            }
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<L: EventLog> EventLog for FaultyLog<L> {
    fn append(&self, expect: Seq, record: Record) -> Answer<'_, Seq, AppendError> {
        let late = lock(&self.late).take();
        let landing = late.map(|(expect, record)| self.inner.append(expect, record));
        let appending = self.append_or_fail(expect, record);
        Box::pin(async {
            if let Some(landing) = landing {
                // Nobody waits for its answer any more.
                let _ = landing.await;
            }
            appending.await
        })
    }

    fn read(&self, after: Seq, limit: usize) -> Answer<'_, Vec<Stored>, ReadError> {
        if self.read_fails() {
            return Box::pin(async {
                Err(ReadError::Unavailable {
                    why: "the test made it so".to_owned(),
                })
            });
        }
        self.inner.read(after, limit)
    }

    fn head(&self) -> Answer<'_, Head, ReadError> {
        self.inner.head()
    }
}
