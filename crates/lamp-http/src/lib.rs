//! The one HTTP client: by address, by unix socket, or inside a sandbox's network.
//!
//! Read in this order: [`request`] (what is asked and answered), [`trust`] (whom TLS believes),
//! [`builder`] (how a [`Client`] is made), [`client`], [`inside`] (work on a thread that has joined a
//! network namespace), [`lookup`] (the addresses of a host name, for whoever needs one before), [`certificate`] (what a server shows,
//! read whatever is wrong with it), [`error`].
//!
//! Invariants: a client speaks to one address and nowhere else (no redirect is followed, no proxy and no
//! environment is read, no name is looked up); every answer is bounded in size and time; TLS is rustls
//! with ring.

pub mod builder;
pub mod certificate;
pub mod client;
pub mod error;
pub mod inside;
pub mod lookup;
pub mod request;
pub mod trust;

pub use builder::{Builder, Protocol, Scheme, Way};
pub use client::Client;
pub use error::{BuildError, HttpError};
pub use request::{Answer, Request};
pub use trust::Trust;
