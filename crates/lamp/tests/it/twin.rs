//! Twins of a site in a lab: the lab is production here, and must never notice.

pub(crate) mod bench;
mod held;
mod killed;
mod outside;
mod rehearsal;
mod trouble;
mod wordpress;
