//! The directives of a `.htaccess` and the sections that they stand in, and what Apache refuses of either.

use super::lines::{Line, lines, word};
use crate::facts::Spot;

/// Most directives of one file that are looked at.
const DIRECTIVES_MAX: usize = 20_000;
/// Deepest nesting that is followed.
const DEPTH_MAX: usize = 50;

/// What a `.htaccess` says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Htaccess {
    pub(super) directives: Vec<Directive>,
    pub(super) sections: Vec<Section>,
    /// What is wrong with the sections themselves; nothing else is said of such a file.
    pub(super) broken: Option<Broken>,
}

/// A line that is no section's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Directive {
    pub(super) name: String,
    /// What stands behind its name, as it is written.
    pub(super) args: String,
    pub(super) line: u32,
    /// The section that it stands in, as an index.
    pub(super) within: Option<usize>,
}

/// A section: `<Files "x">`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    /// Without its brackets.
    pub(super) name: String,
    pub(super) args: String,
    pub(super) line: u32,
    pub(super) within: Option<usize>,
}

/// How sections do not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) line: u32,
    pub(super) how: How,
}

/// The ways in which they do not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum How {
    /// The end of a section that was not begun.
    NotBegun { name: String },
    /// The end of another section than the one that is open.
    Crossed {
        open: String,
        open_line: u32,
        ended: String,
    },
    /// `<Files x` without its `>`.
    NoBracket { name: String },
    /// Something behind `</IfModule>`, which Apache then does not know for its end.
    BehindTheEnd { name: String },
    /// Begun and never ended.
    NotEnded { name: String },
    /// More than is looked at.
    TooMuch,
}

/// Reads a `.htaccess`.
pub(crate) fn read(bytes: &[u8]) -> Htaccess {
    let mut reader = Reader::default();
    for line in lines(bytes) {
        if let Err(how) = reader.take(&line) {
            reader.htaccess.broken = Some(Broken {
                line: line.number,
                how,
            });
            return reader.htaccess;
        }
    }
    reader.htaccess.broken = reader.not_ended();
    reader.htaccess
}

#[derive(Default)]
struct Reader {
    htaccess: Htaccess,
    /// The sections that are open, the innermost last.
    open: Vec<usize>,
}

impl Reader {
    fn take(&mut self, line: &Line) -> Result<(), How> {
        if self.htaccess.directives.len() + self.htaccess.sections.len() >= DIRECTIVES_MAX {
            return Err(How::TooMuch);
        }
        let (name, args) = word(&line.text);
        match (name.strip_prefix("</"), name.strip_prefix('<')) {
            (Some(ended), _) => self.end(ended, args),
            (None, Some(begun)) => self.begin(begun, args, line.number),
            (None, None) => {
                self.htaccess.directives.push(Directive {
                    name,
                    args: args.to_owned(),
                    line: line.number,
                    within: self.open.last().copied(),
                });
                Ok(())
            }
        }
    }

    /// What is still open: of several, the one that Apache decides while it reads, since it forgives what is in there.
    fn not_ended(&self) -> Option<Broken> {
        let sections = || self.open.iter().map(|open| &self.htaccess.sections[*open]);
        let forgiven = sections().find(|section| is_read_at_once(&section.name));
        let section = forgiven.or_else(|| sections().next_back())?;
        let name = section.name.clone();
        Some(Broken {
            line: section.line,
            how: How::NotEnded { name },
        })
    }

    fn begin(&mut self, begun: &str, args: &str, line: u32) -> Result<(), How> {
        // Behind the last `>` Apache reads nothing.
        let (name, args) = match (begun.strip_suffix('>'), args.rfind('>')) {
            (Some(name), _) if args.is_empty() => (name, ""),
            (_, Some(end)) => (begun, &args[..end]),
            (_, None) => {
                let name = begun.trim_end_matches('>').to_owned();
                return Err(How::NoBracket { name });
            }
        };
        if self.open.len() >= DEPTH_MAX {
            return Err(How::TooMuch);
        }
        let section = Section {
            name: name.to_owned(),
            args: args.to_owned(),
            line,
            within: self.open.last().copied(),
        };
        self.htaccess.sections.push(section);
        self.open.push(self.htaccess.sections.len() - 1);
        Ok(())
    }

    fn end(&mut self, ended: &str, behind: &str) -> Result<(), How> {
        let Some(name) = ended.strip_suffix('>') else {
            return Err(if behind.ends_with('>') {
                How::BehindTheEnd {
                    name: ended.to_owned(),
                }
            } else {
                How::NoBracket {
                    name: format!("/{ended}"),
                }
            });
        };
        let name = name.to_owned();
        let Some(open) = self.open.pop().map(|open| &self.htaccess.sections[open]) else {
            return Err(How::NotBegun { name });
        };
        if !open.name.eq_ignore_ascii_case(&name) {
            return Err(How::Crossed {
                open: open.name.clone(),
                open_line: open.line,
                ended: name,
            });
        }
        if !behind.is_empty() && is_read_at_once(&name) {
            return Err(How::BehindTheEnd { name });
        }
        Ok(())
    }
}

/// Sections that Apache decides while it reads, and whose end it only knows when it stands alone on its line.
pub(super) fn is_read_at_once(name: &str) -> bool {
    const AT_ONCE: [&str; 6] = [
        "IfDefine",
        "IfDirective",
        "IfFile",
        "IfModule",
        "IfSection",
        "IfVersion",
    ];
    AT_ONCE.iter().any(|section| section.eq_ignore_ascii_case(name))
}

impl Htaccess {
    /// The sections around a place, the innermost first.
    pub(super) fn around(&self, within: Option<usize>) -> impl Iterator<Item = &Section> {
        let first = within.and_then(|at| self.sections.get(at));
        std::iter::successors(first, |section| self.sections.get(section.within?))
    }

    /// Where the line begins that has this number.
    pub(super) const fn spot(line: u32) -> Spot {
        Spot { line, column: 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(u32, How)>) {
        let broken = read(text.as_bytes()).broken;
        assert_eq!(broken.map(|broken| (broken.line, broken.how)), expected, "{text}");
    }

    /// What Apache 2.4.71 said of each of these, asked in a lab, stands behind it.
    #[test]
    fn sections_fit_as_apache_says() {
        let name = || "IfModule".to_owned();
        check("<IfModule mod_rewrite.c>\nRewriteEngine On\n</IfModule>\n", None);
        check("<IfModule mod_rewrite.c> # rewriting\n</IfModule>\n", None);
        check("<ifmodule mod_rewrite.c>\n</IFMODULE>\n", None);
        check("<Files x>\n</Files> # end\n", None);
        // </IfModule> without matching <IfModule> section
        check(
            "RewriteEngine On\n</IfModule>\n",
            Some((2, How::NotBegun { name: name() })),
        );
        // <IfModule> directive missing closing '>'
        check(
            "<IfModule mod_rewrite.c\n",
            Some((1, How::NoBracket { name: name() })),
        );
        // </IfModule without matching <IfModule section
        let no_bracket = How::NoBracket {
            name: "/IfModule".to_owned(),
        };
        check("<IfModule a.c>\n</IfModule\n", Some((2, no_bracket)));
        // </IfModule> without matching <IfModule> section
        let behind = || Some((2, How::BehindTheEnd { name: name() }));
        check("<IfModule mod_rewrite.c>\n</IfModule> # end\n", behind());
        check("<IfModule mod_rewrite.c>\n</IfModule >\n", behind());
        // Expected </Files> but saw </IfModule>
        let crossed = How::Crossed {
            open: "Files".to_owned(),
            open_line: 2,
            ended: name(),
        };
        check("<IfModule a.c>\n<Files x>\n</IfModule>\n", Some((3, crossed)));
        check(
            "<Files x>\n",
            Some((
                1,
                How::NotEnded {
                    name: "Files".to_owned(),
                },
            )),
        );
    }

    #[test]
    fn a_directive_knows_its_sections() {
        let read = read(b"<IfModule a.c>\n<Files x>\nDeny from all\n</Files>\n</IfModule>\nb\n");
        let around = |at: usize| {
            read.around(read.directives[at].within)
                .map(|section| section.name.as_str())
        };
        assert_eq!(around(0).collect::<Vec<_>>(), ["Files", "IfModule"]);
        assert_eq!(around(1).count(), 0);
        assert_eq!(read.directives[0].args, "from all");
    }

    #[test]
    fn nesting_is_followed_to_a_bound() {
        let deep = "<Files x>\n".repeat(100_000);
        assert_eq!(
            read(deep.as_bytes()).broken.map(|broken| broken.how),
            Some(How::TooMuch)
        );
    }
}
