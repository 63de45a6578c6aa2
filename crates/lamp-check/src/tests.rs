//! Trees as a person would write them down, and what is found in them.

mod application;
mod bounds;
pub(crate) mod fuzz;
mod hanging;
mod resolving;
mod stands;
mod symbols;
mod ways;

use crate::{Entry, EntryKind, FactsCache, Limits, Setting, Tree, Unreadable, check, look};
use lamp_model::finding::{CheckReport, Severity};

/// A tree in memory: paths and what stands there. A text that begins with `-> ` is a link, one that begins
/// with `!! ` cannot be read.
pub(crate) struct Written {
    entries: Vec<Entry>,
    bytes: Vec<Vec<u8>>,
}

impl Written {
    pub(crate) fn new<B: AsRef<[u8]>>(files: &[(&str, B)]) -> Self {
        let mut written = Self {
            entries: Vec::new(),
            bytes: Vec::new(),
        };
        for (path, bytes) in files {
            written.put(path, bytes.as_ref());
        }
        written
    }

    fn put(&mut self, path: &str, bytes: &[u8]) {
        for (at, _) in path.match_indices('/') {
            self.add(&path[..at], EntryKind::Dir, &[]);
        }
        let text = String::from_utf8_lossy(bytes);
        let kind = match (text.strip_prefix("-> "), text.strip_prefix("!! ")) {
            (Some(target), _) => EntryKind::Link {
                target: target.to_owned(),
            },
            (_, Some(why)) => EntryKind::Unreadable {
                why: Unreadable(why.to_owned()),
            },
            (None, None) => EntryKind::File {
                size_bytes: bytes.len() as u64,
            },
        };
        self.add(path, kind, bytes);
    }

    fn add(&mut self, path: &str, kind: EntryKind, bytes: &[u8]) {
        if self.entries.iter().any(|entry| entry.path == path) {
            return;
        }
        let path = path.to_owned();
        self.entries.push(Entry { path, kind });
        self.bytes.push(bytes.to_vec());
    }
}

impl Tree for Written {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn bytes(&self, index: usize) -> Result<Vec<u8>, Unreadable> {
        Ok(self.bytes[index].clone())
    }
}

fn report<B: AsRef<[u8]>>(files: &[(&str, B)]) -> CheckReport {
    check(&Written::new(files), &Setting::default(), &Limits::default())
}

fn report_with(tree: &Written, cache: &dyn FactsCache) -> CheckReport {
    look(tree, &Setting::default(), &Limits::default(), Some(cache)).report
}

/// The findings, one a line: `SEVERITY RULE PATH:LINE:COLUMN TARGET -> SUGGESTION`.
pub(crate) fn told(report: &CheckReport) -> Vec<String> {
    let line = |finding: &lamp_model::finding::Finding| {
        let severity = match finding.severity {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let place = format!("{}:{}:{}", finding.path, finding.line, finding.column);
        let mut line = format!("{severity} {} {place}", finding.rule);
        if let Some(target) = &finding.target {
            line += &format!(" {target}");
        }
        if let Some(suggestion) = &finding.suggestion {
            line += &format!(" -> {suggestion}");
        }
        line
    };
    report.findings.iter().map(line).collect()
}
