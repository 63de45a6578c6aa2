//! One rehearsal from end to end.

use lamp_fleet::Host;
use lamp_fleet::file::Ownership;
use lamp_http::Request;
use lamp_model::gate::Rehearsal;
use lamp_sandbox::{InitProgram, StartError};

use crate::certificate::Certificate;
use crate::error::TwinError;
use crate::form::{self, Form, Place};
use crate::plan::{Phase, RehearsalPlan, Tools};
use crate::recipe::Recipe;
use crate::twin::{Shell, StartOrTwin, Twin};

/// How often other users are tried when those that were free have been taken meanwhile.
const USERS_TRIES_MAX: u32 = 16;

/// Rehearses the candidate: builds a twin, asks both releases, compares. Dropping the future ends it and leaves
/// nothing; it takes no longer than the plan's bounds allow.
pub async fn rehearse(plan: RehearsalPlan, tools: &Tools<'_>) -> Result<Rehearsal, TwinError> {
    (tools.progress)(Phase::Reading);
    let init = tools.init.clone();
    (tools.progress)(Phase::Starting);
    let (twin, form, plan) = blocking(move || {
        let (twin, form) = up(&plan, &init)?;
        Ok((twin, form, plan))
    })
    .await?;
    (tools.progress)(Phase::AskingCandidate);
    twin.switch(&plan.site, &plan.candidate)?;
    let client = twin
        .client(&plan.site)?
        .timeout(plan.bounds.request_max)
        .build()?;
    let answer = client.get(Request::new("/")).await;
    let mut differs = form.differs;
    differs.push(format!("{:?}", answer.map(|answer| answer.status)));
    Ok(Rehearsal {
        differs,
        ..Rehearsal::default()
    })
}

/// Runs what waits for the kernel beside the runtime. A caller that gives up lets go of what it makes, and that
/// ends and removes itself.
async fn blocking<T, F>(work: F) -> Result<T, TwinError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, TwinError> + Send + 'static,
{
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(TwinError::Interrupted))
}

/// Builds the twin and starts its services.
fn up(plan: &RehearsalPlan, init: &InitProgram) -> Result<(Twin, Form), TwinError> {
    let recipe = Recipe::read(&plan.site)?;
    let certificate = Certificate::make(&plan.site.hostname)?;
    let (shell, form) = build(plan, &recipe, &certificate, init)?;
    let twin = shell.start(&form, plan.bounds.start_max)?;
    Ok((twin, form))
}

/// Builds the twin's sandbox, in users that no other twin has.
fn build(
    plan: &RehearsalPlan,
    recipe: &Recipe,
    certificate: &Certificate,
    init: &InitProgram,
) -> Result<(Shell, Form), TwinError> {
    let parent = parent(plan)?;
    let mut tries = 0;
    loop {
        let users = lamp_sandbox::free_users(&parent)?;
        let users = users.ok_or_else(|| TwinError::NoUsers {
            parent: parent.clone(),
        })?;
        let place = Place {
            name: format!("twin-{}", letters(plan.name.as_str())),
            state_dir: parent.join(format!("{}-{:x}", plan.name, users.base())),
            users,
        };
        let form = form::form(recipe, &plan.site, &plan.hidden, &place, certificate);
        match Shell::build(&form, users, init) {
            Ok(shell) => return Ok((shell, form)),
            Err(StartOrTwin::Start(StartError::UsersTaken { .. } | StartError::Taken { .. }))
                if tries < USERS_TRIES_MAX =>
            {
                tries += 1;
            }
            Err(StartOrTwin::Start(error)) => return Err(TwinError::Start(error)),
            Err(StartOrTwin::Twin(error)) => return Err(error),
        }
    }
}

/// Where twins live; what killed ones left is removed first.
fn parent(plan: &RehearsalPlan) -> Result<std::path::PathBuf, TwinError> {
    let state = Host::local()
        .dir(&plan.state_dir)
        .map_err(TwinError::Production)?;
    state.ensure_dir("twins", ROOT_ALONE)?;
    let parent = plan.state_dir.join("twins");
    lamp_sandbox::reap(&parent)?;
    Ok(parent)
}

/// Nobody but root looks in.
const ROOT_ALONE: Ownership = Ownership {
    uid: 0,
    gid: 0,
    mode: 0o700,
};

/// As a sandbox's name may be.
fn letters(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    name.chars().take(40).map(letter).collect()
}
