//! Packages from outside: one library per job, the crates that may name it, licences, duplicates.

use std::collections::BTreeMap;

use super::Project;
use crate::finding::Finding;
use crate::workspace::{Crate, Kind, Need, Package};

const LOCK: &str = "Cargo.lock";

pub(crate) fn check(project: &Project<'_>) -> Vec<Finding> {
    let workspace = project.workspace;
    let mut findings: Vec<Finding> = workspace
        .crates
        .iter()
        .flat_map(|krate| owners(project, krate))
        .collect();
    findings.extend(
        workspace
            .packages
            .iter()
            .filter_map(|package| banned(project, package)),
    );
    findings.extend(
        workspace
            .packages
            .iter()
            .filter_map(|package| licence(project, package)),
    );
    findings.extend(duplicates(project));
    findings
}

fn owners(project: &Project<'_>, krate: &Crate) -> Vec<Finding> {
    let outside = krate
        .needs
        .iter()
        .filter(|need| !project.workspace.has(&need.name));
    let known = |need: &Need| need.kind == Kind::Dev && project.rules.owners.contains_key(&need.name);
    let refused = outside.filter(|need| !known(need) && !is_owner(project, &krate.name, &need.name));
    refused
        .map(|need| not_owned(project, krate, &need.name))
        .collect()
}

fn is_owner(project: &Project<'_>, krate: &str, package: &str) -> bool {
    let owners = project.rules.owners.get(package);
    owners.is_some_and(|owners| owners.iter().any(|owner| owner == "*" || owner == krate))
}

fn not_owned(project: &Project<'_>, krate: &Crate, package: &str) -> Finding {
    let (says, mend) = match project.rules.owners.get(package) {
        Some(owners) => (
            format!(
                "{} names {package}, which belongs to {}",
                krate.name,
                owners.join(", ")
            ),
            "go through its owner",
        ),
        None => (
            format!("{package} is new here"),
            "is there already a library for this job? if not: [owners] in xtask/tidy.toml",
        ),
    };
    Finding {
        path: krate.manifest.clone(),
        line: 0,
        rule: "owner",
        says,
        mend: mend.to_owned(),
    }
}

fn banned(project: &Project<'_>, package: &Package) -> Option<Finding> {
    let reason = project.rules.banned.get(&package.name)?;
    let says = format!("{} {} is in the graph: {reason}", package.name, package.version);
    let mend = format!("find who brings it: cargo tree --invert {}", package.name);
    Some(Finding {
        path: LOCK.to_owned(),
        line: 0,
        rule: "banned",
        says,
        mend,
    })
}

fn licence(project: &Project<'_>, package: &Package) -> Option<Finding> {
    let stated = package.licence.as_deref().unwrap_or("");
    if is_allowed(stated, &project.rules.licences.allowed) {
        return None;
    }
    let says = format!("{} {} is under '{stated}'", package.name, package.version);
    let mend = "use another library, or allow the licence in xtask/tidy.toml after reading it".to_owned();
    Some(Finding {
        path: LOCK.to_owned(),
        line: 0,
        rule: "licence",
        says,
        mend,
    })
}

/// Whether an SPDX expression can be met by allowed licences. The old `A/B` means `A OR B`.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let expression = expression.replace(" / ", " OR ").replace('/', " OR ");
    any_of(&expression, allowed)
}

fn any_of(expression: &str, allowed: &[String]) -> bool {
    split_outside_brackets(expression, " OR ")
        .iter()
        .any(|part| all_of(part, allowed))
}

fn all_of(expression: &str, allowed: &[String]) -> bool {
    split_outside_brackets(expression, " AND ").iter().all(|part| {
        let part = part.trim();
        match part.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
            Some(inner) => any_of(inner, allowed),
            None => allowed.iter().any(|licence| licence == part),
        }
    })
}

fn split_outside_brackets<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 && at >= start && text[at..].starts_with(word) => {
                parts.push(&text[start..at]);
                start = at + word.len();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn duplicates(project: &Project<'_>) -> Vec<Finding> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in &project.workspace.packages {
        versions.entry(&package.name).or_default().push(&package.version);
    }
    let twice = versions
        .iter()
        .filter(|(name, versions)| versions.len() > 1 && !project.rules.duplicates.contains_key(**name));
    let mut findings: Vec<Finding> = twice.map(|(name, versions)| duplicate(name, versions)).collect();
    let once = |name: &&String| {
        versions
            .get(name.as_str())
            .is_none_or(|versions| versions.len() < 2)
    };
    findings.extend(
        project
            .rules
            .duplicates
            .keys()
            .filter(once)
            .map(|name| no_duplicate(name)),
    );
    findings
}

fn duplicate(name: &str, versions: &[&str]) -> Finding {
    let says = format!(
        "{name} stands in the graph {} times: {}",
        versions.len(),
        versions.join(", ")
    );
    let mend =
        format!("cargo tree --invert {name}@VERSION; or name who keeps it, in xtask/tidy.toml [duplicates]");
    Finding {
        path: LOCK.to_owned(),
        line: 0,
        rule: "duplicate",
        says,
        mend,
    }
}

fn no_duplicate(name: &str) -> Finding {
    let says = format!("{name} is no longer a duplicate");
    let mend = "remove it from [duplicates]".to_owned();
    Finding {
        path: super::rules::PATH.to_owned(),
        line: 0,
        rule: "duplicate",
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
        owners = { sql = ["log"], serde = ["*"] }
        banned = { openssl = "no" }
        licences = { allowed = ["MIT", "ISC"] }
        duplicates = { twice = "somebody asks for it" }
    "#;

    #[track_caller]
    fn check_graph(needs: &[(&str, &str)], packages: &[(&str, &str, &str)], expected: &[&str]) {
        let need = |name: &str| Need {
            name: name.to_owned(),
            kind: Kind::Normal,
        };
        let krate = |&(name, package): &(&str, &str)| Crate {
            name: name.to_owned(),
            manifest: format!("crates/{name}/Cargo.toml"),
            needs: vec![need(package)],
        };
        let always = [("twice", "1", "MIT"), ("twice", "2", "MIT")];
        let package = |&(name, version, licence): &(&str, &str, &str)| Package {
            name: name.to_owned(),
            version: version.to_owned(),
            licence: Some(licence.to_owned()),
        };
        let workspace = Workspace {
            crates: needs.iter().map(krate).collect(),
            packages: packages.iter().chain(&always).map(package).collect(),
            ..Workspace::default()
        };
        assert_eq!(
            case::of_project(check, &Snapshot::default(), &workspace, RULES),
            expected
        );
    }

    #[test]
    fn owners_and_everybody_may_name_a_package() {
        check_graph(&[("log", "sql"), ("web", "serde")], &[], &[]);
        check_graph(
            &[("web", "sql")],
            &[],
            &["crates/web/Cargo.toml:0: [owner] web names sql, which belongs to log"],
        );
        check_graph(
            &[("web", "chrono")],
            &[],
            &["crates/web/Cargo.toml:0: [owner] chrono is new here"],
        );
    }

    #[test]
    fn banned_packages_licences_and_duplicates_are_told() {
        check_graph(
            &[],
            &[("openssl", "1", "MIT")],
            &["Cargo.lock:0: [banned] openssl 1 is in the graph: no"],
        );
        check_graph(
            &[],
            &[("a", "1", "GPL-3.0")],
            &["Cargo.lock:0: [licence] a 1 is under 'GPL-3.0'"],
        );
        let says = "Cargo.lock:0: [duplicate] a stands in the graph 2 times: 1, 2";
        check_graph(&[], &[("a", "1", "MIT"), ("a", "2", "MIT")], &[says]);
    }

    #[test]
    fn a_licence_expression_is_met_by_what_is_allowed() {
        let allowed = ["MIT".to_owned(), "ISC".to_owned()];
        for good in [
            "MIT",
            "MIT OR GPL-3.0",
            "GPL-3.0/MIT",
            "GPL-3.0 / MIT",
            "MIT AND ISC",
            "(GPL-3.0 OR MIT) AND ISC",
            "ISC AND (MIT)",
        ] {
            assert!(is_allowed(good, &allowed), "{good}");
        }
        for bad in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT OR ISC) AND GPL-3.0",
            "MIT WITH X",
        ] {
            assert!(!is_allowed(bad, &allowed), "{bad}");
        }
    }
}
