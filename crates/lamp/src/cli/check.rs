//! `lamp check`: what is wrong in a tree of PHP, before anything runs; exit 1 if there is any error, or any new one.
//!
//! The tree is opened with the caller's rights and looked at by a process without any ([`crate::worker::check`]). Here its
//! answer is held against what is known ([`known`]), printed ([`text`] and one file for each machine format), and, if
//! asked, acted upon ([`fix`]).

mod against;
mod ask;
mod commit;
mod explain;
mod fix;
mod github;
mod graph;
mod json;
mod junit;
mod kept;
mod known;
mod sarif;
mod setting;
mod shown;
mod text;
mod watch;

use std::path::Path;

use super::Exit;
use super::args::{CheckArgs, CheckFormat};
use crate::errors::{Kind, Trouble};
use crate::screen::{colours_out, out};
use ask::Asked;
use shown::{Paint, Shown};

/// Checks the directory and prints what was found; or what else was asked for.
pub fn run(config: &Path, args: &CheckArgs) -> Result<Exit, Trouble> {
    fits(args)?;
    if let Some(rule) = &args.explain {
        return explain::run(rule, args.format);
    }
    ask::warn_of_a_weak_kernel();
    let setting = setting::flags(&setting::setting(&args.setting)?);
    let asked = match args.no_cache {
        true => Asked::new(&args.dir, &setting),
        false => Asked::new(&args.dir, &setting).with_kept_facts(),
    };
    if let Some(file) = &args.graph {
        return graph::run(&asked, file.as_deref(), args.format);
    }
    if let Some(most) = args.top {
        return graph::top(&asked, most, args.format);
    }
    if args.write_baseline {
        return known::write(&asked, args.baseline.as_deref());
    }
    if args.dry_run {
        return fix::show(&asked);
    }
    if args.fix {
        fix::run(&asked)?;
    }
    if args.watch {
        return watch::run(config, args, &asked);
    }
    check(config, args, &asked)
}

fn check(config: &Path, args: &CheckArgs, asked: &Asked<'_>) -> Result<Exit, Trouble> {
    let unknown: &[&str] = if args.unknown { &["--unknown"] } else { &[] };
    let answer = asked.answer(unknown)?;
    let known = known::known(config, args, (asked, &answer))?;
    let shown = Shown::new(&args.dir, &answer, known);
    out(&printed(args.format, &shown));
    Ok(match shown.errors() {
        0 => Exit::Yes,
        _ => Exit::No,
    })
}

fn printed(format: CheckFormat, shown: &Shown<'_>) -> String {
    match format {
        CheckFormat::Text | CheckFormat::Dot => text::text(shown, Paint::new(colours_out())),
        CheckFormat::Json => json::json(shown),
        CheckFormat::Sarif => sarif::sarif(shown),
        CheckFormat::Github => github::github(shown),
        CheckFormat::Junit => junit::junit(shown),
    }
}

/// Whether what is asked for can be printed so.
fn fits(args: &CheckArgs) -> Result<(), Trouble> {
    let only = match (
        args.format,
        &args.graph,
        args.explain.is_some() || args.top.is_some(),
    ) {
        (CheckFormat::Text | CheckFormat::Json, _, _)
        | (CheckFormat::Dot, Some(_), _)
        | (CheckFormat::Sarif | CheckFormat::Github | CheckFormat::Junit, None, false) => return Ok(()),
        (CheckFormat::Dot, None, _) => "dot is for --graph",
        (CheckFormat::Sarif | CheckFormat::Github | CheckFormat::Junit, _, _) => {
            "sarif, github and junit are for findings"
        }
    };
    let way_out = "--format text and --format json are for everything";
    Err(Trouble::because(Kind::Mistake, "print it so", only, way_out))
}

#[cfg(test)]
mod tests;
