//! What the benches of a whole outage are given: a lamp, a WordPress, and a place for labs.

use std::path::PathBuf;

use anyhow::{Context, Result};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Given {
    /// The lamp to measure
    #[arg(long, default_value = "target/release/lamp")]
    pub(crate) lamp: PathBuf,
    /// A WordPress tree, as its package unpacks it
    #[arg(long, default_value = ".packages/root/usr/share/wordpress")]
    pub(crate) wordpress: PathBuf,
    /// Where labs are made; must be a disk, not a tmpfs
    #[arg(long, default_value = "/var/tmp")]
    pub(crate) dir: PathBuf,
}

impl Given {
    /// The same with paths that hold from anywhere; says how to make what is not there.
    pub(crate) fn canonical(&self) -> Result<Self> {
        Ok(Self {
            lamp: fs_err::canonicalize(&self.lamp).context("build it first: cargo build --release")?,
            wordpress: fs_err::canonicalize(&self.wordpress).context("unpack it first: make packages")?,
            dir: self.dir.clone(),
        })
    }
}
