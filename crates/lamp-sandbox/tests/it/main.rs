//! Sandboxes on a real kernel. Needs root; what this machine lacks fails here with its mend.

mod lab;
mod support;
mod twin;
