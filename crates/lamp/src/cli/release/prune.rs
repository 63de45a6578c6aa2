//! `lamp release prune SITE`: old releases go, the live one and the way back stay.

use lamp_fleet::protocol::message::Kept;
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
struct PruneV1 {
    schema: u32,
    dry_run: bool,
    gone: Vec<ReleaseId>,
    kept: Vec<Kept>,
}

pub(super) async fn run(
    call: &Call,
    site: &SiteName,
    dry_run: bool,
    format: Format,
) -> Result<Exit, Trouble> {
    let question = Request::ReleasePrune {
        site: site.clone(),
        dry_run,
    };
    let reply = call.ask(&question, &[]).await?;
    let Reply::Pruned { gone, kept } = reply else {
        return Err(beside(&reply));
    };
    let pruned = PruneV1 {
        schema: 1,
        dry_run,
        gone,
        kept,
    };
    match format {
        Format::Json => out_json(&pruned),
        Format::Text => out(&text(&pruned)),
    }
    Ok(Exit::Yes)
}

fn text(pruned: &PruneV1) -> String {
    let word = if pruned.dry_run { "would go" } else { "gone" };
    let gone = pruned.gone.iter().map(|release| format!("{word}: {release}"));
    let kept = pruned
        .kept
        .iter()
        .map(|kept| format!("kept: {} ({})", kept.release, kept.why));
    let lines: Vec<_> = gone.chain(kept).collect();
    if lines.is_empty() {
        "no release to prune".into()
    } else {
        lines.join("\n")
    }
}
