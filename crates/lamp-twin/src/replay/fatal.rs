//! What PHP said in the twin's error log. Pure.
//!
//! Production's own format may be ours or Apache's default: the twin's configuration is production's.

use lamp_logline::{ErrorLine, Severity};
use lamp_model::ReleaseId;
use lamp_model::evidence::{ErrorKind, ErrorSignature};

/// The errors in `text` that ended a request; what stands in paths is relative to `release`.
pub(super) fn fatals(text: &[u8], release: &ReleaseId) -> Vec<ErrorSignature> {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let read = lines.filter_map(|line| ErrorLine::parse(line).ok().or_else(|| default_format(line)));
    let mut all: Vec<_> = read.map(|line| line.signature(Some(release))).collect();
    all.retain(|signature| signature.kind == ErrorKind::Fatal);
    all.dedup();
    all
}

/// `[DATE] [MODULE:RANK] [pid N] [client ADDRESS] MESSAGE`.
fn default_format(line: &[u8]) -> Option<ErrorLine> {
    let plain = lamp_logline::clean::unescape(line);
    let text = String::from_utf8_lossy(&plain);
    let mut rest = text.strip_prefix('[')?.split_once("] ")?.1;
    let (module, rank) = rest.strip_prefix('[')?.split_once("] ")?.0.split_once(':')?;
    while let Some((_, behind)) = rest.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        rest = behind;
    }
    Some(ErrorLine {
        at: Default::default(),
        severity: (rank == "error").then_some(Severity::Error),
        pid: None,
        client: None,
        log_id: None,
        module: Some(module.to_owned()),
        release: None,
        message: rest.to_owned(),
        is_cut: line.len() >= lamp_logline::error_line::CUT_FROM_BYTES,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<(&str, Option<(&str, u32)>)>) {
        let release = ReleaseId::parse("r2").expect("a name");
        let found = fatals(line.as_bytes(), &release);
        let found: Vec<_> = found
            .iter()
            .map(|fatal| {
                (
                    fatal.message.as_str(),
                    fatal
                        .place
                        .as_ref()
                        .map(|place| (place.path.as_str(), place.line)),
                )
            })
            .collect();
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{line}");
    }

    #[test]
    fn both_formats_name_the_place() {
        let parse_error = "syntax error, unexpected token \";\"";
        let place = Some(("inc/a.php", 7));
        check(
            r#"2026-11-22 13:54:05.105453 error 18 192.0.2.7:52700 8NJ4z33CIWQ php r2 PHP Parse error:  syntax error, unexpected token \";\" in /srv/shop/releases/r2/inc/a.php on line 7"#,
            Some((parse_error, place)),
        );
        check(
            r#"[Sun Nov 22 13:54:05.105453 2026] [php:error] [pid 18] [client 127.0.0.1:52700] PHP Parse error:  syntax error, unexpected token ";" in /srv/shop/releases/r2/inc/a.php on line 7"#,
            Some((parse_error, place)),
        );
        check(
            r#"[Sun Nov 22 13:54:05.1 2026] [php:notice] [pid 18] [client 127.0.0.1:1] PHP Fatal error:  forged in /srv/x on line 7"#,
            None,
        );
        check("PHP Fatal error:  from nowhere in /a on line 1", None);
    }
}
