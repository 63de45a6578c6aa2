//! What a misspelt name may have meant.

/// Most letters that a name may be off; a fifth of its last part at most.
const DISTANCE_MAX: usize = 2;

/// The nearest of these names that differs by a slip of the keys: letters swapped, doubled, missing or wrong. One with other
/// digits is another name.
pub(super) fn nearest<'n>(missing: &str, names: impl Iterator<Item = &'n str>) -> Option<String> {
    let meant = missing.to_ascii_lowercase();
    let most = DISTANCE_MAX.min(last(&meant).len() / 5);
    let mut best: Option<(usize, &str)> = None;
    for name in names.filter(|name| name.len().abs_diff(meant.len()) <= most) {
        let lower = name.to_ascii_lowercase();
        let distance = strsim::osa_distance(&meant, &lower);
        let is_better = distance <= most && best.is_none_or(|found| (distance, name) < found);
        if is_better && digits(&meant) == digits(&lower) {
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| name.to_owned())
}

fn last(name: &str) -> &str {
    name.rsplit('\\').next().unwrap_or(name)
}

fn digits(name: &str) -> String {
    name.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(missing: &str, expected: Option<&str>) {
        let names = [
            "get_option",
            "get_post",
            "mb_str_split",
            "IMG_WEBP2",
            "getid3_mp3",
            "Shop\\Basket",
            "Phar",
            "f",
        ];
        assert_eq!(
            nearest(missing, names.into_iter()).as_deref(),
            expected,
            "{missing}"
        );
    }

    #[test]
    fn a_slip_is_mended_and_another_word_is_not() {
        check("get_optoin", Some("get_option"));
        check("get_potion", Some("get_option"));
        check("GET_OPTIONN", Some("get_option"));
        check("Shop\\Baskte", Some("Shop\\Basket"));
        check("get_user", None);
        check("phaa", None);
        check("IMG_WEBP3", None);
        check("getid3_mpeg", None);
        check("getid3_pm3", Some("getid3_mp3"));
        check("g", None);
    }
}
