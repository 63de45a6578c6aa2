//! What runs where, read by root itself while no agent runs: the log, and the links. Changes nothing.

use std::sync::Arc;

use lamp_agent::armed::ArmedDir;
use lamp_agent::clock::SystemClock;
use lamp_agent::hands::Hands;
use lamp_agent::session::link;
use lamp_agent::site_hands::SiteHands;
use lamp_fleet::protocol::Refusal;
use lamp_fleet::protocol::message::SiteReport;
use lamp_log::SqliteLog;
use lamp_model::World;
use lamp_model::clock::Clock;
use lamp_model::name::SiteName;
use lamp_model::state::Site;

use crate::config::Config;
use crate::errors::{Trouble, log as told, refusal};

/// One report per site, or for this one.
pub async fn reports(config: &Config, site: Option<&SiteName>) -> Result<Vec<SiteReport>, Trouble> {
    if let Some(site) = site.filter(|site| !config.sites.contains_key(*site)) {
        let no_such = Refusal::NoSuchSite {
            site: site.clone(),
            known: config.sites.keys().cloned().collect(),
        };
        return Err(refusal::told("look at what runs", &no_such));
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new().map_err(|error| told::no_clock(&error))?);
    let world = world(config).await?;
    let mut reports = Vec::new();
    for (name, section) in config
        .sites
        .iter()
        .filter(|(name, _)| site.is_none_or(|site| site == *name))
    {
        let hands = SiteHands::new(name.clone(), section.clone(), Arc::clone(&clock));
        let logged = world.site(name).cloned().unwrap_or_default();
        reports.push(SiteReport {
            site: name.clone(),
            link: link(hands.live().await),
            unsettled: unsettled(config, name, &logged),
            logged,
            under_way: None,
            unlogged: false,
        });
    }
    Ok(reports)
}

async fn world(config: &Config) -> Result<Arc<World>, Trouble> {
    let path = config.agent.state_dir.join("log.sqlite");
    if !path.exists() {
        return Ok(Arc::default());
    }
    let log = SqliteLog::open_reading(&path).map_err(|error| told::unusable(&path, &error))?;
    let view = lamp_log::replay(&log, &log).await;
    Ok(view.map_err(|error| told::unusable(&path, &error))?.world)
}

/// What a dead agent left, only an agent puts right.
fn unsettled(config: &Config, site: &SiteName, logged: &Site) -> Option<String> {
    let armed = ArmedDir::new(config.agent.state_dir.join("armed")).get(site);
    let left = logged.active.is_some() || !matches!(armed, Ok(None));
    left.then(|| {
        "its agent ended in the middle of a deployment: start one, `lamp agent`, to put it right".into()
    })
}
