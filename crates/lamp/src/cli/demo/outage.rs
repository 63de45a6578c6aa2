//! `lamp demo`: the outage replayed on a lab of this machine. Act one: the gate refuses the bad release. Act two: it is
//! forced into production under load, and the host notices, goes back, pages and reports by itself.
//!
//! Everything happens in a lab of its own; production, if this host has any, is not touched.

pub mod board;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use lamp_lab::wordpress::Unpacked;

use super::show::Show;
use super::{Exit, interrupt_flag, words};
use crate::cli::args::{DemoArgs, Format};
use crate::drill::DrillError;
use crate::drill::outage::{Forced, Outage, OutagePlan};
use crate::drill::stage::{Application, own_program};
use crate::errors::{Trouble, drill as told};
use crate::screen::{out, out_json, say};
use board::{ForcedV1, IncidentV1, OutageV1, RefusedV1, board};

/// Where an unpacked WordPress is looked for: beside the sources, as Debian installs it.
const WORDPRESS_AT: [&str; 2] = [".packages/root/usr/share/wordpress", "/usr/share/wordpress"];
/// The load's seed.
const LOAD_SEED: u64 = 1;

/// Replays it and shows the board. Yes: refused, rolled back, paged, reported.
pub fn run_outage(args: &DemoArgs) -> Result<Exit, Trouble> {
    let interrupted = interrupt_flag().map_err(|error| told::not_held(&error))?;
    let held = replay(args, &interrupted);
    let (said, breakage) = held.map_err(|error| told::not_held(&error))?;
    match args.format {
        Format::Text => out(&format!("\n{}", board(&said, &breakage))),
        Format::Json => out_json(&said),
    }
    Ok(if said.is_held() { Exit::Yes } else { Exit::No })
}

fn replay(args: &DemoArgs, interrupted: &AtomicBool) -> Result<(OutageV1, lamp_lab::Breakage), DrillError> {
    let application = application(args);
    say(&format!("lighting a lab with {} ...", words(args.sapi())));
    let outage = Outage::set_up(OutagePlan {
        parent: args.dir.clone(),
        sapi: args.sapi(),
        application,
        lamp: own_program()?,
        seed: args.seed,
        watched: true,
    })?;
    let breakage = outage.breakage().clone();
    say(&format!(
        "act one: a release with a mistake in {} comes to the gate",
        breakage.file
    ));
    let refused = RefusedV1::of(&outage.refuse()?);
    say(&format!("  {}", refused_line(&refused)));
    say(&format!(
        "act two: the gate is overridden, while {} visitors a second come by",
        args.rate
    ));
    let mut show = Show::new(interrupted);
    let forced = outage.force(f64::from(args.rate), LOAD_SEED, |progress| show.next(progress))?;
    show.clear();
    let mut seen = ForcedV1::of(&forced, f64::from(args.rate));
    tell(&seen);
    seen.report = report(&outage, &forced, &args.report)?;
    let incident = incident(&outage, &forced)?;
    let said = OutageV1 {
        schema: 1,
        seed: args.seed,
        breakage: breakage.kind.clone(),
        refused,
        forced: seen,
        incident,
    };
    Ok((said, breakage))
}

/// WordPress where it is to be found, else the fixture, said aloud.
fn application(args: &DemoArgs) -> Application {
    let named = args.wordpress.as_deref();
    let places = WORDPRESS_AT.iter().map(Path::new);
    let found = named
        .into_iter()
        .chain(places)
        .find(|place| Unpacked::at(place.to_path_buf()).is_ok());
    match found {
        Some(place) if !args.fixture => Application::WordPress(place.to_owned()),
        _ => {
            if !args.fixture {
                say(
                    "no WordPress is unpacked here, so a small application of our own is shown; for the real one:\n  \
                     apt-get download wordpress wordpress-theme-twentytwentythree, dpkg -x each into a directory, \
                     then: lamp demo --wordpress DIRECTORY/usr/share/wordpress",
                );
            }
            Application::Markers
        }
    }
}

fn refused_line(refused: &RefusedV1) -> String {
    let mut line = match (&refused.path, refused.line, &refused.error) {
        (Some(path), Some(at), _) => format!("refused: {path}:{at}"),
        (_, _, Some(error)) => format!("refused: {error}"),
        _ => "not refused".to_owned(),
    };
    if let Some(right) = &refused.suggestion {
        line.push_str(&format!("; the right name is {right}"));
    }
    if let Some([reached, of]) = refused.blast_radius {
        line.push_str(&format!("; {reached} of {of} entry points hang on it"));
    }
    line
}

fn tell(seen: &ForcedV1) {
    let ms = |value: Option<f64>| value.map_or_else(|| "never".to_owned(), |ms| format!("{ms:.0} ms"));
    say(&format!(
        "  {} of {} requests failed, the last {} after the first, where {:.0} a second could; the page was accepted after {}",
        seen.failed,
        seen.requests,
        ms(seen.first_failed_to_last_failed_ms),
        seen.affected_rps,
        ms(seen.first_failed_to_page_accepted_ms)
    ));
    let summary = seen
        .page
        .as_ref()
        .and_then(|page| page.pointer("/payload/summary"));
    if let Some(summary) = summary.and_then(serde_json::Value::as_str) {
        say(&format!("  the page: {summary}"));
    }
}

/// Writes the report where it outlives the lab; nothing to report is no error, the board says so.
fn report(outage: &Outage, forced: &Forced, to: &Path) -> Result<Option<String>, DrillError> {
    if !forced.is_paged() {
        return Ok(None);
    }
    let text = outage.report("md")?;
    fs_err::write(to, text)?;
    Ok(Some(to.display().to_string()))
}

/// What the report says in numbers.
fn incident(outage: &Outage, forced: &Forced) -> Result<Option<IncidentV1>, DrillError> {
    if !forced.is_paged() {
        return Ok(None);
    }
    let report = serde_json::from_str(&outage.report("json")?).map_err(std::io::Error::from)?;
    Ok(Some(IncidentV1::of(&report)))
}

/// Where the report is written unless someone says otherwise: in the directory that one stands in.
pub fn default_report() -> PathBuf {
    PathBuf::from("lamp-demo-report.md")
}
