//! The host side, root: executes plans by id, arms, rolls back, writes the log.
//!
//! Read in this order: [`agent`] (the one loop), [`session`] (a connection and its verbs), [`offer`] and
//! [`job`] (a deployment from what is handed over to its end), [`execute`] (a plan, step by step),
//! [`recover`] (pure: what is to be done with what was interrupted) and [`settle`] (which does it),
//! [`hands`] (the port to a site) and [`site_hands`] (the real ones), [`gate`] (what a release must pass),
//! [`armed`], [`hold`], [`ledger`].
//!
//! Invariants: a switch is armed on disk before it is made; the log says how a deployment ended before
//! the armed switch is taken away; what was interrupted goes back by itself (a rollback: goes on), on the
//! same path after a failed step, a signal, a kill, a restart of the host. An agent that is told to end
//! (SIGTERM) goes back from what is not confirmed at once, rather than leave it to its next start.

pub mod access;
pub mod agent;
pub mod armed;
pub mod asker;
pub mod background;
pub mod clock;
pub mod config;
pub mod desk;
pub mod execute;
pub mod gate;
pub mod guard;
pub mod hands;
pub mod hold;
pub mod incidents;
pub mod job;
pub mod ledger;
pub mod offer;
pub mod paging;
pub mod recover;
pub mod retain;
pub mod session;
pub mod settle;
pub mod shutdown;
pub mod site_hands;
pub mod socket;
pub mod state_dir;
pub mod watch;

pub use agent::{Parts, Running, start};
pub use config::Config;

#[cfg(test)]
mod interruption_tests;
