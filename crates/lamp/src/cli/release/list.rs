//! `lamp release list SITE`

use jiff::Timestamp;
use lamp_fleet::protocol::{Reply, Request};
use lamp_model::name::{ReleaseId, SiteName};
use lamp_model::state::Release;
use serde::Serialize;

use crate::call::{Call, beside};
use crate::cli::args::Format;
use crate::cli::{Exit, words};
use crate::errors::Trouble;
use crate::screen::{out, out_json};

/// What `--format json` prints.
#[derive(Debug, Serialize)]
struct ListV1 {
    schema: u32,
    releases: Vec<ReleaseV1>,
}

/// One release of it.
#[derive(Debug, Serialize)]
struct ReleaseV1 {
    release: ReleaseId,
    live: bool,
    rollback_target: bool,
    stored_at: Timestamp,
    proven_at: Option<Timestamp>,
    files: u64,
    size_bytes: u64,
    new_bytes: u64,
    source: String,
}

pub(super) async fn run(call: &Call, site: &SiteName, format: Format) -> Result<Exit, Trouble> {
    let reply = call
        .ask(&Request::ReleaseList { site: site.clone() }, &[])
        .await?;
    let Reply::Releases {
        live,
        rollback_target,
        releases,
    } = reply
    else {
        return Err(beside(&reply));
    };
    let line = |(id, release): (ReleaseId, Release)| ReleaseV1 {
        live: live.as_ref() == Some(&id),
        rollback_target: rollback_target.as_ref() == Some(&id),
        release: id,
        stored_at: release.stored_at,
        proven_at: release.proven_at,
        files: release.files,
        size_bytes: release.size_bytes,
        new_bytes: release.new_bytes,
        source: release.source,
    };
    let mut releases: Vec<_> = releases.into_iter().map(line).collect();
    releases.sort_by_key(|release| release.stored_at);
    match format {
        Format::Json => out_json(&ListV1 { schema: 1, releases }),
        Format::Text if releases.is_empty() => out(&format!("{site} has no release yet")),
        Format::Text => releases.iter().for_each(|release| out(&text(release))),
    }
    Ok(Exit::Yes)
}

fn text(release: &ReleaseV1) -> String {
    let role = match (release.live, release.rollback_target) {
        (true, _) => "live",
        (false, true) => "way back",
        (false, false) => "",
    };
    let proven = if release.proven_at.is_some() {
        "proven"
    } else {
        "unproven"
    };
    format!(
        "{:<28} {role:<8} {proven:<8} stored {}  {} files, {} ({} new)  {}",
        release.release.as_str(),
        words::moment(release.stored_at),
        release.files,
        words::bytes(release.size_bytes),
        words::bytes(release.new_bytes),
        release.source,
    )
}
