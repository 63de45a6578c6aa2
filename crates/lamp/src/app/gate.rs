//! The gate of each site: this very program looks at code in a process of its own, and keeps twins.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lamp_agent::gate::Gatekeeper;
use lamp_agent::gate::twin::Twins;
use lamp_agent::gate::worker::CheckWorker;
use lamp_model::SiteName;
use lamp_model::clock::Clock;
use lamp_release::SiteConfig;
use lamp_sandbox::InitProgram;

use crate::config::Config;

/// This program, even if the file at its path has been replaced since.
pub(super) const OWN_PROGRAM: &str = "/proc/self/exe";

/// The gate of one site.
pub fn gatekeeper(
    config: &Config,
    (name, site): (&SiteName, &SiteConfig),
    clock: &Arc<dyn Clock>,
) -> Gatekeeper {
    let twins = Twins {
        name: name.clone(),
        site: site.clone(),
        hidden: hidden(config, name),
        state_dir: config.agent.state_dir.clone(),
        program: OWN_PROGRAM.into(),
        init: InitProgram::new(OWN_PROGRAM).arg("sandbox-init"),
        clock: Arc::clone(clock),
    };
    let checker = CheckWorker::new(OWN_PROGRAM.into(), site.clone());
    Gatekeeper::new(Arc::new(checker), Arc::new(twins))
}

/// What no twin of the site may see: the other sites, and all of ours.
fn hidden(config: &Config, name: &SiteName) -> Vec<PathBuf> {
    let others = config.sites.iter().filter(|(other, _)| *other != name);
    let stores = others.map(|(_, site)| site.store.as_path());
    let ours = [&config.agent.state_dir, &config.path].map(PathBuf::as_path);
    stores.chain(ours).map(Path::to_owned).collect()
}
