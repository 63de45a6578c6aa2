//! The nouns of Lamplighter, and the ports behind which effects stand.
//!
//! Nothing here reads a file, a clock or the network. Read in this order: [`name`] (what things are
//! called), [`tree`] (what a release is made of), [`origin`] (where a release came from), [`plan`] (what is about to be done), [`finding`] (what
//! the check says of code), [`baseline`] (which of it is new), [`reach`] (what hangs on a file), [`gate`] (the decision before the switch), [`evidence`] (what the watcher saw),
//! [`incident`] (who is held responsible, and what a page says), [`event`] (what has happened), [`state`]
//! (what follows from it), [`stored`] (how an event stands on disk), [`plain`] (text of strangers, made safe to show), [`port`] (what others implement),
//! [`clock`].
//!
//! Invariant: every type here is valid once it exists; parsing is the only way in.

pub mod baseline;
pub mod clock;
pub mod event;
pub mod evidence;
pub mod finding;
pub mod gate;
pub mod incident;
pub mod name;
pub mod opened;
pub mod origin;
pub mod plain;
pub mod plan;
pub mod port;
pub mod reach;
pub mod state;
pub mod stored;
pub mod tree;

pub use event::Event;
pub use name::{DeploymentId, ReleaseId, SiteName};
pub use origin::{Origin, Provenance};
pub use plan::{Plan, Step, StepName};
pub use state::World;
pub use tree::{Manifest, RelPath};
