//! What mod_rewrite refuses of its rules and conditions when it reads them.

use super::lines::words;
use super::regex;

/// What is wrong with the arguments, in words that go on after the directive's name.
pub(super) type Refusal = String;

/// A rule or a condition, split as mod_rewrite splits it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parts {
    first: String,
    second: Option<String>,
    flags: Option<String>,
}

/// The flags of rules; some carry `=…`.
const RULE_FLAGS: [&str; 51] = [
    "B",
    "backrefescaping",
    "backrefernoplus",
    "BCTLS",
    "BNE",
    "BNP",
    "C",
    "chain",
    "CO",
    "cookie",
    "D",
    "discardpath",
    "DPI",
    "E",
    "END",
    "env",
    "F",
    "forbidden",
    "G",
    "gone",
    "H",
    "handler",
    "L",
    "last",
    "N",
    "NC",
    "NE",
    "next",
    "nocase",
    "noescape",
    "nosubreq",
    "NS",
    "P",
    "passthrough",
    "proxy",
    "PT",
    "QSA",
    "qsappend",
    "QSD",
    "qsdiscard",
    "QSL",
    "qslast",
    "R",
    "redirect",
    "S",
    "skip",
    "T",
    "type",
    "UNC",
    "UnsafeAllow3F",
    "UnsafePrefixStat",
];
const CONDITION_FLAGS: [&str; 6] = ["NC", "nocase", "NV", "novary", "OR", "ornext"];

/// What mod_rewrite refuses of `RewriteRule`.
pub(super) fn rule(args: &str) -> Option<Refusal> {
    let parts = parts(args);
    if parts.second.is_none() {
        return Some("needs a pattern and a substitution".to_owned());
    }
    let pattern = parts.first.strip_prefix('!').unwrap_or(&parts.first);
    let regex = regex::broken(pattern).map(|why| format!("has a regular expression that {why}: {pattern}"));
    regex.or_else(|| parts.flags.and_then(|flags| flags_refused(&flags, &RULE_FLAGS)))
}

/// What it refuses of `RewriteCond`.
pub(super) fn condition(args: &str) -> Option<Refusal> {
    let parts = parts(args);
    let Some(pattern) = parts.second else {
        return Some("needs something to test and a pattern".to_owned());
    };
    let refused = parts
        .flags
        .and_then(|flags| flags_refused(&flags, &CONDITION_FLAGS));
    if refused.is_some() || parts.first.eq_ignore_ascii_case("expr") {
        return refused;
    }
    let pattern = pattern.strip_prefix('!').unwrap_or(&pattern);
    // Comparisons and tests of files are no expressions.
    if pattern.starts_with(['-', '<', '>', '=']) {
        return None;
    }
    regex::broken(pattern).map(|why| format!("has a regular expression that {why}: {pattern}"))
}

/// Whether the flags ask for a proxy, and where the rule leads.
pub(super) fn proxied(args: &str) -> Option<String> {
    let parts = parts(args);
    let flags = parts.flags?;
    let mut flags = flags.trim_matches(['[', ']']).split(',');
    flags
        .any(|flag| flag.eq_ignore_ascii_case("P") || flag.eq_ignore_ascii_case("proxy"))
        .then(|| parts.second.unwrap_or_default())
}

fn flags_refused(flags: &str, known: &[&str]) -> Option<Refusal> {
    let Some(inner) = flags.strip_prefix('[').and_then(|flags| flags.strip_suffix(']')) else {
        return Some(format!(
            "has flags that do not stand in one pair of brackets without spaces: {flags}"
        ));
    };
    let unknown = |flag: &&str| {
        let name = flag.trim().split('=').next().unwrap_or_default();
        !known.iter().any(|known| known.eq_ignore_ascii_case(name))
    };
    let unknown = inner.split(',').find(unknown)?;
    Some(format!(
        "has a flag that Apache does not know: {:?}",
        unknown.trim()
    ))
}

/// As mod_rewrite splits its arguments: a backslash keeps a space in a word, and takes nothing else its sense.
fn parts(args: &str) -> Parts {
    let mut left = args.trim_start();
    let mut next = || {
        let (word, rest) = (!left.is_empty()).then(|| part(left))?;
        left = rest;
        Some(word)
    };
    Parts {
        first: next().unwrap_or_default(),
        second: next(),
        flags: next(),
    }
}

fn part(text: &str) -> (String, &str) {
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''));
    let body = quote.map_or(text, |_| &text[1..]);
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        let ends = match quote {
            Some(quote) => c == quote,
            None => c.is_ascii_whitespace(),
        };
        if ends && !(escaped && c.is_ascii_whitespace()) {
            return (body[..at].to_owned(), body[at + 1..].trim_start());
        }
        escaped = c == '\\';
    }
    (body.to_owned(), "")
}

/// What Apache refuses of `Options`.
pub(super) fn options(args: &str) -> Option<Refusal> {
    const KNOWN: [&str; 11] = [
        "All",
        "ExecCGI",
        "FollowSymLinks",
        "Includes",
        "IncludesNOEXEC",
        "Indexes",
        "MultiViews",
        "None",
        "RunScripts",
        "SymLinksIfOwnerMatch",
        "IncludesNoExec",
    ];
    let words = words(args);
    let bare = |word: &str| {
        word.strip_prefix(['+', '-'])
            .map_or(word.to_owned(), str::to_owned)
    };
    let signed = words.iter().filter(|word| word.starts_with(['+', '-'])).count();
    if signed > 0 && signed < words.len() {
        return Some("mixes options with a sign and options without one".to_owned());
    }
    let unknown = words
        .iter()
        .find(|word| !KNOWN.iter().any(|known| known.eq_ignore_ascii_case(&bare(word))))?;
    Some(format!("names an option that Apache does not know: {unknown:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(asked: impl Fn(&str) -> Option<Refusal>, args: &str, refused: bool) {
        assert_eq!(asked(args).is_some(), refused, "{args}");
    }

    /// What Apache 2.4.71 answered for each of these in a lab.
    #[test]
    fn rules_are_refused_as_mod_rewrite_refuses_them() {
        for args in [
            "^a b",
            "^a b [l,r=301,Nc]",
            "^a b [R=foo]",
            r#""^a b" c [L]"#,
            r"^a\ b c [L]",
            "!^a - [F]",
            "^a \"\"",
            "^a b [E=a:b,S=1,T=text/html]",
        ] {
            check(rule, args, false);
        }
        for args in [
            "^a",
            "^(a$ b",
            "!*.php b",
            "^a b [L,QSX]",
            "^a b L",
            "^a b [L, QSA]",
            "^a b [L",
            "^a b []",
            "^a b [LAST,]",
        ] {
            check(rule, args, true);
        }
    }

    #[test]
    fn conditions_are_refused_as_mod_rewrite_refuses_them() {
        for args in [
            "%{X} ^a [NC,OR,NV,ornext]",
            "%{X} !-f",
            "%{X} >4",
            r#"expr "true""#,
            r#"%{X} "-eq 3""#,
        ] {
            check(condition, args, false);
        }
        for args in ["%{X}", "%{X} ^a [NC,XX]", "%{X} ^(a", "%{X} -eq 3"] {
            check(condition, args, true);
        }
    }

    #[test]
    fn options_are_refused_as_apache_refuses_them() {
        for args in [
            "-Indexes +FollowSymLinks",
            "Indexes FollowSymLinks",
            "All",
            "none",
        ] {
            check(options, args, false);
        }
        for args in ["Indexes -ExecCGI", "Foo", "-Indexes # no listing"] {
            check(options, args, true);
        }
    }

    #[test]
    fn a_proxy_is_seen_in_the_flags() {
        assert_eq!(
            proxied("^a http://127.0.0.1:22/ [P]").as_deref(),
            Some("http://127.0.0.1:22/")
        );
        assert_eq!(proxied("^a b [PT,L]"), None);
        assert_eq!(proxied("^p b"), None);
    }
}
