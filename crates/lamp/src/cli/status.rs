//! `lamp status [SITE]`: what runs where, since when, and how it is.

use std::path::Path;

use jiff::Timestamp;
use lamp_fleet::protocol::message::{Link, SiteReport};
use lamp_fleet::protocol::{Reply, Request};
use lamp_model::event::Outcome;
use lamp_model::name::SiteName;
use lamp_model::state::{Deployment, Site};
use serde::Serialize;

use super::args::{Format, StatusArgs};
use super::{Exit, words};
use crate::call::{Call, beside};
use crate::config::Config;
use crate::errors::Trouble;
use crate::errors::agent::none_runs;
use crate::look;
use crate::screen::{out, out_json, say};

/// What `lamp status --format json` prints.
#[derive(Debug, Serialize)]
struct StatusV1 {
    schema: u32,
    sites: Vec<SiteV1>,
}

/// One site of it.
#[derive(Debug, Serialize)]
struct SiteV1 {
    site: String,
    release: Option<String>,
    since: Option<Timestamp>,
    health: Health,
    why: Option<String>,
    deployment: Option<String>,
    step: Option<String>,
    releases: usize,
    rollback_target: Option<String>,
}

/// How a site is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// A proven release answers.
    Good,
    /// A deployment is under way.
    Changing,
    /// The watcher's verdict on what answers stands: visitors, or probes, are met by failures.
    Failing,
    /// No release was ever deployed.
    Empty,
    /// What answers is not what the log says, or cannot be seen.
    Astray,
    /// Something was under way and is not put right yet; the agent tries again and again.
    Unsettled,
    /// What happened waits for a log that cannot be written.
    Unlogged,
}

/// Asks, prints; exit 1 if a site is not as it should be.
pub async fn run(config: &Config, args: &StatusArgs) -> Result<Exit, Trouble> {
    let sites = reports(config, args.site.as_ref()).await?;
    let status = StatusV1 {
        schema: 1,
        sites: sites.iter().map(site).collect(),
    };
    match args.format {
        Format::Json => out_json(&status),
        Format::Text => status.sites.iter().for_each(|site| out(&text(site))),
    }
    let well = |site: &SiteV1| matches!(site.health, Health::Good | Health::Changing | Health::Empty);
    Ok(if status.sites.iter().all(well) {
        Exit::Yes
    } else {
        Exit::No
    })
}

/// From the agent; where none runs, root reads log and links itself.
async fn reports(config: &Config, site: Option<&SiteName>) -> Result<Vec<SiteReport>, Trouble> {
    const WANTED: &str = "look at what runs";
    let call = match Call::if_running(config, WANTED).await? {
        Some(call) => call,
        None if rustix::process::geteuid().is_root() => {
            let sites = look::reports(config, site).await?;
            say(&unwatched(&config.agent.socket));
            return Ok(sites);
        }
        None => return Err(none_runs(&config.agent.socket)),
    };
    let question = Request::Status { site: site.cloned() };
    let reply = call.ask(&question, &[]).await?;
    let Reply::Status { sites } = reply else {
        return Err(beside(&reply));
    };
    Ok(sites)
}

/// What the log says is as old as the agent's end: a site that is good in it may be down by now.
fn unwatched(socket: &Path) -> String {
    format!(
        "no agent listens on {}: nobody watches, and nothing goes back by itself; start one as root: `lamp agent`",
        socket.display()
    )
}

fn site(report: &SiteReport) -> SiteV1 {
    let logged = &report.logged;
    let (health, why) = health(report);
    let active = logged.active.as_ref();
    SiteV1 {
        site: report.site.to_string(),
        release: logged.live.as_ref().map(|live| live.release.to_string()),
        since: logged.live.as_ref().map(|live| live.since),
        health,
        why,
        deployment: report.under_way.as_ref().map(ToString::to_string),
        step: active.and_then(step),
        releases: logged.releases.len(),
        rollback_target: logged.rollback_target().map(ToString::to_string),
    }
}

fn step(active: &Deployment) -> Option<String> {
    let index = usize::try_from(active.phase.step_index()?).ok()?;
    active.steps.get(index).map(ToString::to_string)
}

/// How a site is, and why if there is more to say.
pub fn health(report: &SiteReport) -> (Health, Option<String>) {
    let logged = &report.logged;
    if let Link::Unreadable { why } = &report.link {
        if logged.deployments == 0 {
            return (Health::Empty, Some(format!("it has no store yet: {why}")));
        }
        return (Health::Astray, Some(format!("its store cannot be read: {why}")));
    }
    if let Some(why) = &report.unsettled {
        let health = if report.unlogged {
            Health::Unlogged
        } else {
            Health::Unsettled
        };
        return (health, Some(why.clone()));
    }
    if report.under_way.is_some() || logged.active.is_some() {
        return (Health::Changing, standing(logged));
    }
    match (&report.link, logged.live.as_ref().map(|live| &live.release)) {
        (Link::Nothing {}, None) => (Health::Empty, last_end(logged)),
        (Link::Release { release }, Some(live)) if release == live => match standing(logged) {
            Some(verdict) => (Health::Failing, Some(verdict)),
            None => (Health::Good, last_end(logged)),
        },
        (link, live) => (Health::Astray, Some(astray(link, live.map(|live| live.as_str())))),
    }
}

/// The verdict on what answers now, in words.
fn standing(logged: &Site) -> Option<String> {
    let judged = logged.judged.as_ref()?;
    logged
        .is_met_by(&judged.verdict)
        .then(|| words::verdict(&judged.verdict))
}

fn astray(link: &Link, live: Option<&str>) -> String {
    let found = match link {
        Link::Nothing {} => "the link `current` is not there".to_owned(),
        Link::Release { release } => format!("the link `current` names {release}"),
        Link::Invalid { text } => format!("the link `current` says {text:?}, which is no release"),
        Link::Unreadable { why } => why.clone(),
    };
    format!(
        "{found}; the log says {}",
        live.unwrap_or("that no release answers")
    )
}

/// A last deployment that did not end well is worth a word.
fn last_end(logged: &Site) -> Option<String> {
    let last = logged.last.as_ref()?;
    let id = &last.deployment.id;
    match &last.outcome {
        Outcome::Confirmed | Outcome::Tested => None,
        Outcome::WentBack { reason } => Some(format!("{id} went back: {reason}")),
        Outcome::NotSwitched { reason } => Some(format!("{id} never switched: {reason}")),
        Outcome::Unproven { reason } => Some(format!("{id} stays, unproven: {reason}")),
    }
}

fn text(site: &SiteV1) -> String {
    let release = site.release.as_deref().unwrap_or("no release");
    let since = site
        .since
        .map_or_else(String::new, |at| format!(" since {}", words::moment(at)));
    let mut text = format!("{}: {release}{since}, {}", site.site, health_word(site.health));
    if let Some(deployment) = &site.deployment {
        let step = site.step.as_deref().unwrap_or("tidying up");
        text.push_str(&format!("\n  under way: {deployment}, {step}"));
    }
    if let Some(why) = &site.why {
        text.push_str(&format!("\n  {why}"));
    }
    let back = site.rollback_target.as_deref().unwrap_or("none");
    text.push_str(&format!(
        "\n  {} release(s) stored; way back: {back}",
        site.releases
    ));
    text
}

const fn health_word(health: Health) -> &'static str {
    match health {
        Health::Good => "good",
        Health::Changing => "changing",
        Health::Failing => "FAILING",
        Health::Empty => "empty",
        Health::Astray => "ASTRAY",
        Health::Unsettled => "UNSETTLED",
        Health::Unlogged => "UNLOGGED",
    }
}
