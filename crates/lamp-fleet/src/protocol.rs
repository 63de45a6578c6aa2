//! How `lamp` speaks to the agent: frames of JSON over a unix socket, with open files beside them.
//!
//! Read [`message`] (what may be said: a closed set of verbs that name sites and releases by id, never
//! by path), [`frame`] (how a message stands on the wire, and its bounds), [`connection`] (the socket).
//! Both sides say hello first; a peer of another [`VERSION`] is told so and refused.
//!
//! Invariant: decoding is a plain function of bytes; nothing that a peer sends can panic, or take more
//! memory than [`frame::BODY_MAX_BYTES`] and [`frame::FILES_MAX`] descriptors at a time.

pub mod connection;
pub mod frame;
pub mod message;

pub use connection::{Connection, ConnectionError};
pub use message::{Aim, Refusal, Reply, Request};

/// The version of the protocol; both sides must speak the same.
pub const VERSION: u32 = 4;
