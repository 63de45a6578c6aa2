//! What a controller asks: the whole log as it grows, and the paging.

use std::time::Duration;

use lamp_fleet::protocol::{Refusal, Reply};
use lamp_model::Event;
use lamp_model::event::{Actor, Seq};
use lamp_model::incident::{PageId, PageResult};

use super::verbs::Answered;
use super::{Over, Session};
use crate::offer::not_understood;

/// Records that are read at once.
const PAGE_RECORDS: usize = 100;
/// How often a follower hears of the head, if nothing happens.
const HEAD_EVERY: Duration = Duration::from_secs(1);

impl Session {
    /// Tells every record behind `after` until the follower or the agent goes.
    pub(super) async fn follow(&self, mut after: Seq) -> Result<(), Over> {
        let mut written = self.shared.tools.ledger.journal.watch();
        let mut stop = self.shared.tools.stop.clone();
        loop {
            after = self.tell_all(after).await?;
            self.reply(&Reply::Head { seq: after }).await?;
            tokio::select! {
                _ = written.changed() => {}
                () = tokio::time::sleep(HEAD_EVERY) => {}
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
                () = self.connection.closed() => return Ok(()),
            }
        }
    }

    async fn tell_all(&self, mut after: Seq) -> Result<Seq, Over> {
        loop {
            let page = match self.shared.tools.ledger.log.read(after, PAGE_RECORDS).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(%error, "log not read for a follower");
                    return Ok(after);
                }
            };
            let Some(last) = page.last().map(|stored| stored.seq) else {
                return Ok(after);
            };
            for stored in page {
                let (seq, at, events) = (stored.seq, stored.record.at, stored.record.events);
                self.reply(&Reply::Happened { seq, at, events }).await?;
            }
            after = last;
        }
    }

    /// The paging is this peer's until its connection ends.
    pub(super) async fn take_paging(&mut self, by: &Actor) -> Answered {
        if self.paging.is_none() {
            self.paging = Some(self.shared.paging.take(by.pid).await?);
            tracing::info!(pid = by.pid, "a controller sends the pages");
        }
        let head = self.shared.tools.ledger.journal.view().seq;
        Ok(Reply::PagingTaken { head })
    }

    /// Writes a result down that a controller had. One that is there already is no news.
    pub(super) async fn page_settled(&self, page: PageId, result: PageResult) -> Answered {
        if self.paging.is_none() {
            return Err(not_understood("the paging was not taken here".into()));
        }
        let ledger = &self.shared.tools.ledger;
        let waits = || ledger.journal.world().outbox.contains_key(&page);
        if waits()
            && let Err(error) = ledger.append(vec![Event::PageSettled { page, result }]).await
            && waits()
        {
            let why = error.to_string();
            return Err(Refusal::LogUnavailable { why });
        }
        Ok(Reply::PageRecorded {})
    }
}
