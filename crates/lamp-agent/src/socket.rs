//! The agent's one way in: a unix socket of mode 0660, root's and the group's. No TCP, ever.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use fs_err as fs;
use rustix::fs::{Gid, Uid};
use tokio::net::{UnixListener, UnixStream};

/// A socket that listens; its file goes with it.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Listens at `path`. It gets its name last, with its mode and owner set: at no moment can someone
    /// else connect. A file that an agent left there is replaced; the caller holds the agent's lock.
    pub fn listen(path: &Path, gid: Option<u32>) -> std::io::Result<Self> {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        let unnamed = path.with_extension("new");
        remove_if_there(&unnamed)?;
        let listener = UnixListener::bind(&unnamed)?;
        fs::set_permissions(&unnamed, std::fs::Permissions::from_mode(0o660))?;
        rustix::fs::chown(
            &unnamed,
            Some(Uid::ROOT),
            Some(gid.map_or(Gid::ROOT, Gid::from_raw)),
        )?;
        fs::rename(&unnamed, path)?;
        Ok(Self {
            listener,
            path: path.to_owned(),
        })
    }

    /// The next who connects.
    pub async fn accept(&self) -> std::io::Result<UnixStream> {
        Ok(self.listener.accept().await?.0)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Err(error) = remove_if_there(&self.path) {
            tracing::warn!(%error, "socket not removed");
        }
    }
}

fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
