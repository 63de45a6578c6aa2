//! A real LAMP stack in a sandbox and an open-loop load generator: demo, drills, tests.
//!
//! A [`LabPlan`] says what a lab will be; [`Lab::start`] makes it: a sandbox whose root is the host's,
//! read-only, with own directories over /etc, /var, /srv, /home, /root and /tmp; Apache with PHP in either
//! way and, if asked for, MariaDB, all laid out as Debian does it ([`layout`]), same ports, paths and users.
//! [`apps`] are the applications that it serves, [`wordpress`] a real one, [`breakage`] what goes wrong with either,
//! [`load`] its visitors; [`receiver`] takes the pages.
//!
//! Invariants: labs share nothing but the read-only root, so any number run side by side; whatever becomes
//! of the process that started one, nothing of it stays; no program of the host is run that is not in
//! [`programs`].

pub mod apps;
pub mod breakage;
pub mod error;
pub mod lab;
pub mod layout;
pub mod load;
pub mod plan;
pub mod programs;
pub mod receiver;
pub mod service;
mod tls;
mod tree_copy;
pub mod wordpress;

pub use apps::App;
pub use breakage::{Breakage, Broken};
pub use error::{LabError, LoadError};
pub use lab::Lab;
pub use plan::{LabName, LabPlan, ModulePlan, Sapi, SitePlan};
pub use receiver::Receiver;
pub use service::Service;
