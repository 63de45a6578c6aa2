//! Releases: store, plan, switch, rollback, retention.
//!
//! Read in this order: [`source`] (what a directory would be as a release), [`store`] (where releases lie and
//! how they share what is equal), [`verify`] and [`diff`], [`plan`] (what a deployment or a rollback will
//! do), [`step`] (the effect of each step), [`switch`] (the one place where what answers changes), [`bake`]
//! and [`proof`] (whether it answers well), [`retention`], [`config`].
//!
//! Invariants: a release, once it has its name, never changes; what answers requests changes in
//! [`switch::LinkSwitch`] alone; every step may be run again after any crash; the live release and those
//! that a way back leads to are never removed.

pub mod bake;
pub mod config;
pub mod diff;
pub mod error;
pub mod plan;
mod programs;
pub mod proof;
pub mod retention;
pub mod source;
pub mod step;
pub mod store;
pub mod switch;
pub mod verify;

pub use config::SiteConfig;
pub use error::StoreError;
pub use store::{Owner, Store};
pub use switch::LinkSwitch;
