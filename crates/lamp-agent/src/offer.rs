//! A tree that was offered on one connection, and the files of it that were handed over so far.
//!
//! An offer is nobody else's business and stands nowhere but in memory: a connection that ends takes it
//! along. Once all its files are here, the deployment needs the one who offered no more: what was opened
//! stays open, read with the rights of whoever opened it.

use std::collections::HashSet;
use std::fs::File;
use std::os::fd::OwnedFd;

use lamp_fleet::protocol::Refusal;
use lamp_model::name::DeploymentId;
use lamp_model::plan::Plan;
use lamp_model::tree::Hash;
use rustix::fs::{FileType, OFlags};

use crate::hands::{Delivery, Planned};

/// One offer.
#[derive(Debug)]
pub struct Offer {
    plan: Plan,
    lacking: HashSet<Hash>,
    delivery: Delivery,
}

impl Offer {
    /// An offer of which no file is here yet.
    pub fn new(planned: Planned, delivery: Delivery) -> Self {
        Self {
            plan: planned.plan,
            lacking: planned.lacking.into_iter().collect(),
            delivery,
        }
    }

    /// The deployment that it would be.
    pub const fn deployment(&self) -> &DeploymentId {
        &self.plan.deployment
    }

    /// Takes files; answers how many are here.
    pub fn take(&mut self, hashes: Vec<Hash>, files: Vec<OwnedFd>) -> Result<u64, Refusal> {
        if hashes.len() != files.len() {
            return Err(not_understood(format!(
                "{} hashes with {} files",
                hashes.len(),
                files.len()
            )));
        }
        for (hash, file) in hashes.into_iter().zip(files) {
            check_readable_file(&file)?;
            if !self.lacking.contains(&hash) {
                return Err(not_understood(format!("file {hash} was not asked for")));
            }
            self.delivery.files.insert(hash, File::from(file));
        }
        Ok(self.delivery.files.len() as u64)
    }

    /// The plan and all that it needs.
    pub fn complete(self) -> Result<(Plan, Delivery), Refusal> {
        let missing = self
            .lacking
            .iter()
            .filter(|hash| !self.delivery.files.contains_key(hash))
            .count();
        if missing > 0 {
            return Err(Refusal::FilesMissing {
                deployment: self.plan.deployment,
                missing: missing as u64,
            });
        }
        Ok((self.plan, self.delivery))
    }
}

/// A pipe or a device could hold the agent up for ever.
fn check_readable_file(file: &OwnedFd) -> Result<(), Refusal> {
    let failed =
        |errno: rustix::io::Errno| not_understood(format!("a file that cannot be looked at: {errno}"));
    let stat = rustix::fs::fstat(file).map_err(failed)?;
    let flags = rustix::fs::fcntl_getfl(file).map_err(failed)?;
    let readable = flags & OFlags::RWMODE != OFlags::WRONLY && !flags.contains(OFlags::PATH);
    if FileType::from_raw_mode(stat.st_mode).is_file() && readable {
        return Ok(());
    }
    Err(not_understood(
        "a descriptor that is no readable regular file".into(),
    ))
}

/// A message that cannot come now, or not like this.
pub const fn not_understood(why: String) -> Refusal {
    Refusal::NotUnderstood { why }
}
