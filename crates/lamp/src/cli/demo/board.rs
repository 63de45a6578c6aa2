//! The board that a demo ends with. Pure: two results in, text out.

use std::fmt::Write;

use lamp_lab::load::{Record, Switches, Tally};
use serde::Serialize;

use crate::drill::lag::{lags, median_ms};

/// What one way of switching did to the site's visitors.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Column {
    /// How it switches, in words.
    pub title: String,
    /// Switches and rollbacks.
    pub switches: u64,
    /// Requests sent.
    pub requests: u64,
    /// Requests without a complete expected answer within five seconds.
    pub failed: u64,
    /// Answers that held parts of two releases.
    pub mixed: u64,
    /// Answers by a release that had been switched away from before the request was sent.
    pub stale: u64,
    /// Requests sent more than 20 ms late: more than one in a hundred and the run says nothing.
    pub late_sends: u64,
    /// From the rename to the first answer of the new release, the median, in milliseconds.
    pub first_new_ms: Option<f64>,
    /// From the rename to the last request that an earlier release answered, the longest, in milliseconds.
    pub last_old_ms: f64,
}

impl Column {
    /// Counts a run.
    pub fn of(title: &str, tally: &Tally, records: &[Record], switches: &Switches) -> Self {
        let lags = lags(records, switches);
        Self {
            title: title.to_owned(),
            switches: switches.then.len() as u64,
            requests: tally.requests,
            failed: tally.failed,
            mixed: tally.mixed,
            stale: tally.stale,
            late_sends: tally.late_sends,
            first_new_ms: median_ms(lags.iter().filter_map(|lag| lag.first_new)),
            last_old_ms: lags
                .iter()
                .map(|lag| lag.last_old.as_secs_f64() * 1e3)
                .fold(0.0, f64::max),
        }
    }

    /// Whether every request was answered whole, by the right release.
    pub const fn is_clean(&self) -> bool {
        self.failed == 0 && self.mixed == 0 && self.stale == 0
    }
}

const LABEL_WIDTH: usize = 34;
const COLUMN_WIDTH: usize = 16;

/// The board of these columns.
pub fn board(columns: &[Column]) -> String {
    let mut out = String::new();
    row(&mut out, "", columns, |column| column.title.clone());
    row(&mut out, "switches and rollbacks", columns, |column| {
        column.switches.to_string()
    });
    row(&mut out, "requests meanwhile", columns, |column| {
        column.requests.to_string()
    });
    row(&mut out, "failed", columns, |column| column.failed.to_string());
    row(
        &mut out,
        "mixed (two releases in one answer)",
        columns,
        |column| column.mixed.to_string(),
    );
    row(&mut out, "stale (the old release answered)", columns, |column| {
        column.stale.to_string()
    });
    row(&mut out, "first new answer after, median ms", columns, |column| {
        milliseconds(column.first_new_ms)
    });
    row(&mut out, "old code still answered for, ms", columns, |column| {
        milliseconds(Some(column.last_old_ms))
    });
    out
}

fn row(out: &mut String, label: &str, columns: &[Column], cell: impl Fn(&Column) -> String) {
    let _ = write!(out, "  {label:<LABEL_WIDTH$}");
    for column in columns {
        let _ = write!(out, "{:>COLUMN_WIDTH$}", cell(column));
    }
    out.push('\n');
}

fn milliseconds(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_board_sets_both_ways_side_by_side() {
        let column = |title: &str, stale, last_old_ms| Column {
            title: title.to_owned(),
            switches: 100,
            requests: 21_403,
            failed: 0,
            mixed: stale / 2,
            stale,
            late_sends: 3,
            first_new_ms: (stale == 0).then_some(2.345),
            last_old_ms,
        };
        insta::assert_snapshot!(board(&[column("lamp", 0, 0.0), column("symlink", 812, 2001.26)]));
    }
}
