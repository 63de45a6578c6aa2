//! Asks the kernel for one thing and says what it answered: `ok`, or the number of the error.
//!
//! `lamp-sandbox-probe [confined] WHAT [ARG]`. It runs outside first, where it must get what it asks for, then inside.
//! Raw system calls, so that no library decides before the kernel does; hence the unsafe code.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::os::fd::AsFd;
use std::process::ExitCode;

use lamp_sandbox::confine::{WorkerLimits, confine_worker};

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let mut what = args.next().unwrap_or_default();
    if what == "confined" {
        confine();
        what = args.next().unwrap_or_default();
    }
    let arg = args.next().unwrap_or_default();
    match probe(&what, &arg) {
        None => {
            eprintln!("no probe {what}");
            ExitCode::from(2)
        }
        Some(answer) if answer >= 0 => {
            println!("ok");
            ExitCode::SUCCESS
        }
        Some(_) => {
            println!("{}", io::Error::last_os_error().raw_os_error().unwrap_or(0));
            ExitCode::SUCCESS
        }
    }
}

/// As a worker is, to reading beneath the directory that is its standard input.
fn confine() {
    let limits = WorkerLimits {
        memory_bytes: 1 << 30,
        cpu_seconds: Some(60),
        open_files: 64,
    };
    confine_worker(&[io::stdin().as_fd()], &limits).expect("confined");
}

/// Listens on the port on every address.
fn listen(port: &str) -> Option<i64> {
    let listener = std::net::TcpListener::bind(("0.0.0.0", port.parse().ok()?));
    Some(if listener.is_ok() { 0 } else { -1 })
}

/// The kernel's answer; negative: refused. `None`: there is no such probe.
fn probe(what: &str, arg: &str) -> Option<i64> {
    if what == "listen" {
        return listen(arg);
    }
    files(what, arg)
        .or_else(|| calls(what, arg))
        .or_else(|| others(what, arg))
}

fn text(arg: &str) -> CString {
    CString::new(arg).unwrap_or_default()
}

/// Files and mounts.
fn files(what: &str, arg: &str) -> Option<i64> {
    let path = text(arg);
    let path = path.as_ptr();
    // SAFETY: paths are C strings that live through the calls; all else are plain values.
    let answer = unsafe {
        match what {
            "open-write" => i64::from(libc::open(path, libc::O_WRONLY | libc::O_NONBLOCK)),
            "open-read" => i64::from(libc::open(path, libc::O_RDONLY | libc::O_NONBLOCK)),
            "mknod-char" => i64::from(libc::mknod(path, libc::S_IFCHR | 0o600, libc::makedev(1, 3))),
            "mknod-block" => i64::from(libc::mknod(path, libc::S_IFBLK | 0o600, libc::makedev(7, 0))),
            "mknod-fifo" => i64::from(libc::mknod(path, libc::S_IFIFO | 0o600, 0)),
            "mount" => i64::from(libc::mount(
                c"none".as_ptr(),
                path,
                c"tmpfs".as_ptr(),
                0,
                std::ptr::null(),
            )),
            "fsopen" => libc::syscall(libc::SYS_fsopen, c"tmpfs".as_ptr(), 0),
            "open-tree" => libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path, 1),
            "chroot" => i64::from(libc::chroot(path)),
            _ => return None,
        }
    };
    Some(answer)
}

/// Calls that the twin's table names.
fn calls(what: &str, arg: &str) -> Option<i64> {
    let zeros = [0_u8; 256];
    let zeros = zeros.as_ptr();
    // SAFETY: structures that the kernel reads are 256 zero bytes, longer than each; it writes into none.
    let answer = unsafe {
        match what {
            "unshare-mounts" => i64::from(libc::unshare(libc::CLONE_NEWNS)),
            "unshare-users" => i64::from(libc::unshare(libc::CLONE_NEWUSER)),
            "setns" => {
                let own = libc::open(c"/proc/self/ns/net".as_ptr(), libc::O_RDONLY);
                i64::from(libc::setns(own, 0))
            }
            "clone-pids" => clone(libc::CLONE_NEWPID | libc::SIGCHLD),
            "clone-plain" => clone(libc::SIGCHLD),
            "clone3" => libc::syscall(libc::SYS_clone3, zeros, 0),
            "bpf" => {
                // An array map of one value of 4 bytes: type, key, value, entries.
                let map: [u32; 18] = [2, 4, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
                libc::syscall(libc::SYS_bpf, 0, map.as_ptr(), 72)
            }
            "io-uring" => {
                let mut parameters = [0_u8; 256];
                libc::syscall(libc::SYS_io_uring_setup, 1, parameters.as_mut_ptr())
            }
            "keyctl" => libc::syscall(libc::SYS_keyctl, 0, -3, 1),
            "add-key" => {
                let (kind, name) = (c"user".as_ptr(), c"lamp-probe".as_ptr());
                libc::syscall(libc::SYS_add_key, kind, name, zeros, 1, -2)
            }
            "userfaultfd" => libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC),
            "socket" => i64::from(libc::socket(arg.parse().unwrap_or(-1), libc::SOCK_DGRAM, 0)),
            "socket-stream" => i64::from(libc::socket(arg.parse().unwrap_or(-1), libc::SOCK_STREAM, 0)),
            "socket-raw" => i64::from(libc::socket(arg.parse().unwrap_or(-1), libc::SOCK_RAW, 0)),
            "set-host-name" => i64::from(libc::sethostname(c"probe".as_ptr(), 5)),
            "type-into-terminal" => i64::from(libc::ioctl(0, libc::TIOCSTI, c"x".as_ptr())),
            "other-numbering" => libc::syscall(0x4000_0000 | libc::SYS_getpid),
            _ => return None,
        }
    };
    Some(answer)
}

/// What one process does to another, by its id.
fn others(what: &str, arg: &str) -> Option<i64> {
    let pid: i32 = arg.parse().unwrap_or(0);
    // SAFETY: plain values; PTRACE_ATTACH takes no pointer.
    let answer = unsafe {
        match what {
            "signal" => i64::from(libc::kill(pid, 0)),
            "trace" => libc::ptrace(libc::PTRACE_ATTACH, pid, 0, 0),
            _ => return None,
        }
    };
    Some(answer)
}

/// The child ends at once; its parent's answer is the child's id.
///
/// # Safety
/// `flags` share nothing: a stack of its own is not needed.
unsafe fn clone(flags: i32) -> i64 {
    // SAFETY: as a fork, with a copy of everything; this program has one thread.
    let child = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    if child == 0 {
        // SAFETY: ends the child without running anything that the parent left.
        unsafe { libc::_exit(0) }
    }
    child
}
