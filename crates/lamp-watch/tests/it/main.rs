//! The follower and the worker against real files.
