//! Our lines in Apache's configuration, all of them inside `<IfFile>`: without the module Apache starts as before.

use std::fmt;

use lamp_model::name::ReleaseId;
use lamp_model::tree::RelPath;

use crate::text::{ConfigPath, TextError, check_text};
use crate::{DoorHash, ERROR_LOG_FORMAT, LOG_FORMAT, LOG_FORMAT_NAME, MOD_PHP_LINES, POOL_LINES};

/// A site's document root inside its releases, `.` being the release itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Docroot(Option<RelPath>);

impl Docroot {
    /// Reads `.` or a path below the release.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        if text == "." {
            return Ok(Self(None));
        }
        check_text(text)?;
        let path =
            RelPath::parse(text).map_err(|_| TextError::new(text, "it is no path inside a release"))?;
        Ok(Self(Some(path)))
    }
}

impl fmt::Display for Docroot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_ref().map_or(".", RelPath::as_str))
    }
}

/// What a host needs once, outside every virtual host and before them: the module, our log format, the door's hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostLines {
    /// Where [`crate::MODULE`] was written.
    pub module: ConfigPath,
    /// Without it the side door of every site is shut.
    pub door: Option<DoorHash>,
}

impl HostLines {
    /// The lines as text.
    pub fn render(&self) -> String {
        let format = LOG_FORMAT.replace('"', "\\\"");
        let mut lines = vec![
            format!("LoadModule lamp_module \"{}\"", self.module),
            format!("LogFormat \"{format}\" {LOG_FORMAT_NAME}"),
        ];
        lines.extend(self.door.map(|hash| format!("LampDoorHash {hash}")));
        if_file(&self.module, &lines)
    }
}

/// What each virtual host of a site needs: where its releases are, which of them answers when no link is valid, our logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteLines {
    /// The same path as in [`HostLines`].
    pub module: ConfigPath,
    /// The site's store: `releases/`, `current`, `last-good`.
    pub store: ConfigPath,
    /// Document root inside a release.
    pub docroot: Docroot,
    /// Answers if neither link is valid. The configuration is not rewritten for each release: `last-good` is.
    pub fallback: Option<ReleaseId>,
    /// Our own access log of the site.
    pub access_log: ConfigPath,
    /// Our own error log of the site, which takes the place of the virtual host's: without it nothing names the line of
    /// code that failed.
    pub error_log: Option<ConfigPath>,
}

impl SiteLines {
    /// The lines as text.
    pub fn render(&self) -> String {
        let mut lines = vec![format!("LampStore \"{}\"", self.store)];
        lines.extend(
            self.docroot
                .0
                .as_ref()
                .map(|path| format!("LampDocroot \"{}\"", path.as_str())),
        );
        lines.extend(self.fallback.as_ref().map(|id| format!("LampFallback {id}")));
        lines.push(format!("CustomLog \"{}\" {LOG_FORMAT_NAME}", self.access_log));
        lines.extend(self.error_log.iter().flat_map(error_lines));
        if_file(&self.module, &lines)
    }
}

/// Apache has one error log for each virtual host, so ours is the last word on it.
fn error_lines(error_log: &ConfigPath) -> Vec<String> {
    let mut lines = vec![
        "# Instead of this virtual host's own ErrorLog: keep these lines behind it.".to_owned(),
        format!("ErrorLog \"{error_log}\""),
        format!("ErrorLogFormat \"{ERROR_LOG_FORMAT}\""),
        "<IfModule mod_php.c>".to_owned(),
    ];
    lines.extend(MOD_PHP_LINES.map(|line| format!("    {line}")));
    lines.push("</IfModule>".to_owned());
    lines.push("# With php-fpm instead, in the pool of this site:".to_owned());
    lines.extend(POOL_LINES.map(|line| format!("#   {line}")));
    lines
}

fn if_file(module: &ConfigPath, lines: &[String]) -> String {
    let body: String = lines.iter().map(|line| format!("    {line}\n")).collect();
    format!("<IfFile \"{module}\">\n{body}</IfFile>\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DoorKey;

    fn path(text: &str) -> ConfigPath {
        ConfigPath::parse(text).expect("valid")
    }

    #[test]
    fn the_lines_of_a_host() {
        let host = HostLines {
            module: path("/usr/lib/lamp/mod_lamp.so"),
            door: Some(DoorKey::from_random(&[7; 32]).hash()),
        };
        insta::assert_snapshot!(host.render());
    }

    #[test]
    fn the_lines_of_a_site_with_everything_given() {
        let site = SiteLines {
            module: path("/usr/lib/lamp/mod_lamp.so"),
            store: path("/srv/my shop"),
            docroot: Docroot::parse("public/web").expect("valid"),
            fallback: Some(ReleaseId::parse("20261122-101650-3f9a1c2b").expect("valid")),
            access_log: path("/var/log/apache2/lamp-shop.log"),
            error_log: Some(path("/var/log/apache2/lamp-shop-error.log")),
        };
        insta::assert_snapshot!(site.render());
    }

    #[test]
    fn the_lines_of_a_site_with_only_what_it_must_have() {
        let site = SiteLines {
            module: path("/usr/lib/lamp/mod_lamp.so"),
            store: path("/srv/shop"),
            docroot: Docroot::parse(".").expect("valid"),
            fallback: None,
            access_log: path("/var/log/apache2/lamp-shop.log"),
            error_log: None,
        };
        insta::assert_snapshot!(site.render());
    }

    #[test]
    fn a_docroot_stays_inside_the_release() {
        for bad in [
            "", "/", "/etc", "..", "a/../b", "../x", "a\"b", "a\nb", "${X}", "a//b", "./a",
        ] {
            assert!(Docroot::parse(bad).is_err(), "{bad:?}");
        }
        for good in [".", "public", "public/web"] {
            assert_eq!(
                Docroot::parse(good).map(|docroot| docroot.to_string()),
                Ok(good.to_owned())
            );
        }
    }
}
