//! Log bytes to typed lines and error signatures. Pure.
//!
//! Read in this order: [`split`] (bytes to lines), [`field`] (a line to its trusted fields, or [`Unreadable`]), [`access`] (one line
//! of our access log), [`request`] (what a visitor asked for), [`route`] (requests that are alike), [`error_line`] (one line of our error
//! log), [`signature`] (what PHP said, without what differs from one request to the next), [`clean`] (text fit to be shown).
//!
//! The formats are `LOG_FORMAT` and `ERROR_LOG_FORMAT` of `lamp-apache`; `tests/samples` holds what a real Apache with a real PHP wrote.
//!
//! Invariants: no bytes make it panic; what a visitor wrote stands behind what Apache wrote, and never changes how that is read;
//! every text that comes out is bounded and without control or direction-changing characters.

pub mod access;
pub mod clean;
pub mod error_line;
pub mod field;
pub mod request;
pub mod route;
pub mod signature;
pub mod split;

pub use access::{AccessLine, Handler};
pub use error_line::{ErrorLine, Severity};
pub use field::{LogId, Unreadable};
pub use request::{AskablePath, Method, RequestLine, Target};
pub use route::RouteShape;
pub use split::LineSplitter;

/// Longest line that is looked at, in bytes. Apache's own bound on a request line is 8,190; escaped it may take four times that.
pub const LINE_MAX_BYTES: usize = 64 * 1024;
