//! The root of a twin: each real filesystem of the host, its owners shifted, read-only below an overlay whose
//! upper layer is a sized memory filesystem.
//!
//! Layer `n` uses `l<n>` (lower), `u<n>` (upper) and `w<n>` (work) of the memory filesystem, which shows
//! only while building: the sandbox's root is mounted in it, and entering the root lets go of it.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, XattrFlags};
use rustix::mount::MoveMountFlags;

use super::{QUIET, Users, attach, clone, filesystem, open, tmpfs_options};
use crate::error::{Doing, Refused};
use crate::plan::{Hidden, HiddenAs, Layer, Plan, RootPlan};
use crate::sys::attr;

/// Marks a directory of the upper layer that hides the lower one's contents.
const OPAQUE: &str = "trusted.overlay.opaque";

/// The directories of one layer.
struct Parts {
    lower: PathBuf,
    upper: PathBuf,
    work: PathBuf,
}

/// Mounts all layers and gives the root.
pub(super) fn mount(place: &Path, plan: &Plan, users: Users<'_>) -> Result<OwnedFd, Refused> {
    let RootPlan::Overlay {
        layers,
        upper,
        hidden,
        ..
    } = &plan.root
    else {
        return open(place);
    };
    let memory = filesystem("tmpfs", &tmpfs_options(upper, plan), QUIET)?;
    put(&memory, place)?;
    // The kernel splits paths of overlays at `:` and `,`: relative ones hold neither.
    rustix::process::chdir(place).doing(|| format!("entering {}", place.display()))?;
    let mut root = None;
    for (number, layer) in layers.iter().enumerate() {
        let overlay = mount_layer(number, layer, layers, hidden, users)?;
        root = Some(match root {
            None => put_root(&overlay)?,
            Some(root) => attach(&overlay, &root, &layer.target).map(|()| root)?,
        });
    }
    root.map_or_else(|| open(place), Ok)
}

fn put(tree: &OwnedFd, at: &Path) -> Result<(), Refused> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    rustix::mount::move_mount(tree, c"", CWD, at, flags).doing(|| format!("mounting at {}", at.display()))
}

fn put_root(overlay: &OwnedFd) -> Result<OwnedFd, Refused> {
    let root = Path::new("root");
    make_dir(root)?;
    put(overlay, root)?;
    open(root)
}

fn mount_layer(
    number: usize,
    layer: &Layer,
    layers: &[Layer],
    hidden: &[Hidden],
    users: Users<'_>,
) -> Result<OwnedFd, Refused> {
    let parts = Parts::make(number)?;
    let attributes = attr::READ_ONLY | attr::NO_SUID | attr::NO_DEVICES;
    put(&clone(&layer.host, attributes, users)?, &parts.lower)?;
    copy_owner(&parts.lower, &parts.upper)?;
    for each in hidden {
        if let Some(path) = within(each, layer, layers)? {
            parts.hide(&path, each.shows)?;
        }
    }
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let options = [
        ("lowerdir", text(&parts.lower)),
        ("upperdir", text(&parts.upper)),
        ("workdir", text(&parts.work)),
        ("redirect_dir", "off".to_owned()),
        ("metacopy", "off".to_owned()),
        ("index", "off".to_owned()),
    ];
    filesystem("overlay", &options, QUIET)
}

/// The hidden path's place below `layer`, if it is this layer's. Links are followed on the host first: a
/// /home that is a link is hidden where it leads.
fn within(hidden: &Hidden, layer: &Layer, layers: &[Layer]) -> Result<Option<PathBuf>, Refused> {
    let path = match fs_err::canonicalize(&hidden.path) {
        Ok(path) => path,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).doing(|| format!("looking for {}", hidden.path.display())),
    };
    let holding = layers.iter().filter(|each| path.starts_with(&each.host));
    let nearest = holding.max_by_key(|each| each.host.components().count());
    if nearest != Some(layer) {
        return Ok(None);
    }
    Ok(path.strip_prefix(&layer.host).ok().map(Path::to_owned))
}

impl Parts {
    fn make(number: usize) -> Result<Self, Refused> {
        let part = |letter| PathBuf::from(format!("{letter}{number}"));
        let parts = Self {
            lower: part('l'),
            upper: part('u'),
            work: part('w'),
        };
        for dir in [&parts.lower, &parts.upper, &parts.work] {
            make_dir(dir)?;
        }
        Ok(parts)
    }

    fn hide(&self, path: &Path, shows: HiddenAs) -> Result<(), Refused> {
        let lower = self.lower.join(path);
        if path.as_os_str().is_empty() || lower.symlink_metadata().is_err() {
            // Nothing there; a filesystem that is mounted over it on the host does not show either.
            return Ok(());
        }
        self.make_parents(path)?;
        let upper = self.upper.join(path);
        match shows {
            HiddenAs::EmptyDir => hide_dir(&lower, &upper),
            HiddenAs::Absent => whiteout(&upper),
        }
    }

    /// Directories on the way look as they do below: the upper layer's owner and mode are what shows.
    fn make_parents(&self, path: &Path) -> Result<(), Refused> {
        let mut parents: Vec<&Path> = path.ancestors().skip(1).collect();
        parents.pop();
        for parent in parents.into_iter().rev() {
            let upper = self.upper.join(parent);
            if !upper.exists() {
                make_dir(&upper)?;
                copy_owner(&self.lower.join(parent), &upper)?;
            }
        }
        Ok(())
    }
}

fn hide_dir(lower: &Path, upper: &Path) -> Result<(), Refused> {
    let doing = || format!("hiding {}", lower.display());
    if !upper.exists() {
        make_dir(upper)?;
        copy_owner(lower, upper)?;
    }
    rustix::fs::setxattr(upper, OPAQUE, b"y", XattrFlags::empty()).doing(doing)
}

fn whiteout(upper: &Path) -> Result<(), Refused> {
    let nothing = rustix::fs::makedev(0, 0);
    rustix::fs::mknodat(CWD, upper, FileType::CharacterDevice, Mode::empty(), nothing)
        .doing(|| format!("hiding {}", upper.display()))
}

fn make_dir(dir: &Path) -> Result<(), Refused> {
    fs_err::create_dir(dir).doing(|| format!("making {}", dir.display()))
}

fn copy_owner(from: &Path, to: &Path) -> Result<(), Refused> {
    let doing = || format!("copying the owner of {}", from.display());
    let found = fs_err::symlink_metadata(from).doing(doing)?;
    fs_err::os::unix::fs::chown(to, Some(found.uid()), Some(found.gid())).doing(doing)?;
    // A file's mode on a directory would leave it without a way in.
    let mode = if found.is_dir() {
        found.mode() & 0o7777
    } else {
        0o755
    };
    rustix::fs::chmod(to, Mode::from(mode)).doing(doing)
}
