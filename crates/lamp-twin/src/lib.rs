//! Twins: a test environment of production's own configuration; replay and comparison.
