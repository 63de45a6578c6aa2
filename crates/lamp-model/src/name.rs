//! What things are called: sites, releases, deployments.
//!
//! A name that exists is well formed: `parse` is the only way to make one, serde included.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest site name, in bytes.
pub const SITE_NAME_MAX_BYTES: usize = 63;
/// Longest release id, in bytes. `mod_lamp` holds the same bound.
pub const RELEASE_ID_MAX_BYTES: usize = 64;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {what}: {why}")]
pub struct NameError {
    /// The text as given, cut to 80 characters.
    pub text: String,
    /// What was wanted, in words.
    pub what: &'static str,
    /// The rule that it breaks.
    pub why: &'static str,
}

impl NameError {
    pub(crate) fn new(text: &str, what: &'static str, why: &'static str) -> Self {
        Self {
            text: text.chars().take(80).collect(),
            what,
            why,
        }
    }
}

macro_rules! text_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
    };
}

text_name! {
    /// A site's name: `[a-z][a-z0-9-]*`, at most [`SITE_NAME_MAX_BYTES`].
    SiteName
}

text_name! {
    /// A release's id: `[0-9a-z][0-9a-z-]*`, at most [`RELEASE_ID_MAX_BYTES`]. It is a directory's name.
    ReleaseId
}

impl SiteName {
    /// Reads a site's name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let fail = |why| Err(NameError::new(text, "site name", why));
        if !text.starts_with(|c: char| c.is_ascii_lowercase()) {
            return fail("it starts with a letter a-z");
        }
        if text.len() > SITE_NAME_MAX_BYTES {
            return fail("it has at most 63 characters");
        }
        if !text.bytes().all(is_name_byte) {
            return fail("it holds only a-z, 0-9 and -");
        }
        Ok(Self(text.to_owned()))
    }
}

impl ReleaseId {
    /// Reads a release's id.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let fail = |why| Err(NameError::new(text, "release id", why));
        if text.is_empty() || text.starts_with('-') {
            return fail("it starts with 0-9 or a-z");
        }
        if text.len() > RELEASE_ID_MAX_BYTES {
            return fail("it has at most 64 characters");
        }
        if !text.bytes().all(is_name_byte) {
            return fail("it holds only 0-9, a-z and -");
        }
        Ok(Self(text.to_owned()))
    }
}

const fn is_name_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')
}

/// One attempt to bring a release into production, as `SITE-NUMBER`; numbers of one site count from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeploymentId {
    site: SiteName,
    number: u64,
}

impl DeploymentId {
    /// The `number`-th deployment of `site`.
    pub const fn new(site: SiteName, number: u64) -> Self {
        Self { site, number }
    }

    /// The site that is deployed to.
    pub const fn site(&self) -> &SiteName {
        &self.site
    }

    /// Its number among the deployments of that site, from 1.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Reads `SITE-NUMBER`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let fail = || NameError::new(text, "deployment id", "it reads SITE-NUMBER, as in shop-12");
        let (site, number) = text.rsplit_once('-').ok_or_else(fail)?;
        let site = SiteName::parse(site).map_err(|_| fail())?;
        let canonical = number.parse::<u64>().ok().filter(|n| n.to_string() == number);
        Ok(Self {
            site,
            number: canonical.ok_or_else(fail)?,
        })
    }
}

impl fmt::Display for DeploymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.site, self.number)
    }
}

impl TryFrom<String> for DeploymentId {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl From<DeploymentId> for String {
    fn from(id: DeploymentId) -> String {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn release(text: &str, valid: bool) {
        assert_eq!(ReleaseId::parse(text).is_ok(), valid, "{text:?}");
    }

    #[test]
    fn release_ids_are_single_directory_names() {
        release("20261122-101650-3f9a1c2b", true);
        release("0", true);
        for bad in ["", "-a", ".", "..", "../x", "a/b", "A", "a b", "a\n", "a.b", "é"] {
            release(bad, false);
        }
        release(&"a".repeat(64), true);
        release(&"a".repeat(65), false);
    }

    #[test]
    fn a_deployment_id_reads_back_as_it_was_written() {
        let id = DeploymentId::new(SiteName::parse("my-shop").expect("valid"), 12);
        assert_eq!(DeploymentId::parse(&id.to_string()), Ok(id));
        for bad in ["shop", "shop-", "shop-01", "-1", "Shop-1", "shop--1x"] {
            assert!(DeploymentId::parse(bad).is_err(), "{bad}");
        }
    }
}
