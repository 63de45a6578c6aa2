//! `.htaccess`: read as Apache reads it, and judged by what Apache answers with a 500, or by what betrays the site.
//!
//! A piece of the server's own configuration that a release brings (`snippet`) is read in the same way.
//!
//! [`read`] is a function of the file's bytes; [`judge`] knows the host as well. What each directive's module is and
//! where it may stand is `directives`; `rewrite` and `regex` read the rules of mod_rewrite.
//!
//! Invariant: an error is what Apache 2.4 answers with a 500 wherever it reads the file, or a rule of SECURITY.md; the
//! rest is a warning, a note or silence.

mod directives;
mod judge;
mod lines;
mod regex;
mod rewrite;
mod sections;
mod snippet;

pub(crate) use judge::{hides_errors, judge, prepended};
pub(crate) use sections::{Htaccess, read};
pub(crate) use snippet::{is_snippet, judge as judge_snippet};
