//! What is to be rehearsed, and within which bounds: plain values, made by who knows the site.

use std::path::PathBuf;
use std::time::Duration;

use lamp_model::clock::Clock;
use lamp_model::{ReleaseId, SiteName};
use lamp_release::SiteConfig;
use lamp_sandbox::InitProgram;

/// One rehearsal: which release of which site, and what visitors asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RehearsalPlan {
    /// The site's name.
    pub name: SiteName,
    /// The site as lamp.toml describes it. `inside` says whether production is this machine or a sandbox on it.
    pub site: SiteConfig,
    /// The release that answers now, which the candidate is held against; `None`: none has answered yet.
    pub live: Option<ReleaseId>,
    /// The sealed release that is to be proved.
    pub candidate: ReleaseId,
    /// What no twin of this site may see beside what no twin may see: other sites' stores and docroots, the
    /// agent's own directories. Paths as production sees them.
    pub hidden: Vec<PathBuf>,
    /// What visitors asked lately, as the log has it. Empty: the site is crawled from its home page.
    pub requests: Vec<LoggedRequest>,
    /// Paths with a query that may be asked as they stand, as in `/?s=lamp`; no other is asked with one.
    pub queries: Vec<String>,
    /// A directory of root's alone on a real filesystem: twins live in `twins`, prepared databases in `bases`.
    pub state_dir: PathBuf,
    /// How much of everything.
    pub bounds: RehearsalBounds,
}

/// One line of an access log, as far as a rehearsal needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedRequest {
    /// As in `GET`.
    pub method: String,
    /// The request's target as it was sent, query included.
    pub target: String,
    /// The answer's status.
    pub status: u16,
    /// Who asked: anything that tells clients apart.
    pub client: String,
}

/// How much a rehearsal may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RehearsalBounds {
    /// Building the twin, asking and comparing together; what was not asked by then is not asked.
    pub total_max: Duration,
    /// Making or renewing the prepared copy of the database, if it must be.
    pub base_max: Duration,
    /// A prepared copy that is older is renewed.
    pub base_age_max: Duration,
    /// Until each of the twin's services answers.
    pub start_max: Duration,
    /// One request: the first one of a page, when nothing is compiled yet, takes long. The candidate is given no longer than the
    /// live release's answers warrant.
    pub request_max: Duration,
    /// Routes that are asked, each twice of the live release and once of the candidate.
    pub routes_max: usize,
    /// One answer's body.
    pub body_max_bytes: usize,
    /// What must be free for a twin to be begun.
    pub memory_min_bytes: u64,
}

impl Default for RehearsalBounds {
    fn default() -> Self {
        Self {
            total_max: Duration::from_secs(60),
            base_max: Duration::from_secs(600),
            base_age_max: Duration::from_secs(3_600),
            start_max: Duration::from_secs(20),
            request_max: Duration::from_secs(15),
            routes_max: 40,
            body_max_bytes: 2 << 20,
            memory_min_bytes: 256 << 20,
        }
    }
}

/// What a rehearsal works with.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// The program that becomes the twin's keeper.
    pub init: &'a InitProgram,
    /// The agent's clock.
    pub clock: &'a dyn Clock,
    /// Is told of each phase as it begins.
    pub progress: &'a (dyn Fn(Phase) + Send + Sync),
}

/// What a rehearsal is at, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Production's configuration is read.
    Reading,
    /// The prepared copy of the database is made anew.
    CopyingDatabase,
    /// The twin is built and its services start.
    Starting,
    /// The live release is asked.
    AskingLive,
    /// The candidate is asked.
    AskingCandidate,
    /// The answers are held against each other.
    Comparing,
}

impl Phase {
    /// All of them, in their order.
    pub const ALL: [Self; 6] = [
        Self::Reading,
        Self::CopyingDatabase,
        Self::Starting,
        Self::AskingLive,
        Self::AskingCandidate,
        Self::Comparing,
    ];

    /// For people, as in `starting the twin`.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Reading => "reading production's configuration",
            Self::CopyingDatabase => "copying the database",
            Self::Starting => "starting the twin",
            Self::AskingLive => "asking the live release in the twin",
            Self::AskingCandidate => "asking the candidate in the twin",
            Self::Comparing => "comparing the answers",
        }
    }
}
