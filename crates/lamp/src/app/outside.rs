//! Who outside is told: `[page]` and `[heartbeat]` of lamp.toml.

use std::sync::Arc;

use lamp_agent::incidents::{Outside, PagerParts};
use lamp_incident::PagerTerms;
use lamp_model::clock::Clock;
use lamp_page::{PageConfig, PagerDuty};

use crate::config::Config;

/// As configured.
pub fn outside(config: &Config, clock: &Arc<dyn Clock>) -> Outside {
    let host = host();
    let pager = config.page.clone().map(|page| pager(page, &host, clock));
    Outside {
        pager,
        host,
        heartbeat: config.heartbeat.clone(),
    }
}

fn pager(page: PageConfig, host: &str, clock: &Arc<dyn Clock>) -> PagerParts {
    PagerParts {
        terms: PagerTerms {
            healed_severity: page.healed_severity,
        },
        notifier: Arc::new(PagerDuty::new(page, host, Arc::clone(clock))),
    }
}

/// The host's name.
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
