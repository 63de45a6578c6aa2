//! What stands in a lab's own directories: a copy of the host's /etc with our own Apache, PHP and MariaDB
//! configuration as Debian lays it out, and empty places where Debian's packages make them.
//!
//! Rendering is pure: [`entries`] says what there will be, [`write`](write()) puts it there. Ports, paths
//! and users are Debian's; what is production's default in PHP's opcache is written down, because a lab's
//! use is to show what production does.

mod apache;
mod mariadb;
mod php;

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::error::LabError;
use crate::plan::LabPlan;
use crate::tls::Certificates;
use crate::tree_copy;

pub(crate) use mariadb::DATADIR;

/// What of /etc is not copied: it is ours, speaks of the host, or is its secret.
const NOT_COPIED: [&str; 10] = [
    "gshadow",
    "gshadow-",
    "hostname",
    "hosts",
    "mtab",
    "resolv.conf",
    "shadow",
    "shadow-",
    "ssh",
    "sudoers.d",
];

/// Numbers of the stack's users, from the lab's own /etc/passwd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Users {
    /// Apache's and PHP's: user and group.
    pub www_data: Owner,
    /// The database's; root where there is none.
    pub mysql: Owner,
}

/// A user and a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// Root.
pub const ROOT: Owner = Owner { uid: 0, gid: 0 };

/// One thing in a lab's own directories, its path as seen inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where.
    pub path: PathBuf,
    /// What.
    pub kind: Kind,
    /// Whose.
    pub owner: Owner,
    /// Its mode; a link has none.
    pub mode: u32,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Dir,
    /// A file with this text.
    File(String),
    /// A link to this.
    Link(PathBuf),
}

impl Entry {
    fn dir(path: impl Into<PathBuf>) -> Self {
        Self::root(path, Kind::Dir, 0o755)
    }

    fn file(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self::root(path, Kind::File(text.into()), 0o644)
    }

    fn link(path: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        Self::root(path, Kind::Link(target.into()), 0o777)
    }

    fn root(path: impl Into<PathBuf>, kind: Kind, mode: u32) -> Self {
        Self {
            path: path.into(),
            kind,
            owner: ROOT,
            mode,
        }
    }

    fn of(mut self, owner: Owner, mode: u32) -> Self {
        self.owner = owner;
        self.mode = mode;
        self
    }
}

/// Everything that is put into the lab after the copy of /etc, in order.
pub(crate) fn entries(plan: &LabPlan, users: Users, certificates: &Certificates) -> Vec<Entry> {
    let mut all = skeleton(plan, users);
    all.extend(apache::entries(plan, users, certificates));
    all.extend(php::entries(plan, users));
    if plan.database {
        all.extend(mariadb::entries(users));
    }
    all.extend(plan.sites.iter().map(|site| {
        let group = Owner {
            gid: users.www_data.gid,
            ..ROOT
        };
        Entry::dir(site.store()).of(group, 0o750)
    }));
    all
}

fn skeleton(plan: &LabPlan, users: Users) -> Vec<Entry> {
    let name = &plan.name;
    let dirs = [
        "/var/cache",
        "/var/lib",
        "/var/log",
        "/var/spool",
        "/var/www",
        "/var/www/html",
    ];
    let mut all = vec![
        Entry::file("/etc/hostname", format!("{name}\n")),
        Entry::file(
            "/etc/hosts",
            format!("127.0.0.1 localhost {name}\n::1 localhost\n"),
        ),
        Entry::dir("/tmp").of(ROOT, 0o1777),
        Entry::dir("/root").of(ROOT, 0o700),
        Entry::link("/var/run", "/run"),
        Entry::link("/var/lock", "/run/lock"),
    ];
    all.extend(dirs.map(Entry::dir));
    all.push(Entry::dir("/var/tmp").of(ROOT, 0o1777));
    all.push(Entry::dir("/var/cache/apache2").of(users.www_data, 0o755));
    all
}

/// Puts the lab's files where its own directories stand on the host.
pub(crate) fn write(plan: &LabPlan, certificates: &Certificates) -> Result<Users, LabError> {
    let etc = own_path(plan, Path::new("/etc"))?;
    tree_copy::copy(Path::new("/etc"), &etc, &NOT_COPIED)?;
    let users = Users::read(&etc.join("passwd"), plan.database)?;
    for enabled in ["mods-enabled", "conf-enabled", "sites-enabled"] {
        clear(&etc.join("apache2").join(enabled))?;
    }
    for entry in entries(plan, users, certificates) {
        put(&own_path(plan, &entry.path)?, &entry)?;
    }
    if let Some(module) = &plan.module {
        fs::write(
            own_path(plan, Path::new(crate::plan::MODULE_PATH))?,
            &module.image,
        )?;
    }
    Ok(users)
}

/// Puts other certificates in the place of those that are there.
pub(crate) fn write_certificates(plan: &LabPlan, certificates: &Certificates) -> Result<(), LabError> {
    for entry in apache::of_certificates(certificates) {
        put(&own_path(plan, &entry.path)?, &entry)?;
    }
    Ok(())
}

fn own_path(plan: &LabPlan, inside: &Path) -> io::Result<PathBuf> {
    let lacking = || {
        io::Error::other(format!(
            "{} is not one of the lab's own directories",
            inside.display()
        ))
    };
    plan.on_host(inside).ok_or_else(lacking)
}

fn clear(dir: &Path) -> io::Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir)?;
    }
    fs::create_dir(dir)
}

fn put(path: &Path, entry: &Entry) -> io::Result<()> {
    match &entry.kind {
        Kind::Dir => fs::create_dir_all(path)?,
        Kind::File(text) => fs::write(path, text)?,
        Kind::Link(target) => {
            if path.is_symlink() {
                fs::remove_file(path)?;
            }
            fs_err::os::unix::fs::symlink(target, path)?;
            return Ok(());
        }
    }
    tree_copy::own(path, entry.owner.uid, entry.owner.gid)?;
    fs::set_permissions(path, PermissionsExt::from_mode(entry.mode))
}

impl Users {
    fn read(passwd: &Path, database: bool) -> Result<Self, LabError> {
        let passwd = fs::read_to_string(passwd)?;
        let mysql = if database {
            Self::one(&passwd, "mysql")?
        } else {
            ROOT
        };
        Ok(Self {
            www_data: Self::one(&passwd, "www-data")?,
            mysql,
        })
    }

    /// The numbers of `user`, out of lines `name:x:uid:gid:...`.
    fn one(passwd: &str, user: &'static str) -> Result<Owner, LabError> {
        let fields = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let numbers = |line: Vec<&str>| match line.as_slice() {
            [name, _, uid, gid, ..] if *name == user => Some(Owner {
                uid: uid.parse().ok()?,
                gid: gid.parse().ok()?,
            }),
            _ => None,
        };
        fields.filter_map(numbers).next().ok_or(LabError::User { user })
    }
}

#[cfg(test)]
mod tests;
