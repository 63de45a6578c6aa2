//! What production is, as found: what a twin of it is made after. Reading changes nothing.
//!
//! Each part has a pure half that a test feeds with text ([`mounts`], [`apache`]) and a half that reads.

mod apache;
mod mounts;
mod places;

use std::path::{Path, PathBuf};

use lamp_fleet::{Dir, Host, HostError, Kind};
use lamp_release::SiteConfig;
use lamp_sandbox::Sandbox;
use lamp_sandbox::plan::{Layer, RootPlan};

use crate::error::TwinError;
use apache::Named;
pub(crate) use places::FoundDir;

/// More than any file of configuration that is read holds, in bytes.
const TEXT_MAX_BYTES: u64 = 1 << 20;
/// Files of configuration that are read at most.
const FILES_MAX: usize = 2_000;
/// Where private keys are looked for, beside those that Apache's configuration names.
const KEY_DIRS: [&str; 4] = ["/etc/ssl", "/etc/letsencrypt", "/etc/apache2", "/etc/pki"];

/// Production, as a twin sees it.
#[derive(Debug)]
pub(crate) struct Recipe {
    /// Its files and processes.
    pub(crate) host: Host,
    /// Its real filesystems, in mount order; the whole root comes first.
    pub(crate) layers: Vec<Layer>,
    /// Its filesystems that a twin does not show.
    pub(crate) not_shown: Vec<PathBuf>,
    /// Its own name.
    pub(crate) hostname: String,
    /// Its /etc/hosts.
    pub(crate) hosts: String,
    /// Directories of /run that are there while its services run.
    pub(crate) run_dirs: Vec<FoundDir>,
    /// Directories of /var/log.
    pub(crate) log_dirs: Vec<FoundDir>,
    /// Document roots that its Apache serves.
    pub(crate) docroots: Vec<PathBuf>,
    /// Certificates that its Apache shows.
    pub(crate) certificates: Vec<KeptFile>,
    /// Files that hold private keys.
    pub(crate) keys: Vec<KeptFile>,
    /// Versions of php-fpm that run, as in `8.2`, and where each listens.
    pub(crate) fpm: Vec<Fpm>,
}

/// A file whose owner and mode are kept when another text takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptFile {
    pub(crate) path: PathBuf,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mode: u32,
}

/// A php-fpm that runs in production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fpm {
    /// As in `8.2`.
    pub(crate) version: String,
    /// The sockets of its pools.
    pub(crate) sockets: Vec<PathBuf>,
}

impl Recipe {
    /// Reads what production is.
    pub(crate) fn read(site: &SiteConfig) -> Result<Self, TwinError> {
        let (host, layers, not_shown) = match &site.inside {
            Some(inside) => sandboxed(inside.as_path())?,
            None => on_this_machine()?,
        };
        let Named {
            docroots,
            certificates,
            keys,
        } = read_apache(&host)?;
        let kept = |paths: Vec<PathBuf>| paths.iter().filter_map(|path| keep(&host, path)).collect();
        Ok(Self {
            hostname: text_of(&host, "/etc/hostname")?.trim().to_owned(),
            hosts: text_of(&host, "/etc/hosts")?,
            run_dirs: places::below(&host, "/run")?,
            log_dirs: places::below(&host, "/var/log")?,
            docroots,
            certificates: kept(certificates),
            keys: kept(all_keys(&host, keys)?),
            fpm: read_fpm(&host)?,
            host,
            layers,
            not_shown,
        })
    }
}

/// Production in a sandbox: what it sees, each part a layer of the twin's.
fn sandboxed(state_dir: &Path) -> Result<(Host, Vec<Layer>, Vec<PathBuf>), TwinError> {
    let sandbox = Sandbox::open(state_dir).map_err(TwinError::NoProduction)?;
    let plan = sandbox.plan().map_err(TwinError::NoProduction)?;
    Ok((Host::inside(state_dir), layers_of(&plan.root), Vec::new()))
}

/// A memory filesystem stands over /tmp in every twin.
fn layers_of(root: &RootPlan) -> Vec<Layer> {
    let own = root.own().iter().filter(|own| own.target != Path::new("/tmp"));
    let own = own.map(|own| Layer::at(&own.host, &own.target));
    root.layers().iter().cloned().chain(own).collect()
}

fn on_this_machine() -> Result<(Host, Vec<Layer>, Vec<PathBuf>), TwinError> {
    let host = Host::local();
    let table = read(&host, "/proc/self/mountinfo")?;
    let found = mounts::find(&String::from_utf8_lossy(&table));
    // A file may be mounted, too: it cannot be a layer.
    let (layers, files): (Vec<_>, Vec<_>) = found.shown.into_iter().partition(|path| host.dir(path).is_ok());
    let layers = layers.into_iter().map(|path| Layer::at(&path, &path)).collect();
    Ok((host, layers, [found.not_shown, files].concat()))
}

fn read_apache(host: &Host) -> Result<Named, TwinError> {
    let mut named = Named::default();
    for_each_file(host, "/etc/apache2", &mut |dir, name, _| {
        let bytes = dir.read_file(name, TEXT_MAX_BYTES).unwrap_or_default();
        named.read(&String::from_utf8_lossy(&bytes));
    })?;
    named.sort();
    Ok(named)
}

/// Those that are named, and whatever in the usual places holds one.
fn all_keys(host: &Host, mut keys: Vec<PathBuf>) -> Result<Vec<PathBuf>, TwinError> {
    for place in KEY_DIRS {
        for_each_file(host, place, &mut |dir, name, path| {
            let bytes = dir.read_file(name, TEXT_MAX_BYTES).unwrap_or_default();
            if apache::holds_key(&bytes) {
                keys.push(path.to_owned());
            }
        })?;
    }
    keys.sort();
    keys.dedup();
    Ok(keys)
}

/// Calls `take` with every regular file below `place`: its directory, its name there, its path.
fn for_each_file(
    host: &Host,
    place: &str,
    take: &mut dyn FnMut(&Dir, &Path, &Path),
) -> Result<(), TwinError> {
    let Some(dir) = found(host.dir(place))? else {
        return Ok(());
    };
    let mut left = FILES_MAX;
    dir.walk::<TwinError>(&mut |item| {
        if item.kind == Kind::File && left > 0 {
            left -= 1;
            take(
                item.parent,
                Path::new(item.name),
                &Path::new(place).join(item.path),
            );
        }
        Ok(lamp_fleet::walk::Enter::Yes)
    })
}

fn read_fpm(host: &Host) -> Result<Vec<Fpm>, TwinError> {
    let mut versions = places::running(host, "php-fpm")?;
    versions.retain(|version| !version.is_empty());
    let with_sockets = |version: String| {
        let mut sockets = Vec::new();
        for_each_file(
            host,
            &format!("/etc/php/{version}/fpm/pool.d"),
            &mut |dir, name, _| {
                let bytes = dir.read_file(name, TEXT_MAX_BYTES).unwrap_or_default();
                sockets.extend(places::pool_socket(&String::from_utf8_lossy(&bytes)));
            },
        )?;
        Ok(Fpm { version, sockets })
    };
    versions.into_iter().map(with_sockets).collect()
}

fn keep(host: &Host, path: &Path) -> Option<KeptFile> {
    let (dir, name) = host.dir_of(path).ok()?;
    let meta = dir.meta(name).ok()?;
    // A link's own mode says nothing: what takes its place is as private as a key must be.
    let mode = if meta.kind == Kind::Link {
        0o600
    } else {
        meta.mode & 0o777
    };
    Some(KeptFile {
        path: path.to_owned(),
        uid: meta.uid,
        gid: meta.gid,
        mode,
    })
}

fn text_of(host: &Host, path: &str) -> Result<String, TwinError> {
    match read(host, path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(TwinError::File(error)) if error.is_not_found() => Ok(String::new()),
        Err(error) => Err(error),
    }
}

fn read(host: &Host, path: &str) -> Result<Vec<u8>, TwinError> {
    let (dir, name) = host.dir_of(Path::new(path)).map_err(TwinError::Production)?;
    Ok(dir.read_file(name, TEXT_MAX_BYTES)?)
}

/// `None` for what is not there.
pub(crate) fn found(dir: Result<Dir, HostError>) -> Result<Option<Dir>, TwinError> {
    match dir {
        Ok(dir) => Ok(Some(dir)),
        Err(HostError::File(error)) if error.is_not_found() => Ok(None),
        Err(error) => Err(TwinError::Production(error)),
    }
}
