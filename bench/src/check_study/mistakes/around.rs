//! Mistakes around the PHP of a tree: what stands before it, Apache's and PHP's settings, composer's files, templates, and what does not
//! belong into a release.

use anyhow::Result;

use super::super::memory_tree::Change;
use super::super::seed::Seed;
use super::classes::appended;
use super::names::slip;
use super::text::is_aside;
use super::{Ground, Mistake, TRIES_MAX, line_of};

/// Says whether the first that PHP reads of a file is output.
const BEGINS_WITH_OUTPUT: &str =
    "exit((int) (token_get_all(file_get_contents($argv[1]))[0][0] !== T_INLINE_HTML));";
/// Says whether a text is no JSON.
const IS_NO_JSON: &str = "json_decode(file_get_contents($argv[1])); exit((int) (json_last_error() === 0));";
/// Says whether PHP cannot read a file of settings.
const IS_NO_INI: &str = "exit((int) (@parse_ini_file($argv[1]) !== false));";

pub(super) fn write(path: &str, bytes: impl Into<Vec<u8>>) -> Mistake {
    let (path, bytes) = (path.to_owned(), bytes.into());
    Mistake::of(Change::Write { path, bytes })
}

/// The file with another name in its text than the one that stands there.
pub(super) fn misnamed((path, text): (&str, &str), (at, name): (usize, &str), wrong: &str) -> Mistake {
    let bytes = format!("{}{wrong}{}", &text[..at], &text[at + name.len()..]);
    Mistake {
        words: format!("{name} became {wrong}"),
        line: Some(line_of(text.as_bytes(), at)),
        ..write(path, bytes)
    }
}

/// A file of this name in a directory that has PHP files.
pub(super) fn beside(ground: &Ground<'_>, seed: &mut Seed, name: &str) -> Option<String> {
    let path = seed.pick(&ground.text.files)?;
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    Some(format!("{directory}/{name}").trim_start_matches('/').to_owned())
}

/// A random sign that closes or ends something is lost.
pub(super) fn syntax(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    for _ in 0..TRIES_MAX {
        let Some(path) = seed.pick(&ground.text.files) else {
            break;
        };
        let source = ground.read(path);
        let tokens = super::super::scan::tokens(source);
        let signs: Vec<_> = tokens
            .iter()
            .filter(|token| matches!(token.text, b";" | b"{" | b"}" | b"(" | b")" | b"[" | b"]" | b","))
            .collect();
        let Some(sign) = seed.pick(&signs) else { continue };
        let bytes = [&source[..sign.start], &source[sign.end()..]].concat();
        if !ground.php.compiles(&bytes)? && ground.php.compiles(source)? {
            let words = format!("without a {}", String::from_utf8_lossy(sign.text));
            return Ok(Some(Mistake {
                words,
                ..write(path, bytes)
            }));
        }
    }
    Ok(None)
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

pub(super) fn not_first(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let before = [BYTE_ORDER_MARK, b"\n", b" ", b"<p>\n"][seed.below(4)];
    preceded(ground, seed, before, |ground, source, bytes| {
        Ok(!ground.php.compiles(bytes)? && ground.php.compiles(source)?)
    })
}

pub(super) fn output(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let before = [BYTE_ORDER_MARK, b"\n"][seed.below(2)];
    preceded(ground, seed, before, |ground, source, bytes| {
        // White space matters to those that send something that must come first.
        let sends = |word: &[u8]| source.windows(word.len()).any(|window| window == word);
        let matters = before == BYTE_ORDER_MARK || sends(b"\nheader(") || sends(b"\nsession_start(");
        Ok(matters && ground.php.compiles(bytes)? && ground.php.agrees(BEGINS_WITH_OUTPUT, bytes)?)
    })
}

fn preceded(
    ground: &Ground<'_>,
    seed: &mut Seed,
    before: &[u8],
    is_wrong: impl Fn(&Ground<'_>, &[u8], &[u8]) -> Result<bool>,
) -> Result<Option<Mistake>> {
    for _ in 0..TRIES_MAX {
        let Some(path) = seed.pick(&ground.text.files) else {
            break;
        };
        let source = ground.read(path);
        let bytes = [before, source].concat();
        if source.starts_with(b"<?php") && is_wrong(ground, source, &bytes)? {
            let words = format!("{:?} before it", String::from_utf8_lossy(before));
            return Ok(Some(Mistake {
                words,
                ..write(path, bytes)
            }));
        }
    }
    Ok(None)
}

pub(super) fn conflict(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let endings = [".php", ".js", ".css", ".twig", ".html", ".htaccess"];
    let ending = endings[seed.below(endings.len())];
    let is_wanted = |path: &&str| {
        path.ends_with(ending) && !is_aside(path) && !path.contains(".min.") && !path.contains("-min.")
    };
    let files: Vec<&str> = ground.application.tree.files().filter(is_wanted).collect();
    for _ in 0..TRIES_MAX {
        let Some(path) = seed.pick(&files) else { break };
        let source = ground.read(path);
        let ends: Vec<usize> = (0..source.len()).filter(|at| source[*at] == b'\n').collect();
        let Some(end) = seed.pick(&ends) else { continue };
        let (above, below) = source.split_at(end + 1);
        let marks = b"<<<<<<< HEAD\n// one\n=======\n// other\n>>>>>>> topic\n";
        let bytes = [above, marks, below].concat();
        // In a comment or a text PHP reads on.
        let is_wrong = ending != ".php" || (!ground.php.compiles(&bytes)? && ground.php.compiles(source)?);
        if is_wrong && source.len() < LONGEST_BYTES {
            return Ok(Some(Mistake {
                line: Some(line_of(&bytes, *end + 1)),
                words: "marks of a merge".to_owned(),
                ..write(path, bytes)
            }));
        }
    }
    Ok(None)
}

/// Longest text that the check looks through, as its page says.
const LONGEST_BYTES: usize = 250 * 1024;

pub(super) fn leftover(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let code = ["var_dump($GLOBALS);", "phpinfo();", "xdebug_break();"][seed.below(3)];
    appended(ground, seed, code)
}

pub(super) fn secret(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let kinds = [("ghp_", 36), ("AKIA", 16), ("sk_live_", 24), ("npm_", 36)];
    let (begins, length) = kinds[seed.below(kinds.len())];
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ23456789";
    let key: String = (0..length)
        .map(|_| char::from(letters[seed.below(letters.len())]))
        .collect();
    let code = format!("$lamp_key = '{begins}{key}';");
    Ok(appended(ground, seed, &code)?.map(|mistake| Mistake {
        words: format!("a key that begins with {begins}"),
        ..mistake
    }))
}

#[expect(clippy::unnecessary_wraps, reason = "as all that make a mistake")]
pub(super) fn env(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let name = [".env", ".env.local", ".env.production"][seed.below(3)];
    let path = beside(ground, seed, name);
    Ok(path.map(|path| write(&path, "APP_ENV=prod\nDB_PASSWORD=\"uG7-kkq2!mZ\"\n")))
}

#[expect(clippy::unnecessary_wraps, reason = "as all that make a mistake")]
pub(super) fn dump(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let text = "-- MariaDB dump 10.19\nINSERT INTO `users` VALUES (1,'a','$2y$10$Kjw1r9cEYvq0Tz6n');\n";
    Ok(beside(ground, seed, "backup.sql").map(|path| write(&path, text)))
}

#[expect(clippy::unnecessary_wraps, reason = "as all that make a mistake")]
pub(super) fn backup(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let ending = [".bak", ".old", ".orig", ".save", "~"][seed.below(5)];
    let path = seed.pick(&ground.text.files);
    Ok(path.map(|path| write(&format!("{path}{ending}"), ground.read(path))))
}

#[expect(clippy::unnecessary_wraps, reason = "as all that make a mistake")]
pub(super) fn history(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let name = [".git/HEAD", ".svn/entries", ".hg/requires"][seed.below(3)];
    // That of the whole tree is no part of it.
    let path = beside(ground, seed, name).filter(|path| path.matches('/').count() > 1);
    Ok(path.map(|path| Mistake {
        is_about: path.rsplit_once('/').map(|(directory, _)| directory.to_owned()),
        ..write(&path, "x\n")
    }))
}

/// One of these, at the end of a `.htaccess` that is there, or in a new one.
#[expect(clippy::unnecessary_wraps, reason = "as all that make a mistake")]
fn htaccess(ground: &Ground<'_>, seed: &mut Seed, lines: &[&str]) -> Result<Option<Mistake>> {
    let there: Vec<&str> = ground
        .application
        .tree
        .files()
        .filter(|path| path.ends_with(".htaccess") && !is_aside(path))
        .collect();
    let path = match seed.below(2) {
        0 => seed.pick(&there).map(|path| (*path).to_owned()),
        _ => None,
    };
    let Some(path) = path.or_else(|| beside(ground, seed, ".htaccess")) else {
        return Ok(None);
    };
    let before = ground.application.tree.read(&path).unwrap_or_default();
    let wrong = lines[seed.below(lines.len())];
    let bytes = [before, b"\n", wrong.as_bytes(), b"\n"].concat();
    Ok(Some(Mistake {
        words: wrong.to_owned(),
        ..write(&path, bytes)
    }))
}

/// Each is one that Apache 2.4 refuses, which the tests of `lamp` ask it.
pub(super) fn htaccess_section(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let wrong = [
        "RewriteEngine On\n</IfModule>",
        "<IfModule mod_rewrite.c>\n<Files x>\n</IfModule>\n</Files>",
        "<IfModule mod_rewrite.c\nRewriteEngine On\n</IfModule>",
        "<IfModule mod_nothing.c>\n<Files x>\n</FilesMatch>\n</IfModule>",
        "<Files x>",
    ];
    htaccess(ground, seed, &wrong)
}

pub(super) fn htaccess_unknown(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    const RIGHT: [(&str, &str); 8] = [
        ("RewriteEngine", "On"),
        ("DirectoryIndex", "index.php"),
        ("ErrorDocument", "404 /404.html"),
        ("Options", "-Indexes"),
        ("Require", "all denied"),
        ("SetEnv", "MODE live"),
        ("RewriteRule", "^a b [L]"),
        ("AddType", "text/plain .lamp"),
    ];
    let (name, rest) = RIGHT[seed.below(RIGHT.len())];
    let Some(wrong) = slip(name, seed) else {
        return Ok(None);
    };
    htaccess(ground, seed, &[&format!("{wrong} {rest}")])
}

pub(super) fn htaccess_not_allowed(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let wrong = [
        "<Directory />\n</Directory>",
        "php_admin_value memory_limit 1M",
        "DocumentRoot /srv",
        "Listen 8080",
        "ServerName shop.test",
        "CustomLog /tmp/x combined",
    ];
    htaccess(ground, seed, &wrong)
}

pub(super) fn htaccess_module(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let wrong = [
        "ExpiresActive On",
        "Header set X-A b",
        "RewriteEngine On",
        "php_value memory_limit 1G",
        "SetEnvIf Host a b",
    ];
    let host = ground.hosts.apache.clone();
    Ok(htaccess(ground, seed, &wrong)?.map(|mistake| Mistake { host, ..mistake }))
}

pub(super) fn htaccess_rewrite(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let wrong = [
        "RewriteEngine yes",
        "RewriteBase foo",
        "RewriteRule ^(a$ b",
        "RewriteRule ^[a$ b",
        "RewriteRule !*.php b",
        "RewriteRule ^a",
        "RewriteRule ^a b [L,QSX]",
        "RewriteRule ^a b [L, QSA]",
        "RewriteCond %{HTTP_HOST} ^(a",
        "RewriteCond %{HTTP_HOST}",
        "RewriteCond %{HTTP_HOST} ^a [NC,XX]",
    ];
    htaccess(ground, seed, &wrong)
}

pub(super) fn htaccess_arguments(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let wrong = [
        "Options Indexes -ExecCGI",
        "Options Foo",
        "Options -Indexes # no listing",
        "Order allow, deny",
        "Allow all",
    ];
    htaccess(ground, seed, &wrong)
}

pub(super) fn htaccess_proxy(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let wrong = [
        "SetHandler \"proxy:unix:/run/x.sock|fcgi://x\"",
        "RewriteRule ^a http://127.0.0.1:8080/ [P]",
    ];
    htaccess(ground, seed, &wrong)
}

pub(super) fn hidden_errors(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    if seed.below(2) == 0 {
        let path = beside(ground, seed, ".user.ini");
        return Ok(path.map(|path| write(&path, "memory_limit = 1G\nlog_errors = Off\n")));
    }
    let wrong = [
        "SetEnv dontlog 1",
        "<IfModule mod_php.c>\nphp_flag log_errors off\n</IfModule>",
    ];
    htaccess(ground, seed, &wrong)
}

#[expect(clippy::unnecessary_wraps, reason = "as all that make a mistake")]
pub(super) fn prepend(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let there = beside(ground, seed, "lamp-prepended.php");
    let wrong = slip("lamp-prepended", seed);
    let Some((there, wrong)) = there.zip(wrong) else {
        return Ok(None);
    };
    let ini = there.replace("lamp-prepended.php", ".user.ini");
    let (path, bytes) = (there, b"<?php\n".to_vec());
    let mistake = write(&ini, format!("auto_prepend_file = {wrong}.php\n"));
    let changes = mistake.changes.into_iter().chain([Change::Write { path, bytes }]);
    Ok(Some(Mistake::all(changes.collect(), wrong)))
}

pub(super) fn ini(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let wrong = [
        "[section\na = b\n",
        "= 3\n",
        "a = \"open\n",
        "{a = b\n",
        "(a) = b\n",
    ];
    let wrong = wrong[seed.below(wrong.len())];
    let text = format!("memory_limit = 1G\n{wrong}");
    if !ground.php.agrees(IS_NO_INI, text.as_bytes())? {
        return Ok(None);
    }
    let path = beside(ground, seed, ".user.ini");
    Ok(path.map(|path| Mistake {
        words: wrong.to_owned(),
        ..write(&path, text)
    }))
}

/// The `composer.json` of the site or of a part of it, never of a package.
fn manifest(ground: &Ground<'_>, seed: &mut Seed) -> Option<String> {
    let is_own = |path: &&str| {
        let is_manifest = *path == "composer.json" || path.ends_with("/composer.json");
        is_manifest && !path.contains("vendor/") && !is_aside(path)
    };
    let files: Vec<&str> = ground.application.tree.files().filter(is_own).collect();
    seed.pick(&files).map(|path| (*path).to_owned())
}

pub(super) fn composer_json(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let Some(path) = manifest(ground, seed) else {
        return Ok(None);
    };
    let source = ground.read(&path);
    let signs: Vec<usize> = (0..source.len())
        .filter(|at| b"{}[]\",:".contains(&source[*at]))
        .collect();
    let Some(at) = seed.pick(&signs) else {
        return Ok(None);
    };
    let bytes = [&source[..*at], &source[at + 1..]].concat();
    let is_wrong = ground.php.agrees(IS_NO_JSON, &bytes)?;
    Ok(is_wrong.then(|| write(&path, bytes)))
}

/// A line more in what `composer.json` asks for.
fn asking(ground: &Ground<'_>, path: &str, wanted: &str) -> Option<Vec<u8>> {
    let text = String::from_utf8(ground.read(path).to_vec()).ok()?;
    let (before, behind) = text.split_once("\"require\"")?;
    let (gap, rest) = behind.split_once('{')?;
    let more = if rest.trim_start().starts_with('}') {
        ""
    } else {
        ","
    };
    Some(format!("{before}\"require\"{gap}{{{wanted}{more}{rest}").into_bytes())
}

/// The hash that composer keeps of what a manifest asks for, as its `Locker::getContentHash` makes it; the other end of PHP's
/// answer is no hash.
const CONTENT_HASH: &str = "$all = json_decode(file_get_contents($argv[1]), true); \
    $keys = ['name', 'version', 'require', 'require-dev', 'conflict', 'replace', 'provide', 'minimum-stability', \
        'prefer-stable', 'repositories', 'extra']; \
    $kept = array_intersect_key($all, array_fill_keys($keys, 1)); \
    if (isset($all['config']['platform'])) { $kept['config']['platform'] = $all['config']['platform']; } \
    ksort($kept); echo md5(json_encode($kept, 0));";

/// A lock that is as new as its manifest, and then a manifest that asks for more.
pub(super) fn composer_lock(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let wanted = format!("\"lamp/more{}\": \"^1.0\"", seed.below(1000));
    let made = manifest(ground, seed).and_then(|path| Some((asking(ground, &path, &wanted)?, path)));
    let Some((bytes, path)) = made else {
        return Ok(None);
    };
    let hash = ground.php.answers(CONTENT_HASH, ground.read(&path))?;
    let lock = path.replace("composer.json", "composer.lock");
    let locked = format!("{{\"content-hash\": \"{hash}\", \"packages\": []}}\n").into_bytes();
    let write = |path: &str, bytes| Change::Write {
        path: path.to_owned(),
        bytes,
    };
    Ok(Some(Mistake {
        before: vec![write(&lock, locked.clone())],
        is_about: Some(lock.clone()),
        ..Mistake::all(vec![write(&path, bytes), write(&lock, locked)], wanted)
    }))
}

#[expect(clippy::unnecessary_wraps, reason = "as all that make a mistake")]
pub(super) fn composer_package(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let made = manifest(ground, seed).and_then(|path| {
        let path = path.replace("composer.json", "composer.lock");
        let text = String::from_utf8(ground.application.tree.read(&path)?.to_vec()).ok()?;
        let (before, behind) = text.split_once("\"packages\": [")?;
        let name = format!(
            "{{\"name\": \"lamp/gone{}\", \"version\": \"1.0\"}}",
            seed.below(1000)
        );
        Some(write(&path, format!("{before}\"packages\": [{name},{behind}")))
    });
    Ok(made)
}

#[expect(clippy::unnecessary_wraps, reason = "as all that make a mistake")]
pub(super) fn composer_platform(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let Some(path) = manifest(ground, seed) else {
        return Ok(None);
    };
    let wanted = ["gmp", "imap", "ldap", "snmp", "tidy"][seed.below(5)];
    let bytes = asking(ground, &path, &format!("\"ext-{wanted}\": \"*\""));
    let host = ground.hosts.extensions.clone();
    Ok(bytes.map(|bytes| Mistake {
        host,
        words: wanted.to_owned(),
        ..write(&path, bytes)
    }))
}

#[expect(clippy::unnecessary_wraps, reason = "as all that make a mistake")]
pub(super) fn template(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let tree = &ground.application.tree;
    let is_one = |path: &&str| path.ends_with(".twig") && !is_aside(path);
    let files: Vec<&str> = tree.files().filter(is_one).collect();
    for _ in 0..TRIES_MAX {
        let Some(path) = seed.pick(&files) else { break };
        let Ok(text) = std::str::from_utf8(ground.read(path)) else {
            continue;
        };
        let names: Vec<(usize, &str)> = named_templates(text).collect();
        let Some((at, name)) = seed.pick(&names) else {
            continue;
        };
        let stem = name.trim_end_matches(".twig");
        let Some(wrong) = slip(stem, seed).map(|stem| format!("{stem}.twig")) else {
            continue;
        };
        let is_there = |name: &str| files.iter().any(|file| file.ends_with(&format!("/{name}")));
        if is_there(name) && !is_there(&wrong) {
            return Ok(Some(misnamed((path, text), (*at, name), &wrong)));
        }
    }
    Ok(None)
}

/// What `include`, `extends` and their like name.
fn named_templates(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let words = ["{% include '", "{% extends '", "{{ include('", "{% embed '"];
    words.into_iter().flat_map(move |word| {
        text.match_indices(word).filter_map(move |(at, word)| {
            let start = at + word.len();
            let end = text[start..].find('\'')?;
            let name = &text[start..start + end];
            name.ends_with(".twig").then_some((start, name))
        })
    })
}

#[expect(clippy::unnecessary_wraps, reason = "as all that make a mistake")]
pub(super) fn block(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let is_one = |path: &&str| path.ends_with("/block.json");
    let files: Vec<&str> = ground.application.tree.files().filter(is_one).collect();
    let made = seed.pick(&files).and_then(|path| {
        let text = String::from_utf8(ground.read(path).to_vec()).ok()?;
        let rest = text.strip_prefix('{')?;
        Some(write(
            path,
            format!("{{\n\t\"render\": \"file:./lamp-render.php\",{rest}"),
        ))
    });
    Ok(made)
}
