//! Trouble with bringing mod_lamp to Apache.

use std::io;
use std::path::Path;

use lamp_apache::TextError;
use lamp_model::SiteName;

use super::{Kind, Trouble};

/// The module could not be written.
pub fn not_installed(module: &Path, error: &io::Error) -> Trouble {
    let way_out = "run it as root, or name another place with --module";
    Trouble::new(
        Kind::Environment,
        format!("install mod_lamp at {}", module.display()),
        error,
        way_out,
    )
}

/// The side door's key could not be made.
pub fn no_key(path: &Path, error: &io::Error) -> Trouble {
    let way_out = "run it as root; the directory is [agent] state_dir in lamp.toml";
    Trouble::new(
        Kind::Environment,
        format!("make the side door's key {}", path.display()),
        error,
        way_out,
    )
}

/// No such site.
pub fn no_site<'a>(site: &SiteName, known: impl Iterator<Item = &'a SiteName>) -> Trouble {
    let known: Vec<&str> = known.map(SiteName::as_str).collect();
    Trouble::because(
        Kind::Mistake,
        format!("print the lines of {site}"),
        "lamp.toml has no such site",
        format!("name one of: {}", known.join(", ")),
    )
}

/// A value that cannot stand in Apache's configuration.
pub fn no_line(site: Option<&SiteName>, error: &TextError) -> Trouble {
    let thing = site.map_or_else(|| "the host".to_owned(), ToString::to_string);
    let way_out =
        "change that path in lamp.toml, or --module: no quote, backslash, `$`, pattern or control character";
    Trouble::new(
        Kind::Mistake,
        format!("print the lines of {thing}"),
        error,
        way_out,
    )
}
