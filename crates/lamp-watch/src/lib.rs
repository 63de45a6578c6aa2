//! Watching: our own logs followed, failures of a kind never seen before noticed, both releases asked, a verdict reached.
//!
//! Read in this order: [`message`] (what the worker and the agent say to each other), [`detector`] (pure: which failure is worth a
//! question), [`verdict`] (pure: what the answers mean), [`question`] (asking both releases through the side door), [`probe`] (the
//! probes of each second, and whether the watcher sees them), [`hanging`] (pure: requests that do not end), [`disk`] and [`certificate`]
//! (pure: what surrounds a site), [`follow`] (a log through rotation and
//! truncation), [`serve`] (the worker's own side), [`worker`] (the agent's side of it).
//!
//! Invariants: a line of a log only asks, it never decides; what reads a log is a process without rights that answers typed, bounded
//! values ([`message::FromWorker`]); a release is bad only if it fails each time that it is asked, and the release before answers well or
//! cannot be asked, because the release's own endless computing holds every worker; nothing
//! seen of our own probes is never "good".

pub mod certificate;
pub mod detector;
pub mod disk;
pub mod follow;
pub mod hanging;
pub mod heard;
pub mod message;
pub mod probe;
pub mod question;
pub mod serve;
pub mod sightings;
pub mod verdict;
mod wake;
pub mod worker;

pub use detector::Detector;
pub use message::{FromWorker, ToWorker};
pub use worker::Worker;
