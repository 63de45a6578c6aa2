//! What PHP said, without what differs from one request to the next: the signature that makes two failures one.
//!
//! mod_php logs PHP's own errors as module `php` with rank `error`, and what an application writes with `error_log()` as `notice`: the two
//! cannot be confused. php-fpm sends both through `proxy_fcgi` alike, so there an application that logs a visitor's words lets him
//! write what looks like a fatal error. **A signature therefore never decides: it makes the agent ask, and blames only what was logged for a
//! request that the agent itself made.**

use lamp_model::ReleaseId;
use lamp_model::evidence::{ErrorKind, ErrorSignature, MESSAGE_MAX_BYTES};
use lamp_model::finding::CodePlace;
use lamp_model::tree::RelPath;

use crate::clean;
use crate::error_line::{ErrorLine, Severity};

/// How PHP begins what ends a request.
const FATAL: [&str; 5] = [
    "PHP Fatal error:  ",
    "PHP Parse error:  ",
    "PHP Recoverable fatal error:  ",
    "PHP Compile error:  ",
    "PHP Core error:  ",
];
/// How it begins what does not.
const WARNING: [&str; 6] = [
    "PHP Warning:  ",
    "PHP Notice:  ",
    "PHP Deprecated:  ",
    "PHP Compile warning:  ",
    "PHP Core warning:  ",
    "PHP Startup:  ",
];
/// How `mod_proxy_fcgi` begins what php-fpm sent it.
const FCGI: &str = "AH01071: Got error '";
const FCGI_FIRST: &str = "PHP message: ";
const FCGI_NEXT: &str = "; PHP message: ";
/// Digits that are too many to mean the same at the next request.
const DIGITS_KEPT_MAX: usize = 4;

impl ErrorLine {
    /// Its signature; places and paths are relative to `release`, the one that answered the request.
    pub fn signature(&self, release: Option<&ReleaseId>) -> ErrorSignature {
        match self.module.as_deref() {
            Some(module) if module.starts_with("php") => self.of_mod_php(release),
            Some("proxy_fcgi") if self.message.starts_with(FCGI) => self.of_fpm(release),
            _ => self.of_apache(release),
        }
    }

    fn of_mod_php(&self, release: Option<&ReleaseId>) -> ErrorSignature {
        let is_phps_own = self.severity.is_some_and(|severity| severity <= Severity::Error);
        match (after_any(&self.message, &FATAL), is_phps_own) {
            (Some(text), true) => self.php(ErrorKind::Fatal, text, release),
            _ => self.warning(&self.message, release),
        }
    }

    /// php-fpm sends all that one request said at once; what ends it comes last.
    fn of_fpm(&self, release: Option<&ReleaseId>) -> ErrorSignature {
        let said = self.message.strip_prefix(FCGI).unwrap_or(&self.message);
        let said = said.strip_suffix('\'').unwrap_or(said);
        let said = said.strip_prefix(FCGI_FIRST).unwrap_or(said);
        let mut messages = said.rsplit(FCGI_NEXT);
        let last = said.rsplit(FCGI_NEXT).next().unwrap_or(said);
        match messages.find_map(|message| after_any(message, &FATAL)) {
            Some(text) => self.php(ErrorKind::Fatal, text, release),
            None => self.warning(last, release),
        }
    }

    /// PHP's warning with its place, or the application's own words.
    fn warning(&self, message: &str, release: Option<&ReleaseId>) -> ErrorSignature {
        match after_any(message, &WARNING) {
            Some(text) => self.php(ErrorKind::Warning, text, release),
            None => ErrorSignature {
                kind: ErrorKind::Warning,
                message: normalised(message, release),
                place: None,
            },
        }
    }

    fn php(&self, kind: ErrorKind, text: &str, release: Option<&ReleaseId>) -> ErrorSignature {
        let (what, place) = split_place(text);
        let place = place
            .filter(|_| !self.is_cut)
            .and_then(|place| in_release(place, release));
        ErrorSignature {
            kind,
            message: normalised(what, release),
            place,
        }
    }

    /// Apache's own messages quote visitors, so only their number is kept; an alert, as of a broken `.htaccess`, does not.
    fn of_apache(&self, release: Option<&ReleaseId>) -> ErrorSignature {
        let number = self
            .message
            .split(':')
            .next()
            .filter(|text| is_number_of_apache(text));
        let is_alert = self.severity.is_some_and(|severity| severity <= Severity::Crit);
        let message = match (number, is_alert) {
            (_, true) => normalised(&self.message, release),
            (Some(number), false) => number.to_owned(),
            (None, false) => "a message without a number".to_owned(),
        };
        let module = self.module.as_deref().unwrap_or("apache");
        ErrorSignature {
            kind: ErrorKind::Apache,
            message: format!("{module}: {message}"),
            place: None,
        }
    }
}

fn after_any<'a>(text: &'a str, beginnings: &[&str]) -> Option<&'a str> {
    beginnings
        .iter()
        .find_map(|beginning| text.strip_prefix(beginning))
}

fn is_number_of_apache(text: &str) -> bool {
    text.strip_prefix("AH")
        .is_some_and(|digits| digits.len() == 5 && digits.bytes().all(|digit| digit.is_ascii_digit()))
}

/// What is wrong, and where PHP says that it is: ` in FILE on line N` at the very end, behind all that others may have written; or,
/// where the end is missing, ` in FILE:N` before the trace of an exception.
fn split_place(text: &str) -> (&str, Option<Place<'_>>) {
    let (what, trace) = match text.split_once("\nStack trace:\n") {
        Some((what, trace)) => (what, Some(trace)),
        None => (text, None),
    };
    let thrown = trace.and_then(|_| what_and_place(what, ":"));
    match (thrown, what_and_place(text, " on line ")) {
        (None, None) => (what, None),
        (Some((what, at)), None) => (what, Some(at)),
        (None, Some((head, at))) if trace.is_none() => (head, Some(at)),
        (None, Some((_, at))) => (what, Some(at)),
        (Some((what, _)), Some((_, at))) => (what, Some(at)),
    }
}

/// A file with its path from the root, and a line.
type Place<'a> = (&'a str, u32);

/// ` in FILE` and a line behind `mark` at the end of `text`, and what stands before.
fn what_and_place<'a>(text: &'a str, mark: &str) -> Option<(&'a str, Place<'a>)> {
    let (before, line) = text.trim_end().rsplit_once(mark)?;
    let line = line.parse().ok()?;
    let at = before.rfind(" in /")?;
    Some((&before[..at], of_evaluated(&before[at + " in ".len()..], line)))
}

/// Code made at run time is named `FILE(N) : eval()'d code`.
fn of_evaluated(file: &str, line: u32) -> (&str, u32) {
    let evaluated = file
        .split_once(") : ")
        .and_then(|(file, _)| file.rsplit_once('('));
    match evaluated.map(|(file, line)| (file, line.parse())) {
        Some((file, Ok(line))) => (file, line),
        _ => (file, line),
    }
}

/// The place inside the release, if it lies in that release.
fn in_release((file, line): (&str, u32), release: Option<&ReleaseId>) -> Option<CodePlace> {
    let root = format!("/releases/{}/", release?);
    let (_, path) = file.split_once(&root)?;
    let path = RelPath::parse(path).ok().filter(|_| line > 0)?;
    let shown = clean::one_line(path.as_str(), MESSAGE_MAX_BYTES);
    (shown == path.as_str()).then_some(CodePlace { path: shown, line })
}

fn normalised(text: &str, release: Option<&ReleaseId>) -> String {
    let text = match release {
        Some(release) => relative(text, &format!("/releases/{release}/")),
        None => text.to_owned(),
    };
    // Longer than what is kept: paths that were made short have left room, numbers may make more.
    let line = clean::one_line(&text, 2 * MESSAGE_MAX_BYTES);
    clean::one_line(&without_long_numbers(&line), MESSAGE_MAX_BYTES)
}

/// Paths below `root` without what leads there.
fn relative(text: &str, root: &str) -> String {
    let mut pieces = text.split(root);
    let mut short = String::new();
    let mut piece = pieces.next().unwrap_or_default();
    for next in pieces {
        let begins = |letter: char| letter.is_whitespace() || matches!(letter, '\'' | '"' | '(' | ':' | '=');
        let cut = piece
            .rfind(begins)
            .map_or(0, |at| at + piece[at..].chars().next().map_or(0, char::len_utf8));
        // Only a path that begins at the root of the filesystem leads to the release.
        if piece[cut..].starts_with('/') {
            short.push_str(&piece[..cut]);
        } else {
            short.push_str(piece);
            short.push('/');
        }
        piece = next;
    }
    short.push_str(piece);
    short
}

fn without_long_numbers(text: &str) -> String {
    let mut short = String::new();
    let mut digits = String::new();
    let end_number = |short: &mut String, digits: &mut String| {
        short.push_str(if digits.len() > DIGITS_KEPT_MAX {
            "{number}"
        } else {
            digits
        });
        digits.clear();
    };
    for letter in text.chars() {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        end_number(&mut short, &mut digits);
        short.push(letter);
    }
    end_number(&mut short, &mut digits);
    short
}

#[cfg(test)]
mod tests;
