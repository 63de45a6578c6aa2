//! `lamp check`: what is wrong in a tree of PHP, before anything runs; exit 1 if there is any error.
//!
//! The tree is opened with the caller's rights and looked at by a process without any ([`crate::worker::check`]); nothing of
//! it is read here, so what is printed is what that process could read.

mod text;

use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use lamp_model::finding::{CheckReport, Finding, Severity};
use lamp_sandbox::confine::{AnswerBounds, Landlock, landlock_here, run_worker};
use serde::Serialize;

use super::Exit;
use super::args::{CheckArgs, Format};
use crate::errors::{Kind, Trouble};
use crate::screen::{out, out_json, say};
use crate::worker::check::Answer;

/// What the worker's answer may cost.
const ANSWER_BOUNDS: AnswerBounds = AnswerBounds {
    answer_max_bytes: 64 * 1024 * 1024,
    time_max: Duration::from_secs(120),
};

/// What `lamp check --format json` prints.
#[derive(Debug, Serialize)]
struct CheckV1<'a> {
    schema: u32,
    root: String,
    summary: SummaryV1,
    findings: Vec<FindingV1<'a>>,
}

#[derive(Debug, Serialize)]
struct SummaryV1 {
    files: u64,
    includes: u64,
    resolved: u64,
    errors: u64,
    warnings: u64,
    elapsed_ms: u64,
}

#[derive(Debug, Serialize)]
struct FindingV1<'a> {
    rule: &'a str,
    severity: &'static str,
    path: &'a str,
    line: u32,
    column: u32,
    message: &'a str,
    target: Option<&'a str>,
    suggestion: Option<&'a str>,
    blast_radius: Option<BlastRadiusV1>,
}

#[derive(Debug, Serialize)]
struct BlastRadiusV1 {
    entry_points: u64,
    of: u64,
}

/// Checks the directory and prints what was found.
pub fn run(args: &CheckArgs) -> Result<Exit, Trouble> {
    warn_of_a_weak_kernel();
    let answer = ask_worker(&args.dir)?;
    if answer.report.summary.files == 0 {
        return Err(no_php(&args.dir, &answer.report));
    }
    match args.format {
        Format::Json => out_json(&v1(&args.dir, &answer.report)),
        Format::Text => out(&text::text(&answer)),
    }
    Ok(match answer.report.summary.errors {
        0 => Exit::Yes,
        _ => Exit::No,
    })
}

fn ask_worker(dir: &Path) -> Result<Answer, Trouble> {
    let thing = || format!("check {}", dir.display());
    let readable = "name a directory that is there and that you may read: lamp check DIR";
    let opened =
        fs_err::File::open(dir).map_err(|error| Trouble::new(Kind::Mistake, thing(), &error, readable))?;
    if !opened.metadata().is_ok_and(|meta| meta.is_dir()) {
        return Err(Trouble::because(
            Kind::Mistake,
            thing(),
            "it is no directory",
            readable,
        ));
    }
    let lamp = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
    let answer = run_worker(
        &lamp,
        &["check-worker", "--with-lines"],
        opened.file().as_fd(),
        &ANSWER_BOUNDS,
    );
    let answer = answer.map_err(|error| Trouble::new(Kind::Environment, thing(), &error, WORKER_WAY_OUT))?;
    serde_json::from_slice(&answer).map_err(|error| {
        Trouble::new(
            Kind::Bug,
            thing(),
            &error,
            "report it with the tree that it happened on",
        )
    })
}

const WORKER_WAY_OUT: &str = "the tree is read by a process without rights: as root, let the user lamp (or nobody) read \
     it by its group or by all, or run `lamp check` as its owner; `lamp doctor` tells what the machine lacks";

fn no_php(dir: &Path, report: &CheckReport) -> Trouble {
    let why = match report.findings.first() {
        Some(finding) => format!("{}: {}", finding.path, finding.message),
        None => "there is no PHP file in it".to_owned(),
    };
    let way_out = "name the directory that holds the site's PHP: lamp check DIR";
    Trouble::because(Kind::Mistake, format!("check {}", dir.display()), why, way_out)
}

fn warn_of_a_weak_kernel() {
    if landlock_here() == Landlock::Lacking {
        say(
            "warning: this kernel has no Landlock: the process that reads the tree is held by its user alone (`lamp doctor`)",
        );
    }
}

fn v1<'a>(dir: &Path, report: &'a CheckReport) -> CheckV1<'a> {
    let root = fs_err::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
    let summary = report.summary;
    CheckV1 {
        schema: 1,
        root: root.display().to_string(),
        summary: SummaryV1 {
            files: summary.files,
            includes: summary.includes,
            resolved: summary.resolved,
            errors: summary.errors,
            warnings: summary.warnings,
            elapsed_ms: summary.elapsed_ms,
        },
        findings: report.findings.iter().map(finding_v1).collect(),
    }
}

fn finding_v1(finding: &Finding) -> FindingV1<'_> {
    FindingV1 {
        rule: finding.rule.as_str(),
        severity: word(finding.severity),
        path: &finding.path,
        line: finding.line,
        column: finding.column,
        message: &finding.message,
        target: finding.target.as_deref(),
        suggestion: finding.suggestion.as_deref(),
        blast_radius: finding.blast_radius.map(|radius| BlastRadiusV1 {
            entry_points: radius.entry_points,
            of: radius.of,
        }),
    }
}

/// The severity as people and scripts read it.
const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}
