//! A host and how it is reached; the agent's protocol; the one tree walker.

pub mod protocol;
