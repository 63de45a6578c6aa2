//! `lamp release show SITE RELEASE`

use lamp_model::name::{ReleaseId, SiteName};
use lamp_model::origin::Commit;
use lamp_model::state::Release;
use lamp_model::tree::{Entry, Manifest, Node};
use serde::Serialize;

use super::fetch;
use crate::call::Call;
use crate::cli::args::Format;
use crate::cli::{Exit, words};
use crate::errors::Trouble;
use crate::screen::{out, out_json};

/// What `--format json` prints.
#[derive(Debug, Serialize)]
struct ShowV1<'a> {
    schema: u32,
    release: &'a ReleaseId,
    about: &'a Release,
    manifest: &'a Manifest,
}

pub(super) async fn run(
    call: &Call,
    site: &SiteName,
    release: &ReleaseId,
    format: Format,
) -> Result<Exit, Trouble> {
    let (about, manifest) = fetch(call, site, release).await?;
    match format {
        Format::Json => out_json(&ShowV1 {
            schema: 1,
            release,
            about: &about,
            manifest: &manifest,
        }),
        Format::Text => {
            out(&head(release, &about));
            manifest.entries().iter().for_each(|entry| out(&line(entry)));
        }
    }
    Ok(Exit::Yes)
}

fn head(release: &ReleaseId, about: &Release) -> String {
    let proven = about.proven_at.map_or_else(|| "never".to_owned(), words::moment);
    let commit = about.origin.as_ref().map(|origin| {
        let Commit { id, author, mail } = &origin.commit;
        format!("\ncommit:  {id} by {author} <{mail}>")
    });
    format!(
        "release: {release}\nfrom:    {}{}\nstored:  {}\nproven:  {proven}\ntree:    {}\nfiles:   {}, {}",
        about.source,
        commit.unwrap_or_default(),
        words::moment(about.stored_at),
        about.tree,
        about.files,
        words::bytes(about.size_bytes),
    )
}

fn line(entry: &Entry) -> String {
    let path = &entry.path;
    match &entry.node {
        Node::Dir {} => format!("{:>64}  {path}/", ""),
        Node::File { hash, .. } => format!("{hash}  {path}"),
        Node::Link { target } => format!("{:>64}  {path} -> {target}", ""),
    }
}
