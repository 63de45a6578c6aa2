//! Twins: a test environment of production's own configuration; replay and comparison.
//!
//! [`rehearse`] is the whole: it reads what production is (`recipe`), builds a twin of it in a sandbox
//! (`form`, `twin`), asks the live release twice and the candidate once, and says in what the answers differ and why.
//!
//! Invariants: nothing of production changes; what runs in a twin is held as root that means harm would be; a
//! rehearsal that is given up, however, leaves nothing behind.

// What is to be done.
pub mod plan;

// What production is, and what its twin will be.
mod certificate;
mod form;
mod recipe;

// The twin.
mod database;
mod memory;
mod outside;
mod programs;
mod redact;
mod services;
pub mod twin;

// Asking it.
mod coverage;
mod replay;

// The whole.
mod rehearse;
mod up;

pub mod error;

pub use error::TwinError;
pub use plan::{LoggedRequest, Phase, RehearsalBounds, RehearsalPlan, Tools};
pub use rehearse::rehearse;
pub use twin::Twin;
pub use up::{reap, up};
