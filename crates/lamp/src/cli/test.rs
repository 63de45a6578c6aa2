//! `lamp test SITE --from SRC`: a directory, or a commit of a repository, is stored and put to the gate, as a deployment of it would be. What
//! answers requests is not touched.

use lamp_fleet::protocol::Aim;

use super::Exit;
use super::args::TestArgs;
use super::deploy::Offering;
use crate::config::Config;
use crate::errors::Trouble;

/// Puts a tree to the gate; exit 1 if it is shut.
pub async fn run(config: &Config, args: &TestArgs) -> Result<Exit, Trouble> {
    let offering = Offering {
        site: &args.site,
        from: &args.from,
        aim: Aim::Test {},
        dry_run: false,
        format: args.format,
    };
    offering.make(config).await
}
