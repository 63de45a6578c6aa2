//! The rules of the check as values: what `--explain` shows, and what machine formats say of a rule.
//!
//! Each family of rules has its own list beside its code, and stands here once, in [`FAMILIES`]. Invariant: each
//! rule that a finding names is one of these, and has its page in docs/check/rules.

use lamp_model::finding::Severity;
use strsim::damerau_levenshtein;

/// One rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// In kebab-case, as in `include-not-found`.
    pub name: &'static str,
    /// How bad a finding of it is at worst.
    pub severity: Severity,
    /// What it finds, in one line: lower case, no full stop.
    pub says: &'static str,
    /// Its page in docs/check/rules, Markdown: what it finds, why it matters, an example that breaks, the way out.
    pub page: &'static str,
}

/// The page of the rule of that name.
macro_rules! page {
    ($name:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/check/rules/",
            $name,
            ".md"
        ))
    };
}
pub(crate) use page;

/// Every family's rules; a new family adds its line.
const FAMILIES: &[&[Rule]] = &[
    crate::rules::RULES,
    crate::symbols::RULES,
    crate::autoload::RULES,
    crate::frameworks::RULES,
    crate::surroundings::RULES,
];

/// Every rule, by family.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.iter().copied().flatten()
}

/// The rule of that name.
pub fn rule(name: &str) -> Option<&'static Rule> {
    rules().find(|rule| rule.name == name)
}

/// The rule whose name is nearest to this one.
pub fn nearest_rule(name: &str) -> Option<&'static Rule> {
    rules().min_by_key(|rule| damerau_levenshtein(rule.name, name))
}

#[cfg(test)]
mod tests {
    use lamp_model::finding::RuleName;

    use super::*;
    use crate::hashed::HashSet;

    #[test]
    fn each_rule_has_one_name_one_line_and_a_page_in_four_parts() {
        let mut names = HashSet::default();
        for Rule { name, says, page, .. } in rules() {
            assert!(RuleName::parse(name).is_ok() && names.insert(name), "{name}");
            assert!(!says.contains('\n') && !says.ends_with('.'), "{name}: {says}");
            let mut headings = page.lines().filter(|line| line.starts_with('#'));
            assert_eq!(headings.next(), Some(format!("# {name}").as_str()));
            let parts = ["## Why it matters", "## An example that breaks", "## The way out"];
            // A `#` in an example is no heading.
            let told: Vec<&str> = headings.filter(|line| line.starts_with("## ")).collect();
            assert_eq!(told, parts, "{name}");
            let length = page.lines().count();
            assert!((15..=40).contains(&length), "{name}: {length} lines");
        }
    }

    #[test]
    fn a_misspelt_rule_leads_to_the_one_that_was_meant() {
        let nearest = |name| nearest_rule(name).map(|rule| rule.name);
        assert_eq!(nearest("include-not-fuond"), Some("include-not-found"));
        assert_eq!(nearest("syntaxerror"), Some("syntax-error"));
        assert_eq!(rule("syntaxerror"), None);
        assert!(rule("syntax-error").is_some());
    }
}
