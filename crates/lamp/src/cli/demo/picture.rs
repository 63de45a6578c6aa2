//! The live picture of a run: how many requests each release answered in the last moment. Pure.

use std::collections::BTreeMap;
use std::fmt::Write;

use lamp_lab::load::Record;

use crate::drill::lag::release;

/// Characters of the longest bar.
const BAR_WIDTH: usize = 40;
/// What stands for answers without a release: none, an error page, two releases in one.
const NO_ONE: &str = "none";

/// One moment of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Switches done so far, of how many.
    pub switches: (usize, usize),
    /// Answers of the moment, by release.
    pub answers: BTreeMap<String, usize>,
}

impl Moment {
    /// Counts the records of the moment. Releases that were seen before stay in the picture.
    pub fn of(records: &[Record], switches: (usize, usize), seen: &mut BTreeMap<String, usize>) -> Self {
        seen.values_mut().for_each(|count| *count = 0);
        for record in records {
            *seen
                .entry(release(record).unwrap_or(NO_ONE).to_owned())
                .or_default() += 1;
        }
        Self {
            switches,
            answers: seen.clone(),
        }
    }

    /// The picture, a line per release.
    pub fn lines(&self) -> Vec<String> {
        let most = self.answers.values().copied().max().unwrap_or(0).max(1);
        let mut lines = vec![format!("  switch {:>3} of {}", self.switches.0, self.switches.1)];
        lines.extend(self.answers.iter().map(|(name, count)| bar(name, *count, most)));
        lines
    }

    /// The same in one line, for what is no terminal.
    pub fn line(&self) -> String {
        let mut line = format!("switch {:>3} of {}:", self.switches.0, self.switches.1);
        for (name, count) in self.answers.iter().filter(|(_, count)| **count > 0) {
            let _ = write!(line, " {name} {count}");
        }
        line
    }
}

fn bar(name: &str, count: usize, most: usize) -> String {
    let width = (count * BAR_WIDTH).div_ceil(most);
    format!("  {name:<12} {:<BAR_WIDTH$} {count:>5}", "#".repeat(width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_shows_each_release_in_proportion() {
        let answers = [("r1", 0), ("r2", 300), ("r3", 10)].map(|(name, count)| (name.to_owned(), count));
        let moment = Moment {
            switches: (7, 100),
            answers: answers.into(),
        };
        insta::assert_snapshot!(moment.lines().join("\n"));
        assert_eq!(moment.line(), "switch   7 of 100: r2 300 r3 10");
    }
}
