//! A report as Markdown, to be handed on, and as plain text, for a terminal.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::phrase::Phrase;
use super::times::span;
use super::{ActionItem, ImpactCount, Local, MeasureKind, Report};

/// Markdown (CommonMark with tables). Text that is not ours stands in code spans.
pub fn markdown(report: &Report, zone: &TimeZone) -> String {
    write(report, zone, Face::Markdown)
}

/// Plain text.
pub fn text(report: &Report, zone: &TimeZone) -> String {
    write(report, zone, Face::Text)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Face {
    Markdown,
    Text,
}

impl Face {
    fn phrase(self, phrase: &Phrase) -> String {
        match self {
            Self::Markdown => phrase.markdown(),
            Self::Text => phrase.to_string(),
        }
    }

    fn heading(self, out: &mut String, text: &str) {
        let _ = match self {
            Self::Markdown => writeln!(out, "\n## {text}\n"),
            Self::Text => writeln!(out, "\n{text}\n{}", "-".repeat(text.chars().count())),
        };
    }

    fn list(self, out: &mut String, items: &[Phrase]) {
        for item in items {
            let _ = writeln!(out, "- {}", self.phrase(item));
        }
    }

    fn table(self, out: &mut String, head: &[&str], rows: &[Vec<String>]) {
        match self {
            Self::Markdown => {
                let rule = vec!["---".to_owned(); head.len()];
                let head = head.iter().map(|cell| (*cell).to_owned()).collect();
                for row in [head, rule].iter().chain(rows) {
                    // Within a code span too, a bar would end the cell.
                    let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
                    let _ = writeln!(out, "| {} |", cells.join(" | "));
                }
            }
            Self::Text => columns(out, rows),
        }
    }
}

/// Columns as wide as their widest cell; the last one as it is.
fn columns(out: &mut String, rows: &[Vec<String>]) {
    let wide = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    for row in rows {
        let last = row.len().saturating_sub(1);
        let cells = row.iter().enumerate().map(|(column, cell)| match column == last {
            true => cell.clone(),
            false => format!("{cell:<width$}", width = wide(column)),
        });
        let _ = writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

fn write(report: &Report, zone: &TimeZone, face: Face) -> String {
    let local = Local { zone };
    let mut out = String::new();
    head(&mut out, report, face);
    prose(&mut out, "Issue summary", &report.summary, face);
    face.heading(&mut out, "Impact");
    impact(&mut out, report.impact.as_ref(), &local, face);
    face.heading(&mut out, "Timeline");
    timeline(&mut out, report, face);
    points(&mut out, "Root cause", &report.root_cause, face);
    points(&mut out, "Detection", &report.detection, face);
    points(&mut out, "Resolution and recovery", &report.resolution, face);
    points(&mut out, "What went well", &report.went_well, face);
    points(&mut out, "What went badly", &report.went_badly, face);
    face.heading(&mut out, "Corrective and preventative measures");
    measures(&mut out, &report.measures, face);
    face.heading(&mut out, "Times");
    times(&mut out, report, &local, face);
    points(&mut out, "Not known", &report.unknown, face);
    let message: Vec<Phrase> = report.message.iter().cloned().collect();
    prose(&mut out, "Message for visitors", &message, face);
    out
}

fn head(out: &mut String, report: &Report, face: Face) {
    let title = face.phrase(&report.title);
    let _ = match face {
        Face::Markdown => writeln!(out, "# Incident {}: {title}\n", report.incident),
        Face::Text => writeln!(out, "Incident {}: {title}\n", report.incident),
    };
    let status = match report.status {
        lamp_model::incident::IncidentState::Failing => "failing",
        lamp_model::incident::IncidentState::Mitigated => "mitigated, not yet resolved",
        lamp_model::incident::IncidentState::Resolved => "resolved",
    };
    let rows = [
        ("Site", report.site.to_string()),
        ("Date", report.date.to_string()),
        ("Status", status.to_owned()),
        ("Owner", owner(report.owner.as_deref())),
        ("Times in", report.zone.clone()),
    ];
    let rows: Vec<Vec<String>> = rows.map(|(name, what)| vec![name.to_owned(), what]).to_vec();
    face.table(out, &["", ""], &rows);
}

fn owner(owner: Option<&str>) -> String {
    owner.unwrap_or("unassigned").to_owned()
}

fn prose(out: &mut String, heading: &str, sentences: &[Phrase], face: Face) {
    if sentences.is_empty() {
        return;
    }
    face.heading(out, heading);
    let said: Vec<String> = sentences.iter().map(|sentence| face.phrase(sentence)).collect();
    let _ = writeln!(out, "{}", said.join(" "));
}

fn points(out: &mut String, heading: &str, items: &[Phrase], face: Face) {
    if items.is_empty() {
        return;
    }
    face.heading(out, heading);
    face.list(out, items);
}

fn impact(out: &mut String, impact: Option<&ImpactCount>, local: &Local<'_>, face: Face) {
    let Some(impact) = impact else {
        let _ = writeln!(out, "Not counted; why stands under “Not known”.");
        return;
    };
    let percent = impact
        .failed_percent
        .map_or(String::new(), |share| format!(" ({share} %)"));
    let moment = |at: Option<Timestamp>| at.map_or("not known".to_owned(), |at| local.moment(at));
    let rows = [
        ("Failed requests", format!("{}{percent}", impact.failed_requests)),
        ("Requests meanwhile", impact.requests.to_string()),
        ("Visitors met by it", impact.failed_visitors.to_string()),
        ("First failed request", moment(impact.first_failed_at)),
        ("Last failed request", moment(impact.last_failed_at)),
        (
            "From first to last",
            impact.span_ms.map_or("not known".to_owned(), span),
        ),
    ];
    let rows: Vec<Vec<String>> = rows.map(|(name, what)| vec![name.to_owned(), what]).to_vec();
    face.table(out, &["What", "Counted from the access log"], &rows);
}

fn timeline(out: &mut String, report: &Report, face: Face) {
    let rows = report.timeline.iter().map(|line| {
        let evidence = format!("{} #{}", line.evidence, line.seq);
        match face {
            Face::Markdown => vec![line.local.clone(), face.phrase(&line.what), evidence],
            Face::Text => vec![
                line.local.clone(),
                format!("{} [{evidence}]", face.phrase(&line.what)),
            ],
        }
    });
    let rows: Vec<Vec<String>> = rows.collect();
    face.table(
        out,
        &["Time", "What happened", "Evidence (event, place in the log)"],
        &rows,
    );
}

fn measures(out: &mut String, items: &[ActionItem], face: Face) {
    let rows = items.iter().map(|item| {
        let kind = match item.kind {
            MeasureKind::Corrective => "corrective",
            MeasureKind::Preventative => "preventative",
        };
        let what = face.phrase(&item.what);
        let (owner, due) = (owner(item.owner.as_deref()), item.due.to_string());
        match face {
            Face::Markdown => vec![kind.to_owned(), what, owner, due],
            Face::Text => vec![kind.to_owned(), due, owner, what],
        }
    });
    let rows: Vec<Vec<String>> = rows.collect();
    face.table(out, &["Kind", "Measure", "Owner", "Until"], &rows);
}

fn times(out: &mut String, report: &Report, local: &Local<'_>, face: Face) {
    let moment = |at: Option<Timestamp>| at.map_or("not known".to_owned(), |at| local.moment(at));
    let rows = report
        .times
        .rows()
        .map(|(name, what, at)| vec![name.to_owned(), what.to_owned(), moment(at)]);
    face.table(out, &["", "What", "When"], &rows);
    let _ = writeln!(out);
    let rows = report.metrics.rows().map(|(name, what, millis)| {
        let long = millis.map_or("not known".to_owned(), span);
        vec![name.to_owned(), what.to_owned(), long]
    });
    face.table(out, &["Metric", "From, to", "How long"], &rows);
}
