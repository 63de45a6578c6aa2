//! `lamp release verify SITE [RELEASE]`: every difference is named; exit 1 if there is one.

use lamp_fleet::protocol::message::Difference;
use lamp_fleet::protocol::{Reply, Request};
use lamp_model::name::{ReleaseId, SiteName};
use serde::Serialize;

use crate::call::{Call, beside};
use crate::cli::Exit;
use crate::cli::args::Format;
use crate::errors::Trouble;
use crate::screen::{out, out_json};

/// What `--format json` prints.
#[derive(Debug, Serialize)]
struct VerifyV1 {
    schema: u32,
    releases: Vec<ReleaseV1>,
}

/// One release of it.
#[derive(Debug, Serialize)]
struct ReleaseV1 {
    release: ReleaseId,
    differences: Vec<Difference>,
}

pub(super) async fn run(
    call: &Call,
    site: &SiteName,
    release: Option<&ReleaseId>,
    format: Format,
) -> Result<Exit, Trouble> {
    let releases = match release {
        Some(release) => vec![ReleaseV1 {
            release: release.clone(),
            differences: verify(call, site, release).await?,
        }],
        None => all(call, site).await?,
    };
    let whole = releases.iter().all(|release| release.differences.is_empty());
    match format {
        Format::Json => out_json(&VerifyV1 { schema: 1, releases }),
        Format::Text => releases.iter().for_each(|release| out(&text(release))),
    }
    Ok(if whole { Exit::Yes } else { Exit::No })
}

/// All of the list; one that was pruned since the list was made is passed over.
async fn all(call: &Call, site: &SiteName) -> Result<Vec<ReleaseV1>, Trouble> {
    let mut verified = Vec::new();
    for release in list(call, site).await? {
        match verify(call, site, &release).await {
            Ok(differences) => verified.push(ReleaseV1 { release, differences }),
            Err(trouble) if list(call, site).await?.contains(&release) => return Err(trouble),
            Err(_) => {}
        }
    }
    Ok(verified)
}

/// The oldest first, as `release list` shows them: ids of one second say no order.
async fn list(call: &Call, site: &SiteName) -> Result<Vec<ReleaseId>, Trouble> {
    let reply = call
        .ask(&Request::ReleaseList { site: site.clone() }, &[])
        .await?;
    let Reply::Releases { releases, .. } = reply else {
        return Err(beside(&reply));
    };
    let mut releases: Vec<_> = releases.into_iter().collect();
    releases.sort_by_key(|(_, release)| release.stored_at);
    Ok(releases.into_iter().map(|(id, _)| id).collect())
}

async fn verify(call: &Call, site: &SiteName, release: &ReleaseId) -> Result<Vec<Difference>, Trouble> {
    let question = Request::ReleaseVerify {
        site: site.clone(),
        release: release.clone(),
    };
    let reply = call.ask(&question, &[]).await?;
    let Reply::Verified { differences } = reply else {
        return Err(beside(&reply));
    };
    Ok(differences)
}

fn text(release: &ReleaseV1) -> String {
    let id = &release.release;
    if release.differences.is_empty() {
        return format!("{id}: whole");
    }
    let mut text = format!("{id}: {} difference(s)", release.differences.len());
    for Difference { path, what } in &release.differences {
        text.push_str(&format!("\n  {path}: {what}"));
    }
    text
}
