//! What is to be found out about the broken release of a run: read off the breakage, in a tree of this bench's own.

use anyhow::{Context, Result};
use lamp_lab::wordpress::{self, Unpacked};
use lamp_lab::{Breakage, apps, breakage};
use serde::Serialize;

use super::{Options, Setting};

/// Where the mistake is.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Expected {
    /// What kind of mistake.
    pub(super) kind: String,
    /// The file that fails, relative to the release.
    pub(super) path: String,
    /// Its line.
    pub(super) line: u32,
    /// The rule of the check that sees it; `None`: only running it shows it.
    pub(super) rule: Option<String>,
    /// The right name, where there is one.
    pub(super) right: Option<String>,
}

impl Expected {
    /// As reports and pages write a place.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.path, self.line)
    }
}

/// Breaks a release as the demo will.
pub(super) fn of(options: &Options, setting: Setting, seed: Option<u64>) -> Result<Expected> {
    let dir = options
        .given
        .dir
        .join(format!("lamp-bench-{}", std::process::id()));
    let broken = broken_in(&dir, options, setting, seed);
    if dir.exists() {
        fs_err::remove_dir_all(&dir)?;
    }
    broken
}

fn broken_in(
    dir: &std::path::Path,
    options: &Options,
    setting: Setting,
    seed: Option<u64>,
) -> Result<Expected> {
    let breakage = picked(&written(dir, options, setting)?, seed)?;
    let broken = breakage.apply(dir)?;
    Ok(Expected {
        kind: breakage.kind,
        path: broken.path,
        line: broken.line,
        rule: broken.rule,
        right: broken.right,
    })
}

/// Writes a release, and says how it may be broken.
fn written(dir: &std::path::Path, options: &Options, setting: Setting) -> Result<Vec<Breakage>> {
    match setting {
        Setting::WordPress => {
            Unpacked::at(options.given.wordpress.clone())?.write_release(dir, "r1", "shop.example")?;
            Ok(wordpress::breakages()?)
        }
        Setting::Fixture => {
            let app = apps::with_all_ways()?;
            app.write_release(dir, "r1")?;
            Ok(app.facts.breakages)
        }
    }
}

fn picked(all: &[Breakage], seed: Option<u64>) -> Result<Breakage> {
    let picked = breakage::pick(all, seed).cloned();
    picked.context("the application knows no breakage")
}
