//! Processes of ours without rights, each a hidden verb: what they read was written by strangers.

pub mod check;
pub mod requests;
pub mod watch;
