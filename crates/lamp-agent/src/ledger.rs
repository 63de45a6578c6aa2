//! What the agent writes down, and who may: the journal, the leases, the clock.

use std::sync::Arc;
use std::time::Duration;

use lamp_log::{Journal, JournalError};
use lamp_model::clock::Clock;
use lamp_model::event::{Event, Reason, Seq};
use lamp_model::name::SiteName;
use lamp_model::port::{EventLog, Grant, Holder, LeaseError, Leases};
use lamp_model::state::Site;

/// How long a lease lasts without a heartbeat.
pub const LEASE_TTL: Duration = Duration::from_secs(15);
/// How often a lease is renewed.
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);

/// The journal, the leases, the clock.
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
        self.journal.append(events).await
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

/// This process, as leases and events name it.
pub fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

/// The name of the lease on a site.
pub fn site_lease(site: &SiteName) -> String {
    format!("site/{site}")
}
