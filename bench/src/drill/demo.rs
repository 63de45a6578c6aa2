//! One run of `lamp demo --format json`: how it is called, and what is read of the object that it prints.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use jiff::Timestamp;
use lamp_lab::load::judge::LATE_MAX_PERCENT;
use serde::Deserialize;
use serde_json::Value;

use super::{Options, Setting};

/// What came of a run.
pub(super) struct Ran {
    pub(super) exit: Option<i32>,
    pub(super) printed: Value,
    pub(super) demo: Demo,
}

/// What the bench reads of the object; it may say more.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Demo {
    /// The how many-th run of its setting this is.
    #[serde(skip)]
    pub(super) number: u64,
    pub(super) refused: Refused,
    pub(super) forced: Forced,
    #[serde(default)]
    pub(super) incident: Option<Incident>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Refused {
    pub(super) exit: Option<i32>,
    pub(super) rule: Option<String>,
    pub(super) path: Option<String>,
    pub(super) line: Option<u32>,
    pub(super) suggestion: Option<String>,
    pub(super) blast_radius: Option<[u64; 2]>,
    pub(super) error: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Forced {
    pub(super) requests: u64,
    pub(super) affected_rps: f64,
    pub(super) failed: u64,
    pub(super) mixed: u64,
    pub(super) stale: u64,
    pub(super) late_sends: u64,
    pub(super) first_failed_at: Option<Timestamp>,
    pub(super) first_failed_to_last_failed_ms: Option<f64>,
    pub(super) first_failed_to_page_accepted_ms: Option<f64>,
    pub(super) page: Option<Value>,
}

/// What the report says.
#[derive(Debug, Deserialize)]
pub(super) struct Incident {
    pub(super) impact: Option<Impact>,
    pub(super) times: Times,
}

#[derive(Debug, Deserialize)]
pub(super) struct Impact {
    pub(super) failed_requests: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Times {
    pub(super) t0_first_failed: Option<Timestamp>,
}

impl Demo {
    /// Whether the load was sent in time.
    pub(super) const fn is_valid(&self) -> bool {
        self.forced.late_sends * 100 <= self.forced.requests * LATE_MAX_PERCENT
    }

    #[expect(clippy::cast_precision_loss, reason = "figures for people, far below 2^52")]
    pub(super) const fn failed(&self) -> f64 {
        self.forced.failed as f64
    }

    /// The failed requests that the report counts.
    pub(super) fn counted(&self) -> Option<u64> {
        Some(self.incident.as_ref()?.impact.as_ref()?.failed_requests)
    }

    /// The report's t0.
    pub(super) fn t0(&self) -> Option<Timestamp> {
        self.incident.as_ref()?.times.t0_first_failed
    }

    /// How far the report's t0 lies from the moment at which a visitor got the first failed answer.
    pub(super) fn t0_off_ms(&self) -> Option<f64> {
        let visitor = self.forced.first_failed_at?;
        Some((self.t0()?.duration_since(visitor).as_secs_f64() * 1e3).abs())
    }

    /// The page's summary, as it was received.
    pub(super) fn summary(&self) -> &str {
        let page = self.forced.page.as_ref();
        let summary = page.and_then(|page| page.pointer("/payload/summary"));
        summary.and_then(Value::as_str).unwrap_or_default()
    }
}

/// Runs it to its end and keeps what it leaves.
pub(super) fn run(options: &Options, setting: Setting, seed: Option<u64>, number: u64) -> Result<Ran> {
    let kept = options.keep.join(file_name(setting, seed, number));
    let mut command = Command::new(&options.given.lamp);
    command.args(["demo", "--format", "json", "--rate", &options.rate.to_string()]);
    command.arg("--dir").arg(&options.given.dir);
    command.arg("--report").arg(kept.with_extension("md"));
    match setting {
        Setting::WordPress => command.arg("--wordpress").arg(&options.given.wordpress),
        Setting::Fixture => command.arg("--fixture"),
    };
    if let Some(seed) = seed {
        command.args(["--seed", &seed.to_string()]);
    }
    let output = command.stdin(Stdio::null()).output()?;
    fs_err::write(kept.with_extension("json"), &output.stdout)?;
    let said = String::from_utf8_lossy(&output.stderr);
    let broke = || format!("the demo printed no object ({}): {said}", output.status);
    let printed: Value = serde_json::from_slice(&output.stdout).with_context(broke)?;
    let demo = Demo {
        number,
        ..Demo::deserialize(&printed).context("the demo's object")?
    };
    Ok(Ran {
        exit: output.status.code(),
        printed,
        demo,
    })
}

fn file_name(setting: Setting, seed: Option<u64>, number: u64) -> String {
    let which = seed.map_or_else(|| format!("run-{number}"), |seed| format!("seed-{seed}"));
    format!("{}-{which}", setting.words().to_lowercase())
}
