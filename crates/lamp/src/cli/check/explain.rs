//! `lamp check --explain RULE`: the page of a rule.

use lamp_check::{Rule, nearest_rule, rule, rules};
use serde::Serialize;

use super::shown::{Paint, word};
use crate::cli::Exit;
use crate::cli::args::CheckFormat;
use crate::errors::{Kind, Trouble};
use crate::screen::{colours_out, out, out_json};

/// What asks for the list.
const ALL: &str = "all";

/// What `lamp check --explain --format json` prints.
#[derive(Debug, Serialize)]
struct RulesV1 {
    schema: u32,
    rules: Vec<RuleV1>,
}

#[derive(Debug, Serialize)]
struct RuleV1 {
    rule: &'static str,
    severity: &'static str,
    says: &'static str,
    page: &'static str,
}

/// Prints the page of the rule, or the list of all.
pub(super) fn run(name: &str, format: CheckFormat) -> Result<Exit, Trouble> {
    let asked: Vec<&Rule> = match (name, rule(name)) {
        (ALL, _) => rules().collect(),
        (_, Some(rule)) => vec![rule],
        (_, None) => return Err(no_rule(name)),
    };
    match (format, asked.as_slice()) {
        (CheckFormat::Json, _) => out_json(&RulesV1 {
            schema: 1,
            rules: asked.into_iter().map(v1).collect(),
        }),
        (_, [one]) if name != ALL => out(&page(one, Paint::new(colours_out()))),
        (_, all) => out(&list(all)),
    }
    Ok(Exit::Yes)
}

const fn v1(rule: &Rule) -> RuleV1 {
    RuleV1 {
        rule: rule.name,
        severity: word(rule.severity),
        says: rule.says,
        page: rule.page,
    }
}

/// Its page; on a terminal the headings stand out.
fn page(rule: &Rule, paint: Paint) -> String {
    let line = |line: &str| {
        if line.starts_with("# ") || line.starts_with("## ") {
            paint.bold(line) + "\n"
        } else {
            format!("{line}\n")
        }
    };
    rule.page.lines().map(line).collect()
}

fn list(rules: &[&Rule]) -> String {
    let width = rules.iter().map(|rule| rule.name.len()).max().unwrap_or_default();
    let line = |rule: &&Rule| {
        format!(
            "{:<width$}  {:<7}  {}\n",
            rule.name,
            word(rule.severity),
            rule.says
        )
    };
    let lines: String = rules.iter().map(line).collect();
    lines + "\nthe page of one: lamp check --explain RULE"
}

fn no_rule(name: &str) -> Trouble {
    let nearest = nearest_rule(name).map_or("", |rule| rule.name);
    Trouble::because(
        Kind::Mistake,
        format!("explain {name:?}"),
        "there is no rule of that name",
        format!("lamp check --explain {nearest}; `lamp check --explain` lists all"),
    )
}

/// The first sentence of what its page says of why it matters.
pub(super) fn why_it_matters(name: &str) -> Option<String> {
    let (_, section) = rule(name)?.page.split_once("## Why it matters\n")?;
    let paragraph = section.trim_start().split("\n\n").next()?.replace('\n', " ");
    let end = paragraph.find(". ").map_or(paragraph.len(), |at| at + 1);
    paragraph.get(..end).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_says_in_a_sentence_why_it_matters() {
        for rule in rules() {
            let why = why_it_matters(rule.name).expect("a sentence");
            assert!(
                (20..=300).contains(&why.len()) && !why.contains('\n'),
                "{}: {why}",
                rule.name
            );
        }
        let why = why_it_matters("include-not-found").expect("a sentence");
        assert!(
            why.starts_with("PHP ends the request where") && why.ends_with("comes by."),
            "{why}"
        );
    }

    #[test]
    fn an_unknown_rule_leads_to_the_nearest() {
        let told = no_rule("include-not-fuond").way_out;
        assert!(told.contains("--explain include-not-found;"), "{told}");
    }
}
