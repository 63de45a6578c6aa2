//! Findings as JUnit's XML, the form that GitLab, Jenkins and others show: an error that counts is a failed case, the rest
//! are cases that passed with something to say.

use lamp_model::finding::Severity;

use super::shown::{Shown, Told, plain, word};

/// The whole file.
pub(super) fn junit(shown: &Shown<'_>) -> String {
    let prefix = shown.prefix();
    let cases: Vec<String> = shown.counting().map(|told| case(told, &prefix)).collect();
    let is_error = |told: &Told<'_>| told.finding.severity == Severity::Error;
    let failures = shown.counting().filter(is_error).count();
    let clean = "    <testcase classname=\"lamp check\" name=\"nothing found\"/>\n";
    let body = if cases.is_empty() {
        clean.to_owned()
    } else {
        cases.concat()
    };
    let tests = cases.len().max(1);
    let seconds = shown.answer.report.summary.elapsed_ms as f64 / 1e3;
    let counts = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" time=\"{seconds:.3}\"");
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"lamp check\" {counts}>\n  \
         <testsuite name=\"lamp check\" {counts} skipped=\"0\">\n{body}  </testsuite>\n</testsuites>"
    )
}

fn case(told: Told<'_>, prefix: &str) -> String {
    let finding = told.finding;
    let path = escaped(&format!("{prefix}{}", finding.path));
    let (line, rule) = (finding.line, finding.rule.as_str());
    let suggestion = finding.suggestion.as_deref();
    let meant = suggestion.map_or_else(String::new, |meant| format!("; did you mean: {meant}"));
    let said = escaped(&format!(
        "{}[{rule}]: {}{meant}",
        word(finding.severity),
        finding.message
    ));
    let within = match finding.severity {
        Severity::Error => format!("<failure type=\"{rule}\" message=\"{said}\">{path}:{line}</failure>"),
        Severity::Warning | Severity::Note => format!("<system-out>{said}</system-out>"),
    };
    format!(
        "    <testcase classname=\"{rule}\" name=\"{path}:{line}:{}\" file=\"{path}\" line=\"{line}\">{within}</testcase>\n",
        finding.column
    )
}

/// As text and as an attribute's value; what XML 1.0 cannot hold at all is replaced.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in plain(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}
