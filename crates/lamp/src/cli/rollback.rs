//! `lamp rollback SITE`: back to a release that was proven good, or out of the deployment that is under way.

use lamp_fleet::protocol::{Reply, Request};
use lamp_model::plan::PlanKind;

use super::args::RollbackArgs;
use super::{Exit, progress};
use crate::call::{Call, beside};
use crate::config::Config;
use crate::errors::Trouble;

/// Hands it to the agent and watches.
pub async fn run(config: &Config, args: &RollbackArgs) -> Result<Exit, Trouble> {
    let call = Call::or_start(config, &format!("roll {} back", args.site)).await?;
    let question = Request::Rollback {
        site: args.site.clone(),
        to: args.to.clone(),
        dry_run: args.dry_run,
    };
    let reply = call.ask(&question, &[]).await?;
    if let Reply::Offered { plan, .. } = &reply {
        return Ok(progress::show_plan(plan, args.format));
    }
    let Reply::Accepted { plan, after } = reply else {
        return Err(beside(&reply));
    };
    let ended = progress::watch(&call, &plan, after, args.format).await?;
    Ok(wanted(plan.kind, ended))
}

/// A deployment under way that was called back answers no for itself, and yes for whoever called.
const fn wanted(kind: PlanKind, ended: Exit) -> Exit {
    match (kind, ended) {
        (PlanKind::Deploy, Exit::No) => Exit::Yes,
        (PlanKind::Deploy, Exit::Yes) => Exit::No,
        (PlanKind::Rollback | PlanKind::Test, ended) => ended,
    }
}
