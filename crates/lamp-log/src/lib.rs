//! The event log and the lease: SQLite and memory behind one port.
