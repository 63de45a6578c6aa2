//! What a reader of a plan relies on.
