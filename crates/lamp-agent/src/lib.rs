//! The host side, root: executes plans by id, arms, rolls back, writes the log.
