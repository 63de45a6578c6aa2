//! The outbox in the log: what waits there, and what came of it.

use std::collections::BTreeMap;

use lamp_model::Event;
use lamp_model::incident::{PageId, PageResult};
use lamp_model::state::PendingPage;
use lamp_page::PageBook;
use lamp_page::drain::{NotRecorded, Recording};

use crate::ledger::Ledger;

impl PageBook for Ledger {
    fn pending(&self) -> BTreeMap<PageId, PendingPage> {
        self.journal.world().outbox.clone()
    }

    fn record(&self, page: PageId, result: PageResult) -> Recording<'_> {
        Box::pin(async move {
            let settled = self.append(vec![Event::PageSettled { page, result }]).await;
            settled.map(|_| ()).map_err(|error| NotRecorded {
                why: error.to_string(),
            })
        })
    }
}
