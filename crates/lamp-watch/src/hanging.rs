//! Requests that do not end: no log line tells of them, so Apache's scoreboard and php-fpm's status page do. Pure.
//!
//! Whoever can reach the site asks for the pages; here they are read: Apache's `server-status` (its table, with `ExtendedStatus`, as Apache
//! has it by default) and php-fpm's status page with `?full&json`.

use std::time::Duration;

use lamp_model::evidence::Trouble;
use serde::Deserialize;

/// The age from which a request counts as one that does not end.
pub const AGE_MAX: Duration = Duration::from_secs(20);
/// How many of them are trouble.
pub const REQUESTS_ENOUGH: usize = 3;
/// Most rows that are looked at.
const ROWS_MAX: usize = 20_000;

/// A request under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnderWay {
    /// The worker.
    pub pid: i32,
    /// Since when it is at it.
    pub age: Duration,
}

/// What a scoreboard or status page says, if it says anything.
pub fn under_way_in_apache(page: &str) -> Vec<UnderWay> {
    page.split("<tr>").take(ROWS_MAX).filter_map(row).collect()
}

/// A row of the table: server, process id, accesses, mode (`W` is sending an answer), CPU, seconds since the request began. Newer Apaches leave
/// the column of the CPU out.
fn row(row: &str) -> Option<UnderWay> {
    let cells: Vec<&str> = row.split("<td>").skip(1).map(cell).collect();
    let (pid, mode) = (cells.get(1)?.parse().ok()?, *cells.get(3)?);
    if mode != "W" {
        return None;
    }
    let has_cpu = cells.get(4)?.contains('.');
    let seconds = cells.get(if has_cpu { 5 } else { 4 })?.parse().ok()?;
    Some(UnderWay {
        pid,
        age: Duration::from_secs(seconds),
    })
}

/// The text of a cell, without its markup.
fn cell(html: &str) -> &str {
    let text = html.split("</td>").next().unwrap_or_default().trim();
    let text = text.strip_prefix("<b>").unwrap_or(text);
    text.split('<').next().unwrap_or_default().trim()
}

#[derive(Deserialize)]
struct FpmStatus {
    processes: Vec<FpmProcess>,
}

#[derive(Deserialize)]
struct FpmProcess {
    pid: i32,
    state: String,
    #[serde(rename = "request duration")]
    request_duration_micros: u64,
}

/// What php-fpm's status page says, if it is one.
pub fn under_way_in_fpm(page: &[u8]) -> Vec<UnderWay> {
    let Ok(status) = serde_json::from_slice::<FpmStatus>(page) else {
        return Vec::new();
    };
    let running = status
        .processes
        .into_iter()
        .filter(|process| process.state == "Running");
    running
        .take(ROWS_MAX)
        .map(|process| UnderWay {
            pid: process.pid,
            age: Duration::from_micros(process.request_duration_micros),
        })
        .collect()
}

/// Whether requests that do not end are trouble.
pub fn judge(under_way: &[UnderWay]) -> Option<Trouble> {
    let old: Vec<Duration> = under_way
        .iter()
        .map(|request| request.age)
        .filter(|age| *age >= AGE_MAX)
        .collect();
    (old.len() >= REQUESTS_ENOUGH).then(|| Trouble::Hanging {
        requests: old.len() as u64,
        age_ms: u64::try_from(old.iter().min().map_or(0, Duration::as_millis)).unwrap_or(u64::MAX),
    })
}

#[cfg(test)]
mod tests;
