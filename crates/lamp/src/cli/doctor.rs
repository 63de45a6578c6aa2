//! `lamp doctor`: is everything this needs here, with the mend for each line; exit 1 if something lacks.

mod keys;
mod logs;
mod outside;
mod paging;
mod site;

use std::path::Path;

use lamp_agent::state_dir::paging_held;
use lamp_sandbox::doctor::State;
use serde::Serialize;

use paging::Sender;

use super::Exit;
use super::args::{DoctorArgs, Format};
use crate::call::Call;
use crate::config::Config;
use crate::errors::{Told, Trouble};
use crate::screen::{out, out_json};

/// What `lamp doctor --format json` prints.
#[derive(Debug, Serialize)]
struct DoctorV1 {
    schema: u32,
    lacking: usize,
    checks: Vec<Check>,
}

/// One thing that is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What needs it: `agent`, `sandbox`, `lab`, or a site's name.
    pub area: String,
    /// What is needed.
    pub name: String,
    /// What was found; nothing if it lacks.
    pub found: Option<String>,
    /// Why it counts as lacking.
    pub why: Option<String>,
    /// What to do about it.
    pub mend: Option<String>,
}

impl Check {
    fn fine(area: &str, name: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            area: area.to_owned(),
            name: name.into(),
            found: Some(found.into()),
            why: None,
            mend: None,
        }
    }

    fn lacking(area: &str, name: impl Into<String>, why: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            area: area.to_owned(),
            name: name.into(),
            found: None,
            why: Some(why.into()),
            mend: Some(mend.into()),
        }
    }
}

/// Looks at everything, prints a line for each thing.
pub async fn run(config: Result<Config, Told>) -> Vec<Check> {
    let mut checks = vec![root()];
    match config {
        Ok(config) => {
            checks.extend(of_config(&config).await);
        }
        Err(told) => {
            let mend = "write it, or name another with --config PATH";
            checks.push(Check::lacking(
                "agent",
                "lamp.toml",
                told.text(false).trim().to_owned(),
                mend,
            ));
            checks.extend(sandbox(Path::new("/var/lib")));
        }
    }
    checks.extend(programs());
    checks
}

/// What lamp.toml names: the agent, its keys, who pages, each site, where sandboxes lie.
async fn of_config(config: &Config) -> Vec<Check> {
    let agent = agent(config).await;
    let sender = sender(config, &agent);
    let mut checks = vec![agent, paging::check(sender)];
    checks.extend(keys::checks(config));
    for (name, section) in &config.sites {
        checks.extend(site::checks(name, section).await);
    }
    checks.extend(sandbox(&config.agent.state_dir));
    checks.push(outside::check());
    checks
}

fn sender(config: &Config, agent: &Check) -> Sender {
    let mark = paging_held(&config.agent.state_dir);
    match (&config.page, &agent.found) {
        (None, _) => Sender::NotWanted,
        (Some(_), None) => Sender::NoAgent,
        (Some(_), Some(_)) if mark.exists() => Sender::Controller,
        (Some(_), Some(_)) => Sender::Agent,
    }
}

/// Prints what was found.
pub fn print(checks: Vec<Check>, args: &DoctorArgs) -> Exit {
    let lacking = checks.iter().filter(|check| check.found.is_none()).count();
    match args.format {
        Format::Json => out_json(&DoctorV1 {
            schema: 1,
            lacking,
            checks,
        }),
        Format::Text => checks.iter().for_each(|check| out(&text(check))),
    }
    if lacking == 0 { Exit::Yes } else { Exit::No }
}

fn text(check: &Check) -> String {
    let Check { area, name, .. } = check;
    match (&check.found, &check.why, &check.mend) {
        (Some(found), _, _) => format!("ok       {area}: {name}: {found}"),
        (None, why, mend) => format!(
            "LACKING  {area}: {name}: {}\n         mend: {}",
            why.as_deref().unwrap_or("not there"),
            mend.as_deref().unwrap_or("see the manual"),
        ),
    }
}

fn root() -> Check {
    let uid = rustix::process::geteuid();
    if uid.is_root() {
        return Check::fine("agent", "root", "this is root");
    }
    let why = format!("this is uid {}: some checks cannot be made", uid.as_raw());
    Check::lacking("agent", "root", why, "run `lamp doctor` as root")
}

async fn agent(config: &Config) -> Check {
    match Call::running(config, "look for the agent").await {
        Ok(_) => Check::fine(
            "agent",
            "alive",
            format!("it listens on {}", config.agent.socket.display()),
        ),
        Err(Trouble { causes, way_out, .. }) => Check::lacking("agent", "alive", causes.join(": "), way_out),
    }
}

fn sandbox(state_dir: &Path) -> Vec<Check> {
    let parent = state_dir
        .ancestors()
        .find(|dir| dir.is_dir())
        .unwrap_or(Path::new("/"));
    let program = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
    let init = lamp_sandbox::InitProgram::new(program).arg("sandbox-init");
    let checks = lamp_sandbox::doctor::checks(parent, &init);
    let check = |check: lamp_sandbox::doctor::Check| match check.state {
        State::Fine { found } => Check::fine("sandbox", check.name, found),
        State::Lacking { why, mend } => Check::lacking("sandbox", check.name, why, mend),
    };
    checks.into_iter().map(check).collect()
}

fn programs() -> Vec<Check> {
    let check = |program: &lamp_lab::programs::Program| {
        if Path::new(program.path).exists() {
            return Check::fine("lab", program.name, program.path);
        }
        let mend = format!("apt-get install --no-install-recommends {}", program.package);
        Check::lacking(
            "lab",
            program.name,
            format!("{} is not there", program.path),
            mend,
        )
    };
    lamp_lab::programs::ALL.iter().map(check).collect()
}
