//! Our own bare copy of a repository, kept among the caller's caches: of one elsewhere all branches and tags, fetched;
//! of one on this machine nothing but the way to its objects, so that no program runs in it.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use lamp_fleet::Dir;
use lamp_fleet::dir::DirLock;
use lamp_fleet::file::Ownership;

use super::error::GitError;
use super::program::{Git, Run, bytes_in};
use super::{GitGround, ObjectFormat};
use crate::source::spec::{Address, Reference};

/// How often it is tried again to have the copy for oneself.
const LOCK_TICK: Duration = Duration::from_millis(50);
/// Under which name the branch stands that a repository elsewhere has checked out.
pub(super) const THEIR_HEAD: &str = "refs/lamp/head";
/// Nothing of use is printed.
const QUIET_MAX_BYTES: u64 = 64 << 10;

/// A copy. Until [`Copy::share`] nobody else changes it.
#[derive(Debug)]
pub(super) struct Copy {
    dir: Dir,
    pub(super) git: Git,
    alone: Option<DirLock>,
}

impl Copy {
    /// The copy of the repository called `place`, made if need be.
    pub(super) fn open(ground: &GitGround, place: &str, format: ObjectFormat) -> Result<Self, GitError> {
        let name = format!("git/{}.{}", blake3::hash(place.as_bytes()), format.as_str());
        let owner = owned(&ground.cache)?;
        ground.cache.ensure_dir("git", owner)?;
        let dir = ground.cache.ensure_dir(&name, owner)?;
        let alone = alone(&dir, place, ground.limits.fetch_timeout)?;
        let git = Git::on(dir.path(), &ground.variables, ground.limits);
        let copy = Self {
            dir,
            git,
            alone: Some(alone),
        };
        if copy.dir.find("objects/pack")?.is_none() || copy.dir.find("HEAD")?.is_none() {
            copy.make(format)?;
        }
        Ok(copy)
    }

    /// No template: it could hold hooks.
    fn make(&self, format: ObjectFormat) -> Result<(), GitError> {
        let format = format!("--object-format={}", format.as_str());
        let args = ["init", "--bare", "--quiet", "--template=", &format];
        let run = self.git.reading("make its own copy", &args);
        self.git.output(run, QUIET_MAX_BYTES).map(drop)
    }

    /// Objects are found in the directory `objects`, too.
    pub(super) fn read_from(&self, objects: &Path) -> Result<(), GitError> {
        let text = objects.to_str().filter(|text| !text.contains('\n'));
        let Some(text) = text else {
            return Err(GitError::NoRepository {
                path: objects.display().to_string(),
                why: "its path is no line of UTF-8",
            });
        };
        let owner = owned(&self.dir)?;
        self.dir.ensure_dir("objects/info", owner)?;
        let line = format!("{text}\n");
        Ok(self.dir.put_file(
            "objects/info/alternates",
            line.as_bytes(),
            Ownership { mode: 0o600, ..owner },
        )?)
    }

    /// Brings all branches and tags of a repository elsewhere, and what the reference names beside them.
    pub(super) fn fetch(&self, address: &Address, reference: &Reference) -> Result<(), GitError> {
        let further = further_refspec(reference);
        let mut args = vec![
            "fetch",
            "--quiet",
            "--prune",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--",
            address.as_str(),
            "+refs/heads/*:refs/heads/*",
            "+refs/tags/*:refs/tags/*",
        ];
        args.extend(further.as_deref());
        let limits = self.git.limits;
        let run = Run {
            operation: "fetch the repository",
            args: &args,
            allowed: limits.fetch_timeout,
            growing: Some((self.dir.open_dir("objects/pack")?, limits.copy_max_bytes)),
        };
        self.git.output(run, QUIET_MAX_BYTES)?;
        too_large(&self.dir.open_dir("objects/pack")?, limits.copy_max_bytes)
    }

    /// Lets others change it: the commit is found, and no object of a copy goes for two weeks after its last name did
    /// (git's `gc.pruneExpire`).
    pub(super) fn share(&mut self) {
        self.alone = None;
    }

    /// An open empty file that has no name.
    pub(super) fn nameless_file(&self) -> Result<File, GitError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("file-{}-{number}", std::process::id());
        let owner = owned(&self.dir)?;
        // What is there already was left by a killed process of the same number.
        self.dir.remove_file(&name)?;
        let file = self.dir.create_file(&name, Ownership { mode: 0o600, ..owner })?;
        self.dir.remove_file(&name)?;
        Ok(file)
    }
}

/// A fetch may end between two looks of its watchdog.
fn too_large(packs: &Dir, max_bytes: u64) -> Result<(), GitError> {
    match bytes_in(packs) > max_bytes {
        true => Err(GitError::TooLarge {
            what: "the repository",
            max_bytes,
        }),
        false => Ok(()),
    }
}

/// What a reference asks for that is neither branch nor tag.
fn further_refspec(reference: &Reference) -> Option<String> {
    let text = reference.as_str();
    if text == "HEAD" {
        return Some(format!("+HEAD:{THEIR_HEAD}"));
    }
    let comes_anyway = text.starts_with("refs/heads/") || text.starts_with("refs/tags/");
    (text.starts_with("refs/") && !comes_anyway).then(|| format!("+{text}:{text}"))
}

/// Who owns the caches owns the copy, and nobody else reads it.
fn owned(dir: &Dir) -> Result<Ownership, GitError> {
    let meta = dir.own_meta()?;
    Ok(Ownership {
        uid: meta.uid,
        gid: meta.gid,
        mode: 0o700,
    })
}

fn alone(dir: &Dir, place: &str, patience: Duration) -> Result<DirLock, GitError> {
    let until = Instant::now() + patience;
    loop {
        if let Some(lock) = dir.try_lock()? {
            return Ok(lock);
        }
        if Instant::now() >= until {
            return Err(GitError::Busy {
                repository: place.to_owned(),
                waited: patience,
            });
        }
        std::thread::sleep(LOCK_TICK);
    }
}
