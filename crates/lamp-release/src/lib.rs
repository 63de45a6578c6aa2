//! Releases: store, plan, switch, rollback, retention.
