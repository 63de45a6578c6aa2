//! The worker is asked about a tree.

use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use lamp_model::finding::CheckReport;
use lamp_sandbox::confine::{AnswerBounds, Landlock, landlock_here};

use super::kept::{self, Kept};
use crate::errors::{Kind, Trouble};
use crate::screen::say;
use crate::worker::check::answer::Answer;

/// What the worker's answer may cost.
const ANSWER_BOUNDS: AnswerBounds = AnswerBounds {
    answer_max_bytes: 64 * 1024 * 1024,
    time_max: Duration::from_secs(120),
};

const WORKER_WAY_OUT: &str = "the tree is read by a process without rights: as root, let the user lamp (or nobody) read \
     it by its group or by all, or run `lamp check` as its owner; `lamp doctor` tells what the machine lacks";

/// A tree that may be asked about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Where it is.
    pub(super) dir: &'a Path,
    /// The flags that tell the worker what is known of its host.
    pub(super) setting: &'a [String],
    keeps_facts: bool,
}

impl<'a> Asked<'a> {
    pub(super) const fn new(dir: &'a Path, setting: &'a [String]) -> Self {
        Self {
            dir,
            setting,
            keeps_facts: false,
        }
    }

    /// Asked again, its files that did not change are not parsed again.
    pub(super) const fn with_kept_facts(self) -> Self {
        Self {
            keeps_facts: true,
            ..self
        }
    }

    /// What the worker answers; `wanted` are its flags for what is asked beside the findings.
    pub(super) fn answer(&self, wanted: &[&str]) -> Result<Answer, Trouble> {
        let answer = self.answer_even_of_none(wanted)?;
        if answer.report.summary.files == 0 {
            return Err(no_php(self.dir, &answer.report));
        }
        Ok(answer)
    }

    /// The same of a tree that may hold no PHP at all.
    pub(super) fn answer_even_of_none(&self, wanted: &[&str]) -> Result<Answer, Trouble> {
        self.believed(&self.heard(wanted)?)
    }

    /// The bytes of the answer.
    fn heard(&self, wanted: &[&str]) -> Result<Vec<u8>, Trouble> {
        let readable = "name a directory that is there and that you may read: lamp check DIR";
        let opened = fs_err::File::open(self.dir)
            .map_err(|error| Trouble::new(Kind::Mistake, self.thing(), &error, readable))?;
        if !opened.metadata().is_ok_and(|meta| meta.is_dir()) {
            let why = "it is no directory";
            return Err(Trouble::because(Kind::Mistake, self.thing(), why, readable));
        }
        let lamp = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
        let setting: Vec<&str> = self.setting.iter().map(String::as_str).collect();
        let flags = [&["check-worker", "--with-lines"], wanted, &setting].concat();
        let kept = self.keeps_facts.then(|| Kept::of(self.dir)).flatten();
        let answer = kept::ask(
            (&lamp, &flags),
            opened.file().as_fd(),
            &ANSWER_BOUNDS,
            kept.as_ref(),
        );
        answer.map_err(|error| Trouble::new(Kind::Environment, self.thing(), &error, WORKER_WAY_OUT))
    }

    fn believed(&self, heard: &[u8]) -> Result<Answer, Trouble> {
        let way_out = "report it with the tree that it happened on";
        let answer: Answer = serde_json::from_slice(heard)
            .map_err(|error| Trouble::new(Kind::Bug, self.thing(), &error, way_out))?;
        let believed = answer.believed();
        believed.map_err(|why| Trouble::because(Kind::Bug, self.thing(), why, way_out))
    }

    /// What could not be done, for people.
    fn thing(&self) -> String {
        format!("check {}", self.dir.display())
    }
}

fn no_php(dir: &Path, report: &CheckReport) -> Trouble {
    let why = match report.findings.first() {
        Some(finding) => format!("{}: {}", finding.path, finding.message),
        None => "there is no PHP file in it".to_owned(),
    };
    let way_out = "name the directory that holds the site's PHP: lamp check DIR";
    Trouble::because(Kind::Mistake, format!("check {}", dir.display()), why, way_out)
}

pub(super) fn warn_of_a_weak_kernel() {
    if landlock_here() == Landlock::Lacking {
        say(
            "warning: this kernel has no Landlock: the process that reads the tree is held by its user alone (`lamp doctor`)",
        );
    }
}
