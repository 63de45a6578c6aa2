//! mod_lamp, the Apache module, built in and embedded, and the configuration lines that load it.
//!
//! The module stands in `module/`: `lamp_parse.c` reads what comes from outside, `lamp_site.c` holds the directives,
//! `mod_lamp.c` answers requests. `build.rs` compiles it. Why it is C: `docs/adr/0002-mod-lamp-in-c.md`.
//!
//! Installing is: write [`MODULE`] somewhere, [`HostLines`] into the server's configuration, [`SiteLines`] into each
//! virtual host of the site. **All our lines stand inside `<IfFile>`**, so Apache starts without the module too.

mod door;
mod lines;
mod text;

pub use door::{DOOR_HEADER, DoorHash, DoorKey, DoorKeyError};
pub use lines::{Docroot, HostLines, SiteLines};
pub use text::{ConfigPath, TextError};

/// The module as a shared object for Apache 2.4, to be written to the host by whoever installs it.
pub const MODULE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/mod_lamp.so"));

/// Nickname of our access log format, which [`HostLines`] defines and [`SiteLines`] uses.
pub const LOG_FORMAT_NAME: &str = "lamp";

/// Our access log format: what a visitor cannot write comes first, the request line last.
///
/// Status, release, worker's process id, begin in microseconds since the epoch, duration in microseconds, `1` for
/// the side door, client, the request's id in the error log (only if something was logged there because of it), handler,
/// request line; `-` where there is none.
pub const LOG_FORMAT: &str = r#"%>s %{lamp-release}n %P %{begin:usec}t %D %{lamp-door}n %{c}a %L %R "%r""#;

/// Our error log format, in the same order of trust; the request's id is that of the access log.
///
/// Date and time in microseconds (local: Apache knows no other here), severity, process id, client with its port, request's
/// id, module, release, message. PHP can write the release (`apache_note`), so all that is trusted stands before it, and the
/// release of a request is taken from its access log line.
pub const ERROR_LOG_FORMAT: &str = "%{cu}t %-l %-P %-{c}a %-L %-m %-{lamp-release}n %M";

/// What keeps PHP's errors in Apache's error log, whatever the application sets: for mod_php, in the virtual host.
pub const MOD_PHP_LINES: [&str; 3] = [
    "php_admin_flag log_errors on",
    "php_admin_flag display_errors off",
    "php_admin_value error_log none",
];

/// The same for php-fpm, in the site's pool.
pub const POOL_LINES: [&str; 3] = [
    "php_admin_flag[log_errors] = on",
    "php_admin_flag[display_errors] = off",
    "php_admin_value[error_log] =",
];
