//! mod_lamp, the Apache module, built in and embedded, and the configuration lines that load it.
