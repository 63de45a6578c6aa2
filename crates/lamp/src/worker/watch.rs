//! The log worker of one site: hidden verb `watch-worker`, started by the agent with one end of a socket as its standard input.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use lamp_sandbox::confine::{WorkerLimits, confine_worker};

use crate::cli::Exit;
use crate::errors::{Kind, Trouble};

/// Bytes of address space: bounded maps, and some room.
const MEMORY_BYTES: u64 = 512 << 20;
/// Open descriptors: two directories, two logs with two that were rotated away each, socket, bell, runtime.
const OPEN_FILES: u64 = 64;

/// Follows the logs that it is handed, until the agent closes the socket.
pub fn run() -> Result<Exit, Trouble> {
    let way_out = "the agent starts this verb by itself; nothing is to be typed";
    serve()
        .map(|()| Exit::Yes)
        .map_err(|error| Trouble::new(Kind::Environment, "follow the site's logs", &*error, way_out))
}

fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let socket: OwnedFd = std::io::stdin().as_fd().try_clone_to_owned()?;
    // One thread, without others that would stay free when it is confined.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut confine = |directories: &[BorrowedFd<'_>]| {
        let limits = WorkerLimits {
            memory_bytes: MEMORY_BYTES,
            cpu_seconds: None,
            open_files: OPEN_FILES,
        };
        confine_worker(directories, &limits)
            .map(|_confined| ())
            .map_err(|error| lamp_http::error::chain(&error))
    };
    runtime.block_on(lamp_watch::serve::serve(socket, &mut confine))?;
    Ok(())
}
