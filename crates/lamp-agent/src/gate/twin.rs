//! A release rehearsed in a twin of production.

use std::path::PathBuf;
use std::sync::Arc;

use lamp_model::clock::Clock;
use lamp_model::gate::Rehearsed;
use lamp_model::name::{ReleaseId, SiteName};
use lamp_model::port::Answer;
use lamp_release::SiteConfig;
use lamp_sandbox::InitProgram;
use lamp_twin::{LoggedRequest, Phase, RehearsalBounds, RehearsalPlan, Tools};

use super::Rehearser;
use super::requests::lately;
use crate::hands::all_causes;

/// Rehearses the releases of one site.
pub struct Twins {
    /// The site's name.
    pub name: SiteName,
    /// The site.
    pub site: SiteConfig,
    /// What no twin of it may see beside what no twin may see: other sites, the agent's own directories.
    pub hidden: Vec<PathBuf>,
    /// Where twins live, and prepared copies of the database.
    pub state_dir: PathBuf,
    /// Lamp's own program, which reads the log as an unprivileged process.
    pub program: PathBuf,
    /// The program that becomes a twin's keeper.
    pub init: InitProgram,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl Twins {
    async fn plan(&self, candidate: &ReleaseId, live: Option<&ReleaseId>) -> RehearsalPlan {
        let requests = self.visitors().await;
        RehearsalPlan {
            name: self.name.clone(),
            site: self.site.clone(),
            live: live.cloned(),
            candidate: candidate.clone(),
            hidden: self.hidden.clone(),
            requests,
            queries: Vec::new(),
            state_dir: self.state_dir.clone(),
            bounds: RehearsalBounds::default(),
        }
    }
}

impl Twins {
    /// What visitors asked for. A site that nobody visited yet is crawled from its home page: our own probes, which
    /// come as visitors do, are no visit.
    async fn visitors(&self) -> Vec<LoggedRequest> {
        match lately(self.program.clone(), self.site.clone()).await {
            Ok(requests) if is_visited(&requests, &self.site.probe_paths()) => requests,
            Ok(_) => Vec::new(),
            Err(error) => {
                tracing::warn!(site = %self.name, %error, "what visitors ask is not known");
                Vec::new()
            }
        }
    }
}

/// Removes what rehearsals left whose agent was killed.
pub async fn reap(state_dir: PathBuf) {
    let reaped = tokio::task::spawn_blocking(move || lamp_twin::reap(&state_dir)).await;
    if let Ok(Err(error)) = reaped {
        let why = all_causes(&error);
        tracing::warn!(
            why,
            "what a killed rehearsal left is still there; the next rehearsal removes it"
        );
    }
}

/// Whether the log shows a site in use: somebody got its home page, and somebody more than what we probe. What only
/// an installer asked for says little of what visitors will.
fn is_visited(requests: &[LoggedRequest], probes: &[String]) -> bool {
    let is_home = |request: &LoggedRequest| {
        request.method == "GET" && request.target == "/" && (200..=399).contains(&request.status)
    };
    let is_ours = |request: &LoggedRequest| probes.contains(&request.target);
    requests.iter().any(is_home) && !requests.iter().all(is_ours)
}

impl Rehearser for Twins {
    fn rehearse<'a>(
        &'a self,
        candidate: &'a ReleaseId,
        live: Option<&'a ReleaseId>,
    ) -> Answer<'a, Rehearsed, String> {
        Box::pin(async move {
            let plan = self.plan(candidate, live).await;
            let progress = |phase: Phase| tracing::info!(site = %self.name, phase = phase.words(), "twin");
            let tools = Tools {
                init: &self.init,
                clock: &*self.clock,
                progress: &progress,
            };
            let rehearsed = lamp_twin::rehearse(plan, &tools).await;
            rehearsed.map_err(|error| all_causes(&error))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_probes_are_no_visit() {
        let request = |target: &str| LoggedRequest {
            method: "GET".into(),
            target: target.into(),
            status: 200,
            client: "0".into(),
        };
        let probes = ["/up.txt".to_owned()];
        assert!(!is_visited(&[], &probes));
        assert!(!is_visited(&[request("/up.txt"), request("/up.txt")], &probes));
        assert!(is_visited(&[request("/up.txt"), request("/")], &probes));
        assert!(
            !is_visited(&[request("/install.php"), request("/up.txt")], &probes),
            "an installer's"
        );
    }
}
