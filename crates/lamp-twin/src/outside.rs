//! Calls of a twin's code to other machines: each is refused at once, and listed.
//!
//! All packets that leave the twin come here, out of a device whose other end this process holds ([`Sandbox::outside`]); none
//! goes any further. [`packet`] reads one and makes the refusal; it is pure.

mod packet;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use lamp_sandbox::Sandbox;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};

use crate::error::TwinError;

/// Different calls that are listed; what comes beyond is refused all the same.
const CALLS_MAX: usize = 100;
/// Longest packet that a device gives.
const PACKET_MAX_BYTES: usize = 65_536;

type Seen = Mutex<BTreeSet<String>>;

/// What leaves a twin. Dropping it ends the device.
#[derive(Debug)]
pub(crate) struct Outside {
    seen: Arc<Seen>,
    /// Its end ends the thread.
    stop: Option<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl Outside {
    /// Refuses and lists from now on; the twin gets the addresses `local` as its own.
    pub(crate) fn begin(sandbox: &Sandbox, local: &[IpAddr]) -> Result<Self, TwinError> {
        let failed = |source| TwinError::system("listen to what leaves the twin", source);
        let device = sandbox.outside(local)?;
        let (stopped, stop) = pipe_with(PipeFlags::CLOEXEC).map_err(|errno| failed(errno.into()))?;
        let seen = Arc::new(Seen::default());
        let listing = Arc::clone(&seen);
        let thread = std::thread::Builder::new().name("lamp-twin-outside".to_owned());
        let thread = thread
            .spawn(move || refuse_all(&device, &stopped, &listing))
            .map_err(failed)?;
        Ok(Self {
            seen,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The calls so far, as in `203.0.113.7:443/tcp`.
    pub(crate) fn calls(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().cloned().collect()
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // It has nothing to tell.
            let _ended = thread.join();
        }
    }
}

/// Until it is stopped or the device is gone.
fn refuse_all(device: &OwnedFd, stopped: &OwnedFd, seen: &Seen) {
    let mut bytes = vec![0_u8; PACKET_MAX_BYTES];
    loop {
        match rustix::io::read(device, &mut bytes[..]) {
            Ok(length) => take(bytes.get(..length).unwrap_or_default(), device, seen),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let mut both = [
                    PollFd::new(device, PollFlags::IN),
                    PollFd::new(stopped, PollFlags::IN),
                ];
                let woken = poll(&mut both, None);
                let is_over = both.get(1).is_some_and(|stopped| !stopped.revents().is_empty());
                if is_over || woken.is_err_and(|errno| errno != Errno::INTR) {
                    return;
                }
            }
            Err(_gone) => return,
        }
    }
}

fn take(bytes: &[u8], device: &OwnedFd, seen: &Seen) {
    let Some(call) = packet::read(bytes) else {
        return;
    };
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    if seen.len() < CALLS_MAX {
        seen.insert(call.told);
    }
    drop(seen);
    if let Some(refusal) = call.refusal {
        // A device that takes nothing more is full of refusals already.
        let _full = rustix::io::write(device, &refusal);
    }
}
