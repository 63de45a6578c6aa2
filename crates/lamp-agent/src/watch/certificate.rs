//! The certificate that one site shows, read as a visitor's browser reads it: at the start, each hour, and each minute while it is
//! trouble or cannot be read.

use std::time::Duration;

use lamp_http::certificate::{Presented, Shown};
use lamp_model::evidence::Subject;
use lamp_model::name::SiteName;
use lamp_release::SiteConfig;
use lamp_release::config::Scheme;
use lamp_watch::certificate::{LOOK_AGAIN_EVERY, LOOK_EVERY, judge};

use super::standing::Found;
use crate::hands::HandsError;
use crate::ledger::Ledger;
use crate::site_hands::{Reach, blocking};

/// How long it may take to be shown.
const SHOWN_WITHIN: Duration = Duration::from_secs(10);

/// Looks at the certificate of one site.
pub struct CertificateWatch {
    site: SiteName,
    config: SiteConfig,
    ledger: Ledger,
}

impl CertificateWatch {
    /// Looks at that of `site`.
    pub const fn new(site: SiteName, config: SiteConfig, ledger: Ledger) -> Self {
        Self { site, config, ledger }
    }

    /// Looks for ever. A site without TLS shows none: what stood of an earlier one is over.
    pub async fn run(self) {
        self.forget_others().await;
        if self.config.scheme == Scheme::Http {
            return;
        }
        loop {
            tokio::time::sleep(self.look().await).await;
        }
    }

    /// Looks, and answers when to look again. One that cannot be read is no trouble of its own: whether the site answers is for
    /// its probes to say.
    async fn look(&self) -> Duration {
        let presented = match self.read().await {
            Ok(presented) => presented,
            Err(error) => {
                tracing::debug!(site = %self.site, %error, "the certificate is not read");
                return LOOK_AGAIN_EVERY;
            }
        };
        let trouble = judge(&self.config.hostname, &presented, self.ledger.clock.now());
        let next = trouble.as_ref().map_or(LOOK_EVERY, |_| LOOK_AGAIN_EVERY);
        let found = Found {
            site: self.site.clone(),
            subject: self.subject(),
            trouble,
        };
        found.write(&self.ledger).await;
        next
    }

    async fn read(&self) -> Result<Presented, HandsError> {
        let config = self.config.clone();
        blocking(move || {
            let net = Reach(config.clone()).host().net();
            let shown = Shown {
                address: config.address,
                host: config.hostname,
                net: net.map_err(|error| HandsError::failed(&error))?,
            };
            shown
                .read(SHOWN_WITHIN)
                .map_err(|error| HandsError::failed(&error))
        })
        .await
    }

    fn subject(&self) -> Subject {
        Subject::Certificate {
            hostname: self.config.hostname.clone(),
        }
    }

    /// What lamp.toml names no more is nobody's trouble.
    async fn forget_others(&self) {
        let standing = self.ledger.site(&self.site).standing;
        let subjects = standing.iter().filter_map(|judged| judged.subject());
        for subject in subjects.filter(|subject| self.is_forgotten(subject)) {
            let found = Found {
                site: self.site.clone(),
                subject,
                trouble: None,
            };
            found.write(&self.ledger).await;
        }
    }

    fn is_forgotten(&self, subject: &Subject) -> bool {
        match subject {
            Subject::Certificate { .. } => self.config.scheme == Scheme::Http || *subject != self.subject(),
            Subject::Disk { .. } => false,
        }
    }
}
