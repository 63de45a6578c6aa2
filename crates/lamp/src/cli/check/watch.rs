//! `lamp check --watch`: checks again whenever something in the tree changes, and tells what is new and what is fixed.
//! Nothing that was told is cleared away. It ends when it is ended.

mod eyes;

use std::path::Path;

use lamp_model::baseline::Baseline;

use super::ask::Asked;
use super::known::{self, Known};
use super::shown::{Paint, Shown};
use super::text::text;
use crate::cli::Exit;
use crate::cli::args::CheckArgs;
use crate::errors::Trouble;
use crate::screen::{colours_out, out};
use crate::worker::check::answer::Answer;
use eyes::Eyes;

/// Tells what is found, then each time what has changed of it.
pub(super) fn run(config: &Path, args: &CheckArgs, asked: &Asked<'_>) -> Result<Exit, Trouble> {
    let paint = Paint::new(colours_out());
    // Opened before the look, so that what changes meanwhile is seen.
    let mut eyes = Eyes::on(asked.dir)?;
    let mut before = asked.answer(&[])?;
    let known = known::known(config, args, (asked, &before))?;
    out(&text(&Shown::new(asked.dir, &before, known), paint));
    loop {
        eyes.wait()?;
        eyes = Eyes::on(asked.dir)?;
        let now = asked.answer(&[])?;
        let shown = Shown::new(asked.dir, &now, Some(as_known(&before)));
        if has_changed(&shown) {
            out(&format!("\n{}", text(&shown, paint)));
        }
        before = now;
    }
}

fn as_known(before: &Answer) -> Known {
    Known {
        names: vec!["what was told".to_owned()],
        baseline: Baseline::of(&before.report.findings),
    }
}

fn has_changed(shown: &Shown<'_>) -> bool {
    let is_fixed = |against: &super::shown::Against| !against.fixed.is_empty();
    shown.counting().next().is_some() || shown.against.as_ref().is_some_and(is_fixed)
}
