//! The owner's side of a worker that answers once: started, handed a directory, heard out, never waited for
//! longer than its bounds say.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::sys;

/// Most of a worker's standard error that is kept, in bytes.
const WORDS_MAX_BYTES: usize = 4_000;
/// How much is read at once, in bytes, and how much may wait to be read: an answer can be megabytes long, and neither side
/// is to sleep and wake for each small piece of it. It is what the kernel grants to anyone.
const READ_BYTES: usize = 1024 * 1024;
/// How a worker's allocator takes memory from the kernel: in larger pieces than it would, in huge pages where the kernel
/// leaves that to programs, and to keep. It lives for a second and is one process; without this it asks for a page at a
/// time, thousands of times.
const ALLOCATOR: (&str, &str) = (
    "GLIBC_TUNABLES",
    "glibc.malloc.top_pad=4194304:glibc.malloc.trim_threshold=268435456:glibc.malloc.mmap_threshold=33554432:glibc.malloc.hugetlb=1",
);

/// What a worker's answer may cost its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerBounds {
    /// Longest answer.
    pub answer_max_bytes: usize,
    /// Longest time from start to end.
    pub time_max: Duration,
}

/// Why a worker has not answered.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// It could not be started.
    #[error("the worker {} could not be started", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the kernel says.
        #[source]
        source: io::Error,
    },
    /// It ended without an answer.
    #[error("the worker ended without an answer, {how}: {words}")]
    Died {
        /// By which exit code or signal.
        how: String,
        /// The end of its standard error, or that there was none.
        words: String,
    },
    /// It took too long, and was killed.
    #[error("the worker took longer than {seconds} s and was killed")]
    TooSlow {
        /// The bound.
        seconds: u64,
    },
    /// Its answer is too long; it was killed.
    #[error("the worker's answer is longer than {most_bytes} bytes")]
    TooLong {
        /// The bound.
        most_bytes: usize,
    },
    /// It could not be listened to.
    #[error("the worker could not be listened to")]
    System(#[source] io::Error),
}

/// Starts `program` with `args`, `directory` as its standard input and nothing else of this process, and
/// answers what it prints. It is the program that confines itself: see [`super::confine_worker`].
pub fn run_worker(
    program: &Path,
    args: &[&str],
    directory: BorrowedFd<'_>,
    bounds: &AnswerBounds,
) -> Result<Vec<u8>, WorkerError> {
    let mut worker = Worker::start(program, args, directory)?;
    let heard = worker.hear(bounds)?;
    let status = worker.end().map_err(WorkerError::System)?;
    if status.success() {
        return Ok(heard.answer);
    }
    Err(WorkerError::Died {
        how: how(status),
        words: heard.words(),
    })
}

fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "in an unknown way".to_owned(),
    }
}

/// A started worker; dropped, it is killed.
struct Worker(Child);

/// What a worker has said.
#[derive(Default)]
struct Heard {
    answer: Vec<u8>,
    error: Vec<u8>,
}

impl Heard {
    fn words(&self) -> String {
        let words = String::from_utf8_lossy(&self.error);
        match words.trim() {
            "" => "it said nothing".to_owned(),
            said => said.to_owned(),
        }
    }
}

impl Worker {
    fn start(program: &Path, args: &[&str], directory: BorrowedFd<'_>) -> Result<Self, WorkerError> {
        let failed = |source| WorkerError::Start {
            program: program.to_owned(),
            source,
        };
        let mut command = Command::new(program);
        command
            .args(args)
            .env_clear()
            .env(ALLOCATOR.0, ALLOCATOR.1)
            .stdin(directory.try_clone_to_owned().map_err(failed)?)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        sys::seal(&mut command);
        command.spawn().map(Self).map_err(failed)
    }

    /// Until both of its streams have ended.
    fn hear(&mut self, bounds: &AnswerBounds) -> Result<Heard, WorkerError> {
        let mut heard = Heard::default();
        let (mut answer, mut error) = (self.0.stdout.take(), self.0.stderr.take());
        if let Some(answer) = &answer {
            // With less room it takes longer, and no more.
            let _room = rustix::pipe::fcntl_setpipe_size(answer, READ_BYTES);
        }
        let deadline = Instant::now() + bounds.time_max;
        while answer.is_some() || error.is_some() {
            let streams = [answer.as_ref().map(AsFd::as_fd), error.as_ref().map(AsFd::as_fd)];
            let [answer_ready, error_ready] = wait(streams, deadline, bounds)?;
            if answer_ready {
                read_some(&mut answer, &mut heard.answer).map_err(WorkerError::System)?;
            }
            if error_ready {
                read_some(&mut error, &mut heard.error).map_err(WorkerError::System)?;
                keep_the_end(&mut heard.error);
            }
            if heard.answer.len() > bounds.answer_max_bytes {
                return Err(WorkerError::TooLong {
                    most_bytes: bounds.answer_max_bytes,
                });
            }
        }
        Ok(heard)
    }

    /// Its streams have ended, so it is about to; one that closed them and lives on is killed.
    fn end(mut self) -> io::Result<ExitStatus> {
        const LAST_BREATH: Duration = Duration::from_secs(2);
        let pidfd = rustix::process::pidfd_open(
            rustix::process::Pid::from_child(&self.0),
            rustix::process::PidfdFlags::empty(),
        )?;
        let timeout = Timespec::try_from(LAST_BREATH).map_err(io::Error::other)?;
        let _ended = poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&timeout))?;
        self.0.kill()?;
        self.0.wait()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // One that has ended and was waited for is left alone by the standard library.
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Which of the streams have something to read, or have ended.
fn wait(
    streams: [Option<BorrowedFd<'_>>; 2],
    deadline: Instant,
    bounds: &AnswerBounds,
) -> Result<[bool; 2], WorkerError> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(WorkerError::TooSlow {
            seconds: bounds.time_max.as_secs(),
        });
    }
    let left = Timespec::try_from(left).map_err(|error| WorkerError::System(io::Error::other(error)))?;
    let open = streams.iter().flatten();
    let mut polled: Vec<PollFd<'_>> = open
        .map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN))
        .collect();
    match poll(&mut polled, Some(&left)) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(errno) => return Err(WorkerError::System(errno.into())),
    }
    let mut ready = polled.iter().map(|fd| !fd.revents().is_empty());
    Ok(streams.map(|stream| stream.is_some() && ready.next().unwrap_or_default()))
}

/// Reads what is there; a stream at its end is closed.
fn read_some(stream: &mut Option<impl AsFd>, into: &mut Vec<u8>) -> io::Result<()> {
    let Some(open) = stream else { return Ok(()) };
    into.reserve(READ_BYTES);
    match rustix::io::read(open, spare_capacity(into)) {
        Ok(0) => *stream = None,
        Ok(_) | Err(Errno::INTR) => {}
        Err(errno) => return Err(errno.into()),
    }
    Ok(())
}

fn keep_the_end(words: &mut Vec<u8>) {
    let surplus = words.len().saturating_sub(WORDS_MAX_BYTES);
    words.drain(..surplus);
}
