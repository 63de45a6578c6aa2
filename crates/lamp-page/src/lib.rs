//! Pages: what somebody outside must be told, and how it gets out.
//!
//! What is told is decided elsewhere and stands in the log before any of this runs. Read in this order:
//! [`outbox`] (pure: which page is tried when, and why), [`notifier`] (whoever takes pages, and what they may
//! say), [`pagerduty`] (one of them), [`drain`] (the loop that brings the two together), [`heartbeat`] (the sign of life for a
//! dead man's switch), [`config`] (`[page]` and `[heartbeat]`), [`endpoint`] and [`secret`] (where to, and with
//! which key), [`words`] (text that is safe to send), [`error`].
//!
//! Invariants: a page is tried only if its intent is in the log, and again only if no result of it is; at most
//! one copy of it is under way; pages of one key go out in the order in which they were written down, so a
//! resolve never overtakes its trigger; no key and no secret address stands in any error, log or page.

pub mod config;
pub mod drain;
pub mod endpoint;
pub mod error;
pub mod heartbeat;
pub mod notifier;
pub mod outbox;
pub mod pagerduty;
pub mod secret;
pub mod words;

pub use config::{HeartbeatConfig, PageConfig};
pub use drain::{Cycle, PageBook, Pager, Valve};
pub use error::{EndpointError, KeyError};
pub use notifier::{Nobody, Notifier, Said};
pub use outbox::{Outbox, Try, Why};
pub use pagerduty::PagerDuty;
