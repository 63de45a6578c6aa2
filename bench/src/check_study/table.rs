//! The figures as people read them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::mistakes::OfRule;
use super::mutations::{Tally, share};
use super::{Raw, TreeRow};

pub(super) fn table(raw: &Raw) -> String {
    let mut out = format!("Seed {}; {}.\n\n", raw.seed, raw.machine);
    out += "| tree | files | includes | resolved | unknown | errors | warnings | harmless edits | new errors |\n|---|---|---|---|---|---|---|---|---|\n";
    for tree in &raw.trees {
        out += &tree_line(tree);
    }
    let _ = write!(
        out,
        "\n{} includes by their text; {} of them have a literal name that a file of the tree has, and are what names are made wrong at.\n\n",
        raw.includes, raw.includes_named
    );
    out += "| made wrong by | made | found | suggestion right | found of those decided | found of all includes |\n|---|---|---|---|---|---|\n";
    for way in &raw.ways {
        out += &way_line(raw, way);
    }
    out += &all_line(raw);
    out + &unnamed(raw) + &missed(raw) + &unknown(raw) + &mistakes(&raw.mistakes)
}

fn tree_line(tree: &TreeRow) -> String {
    format!(
        "| {} | {} | {} | {} ({}) | {} | {} | {} | {} | {} |\n",
        tree.name,
        tree.files,
        tree.includes,
        tree.resolved,
        share(tree.resolved, tree.includes),
        tree.includes - tree.resolved,
        tree.errors,
        tree.warnings,
        tree.edits,
        tree.new_errors.len(),
    )
}

fn way_line(raw: &Raw, way: &Tally) -> String {
    let suggested = match way.mendable {
        0 => "nothing mends it".to_owned(),
        mendable => of(way.suggested_right, mendable),
    };
    format!(
        "| {} | {} | {} | {suggested} | {} | {} |\n",
        way.way.words(),
        way.made,
        of(way.found, way.made),
        of(way.decided_and_found, way.decided),
        of_all(raw, way.found, way.made),
    )
}

fn all_line(raw: &Raw) -> String {
    let sum = |figure: fn(&Tally) -> u64| raw.ways.iter().map(figure).sum::<u64>();
    format!(
        "| all | {} | {} | {} | {} | {} |\n",
        sum(|way| way.made),
        of(sum(|way| way.found), sum(|way| way.made)),
        of(sum(|way| way.suggested_right), sum(|way| way.mendable)),
        of(sum(|way| way.decided_and_found), sum(|way| way.decided)),
        of_all(raw, sum(|way| way.found), sum(|way| way.made)),
    )
}

fn of(part: u64, whole: u64) -> String {
    format!("{part} of {whole} ({})", share(part, whole))
}

/// Counting every include without such a name as not found.
fn of_all(raw: &Raw, found: u64, made: u64) -> String {
    if made == 0 || raw.includes == 0 {
        return "none".to_owned();
    }
    let rate = found as f64 / made as f64 * raw.includes_named as f64 / raw.includes as f64;
    format!("{:.1} %", 100.0 * rate)
}

fn unnamed(raw: &Raw) -> String {
    let mut out =
        "\n| includes that cannot be made wrong by their text | count | of them decided |\n|---|---|---|\n"
            .to_owned();
    for (why, unnamed) in &raw.includes_unnamed {
        let _ = writeln!(
            out,
            "| {why} | {} | {} |",
            unnamed.all,
            of(unnamed.decided, unnamed.all)
        );
    }
    out
}

fn missed(raw: &Raw) -> String {
    let reasons = raw.ways.iter().flat_map(|way| &way.missed);
    let reasons = reasons.map(|(reason, count)| (reason.as_str(), *count));
    by_count("wrong names not found because", reasons)
}

fn unknown(raw: &Raw) -> String {
    let reasons = raw.trees.iter().flat_map(|tree| &tree.undecided);
    by_count(
        "includes unknown because of",
        reasons.map(|(reason, count)| (*reason, *count)),
    )
}

fn mistakes(rules: &[OfRule]) -> String {
    let mut out = "\n| rule | seeded | by whom it is called a mistake | made | found | as errors | told before |\n|---|---|---|---|---|---|---|\n".to_owned();
    for of in rules {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} |",
            of.rule,
            of.made_by,
            of.judge,
            of.made,
            self::of(of.found, of.made),
            of.errors,
            of.before
        );
    }
    out
}

/// Each reason with the sum of its counts, the most frequent first.
fn by_count<'r>(title: &str, reasons: impl Iterator<Item = (&'r str, u64)>) -> String {
    let mut sums = BTreeMap::<&str, u64>::new();
    for (reason, count) in reasons {
        *sums.entry(reason).or_default() += count;
    }
    let mut sums: Vec<(&str, u64)> = sums.into_iter().collect();
    sums.sort_by_key(|(reason, count)| (Reverse(*count), *reason));
    let mut out = format!("\n| {title} | count |\n|---|---|\n");
    for (reason, count) in sums {
        let _ = writeln!(out, "| {reason} | {count} |");
    }
    out
}
