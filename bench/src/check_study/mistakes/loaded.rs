//! Files that something else loads by their names: composer, a framework, a browser; and settings of hosts that a release brings.

use anyhow::Result;

use super::super::memory_tree::Change;
use super::super::seed::Seed;
use super::around::{beside, misnamed, write};
use super::names::slip;
use super::text::{is_aside, lower, names_in};
use super::{Ground, Mistake, TRIES_MAX};

/// Says whether PHP reads an amount as something else than is written.
const IS_NO_AMOUNT: &str = "set_error_handler(function () { exit(0); }); \
    ini_parse_quantity(trim(file_get_contents($argv[1]))); exit(1);";
/// Prints the settings that only the host may set.
const OF_HOST_ALONE: &str =
    "foreach (ini_get_all() as $name => $one) { if ($one['access'] === 4) { echo $name, \"\\n\"; } }";

/// What composer's loader loads: each class and each file by its path, in this one file; and where it looks for other classes.
const LIST: &str = "composer/autoload_static.php";
const PSR_4: &str = "composer/autoload_psr4.php";

/// A path that a list of composer's names, and where.
struct Listed {
    /// The list.
    by: String,
    line: u32,
    /// From the root of the tree.
    path: String,
}

/// Every path in a list of composer's, by its text: `'A' => $vendorDir . '/b/c.php'`.
fn listed(ground: &Ground<'_>, list: &str) -> Vec<Listed> {
    let tree = &ground.application.tree;
    let lists = tree.files().filter(|path| path.ends_with(&format!("/{list}")));
    let of_list = |by: &str| {
        let vendor = by.trim_end_matches(list).trim_end_matches('/').to_owned();
        let base = vendor.rsplit_once('/').map_or("", |(base, _)| base).to_owned();
        let text = String::from_utf8_lossy(tree.read(by).unwrap_or_default()).into_owned();
        let lines = (1..).zip(text.lines());
        let named = lines.filter_map(|(line, words)| {
            let roots = [
                ("' => __DIR__ . '/../..' . '", &base),
                ("' => __DIR__ . '/..' . '", &vendor),
                ("$vendorDir . '", &vendor),
                ("$baseDir . '", &base),
            ];
            let (root, rest) = roots
                .iter()
                .find_map(|(word, root)| Some((root, words.split_once(word)?.1)))?;
            let path = format!("{root}{}", rest.split_once('\'')?.0);
            let path = path.trim_start_matches('/').to_owned();
            let by = by.to_owned();
            Some(Listed { by, line, path })
        });
        named.collect::<Vec<Listed>>()
    };
    lists.flat_map(of_list).collect()
}

/// The same path with a slip in the file's name; `None`: there is none, or such a file is there.
fn elsewhere(ground: &Ground<'_>, path: &str, seed: &mut Seed) -> Option<String> {
    let to = misspelt(path, seed)?;
    ground.application.tree.read(&to).is_none().then_some(to)
}

fn misspelt(path: &str, seed: &mut Seed) -> Option<String> {
    let name = path.rsplit('/').next()?;
    let (stem, ending) = name.rsplit_once('.')?;
    let directory = &path[..path.len() - name.len()];
    Some(format!("{directory}{}.{ending}", slip(stem, seed)?))
}

/// A file that composer's loader is to load has another name.
#[expect(clippy::unnecessary_wraps, reason = "as all that make a mistake")]
pub(super) fn autoload_file(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let listed = listed(ground, LIST);
    for _ in 0..TRIES_MAX {
        let Some(Listed { by, line, path }) = seed.pick(&listed) else {
            break;
        };
        let is_there = ground.application.tree.read(path).is_some() && !is_aside(path);
        let Some(to) = elsewhere(ground, path, seed).filter(|_| is_there) else {
            continue;
        };
        let words = format!("{path} became {to}");
        return Ok(Some(Mistake {
            line: Some(*line),
            is_about: Some(by.clone()),
            ..Mistake::all(vec![renamed(path, to)], words)
        }));
    }
    Ok(None)
}

fn renamed(from: &str, to: String) -> Change {
    let from = from.to_owned();
    Change::Rename { from, to }
}

/// The file of a class that others name has another name, in case or by a slip, and no list of composer's has it.
#[expect(clippy::unnecessary_wraps, reason = "as all that make a mistake")]
pub(super) fn wrong_place(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let roots = listed(ground, PSR_4);
    let lists = listed(ground, LIST);
    let is_found = |path: &&String| {
        let is_beneath = |root: &Listed| path.starts_with(&format!("{}/", root.path));
        roots.iter().any(is_beneath) && !lists.iter().any(|listed| listed.path == **path)
    };
    let files: Vec<&String> = ground.text.pure.iter().filter(is_found).collect();
    for _ in 0..TRIES_MAX {
        let Some(path) = seed.pick(&files) else { break };
        let name = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".php");
        let tokens = super::super::scan::tokens(ground.read(path));
        let named = names_in(&tokens);
        let is_of_name = |class: &&String| class.rsplit('\\').next() == Some(&lower(name.as_bytes()));
        let class = named.iter().find(is_of_name);
        let is_its_own = class.is_some_and(|class| is_used(ground, class, path));
        let to = match seed.below(2) {
            0 => Some(path.replace(&format!("{name}.php"), &format!("{}.php", name.to_lowercase()))),
            _ => elsewhere(ground, path, seed),
        };
        let to = to.filter(|to| is_its_own && to != *path && ground.application.tree.read(to).is_none());
        if let Some(to) = to {
            let words = format!("{path} became {to}");
            return Ok(Some(Mistake {
                names: Some(to.clone()),
                ..Mistake::all(vec![renamed(path, to)], words)
            }));
        }
    }
    Ok(None)
}

/// Whether another file makes one or calls it, by its whole name and its last part.
fn is_used(ground: &Ground<'_>, class: &str, path: &str) -> bool {
    let last = class.rsplit('\\').next().unwrap_or(class);
    let (used, ways) = (
        format!("use {class};"),
        [format!("new {last}("), format!(" {last}::")],
    );
    let others = ground.text.files.iter().filter(|file| *file != path);
    let mut texts = others.map(|file| lower(ground.read(file)));
    texts.any(|text| text.contains(&used) && ways.iter().any(|way| text.contains(way)))
}

/// A slip in a path of MediaWiki's lists: none of the other applications has a framework's list of files.
#[expect(clippy::unnecessary_wraps, reason = "as all that make a mistake")]
pub(super) fn framework_part(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let is_one = |path: &&str| path.ends_with("/extension.json") || path.ends_with("/skin.json");
    let files: Vec<&str> = ground.application.tree.files().filter(is_one).collect();
    for _ in 0..TRIES_MAX {
        let Some(path) = seed.pick(&files).filter(|path| !is_aside(path)) else {
            continue;
        };
        let text = String::from_utf8_lossy(ground.read(path)).into_owned();
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        let values: Vec<(usize, &str)> = in_lists(&text).collect();
        let Some((at, value)) = seed.pick(&values) else {
            continue;
        };
        let stem = value.trim_end_matches('/').trim_end_matches(".php");
        let wrong = slip(stem, seed).map(|wrong| format!("{wrong}{}", &value[stem.len()..]));
        if let Some(wrong) = wrong.filter(|wrong| !is_there(ground, directory, wrong)) {
            return Ok(Some(misnamed((path, &text), (*at, value), &wrong)));
        }
    }
    Ok(None)
}

/// The values of `AutoloadClasses` and `AutoloadNamespaces`, and where each stands.
fn in_lists(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lists = ["\"AutoloadClasses\": {", "\"AutoloadNamespaces\": {"];
    lists.into_iter().flat_map(move |list| {
        let begins = text.find(list).map(|at| at + list.len());
        let inside = begins.and_then(|at| Some((at, text[at..].split_once('}')?.0)));
        let (begins, inside) = inside.unwrap_or((0, ""));
        inside.match_indices("\": \"").filter_map(move |(at, word)| {
            let start = begins + at + word.len();
            Some((start, text[start..].split_once('"')?.0))
        })
    })
}

/// Whether anything lies there, or beneath.
fn is_there(ground: &Ground<'_>, directory: &str, path: &str) -> bool {
    let path = format!("{directory}/{path}");
    let path = path.trim_start_matches('/').trim_end_matches('/');
    let beneath = format!("{path}/");
    let mut files = ground.application.tree.files();
    files.any(|file| file == path || file.starts_with(&beneath))
}

/// A slip in the name of a picture, a font or a script, in a style sheet or in the markup of a page.
#[expect(clippy::unnecessary_wraps, reason = "as all that make a mistake")]
pub(super) fn asset(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let is_style = seed.below(2) == 0;
    let endings: &[&str] = if is_style { &[".css"] } else { &[".php", ".html"] };
    let is_one = |path: &&str| {
        endings.iter().any(|ending| path.ends_with(ending)) && !path.contains(".min.") && !is_aside(path)
    };
    let files: Vec<&str> = ground.application.tree.files().filter(is_one).collect();
    for _ in 0..TRIES_MAX {
        let Some(path) = seed.pick(&files) else { break };
        let Ok(text) = std::str::from_utf8(ground.read(path)) else {
            continue;
        };
        let words: &[&str] = if is_style {
            &["url(", "url(\"", "url('"]
        } else {
            &["src=\"", "href=\""]
        };
        let named: Vec<(usize, &str)> = named_assets(text, words).collect();
        let Some((at, name)) = seed.pick(&named) else {
            continue;
        };
        let there = leads_to(ground, path, name, is_style);
        let wrong = misspelt(name, seed).filter(|_| there);
        if let Some(wrong) = wrong.filter(|wrong| !ends_a_path(ground, wrong)) {
            return Ok(Some(misnamed((path, text), (*at, name), &wrong)));
        }
    }
    Ok(None)
}

/// Relative names of plain letters behind one of these words.
fn named_assets<'x>(text: &'x str, words: &'x [&'x str]) -> impl Iterator<Item = (usize, &'x str)> {
    const ENDINGS: [&str; 8] = [".css", ".js", ".png", ".gif", ".jpg", ".svg", ".woff", ".woff2"];
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '/' | '.' | '_' | '-');
    words.iter().flat_map(move |word| {
        text.match_indices(word).filter_map(move |(at, word)| {
            let start = at + word.len();
            let rest = &text[start..];
            let name = &rest[..rest.find(|letter| !is_plain(letter))?];
            let is_relative = !name.starts_with('/') && !name.contains("//");
            let is_asset = ENDINGS.iter().any(|ending| name.ends_with(ending));
            let before = &text[..start];
            let is_comment = before.rfind("/*") > before.rfind("*/");
            (is_relative && is_asset && !is_comment).then_some((start, name))
        })
    })
}

/// Whether the file is there: beside a style sheet; of a page's, anywhere beneath the name.
fn leads_to(ground: &Ground<'_>, from: &str, name: &str, is_style: bool) -> bool {
    if !is_style {
        return ends_a_path(ground, name);
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in name.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    ground.application.tree.read(&parts.join("/")).is_some()
}

fn ends_a_path(ground: &Ground<'_>, name: &str) -> bool {
    let name = name.trim_start_matches("./").trim_start_matches("../");
    let behind = format!("/{name}");
    let mut files = ground.application.tree.files();
    files.any(|file| file == name || file.ends_with(&behind))
}

/// An amount with a unit that PHP does not know, or a setting that only the host may set.
pub(super) fn ini_value(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let line = if seed.below(2) == 0 {
        let name = ["post_max_size", "upload_max_filesize", "memory_limit"][seed.below(3)];
        let amount = ["8MB", "64 MB", "128mb", "1GB", "2Go", "512KB"][seed.below(6)];
        if !ground.php.agrees(IS_NO_AMOUNT, amount.as_bytes())? {
            return Ok(None);
        }
        format!("{name} = {amount}")
    } else {
        let names = ground.php.answers(OF_HOST_ALONE, b"")?;
        let names: Vec<&str> = names.lines().collect();
        let Some(name) = seed.pick(&names) else {
            return Ok(None);
        };
        format!("{name} = 1")
    };
    let path = beside(ground, seed, ".user.ini");
    Ok(path.map(|path| Mistake {
        line: Some(2),
        words: line.clone(),
        ..write(&path, format!("default_charset = UTF-8\n{line}\n"))
    }))
}

const VIRTUAL_HOST: [&str; 8] = [
    "<VirtualHost *:80>",
    "    ServerName shop.example",
    "    DocumentRoot /srv/shop",
    "    <Directory /srv/shop>",
    "        AllowOverride All",
    "        Require all granted",
    "    </Directory>",
    "</VirtualHost>",
];

/// A virtual host with a slip in a directive, or without the end of a section.
#[expect(clippy::unnecessary_wraps, reason = "as all that make a mistake")]
pub(super) fn snippet(ground: &Ground<'_>, seed: &mut Seed) -> Result<Option<Mistake>> {
    let mut lines = VIRTUAL_HOST.map(str::to_owned).to_vec();
    let (line, words) = if seed.below(3) == 0 {
        let gone = lines.remove([6, 7][seed.below(2)]);
        (None, format!("without {}", gone.trim()))
    } else {
        let at = [1, 2, 4, 5][seed.below(4)];
        let (name, rest) = lines[at].trim().split_once(' ').unwrap_or_default();
        let Some(wrong) = slip(name, seed) else {
            return Ok(None);
        };
        lines[at] = format!("{wrong} {rest}");
        (u32::try_from(at + 1).ok(), lines[at].clone())
    };
    let path = beside(ground, seed, "lamp-apache.conf");
    Ok(path.map(|path| Mistake {
        line,
        words,
        ..write(&path, lines.join("\n") + "\n")
    }))
}
