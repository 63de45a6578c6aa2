//! What may be said: the closed set of requests and replies.
//!
//! Sites and releases are named by id; no message holds a path of the host. A [`Refusal`] is a value,
//! so that the one who asked can say the thing, the cause and the way out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lamp_model::Event;
use lamp_model::event::{Outcome, Seq};
use lamp_model::gate::OverrideReason;
use lamp_model::incident::{Incident, IncidentId, NoteText, PageId, PageResult, PersonName};
use lamp_model::name::{DeploymentId, ReleaseId, SiteName};
use lamp_model::origin::Provenance;
use lamp_model::plan::Plan;
use lamp_model::state::{Release, Site};
use lamp_model::tree::{Hash, Manifest};
use serde::{Deserialize, Serialize};

/// What the agent may be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "verb", deny_unknown_fields)]
pub enum Request {
    /// The first word; answered with [`Reply::Hello`].
    Hello {
        /// The protocol's version.
        protocol: u32,
        /// The version of `lamp` that speaks.
        lamp: String,
    },
    /// What runs where: one site, or all; answered with [`Reply::Status`].
    Status {
        /// Which; `None`: all.
        site: Option<SiteName>,
    },
    /// A tree that could become a release; answered with [`Reply::Offered`]. Changes nothing.
    Offer {
        /// Where to.
        site: SiteName,
        /// What it is made of.
        manifest: Manifest,
        /// Where it came from, in words.
        source: String,
        /// The repository, the commit, and who touched what, if it came from git.
        provenance: Option<Box<Provenance>>,
        /// What is to become of it.
        aim: Aim,
    },
    /// Open files that the offered release lacks, one descriptor per hash; answered with
    /// [`Reply::Taken`].
    Files {
        /// The offer that they belong to.
        deployment: DeploymentId,
        /// The hash of each, in the order of the descriptors.
        hashes: Vec<Hash>,
    },
    /// Do what was offered, whoever watches; answered with [`Reply::Accepted`].
    Execute {
        /// The offer.
        deployment: DeploymentId,
    },
    /// Back to a release that was proven good; answered with [`Reply::Accepted`], or with
    /// [`Reply::Offered`] if it is only asked what would be done.
    Rollback {
        /// Which site.
        site: SiteName,
        /// To which release; `None`: the last proven one that is not live.
        to: Option<ReleaseId>,
        /// Only show the plan.
        dry_run: bool,
    },
    /// What happens from `after` on, to the end of this deployment; answered with
    /// [`Reply::Happened`], again and again, then [`Reply::Ended`].
    Watch {
        /// Which deployment.
        deployment: DeploymentId,
        /// The last place in the log that is known already.
        after: Seq,
    },
    /// Every record of the log, for as long as this connection lives; answered with [`Reply::Happened`], again
    /// and again, and [`Reply::Head`] each time there is no more, and every second.
    Follow {
        /// The last place in the log that is known already.
        after: Seq,
    },
    /// Pages are sent by the one who asks, for as long as this connection lives; answered with
    /// [`Reply::PagingTaken`] once nothing of the agent's is under way. Asked again it is a sign of life.
    TakePaging {},
    /// What came of a page; answered with [`Reply::PageRecorded`] once the log has it.
    PageSettled {
        /// Which page.
        page: PageId,
        /// What came of it.
        result: PageResult,
    },
    /// Incidents: the newest, or one; answered with [`Reply::Incidents`].
    Incidents {
        /// Which; `None`: the newest.
        incident: Option<IncidentId>,
    },
    /// What the log holds on an incident, a part at a time; answered with [`Reply::Records`].
    Records {
        /// Which incident.
        incident: IncidentId,
        /// The last place in the log that is known already.
        after: Seq,
    },
    /// Something to be written down about an incident; answered with [`Reply::Noted`].
    Note {
        /// Which incident.
        incident: IncidentId,
        /// When it happened, by the word of whoever writes.
        happened_at: Timestamp,
        /// What.
        text: NoteText,
    },
    /// Somebody sees to an incident; answered with [`Reply::Noted`].
    Acknowledge {
        /// Which incident.
        incident: IncidentId,
        /// Since when, by the word of whoever writes.
        happened_at: Timestamp,
        /// Who, if it is said.
        who: Option<PersonName>,
    },
    /// The releases of a site; answered with [`Reply::Releases`].
    ReleaseList {
        /// Which site.
        site: SiteName,
    },
    /// One release with its manifest; answered with [`Reply::Release`].
    ReleaseShow {
        /// Which site.
        site: SiteName,
        /// Which release.
        release: ReleaseId,
    },
    /// A release held against its manifest; answered with [`Reply::Verified`].
    ReleaseVerify {
        /// Which site.
        site: SiteName,
        /// Which release.
        release: ReleaseId,
    },
    /// Old releases taken away; answered with [`Reply::Pruned`].
    ReleasePrune {
        /// Which site.
        site: SiteName,
        /// Only show what would go.
        dry_run: bool,
    },
}

/// What is to become of a tree that is offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "aim", deny_unknown_fields)]
pub enum Aim {
    /// It comes into production.
    Deploy {
        /// How long to bake; `None`: as the site is configured.
        bake_millis: Option<u64>,
        /// What to probe; `None`: as the site is configured.
        probes: Option<Vec<String>>,
        /// Why it goes even if the gate is shut; `None`: it does not.
        overridden: Option<OverrideReason>,
    },
    /// It is put to the gate; production is not touched.
    Test {},
}

/// What the agent answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reply", deny_unknown_fields)]
pub enum Reply {
    /// The agent's first word.
    Hello {
        /// The protocol's version.
        protocol: u32,
        /// The agent's version of `lamp`.
        lamp: String,
        /// The agent's process id.
        pid: i32,
        /// Of the configuration that it was started with, byte for byte.
        config: Hash,
    },
    /// No, and why.
    Refused {
        /// Why.
        refusal: Refusal,
    },
    /// What runs where.
    Status {
        /// One report per site, by name.
        sites: Vec<SiteReport>,
    },
    /// What would be done, and which files the store lacks.
    Offered {
        /// The plan, as it will be executed.
        plan: Plan,
        /// The hashes of the files to be handed over.
        lacking: Vec<Hash>,
    },
    /// The files are in the agent's hands.
    Taken {
        /// How many of this offer are, all in all.
        files: u64,
    },
    /// It is being done from here on, whoever watches.
    Accepted {
        /// The plan under way.
        plan: Plan,
        /// The place in the log before its first event.
        after: Seq,
    },
    /// One record of the log that tells of the deployment watched.
    Happened {
        /// Its place.
        seq: Seq,
        /// When.
        at: Timestamp,
        /// What.
        events: Vec<Event>,
    },
    /// There is no more in the log for now.
    Head {
        /// Its last place.
        seq: Seq,
    },
    /// The agent sends no pages while this connection lives.
    PagingTaken {
        /// The log's last place: up to there it tells what the agent sent itself.
        head: Seq,
    },
    /// The log has the result.
    PageRecorded {},
    /// The deployment watched is over.
    Ended {
        /// How.
        outcome: Outcome,
        /// Whether the log holds it; if not, the agent keeps it and writes it as soon as it can.
        logged: bool,
    },
    /// The releases of a site.
    Releases {
        /// What answers.
        live: Option<ReleaseId>,
        /// Where a rollback would lead.
        rollback_target: Option<ReleaseId>,
        /// All of them.
        releases: BTreeMap<ReleaseId, Release>,
    },
    /// One release.
    Release {
        /// What the log knows of it.
        release: Release,
        /// Each of its paths.
        manifest: Manifest,
    },
    /// What differs from the manifest; empty: nothing.
    Verified {
        /// Each difference.
        differences: Vec<Difference>,
    },
    /// Incidents.
    Incidents {
        /// By number. A list, for a number as a key does not come through a tagged message.
        incidents: Vec<(IncidentId, Incident)>,
    },
    /// A part of what the log holds on an incident.
    Records {
        /// Records with the events that concern it, in the log's order.
        entries: Vec<lamp_model::event::Entry>,
        /// The place after which to go on; `None`: that was all.
        next: Option<Seq>,
    },
    /// It stands in the log.
    Noted {
        /// Where.
        seq: Seq,
    },
    /// What was taken away, or would be.
    Pruned {
        /// Gone.
        gone: Vec<ReleaseId>,
        /// Kept, with the reason.
        kept: Vec<Kept>,
    },
}

/// One site as the agent sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteReport {
    /// Its name.
    pub site: SiteName,
    /// What the log says of it.
    pub logged: Site,
    /// What the link `current` says.
    pub link: Link,
    /// What the agent is at, its tidying up afterwards included.
    pub under_way: Option<DeploymentId>,
    /// What hinders the agent from putting the site right, if something does.
    pub unsettled: Option<String>,
    /// Whether something happened that the log could not take yet.
    pub unlogged: bool,
}

/// What the link `current` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "link", deny_unknown_fields)]
pub enum Link {
    /// It is not there.
    Nothing {},
    /// This release answers.
    Release {
        /// Which.
        release: ReleaseId,
    },
    /// It names no release of the store.
    Invalid {
        /// What it says.
        text: String,
    },
    /// The store cannot be reached.
    Unreadable {
        /// Why.
        why: String,
    },
}

/// One way in which a release differs from its manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// The path inside the release.
    pub path: String,
    /// What is wrong there.
    pub what: String,
}

/// A release that stays, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// Which.
    pub release: ReleaseId,
    /// Why.
    pub why: String,
}

/// Why the agent does not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case", tag = "refusal", deny_unknown_fields)]
pub enum Refusal {
    /// Neither root nor of the group.
    #[error("uid {uid} may not command the agent")]
    NotAllowed {
        /// Who asked.
        uid: u32,
        /// The group whose members may; `None`: no such group here, only root may.
        group: Option<String>,
    },
    /// Another protocol.
    #[error("the agent speaks protocol {agent}, not {peer}")]
    OtherVersion {
        /// The agent's.
        agent: u32,
        /// The peer's.
        peer: u32,
    },
    /// Not a message, or not one that can come now.
    #[error("the agent does not understand: {why}")]
    NotUnderstood {
        /// What is wrong with it.
        why: String,
    },
    /// As many connections as there may be.
    #[error("the agent has {connections} connections already")]
    Busy {
        /// How many.
        connections: usize,
    },
    /// The agent is ending.
    #[error("the agent is shutting down")]
    Ending {},
    /// No such site in lamp.toml.
    #[error("there is no site {site}")]
    NoSuchSite {
        /// As asked.
        site: SiteName,
        /// Those that there are.
        known: Vec<SiteName>,
    },
    /// No such release in the store.
    #[error("{site} has no release {release}")]
    NoSuchRelease {
        /// Which site.
        site: SiteName,
        /// As asked.
        release: ReleaseId,
    },
    /// No such incident.
    #[error("there is no incident {incident}")]
    NoSuchIncident {
        /// As asked.
        incident: IncidentId,
        /// The last one that there is.
        last: Option<IncidentId>,
    },
    /// A release that is no target for a rollback.
    #[error("{release} of {site} was never proven good")]
    NeverProven {
        /// Which site.
        site: SiteName,
        /// As asked.
        release: ReleaseId,
    },
    /// It answers already.
    #[error("{release} of {site} is live already")]
    LiveAlready {
        /// Which site.
        site: SiteName,
        /// As asked.
        release: ReleaseId,
    },
    /// No proven release besides the live one.
    #[error("{site} has no release to go back to")]
    NothingToGoBackTo {
        /// Which site.
        site: SiteName,
    },
    /// A site without a gate has nothing to test by.
    #[error("the gate of {site} is switched off")]
    NoGate {
        /// Which site.
        site: SiteName,
    },
    /// Another deployment of this site is under way.
    #[error("{holder} is under way on {site} (agent pid {pid})")]
    Held {
        /// Which site.
        site: SiteName,
        /// What holds it.
        holder: String,
        /// The process that holds it.
        pid: i32,
    },
    /// What is live changed after the plan was made.
    #[error("the plan of {deployment} is stale")]
    Stale {
        /// Which.
        deployment: DeploymentId,
    },
    /// What a killed or restarted host left is not put right yet.
    #[error("{site} is not recovered: {why}")]
    NotRecovered {
        /// Which site.
        site: SiteName,
        /// What hinders it.
        why: String,
    },
    /// Another controller sends the pages.
    #[error("pid {pid} sends the pages already")]
    PagingHeld {
        /// That process.
        pid: i32,
    },
    /// Files are lacking that were never handed over.
    #[error("{missing} file(s) of {deployment} were not handed over")]
    FilesMissing {
        /// Which.
        deployment: DeploymentId,
        /// How many.
        missing: u64,
    },
    /// The store holds less than the release needs.
    #[error("the store of {site} has {free_bytes} bytes free and the release needs {needed_bytes}")]
    NoRoom {
        /// Which site.
        site: SiteName,
        /// What it needs, reserve included.
        needed_bytes: u64,
        /// What there is.
        free_bytes: u64,
    },
    /// The log cannot be written, so nothing can be promised.
    #[error("the event log cannot be written: {why}")]
    LogUnavailable {
        /// What it said.
        why: String,
    },
    /// It was tried and could not be done.
    #[error("{why}")]
    Failed {
        /// What failed, as an operating system or a part of ours says it, all its causes included.
        why: String,
    },
}
