//! Which letters of a line are to be others, if that is certain. Pure.
//!
//! Certain is: the finding is a slip of the keys ([`Beside::is_slip`]), the wrong part of the name stands in one literal of
//! the statement and only there, and what takes its place is the plain name of a file.

use lamp_check::INCLUDE_NOT_FOUND;
use lamp_model::finding::Finding;

use crate::worker::check::answer::Beside;

/// What the check writes for the name of the tree's root, where the code forgot the slash behind it.
const ROOT_NAME: &str = "<root>";

/// A piece of a line that is to be another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    /// The line, from 1.
    pub(crate) line: u32,
    /// Where the piece begins, in bytes of the line.
    from: usize,
    /// What stands before it, in characters.
    before: usize,
    /// What stands there.
    pub(crate) old: String,
    /// What is meant.
    pub(crate) new: String,
    /// The file that the name then leads to.
    pub(crate) leads_to: String,
}

/// A line before and after its edits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// The first of its edits.
    pub(crate) edit: Edit,
    /// Without its end.
    pub(crate) before: String,
    /// Without its end.
    pub(crate) after: String,
}

/// A literal of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Literal<'l> {
    /// Where its text begins, in bytes of the line.
    from: usize,
    text: &'l str,
}

impl Edit {
    /// What mends this finding; `None`: nothing is certain.
    pub(crate) fn of(finding: &Finding, beside: &Beside) -> Option<Self> {
        let line = beside.line.as_deref()?;
        if !beside.is_slip || finding.rule.as_str() != INCLUDE_NOT_FOUND || line.contains('\u{fffd}') {
            return None;
        }
        let (target, meant) = (finding.target.as_deref()?, finding.suggestion.as_deref()?);
        let column = usize::try_from(finding.column).ok()?.checked_sub(1)?;
        let all = literals(line, column)?;
        let pieces = all
            .into_iter()
            .filter_map(|literal| piece(literal, target, meant));
        let [(from, old, new)] = pieces.collect::<Vec<_>>().try_into().ok()?;
        Some(Self {
            line: finding.line,
            from,
            before: line.get(..from)?.chars().count(),
            old: old.to_owned(),
            new,
            leads_to: meant.to_owned(),
        })
    }

    /// Where the piece begins and ends, in characters from 1, the end not counted.
    pub(crate) fn columns(&self) -> [usize; 2] {
        [self.before + 1, self.before + 1 + self.old.chars().count()]
    }
}

/// The literals from this column to the end of the statement; `None`: they cannot be told for certain.
fn literals(line: &str, column: usize) -> Option<Vec<Literal<'_>>> {
    let mut literals = Vec::new();
    let mut at = column;
    loop {
        let rest = line.get(at..)?;
        let Some(next) = rest.find(['\'', '"', ';', '#', '/', '`', '<']) else {
            return Some(literals);
        };
        let mark = rest.get(next..)?.chars().next()?;
        match mark {
            ';' => return Some(literals),
            // A quote.
            '\'' | '"' => {
                let from = at + next + 1;
                let length = line.get(from..)?.find(mark)?;
                let text = line.get(from..from + length)?;
                if text.contains(['\\', '$']) {
                    return None;
                }
                literals.push(Literal { from, text });
                at = from + length + 1;
            }
            // A comment, a document, a command, or a division: none of a name.
            _ => return None,
        }
    }
}

/// The piece of this literal that is wrong: where it begins, what it is, and what it is to be.
fn piece<'l>(literal: Literal<'l>, target: &str, meant: &str) -> Option<(usize, &'l str, String)> {
    let cut = match literal.text.rfind("../") {
        Some(at) => at + 3,
        None if literal.text.starts_with("./") => 2,
        None => usize::from(literal.text.starts_with('/')),
    };
    let old = literal.text.get(cut..).filter(|old| !old.is_empty())?;
    let before = target.strip_suffix(old)?;
    let new = if before.is_empty() || before.ends_with('/') {
        meant.strip_prefix(before)?.to_owned()
    } else if cut == 0 && before == ROOT_NAME {
        // Nothing but the slash may be missing.
        (meant == old).then(|| format!("/{meant}"))?
    } else {
        let rest = meant.strip_prefix(before).filter(|rest| rest.starts_with('/'));
        rest.filter(|_| cut == 0)?.to_owned()
    };
    (is_a_plain_name(&new) && !differ_at_most_by_number(old, &new)).then_some((literal.from + cut, old, new))
}

/// Whether it stays a part of a path in any literal.
fn is_a_plain_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/+@".contains(&byte);
    !text.is_empty() && text.bytes().all(is_plain) && text.split('/').all(|part| part != "..")
}

/// `page1.php` is another file than `page2.php`, no slip.
fn differ_at_most_by_number(old: &str, new: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    letters(old) == letters(new)
}

/// The bytes with these edits, each with the line that it was told for; `None`: a line reads otherwise now.
pub(crate) fn changed(before: &[u8], edits: &[(Edit, &str)]) -> Option<(Vec<u8>, Vec<Change>)> {
    let mut lines: Vec<Vec<u8>> = before.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let mut changes = Vec::new();
    // From the right to the left, so that columns stay true.
    let mut sorted: Vec<&(Edit, &str)> = edits.iter().collect();
    sorted.sort_by_key(|(edit, _)| std::cmp::Reverse((edit.line, edit.from)));
    for (edit, told) in sorted {
        let line = lines.get_mut(usize::try_from(edit.line).ok()?.checked_sub(1)?)?;
        let piece = edit.from..edit.from + edit.old.len();
        if before_edits(before, edit)? != told.as_bytes() || line.get(piece.clone())? != edit.old.as_bytes() {
            return None;
        }
        line.splice(piece, edit.new.bytes());
        changes.push(Change {
            edit: edit.clone(),
            before: (*told).trim_end().to_owned(),
            after: String::from_utf8_lossy(line).trim_end().to_owned(),
        });
    }
    // Of two edits of one line, the last made shows both.
    changes.reverse();
    changes.dedup_by_key(|change| change.edit.line);
    Some((lines.join(&b'\n'), changes))
}

fn before_edits<'b>(before: &'b [u8], edit: &Edit) -> Option<&'b [u8]> {
    let skipped = usize::try_from(edit.line).ok()?.checked_sub(1)?;
    before.split(|byte| *byte == b'\n').nth(skipped)
}

#[cfg(test)]
mod tests;
