//! What the agent writes down, and who may: the journal, the leases, the clock; and what a plan in
//! execution has yet to write down ([`Notes`]).

use std::sync::Arc;
use std::time::Duration;

use lamp_log::{Journal, JournalError};
use lamp_model::clock::Clock;
use lamp_model::event::{Event, Reason, Seq};
use lamp_model::name::SiteName;
use lamp_model::port::{EventLog, Grant, Holder, LeaseError, Leases};
use lamp_model::state::Site;

use crate::hold::{Holds, Moment, Side, Told};

/// How long a lease lasts without a heartbeat.
pub const LEASE_TTL: Duration = Duration::from_secs(15);
/// How often a lease is renewed.
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);

/// How long a step may be under way before whoever watches is told.
const TELL_WITHIN: Duration = Duration::from_millis(20);

/// The journal, the leases, the clock, and where a drill may hold whoever writes.
#[derive(Clone)]
pub struct Ledger {
    /// The one writer of the log.
    pub journal: Journal,
    /// The log, for reading.
    pub log: Arc<dyn EventLog>,
    /// Who may act.
    pub leases: Arc<dyn Leases>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Hold points.
    pub holds: Holds,
}

impl Ledger {
    /// Appends, durably. A failure is a reason to go no further.
    pub async fn log(&self, events: Vec<Event>) -> Result<Seq, Reason> {
        self.append(events).await.map_err(|error| Reason::LogUnavailable {
            error: error.to_string(),
        })
    }

    /// Appends, durably.
    pub async fn append(&self, events: Vec<Event>) -> Result<Seq, JournalError> {
        let told = self.told_by(&events);
        self.pass(Side::Before, &told).await;
        let seq = self.journal.append(events).await?;
        self.pass(Side::After, &told).await;
        Ok(seq)
    }

    fn told_by(&self, events: &[Event]) -> Vec<Told> {
        let world = self.journal.world();
        let action = |page| Some(world.outbox.get(&page)?.intent.action);
        let told = events.iter().filter_map(|event| Told::of(event, action));
        told.collect()
    }

    async fn pass(&self, side: Side, told: &[Told]) {
        for told in told {
            self.holds.pass(side, Moment::Record(*told)).await;
        }
    }

    /// What the log says of a site; of one that it never heard of, nothing.
    pub fn site(&self, site: &SiteName) -> Site {
        self.journal.world().site(site).cloned().unwrap_or_default()
    }

    /// Takes the lease on `name`, for `purpose`, in the name of this process.
    ///
    /// Within the process a desk lets one thing begin at a time: a lease of its own that still stands is
    /// one that could not be given up, because the disk was full then.
    pub async fn lease(&self, name: &str, purpose: String) -> Result<Grant, LeaseError> {
        let holder = Holder {
            purpose,
            pid: own_pid(),
        };
        match self.acquire(name, holder.clone()).await {
            Err(LeaseError::Held { by }) if by.holder.pid == holder.pid => {
                self.leases.release(&by).await?;
                self.acquire(name, holder).await
            }
            acquired => acquired,
        }
    }

    async fn acquire(&self, name: &str, holder: Holder) -> Result<Grant, LeaseError> {
        self.leases
            .acquire(name, holder, LEASE_TTL, self.clock.boot_time())
            .await
    }

    /// Renews a lease again and again; ends only when it is lost.
    pub async fn keep(&self, grant: &Grant) -> LeaseError {
        loop {
            tokio::time::sleep(HEARTBEAT_EVERY).await;
            match self.leases.renew(grant, LEASE_TTL, self.clock.boot_time()).await {
                Ok(_) => {}
                Err(lost @ LeaseError::Lost { .. }) => return lost,
                // A disk that is full now may not be at the next beat; the log fences meanwhile.
                Err(error) => tracing::warn!(lease = grant.name, %error, "heartbeat failed"),
            }
        }
    }

    /// Gives a lease up.
    pub async fn give_up(&self, grant: &Grant) {
        if let Err(error) = self.leases.release(grant).await {
            tracing::warn!(lease = grant.name, %error, "lease not given up; it runs out by itself");
        }
    }
}

/// What happened and is not in the log yet, in its order.
///
/// Every record costs a sync of the disk, so what happens at once is told at once: in one record. Whoever
/// needs the log to be complete calls [`Notes::tell`] first.
pub struct Notes<'a> {
    ledger: &'a Ledger,
    untold: Vec<Event>,
}

/// Whether work may be left in its middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// It only watches.
    AnyTime,
    /// It changes files, on a thread that would go on by itself.
    AtItsEnd,
}

impl<'a> Notes<'a> {
    /// None yet.
    pub const fn new(ledger: &'a Ledger) -> Self {
        Self {
            ledger,
            untold: Vec::new(),
        }
    }

    /// Adds to what is to be told.
    pub fn add(&mut self, events: impl IntoIterator<Item = Event>) {
        self.untold.extend(events);
    }

    /// Appends all of it, durably, as one record.
    pub async fn tell(&mut self) -> Result<(), Reason> {
        let events = std::mem::take(&mut self.untold);
        if events.is_empty() {
            return Ok(());
        }
        self.ledger.log(events).await.map(|_| ())
    }

    /// Waits for `work`. What is untold is told meanwhile if that takes a while; a log that cannot be
    /// written is then the answer.
    pub async fn tell_beside<T>(&mut self, work: impl Future<Output = T>, leave: Leave) -> Result<T, Reason> {
        let mut work = std::pin::pin!(work);
        tokio::select! {
            biased;
            done = &mut work => return Ok(done),
            () = tokio::time::sleep(TELL_WITHIN) => {}
        }
        match self.tell().await {
            Err(reason) if leave == Leave::AnyTime => Err(reason),
            told => {
                let done = work.await;
                told.map(|()| done)
            }
        }
    }
}

/// This process, as leases and events name it.
pub fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

/// The name of the lease on a site.
pub fn site_lease(site: &SiteName) -> String {
    format!("site/{site}")
}

#[cfg(test)]
mod tests {
    use lamp_log::{HostProcesses, MemoryLeases, MemoryLog, MemorySnapshots, Parts, Writer};
    use lamp_model::ReleaseId;
    use lamp_model::tree::Hash;
    use lamp_testkit::{Fault, Faults, FaultyLog, ManualClock};

    use super::*;

    fn stored(release: &str) -> Event {
        Event::Stored {
            site: SiteName::parse("shop").expect("valid"),
            release: ReleaseId::parse(release).expect("valid"),
            tree: Hash::ZERO,
            files: 1,
            size_bytes: 1,
            new_bytes: 1,
            source: "a test".into(),
            origin: None,
        }
    }

    /// A ledger whose log fails at every append from here on, if `fails`.
    async fn ledger(fails: bool) -> Ledger {
        let log = Arc::new(FaultyLog::new(MemoryLog::default(), Faults::script([])));
        let clock = Arc::new(ManualClock::new());
        let parts = Parts {
            log: Arc::clone(&log) as _,
            snapshots: Arc::new(MemorySnapshots::default()),
            clock: Arc::clone(&clock) as _,
            writer: Writer([7; 8]),
            epoch: 1,
            host: "test".into(),
        };
        let journal = Journal::open(parts).await.expect("a journal");
        let script = std::iter::repeat_n(Some(Fault::Unavailable), if fails { 100 } else { 0 });
        log.set(Faults::script(script));
        Ledger {
            journal,
            log,
            leases: Arc::new(MemoryLeases::new(Arc::new(HostProcesses))),
            clock,
            holds: Holds::new("/no/such/directory".into()),
        }
    }

    #[tokio::test]
    async fn what_happens_at_once_is_one_record() {
        let ledger = ledger(false).await;
        let before = ledger.journal.view().seq;
        let mut notes = Notes::new(&ledger);
        notes.add([stored("a"), stored("b")]);
        let work = std::future::ready("done");
        assert_eq!(notes.tell_beside(work, Leave::AtItsEnd).await, Ok("done"));
        assert_eq!(ledger.journal.view().seq, before, "nothing took a while");
        notes.add([stored("c")]);
        for _ in 0..2 {
            notes.tell().await.expect("told");
            assert_eq!(ledger.journal.view().seq, Seq(before.0 + 1));
        }
        let world = ledger.journal.world();
        assert_eq!(world.sites.values().next().expect("told of").releases.len(), 3);
    }

    #[tokio::test]
    async fn what_takes_a_while_is_told_meanwhile() {
        let ledger = ledger(false).await;
        let mut notes = Notes::new(&ledger);
        notes.add([stored("a")]);
        let mut views = ledger.journal.watch();
        views.mark_unchanged();
        let told = notes.tell_beside(async { views.changed().await.is_ok() }, Leave::AtItsEnd);
        assert_eq!(told.await, Ok(true), "it ends only when the log has told of it");
    }

    #[tokio::test]
    async fn a_log_that_fails_ends_what_only_watches_and_no_other_work() {
        let ledger = ledger(true).await;
        let mut notes = Notes::new(&ledger);
        notes.add([stored("a")]);
        let watching = notes.tell_beside(std::future::pending::<()>(), Leave::AnyTime);
        assert!(matches!(watching.await, Err(Reason::LogUnavailable { .. })));
        notes.add([stored("a")]);
        let mut ended = false;
        let work = async {
            tokio::time::sleep(TELL_WITHIN * 3).await;
            ended = true;
        };
        let told = notes.tell_beside(work, Leave::AtItsEnd).await;
        assert!(matches!(told, Err(Reason::LogUnavailable { .. })));
        assert!(ended, "files are not left in the middle of a step");
    }
}
