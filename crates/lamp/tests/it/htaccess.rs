//! What the check says of `.htaccess` files, held against a real Apache: an error is what it answers with 500, and
//! where it says that a directive may stand, Apache takes it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use fs_err as fs;
use lamp_check::{Entry, EntryKind, Limits, Setting, Tree, Unreadable};
use lamp_http::{Client, Scheme};
use lamp_lab::{Lab, LabPlan, Sapi, SitePlan};
use lamp_model::SiteName;
use lamp_model::finding::Severity;
use lamp_testkit::seed::Seed;

use crate::twin::bench::{get, id, init};

/// The table that the check goes by.
const TABLE: &str = include_str!("../../../lamp-check/src/surroundings/apache/directives.txt");
/// Files that Apache refuses, and files that it takes.
const REFUSED: [&str; 31] = [
    "RewriteEngine On\n</IfModule>\n",
    "<IfModule mod_rewrite.c>\n<Files x>\n</IfModule>\n</Files>\n",
    "<IfModule mod_rewrite.c\nRewriteEngine On\n</IfModule>\n",
    "<IfModule mod_rewrite.c>\n</IfModule> # end\n",
    "<IfModule mod_rewrite.c>\n</IfModule >\n",
    "<IfModule mod_nothing.c>\n<Files x>\n</FilesMatch>\n</IfModule>\n",
    "<Files x>\n",
    "\u{feff}Options -Indexes\n",
    "RewriteEngin On\n",
    "<?php\n",
    "php_admin_value memory_limit 1M\n",
    "<Directory />\n</Directory>\n",
    "Options Indexes -ExecCGI\n",
    "Options Foo\n",
    "Options -Indexes # no listing\n",
    "RewriteEngine yes\n",
    "RewriteBase foo\n",
    "RewriteBase / /a\n",
    "RewriteRule ^(a$ b\n",
    "RewriteRule ^[a$ b\n",
    "RewriteRule !*.php b\n",
    "RewriteRule ^a\n",
    "RewriteRule ^a b [L,QSX]\n",
    "RewriteRule ^a b [L, QSA]\n",
    "RewriteRule ^a b []\n",
    "RewriteCond %{HTTP_HOST} ^(a\n",
    "RewriteCond %{HTTP_HOST}\n",
    "RewriteCond %{HTTP_HOST} ^a [NC,XX]\n",
    "Order allow, deny\n",
    "Allow all\n",
    "< IfModule mod_rewrite.c>\n</IfModule>\n",
];
const TAKEN: [&str; 16] = [
    "# a comment \\\nFooBar\nOptions -Indexes\n",
    "Options \\\n  -Indexes\n",
    "<IfModule mod_nothing.c>\nFooBar x\n<Weird a>\n</Weird>\n</IfModule>\n",
    "<IfModule mod_rewrite.c>\nRewriteEngine On\n",
    "OPTIONS -Indexes\nrewriteengine on\n",
    "<ifmodule mod_rewrite.c>\nRewriteEngine On\n</IFMODULE>\n",
    "<Files x>\n</Files> # end\n",
    "Options -Indexes\r\n<IfModule mod_rewrite.c>\r\nRewriteEngine On\r\n</IfModule>\r\n",
    "RewriteEngine On # yes\n",
    "RewriteRule ^a b [l,r=foo,Nc]\n",
    "RewriteRule \"^a b\" c [L]\n",
    "RewriteRule ^a\\ b c [L]\n",
    "RewriteCond %{HTTP_HOST} ^a [NC,OR,NV,ornext]\nRewriteCond %{X} !-f\nRewriteCond %{X} >4\nRewriteRule ^x b\n",
    "Order allow,deny\nAllow from all\n",
    "<IfDefine FOO>\nFooo\n</IfDefine>\n",
    "<IfModule mod_php.c>\nphp_value memory_limit 128M\n</IfModule>\n",
];

/// One `.htaccess` and the page that makes it a site.
struct Written {
    entries: Vec<Entry>,
    htaccess: Vec<u8>,
}

impl Tree for Written {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn bytes(&self, index: usize) -> Result<Vec<u8>, Unreadable> {
        let page = b"<?php\n".to_vec();
        Ok(if index == 0 { self.htaccess.clone() } else { page })
    }
}

/// The errors that the check finds in a `.htaccess`.
fn errors(htaccess: &str) -> Vec<String> {
    let entry = |path: &str| Entry {
        path: path.to_owned(),
        kind: EntryKind::File { size_bytes: 1 },
    };
    let tree = Written {
        entries: vec![entry(".htaccess"), entry("index.php")],
        htaccess: htaccess.as_bytes().to_vec(),
    };
    let report = lamp_check::check(&tree, &Setting::default(), &Limits::default());
    let errors = report
        .findings
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error);
    errors
        .map(|finding| format!("{}: {}", finding.rule, finding.message))
        .collect()
}

/// A lab with a directory for each of these files, and what it logs is kept.
fn lab(parent: &Path, files: &BTreeMap<String, String>, lines: &str) -> (Lab, Client) {
    let site = SitePlan::new(SiteName::parse("shop").expect("a name"), ".");
    let plan = LabPlan::new(parent, Sapi::ModPhp)
        .site(site)
        .module(Vec::new(), lines);
    let lab = Lab::start(plan, &init()).expect("the lab starts");
    let written = lab.put_release("shop", &id("1"), |release| {
        for (name, htaccess) in files {
            fs::create_dir_all(release.join(name))?;
            fs::write(release.join(name).join(".htaccess"), htaccess)?;
            fs::write(release.join(name).join("x.txt"), "here")?;
        }
        Ok(())
    });
    written.expect("written");
    lab.switch_by_link("shop", &id("1")).expect("switched");
    let client = lab.client("shop", Scheme::Http).expect("a client").build();
    (lab, client.expect("a client"))
}

fn parent() -> tempfile::TempDir {
    let parent = tempfile::Builder::new()
        .prefix("lamp-htaccess-")
        .tempdir_in("/var/tmp");
    parent.expect("a directory in /var/tmp")
}

#[test]
fn an_error_of_the_check_is_a_500_of_apache_and_the_other_way_round() {
    let (parent, all) = (parent(), [&REFUSED[..], &TAKEN[..]].concat());
    let named = all
        .iter()
        .enumerate()
        .map(|(at, text)| (format!("c{at}"), (*text).to_owned()));
    let (lab, client) = lab(parent.path(), &named.collect(), "");
    let mut differing = String::new();
    for (at, text) in all.iter().enumerate() {
        let answer = get(&client, &format!("/c{at}/x.txt")).status.as_u16();
        let (refused, told) = (at < REFUSED.len(), errors(text));
        if (answer == 500) != refused || told.is_empty() == refused {
            let _ = writeln!(
                differing,
                "{text:?}: Apache answers {answer}, the check tells {told:?}"
            );
        }
    }
    assert!(differing.is_empty(), "{differing}");
    lab.end().expect("the lab ends");
}

/// A directive of the table, where it may stand, and whether it is a section.
fn table() -> Vec<(&'static str, &'static str)> {
    let rows = TABLE.lines().filter(|line| !line.starts_with('#'));
    let rows = rows.filter_map(|line| line.split_once(':'));
    let each = rows.flat_map(|(head, names)| {
        let place = head.rsplit(' ').next().unwrap_or_default();
        names.split_whitespace().map(move |name| (name, place))
    });
    each.collect()
}

/// Lines that load what Debian ships beside what a lab loads; those that need more than a line are left out.
fn modules() -> String {
    const LEFT_OUT: [&str; 7] = ["cgid", "dav", "heartmonitor", "lamp", "md", "mpm_", "php"];
    let available = fs::read_dir("/etc/apache2/mods-available").expect("Apache's modules");
    let mut lines = BTreeMap::new();
    for entry in available {
        let path = entry.expect("a module").path();
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let is_load = path.extension().is_some_and(|ending| ending == "load");
        if !is_load || LEFT_OUT.iter().any(|left| name.starts_with(left)) {
            continue;
        }
        let text = fs::read_to_string(&path).expect("read");
        for line in text
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with("LoadModule"))
        {
            let module = line.split_whitespace().nth(1).unwrap_or_default();
            // What others need comes first.
            let is_base = [
                "ldap",
                "proxy",
                "session",
                "cache",
                "dbd",
                "request",
                "socache_shmcb",
            ]
            .contains(&name.as_str());
            let lines_of = format!("<IfModule !{module}>\n{line}\n</IfModule>\n");
            lines.insert((!is_base, name.clone(), module.to_owned()), lines_of);
        }
    }
    lines.into_values().collect()
}

#[test]
fn each_directive_may_stand_where_the_table_says() {
    let (parent, table) = (parent(), table());
    let file = |name: &str| match name.strip_prefix('<') {
        Some(section) => format!("<{section} x>\n</{section}>\n"),
        None => format!("{name}\n"),
    };
    let files = table.iter().enumerate();
    let files = files
        .map(|(at, (name, _))| (format!("d{at}"), file(name)))
        .collect();
    let (lab, client) = lab(parent.path(), &files, &modules());
    for at in 0..table.len() {
        get(&client, &format!("/d{at}/x.txt"));
    }
    let log = lab
        .on_host(Path::new("/var/log/apache2/shop-error.log"))
        .expect("its own");
    let log = fs::read_to_string(log).expect("a log");
    let mut differing = String::new();
    let mut asked = 0;
    for (at, (name, place)) in table.iter().enumerate() {
        let said = log
            .lines()
            .find(|line| line.contains(&format!("/d{at}/.htaccess")))
            .unwrap_or_default();
        if said.contains("Invalid command") {
            continue;
        }
        asked += 1;
        let is_refused = said.contains("not allowed here") || said.contains("cannot occur within htaccess");
        if is_refused != (*place == "Server") && *place != "Unsure" {
            let _ = writeln!(differing, "{name} stands as {place}, and Apache says: {said}");
        }
    }
    assert!(differing.is_empty(), "{differing}");
    // Of the 788 of the table; the rest is of other systems, versions and modules.
    assert!(asked > 600, "{asked} directives are known to this Apache");
    lab.end().expect("the lab ends");
}

/// What well-known applications ship, together.
const BASE: &str = "# BEGIN\n<IfModule mod_rewrite.c>\nRewriteEngine On\nRewriteBase /\nRewriteRule ^index\\.php$ - [L]\n\
    RewriteCond %{REQUEST_FILENAME} !-f\nRewriteCond %{HTTP_HOST} ^(www\\.)?[a-z]+$ [NC,OR]\nRewriteRule ^(.*)$ /index.php?q=$1 [L,QSA]\n\
    </IfModule>\n<FilesMatch \"\\.(inc|sql)$\">\nRequire all denied\n</FilesMatch>\nOptions -Indexes +FollowSymLinks\n\
    <IfModule mod_headers.c>\nHeader set X-Frame-Options SAMEORIGIN\n</IfModule>\nDirectoryIndex index.php\n\
    ErrorDocument 404 /404.html\nOrder allow,deny\nAllow from all\nSetEnv MODE live\nphp_value memory_limit 128M\n";
const MUTANTS: u64 = 400;

/// The base with one slip: a letter lost, doubled, or changed for its neighbour, or a line lost.
fn mutant(number: u64) -> String {
    let mut seed = Seed::new(number);
    let mut bytes = BASE.as_bytes().to_vec();
    let at = usize::try_from(seed.below(bytes.len() as u64)).expect("it fits");
    match seed.below(5) {
        0 => drop(bytes.remove(at)),
        1 => bytes.insert(at, bytes[at]),
        2 if at + 1 < bytes.len() => bytes.swap(at, at + 1),
        3 => bytes.insert(
            at,
            b"<>[]()\"\\*? ,x"[usize::try_from(seed.below(13)).expect("it fits")],
        ),
        _ => {
            let lines: Vec<&[u8]> = BASE.as_bytes().split_inclusive(|byte| *byte == b'\n').collect();
            let lost = usize::try_from(seed.below(lines.len() as u64)).expect("it fits");
            let kept = lines.iter().enumerate().filter(|(line, _)| *line != lost);
            bytes = kept.flat_map(|(_, line)| line.iter().copied()).collect();
        }
    }
    String::from_utf8(bytes).expect("it is text")
}

#[test]
fn of_seeded_slips_no_error_is_told_that_apache_takes() {
    let parent = parent();
    let files = (0..MUTANTS).map(|number| (format!("m{number}"), mutant(number)));
    let (lab, client) = lab(parent.path(), &files.collect(), "");
    let (mut refused, mut told_of, mut false_errors) = (0, 0, String::new());
    for number in 0..MUTANTS {
        let is_refused = get(&client, &format!("/m{number}/x.txt")).status.as_u16() == 500;
        let told = errors(&mutant(number));
        refused += u64::from(is_refused);
        told_of += u64::from(is_refused && !told.is_empty());
        if !is_refused && !told.is_empty() {
            let _ = writeln!(false_errors, "seed {number}: {told:?}");
        }
    }
    assert!(false_errors.is_empty(), "{false_errors}");
    // 201 of 400, and 183 of these told, when this was written.
    assert!(
        refused > MUTANTS / 4 && told_of * 10 > refused * 8,
        "{told_of} of {refused}"
    );
    lab.end().expect("the lab ends");
}

const PATTERNS: u64 = 2_000;
/// Prints, a line each, whether PCRE compiles what it reads.
const COMPILES: &str = r#"foreach (file("php://stdin", FILE_IGNORE_NEW_LINES) as $p) { echo @preg_match("\x01$p\x01", "") === false ? "0\n" : "1\n"; }"#;

fn pattern(number: u64) -> String {
    const LETTERS: &[u8] = b"()[]*+?|\\ab^$-:{}1,.";
    let mut seed = Seed::new(number);
    let length = 1 + seed.below(10);
    let letter = |_| char::from(LETTERS[usize::try_from(seed.below(LETTERS.len() as u64)).expect("it fits")]);
    (0..length).map(letter).collect()
}

#[test]
fn a_pattern_that_is_called_broken_is_one_that_pcre_refuses() {
    // A backslash before a space makes the space part of the pattern.
    let patterns = (0..PATTERNS)
        .map(pattern)
        .filter(|pattern| !pattern.ends_with('\\'));
    let patterns: Vec<String> = patterns.collect();
    let mut php = Command::new("php")
        .args(["-n", "-r", COMPILES])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("php runs");
    let mut stdin = php.stdin.take().expect("its input");
    stdin.write_all(patterns.join("\n").as_bytes()).expect("asked");
    drop(stdin);
    let answer = php.wait_with_output().expect("php ends").stdout;
    let compiled = String::from_utf8_lossy(&answer);
    let (mut refused, mut told_of) = (0, 0);
    for (pattern, compiles) in patterns.iter().zip(compiled.lines()) {
        let told = !errors(&format!("RewriteRule {pattern} x\n")).is_empty();
        assert!(!told || compiles == "0", "PCRE compiles {pattern}");
        refused += u64::from(compiles == "0");
        told_of += u64::from(told);
    }
    assert_eq!(compiled.lines().count(), patterns.len());
    assert!(told_of * 10 > refused * 7, "{told_of} of {refused}");
}
