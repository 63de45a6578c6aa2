//! The tree that becomes a release, read with the rights of whoever typed.
//!
//! Hashes of files that did not change since the last time come from a cache of the caller's own; without
//! one, everything is hashed. Copies of repositories are kept beside it; without a place for them, none is read.

use std::path::{Path, PathBuf};

use lamp_agent::clock::SystemClock;
use lamp_fleet::{Dir, Host};
use lamp_model::clock::Clock;
use lamp_release::source::git::{GitGround, Limits};
use lamp_release::source::spec::{GitSpec, Place, SourceSpec};
use lamp_release::source::{Source, StatCache};

use crate::errors::{Trouble, log, source as told};
use crate::screen::say;

/// Reads what `--from` names.
pub fn read(from: &Path) -> Result<Source, Trouble> {
    let spec = SourceSpec::parse(from, Path::is_dir).map_err(|error| told::not_named(&error))?;
    match spec {
        SourceSpec::Dir(dir) => read_dir(&dir),
        SourceSpec::Git(spec) => read_commit(spec),
    }
}

/// Reads a commit.
pub fn read_commit(mut spec: GitSpec) -> Result<Source, Trouble> {
    if let Place::Local(path) = &mut spec.place {
        *path = fs_err::canonicalize(&*path).map_err(|error| told::not_there(path, &error))?;
    }
    let ground = GitGround {
        cache: cache_dir().ok_or_else(told::no_place_for_copies)?,
        variables: std::env::vars_os().collect(),
        limits: Limits::default(),
    };
    let source = Source::read_commit(&spec, &ground).map_err(|error| told::not_taken(&error))?;
    for submodule in &source.submodules {
        say(&told::submodule(submodule));
    }
    Ok(source)
}

fn read_dir(dir: &Path) -> Result<Source, Trouble> {
    let clock = SystemClock::new().map_err(|error| log::no_clock(&error))?;
    let real = fs_err::canonicalize(dir).map_err(|error| told::not_there(dir, &error))?;
    let opened = Host::local()
        .dir(&real)
        .map_err(|error| told::not_there(dir, &error))?;
    let kept = cache_dir();
    let name = StatCache::name_for(&real);
    let mut cache = kept
        .as_ref()
        .map_or_else(StatCache::default, |kept| StatCache::load(kept, &name));
    let source = Source::read(opened, &mut cache, clock.now()).map_err(|error| told::not_taken(&error))?;
    if let Some(Err(error)) = kept.map(|kept| cache.save(&kept, &name)) {
        tracing::debug!(%error, "the cache of hashes is not kept");
    }
    Ok(source)
}

/// Where the caller's caches are (XDG Base Directory Specification), made if need be. One that belongs to
/// somebody else, as under `sudo` with the user's own HOME, is not used: it could name wrong hashes.
pub fn cache_dir() -> Option<Dir> {
    let absolute = |name| {
        let path = std::env::var_os(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    let base = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
    let path = base.join("lamp");
    fs_err::create_dir_all(&path).ok()?;
    let dir = Host::local().dir(&path).ok()?;
    let own = dir.own_meta().ok()?.uid == rustix::process::geteuid().as_raw();
    own.then_some(dir)
}
