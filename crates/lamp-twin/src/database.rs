//! The database of a twin: a copy of a prepared copy.
//!
//! A plain copy of a live database's files is corrupt, so `mariabackup` makes a consistent one (the *base*) while the server goes
//! on, and prepares it. The base is kept, renewed when it is old, and each twin gets a copy of its own. The server's side of the
//! backup runs where the server runs; the rest in a sandbox that sees nothing but the host's programs and the base.
//!
//! ```text
//! bases/<site>/full/       the prepared copy
//! bases/<site>/taken.json  when it was taken
//! bases/<site>/next/       being made
//! ```

mod backup;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use lamp_fleet::dir::DirLock;
use lamp_fleet::file::Ownership;
use lamp_fleet::{Dir, Host, copy, file};
use lamp_model::clock::{BootTime, Clock};
use lamp_release::config::DatabaseConfig;
use lamp_sandbox::InitProgram;

use crate::error::TwinError;
use crate::plan::RehearsalPlan;
use crate::recipe::Recipe;
use crate::up::{GivenUp, ROOT_ALONE, ROOT_FILE};

const FULL: &str = "full";
const NEXT: &str = "next";
const TAKEN: &str = "taken.json";
/// More than the file that says when.
const TAKEN_MAX_BYTES: u64 = 4_096;
/// Room that must be left beside the copies.
const SPARE_BYTES: u64 = 64 << 20;
/// Up to this size a database is copied anew for each rehearsal: 1.3 GB take 4 to 6 s, a small one less than 2.
const ALWAYS_RENEWED_BYTES: u64 = 1 << 30;
/// Between two looks whether another rehearsal of the site is done with the base.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A site's prepared copy, locked against other rehearsals of the site.
#[derive(Debug)]
pub(crate) struct Base {
    dir: Dir,
    path: PathBuf,
    datadir: Dir,
    _lock: DirLock,
}

/// Where a base is made, and of what.
pub(crate) struct Source<'a> {
    pub(crate) plan: &'a RehearsalPlan,
    pub(crate) recipe: &'a Recipe,
    pub(crate) database: &'a DatabaseConfig,
    pub(crate) init: &'a InitProgram,
    pub(crate) given_up: &'a GivenUp,
}

impl Base {
    /// Opens the site's base, which may not be there yet.
    pub(crate) fn open(source: &Source<'_>) -> Result<Self, TwinError> {
        let state = Host::local()
            .dir(&source.plan.state_dir)
            .map_err(TwinError::Production)?;
        let bases = state.ensure_dir("bases", ROOT_ALONE)?;
        let dir = bases.ensure_dir(source.plan.name.as_str(), ROOT_ALONE)?;
        let lock = lock(&dir, source.plan.bounds.base_max, source.given_up)?;
        let datadir = source.recipe.host.dir(source.database.datadir.as_path());
        Ok(Self {
            path: source
                .plan
                .state_dir
                .join("bases")
                .join(source.plan.name.as_str()),
            dir,
            datadir: datadir.map_err(TwinError::Production)?,
            _lock: lock,
        })
    }

    /// Whether it is made anew though it is young, if that can be done: a copy from before the site was installed, or its tables
    /// were changed, shows the candidate another site, and a small one costs little.
    pub(crate) fn is_small(&self) -> Result<bool, TwinError> {
        Ok(copy::disk_bytes(&self.datadir)? <= ALWAYS_RENEWED_BYTES)
    }

    /// Whether it must be made anew before it is used.
    pub(crate) fn is_stale(&self, clock: &dyn Clock, most: Duration) -> Result<bool, TwinError> {
        if self.dir.find(FULL)?.is_none() || self.dir.find(TAKEN)?.is_none() {
            return Ok(true);
        }
        let bytes = self.dir.read_file(TAKEN, TAKEN_MAX_BYTES)?;
        let taken: Option<BootTime> = serde_json::from_slice(&bytes).ok();
        // Of another boot means: long ago.
        let age = taken.and_then(|taken| clock.boot_time().since(&taken));
        Ok(age.is_none_or(|age| age > most))
    }

    /// Makes it anew; the one that is there stays until the new one is whole.
    pub(crate) fn renew(&self, source: &Source<'_>, taken: &BootTime) -> Result<(), TwinError> {
        // The base and one copy of it.
        self.check_room(2 * copy::disk_bytes(&self.datadir)?)?;
        self.dir.remove_all(NEXT)?;
        self.dir.create_dir(NEXT, ROOT_ALONE)?;
        backup::make(source, &self.dir, &self.path, NEXT)?;
        self.dir.remove_file(TAKEN)?;
        self.dir.remove_all(FULL)?;
        self.dir.rename(NEXT, FULL)?;
        let text = serde_json::to_vec(taken).map_err(|_| TwinError::Interrupted)?;
        Ok(self.dir.put_file(TAKEN, &text, ROOT_FILE)?)
    }

    /// Copies it into the empty directory `to`; all of it belongs to whom production's files belong.
    pub(crate) fn copy_into(&self, to: &Dir) -> Result<(), TwinError> {
        let full = self.dir.open_dir(FULL)?;
        self.check_room(copy::disk_bytes(&full)?)?;
        let owner = self.datadir.own_meta()?;
        let owned = Ownership {
            uid: owner.uid,
            gid: owner.gid,
            mode: owner.mode,
        };
        file::own(std::os::fd::AsFd::as_fd(to), owned)
            .map_err(|errno| TwinError::system("set the owner of the twin's database", errno))?;
        copy::tree(&full, to)?;
        Ok(())
    }

    fn check_room(&self, bytes: u64) -> Result<(), TwinError> {
        let (needed_bytes, free_bytes) = (bytes + SPARE_BYTES, self.dir.space()?.free_bytes);
        if free_bytes >= needed_bytes {
            return Ok(());
        }
        Err(TwinError::NoRoom {
            path: self.path.clone(),
            needed_bytes,
            free_bytes,
        })
    }
}

fn lock(dir: &Dir, most: Duration, given_up: &GivenUp) -> Result<DirLock, TwinError> {
    let begun = Instant::now();
    loop {
        if let Some(lock) = dir.try_lock()? {
            return Ok(lock);
        }
        given_up.check()?;
        if begun.elapsed() > most {
            return Err(TwinError::TooSlow {
                seconds: most.as_secs(),
                at: "waiting for another rehearsal of the site",
            });
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
