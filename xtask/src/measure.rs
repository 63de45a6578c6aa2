//! The shape of the code, crate by crate: how long functions and files are. It only shows; what is
//! refused stands in [`crate::tidy`].

use std::collections::BTreeMap;
use std::process::ExitCode;

use crate::rust::Source;
use crate::snapshot::{Place, Snapshot};
use crate::tidy;
use crate::workspace::Workspace;

/// Prints one row per crate and one for all.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let workspace = Workspace::read()?;
    let (sources, broken) = tidy::parse(&Snapshot::read(workspace.root())?);
    for finding in &broken {
        eprintln!("{finding}");
    }
    println!("{}", table(&sources));
    Ok(ExitCode::SUCCESS)
}

/// Lengths in lines, sorted.
#[derive(Default)]
struct Lengths(Vec<usize>);

impl Lengths {
    fn of(lines: impl Iterator<Item = usize>) -> Self {
        let mut lines: Vec<usize> = lines.collect();
        lines.sort_unstable();
        Lengths(lines)
    }

    /// The length that `percent` of all do not exceed; 0 of nothing.
    fn percentile(&self, percent: usize) -> usize {
        let rank = (self.0.len() * percent).div_ceil(100);
        self.0.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }
}

const HEADER: &str = "                      functions                      files\ncrate           code    number median   p90   max  number median   max\n";

fn table(sources: &[Source]) -> String {
    let mut crates: BTreeMap<&str, Vec<&Source>> = BTreeMap::new();
    for source in sources.iter().filter(|source| source.place != Place::Test) {
        crates.entry(&source.krate).or_default().push(source);
    }
    let all: Vec<&Source> = crates.values().flatten().copied().collect();
    let mut text = HEADER.to_owned();
    for (name, sources) in crates {
        text.push_str(&row(name, &sources));
    }
    text.push_str(&row("all", &all));
    text
}

fn row(name: &str, sources: &[&Source]) -> String {
    let shipped = |source: &&Source| -> Vec<usize> {
        let functions = source
            .functions
            .iter()
            .filter(|function| source.is_shipped(function.line));
        functions.map(|function| function.lines).collect()
    };
    let functions = Lengths::of(sources.iter().flat_map(shipped));
    let files = Lengths::of(sources.iter().map(|source| source.lines));
    format!(
        "{name:<14}{:>6}  {:>8}{:>7}{:>6}{:>6}{:>8}{:>7}{:>6}\n",
        files.0.iter().sum::<usize>(),
        functions.0.len(),
        functions.percentile(50),
        functions.percentile(90),
        functions.percentile(100),
        files.0.len(),
        files.percentile(50),
        files.percentile(100),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_lengths_that_occur() {
        let lengths = Lengths::of([30, 1, 2, 3, 4, 5, 6, 7, 8, 9].into_iter());
        assert_eq!(
            [50, 90, 100].map(|percent| lengths.percentile(percent)),
            [5, 9, 30]
        );
        assert_eq!(Lengths::default().percentile(50), 0);
    }

    #[test]
    fn tests_are_not_measured() {
        let files = [
            (
                "crates/a/src/lib.rs",
                "//! A.\nfn f() {\n}\n#[cfg(test)]\nmod tests {\n    fn long() {\n\n\n\n    }\n}\n",
            ),
            ("crates/a/tests/it/main.rs", "fn g() {}\n"),
        ];
        let (sources, _) = tidy::parse(&Snapshot::of(&files));
        assert!(
            table(&sources)
                .ends_with("all               11         1      2     2     2       1     11    11\n"),
            "{}",
            table(&sources)
        );
    }
}
