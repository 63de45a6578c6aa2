//! Mounting a sandbox's files: everything is built in its own mount namespace, by descriptors, under a root
//! that is entered last.

mod overlay;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags,
    UnmountFlags,
};

use crate::error::{Doing, Refused};
use crate::place::BUILD;
use crate::plan::{DevicePlan, Layer, NewDir, OwnDir, Plan, ProcPlan, RootPlan, TmpfsPlan};
use crate::sys::{self, attr};

/// From here on no mount of this process reaches the host, nor one of the host it.
pub(crate) fn keep_private() -> Result<(), Refused> {
    let flags = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", flags).doing(|| "making mounts private".to_owned())
}

/// The users that files are shifted to, if any.
pub(crate) type Users<'a> = Option<BorrowedFd<'a>>;

/// Mounts all of the plan's files and gives the root, not yet entered.
pub(crate) fn build(plan: &Plan, users: Users<'_>) -> Result<OwnedFd, Refused> {
    let place = plan.state_dir.join(BUILD);
    let root = match &plan.root {
        RootPlan::ReadOnlyBind { layers, .. } => read_only(&place, layers)?,
        RootPlan::Overlay { .. } => overlay::mount(&place, plan, users)?,
    };
    for own in plan.root.own() {
        bind_own(&root, own, plan, users)?;
    }
    for each in &plan.tmpfs {
        attach(&tmpfs(each, plan)?, &root, &each.target)?;
    }
    attach(&proc(plan.proc)?, &root, Path::new("/proc"))?;
    devices(&plan.dev, plan, &root)?;
    attach(&empty_sys()?, &root, Path::new("/sys"))?;
    for dir in &plan.dirs {
        make_dir(&root, dir, plan)?;
    }
    Ok(root)
}

/// Lays a memory filesystem of the plan's bounds over `dir`, in this mount namespace.
pub(crate) fn cover(dir: &Path, plan: &Plan) -> Result<(), Refused> {
    let memory = tmpfs(&plan.dev.shm, plan)?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    rustix::mount::move_mount(&memory, c"", CWD, dir, flags).doing(|| format!("covering {}", dir.display()))
}

/// Enters the root and lets go of everything else that was mounted.
pub(crate) fn enter(root: &OwnedFd) -> Result<(), Refused> {
    let entering = || "entering the sandbox's root".to_owned();
    rustix::process::fchdir(root).doing(entering)?;
    rustix::process::pivot_root(".", ".").doing(entering)?;
    // The old root now lies over the new one, here; without it the new one shows.
    rustix::mount::unmount(".", UnmountFlags::DETACH).doing(entering)?;
    rustix::process::chdir("/").doing(entering)
}

fn read_only(place: &Path, layers: &[Layer]) -> Result<OwnedFd, Refused> {
    let mut root = None;
    for layer in layers {
        let tree = clone(&layer.host, attr::READ_ONLY | attr::NO_DEVICES, None)?;
        root = Some(stack(place, root, &tree, &layer.target)?);
    }
    root.map_or_else(|| open(place), Ok)
}

/// Puts `tree` at `place` if it is the first, else at `target` below the first.
fn stack(place: &Path, root: Option<OwnedFd>, tree: &OwnedFd, target: &Path) -> Result<OwnedFd, Refused> {
    if let Some(root) = root {
        attach(tree, &root, target)?;
        return Ok(root);
    }
    let doing = || format!("mounting the root at {}", place.display());
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    rustix::mount::move_mount(tree, c"", CWD, place, flags).doing(doing)?;
    open(place)
}

fn open(path: &Path) -> Result<OwnedFd, Refused> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).doing(|| format!("opening {}", path.display()))
}

/// A copy of the mount at `host`, without what is mounted below it.
pub(crate) fn clone(host: &Path, attributes: u64, users: Users<'_>) -> Result<OwnedFd, Refused> {
    let doing = || format!("cloning the mount of {}", host.display());
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let tree = rustix::mount::open_tree(CWD, host, flags).doing(doing)?;
    let mapping = || format!("setting attributes of the mount of {}", host.display());
    sys::set_mount_attributes(tree.as_fd(), attributes, users).doing(mapping)?;
    Ok(tree)
}

fn bind_own(root: &OwnedFd, own: &OwnDir, plan: &Plan, users: Users<'_>) -> Result<(), Refused> {
    let tree = clone(&own.host, attr::NO_DEVICES | attr::NO_SUID, users)?;
    make_missing(root, &own.target, plan)?;
    attach(&tree, root, &own.target)
}

/// Makes the directories that lead to `target`; those that exist are let be.
fn make_missing(root: &OwnedFd, target: &Path, plan: &Plan) -> Result<(), Refused> {
    let doing = || format!("making {} in the sandbox", target.display());
    let mut way = PathBuf::from("/");
    for part in target
        .components()
        .filter(|part| matches!(part, Component::Normal(_)))
    {
        let name: &Path = part.as_ref();
        let dir = beneath(root, &way)?;
        match rustix::fs::mkdirat(&dir, name, Mode::from(0o755)) {
            Ok(()) => own_by_root(&dir, name, plan).doing(doing)?,
            // A read-only root refuses before it looks: what matters is whether it is there.
            Err(rustix::io::Errno::EXIST | rustix::io::Errno::ROFS) => {}
            Err(other) => return Err(other).doing(doing),
        }
        way.push(name);
    }
    Ok(())
}

/// What this process makes while building is the host's root's: nobody's, inside a twin.
fn own_by_root(dir: &OwnedFd, name: &Path, plan: &Plan) -> rustix::io::Result<()> {
    let uid = rustix::fs::Uid::from_raw(on_host(plan, 0));
    let gid = rustix::fs::Gid::from_raw(on_host(plan, 0));
    rustix::fs::chownat(
        dir,
        name,
        Some(uid),
        Some(gid),
        rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
    )
}

/// Opens `path` as seen from `root`: no link and no `..` leads out of it.
fn beneath(root: &OwnedFd, path: &Path) -> Result<OwnedFd, Refused> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    rustix::fs::openat2(root, path, flags, Mode::empty(), resolve)
        .doing(|| format!("opening {} in the sandbox", path.display()))
}

fn attach(tree: &OwnedFd, root: &OwnedFd, target: &Path) -> Result<(), Refused> {
    let at = beneath(root, target)?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    rustix::mount::move_mount(tree, c"", at, c"", flags)
        .doing(|| format!("mounting {} in the sandbox", target.display()))
}

const QUIET: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV);

/// A new filesystem, detached; `options` are its own, as in `size=1`.
fn filesystem(kind: &str, options: &[(&str, String)], flags: MountAttrFlags) -> Result<OwnedFd, Refused> {
    let doing = || format!("making a {kind}");
    let context = rustix::mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC).doing(doing)?;
    for (name, value) in options {
        rustix::mount::fsconfig_set_string(&context, *name, value.as_str())
            .doing(|| format!("making a {kind} with {name}={value}"))?;
    }
    rustix::mount::fsconfig_create(&context).doing(doing)?;
    rustix::mount::fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, flags).doing(doing)
}

/// The host's user that `inside` is in this sandbox.
fn on_host(plan: &Plan, inside: u32) -> u32 {
    plan.id_map
        .map_or(inside, |map| map.on_host(inside).unwrap_or(map.base()))
}

fn tmpfs(wanted: &TmpfsPlan, plan: &Plan) -> Result<OwnedFd, Refused> {
    filesystem("tmpfs", &tmpfs_options(wanted, plan), QUIET)
}

fn tmpfs_options(wanted: &TmpfsPlan, plan: &Plan) -> [(&'static str, String); 5] {
    [
        ("size", wanted.size_bytes.to_string()),
        ("nr_inodes", wanted.inodes.to_string()),
        ("mode", format!("{:o}", wanted.mode)),
        ("uid", on_host(plan, 0).to_string()),
        ("gid", on_host(plan, 0).to_string()),
    ]
}

fn proc(wanted: ProcPlan) -> Result<OwnedFd, Refused> {
    let flags = QUIET | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    match wanted {
        ProcPlan::Whole => filesystem("proc", &[], flags),
        ProcPlan::ProcessesOnly => filesystem("proc", &[("subset", "pid".to_owned())], flags),
    }
}

fn empty_sys() -> Result<OwnedFd, Refused> {
    let flags = QUIET | MountAttrFlags::MOUNT_ATTR_NOEXEC | MountAttrFlags::MOUNT_ATTR_RDONLY;
    filesystem(
        "tmpfs",
        &[("size", "4096".to_owned()), ("nr_inodes", "2".to_owned())],
        flags,
    )
}

/// Links that programs expect beside the devices.
const DEVICE_LINKS: [(&str, &str); 4] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];

fn devices(wanted: &DevicePlan, plan: &Plan, root: &OwnedFd) -> Result<(), Refused> {
    let options = [
        ("size", "65536".to_owned()),
        ("nr_inodes", "32".to_owned()),
        ("mode", "755".to_owned()),
    ];
    let dev = filesystem("tmpfs", &options, MountAttrFlags::MOUNT_ATTR_NOSUID)?;
    for (name, major, minor) in &wanted.nodes {
        make_device(&dev, name, rustix::fs::makedev(*major, *minor))?;
    }
    for (name, target) in DEVICE_LINKS {
        rustix::fs::symlinkat(target, &dev, name).doing(|| format!("linking /dev/{name}"))?;
    }
    rustix::fs::mkdirat(&dev, "shm", Mode::from(0o755)).doing(|| "making /dev/shm".to_owned())?;
    sys::set_mount_attributes(dev.as_fd(), attr::READ_ONLY, None)
        .doing(|| "making /dev read-only".to_owned())?;
    attach(&dev, root, Path::new("/dev"))?;
    attach(&tmpfs(&wanted.shm, plan)?, root, &wanted.shm.target)
}

fn make_device(dev: &OwnedFd, name: &str, device: u64) -> Result<(), Refused> {
    let doing = || format!("making /dev/{name}");
    let kind = rustix::fs::FileType::CharacterDevice;
    let everyone = Mode::from(0o666);
    rustix::fs::mknodat(dev, name, kind, everyone, device).doing(doing)?;
    // Again: the mask of this process took its part.
    rustix::fs::chmodat(dev, name, everyone, rustix::fs::AtFlags::empty()).doing(doing)
}

fn make_dir(root: &OwnedFd, dir: &NewDir, plan: &Plan) -> Result<(), Refused> {
    let doing = || format!("making {} in the sandbox", dir.path.display());
    let parent = beneath(root, dir.path.parent().unwrap_or(Path::new("/")))?;
    let name = dir.path.file_name().unwrap_or_default();
    rustix::fs::mkdirat(&parent, name, Mode::from(dir.mode)).doing(doing)?;
    let made = beneath(&parent, Path::new(name))?;
    let uid = rustix::fs::Uid::from_raw(on_host(plan, dir.uid));
    let gid = rustix::fs::Gid::from_raw(on_host(plan, dir.gid));
    let flags = rustix::fs::AtFlags::EMPTY_PATH;
    rustix::fs::chownat(&made, c"", Some(uid), Some(gid), flags).doing(doing)?;
    rustix::fs::chmodat(&parent, name, Mode::from(dir.mode), rustix::fs::AtFlags::empty()).doing(doing)
}
