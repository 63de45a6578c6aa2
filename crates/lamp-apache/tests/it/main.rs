//! The module against the parts it works with.
