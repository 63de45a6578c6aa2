//! `lamp release diff SITE FROM TO`: exit 1 if anything differs.

use lamp_model::name::{ReleaseId, SiteName};
use lamp_release::diff::{Change, diff};
use serde::Serialize;

use super::fetch;
use crate::call::Call;
use crate::cli::Exit;
use crate::cli::args::Format;
use crate::errors::Trouble;
use crate::screen::{out, out_json};

/// Which two releases of which site.
pub(super) struct Question<'a> {
    pub(super) site: &'a SiteName,
    pub(super) from: &'a ReleaseId,
    pub(super) to: &'a ReleaseId,
}

/// What `--format json` prints.
#[derive(Debug, Serialize)]
struct DiffV1 {
    schema: u32,
    changes: Vec<ChangeV1>,
}

/// One path that differs.
#[derive(Debug, Serialize)]
struct ChangeV1 {
    change: char,
    path: String,
}

pub(super) async fn run(call: &Call, question: Question<'_>, format: Format) -> Result<Exit, Trouble> {
    let (_, from) = fetch(call, question.site, question.from).await?;
    let (_, to) = fetch(call, question.site, question.to).await?;
    let changes: Vec<_> = diff(&from, &to).iter().map(change).collect();
    let exit = if changes.is_empty() { Exit::Yes } else { Exit::No };
    match format {
        Format::Json => out_json(&DiffV1 { schema: 1, changes }),
        Format::Text => changes
            .iter()
            .for_each(|change| out(&format!("{} {}", change.change, change.path))),
    }
    Ok(exit)
}

fn change(change: &Change) -> ChangeV1 {
    ChangeV1 {
        change: change.letter(),
        path: change.path().to_string(),
    }
}
