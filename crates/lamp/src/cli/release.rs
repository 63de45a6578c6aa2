//! `lamp release ...`: one file per verb.

mod diff;
mod list;
mod prune;
mod show;
mod verify;

use lamp_fleet::protocol::{Reply, Request};
use lamp_model::name::{ReleaseId, SiteName};
use lamp_model::state::Release;
use lamp_model::tree::Manifest;

use super::Exit;
use super::args::ReleaseVerb;
use crate::call::{Call, beside};
use crate::config::Config;
use crate::errors::Trouble;

/// Runs the verb.
pub async fn run(config: &Config, verb: &ReleaseVerb) -> Result<Exit, Trouble> {
    let call = Call::running(config, wanted(verb)).await?;
    match verb {
        ReleaseVerb::List { site, format } => list::run(&call, site, *format).await,
        ReleaseVerb::Show {
            site,
            release,
            format,
        } => show::run(&call, site, release, *format).await,
        ReleaseVerb::Diff {
            site,
            from,
            to,
            format,
        } => diff::run(&call, diff::Question { site, from, to }, *format).await,
        ReleaseVerb::Verify {
            site,
            release,
            format,
        } => verify::run(&call, site, release.as_ref(), *format).await,
        ReleaseVerb::Prune {
            site,
            dry_run,
            format,
        } => prune::run(&call, site, *dry_run, *format).await,
    }
}

const fn wanted(verb: &ReleaseVerb) -> &'static str {
    match verb {
        ReleaseVerb::List { .. } => "list releases",
        ReleaseVerb::Show { .. } => "show a release",
        ReleaseVerb::Diff { .. } => "compare releases",
        ReleaseVerb::Verify { .. } => "verify releases",
        ReleaseVerb::Prune { .. } => "prune releases",
    }
}

/// One release with its manifest.
async fn fetch(call: &Call, site: &SiteName, release: &ReleaseId) -> Result<(Release, Manifest), Trouble> {
    let question = Request::ReleaseShow {
        site: site.clone(),
        release: release.clone(),
    };
    let reply = call.ask(&question, &[]).await?;
    let Reply::Release { release, manifest } = reply else {
        return Err(beside(&reply));
    };
    Ok((release, manifest))
}
