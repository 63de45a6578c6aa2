//! What the agent refuses, and the way out of each.

use lamp_fleet::protocol::Refusal;
use lamp_model::incident::IncidentId;
use lamp_model::name::SiteName;

use super::{Kind, Trouble};

/// A refusal as trouble with what was wanted, as in `deploy shop`.
pub fn told(wanted: &str, refusal: &Refusal) -> Trouble {
    Trouble::because(kind(refusal), wanted, refusal.to_string(), way_out(refusal))
}

const fn kind(refusal: &Refusal) -> Kind {
    match refusal {
        Refusal::NotAllowed { .. }
        | Refusal::NoSuchIncident { .. }
        | Refusal::NoSuchSite { .. }
        | Refusal::NoSuchRelease { .. }
        | Refusal::NeverProven { .. }
        | Refusal::LiveAlready { .. }
        | Refusal::NothingToGoBackTo { .. }
        | Refusal::NoGate { .. } => Kind::Mistake,
        Refusal::OtherVersion { .. }
        | Refusal::Busy { .. }
        | Refusal::Ending {}
        | Refusal::Held { .. }
        | Refusal::PagingHeld { .. }
        | Refusal::Stale { .. }
        | Refusal::NotRecovered { .. }
        | Refusal::NoRoom { .. }
        | Refusal::LogUnavailable { .. }
        | Refusal::Failed { .. } => Kind::Environment,
        Refusal::NotUnderstood { .. } | Refusal::FilesMissing { .. } => Kind::Bug,
    }
}

fn way_out(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotAllowed { group, .. } => not_allowed(group.as_deref()),
        Refusal::OtherVersion { .. } => {
            "end the agent (SIGTERM); the next `lamp deploy` starts one of this version".into()
        }
        Refusal::NotUnderstood { .. } | Refusal::FilesMissing { .. } => "please report this".into(),
        Refusal::Busy { .. } => "run this again when others have ended".into(),
        Refusal::Ending {} => "run this again in a moment".into(),
        Refusal::NoSuchSite { site, known } => no_such_site(site, known),
        Refusal::NoSuchIncident { last, .. } => no_such_incident(*last),
        Refusal::NoSuchRelease { site, .. } | Refusal::NeverProven { site, .. } => {
            format!("`lamp release list {site}` shows the releases that there are")
        }
        Refusal::LiveAlready { site, .. } => format!("nothing to do; `lamp status {site}` shows it"),
        Refusal::NothingToGoBackTo { site } => {
            format!("deploy a good tree: `lamp deploy {site} --from DIR`")
        }
        Refusal::NoGate { site } => {
            format!(
                "write `gate = \"check\"` or `gate = \"full\"` under [site.{site}] in lamp.toml, and start the agent anew"
            )
        }
        Refusal::Held { site, .. } => {
            format!("`lamp status {site}` shows it; run this again when it has ended")
        }
        Refusal::PagingHeld { pid } => format!("one `lamp serve` is enough: look at pid {pid}"),
        Refusal::Stale { .. } => "run this again: the plan is made anew".into(),
        Refusal::NotRecovered { site, .. } => {
            format!("make the site's store reachable; the agent then goes on by itself: `lamp status {site}`")
        }
        Refusal::NoRoom { site, .. } => {
            format!("`lamp release prune {site}` removes old releases; or make room on that filesystem")
        }
        Refusal::LogUnavailable { .. } => {
            "make room for the agent's directory ([agent] state_dir in lamp.toml), then run this again".into()
        }
        Refusal::Failed { .. } => {
            "mend what is named above, then run this again; `lamp doctor` may know more".into()
        }
    }
}

fn no_such_incident(last: Option<IncidentId>) -> String {
    match last {
        Some(last) => format!("`lamp incident list` shows those that there are; the last one is {last}"),
        None => "there was none on this host yet".into(),
    }
}

fn not_allowed(group: Option<&str>) -> String {
    match group {
        Some(group) => format!("run this as root, or as a member of group {group}"),
        None => "run this as root; the agent's group does not exist here ([agent] group in lamp.toml)".into(),
    }
}

fn no_such_site(site: &SiteName, known: &[SiteName]) -> String {
    if known.is_empty() {
        return format!("describe it in lamp.toml under [site.{site}] and start the agent anew");
    }
    let known: Vec<_> = known.iter().map(SiteName::as_str).collect();
    match nearest(site.as_str(), known.iter().copied()) {
        Some(near) => format!("did you mean {near}? The sites here: {}", known.join(", ")),
        None => format!("the sites here: {}", known.join(", ")),
    }
}

/// The known word that is most like `text`, if one is like it at all.
pub fn nearest<'a>(text: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.7;
    let scored = known.map(|word| (strsim::jaro_winkler(text, word), word));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= ALIKE).then_some(best.1)
}
