//! A sandbox: namespaces, overlay, id mapping, seccomp, bounds, reaping; the only mounts and the only
//! unsafe code of Lamplighter.
//!
//! A [`Plan`] says everything that a sandbox will be and a test can read it. [`start`] has it built by the
//! *keeper*, a process that the caller's program becomes when started anew ([`InitProgram`], [`init_main`]).
//! The keeper stays outside, waits for the owner's death or the sandbox's, and removes every trace. Its one
//! child is process 1 inside: it mounts, enters, drops its rights, then runs commands that come by a socket
//! in the state directory, and reaps. So every command stands under the same namespaces, filter,
//! capabilities and bounds, because it inherits them.
//!
//! **Invariant: whoever is killed, whenever, nothing stays** that [`reap`] would not remove, and nothing at
//! all while the keeper lives.
//!
//! ```no_run
//! use std::path::Path;
//! use lamp_sandbox::{InitProgram, OwnDir, Plan, Sandbox};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let state = Path::new("/var/lib/lamp/labs/shop");
//! // Directories below `<state>/own` are made empty at the start and removed at the end.
//! let own = ["etc", "var", "srv"].map(|dir| OwnDir::at(state.join("own").join(dir), Path::new("/").join(dir)));
//! let plan = Plan::lab("shop", state, own.into());
//! // The program named here calls `lamp_sandbox::init_main()` first thing when started with these arguments.
//! let init = InitProgram::new("/usr/bin/lamp").arg("sandbox-init");
//! let sandbox = lamp_sandbox::start(&plan, &init)?;
//!
//! fs_err::write(state.join("own/etc/hostname"), "shop\n")?; // filled from the host's side
//! let said = sandbox.command("/bin/cat").arg("/etc/hostname").output()?;
//! assert!(said.status.success());
//! assert_eq!(said.stdout, b"shop\n");
//!
//! let daemon = sandbox.command("/usr/sbin/apache2").args(["-D", "FOREGROUND"]).env("LANG", "C").spawn()?;
//! println!("process {} of the host", daemon.pid()); // killed when dropped, unless `outlive_caller()`
//!
//! let _root = sandbox.root()?; // descriptor of its root directory, for openat2 with RESOLVE_IN_ROOT
//! let _net = sandbox.net()?; // its network namespace, for a thread that connects inside
//! let same = Sandbox::open(state)?; // from any process of root's
//! assert_eq!(same.init_pid(), sandbox.init_pid());
//! sandbox.kill()?; // no process, mount, control group or file is left
//! # Ok(())
//! # }
//! ```

// The plan.
pub mod plan;
mod step;

// The owner's side.
mod command;
mod outside;
mod sandbox;
mod start;

// The keeper.
mod cgroup;
mod keeper;
mod users;

// Process 1 inside, and workers.
pub mod confine;
mod filter;
mod init;
mod mounts;

// What all of them share.
mod error;
mod journal;
mod message;
mod place;
mod process;
mod reap;
mod remove;
mod sys;
mod wire;

// What the machine must have.
pub mod doctor;

pub use cgroup::{HeldBy, InForce};
pub use command::{CAPTURE_BYTES, Child, Command, Exit, Output};
pub use error::{CommandError, SandboxError, StartError};
pub use keeper::init_main;
pub use plan::{IdMap, Lifetime, OwnDir, Plan};
pub use reap::{Reaped, free_users, reap};
pub use sandbox::Sandbox;
pub use start::{InitProgram, start};
pub use step::Step;
