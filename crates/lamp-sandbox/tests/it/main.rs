//! Sandboxes on a real kernel. Needs root; what this machine lacks fails here with its mend.

mod bounds;
mod doctor;
mod errors;
mod held;
mod killed;
mod lab;
mod neighbours;
mod support;
mod twin;
mod worker;
