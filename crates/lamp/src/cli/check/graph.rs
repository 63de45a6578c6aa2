//! `lamp check --graph [FILE]` and `--top N`: who includes whom, and what most of the site hangs on.

use lamp_model::reach::{Dependents, Listed, Weight, WholeGraph};
use serde::Serialize;

use super::ask::Asked;
use super::shown::plain;
use crate::cli::Exit;
use crate::cli::args::CheckFormat;
use crate::errors::{Kind, Trouble};
use crate::screen::{out, out_json};

/// What `--graph --format json` prints.
#[derive(Debug, Serialize)]
struct GraphV1<'a> {
    schema: u32,
    files: Vec<FileV1<'a>>,
    includes_left_out: u64,
}

#[derive(Debug, Serialize)]
struct FileV1<'a> {
    path: &'a str,
    entry_point: bool,
    includes: Vec<&'a str>,
}

/// What `--graph FILE --format json` prints.
#[derive(Debug, Serialize)]
struct DependentsV1<'a> {
    schema: u32,
    path: &'a str,
    directly: ListedV1<'a>,
    through_others: ListedV1<'a>,
    entry_points: ListedV1<'a>,
    /// Entry points that there are.
    of: u64,
    includes: ListedV1<'a>,
}

/// Names, of which not all may be listed.
#[derive(Debug, Serialize)]
struct ListedV1<'a> {
    count: u64,
    names: &'a [String],
}

/// What `--top --format json` prints.
#[derive(Debug, Serialize)]
struct TopV1<'a> {
    schema: u32,
    files: Vec<WeightV1<'a>>,
}

#[derive(Debug, Serialize)]
struct WeightV1<'a> {
    path: &'a str,
    entry_points: u64,
    of: u64,
    directly: u64,
}

/// Prints the graph, or what hangs on one file of it.
pub(super) fn run(asked: &Asked<'_>, file: Option<&str>, format: CheckFormat) -> Result<Exit, Trouble> {
    match file {
        Some(file) => one(asked, file, format)?,
        None => {
            let graph = asked.answer(&["--graph"])?.graph.unwrap_or_default();
            match format {
                CheckFormat::Json => out_json(&v1(&graph)),
                CheckFormat::Dot => out(&dot(&graph)),
                CheckFormat::Text | CheckFormat::Sarif | CheckFormat::Github | CheckFormat::Junit => {
                    out(&text(&graph));
                }
            }
        }
    }
    Ok(Exit::Yes)
}

fn one(asked: &Asked<'_>, file: &str, format: CheckFormat) -> Result<(), Trouble> {
    let hangs = dependents(asked, file)?;
    match format {
        CheckFormat::Json => out_json(&dependents_v1(&hangs)),
        CheckFormat::Dot => out(&dependents_dot(&hangs)),
        CheckFormat::Text | CheckFormat::Sarif | CheckFormat::Github | CheckFormat::Junit => {
            out(&dependents_text(&hangs));
        }
    }
    Ok(())
}

/// The file is named from the tree's root, or as a shell completes it from here.
fn dependents(asked: &Asked<'_>, file: &str) -> Result<Dependents, Trouble> {
    let from_here = std::path::Path::new(file).strip_prefix(asked.dir).ok();
    let from_here = from_here.and_then(std::path::Path::to_str);
    for name in [Some(file.trim_start_matches("./")), from_here]
        .into_iter()
        .flatten()
    {
        if let Some(hangs) = asked.answer(&[&format!("--dependents={name}")])?.dependents {
            return Ok(hangs);
        }
    }
    Err(Trouble::because(
        Kind::Mistake,
        format!("tell what hangs on {file:?}"),
        "it is no PHP file of the tree",
        "name it from the tree's root: lamp check DIR --graph inc/file.php; without a file, all of the graph is shown",
    ))
}

/// Prints the heaviest files.
pub(super) fn top(asked: &Asked<'_>, most: u16, format: CheckFormat) -> Result<Exit, Trouble> {
    let weights = asked.answer(&[&format!("--top={most}")])?.top.unwrap_or_default();
    if format == CheckFormat::Json {
        out_json(&TopV1 {
            schema: 1,
            files: weights.iter().map(weight_v1).collect(),
        });
    } else {
        out(&weights_text(&weights));
    }
    Ok(Exit::Yes)
}

fn weights_text(weights: &[Weight]) -> String {
    let line = |one: &Weight| {
        let radius = one.blast_radius;
        let share = (radius.entry_points * 100)
            .checked_div(radius.of)
            .unwrap_or_default();
        format!(
            "{share:>3} %  {:>5} of {} entry points  {:>4} directly  {}\n",
            radius.entry_points,
            radius.of,
            one.directly,
            plain(&one.path)
        )
    };
    weights.iter().map(line).collect()
}

const fn weight_v1(one: &Weight) -> WeightV1<'_> {
    WeightV1 {
        path: one.path.as_str(),
        entry_points: one.blast_radius.entry_points,
        of: one.blast_radius.of,
        directly: one.directly,
    }
}

fn name(graph: &WholeGraph, number: u32) -> &str {
    let file = usize::try_from(number).ok().and_then(|at| graph.files.get(at));
    file.map_or("", |file| file.path.as_str())
}

fn text(graph: &WholeGraph) -> String {
    let mut text = String::new();
    for file in &graph.files {
        let kind = if file.is_entry_point {
            "  (entry point)"
        } else {
            ""
        };
        text += &format!("{}{kind}\n", plain(&file.path));
        for number in &file.includes {
            text += &format!("    {}\n", plain(name(graph, *number)));
        }
    }
    match graph.includes_left_out {
        0 => text,
        more => text + &format!("and {more} includes more\n"),
    }
}

fn v1(graph: &WholeGraph) -> GraphV1<'_> {
    let files = graph.files.iter().map(|file| FileV1 {
        path: &file.path,
        entry_point: file.is_entry_point,
        includes: file.includes.iter().map(|number| name(graph, *number)).collect(),
    });
    GraphV1 {
        schema: 1,
        files: files.collect(),
        includes_left_out: graph.includes_left_out,
    }
}

/// The graph for Graphviz; entry points are boxes.
fn dot(graph: &WholeGraph) -> String {
    let mut text = "digraph includes {\n  rankdir=LR;\n".to_owned();
    for file in &graph.files {
        let shape = if file.is_entry_point { " [shape=box]" } else { "" };
        text += &format!("  {}{shape};\n", quoted(&file.path));
        for number in &file.includes {
            text += &format!("  {} -> {};\n", quoted(&file.path), quoted(name(graph, *number)));
        }
    }
    text + "}\n"
}

/// An identifier of the DOT language: a backslash stays one only if nothing reads it as an escape.
fn quoted(path: &str) -> String {
    format!("\"{}\"", plain(path).replace('\\', "\\\\").replace('"', "\\\""))
}

fn dependents_text(hangs: &Dependents) -> String {
    let mut text = format!(
        "{}: {} of {} entry points reach it\n",
        plain(&hangs.path),
        hangs.entry_points.count,
        hangs.of
    );
    for (what, listed) in parts(hangs) {
        text += &section(what, listed);
    }
    text
}

const fn parts(hangs: &Dependents) -> [(&'static str, &Listed); 4] {
    [
        ("entry points that reach it", &hangs.entry_points),
        ("included by", &hangs.directly),
        ("reached through others by", &hangs.through_others),
        ("includes", &hangs.includes),
    ]
}

fn section(what: &str, listed: &Listed) -> String {
    let lines: String = listed
        .names
        .iter()
        .map(|name| format!("    {}\n", plain(name)))
        .collect();
    let more = match listed.left_out() {
        0 => String::new(),
        more => format!("    and {more} more\n"),
    };
    format!("{what} ({}):\n{lines}{more}", listed.count)
}

const fn listed_v1(listed: &Listed) -> ListedV1<'_> {
    ListedV1 {
        count: listed.count,
        names: listed.names.as_slice(),
    }
}

const fn dependents_v1(hangs: &Dependents) -> DependentsV1<'_> {
    DependentsV1 {
        schema: 1,
        path: hangs.path.as_str(),
        directly: listed_v1(&hangs.directly),
        through_others: listed_v1(&hangs.through_others),
        entry_points: listed_v1(&hangs.entry_points),
        of: hangs.of,
        includes: listed_v1(&hangs.includes),
    }
}

/// Who depends on the file: directly by a line, through others by a dashed one.
fn dependents_dot(hangs: &Dependents) -> String {
    let file = quoted(&hangs.path);
    let mut text = format!("digraph dependents {{\n  rankdir=LR;\n  {file} [style=bold];\n");
    for name in &hangs.entry_points.names {
        text += &format!("  {} [shape=box];\n", quoted(name));
    }
    for name in &hangs.directly.names {
        text += &format!("  {} -> {file};\n", quoted(name));
    }
    for name in &hangs.through_others.names {
        text += &format!("  {} -> {file} [style=dashed];\n", quoted(name));
    }
    text + "}\n"
}
