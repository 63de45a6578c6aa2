//! The live picture on the screen: redrawn in place on a terminal, a line now and then elsewhere.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::picture::Moment;
use crate::drill::DrillError;
use crate::drill::run::Progress;
use crate::screen::{Screen, say, take_back};

/// Between two pictures on a terminal; elsewhere a line comes every [`LINE_EVERY`].
const PICTURE_EVERY: Duration = Duration::from_millis(250);
const LINE_EVERY: Duration = Duration::from_secs(5);

/// The live picture.
pub struct Show<'a> {
    interrupted: &'a AtomicBool,
    terminal: bool,
    last: Instant,
    seen_records: usize,
    releases: BTreeMap<String, usize>,
    drawn_lines: usize,
}

impl<'a> Show<'a> {
    /// Nothing drawn yet; `interrupted` ends the drill at the next picture.
    pub fn new(interrupted: &'a AtomicBool) -> Self {
        Self {
            interrupted,
            terminal: Screen::here().watched,
            last: Instant::now(),
            seen_records: 0,
            releases: BTreeMap::new(),
            drawn_lines: 0,
        }
    }

    /// Draws, if it is time.
    pub fn next(&mut self, progress: Progress<'_>) -> Result<(), DrillError> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(DrillError::Interrupted);
        }
        let every = if self.terminal { PICTURE_EVERY } else { LINE_EVERY };
        if self.last.elapsed() >= every {
            self.last = Instant::now();
            self.draw(progress);
        }
        Ok(())
    }

    fn draw(&mut self, progress: Progress<'_>) {
        let records = progress.load.records_from(self.seen_records);
        self.seen_records += records.len();
        let moment = Moment::of(&records, progress.switches, &mut self.releases);
        if !self.terminal {
            return say(&format!("  {}", moment.line()));
        }
        self.clear();
        let lines = moment.lines();
        self.drawn_lines = lines.len();
        say(&lines.join("\n"));
    }

    /// Takes the picture away.
    pub fn clear(&mut self) {
        if self.drawn_lines > 0 {
            take_back(self.drawn_lines);
        }
        self.drawn_lines = 0;
    }
}
