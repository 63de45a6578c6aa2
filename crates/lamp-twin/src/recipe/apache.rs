//! What Apache's configuration names, by its directives' names alone: enough to hide what a twin must not see.

use std::path::PathBuf;

/// Paths that configuration names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) docroots: Vec<PathBuf>,
    pub(super) certificates: Vec<PathBuf>,
    pub(super) keys: Vec<PathBuf>,
}

impl Named {
    /// Adds what one file names. A name that is not absolute is left: Apache would resolve it by its own rules.
    pub(super) fn read(&mut self, text: &str) {
        for line in text.lines() {
            let mut words = line.trim().splitn(2, [' ', '\t']);
            let (Some(directive), Some(value)) = (words.next(), words.next()) else {
                continue;
            };
            let path = PathBuf::from(value.trim().trim_matches('"'));
            let list = match directive.to_ascii_lowercase().as_str() {
                "documentroot" => &mut self.docroots,
                "sslcertificatefile" => &mut self.certificates,
                "sslcertificatekeyfile" => &mut self.keys,
                _ => continue,
            };
            if path.is_absolute() {
                list.push(path);
            }
        }
    }

    pub(super) fn sort(&mut self) {
        for list in [&mut self.docroots, &mut self.certificates, &mut self.keys] {
            list.sort();
            list.dedup();
        }
    }
}

/// Whether a file holds a private key in PEM.
pub(super) fn holds_key(bytes: &[u8]) -> bool {
    const MARK: &[u8] = b"PRIVATE KEY-----";
    bytes.windows(MARK.len()).any(|window| window == MARK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_found_in_any_case_and_comments_are_none() {
        let mut named = Named::default();
        named.read(
            "<VirtualHost *:443>\n  DocumentRoot /srv/a\n\tdocumentroot \"/srv/my site\"\n #DocumentRoot /srv/no\n\
             SSLCertificateFile\t/etc/ssl/a.pem\nSSLCertificateKeyFile relative.key\nSSLCertificateKeyFile /k\n",
        );
        named.sort();
        let paths = |all: &[&str]| all.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(named.docroots, paths(&["/srv/a", "/srv/my site"]));
        assert_eq!(named.certificates, paths(&["/etc/ssl/a.pem"]));
        assert_eq!(named.keys, paths(&["/k"]));
    }

    #[test]
    fn a_key_is_known_by_its_first_line() {
        assert!(holds_key(b"x\n-----BEGIN RSA PRIVATE KEY-----\n"));
        assert!(holds_key(b"-----BEGIN PRIVATE KEY-----\nMII"));
        assert!(!holds_key(b"-----BEGIN CERTIFICATE-----\n"));
    }
}
