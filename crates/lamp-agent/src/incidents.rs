//! Incidents and pages: what follows from the log is appended to it, and told outside.
//!
//! [`lamp_incident::follow`] says what follows; [`follow`] asks it after every change and each second, so that a
//! kill between a verdict and its page costs nothing: the next agent's log says the same. [`pages`] is the
//! outbox in the log, from which [`lamp_page`] sends. [`changes`] knows which files of a release are new.

pub mod changes;
pub mod follow;
pub mod pages;

use std::sync::Arc;

use lamp_incident::PagerTerms;
use lamp_page::{HeartbeatConfig, Notifier};

/// Who is told, and how.
pub struct Outside {
    /// The host's name, which pages bear.
    pub host: String,
    /// Who is paged; `None`: nobody, and no page is written down.
    pub pager: Option<PagerParts>,
    /// Who is told that the watching goes on.
    pub heartbeat: Option<HeartbeatConfig>,
}

/// Who is paged.
pub struct PagerParts {
    /// How loudly.
    pub terms: PagerTerms,
    /// By which way.
    pub notifier: Arc<dyn Notifier>,
}
