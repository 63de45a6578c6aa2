//! `lamp demo --switches`: fifty switches and fifty rollbacks under load, and the same with a symlink beside it.

use std::sync::atomic::{AtomicBool, Ordering};

use lamp_http::Protocol;
use serde::Serialize;

use super::board::{Column, board};
use super::show::Show;
use super::{Exit, interrupt_flag, words};
use crate::cli::args::{DemoArgs, Format};
use crate::drill::DrillError;
use crate::drill::run::{RunPlan, prepare, run};
use crate::drill::stage::{Application, Settings, Stage, StagePlan, Switching, own_program};
use crate::errors::{Trouble, drill as told};
use crate::screen::{out, out_json, say};

/// Different releases.
const RELEASES: usize = 9;
/// So slow that visitors meet each release, so fast that nobody waits: a switch each quarter of a second.
const ROUNDS_PER_SECOND: usize = 2;
/// The load's seed.
const SEED: u64 = 1;

/// What `lamp demo --switches --format json` prints.
#[derive(Debug, Serialize)]
struct DemoV1<'a> {
    schema: u32,
    columns: &'a [Column],
}

/// Holds both drills and shows the board. Yes: lamp's column is clean and the symlink's is not.
pub fn run_switches(args: &DemoArgs) -> Result<Exit, Trouble> {
    let interrupted = interrupt_flag().map_err(|error| told::not_held(&error))?;
    let columns: Result<Vec<Column>, DrillError> =
        [("lamp", Switching::Lamp), ("symlink", Switching::Symlink)]
            .into_iter()
            .map(|(title, switching)| column(title, switching, args, &interrupted))
            .collect();
    let columns = columns.map_err(|error| told::not_held(&error))?;
    match args.format {
        Format::Text => out(&format!("\n{}", board(&columns))),
        Format::Json => out_json(&DemoV1 {
            schema: 1,
            columns: &columns,
        }),
    }
    Ok(if columns[0].is_clean() && !columns[1].is_clean() {
        Exit::Yes
    } else {
        Exit::No
    })
}

fn column(
    title: &str,
    switching: Switching,
    args: &DemoArgs,
    interrupted: &AtomicBool,
) -> Result<Column, DrillError> {
    if interrupted.load(Ordering::Relaxed) {
        return Err(DrillError::Interrupted);
    }
    say(&format!(
        "{title}: lighting a lab with {} ...",
        words(args.sapi())
    ));
    let plan = StagePlan {
        parent: args.dir.clone(),
        sapi: args.sapi(),
        switching,
        application: Application::Markers,
        releases: RELEASES,
        lamp: own_program()?,
        settings: Settings::default(),
    };
    let stage = Stage::set_up(plan)?;
    prepare(&stage)?;
    let mut show = Show::new(interrupted);
    let ran = run(&stage, &run_plan(args), |progress| show.next(progress))?;
    show.clear();
    Ok(Column::of(title, &ran.tally, &ran.records, &ran.switches))
}

fn run_plan(args: &DemoArgs) -> RunPlan {
    RunPlan {
        rounds: usize::from(args.rounds),
        rate: f64::from(args.rate),
        requests_min: usize::from(args.rate) * usize::from(args.rounds) / ROUNDS_PER_SECOND,
        protocol: Protocol::Http1,
        seed: SEED,
    }
}
