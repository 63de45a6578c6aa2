//! The crate's only unsafe code: system calls that no safe wrapper exists for.
