//! Composer's version constraints, as far as a version of PHP is held against them: `^8.1`, `>=7.4 <8.3`, `~7.4 || 8.*`.

use crate::setting::PhpVersion;

/// A version of which major and minor are known and the patch is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    major: u32,
    minor: u32,
}

impl Version {
    pub(crate) const fn of_php(php: PhpVersion) -> Self {
        Self {
            major: php.major() as u32,
            minor: php.minor() as u32,
        }
    }

    /// The first and the one after the last of its patches.
    const fn range(self) -> Range {
        Range {
            from: [self.major, self.minor, 0],
            below: [self.major, self.minor + 1, 0],
        }
    }
}

type Number = [u32; 3];
const END: Number = [u32::MAX; 3];

/// From a version up to and without another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    from: Number,
    below: Number,
}

impl Range {
    fn meets(self, other: Self) -> bool {
        self.from < other.below && other.from < self.below
    }
}

/// What a package asks for: one of these ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Constraint(Vec<Range>);

impl Constraint {
    /// Reads a constraint; `None` for one that cannot be told for sure.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let alternatives = text.split('|').map(str::trim).filter(|one| !one.is_empty());
        let ranges: Option<Vec<Range>> = alternatives.map(all_of).collect();
        ranges.filter(|ranges| !ranges.is_empty()).map(Self)
    }

    /// Whether some patch of this version fits.
    pub(crate) fn fits(&self, version: Version) -> Option<bool> {
        Some(self.0.iter().any(|range| range.meets(version.range())))
    }
}

/// What several parts together leave.
fn all_of(text: &str) -> Option<Range> {
    if let Some((from, to)) = text.split_once(" - ") {
        let (to, precision) = number(to.trim())?;
        let below = after(to, precision);
        return Some(Range {
            from: number(from.trim())?.0,
            below,
        });
    }
    let mut whole = Range {
        from: [0; 3],
        below: END,
    };
    // `>= 7.4` is one part.
    let spaced = ["<", ">", "=", "^", "~", "!"]
        .iter()
        .fold(text.to_owned(), |text, sign| {
            text.replace(&format!("{sign} "), sign)
        });
    for part in spaced.split([' ', ',']).filter(|part| !part.is_empty()) {
        let range = one(part)?;
        whole.from = whole.from.max(range.from);
        whole.below = whole.below.min(range.below);
    }
    Some(whole)
}

fn one(part: &str) -> Option<Range> {
    let all = Range {
        from: [0; 3],
        below: END,
    };
    let with = |sign: &str| part.strip_prefix(sign);
    if part == "*" {
        return Some(all);
    }
    if let Some(rest) = with(">=") {
        return Some(Range {
            from: number(rest)?.0,
            ..all
        });
    }
    if let Some(rest) = with("<=") {
        return Some(Range {
            below: after(number(rest)?.0, 3),
            ..all
        });
    }
    if let Some(rest) = with(">") {
        return Some(Range {
            from: after(number(rest)?.0, 3),
            ..all
        });
    }
    if let Some(rest) = with("<") {
        return Some(Range {
            below: number(rest)?.0,
            ..all
        });
    }
    if let Some(rest) = with("^") {
        let (from, _) = number(rest)?;
        return (from[0] > 0).then_some(Range {
            from,
            below: [from[0] + 1, 0, 0],
        });
    }
    if let Some(rest) = with("~") {
        let (from, precision) = number(rest)?;
        return Some(Range {
            from,
            below: after(from, precision.saturating_sub(1).max(1)),
        });
    }
    let rest = with("==").or_else(|| with("=")).unwrap_or(part);
    match rest.strip_suffix(".*") {
        Some(rest) => {
            let (from, precision) = number(rest)?;
            Some(Range {
                from,
                below: after(from, precision),
            })
        }
        None => {
            let from = number(rest)?.0;
            Some(Range {
                from,
                below: after(from, 3),
            })
        }
    }
}

/// The number after all that begin with the first `precision` parts of this one.
fn after(number: Number, precision: usize) -> Number {
    let mut after = [0; 3];
    after[..precision].copy_from_slice(&number[..precision]);
    after[precision - 1] = after[precision - 1].saturating_add(1);
    after
}

/// `7.4` as its parts, and how many there are; a stability behind it is left out.
fn number(text: &str) -> Option<(Number, usize)> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let text = text.split(['-', '@']).next()?;
    let parts: Option<Vec<u32>> = text.split('.').map(|part| part.parse().ok()).collect();
    let parts = parts.filter(|parts| (1..=4).contains(&parts.len()))?;
    let mut number = [0; 3];
    let precision = parts.len().min(3);
    number[..precision].copy_from_slice(&parts[..precision]);
    Some((number, precision))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(constraint: &str, fitting: &[(u32, u32)], others: &[(u32, u32)]) {
        let read = Constraint::parse(constraint).expect("it is read");
        let fits = |(major, minor): &(u32, u32)| {
            let version = Version {
                major: *major,
                minor: *minor,
            };
            read.fits(version) == Some(true)
        };
        assert!(fitting.iter().all(fits), "{constraint}");
        assert!(!others.iter().any(fits), "{constraint}");
    }

    /// As composer's manual explains each form.
    #[test]
    fn constraints_are_read_as_composer_reads_them() {
        check(">=7.4", &[(7, 4), (8, 3)], &[(7, 3)]);
        check("^8.1", &[(8, 1), (8, 9)], &[(8, 0), (9, 0)]);
        check("~7.4.0", &[(7, 4)], &[(8, 0), (7, 3)]);
        check("~7.4", &[(7, 4), (7, 9)], &[(8, 0)]);
        check("7.*", &[(7, 0), (7, 4)], &[(8, 0)]);
        check(">= 7.4 <8.2", &[(7, 4), (8, 1)], &[(8, 2)]);
        check("7.4.* || ^8.0", &[(7, 4), (8, 2)], &[(7, 3), (9, 0)]);
        check("^7.4|~8.0.0", &[(7, 4), (8, 0)], &[(8, 1)]);
        check("7.1 - 7.4", &[(7, 1), (7, 4)], &[(8, 0), (7, 0)]);
        check(">=8.1.5,<8.1.9", &[(8, 1)], &[(8, 2), (8, 0)]);
        check(">8.0", &[(8, 0), (8, 1)], &[(7, 4)]);
        check("*", &[(5, 6)], &[]);
        assert_eq!(Constraint::parse("dev-main"), None);
        assert_eq!(Constraint::parse("!=8.1"), None);
    }
}
