//! `lamp deploy SITE --from SRC`: a directory, or a commit of a repository, becomes a release and comes into production.
//!
//! The tree is read here, with the caller's own rights, and handed to the agent as open files; from then
//! on the agent does it, whoever watches.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

use lamp_fleet::protocol::frame::FILES_MAX;
use lamp_fleet::protocol::{Aim, Refusal, Reply, Request};
use lamp_model::incident::{Incident, IncidentId};
use lamp_model::name::{DeploymentId, ReleaseId, SiteName};
use lamp_model::origin::Provenance;
use lamp_model::tree::{Entry, Hash, Manifest, Node, RelPath};
use lamp_release::source::Source;
use serde::Serialize;

use super::args::{DeployArgs, Format};
use super::{Exit, progress};
use crate::call::{Call, beside};
use crate::config::Config;
use crate::errors::{Trouble, source as told};
use crate::screen::{out, out_json, say};
use crate::source;

/// What `--format json` prints when there is nothing to do.
#[derive(Debug, Serialize)]
struct LiveAlreadyV1<'a> {
    schema: u32,
    live_already: &'a ReleaseId,
}

/// A tree, and what is to become of it.
pub(super) struct Offering<'a> {
    /// Where to.
    pub(super) site: &'a SiteName,
    /// Where it lies.
    pub(super) from: &'a Path,
    /// What is to become of it.
    pub(super) aim: Aim,
    /// Only show the plan.
    pub(super) dry_run: bool,
    /// How to print.
    pub(super) format: Format,
}

/// Brings a tree into production.
pub async fn run(config: &Config, args: &DeployArgs) -> Result<Exit, Trouble> {
    let millis = |bake: Duration| u64::try_from(bake.as_millis()).unwrap_or(u64::MAX);
    let offering = Offering {
        site: &args.site,
        from: &args.from,
        aim: Aim::Deploy {
            bake_millis: args.bake.map(millis),
            probes: None,
            overridden: args.override_gate.clone(),
        },
        dry_run: args.dry_run,
        format: args.format,
    };
    offering.make(config).await
}

impl Offering<'_> {
    /// Reads the tree, hands it over, and watches.
    pub(super) async fn make(self, config: &Config) -> Result<Exit, Trouble> {
        let source = source::read(self.from)?;
        let call = Call::or_start(config, &self.wanted()).await?;
        let live = self.live_manifest(&call, &source).await;
        let offer = self.offer(&source, source.provenance(live.as_ref()));
        let reply = call.ask_plainly(&offer, &[]).await?;
        if let Some(release) = live_already(&reply) {
            return Ok(self.nothing_to_do(release));
        }
        let reply = call.unless_refused(reply)?;
        let Reply::Offered { plan, lacking } = reply else {
            return Err(beside(&reply));
        };
        if matches!(self.aim, Aim::Deploy { .. }) {
            self.say_open_incidents(&call).await;
        }
        if self.dry_run {
            return Ok(progress::show_plan(&plan, self.format));
        }
        hand_over(&call, &plan.deployment, &source, &lacking).await?;
        let question = Request::Execute {
            deployment: plan.deployment,
        };
        let reply = call.ask(&question, &[]).await?;
        let Reply::Accepted { plan, after } = reply else {
            return Err(beside(&reply));
        };
        progress::watch(&call, &plan, after, self.format).await
    }

    fn wanted(&self) -> String {
        match self.aim {
            Aim::Deploy { .. } => format!("deploy to {}", self.site),
            Aim::Test {} => format!("test for {}", self.site),
        }
    }

    fn nothing_to_do(&self, release: &ReleaseId) -> Exit {
        match self.format {
            Format::Text => out(&format!(
                "{release} is live on {} already: nothing to do",
                self.site
            )),
            Format::Json => out_json(&LiveAlreadyV1 {
                schema: 1,
                live_already: release,
            }),
        }
        Exit::Yes
    }

    /// A site that is ill already is worth a word before it changes; that it cannot be told hinders nothing.
    async fn say_open_incidents(&self, call: &Call) {
        let newest = Request::Incidents { incident: None };
        if let Ok(Reply::Incidents { incidents }) = call.ask(&newest, &[]).await {
            open_incidents(self.site, &incidents)
                .iter()
                .for_each(|note| say(note));
        }
    }

    /// What is live, to tell which files' authors matter; of a directory nobody asks. That it cannot be told only
    /// makes more files differ.
    async fn live_manifest(&self, call: &Call, source: &Source) -> Option<Manifest> {
        source.origin.as_ref()?;
        let question = Request::Status {
            site: Some(self.site.clone()),
        };
        let Ok(Reply::Status { sites }) = call.ask(&question, &[]).await else {
            return None;
        };
        let question = Request::ReleaseShow {
            site: self.site.clone(),
            release: sites.into_iter().next()?.logged.live?.release,
        };
        match call.ask(&question, &[]).await {
            Ok(Reply::Release { manifest, .. }) => Some(manifest),
            _ => None,
        }
    }

    fn offer(&self, source: &Source, provenance: Option<Provenance>) -> Request {
        let from = match &source.origin {
            Some(origin) => origin.to_string(),
            None => {
                let real = fs_err::canonicalize(self.from);
                let real = real.unwrap_or_else(|_| self.from.to_owned());
                real.display().to_string()
            }
        };
        Request::Offer {
            site: self.site.clone(),
            manifest: source.manifest.clone(),
            source: from,
            provenance: provenance.map(Box::new),
            aim: self.aim.clone(),
        }
    }
}

/// A line for each incident of this site that is not over.
fn open_incidents(site: &SiteName, incidents: &[(IncidentId, Incident)]) -> Vec<String> {
    let open = incidents
        .iter()
        .filter(|(_, incident)| incident.site == *site && incident.resolved_at.is_none());
    let note = |(number, incident): &(IncidentId, Incident)| {
        format!(
            "note: incident {number} is not over yet: {}; see `lamp incident show {number}`",
            incident.title
        )
    };
    open.map(note).collect()
}

/// What was asked for is so already: the same command twice ends as once.
const fn live_already(reply: &Reply) -> Option<&ReleaseId> {
    if let Reply::Refused {
        refusal: Refusal::LiveAlready { release, .. },
    } = reply
    {
        return Some(release);
    }
    None
}

/// Hands over the files that the store lacks, open, some at a time: each batch is taken before the next
/// is opened, so that this process never holds more than one.
async fn hand_over(
    call: &Call,
    deployment: &DeploymentId,
    source: &Source,
    lacking: &[Hash],
) -> Result<(), Trouble> {
    let paths = paths(source);
    for hashes in lacking.chunks(FILES_MAX) {
        let opened: Result<Vec<File>, _> = hashes
            .iter()
            .filter_map(|hash| paths.get(hash))
            .map(|path| source.open(path))
            .collect();
        let opened = opened.map_err(|error| told::not_taken(&error))?;
        let files: Vec<BorrowedFd<'_>> = opened.iter().map(AsFd::as_fd).collect();
        let question = Request::Files {
            deployment: deployment.clone(),
            hashes: hashes.to_vec(),
        };
        let reply = call.ask(&question, &files).await?;
        if !matches!(reply, Reply::Taken { .. }) {
            return Err(beside(&reply));
        }
    }
    Ok(())
}

/// One path for each content of the source.
fn paths(source: &Source) -> HashMap<Hash, &RelPath> {
    let file = |entry: &'_ Entry| match entry.node {
        Node::File { hash, .. } => Some(hash),
        Node::Dir {} | Node::Link { .. } => None,
    };
    source
        .manifest
        .entries()
        .iter()
        .filter_map(|entry| Some((file(entry)?, &entry.path)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incident(site: &str, resolved_at: Option<&str>) -> Incident {
        let incident = serde_json::json!({
            "site": site,
            "state": if resolved_at.is_some() { "resolved" } else { "failing" },
            "title": "the database is down",
            "noticed_at": "2026-11-22T06:40:00Z",
            "opened_at": "2026-11-22T06:40:01Z",
            "resolved_at": resolved_at,
        });
        serde_json::from_value(incident).expect("an incident")
    }

    #[test]
    fn who_deploys_to_a_site_that_is_ill_is_told_so() {
        let shop = SiteName::parse("shop").expect("a name");
        let incidents = [
            (IncidentId(1), incident("shop", Some("2026-11-22T07:00:00Z"))),
            (IncidentId(2), incident("shop", None)),
            (IncidentId(3), incident("blog", None)),
        ];
        let notes = ["note: incident 2 is not over yet: the database is down; see `lamp incident show 2`"];
        assert_eq!(open_incidents(&shop, &incidents), notes);
    }
}
