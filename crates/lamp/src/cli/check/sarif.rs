//! Findings as SARIF 2.1.0 (OASIS, 2020), for code scanning: rules with their pages, results with place, fingerprint,
//! state and, where it is certain, the fix.

use lamp_check::{Rule, rules};
use lamp_model::finding::{Finding, Severity};
use serde_json::{Value, json};

use super::fix::edit::Edit;
use super::shown::{Shown, State, Told, plain};
use crate::screen::inert_json;

/// The whole log.
pub(super) fn sarif(shown: &Shown<'_>) -> String {
    let prefix = shown.prefix();
    let results: Vec<Value> = shown.all().map(|told| result(shown, told, &prefix)).collect();
    let driver = json!({
        "name": "lamp",
        "fullName": "lamp check",
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": rules().map(of_rule).collect::<Vec<Value>>(),
    });
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": driver },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    inert_json(&serde_json::to_string_pretty(&log).unwrap_or_default())
}

fn of_rule(rule: &Rule) -> Value {
    json!({
        "id": rule.name,
        "shortDescription": { "text": rule.says },
        "help": { "text": rule.page, "markdown": rule.page },
        "defaultConfiguration": { "level": level(rule.severity) },
    })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn result(shown: &Shown<'_>, told: Told<'_>, prefix: &str) -> Value {
    let finding = told.finding;
    let place = json!({ "uri": uri(&format!("{prefix}{}", finding.path)) });
    let mut result = json!({
        "ruleId": finding.rule.as_str(),
        "level": level(finding.severity),
        "message": { "text": message(finding) },
        "locations": [{ "physicalLocation": { "artifactLocation": place, "region": region(told) } }],
        "partialFingerprints": { "lampFinding/v1": fingerprint(finding) },
    });
    if let Some(at) = rules().position(|rule| rule.name == finding.rule.as_str()) {
        result["ruleIndex"] = json!(at);
    }
    if shown.against.is_some() {
        result["baselineState"] = json!(match told.state {
            State::Counts => "new",
            State::Standing => "unchanged",
        });
    }
    if let Some(radius) = finding.blast_radius {
        result["properties"] = json!({
            "entryPoints": radius.entry_points,
            "entryPointsOf": radius.of,
            "entryPointNames": told.beside.entry_points,
        });
    }
    if let Some(edit) = Edit::of(finding, told.beside) {
        result["fixes"] = json!([fix(&edit, &place)]);
    }
    result
}

fn message(finding: &Finding) -> String {
    let suggestion = finding.suggestion.as_deref();
    let meant = suggestion.map_or_else(String::new, |meant| format!("; did you mean: {}", plain(meant)));
    plain(&finding.message) + &meant
}

/// Without its line the column, which is one of bytes, cannot be told in characters.
fn region(told: Told<'_>) -> Value {
    let line = told.finding.line;
    let bytes = usize::try_from(told.finding.column)
        .unwrap_or(1)
        .saturating_sub(1);
    match told.beside.line.as_deref().and_then(|line| line.get(..bytes)) {
        Some(before) => json!({ "startLine": line, "startColumn": before.chars().count() + 1 }),
        None => json!({ "startLine": line }),
    }
}

fn fix(edit: &Edit, place: &Value) -> Value {
    let [start, end] = edit.columns();
    json!({
        "description": { "text": format!("write {} for {}", edit.new, edit.old) },
        "artifactChanges": [{
            "artifactLocation": place,
            "replacements": [{
                "deletedRegion": { "startLine": edit.line, "startColumn": start, "endColumn": end },
                "insertedContent": { "text": edit.new },
            }],
        }],
    })
}

/// A path as a relative reference of RFC 3986.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte))
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}

/// The same for what says the same at the same place, whatever its line. FNV-1a, 64 bits, as RFC 9923 has it.
fn fingerprint(finding: &Finding) -> String {
    let parts = [
        finding.rule.as_str(),
        &finding.path,
        finding.target.as_deref().unwrap_or(&finding.message),
    ];
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    format!("{hash:016x}")
}
