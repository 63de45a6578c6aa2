//! The sections `[page]` and `[heartbeat]` of lamp.toml.

use std::net::IpAddr;
use std::path::PathBuf;

use lamp_model::incident::PageSeverity;
use serde::Deserialize;

use crate::endpoint::Endpoint;

/// Who is paged, as whom, and how loudly.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageConfig {
    /// The file of the routing key: 32 letters and digits; of root, mode 0600, or 0640 with the group that
    /// `lamp serve` runs in.
    pub routing_key_file: PathBuf,
    /// Whoever speaks PagerDuty's Events API v2. Default: PagerDuty.
    #[serde(default = "pagerduty")]
    pub url: Endpoint,
    /// The addresses of the url's host. Default: none listed; its public address is looked up. A relay in a
    /// private net has to be listed.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
    /// How loudly a failure is told that a rollback has healed already. Default: a warning.
    #[serde(default = "warning")]
    pub healed_severity: PageSeverity,
}

/// The dead man's switch that is told that the watching goes on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeartbeatConfig {
    /// What is asked for after a whole cycle of watching, and only then; its path is a secret.
    pub url: Endpoint,
    /// The addresses of the url's host, as in `[page]`.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
}

fn pagerduty() -> Endpoint {
    Endpoint::parse("https://events.pagerduty.com").expect("an address, as a test shows")
}

const fn warning() -> PageSeverity {
    PageSeverity::Warning
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_all_that_must_be_said() {
        let page: PageConfig = toml::from_str("routing_key_file = '/etc/lamp/pagerduty.key'").expect("read");
        assert_eq!(page.url.to_string(), "https://events.pagerduty.com:443");
        assert_eq!(page.healed_severity, PageSeverity::Warning);
        assert!(page.addresses.is_empty());
    }

    #[test]
    fn a_misspelt_key_and_a_bad_address_are_refused() {
        let refused = |text: &str| {
            toml::from_str::<PageConfig>(text)
                .expect_err("refused")
                .to_string()
        };
        let typo = refused("routing_key_file = '/k'\nhealed_severty = 'info'");
        assert!(typo.contains("unknown field `healed_severty`"), "{typo}");
        let clear = refused("routing_key_file = '/k'\nurl = 'http://relay.example'");
        assert!(clear.contains("use https"), "{clear}");
        let heartbeat = toml::from_str::<HeartbeatConfig>("url = 'http://hc.example/ping/secret'");
        let heartbeat = heartbeat.expect_err("refused").to_string();
        assert!(heartbeat.contains("use https"), "{heartbeat}");
    }
}
