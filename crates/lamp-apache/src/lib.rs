//! mod_lamp, the Apache module, built in and embedded, and the configuration lines that load it.
//!
//! The module stands in `module/`: `lamp_parse.c` reads what comes from outside, `lamp_site.c` holds the directives,
//! `mod_lamp.c` answers requests. `build.rs` compiles it. Why it is C: `docs/adr/0002-mod-lamp-in-c.md`.

/// The module as a shared object for Apache 2.4, to be written to the host by whoever installs it.
pub const MODULE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/mod_lamp.so"));
