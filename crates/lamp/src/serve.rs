//! The controller's process, which is not root: it follows the log through the agent's socket, sends the pages, and
//! shows over HTTP how it goes.
//!
//! Read [`follow`] (the log, folded), [`results`] (what came of pages, on disk until the agent has it), [`paging`]
//! (the paging taken over, and given back), [`health`] and [`metrics`] (pure: what is shown), [`web`] (to whom),
//! [`run`] (all of it, until a signal), [`config`] (`[serve]`).
//!
//! Invariants: it writes nothing of the host's but its own directory; it sends pages only while it holds the
//! paging; a result is on its disk before anybody is told, and stays there until the log has it.

pub mod config;
pub mod follow;
pub mod health;
pub mod metrics;
pub mod paging;
pub mod results;
pub mod run;
pub mod web;

pub use config::ServeConfig;
