//! What is wrong with a `.htaccess` that has been read.

use lamp_model::finding::Severity;

use super::directives::{self, Known, Place};
use super::lines::words;
use super::rewrite;
use super::sections::{Broken, Directive, How, Htaccess, Section, is_read_at_once};
use crate::facts::Spot;
use crate::setting::ApacheSetting;
use crate::surroundings::fault::Fault;
use crate::surroundings::ini::{self, Prepended};

/// Values of `php_value` that turn a setting off.
const OFF: [&str; 5] = ["0", "false", "no", "off", "none"];

/// How sure it is that Apache comes by a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// It does not: a module is asked for that is known to be absent, or absent that is present.
    Never,
    /// It may: a condition decides that cannot be decided here.
    Perhaps,
    /// It does, if it reads the file at all.
    Always,
}

/// What is wrong with this file on a host of which `apache` is known.
pub(crate) fn judge(htaccess: &Htaccess, apache: &ApacheSetting) -> Vec<Fault> {
    if !apache.reads_htaccess() {
        return Vec::new();
    }
    if let Some(broken) = &htaccess.broken {
        return vec![broken_sections(broken)];
    }
    let judge = Judge { htaccess, apache };
    let sections = htaccess
        .sections
        .iter()
        .filter_map(|section| judge.section(section));
    let directives = htaccess
        .directives
        .iter()
        .filter_map(|directive| judge.directive(directive));
    sections.chain(directives).collect()
}

fn broken_sections(broken: &Broken) -> Fault {
    let at = Htaccess::spot(broken.line);
    let message = match &broken.how {
        How::NotBegun { name } => format!("</{name}> ends a section that was not begun: Apache answers 500"),
        How::Crossed {
            open,
            open_line,
            ended,
        } => {
            format!(
                "</{ended}> stands where </{open}> is to end the section of line {open_line}: Apache answers 500"
            )
        }
        How::NoBracket { name } => format!("<{name} lacks its `>`: Apache answers 500"),
        How::BehindTheEnd { name } => {
            format!(
                "Apache does not take this for the end of <{name}>, since something stands behind its name: it answers 500"
            )
        }
        How::NotEnded { name } if is_read_at_once(name) => {
            let message = format!("<{name}> is not ended: Apache takes all of the rest for a part of it");
            return Fault::warning("htaccess-section", at, message);
        }
        How::NotEnded { name } => format!("<{name}> is not ended: Apache answers 500"),
        How::TooMuch => {
            return Fault::note(
                "not-checked",
                at,
                "not checked further: it is longer or deeper than a .htaccess is",
            );
        }
    };
    Fault::error("htaccess-section", at, message)
}

/// Modules of a PHP that no host has beside the one of today.
const OF_OLD_PHP: [&str; 4] = ["mod_php4.c", "mod_php5.c", "mod_php7.c", "php5_module"];

/// A directive or a section, and where it stands.
struct Stand<'h> {
    name: &'h str,
    line: u32,
    within: Option<usize>,
}

struct Judge<'h> {
    htaccess: &'h Htaccess,
    apache: &'h ApacheSetting,
}

impl Judge<'_> {
    /// How sure it is that Apache comes by what stands in these sections.
    fn reach(&self, within: Option<usize>) -> Reach {
        let each = self.htaccess.around(within).map(|section| self.holds(section));
        each.min().unwrap_or(Reach::Always)
    }

    fn holds(&self, section: &Section) -> Reach {
        if section.name.eq_ignore_ascii_case("IfModule") {
            let (wanted, named) = match section.args.trim().strip_prefix('!') {
                Some(named) => (false, named),
                None => (true, section.args.trim()),
            };
            let named = named.trim_matches('"');
            return match self.apache.has_module(named, directives::module(named)) {
                Some(there) if there == wanted => Reach::Always,
                Some(_) => Reach::Never,
                None => Reach::Perhaps,
            };
        }
        if is_read_at_once(&section.name) {
            return Reach::Perhaps;
        }
        Reach::Always
    }

    /// Whether an `<IfModule>` around it asks for this module, so that it is only read where the module is.
    fn is_asked_for(&self, within: Option<usize>, module: &str) -> bool {
        let mut around = self.htaccess.around(within);
        around.any(|section| {
            section.name.eq_ignore_ascii_case("IfModule")
                && directives::module(section.args.trim().trim_matches('"')) == Some(module)
        })
    }

    /// Whether it stands only where a module of somebody else is, which may bring any directive.
    fn is_of_another_module(&self, within: Option<usize>) -> bool {
        let mut around = self.htaccess.around(within);
        around.any(|section| {
            is_read_at_once(&section.name)
                && !section.args.trim().starts_with('!')
                && directives::module(section.args.trim().trim_matches('"')).is_none()
        })
    }

    /// Whether Apache comes by whenever it has the modules that are asked for around it, each of them Apache's own.
    fn is_sure(&self, within: Option<usize>) -> bool {
        let mut conditions = self
            .htaccess
            .around(within)
            .filter(|section| is_read_at_once(&section.name));
        conditions.all(|section| {
            let named = section.args.trim().trim_matches('"');
            section.name.eq_ignore_ascii_case("IfModule")
                && (directives::module(named).is_some() || self.holds(section) == Reach::Always)
                && !OF_OLD_PHP.contains(&named)
        })
    }

    fn as_sure(&self, within: Option<usize>, mut fault: Fault) -> Fault {
        if !self.is_sure(within) {
            fault.severity = fault.severity.min(Severity::Warning);
        }
        fault
    }

    fn section(&self, section: &Section) -> Option<Fault> {
        let name = format!("<{}", section.name);
        let (line, within) = (section.line, section.within);
        if self.reach(within) == Reach::Never {
            return None;
        }
        let fault = match directives::known(&name) {
            Some(known) => {
                let name = &format!("{name}>");
                self.placed(&known, &Stand { name, line, within })
            }
            None if self.is_of_another_module(within) => None,
            None => {
                let message = format!("Apache knows no section {name}>: it answers 500");
                let at = Htaccess::spot(line);
                Some(Fault::error("htaccess-unknown-directive", at, message))
            }
        };
        fault.map(|fault| self.as_sure(within, fault))
    }

    fn directive(&self, directive: &Directive) -> Option<Fault> {
        let (name, line, within) = (directive.name.as_str(), directive.line, directive.within);
        if self.reach(within) == Reach::Never {
            return None;
        }
        let fault = match directives::known(name) {
            Some(known) => {
                let placed = self.placed(&known, &Stand { name, line, within });
                placed
                    .or_else(|| refused(directive))
                    .or_else(|| betrays(directive))
            }
            None => self.unknown(directive),
        };
        fault.map(|fault| self.as_sure(within, fault))
    }

    /// Whether it may stand here at all.
    fn placed(&self, known: &Known, stand: &Stand<'_>) -> Option<Fault> {
        let at = Htaccess::spot(stand.line);
        let name = stand.name;
        if self.apache.has_module(known.module, Some(known.module)) == Some(false)
            && !self.is_asked_for(stand.within, known.module)
            && self.reach(stand.within) == Reach::Always
        {
            let file = known.file;
            let message = format!("{name} is of {file}, which this Apache has not loaded: it answers 500");
            return Some(Fault::error("htaccess-module-not-loaded", at, message));
        }
        let message = match known.place {
            Place::Server => {
                format!(
                    "{name} may only stand in the server's own configuration: in a .htaccess Apache answers 500"
                )
            }
            Place::Class(class) if self.apache.allows(class) == Some(false) => {
                format!("AllowOverride lacks {class} for {name}: Apache answers 500")
            }
            Place::Class(_) | Place::Any | Place::Unsure => return self.needs_mod_php(known, stand),
        };
        Some(Fault::error("htaccess-not-allowed", at, message))
    }

    /// `php_value` outside any condition is a 500 as soon as PHP is run by another way than mod_php.
    fn needs_mod_php(&self, known: &Known, stand: &Stand<'_>) -> Option<Fault> {
        let mut around = self.htaccess.around(stand.within);
        let is_guarded = around.any(|section| is_read_at_once(&section.name));
        let is_open = known.module == "php_module" && !is_guarded && !self.apache.knows_modules();
        is_open.then(|| {
            let message = format!(
                "{} needs mod_php: where PHP is run by php-fpm, Apache answers 500",
                stand.name
            );
            Fault::warning("htaccess-module-not-loaded", Htaccess::spot(stand.line), message)
        })
    }

    fn unknown(&self, directive: &Directive) -> Option<Fault> {
        let Directive {
            name, line, within, ..
        } = directive;
        if self.is_of_another_module(*within) || directives::is_of_others(name) {
            return None;
        }
        let at = Htaccess::spot(*line);
        let rule = "htaccess-unknown-directive";
        if name.starts_with('\u{feff}') {
            let message = "Apache takes the byte order mark of this file for a part of its first directive: it answers 500";
            return Some(Fault::error(rule, at, message));
        }
        let message = format!("no module of Apache has a directive {name}: it answers 500");
        let is_word = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        match directives::meant(name) {
            Some(meant) => Some(Fault::error(rule, at, message).suggesting(meant)),
            None if !is_word => Some(Fault::error(rule, at, message)),
            // Somebody's module may have it.
            None => Some(Fault::warning(
                rule,
                at,
                format!("{message}, unless a module of somebody else brings it"),
            )),
        }
    }
}

/// What Apache refuses of the arguments.
fn refused(directive: &Directive) -> Option<Fault> {
    let args = directive.args.as_str();
    // What a variable of the server's stands for is not known.
    if args.contains("${") {
        return None;
    }
    let name = directive.name.to_ascii_lowercase();
    let refusal = match name.as_str() {
        "rewriterule" => rewrite::rule(args),
        "rewritecond" => rewrite::condition(args),
        "options" => rewrite::options(args),
        "rewriteengine" => flag(args),
        "rewritebase" => base(args),
        "order" => order(args),
        "allow" | "deny" => from(args),
        _ => None,
    }?;
    let is_rewriting = name.starts_with("rewrite");
    let rule = if is_rewriting {
        "htaccess-rewrite"
    } else {
        "htaccess-arguments"
    };
    let message = format!("this {} {refusal}: Apache answers 500", directive.name);
    Some(Fault::error(rule, Htaccess::spot(directive.line), message))
}

fn flag(args: &str) -> Option<String> {
    let first = words(args).into_iter().next().unwrap_or_default();
    let known = first.eq_ignore_ascii_case("on") || first.eq_ignore_ascii_case("off");
    (!known).then(|| "must be On or Off".to_owned())
}

fn base(args: &str) -> Option<String> {
    let words = words(args);
    match words.as_slice() {
        [base] if base.starts_with('/') => None,
        [_] => Some("needs a path that begins with a slash".to_owned()),
        _ => Some("takes one path".to_owned()),
    }
}

fn order(args: &str) -> Option<String> {
    const ORDERS: [&str; 3] = ["allow,deny", "deny,allow", "mutual-failure"];
    let words = words(args);
    let fits =
        matches!(words.as_slice(), [one] if ORDERS.iter().any(|order| order.eq_ignore_ascii_case(one)));
    (!fits).then(|| "takes `allow,deny` or `deny,allow`, without a space".to_owned())
}

fn from(args: &str) -> Option<String> {
    let words = words(args);
    let fits = words.len() >= 2 && words[0].eq_ignore_ascii_case("from");
    (!fits).then(|| "needs `from` and who it is for".to_owned())
}

/// What works, and takes from the site what it relies on (SECURITY.md, T16 and the side door).
fn betrays(directive: &Directive) -> Option<Fault> {
    let at = Htaccess::spot(directive.line);
    let words = words(&directive.args);
    let word = |place: usize| words.get(place).map_or("", String::as_str);
    match directive.name.to_ascii_lowercase().as_str() {
        "php_flag" | "php_value" => ini::of_value(word(0), word(1), at),
        "setenv" | "setenvif" | "setenvifnocase" | "browsermatch"
            if words.iter().any(|word| is_dontlog(word)) =>
        {
            let message = "requests with `dontlog` are left out of the logs that a bad release is found in";
            Some(Fault::error("hidden-errors", at, message))
        }
        "sethandler" | "addhandler" if word(0).starts_with("proxy:") => Some(proxy(at, word(0))),
        "rewriterule" => rewrite::proxied(&directive.args).map(|target| proxy(at, &target)),
        _ => None,
    }
}

fn is_dontlog(word: &str) -> bool {
    let name = word.split('=').next().unwrap_or_default();
    name.eq_ignore_ascii_case("dontlog")
}

fn proxy(at: Spot, target: &str) -> Fault {
    let message = format!(
        "this hands requests to {target}: a .htaccess reaches every port and socket that Apache does"
    );
    Fault::error("htaccess-proxy", at, message)
}

/// The files that are to be run before or after each request.
pub(crate) fn prepended(htaccess: &Htaccess) -> impl Iterator<Item = Prepended> {
    let read = htaccess.directives.iter().filter(|_| htaccess.broken.is_none());
    read.filter_map(|directive| {
        let words = words(&directive.args);
        let name = words.first()?.to_ascii_lowercase();
        let is_one = directive.name.eq_ignore_ascii_case("php_value")
            && matches!(name.as_str(), "auto_prepend_file" | "auto_append_file");
        is_one.then(|| Prepended {
            name,
            value: words.get(1).cloned().unwrap_or_default(),
            at: Htaccess::spot(directive.line),
        })
    })
}

/// Why a setting of PHP hides errors, if it does.
pub(crate) fn hides_errors(name: &str, value: &str) -> Option<String> {
    let is_off = value.is_empty() || OFF.iter().any(|off| off.eq_ignore_ascii_case(value));
    match name.to_ascii_lowercase().as_str() {
        "log_errors" if is_off => {
            Some("PHP no longer logs its errors: a fatal error of a new release is not seen".to_owned())
        }
        "error_log" if value == "/dev/null" => {
            Some("PHP's errors go to /dev/null: a fatal error of a new release is not seen".to_owned())
        }
        _ => None,
    }
}
