//! What people read, with what differs from run to run replaced: release ids, times, pids.

/// The text with `[RELEASE]`, `[TIME]`, `[TOOK]` and `[PID]` in place of what differs.
pub(super) fn plain(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(line).collect();
    lines.join("\n")
}

fn line(text: &str) -> String {
    let mut words: Vec<String> = text.split(' ').map(word).collect();
    for at in 1..words.len() {
        let (before, unit) = (words[at - 1].clone(), words[at].clone());
        if before == "pid" || before == "(pid" || before == "uid" && unit.len() > 2 {
            words[at] = keep_tail(&unit, "[PID]");
        }
        let bare = unit.trim_end_matches([',', ';', '.']);
        if ["µs", "ms", "s"].contains(&bare) && is_number(&before) {
            words[at - 1] = "[TOOK]".into();
            words[at] = unit.replace(bare, "");
        }
        if is_date(&before) && unit.contains(':') {
            words[at - 1] = "[TIME]".into();
            words[at] = String::new();
        }
    }
    words.join(" ")
}

fn word(word: &str) -> String {
    let mut word = word.to_owned();
    while let Some(at) = release_at(&word) {
        word.replace_range(at..at + RELEASE_BYTES, "[RELEASE]");
    }
    word
}

/// `YYYYMMDD-HHMMSS-` and eight digits of a hash.
const RELEASE_BYTES: usize = 24;

fn release_at(word: &str) -> Option<usize> {
    (0..word.len()).find(|at| word.get(*at..at + RELEASE_BYTES).is_some_and(is_release))
}

fn is_release(text: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut parts = text.split('-');
    matches!(
        (parts.next(), parts.next(), parts.next(), parts.next()),
        (Some(date), Some(time), Some(hash), None)
            if date.len() == 8 && digits(date) && time.len() == 6 && digits(time) && hash.len() == 8 && hex(hash)
    )
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.bytes().filter(|byte| *byte == b'-').count() == 2
}

fn keep_tail(word: &str, with: &str) -> String {
    let tail = word.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{with}{tail}")
}
