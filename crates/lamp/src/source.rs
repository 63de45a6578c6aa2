//! The tree that becomes a release, read with the rights of whoever typed.

use std::path::Path;

use lamp_agent::clock::SystemClock;
use lamp_fleet::Host;
use lamp_model::clock::Clock;
use lamp_release::source::{Source, StatCache};

use crate::errors::{Trouble, log, source as told};

/// Reads `dir`.
pub fn read(dir: &Path) -> Result<Source, Trouble> {
    let clock = SystemClock::new().map_err(|error| log::no_clock(&error))?;
    let real = fs_err::canonicalize(dir).map_err(|error| told::not_there(dir, &error))?;
    let opened = Host::local()
        .dir(&real)
        .map_err(|error| told::not_there(dir, &error))?;
    Source::read(opened, &mut StatCache::default(), clock.now()).map_err(|error| told::not_taken(&error))
}
