//! `lamp deploy SITE --from DIR`: a directory becomes a release and comes into production.
//!
//! The tree is read here, with the caller's own rights, and handed to the agent as open files; from then
//! on the agent does it, whoever watches.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};

use lamp_fleet::protocol::frame::FILES_MAX;
use lamp_fleet::protocol::{Refusal, Reply, Request};
use lamp_model::name::{DeploymentId, ReleaseId};
use lamp_model::tree::{Entry, Hash, Node, RelPath};
use lamp_release::source::Source;
use serde::Serialize;

use super::args::{DeployArgs, Format};
use super::{Exit, progress};
use crate::call::{Call, beside};
use crate::config::Config;
use crate::errors::{Trouble, source as told};
use crate::screen::{out, out_json};
use crate::source;

/// What `--format json` prints when there is nothing to do.
#[derive(Debug, Serialize)]
struct LiveAlreadyV1<'a> {
    schema: u32,
    live_already: &'a ReleaseId,
}

/// Reads the tree, hands it over, and watches.
pub async fn run(config: &Config, args: &DeployArgs) -> Result<Exit, Trouble> {
    let source = source::read(&args.from)?;
    let call = Call::or_start(config, &format!("deploy to {}", args.site)).await?;
    let reply = call.ask_plainly(&offer(args, &source), &[]).await?;
    if let Some(release) = live_already(&reply) {
        return Ok(nothing_to_do(args, release));
    }
    let reply = call.unless_refused(reply)?;
    let Reply::Offered { plan, lacking } = reply else {
        return Err(beside(&reply));
    };
    if args.dry_run {
        return Ok(progress::show_plan(&plan, args.format));
    }
    hand_over(&call, &plan.deployment, &source, &lacking).await?;
    let question = Request::Execute {
        deployment: plan.deployment,
    };
    let reply = call.ask(&question, &[]).await?;
    let Reply::Accepted { plan, after } = reply else {
        return Err(beside(&reply));
    };
    progress::watch(&call, &plan, after, args.format).await
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

fn nothing_to_do(args: &DeployArgs, release: &ReleaseId) -> Exit {
    match args.format {
        Format::Text => out(&format!(
            "{release} is live on {} already: nothing to do",
            args.site
        )),
        Format::Json => out_json(&LiveAlreadyV1 {
            schema: 1,
            live_already: release,
        }),
    }
    Exit::Yes
}

fn offer(args: &DeployArgs, source: &Source) -> Request {
    let from = fs_err::canonicalize(&args.from).unwrap_or_else(|_| args.from.clone());
    Request::Offer {
        site: args.site.clone(),
        manifest: source.manifest.clone(),
        source: from.display().to_string(),
        bake_millis: args
            .bake
            .map(|bake| u64::try_from(bake.as_millis()).unwrap_or(u64::MAX)),
        probes: None,
    }
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
