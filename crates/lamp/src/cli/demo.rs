//! `lamp demo`: fifty switches and fifty rollbacks under load, and the same with a symlink beside it.
//!
//! Everything happens in a lab of its own; production, if this host has any, is not touched.

pub mod board;
pub mod picture;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lamp_http::Protocol;
use lamp_lab::Sapi;
use serde::Serialize;

use super::Exit;
use super::args::{DemoArgs, Format};
use crate::drill::DrillError;
use crate::drill::run::{Progress, RunPlan, prepare, run};
use crate::drill::stage::{Application, Settings, Stage, StagePlan, Switching, own_program};
use crate::errors::{Trouble, drill as told};
use crate::screen::{Screen, out, out_json, say, take_back};
use board::{Column, board};
use picture::Moment;

/// Between two pictures on a terminal; elsewhere a line comes every [`LINE_EVERY`].
const PICTURE_EVERY: Duration = Duration::from_millis(250);
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Different releases.
const RELEASES: usize = 9;
/// So slow that visitors meet each release, so fast that nobody waits: a switch each quarter of a second.
const ROUNDS_PER_SECOND: usize = 2;
/// The load's seed.
const SEED: u64 = 1;

/// What `lamp demo --format json` prints.
#[derive(Debug, Serialize)]
struct DemoV1<'a> {
    schema: u32,
    columns: &'a [Column],
}

/// Holds both drills and shows the board. Yes: lamp's column is clean and the symlink's is not.
pub fn run_demo(args: &DemoArgs) -> Result<Exit, Trouble> {
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

const fn words(sapi: Sapi) -> &'static str {
    match sapi {
        Sapi::ModPhp => "Apache and mod_php",
        Sapi::Fpm => "Apache and php-fpm",
    }
}

/// Set by Ctrl-C; every wait of the demo looks at it, and leaving the demo removes its labs.
fn interrupt_flag() -> std::io::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let of_thread = Arc::clone(&flag);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let wait = move || {
        runtime.block_on(async {
            let _ = tokio::signal::ctrl_c().await;
            of_thread.store(true, Ordering::Relaxed);
        });
    };
    std::thread::Builder::new()
        .name("lamp-interrupt".into())
        .spawn(wait)?;
    Ok(flag)
}

/// The live picture: redrawn in place on a terminal, a line now and then elsewhere.
struct Show<'a> {
    interrupted: &'a AtomicBool,
    terminal: bool,
    last: Instant,
    seen_records: usize,
    releases: BTreeMap<String, usize>,
    drawn_lines: usize,
}

impl<'a> Show<'a> {
    fn new(interrupted: &'a AtomicBool) -> Self {
        Self {
            interrupted,
            terminal: Screen::here().watched,
            last: Instant::now(),
            seen_records: 0,
            releases: BTreeMap::new(),
            drawn_lines: 0,
        }
    }

    fn next(&mut self, progress: Progress<'_>) -> Result<(), DrillError> {
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
    fn clear(&mut self) {
        if self.drawn_lines > 0 {
            take_back(self.drawn_lines);
        }
        self.drawn_lines = 0;
    }
}

/// Where the demo's labs are made.
pub fn default_dir() -> PathBuf {
    crate::drill::stage::default_parent().to_owned()
}
