//! Running a command to its end and keeping what it wrote, within bounds.

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};

use super::{Command, Output};
use crate::error::CommandError;
use crate::process;

/// How long a killed command may take to end.
const ENDS_WITHIN: Duration = Duration::from_secs(10);

/// One stream of a command.
struct Stream {
    /// `None` once nobody writes any more.
    pipe: Option<OwnedFd>,
    kept: Vec<u8>,
    most: usize,
    truncated: bool,
}

impl Command {
    /// Runs it to its end and keeps what it wrote, bounded by [`Command::capture_bytes`] and
    /// [`Command::deadline`]. A daemon that it leaves running with the same streams does not hold this up.
    pub fn output(self) -> Result<Output, CommandError> {
        let program = self.run.program.shown();
        let failed = |error: Errno| CommandError::of_line(&program, error.into());
        let (most, deadline) = (self.capture_bytes, self.deadline);
        let (mut out, stdout) = Stream::new(most).map_err(failed)?;
        let (mut err, stderr) = Stream::new(most).map_err(failed)?;
        let child = self.stdout(stdout).stderr(stderr).spawn()?;
        let streams = [&mut out, &mut err];
        let ended = listen(streams, child.pidfd(), deadline.map(|most| Instant::now() + most));
        if !ended.map_err(failed)? {
            child.kill()?;
            process::ended_within(child.pidfd(), ENDS_WITHIN)
                .map_err(|e| CommandError::of_line(&program, e))?;
            let seconds = deadline.unwrap_or_default().as_secs();
            return Err(CommandError::TooSlow { program, seconds });
        }
        let status = child.wait()?;
        let truncated = out.truncated || err.truncated;
        Ok(Output {
            status,
            stdout: out.kept,
            stderr: err.kept,
            truncated,
        })
    }
}

/// Reads until the process has ended and what it had written is read; whether it ended in time.
fn listen(mut streams: [&mut Stream; 2], process: &OwnedFd, until: Option<Instant>) -> Result<bool, Errno> {
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(false);
        }
        let mut fds = vec![PollFd::new(process, PollFlags::IN)];
        let open = streams.iter().filter_map(|stream| stream.pipe.as_ref());
        fds.extend(open.map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        let timeout = left.map(process::timespec);
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(other) => return Err(other),
        }
        let ended = fds.first().is_some_and(|fd| !fd.revents().is_empty());
        for stream in &mut streams {
            stream.drain()?;
        }
        if ended {
            return Ok(true);
        }
    }
}

impl Stream {
    fn new(most: usize) -> Result<(Self, OwnedFd), Errno> {
        let (ours, theirs) = pipe_with(PipeFlags::CLOEXEC)?;
        rustix::io::ioctl_fionbio(&ours, true)?;
        let stream = Self {
            pipe: Some(ours),
            kept: Vec::new(),
            most,
            truncated: false,
        };
        Ok((stream, theirs))
    }

    /// Reads what is there; keeps what the bound allows.
    fn drain(&mut self) -> Result<(), Errno> {
        let mut chunk = [0; 16 * 1024];
        while let Some(pipe) = &self.pipe {
            match rustix::io::read(pipe.as_fd(), &mut chunk) {
                Ok(0) => self.pipe = None,
                Ok(count) => self.keep(chunk.get(..count).unwrap_or_default()),
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.most.saturating_sub(self.kept.len());
        let kept = bytes.get(..room).unwrap_or(bytes);
        self.truncated |= kept.len() < bytes.len();
        self.kept.extend_from_slice(kept);
    }
}
