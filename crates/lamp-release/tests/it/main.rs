//! Releases on real filesystems: ext4, where files are shared by hard link, and XFS, where by reflink.
//!
//! Needs root, for the filesystems are real; without it each test fails and says so.

#![allow(clippy::panic, reason = "the helpers of tests fail as tests do")]

mod crash;
mod disk;
mod faults;
mod git;
mod sharing;
mod site;
mod source;
mod steps;
mod workers;
