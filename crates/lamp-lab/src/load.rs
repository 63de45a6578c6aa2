//! The open-loop load generator: what visitors do, and whether each was served by one whole release.
//!
//! Open loop: the moments at which requests are sent are fixed beforehand ([`schedule`]) and wait for no
//! answer, so a server that stalls is met by all who would have come meanwhile. [`run`] sends them from
//! threads inside the lab's network and keeps one [`Record`] each; [`judge`] is pure and says what they
//! amount to. All times are [`Nanos`] of one clock, the kernel's since boot, which the switcher reads too.

mod client;
pub mod judge;
pub mod marker;
pub mod record;
pub mod schedule;

pub use client::{LoadPlan, Running, Visitors, run};
pub use judge::{Fault, Judgement, Switch, Switches, Tally, judge};
pub use marker::{Markers, Way};
pub use record::{Nanos, Outcome, Record, Target};
