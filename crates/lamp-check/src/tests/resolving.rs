//! What an include names, and when a missing file is told.

use super::{report, told};

/// Files that every tree of these tests has.
const AROUND: [(&str, &str); 6] = [
    (
        "index.php",
        "<?php\nrequire 'lib/load.php';\nrequire 'pages/home.php';\necho 1;",
    ),
    (
        "lib/load.php",
        "<?php\ndefine('ROOT', dirname(__DIR__) . '/');\nconst LIB = 'lib';\nfunction load() {}",
    ),
    ("lib/mail.php", "<?php\nclass Mail {}"),
    ("lib/View.php", "<?php\nclass View {}"),
    ("pages/home.php", "<?php\nload();\necho 'home';"),
    ("pages/about.php", "<?php\nload();\necho 'about';"),
];

/// What is told of `pages/home.php` if it reads so, from its second line on.
#[track_caller]
fn check(code: &str, expected: &[&str]) {
    check_with(&[], code, expected);
}

#[track_caller]
fn check_with(more: &[(&str, &str)], code: &str, expected: &[&str]) {
    let home = format!("<?php\n{code}");
    let mut files: Vec<(&str, &str)> = AROUND.iter().chain(more).copied().collect();
    files.retain(|(path, _)| *path != "pages/home.php");
    files.push(("pages/home.php", &home));
    assert_eq!(told(&report(&files)), expected, "{code}");
}

/// Each of these leads to a file that is there.
#[test]
fn what_is_there_is_found() {
    let right = [
        "require __DIR__ . '/about.php';",
        "require __DIR__ . '/../lib/mail.php';",
        "require dirname(__DIR__) . '/lib/mail.php';",
        "require dirname(__FILE__, 2) . '/lib/mail.php';",
        "require dirname(dirname(__FILE__)) . DIRECTORY_SEPARATOR . 'lib/mail.php';",
        "require realpath(__DIR__ . '/..') . '/lib/mail.php';",
        "require ROOT . LIB . '/mail.php';",
        "require \"{$_SERVER['x']}\" ? ROOT . 'lib/mail.php' : ROOT . 'lib/View.php';",
        "$dir = __DIR__; require \"$dir/about.php\";",
        "$dir = __DIR__; require \"{$dir}/about.php\";",
        "require './lib/mail.php';",
        "require 'lib/mail.php';",
        "require 'about.php';",
        "require ($file = ROOT . 'lib/mail.php');",
        "function f() { static $x; return require ROOT . 'lib/mail.php'; }",
    ];
    for code in right {
        check(code, &[]);
        // The control: the same with a wrong name is told.
        let wrong = code.replace(".php'", ".phpp'").replace(".php\"", ".phpp\"");
        let files: Vec<(&str, String)> = AROUND
            .iter()
            .map(|(path, code)| (*path, (*code).to_owned()))
            .filter(|(path, _)| *path != "pages/home.php")
            .chain([("pages/home.php", format!("<?php\n{wrong}"))])
            .collect();
        assert_eq!(told(&report(&files)).len(), 1, "{wrong}");
    }
}

#[test]
fn a_wrong_name_is_told_with_place_and_the_nearest_right_one() {
    check(
        "  require ROOT . 'lib/mail.phpp';",
        &["error include-not-found pages/home.php:2:11 lib/mail.phpp -> lib/mail.php"],
    );
    check(
        "\n\ninclude_once dirname(__DIR__) . '/lib/amil.php';",
        &["warning include-not-found pages/home.php:4:14 lib/amil.php -> lib/mail.php"],
    );
    check(
        "require_once(ROOT . 'lib/view.php');",
        &["error include-not-found pages/home.php:2:14 lib/view.php -> lib/View.php"],
    );
    check(
        "require ROOT . 'libs/mail.php';",
        &["error include-not-found pages/home.php:2:9 libs/mail.php -> lib/mail.php"],
    );
    check(
        "require __DIR__ . 'about.php';",
        &["error include-not-found pages/home.php:2:9 pagesabout.php -> pages/about.php"],
    );
    check(
        "require ROOT . 'lib/session.php';",
        &["error include-not-found pages/home.php:2:9 lib/session.php"],
    );
    check(
        "require './lib/mial.php';",
        &["error include-not-found pages/home.php:2:9 lib/mial.php -> lib/mail.php"],
    );
}

#[test]
fn what_cannot_be_told_is_no_finding() {
    let unknown = [
        "require $file;",
        "require ROOT . $_GET['page'] . '.php';",
        "require UNDEFINED . '/x.php';",
        "require '/etc/site/x.php';",
        "require 'phar://x.phar/y.php';",
        "require dirname(ROOT) . '/x.php';",
        "require __DIR__ . '/../../x.php';",
        "$f = 'a.php'; if (rand()) { $f = $_GET['f']; } require $f;",
        "if (rand()) { $f = 'a.php'; } require $f;",
        "while (rand()) { require $f; $f = 'a.php'; }",
        "foreach (glob('*') as $f) { require $f; }",
        "$f = 'a.php'; list($f) = g(); require $f;",
        "function f($f) { require $f; }",
        "$f = 'a.php'; function f() { require $f; }",
        "$f = 'a.php'; $f .= g(); require $f;",
        "require rand() ? 'a.php' : $f;",
    ];
    for code in unknown {
        check(code, &[]);
    }
    // The control: of two ways to read it, both lead to nothing.
    check(
        "if (rand()) { $f = 'a.php'; } $f = require 'a.php';",
        &["warning include-not-found pages/home.php:2:44 pages/a.php"],
    );
    check(
        "$f = 'a.php'; if (rand()) { $f = 'b.php'; } require $f;",
        &["warning include-not-found pages/home.php:2:53 pages/a.php"],
    );
    check("$f = 'a.php'; if (rand()) { $f = 'about.php'; } require $f;", &[]);
}

#[test]
fn a_constant_is_what_its_own_file_says_else_anything_that_any_file_says() {
    let elsewhere = [("conf/a.php", "<?php\ndefine('PLACE', __DIR__);")];
    check_with(
        &elsewhere,
        "require PLACE . '/x.php';",
        &["error include-not-found pages/home.php:2:9 conf/x.php"],
    );
    let unknown_too = [
        ("conf/a.php", "<?php\ndefine('PLACE', __DIR__);"),
        ("conf/b.php", "<?php\ndefine('PLACE', getenv('PLACE'));"),
    ];
    check_with(&unknown_too, "require PLACE . '/x.php';", &[]);
    check_with(
        &unknown_too,
        "const PLACE = __DIR__; require PLACE . '/x.php';",
        &["error include-not-found pages/home.php:2:32 pages/x.php"],
    );
    let in_tests = [
        ("conf/a.php", "<?php\ndefine('PLACE', __DIR__);"),
        ("tests/b.php", "<?php\ndefine('PLACE', getenv('PLACE'));"),
    ];
    check_with(
        &in_tests,
        "require PLACE . '/x.php';",
        &["error include-not-found pages/home.php:2:9 conf/x.php"],
    );
}

#[test]
fn code_that_expects_a_file_to_be_missing_is_left_alone() {
    let guarded = [
        "@include ROOT . 'lib/local.php';",
        "if (file_exists(ROOT . 'lib/local.php')) { require ROOT . 'lib/local.php'; }",
        "$f = ROOT . 'lib/local.php'; if (!is_readable($f)) { return; } require $f;",
        "$f = ROOT . 'lib/local.php'; if (is_file($f)) require ROOT . 'lib/local.php';",
        "if ($this->fs->exists(ROOT . 'lib/local.php')) require ROOT . 'lib/local.php';",
        "if (function_exists('intl')) { require ROOT . 'lib/local.php'; }",
        "class_exists('X') || require ROOT . 'lib/local.php';",
    ];
    for code in guarded {
        check(code, &[]);
    }
    let told = |at: &str| format!("error include-not-found pages/home.php:2:{at} lib/local.php");
    check("require ROOT . 'lib/local.php';", &[&told("9")]);
    check(
        "function f() { return file_exists(ROOT . 'lib/local.php'); } require ROOT . 'lib/local.php';",
        &[&told("70")],
    );
    // A slip of the keys is wrong whether or not something is declared.
    check(
        "if (!class_exists('Mail')) { require ROOT . 'lib/mial.php'; }",
        &["error include-not-found pages/home.php:2:38 lib/mial.php -> lib/mail.php"],
    );
}

#[test]
fn links_are_followed_inside_the_tree_and_nowhere_else() {
    let links = [
        ("shared", "-> lib"),
        ("gone", "-> nowhere"),
        ("out", "-> /srv/shared"),
        ("closed", "!! permission denied"),
    ];
    let note = "note not-checked closed:1:1";
    check_with(&links, "require ROOT . 'shared/mail.php';", &[note]);
    check_with(&links, "require ROOT . 'gone/mail.php';", &[note]);
    check_with(&links, "require ROOT . 'out/mail.php';", &[note]);
    check_with(&links, "require ROOT . 'closed/mail.php';", &[note]);
    check_with(
        &links,
        "require ROOT . 'shared/mial.php';",
        &[note, "error include-not-found pages/home.php:2:9 shared/mial.php"],
    );
}

#[test]
fn a_file_included_between_may_change_a_variable() {
    let code = "$dir = __DIR__; require ROOT . 'lib/load.php'; require $dir . '/x.php';";
    check(code, &["error include-not-found pages/home.php:2:56 pages/x.php"]);
    check_with(&[("lib/other.php", "<?php\n$dir = getenv('DIR');")], code, &[]);
}

#[test]
fn an_include_path_that_is_set_may_hold_any_bare_name() {
    check(
        "require 'x.php';",
        &["warning include-not-found pages/home.php:2:9 pages/x.php"],
    );
    let set = [("lib/path.php", "<?php\nset_include_path(getenv('LIBS'));")];
    check_with(&set, "require 'x.php';", &[]);
    check_with(
        &set,
        "require './x.php';",
        &["error include-not-found pages/home.php:2:9 pages/x.php"],
    );
}
