//! What the executor's hands can do to one site, as a port: the real ones stand in [`crate::site_hands`],
//! tests bring their own.
//!
//! Every call may be repeated: done again, it ends as done once.

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;

use lamp_fleet::protocol::Aim;
use lamp_model::event::Reason;
use lamp_model::gate::GateResult;
use lamp_model::name::{DeploymentId, ReleaseId};
use lamp_model::origin::Provenance;
use lamp_model::plan::{Plan, Step};
use lamp_model::port::{Answer, Live};
use lamp_model::reach::WholeGraph;
use lamp_model::state::{Deployment, Site};
use lamp_model::tree::{Hash, Manifest};

/// Why a call of the hands was not done.
#[derive(Debug, thiserror::Error)]
pub enum HandsError {
    /// A step's own judgement: the release is not good enough.
    #[error("{0}")]
    Judged(Reason),
    /// An answer for the one who asked.
    #[error("{0}")]
    Refused(Box<lamp_fleet::protocol::Refusal>),
    /// It could not be done.
    #[error("{0}")]
    Failed(String),
}

impl HandsError {
    /// Anything that failed, with all its causes in one line.
    pub fn failed(error: &(dyn std::error::Error + 'static)) -> Self {
        Self::Failed(all_causes(error))
    }
}

/// An error and its causes in one line, what repeats its cause left out.
pub fn all_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        next = cause.source();
    }
    text
}

/// A tree that came over the socket.
#[derive(Debug)]
pub struct Delivery {
    /// What it is made of.
    pub manifest: Manifest,
    /// Where it came from, in words.
    pub source: String,
    /// The repository, the commit, and who touched what, if it came from git.
    pub provenance: Option<Box<Provenance>>,
    /// The files that the store lacked, open.
    pub files: HashMap<Hash, File>,
}

/// What a delivery asks for.
#[derive(Debug)]
pub struct Wish<'a> {
    /// The deployment that it would be.
    pub deployment: DeploymentId,
    /// The site as the log says it is.
    pub site: &'a Site,
    /// What is to become of it.
    pub aim: Aim,
}

/// A plan, and what must be handed over before it can be executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// Hashes of the files that the store lacks.
    pub lacking: Vec<Hash>,
}

/// What a step did, as far as the log wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Nothing that the step's own name does not say.
    Done,
    /// A release counts as stored.
    Stored {
        /// The hash of its manifest.
        tree: Hash,
        /// Its regular files.
        files: u64,
        /// Their bytes.
        size_bytes: u64,
        /// The bytes that were new.
        new_bytes: u64,
        /// Where it came from.
        source: String,
        /// The repository, the commit, and who touched what, if it came from git.
        provenance: Option<Box<Provenance>>,
    },
    /// The gate has answered.
    Gated {
        /// What, and on what it rests.
        result: Box<GateResult>,
    },
    /// Another release answers.
    Switched {
        /// How long the switch took, in microseconds.
        switch_micros: u64,
    },
}

/// What retention says of a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retention {
    /// To go.
    pub gone: Vec<ReleaseId>,
    /// To stay, with the reason.
    pub kept: Vec<(ReleaseId, String)>,
}

/// One way in which a release differs from its manifest: the path, and what is wrong there.
pub type Difference = (String, String);

/// The hands of one site.
pub trait Hands: Send + Sync {
    /// What the link `current` says.
    fn live(&self) -> Answer<'_, Live, HandsError>;
    /// What would be done with `manifest`. Changes nothing.
    fn plan_offer<'a>(&'a self, wish: Wish<'a>, manifest: &'a Manifest) -> Answer<'a, Planned, HandsError>;
    /// What would be done to go back to `to`, a proven release. Changes nothing.
    fn plan_rollback(&self, deployment: DeploymentId, to: ReleaseId) -> Answer<'_, Plan, HandsError>;
    /// The plan of a rollback that was interrupted, as it was planned then.
    fn plan_again<'a>(&'a self, rollback: &'a Deployment) -> Answer<'a, Plan, HandsError>;
    /// Does one step of `plan`; the delivery is what was handed over for it, if anything.
    fn step<'a>(
        &'a self,
        plan: &'a Plan,
        step: &'a Step,
        delivery: Option<Arc<Delivery>>,
    ) -> Answer<'a, Fact, HandsError>;
    /// Makes `back_to` answer again; `None`: no release.
    fn go_back<'a>(&'a self, back_to: Option<&'a ReleaseId>) -> Answer<'a, Fact, HandsError>;
    /// Takes the way back and half-built releases away, and names the last good release. For a site at
    /// which nothing is under way.
    fn tidy<'a>(&'a self, last_good: Option<&'a ReleaseId>) -> Answer<'a, (), HandsError>;
    /// Every release that counts as stored.
    fn list(&self) -> Answer<'_, Vec<ReleaseId>, HandsError>;
    /// What the store says of one of them: a [`Fact::Stored`].
    fn record<'a>(&'a self, release: &'a ReleaseId) -> Answer<'a, Fact, HandsError>;
    /// The manifest of a stored release.
    fn manifest<'a>(&'a self, release: &'a ReleaseId) -> Answer<'a, Manifest, HandsError>;
    /// What hangs on each file of a stored release; `None`: the gate has not looked at it.
    fn graph<'a>(&'a self, release: &'a ReleaseId) -> Answer<'a, Option<WholeGraph>, HandsError>;
    /// Every way in which a stored release differs from its manifest.
    fn verify<'a>(&'a self, release: &'a ReleaseId) -> Answer<'a, Vec<Difference>, HandsError>;
    /// What retention says of the store, with `site` as the log says it is. Changes nothing.
    fn retention<'a>(&'a self, site: &'a Site) -> Answer<'a, Retention, HandsError>;
    /// Removes a release.
    fn prune<'a>(&'a self, release: &'a ReleaseId) -> Answer<'a, (), HandsError>;
}
