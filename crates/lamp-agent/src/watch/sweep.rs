//! A quiet site is judged by a sweep right after the switch: nobody may come by for hours.
//!
//! What is asked in production must do no harm: only what visitors asked for with a GET, without a query, and were
//! always answered well.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use lamp_model::name::ReleaseId;
use lamp_release::SiteConfig;
use lamp_twin::LoggedRequest;

use super::door::Door;
use crate::gate::requests::lately;

/// Most paths that are asked.
pub const PATHS_MAX: usize = 10;

/// Most paths of visitors that are asked because requests do not end: each may cost the whole patience of the asking.
const ASKED_MAX: usize = 3;

/// One sweep of a release that has just been switched to.
pub struct Sweep {
    /// The release.
    pub release: ReleaseId,
    /// The site.
    pub site: SiteConfig,
    /// Lamp's own program, which reads the log as an unprivileged process.
    pub program: PathBuf,
    /// Who asks.
    pub door: Arc<Door>,
}

/// A path of a sweep that was not answered well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swept {
    /// The release that was asked.
    pub release: ReleaseId,
    /// The path.
    pub path: String,
    /// The status, if there was an answer.
    pub status: Option<u16>,
}

impl Sweep {
    /// Asks one path after the other, up to the first that is not answered well.
    pub async fn run(self) -> Option<Swept> {
        let requests = match lately(self.program, self.site).await {
            Ok(requests) => requests,
            Err(error) => {
                tracing::debug!(%error, "nothing is swept");
                return None;
            }
        };
        for path in harmless(&requests) {
            let asked = self.door.probe(path, &self.release).await?;
            if !asked.is_well() {
                return Some(Swept {
                    release: self.release,
                    path: path.to_owned(),
                    status: asked.answer.ok(),
                });
            }
        }
        None
    }
}

/// What may be asked of a site, that of most visitors first, and then this.
pub async fn askable(site: SiteConfig, program: PathBuf, and: Vec<String>) -> Vec<String> {
    let requests = match lately(program, site).await {
        Ok(requests) => requests,
        Err(error) => {
            tracing::debug!(%error, "only probes are asked");
            return and;
        }
    };
    let visited = harmless(&requests).into_iter().map(ToOwned::to_owned);
    visited.take(ASKED_MAX).chain(and).collect()
}

/// What may be asked, that of most visitors first.
pub fn harmless(requests: &[LoggedRequest]) -> Vec<&str> {
    let mut clients: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut refused: BTreeSet<&str> = BTreeSet::new();
    for request in requests {
        let is_well = request.method == "GET" && (200..=399).contains(&request.status);
        if is_well {
            clients
                .entry(&request.target)
                .or_default()
                .insert(&request.client);
        } else {
            refused.insert(&request.target);
        }
    }
    let may_be_asked = |path: &str| path.starts_with('/') && !path.contains('?') && !refused.contains(path);
    let mut ranked: Vec<(usize, &str)> = clients
        .iter()
        .filter(|(path, _)| may_be_asked(path))
        .map(|(path, clients)| (clients.len(), *path))
        .collect();
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    ranked.into_iter().take(PATHS_MAX).map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, target: &str, status: u16, client: u32) -> LoggedRequest {
        LoggedRequest {
            method: method.into(),
            target: target.into(),
            status,
            client: client.to_string(),
        }
    }

    #[test]
    fn only_what_visitors_got_without_a_query_and_always_well_is_asked() {
        let requests = [
            request("GET", "/", 200, 1),
            request("GET", "/shop", 200, 1),
            request("GET", "/shop", 302, 2),
            request("GET", "/search?", 200, 1),
            request("GET", "/private", 401, 1),
            request("GET", "/private", 200, 2),
            request("GET", "/denied", 403, 1),
            request("GET", "/absent", 404, 1),
            request("POST", "/order", 200, 1),
            request("GET", "/order", 200, 1),
            request("GET", "/broken", 500, 1),
        ];
        assert_eq!(harmless(&requests), ["/shop", "/"]);
        let many: Vec<_> = (0..50)
            .map(|number| request("GET", &format!("/{number}"), 200, 1))
            .collect();
        assert_eq!(harmless(&many).len(), PATHS_MAX);
    }
}
