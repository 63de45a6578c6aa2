//! The log, the leases and the journal against real files, real processes and a really full disk.

mod contract;
mod crash;
mod disk_full;
mod file;
mod fixture;
mod journal;
mod property;
mod snapshot;
mod support;
