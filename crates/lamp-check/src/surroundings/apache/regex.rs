//! What PCRE refuses of a regular expression, as far as it is certain: parentheses, classes, quantifiers, a backslash
//! at the end.
//!
//! Invariant: what is called broken here, PCRE does not compile; what is not told may be broken all the same.

/// Longest name of a class of characters, with its brackets.
const NAME_MAX: usize = 32;

/// Why an expression is refused, in words that go on after "this regular expression ".
pub(super) fn broken(pattern: &str) -> Option<&'static str> {
    // `\Q`, comments and extended expressions change what any of these characters mean.
    if pattern.contains("\\Q") || pattern.contains("(?") || pattern.contains("(*") {
        return None;
    }
    let mut reader = Reader {
        left: pattern.chars().collect(),
        at: 0,
        open: 0,
        repeatable: false,
    };
    reader.whole().err()
}

struct Reader {
    left: Vec<char>,
    at: usize,
    /// Groups that are open.
    open: usize,
    /// Whether there is something before that a quantifier may repeat.
    repeatable: bool,
}

impl Reader {
    fn next(&mut self) -> Option<char> {
        let next = self.left.get(self.at).copied();
        self.at += 1;
        next
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.left.get(self.at + ahead).copied()
    }

    fn whole(&mut self) -> Result<(), &'static str> {
        while let Some(c) = self.next() {
            match c {
                '\\' => {
                    self.next().ok_or("ends with a backslash")?;
                    self.repeatable = true;
                }
                '[' => self.class()?,
                '(' => {
                    self.open += 1;
                    self.repeatable = false;
                }
                ')' => {
                    self.open = self
                        .open
                        .checked_sub(1)
                        .ok_or("closes a parenthesis that it does not open")?;
                    self.repeatable = true;
                }
                '|' => self.repeatable = false,
                '*' | '+' | '?' => self.quantifier()?,
                _ => self.repeatable = true,
            }
        }
        if self.open > 0 {
            return Err("opens a parenthesis that it does not close");
        }
        Ok(())
    }

    fn quantifier(&mut self) -> Result<(), &'static str> {
        if !self.repeatable {
            return Err("repeats nothing: `*`, `+` or `?` needs something before it");
        }
        // Lazy or possessive.
        if matches!(self.peek(0), Some('?' | '+')) {
            self.at += 1;
        }
        // After it nothing is certain: what may be repeated again differs between versions.
        self.repeatable = true;
        Ok(())
    }

    fn class(&mut self) -> Result<(), &'static str> {
        if self.peek(0) == Some('^') {
            self.at += 1;
        }
        // A bracket that comes first is one of the characters.
        let mut first = true;
        while let Some(c) = self.next() {
            match c {
                '\\' => {
                    self.next().ok_or("ends with a backslash")?;
                }
                ']' if !first => {
                    self.repeatable = true;
                    return Ok(());
                }
                '[' if matches!(self.peek(0), Some(':' | '.' | '=')) => self.named_class(),
                _ => {}
            }
            first = false;
        }
        Err("opens a `[` that it does not close")
    }

    /// `[:alpha:]` within a class; without its end the bracket is a character as any.
    fn named_class(&mut self) {
        let kind = self.peek(0);
        for ahead in 1..NAME_MAX {
            let Some(c) = self.peek(ahead) else { return };
            if Some(c) == kind && self.peek(ahead + 1) == Some(']') {
                self.at += ahead + 2;
                return;
            }
            if c == ']' || c == '\\' {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, is_broken: bool) {
        assert_eq!(broken(pattern).is_some(), is_broken, "{pattern}");
    }

    /// Each was given to `preg_match` of PHP 8.2, which says as much.
    #[test]
    fn what_pcre_refuses_is_broken_and_what_it_compiles_is_not() {
        let refused = [
            "^(a$",
            "^a)",
            "^[a$",
            "*.php",
            "a|*",
            "(+a)",
            "a\\",
            "[a\\",
            "[]",
            "[^]",
            "[[:alpha:]",
            "(a(b)",
            "[a-",
            "(|*)",
        ];
        refused.iter().for_each(|pattern| check(pattern, true));
        let compiled = [
            "^(.*)$",
            "[]a]",
            "[^]a]",
            "[[:alpha:]]",
            "a{2",
            "[a-]",
            "a]",
            "}",
            "^",
            "",
            "a+?",
            "\\(",
            "[(]",
            "[[:x]",
            "[a[:]",
            "a\\E*",
        ];
        compiled.iter().for_each(|pattern| check(pattern, false));
        // Refused as well, and left alone.
        let left = ["(*", "(?:a", "a***", "^*", "{2}"];
        left.iter().for_each(|pattern| check(pattern, false));
    }
}
