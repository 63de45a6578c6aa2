//! Takes secrets out of text that a twin wrote before people read it, and what would act on their screens.

/// Words behind which a secret stands.
const NAMES: [&str; 8] = [
    "password",
    "passwd",
    "pwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "authorization",
];
/// What stands in a secret's place.
const BLACK: &str = "***";

/// The text without control characters, and without what stands behind a word like `password` or between `://` and `@`.
pub(crate) fn secrets(text: &str) -> String {
    let seen: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let words = seen.split(' ').filter(|word| !word.is_empty());
    let mut kept: Vec<String> = Vec::new();
    let mut next_is_secret = false;
    for word in words {
        let told = if next_is_secret {
            BLACK.to_owned()
        } else {
            without_secret(word)
        };
        next_is_secret = !next_is_secret && names_one(word);
        kept.push(told);
    }
    kept.join(" ")
}

/// Whether the secret is the next word, as in `password: x` or `--password x`.
fn names_one(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let bare = lower.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let asks = lower.ends_with([':', '=']) || lower.starts_with("--");
    asks && NAMES.contains(&bare)
}

fn without_secret(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    let named = NAMES
        .iter()
        .filter_map(|name| lower.find(name).map(|at| at + name.len()))
        .min();
    if let Some(behind) = named {
        let value = word
            .get(behind..)
            .and_then(|rest| rest.find(['=', ':']).map(|at| behind + at + 1));
        if let Some(from) = value.filter(|from| *from < word.len()) {
            return format!("{}{BLACK}", word.get(..from).unwrap_or_default());
        }
    }
    match (word.find("://"), word.find('@')) {
        (Some(scheme), Some(at)) if at > scheme => {
            format!(
                "{}://{BLACK}{}",
                word.get(..scheme).unwrap_or_default(),
                word.get(at..).unwrap_or_default()
            )
        }
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::secrets;

    #[test]
    fn secrets_are_taken_out_and_words_stay() {
        for (text, expected) in [
            (
                "Access denied (using password: YES)",
                "Access denied (using password: ***",
            ),
            ("DB_PASSWORD=hunter2 x", "DB_PASSWORD=*** x"),
            ("--password hunter2 x", "--password *** x"),
            ("mysql://shop:hunter2@db/x", "mysql://***@db/x"),
            ("can't create table\n\u{1b}[31mred", "can't create table [31mred"),
            ("a token of thanks", "a token of thanks"),
        ] {
            assert_eq!(secrets(text), expected, "{text}");
        }
    }
}
