//! What is shown to Prometheus, in its text format, version 0.0.4. Pure.

use std::fmt::{Display, Write};

use lamp_model::World;
use lamp_model::clock::BootTime;
use lamp_model::incident::IncidentState;

use super::health::Engine;

/// What this text is.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All of it.
pub fn text(engine: &Engine, now: &BootTime) -> String {
    let mut page = Page::default();
    page.family("lamp_build_info", "gauge", "Which lamp this is.");
    page.sample("lamp_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    engine_state(&mut page, engine, now);
    let counts = &engine.view.counts;
    sites(&mut page, &engine.view.world);
    page.family("lamp_switches_total", "counter", "Switches, back ones included.");
    for (site, count) in &counts.switches {
        page.sample("lamp_switches_total", &[("site", site.as_str())], count);
    }
    page.family("lamp_pages_waiting", "gauge", "Pages that nobody has taken yet.");
    page.sample("lamp_pages_waiting", &[], engine.view.world.outbox.len());
    page.family("lamp_pages_total", "counter", "Pages by what came of them.");
    for (result, count) in [
        ("accepted", counts.accepted),
        ("refused", counts.refused),
        ("gave-up", counts.gave_up),
    ] {
        page.sample("lamp_pages_total", &[("result", result)], count);
    }
    page.text
}

fn engine_state(page: &mut Page, engine: &Engine, now: &BootTime) {
    page.family(
        "lamp_engine_up",
        "gauge",
        "Whether the engine goes round, as /health/engine says.",
    );
    page.sample("lamp_engine_up", &[], u8::from(engine.judge(now).is_ok()));
    let since = engine
        .since_cycle(now)
        .map_or(f64::INFINITY, |since| since.as_secs_f64());
    let age = "lamp_engine_cycle_age_seconds";
    page.family(age, "gauge", "Since the last whole cycle of the engine.");
    let since = if since.is_finite() {
        format!("{since:.3}")
    } else {
        "+Inf".to_owned()
    };
    page.sample(age, &[], since);
    page.family(
        "lamp_log_records",
        "gauge",
        "The last record of the log that is folded in.",
    );
    page.sample("lamp_log_records", &[], engine.view.seq);
    if let Some((cycle, _)) = &engine.pager {
        let failed = "lamp_page_tries_failed_total";
        page.family(failed, "counter", "Tries of this process that came to nothing.");
        page.sample(failed, &[], cycle.failed_tries);
    }
}

fn sites(page: &mut Page, world: &World) {
    page.family("lamp_site_live_info", "gauge", "What answers at a site.");
    for (name, site) in &world.sites {
        if let Some(live) = &site.live {
            let labels = [("site", name.as_str()), ("release", live.release.as_str())];
            page.sample("lamp_site_live_info", &labels, 1);
        }
    }
    page.family("lamp_incidents_open", "gauge", "Incidents that are not over.");
    for name in world.sites.keys() {
        let open = world
            .incidents
            .values()
            .filter(|incident| incident.site == *name && incident.state != IncidentState::Resolved);
        page.sample("lamp_incidents_open", &[("site", name.as_str())], open.count());
    }
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// Labels are names of sites and releases, and words of ours: none has to be escaped.
    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<_> = labels
            .iter()
            .map(|(name, text)| format!("{name}=\"{text}\""))
            .collect();
        let labels = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{}}}", labels.join(","))
        };
        let _ = writeln!(self.text, "{name}{labels} {value}");
    }
}
