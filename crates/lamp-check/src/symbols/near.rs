//! What a misspelt name may have meant.

use crate::effort::Effort;

/// Most letters that a name may be off; a fifth of its last part at most.
const DISTANCE_MAX: usize = 2;

/// Most looks at names over a tree; nothing is said to be near to the names that are asked for beyond.
const LOOKS_MAX: u64 = 1 << 30;
/// How many looks it takes to hold two names against each other letter by letter.
const LOOKS_PER_DISTANCE: u64 = 100;

/// Names that may have been meant.
#[derive(Debug)]
pub(crate) struct Candidates<'n> {
    /// Each with which letters it has.
    names: Vec<(u64, &'n str)>,
    effort: Effort,
}

impl<'n> Candidates<'n> {
    pub(crate) fn new(names: impl Iterator<Item = &'n str>) -> Self {
        Self {
            names: names.map(|name| (letters_in(name), name)).collect(),
            effort: Effort::new(LOOKS_MAX),
        }
    }

    /// The nearest that differs by a slip of the keys: letters swapped, doubled, missing or wrong. One with other digits
    /// is another name.
    pub(crate) fn nearest(&self, missing: &str) -> Option<&'n str> {
        let meant = missing.to_ascii_lowercase();
        let most = DISTANCE_MAX.min(last(&meant).len() / 5);
        if !self.effort.spend(self.names.len() as u64) {
            return None;
        }
        let has = letters_in(&meant);
        let may_be = |(letters, name): &&(u64, &str)| {
            // A letter that is wrong takes one away and brings another.
            let others = (letters ^ has).count_ones() as usize;
            others <= 2 * most && name.len().abs_diff(meant.len()) <= most
        };
        let mut best: Option<(usize, &str)> = None;
        for (_, name) in self.names.iter().filter(may_be) {
            if !self.effort.spend(LOOKS_PER_DISTANCE) {
                return None;
            }
            let lower = name.to_ascii_lowercase();
            let distance = strsim::osa_distance(&meant, &lower);
            let is_better = distance <= most && best.is_none_or(|found| (distance, *name) < found);
            if is_better && digits(&meant) == digits(&lower) {
                best = Some((distance, name));
            }
        }
        best.map(|(_, name)| name)
    }
}

/// Which letters a name has, whatever their case: a bit each.
fn letters_in(name: &str) -> u64 {
    let bit = |byte: u8| 1_u64 << (byte.to_ascii_lowercase() % 64);
    name.bytes().fold(0, |letters, byte| letters | bit(byte))
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
            Candidates::new(names.into_iter()).nearest(missing),
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
