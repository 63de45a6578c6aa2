//! The module against the parts it works with: its readers under sanitizers, and real Apaches with real PHP.
//!
//! Needs root (namespaces of the test's own) and Debian's apache2, libapache2-mod-php and php-fpm: `make packages`.

mod client;
mod config;
mod door;
mod links;
mod parse;
mod stack;
mod store;
mod switch;
mod urls;
