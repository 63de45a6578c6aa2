//! What visitors asked for lately, for a rehearsal: read out of the access log by an unprivileged process.

use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Duration;

use lamp_release::SiteConfig;
use lamp_sandbox::confine::{AnswerBounds, run_worker};
use lamp_twin::LoggedRequest;
use serde::{Deserialize, Serialize};

use crate::hands::HandsError;
use crate::site_hands::{Reach, blocking};

/// The hidden verb of the worker.
const VERB: &str = "requests-worker";
/// Most requests that are told, the latest.
pub const REQUESTS_MAX: usize = 20_000;
/// Longest answer, in bytes.
const ANSWER_MAX_BYTES: usize = 64 << 20;
/// Longest time for it.
const TIME_MAX: Duration = Duration::from_secs(10);

/// One request, as the worker tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logged {
    /// As in `GET`.
    pub method: String,
    /// Its path; with a `?` behind it if a query followed.
    pub target: String,
    /// The answer's status.
    pub status: u16,
    /// Tells clients apart.
    pub client: u32,
}

impl From<Logged> for LoggedRequest {
    fn from(logged: Logged) -> Self {
        Self {
            method: logged.method,
            target: logged.target,
            status: logged.status,
            client: logged.client.to_string(),
        }
    }
}

/// What visitors of the site asked for lately.
pub async fn lately(program: PathBuf, site: SiteConfig) -> Result<Vec<LoggedRequest>, HandsError> {
    let answer = blocking(move || {
        let host = Reach(site.clone()).host();
        let (dir, name) = host
            .dir_of(site.access_log.as_path())
            .map_err(|error| HandsError::failed(&error))?;
        let name = name.to_string_lossy();
        let bounds = AnswerBounds {
            answer_max_bytes: ANSWER_MAX_BYTES,
            time_max: TIME_MAX,
        };
        let answer = run_worker(&program, &[VERB, &name], dir.as_fd(), &bounds);
        answer.map_err(|error| HandsError::failed(&error))
    })
    .await?;
    let logged: Vec<Logged> = serde_json::from_slice(&answer).map_err(|error| HandsError::failed(&error))?;
    Ok(logged
        .into_iter()
        .take(REQUESTS_MAX)
        .map(LoggedRequest::from)
        .collect())
}
