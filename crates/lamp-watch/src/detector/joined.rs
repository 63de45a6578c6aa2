//! Errors that wait for the line of their request: joined by the id that both logs have for it.

use std::collections::{HashMap, VecDeque};

use lamp_logline::{ErrorLine, LogId};
use lamp_model::ReleaseId;
use lamp_model::evidence::ErrorSignature;

/// Most requests whose errors wait. Of a request that never ends, the errors go here unheard.
const WAITING_MAX: usize = 1_024;

/// The worst error of each request that has not ended.
#[derive(Debug, Default)]
pub(super) struct Joined {
    waiting: HashMap<LogId, ErrorLine>,
    order: VecDeque<LogId>,
}

impl Joined {
    pub(super) fn put(&mut self, line: ErrorLine) {
        let Some(id) = line.log_id.clone() else {
            return;
        };
        let is_worse = |other: &ErrorLine| line.signature(None).kind < other.signature(None).kind;
        match self.waiting.get_mut(&id) {
            Some(other) if is_worse(other) => *other = line,
            Some(_) => {}
            None => {
                self.make_room();
                self.order.push_back(id.clone());
                self.waiting.insert(id, line);
            }
        }
    }

    /// The error of a request that has ended, relative to the release that answered it.
    pub(super) fn take(&mut self, id: &LogId, release: Option<&ReleaseId>) -> Option<ErrorSignature> {
        let line = self.waiting.remove(id)?;
        if let Some(at) = self.order.iter().position(|waiting| waiting == id) {
            self.order.remove(at);
        }
        Some(line.signature(release))
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.order.len().max(self.waiting.len())
    }

    fn make_room(&mut self) {
        while self.order.len() >= WAITING_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.waiting.remove(&oldest);
            }
        }
    }
}
