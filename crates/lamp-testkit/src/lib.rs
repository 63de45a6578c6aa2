//! Fakes and contract suites for tests; a dev-dependency only.
//!
//! [`clock`] is time set by hand; [`fault`] makes any event log fail by script or by seed; [`event_log`]
//! and [`leases`] are the suites that every implementation of those ports passes; [`sample`] makes the
//! nouns that tests need.
//!
//! Invariant: nothing here depends on an implementation, so a suite cannot be bent to one.

pub mod clock;
pub mod event_log;
pub mod fault;
pub mod leases;
pub mod sample;
pub mod seed;

pub use clock::ManualClock;
pub use event_log::event_log_contract;
pub use fault::{Fault, Faults, FaultyLog};
pub use leases::leases_contract;
pub use seed::Seed;
