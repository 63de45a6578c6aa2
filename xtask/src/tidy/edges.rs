//! Who may depend on whom. A new edge needs a decision record that names both ends.

use super::Project;
use crate::finding::Finding;
use crate::workspace::{Crate, Kind, Need};

const RULE: &str = "edge";

pub(crate) fn check(project: &Project<'_>) -> Vec<Finding> {
    let crates = &project.workspace.crates;
    let mut findings: Vec<Finding> = crates.iter().flat_map(|krate| of_crate(project, krate)).collect();
    findings.extend(
        project
            .rules
            .later_edges
            .iter()
            .filter_map(|edge| without_record(project, edge)),
    );
    findings
}

fn of_crate(project: &Project<'_>, krate: &Crate) -> Vec<Finding> {
    let Some(allowed) = project.rules.edges.get(&krate.name) else {
        let mend = "give it a floor in xtask/tidy.toml [edges], ARCHITECTURE.md and docs/adr".to_owned();
        return vec![finding(krate, format!("{} stands on no floor", krate.name), mend)];
    };
    let ours = krate
        .needs
        .iter()
        .filter(|need| project.workspace.has(&need.name));
    ours.filter_map(|need| of_need(project, krate, need, allowed))
        .collect()
}

fn of_need(project: &Project<'_>, krate: &Crate, need: &Need, allowed: &[String]) -> Option<Finding> {
    if project.rules.dev_only.crates.contains(&need.name) {
        let mend = "move it to [dev-dependencies]".to_owned();
        let says = format!("{} ships {}, which is for tests only", krate.name, need.name);
        return (need.kind != Kind::Dev).then(|| finding(krate, says, mend));
    }
    let later = project
        .rules
        .later_edges
        .iter()
        .any(|edge| edge.from == krate.name && edge.to == need.name);
    if allowed.contains(&need.name) || later {
        return None;
    }
    let says = format!("{} may not depend on {}", krate.name, need.name);
    let mend =
        "go through a crate that may, or write a decision record and add [[later_edges]] to xtask/tidy.toml";
    Some(finding(krate, says, mend.to_owned()))
}

fn without_record(project: &Project<'_>, edge: &super::rules::LaterEdge) -> Option<Finding> {
    let names = |text: &str, name: &str| text.contains(&format!("`{name}`"));
    let names_both = |text: &str| names(text, &edge.from) && names(text, &edge.to);
    if project
        .snapshot
        .file(&edge.record)
        .is_some_and(|file| names_both(&file.text))
    {
        return None;
    }
    let says = format!(
        "{} does not decide the edge {} -> {}",
        edge.record, edge.from, edge.to
    );
    let mend = "write the record, naming both crates, from docs/adr/template.md".to_owned();
    Some(Finding {
        path: super::rules::PATH.to_owned(),
        line: 0,
        rule: RULE,
        says,
        mend,
    })
}

fn finding(krate: &Crate, says: String, mend: String) -> Finding {
    Finding {
        path: krate.manifest.clone(),
        line: 0,
        rule: RULE,
        says,
        mend,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Snapshot;
    use crate::tidy::case;
    use crate::workspace::Workspace;

    const RULES: &str = r#"
        edges = { a = ["b"], b = [], kit = [] }
        dev_only = { crates = ["kit"] }
        later_edges = [{ from = "b", to = "a", record = "docs/adr/0009.md" }]
    "#;
    const RECORD: (&str, &str) = ("docs/adr/0009.md", "`b` may use `a`");

    #[track_caller]
    fn check_needs(needs: &[(&str, &str, Kind)], files: &[(&str, &str)], expected: &[&str]) {
        let krate = |name: &str| Crate {
            name: name.to_owned(),
            manifest: format!("crates/{name}/Cargo.toml"),
            needs: needs
                .iter()
                .filter(|need| need.0 == name)
                .map(|need| Need {
                    name: need.1.to_owned(),
                    kind: need.2,
                })
                .collect(),
        };
        let workspace = Workspace {
            crates: ["a", "b", "kit"].map(krate).to_vec(),
            ..Workspace::default()
        };
        assert_eq!(
            case::of_project(check, &Snapshot::of(files), &workspace, RULES),
            expected
        );
    }

    #[test]
    fn an_edge_of_the_ground_and_one_with_a_record_hold() {
        let needs = [
            ("a", "b", Kind::Normal),
            ("b", "a", Kind::Normal),
            ("a", "serde", Kind::Normal),
            ("a", "kit", Kind::Dev),
        ];
        check_needs(&needs, &[RECORD], &[]);
    }

    #[test]
    fn any_other_edge_is_refused_for_tests_as_well() {
        let says = "crates/kit/Cargo.toml:0: [edge] kit may not depend on a";
        check_needs(&[("kit", "a", Kind::Normal)], &[RECORD], &[says]);
        check_needs(&[("kit", "a", Kind::Dev)], &[RECORD], &[says]);
    }

    #[test]
    fn what_is_for_tests_is_not_shipped() {
        check_needs(
            &[("a", "kit", Kind::Normal)],
            &[RECORD],
            &["crates/a/Cargo.toml:0: [edge] a ships kit, which is for tests only"],
        );
    }

    #[test]
    fn a_later_edge_without_a_record_that_names_both_is_refused() {
        let says = "xtask/tidy.toml:0: [edge] docs/adr/0009.md does not decide the edge b -> a";
        check_needs(&[], &[], &[says]);
        check_needs(
            &[],
            &[("docs/adr/0009.md", "about `a`")],
            &["xtask/tidy.toml:0: [edge] docs/adr/0009.md does not decide the edge b -> a"],
        );
    }
}
