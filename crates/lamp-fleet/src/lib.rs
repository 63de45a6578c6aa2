//! A host and how it is reached; the agent's protocol; the one tree walker.
//!
//! Start at [`Host`]: it answers a [`Dir`], and beneath a `Dir` every file operation goes by descriptor, so
//! that no link planted in a tree leads out of it. [`walk`] is how trees are read.
//!
//! Invariant: what is done beneath a `Dir` stays beneath it; nothing follows a symbolic link there.

pub mod copy;
pub mod dir;
pub mod error;
pub mod file;
pub mod host;
pub mod protocol;
pub mod walk;

pub use dir::Dir;
pub use error::DirError;
pub use file::{Kind, Meta};
pub use host::{Host, HostError};
