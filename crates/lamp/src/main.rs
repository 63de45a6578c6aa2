//! The binary `lamp`.
fn main() {}
