//! A piece of the server's own configuration that a release brings for whoever installs it: a virtual host, a directory.
//!
//! Apache comes by it only if the host includes it, so that nothing of it is an error.

use super::directives;
use super::sections::Htaccess;
use crate::surroundings::fault::Fault;

/// Sections that a configuration of Apache has, and those of other servers have not.
const SECTIONS: [&str; 6] = [
    "<directory",
    "<filesmatch",
    "<ifmodule",
    "<location",
    "<proxy",
    "<virtualhost",
];

/// Whether a text with this path is one.
pub(crate) fn is_snippet(path: &str, bytes: &[u8]) -> bool {
    path.ends_with(".conf")
        && bytes.split(|byte| *byte == b'\n').any(|line| {
            let line = line.trim_ascii_start();
            let begins = |section: &&str| {
                line.get(..section.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(section.as_bytes()))
            };
            SECTIONS.iter().any(begins)
        })
}

/// What keeps Apache from starting with it.
pub(crate) fn judge(snippet: &Htaccess) -> Vec<Fault> {
    if let Some(broken) = &snippet.broken {
        let message = "the sections do not fit here: Apache does not start with this file";
        return vec![Fault::warning(
            "apache-snippet",
            Htaccess::spot(broken.line),
            message,
        )];
    }
    let slips = snippet.directives.iter().filter_map(|directive| {
        let name = directive.name.as_str();
        let is_known = directives::known(name).is_some() || directives::is_of_others(name);
        let meant = directives::meant_of_server(name).filter(|_| !is_known)?;
        let message =
            format!("no module of Apache has a directive {name}: Apache does not start with this file");
        let at = Htaccess::spot(directive.line);
        Some(Fault::warning("apache-snippet", at, message).suggesting(meant))
    });
    slips.collect()
}
