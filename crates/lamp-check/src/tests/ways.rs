//! Ways to write a name that are read as PHP reads them: with the file there nothing is told, without it that very name.

use super::{report, told};

/// `code` stands in pages/home.php, from its second line on, beside `more`; it includes `file`, whatever it is called by.
#[track_caller]
fn check_with(more: &[(&str, &str)], code: &str, file: &str) {
    let home = format!("<?php\n{code}");
    let around = [
        ("index.php", "<?php\nrequire 'pages/home.php';\necho 1;"),
        ("pages/home.php", home.as_str()),
    ];
    let with: Vec<(&str, &str)> = around
        .iter()
        .chain(more)
        .copied()
        .chain([(file, "<?php\nclass Found {}")])
        .collect();
    assert_eq!(told(&report(&with)), [""; 0], "{code}");
    // The control: the same without the file.
    let without: Vec<(&str, &str)> = around.iter().chain(more).copied().collect();
    let findings = report(&without).findings;
    let missing: Vec<Option<&str>> = findings.iter().map(|finding| finding.target.as_deref()).collect();
    assert_eq!(missing, [Some(file)], "{code}");
}

#[track_caller]
fn check(code: &str, file: &str) {
    check_with(&[], code, file);
}

#[test]
fn a_variable_that_every_branch_writes() {
    check(
        "if (rand()) { $d = __DIR__; } else { $d = dirname(__DIR__) . '/pages'; } require $d . '/a.php';",
        "pages/a.php",
    );
    check(
        "if (rand()): $d = __DIR__; elseif (rand()): $d = __DIR__; else: $d = __DIR__; endif; require $d . '/a.php';",
        "pages/a.php",
    );
    for code in [
        "if (rand()) { $d = __DIR__; } elseif (rand()) { $d = __DIR__; }",
        "if (rand()) { $d = __DIR__; } else { if (rand()) { $d = __DIR__; } }",
    ] {
        let files = [("x.php", format!("<?php\n{code} require $d . '/gone.php';"))];
        assert_eq!(told(&report(&files)), [""; 0], "{code}");
    }
}

#[test]
fn a_directory_is_no_file() {
    let files = |code: &str| {
        [
            ("x.php", format!("<?php\n{code}")),
            ("lib/mail.php", "<?php\n".to_owned()),
        ]
    };
    assert_eq!(told(&report(&files("require __DIR__ . '/lib';"))).len(), 1);
    assert_eq!(told(&report(&files("require __DIR__ . '/lib/' . $x;"))), [""; 0]);
    assert_eq!(told(&report(&files("require __DIR__ . '/lib/';"))), [""; 0]);
}

#[test]
fn class_constants() {
    check(
        "class A { const DIR = __DIR__ . '/x/'; function f() { require self::DIR . 'a.php'; } }",
        "pages/x/a.php",
    );
    check(
        "class A { const DIR = __DIR__; } class B extends A { function f() { require static::DIR . '/a.php'; } }",
        "pages/a.php",
    );
    check_with(
        &[(
            "lib/Paths.php",
            "<?php\nnamespace App;\nfinal class Paths { public const LIB = __DIR__; }",
        )],
        "use App\\Paths; require Paths::LIB . '/a.php';",
        "lib/a.php",
    );
}

#[test]
fn a_class_constant_that_a_class_beneath_has_otherwise_is_not_told() {
    let code = "class A { const DIR = __DIR__; function f() { require static::DIR . '/gone.php'; } } class B extends A { const DIR = UNKNOWN; }";
    assert_eq!(told(&report(&[("a.php", format!("<?php\n{code}"))])), [""; 0]);
}

#[test]
fn properties_with_values_that_are_written_out() {
    check(
        "class A { private $dir = 'x'; function f() { require __DIR__ . \"/{$this->dir}/a.php\"; } }",
        "pages/x/a.php",
    );
    check(
        "class A { private $dir; function __construct() { $this->dir = __DIR__; } function f() { require $this->dir . '/a.php'; } }",
        "pages/a.php",
    );
    check(
        "class A { static $dir = __DIR__; static function f() { require self::$dir . '/a.php'; } }",
        "pages/a.php",
    );
}

#[test]
fn a_property_that_anybody_may_write_is_not_told() {
    let code = "class A { public $dir = __DIR__; function f() { require $this->dir . '/gone.php'; } } function g($a, $d) { $a->dir = $d; }";
    let files = [("a.php", format!("<?php\n{code}"))];
    assert_eq!(told(&report(&files)), [""; 0]);
}

#[test]
fn functions_and_methods_that_give_a_path() {
    check(
        "function lib($file) { return __DIR__ . '/lib/' . $file; } require lib('a.php');",
        "pages/lib/a.php",
    );
    check(
        "function lib($file, $end = '.php') { return __DIR__ . '/' . $file . $end; } require lib('a');",
        "pages/a.php",
    );
    check(
        "class A { function dir() { return __DIR__; } function f() { require $this->dir() . '/a.php'; } }",
        "pages/a.php",
    );
    check_with(
        &[(
            "lib/Paths.php",
            "<?php\nclass Paths { static function to($file) { return __DIR__ . '/' . $file; } }",
        )],
        "require Paths::to('a.php');",
        "lib/a.php",
    );
    check(
        "function lib($x) { if ($x) { return __DIR__ . '/one/'; } return __DIR__ . '/two/'; } require lib(1) . 'a.php';",
        "pages/one/a.php",
    );
}

#[test]
fn a_function_that_may_be_another_is_not_told() {
    let declared = "<?php\nif (!function_exists('lib')) { function lib($file) { return __DIR__ . '/' . $file; } }\nrequire lib('gone.php');";
    assert_eq!(told(&report(&[("a.php", declared)])), [""; 0]);
    let overridden = "<?php\nclass A { function dir() { return __DIR__; } function f() { require $this->dir() . '/gone.php'; } } class B extends A { function dir() { return getenv('DIR'); } }";
    assert_eq!(told(&report(&[("a.php", overridden)])), [""; 0]);
    let long = "<?php\nfunction lib($n) { if ($n == 1) return 'a'; if ($n == 2) return 'b'; if ($n == 3) return 'c'; if ($n == 4) return 'd'; return 'e'; }\nrequire __DIR__ . '/' . lib(1);";
    assert_eq!(told(&report(&[("a.php", long)])), [""; 0]);
}

#[test]
fn variables_of_all_files_and_elements_of_arrays() {
    check(
        "$c = ['dir' => __DIR__ . '/x', 'y' => 1]; require $c['dir'] . '/a.php';",
        "pages/x/a.php",
    );
    check(
        "$c = array(); $c['dir'] = __DIR__; $c['more']['y'] = 1; require $c['dir'] . '/a.php';",
        "pages/a.php",
    );
    let config = [(
        "lib/config.php",
        "<?php\n$config['lib'] = __DIR__;\n$root = dirname(__DIR__);",
    )];
    check_with(
        &config,
        "function f() { global $config; require $config['lib'] . '/a.php'; }",
        "lib/a.php",
    );
    check_with(
        &config,
        "function f() { global $root; require $root . '/a.php'; }",
        "a.php",
    );
    check_with(
        &config,
        "function f() { require $GLOBALS['root'] . '/a.php'; }",
        "a.php",
    );
    check_with(
        &config,
        "require __DIR__ . '/../lib/config.php'; require $config['lib'] . '/a.php';",
        "lib/a.php",
    );
    check_with(
        &config,
        "function f() { global $config; unset($_COOKIE[$config['x']]); require $config['lib'] . '/a.php'; }",
        "lib/a.php",
    );
}

#[test]
fn a_variable_of_all_files_with_a_value_that_cannot_be_told_is_not_told() {
    let read = "<?php\nfunction f() { global $config; require $config['lib'] . '/gone.php'; }";
    let unknown = [
        "$config['lib'] = getenv('LIB');",
        "$config = load();",
        "$config[$key] = 1;",
        "function g($c) { global $config; $config = $c; }",
    ];
    for write in unknown {
        let config = format!("<?php\n$config['lib'] = __DIR__;\n{write}");
        assert_eq!(
            told(&report(&[("a.php", read), ("b.php", &config)])),
            [""; 0],
            "{write}"
        );
    }
    let given = "<?php\nrequire $config['lib'] . '/gone.php';";
    let config = "<?php\n$config['lib'] = __DIR__;";
    assert_eq!(
        told(&report(&[("a.php", given), ("b.php", config)])),
        [""; 0],
        "whoever includes it may have another"
    );
    let local = "<?php\nfunction f($config) { require $config['lib'] . '/gone.php'; }";
    assert_eq!(told(&report(&[("a.php", local), ("b.php", config)])), [""; 0]);
}

#[test]
fn elements_of_a_list_that_is_written_out() {
    check(
        "foreach (['a'] as $name) { require __DIR__ . \"/$name.php\"; }",
        "pages/a.php",
    );
    check(
        "$names = array('x' => 'a'); foreach ($names as $key => $name) { require __DIR__ . '/' . $name . '.php'; }",
        "pages/a.php",
    );
    let added = "<?php\n$names = ['gone']; $names[] = g(); foreach ($names as $name) { require __DIR__ . \"/$name.php\"; }";
    assert_eq!(told(&report(&[("a.php", added)])), [""; 0]);
}

#[test]
fn functions_that_paths_are_made_with() {
    check("require sprintf('%s/x/%s.php', __DIR__, 'a');", "pages/x/a.php");
    check("require implode('/', [__DIR__, 'x', 'a.php']);", "pages/x/a.php");
    check(
        "require implode(DIRECTORY_SEPARATOR, array(__DIR__, 'a.php'));",
        "pages/a.php",
    );
    check("require rtrim(__DIR__ . '/', '/') . '/a.php';", "pages/a.php");
    check("require rtrim(__DIR__, '/\\\\') . '/a.php';", "pages/a.php");
    check(
        "require str_replace('\\\\', '/', __DIR__) . '/a.php';",
        "pages/a.php",
    );
    check("require substr(__DIR__, 0, -6) . '/a.php';", "a.php");
    check("require __DIR__ . '/' . strtolower('A') . '.php';", "pages/a.php");
    check(
        "$file = __DIR__ . '/a'; $file .= '.php'; require $file;",
        "pages/a.php",
    );
    check(
        "require __DIR__ . match (true) { default => '/a.php' };",
        "pages/a.php",
    );
}

#[test]
fn directories_that_the_include_path_is_set_to() {
    let set = [(
        "lib/path.php",
        "<?php\nset_include_path(dirname(__DIR__) . '/inc' . PATH_SEPARATOR . get_include_path());",
    )];
    let files = |more: &'static str| {
        let found = [("pages/home.php", "<?php\nrequire 'mail.php';"), set[0]];
        found
            .into_iter()
            .chain([(more, "<?php\nclass A {}")])
            .collect::<Vec<_>>()
    };
    assert_eq!(told(&report(&files("inc/mail.php"))), [""; 0]);
    assert_eq!(
        told(&report(&files("inc/mial.php"))),
        ["error include-not-found pages/home.php:2:9 inc/mail.php -> inc/mial.php"]
    );
    // Nothing near is there: a library outside the tree may be meant.
    assert_eq!(
        told(&report(&files("inc/other.php"))),
        ["warning include-not-found pages/home.php:2:9 pages/mail.php"]
    );
}

#[test]
fn composers_list_is_the_include_path() {
    let files = |target: &'static str| {
        [
            (
                "vendor/composer/autoload_real.php",
                "<?php\nclass R { function f() { $p = require __DIR__ . '/include_paths.php'; $p[] = get_include_path(); set_include_path(implode(PATH_SEPARATOR, $p)); } }",
            ),
            (
                "vendor/composer/include_paths.php",
                "<?php\n$v = dirname(__DIR__);\nreturn array($v . '/pear/mail', );",
            ),
            ("vendor/pear/mail/Mail/smtp.php", "<?php\nrequire 'Net/SMTP.php';"),
            (target, "<?php\nclass A {}"),
        ]
    };
    assert_eq!(told(&report(&files("vendor/pear/mail/Net/SMTP.php"))), [""; 0]);
    assert_eq!(
        told(&report(&files("vendor/pear/mail/Net/SMPT.php"))),
        [
            "error include-not-found vendor/pear/mail/Mail/smtp.php:2:9 vendor/pear/mail/Net/SMTP.php -> vendor/pear/mail/Net/SMPT.php"
        ]
    );
}

/// What `$lang` holds is not known; that no file ends so is.
#[test]
fn a_name_with_an_unknown_part_fits_some_file_or_none() {
    let lang = [("lang/en.inc.php", "<?php\n"), ("lang/de.inc.php", "<?php\n")];
    let files = |code: &str| {
        [
            ("index.php", format!("<?php\n{code}")),
            (lang[0].0, lang[0].1.to_owned()),
            (lang[1].0, lang[1].1.to_owned()),
        ]
    };
    let told_of = |code: &str| told(&report(&files(code)));
    assert_eq!(told_of("require __DIR__ . \"/lang/$lang.inc.php\";"), [""; 0]);
    assert_eq!(
        told_of("require __DIR__ . \"/lang/$lang.inc.phpp\";"),
        ["warning include-not-found index.php:2:9 lang/*.inc.phpp -> lang/de.inc.php"]
    );
    assert_eq!(told_of("require \"lnag/$lang.inc.php\";").len(), 1);
    // Nothing is near: the site may make such files.
    assert_eq!(told_of("require __DIR__ . \"/cache/$name.php\";"), [""; 0]);
    // Nothing is known of the directory: it is told only if one nearly ends so.
    assert_eq!(told_of("require $dir . '/lang/en.inc.php';"), [""; 0]);
    assert_eq!(told_of("require $dir . '/lib/Mail.php';"), [""; 0]);
    assert_eq!(
        told_of("require $dir . '/lang/en.inc.phpp';"),
        ["warning include-not-found index.php:2:9 */lang/en.inc.phpp -> lang/en.inc.php"]
    );
    assert_eq!(
        told_of("if (file_exists($f = \"lang/$lang.inc.phpp\")) require $f;"),
        [""; 0]
    );
}

#[test]
fn a_script_that_is_started_looks_from_its_own_directory() {
    let files = [
        (
            "a/index.php",
            "<?php\nrequire './part.php';\nrequire './view.php';\necho 1;",
        ),
        ("a/part.php", "<?php\nclass Part {}"),
        ("b/index.php", "<?php\nrequire './view.php';\necho 1;"),
        ("b/view.php", "<?php\nclass View {}"),
    ];
    assert_eq!(
        told(&report(&files)),
        ["error include-not-found a/index.php:3:9 a/view.php -> b/view.php"]
    );
    let mut elsewhere = files;
    elsewhere[0].1 = "<?php\nrequire './part.php';\nchdir('../b');\nrequire './view.php';\necho 1;";
    assert_eq!(told(&report(&elsewhere)), [""; 0], "it goes elsewhere first");
    let mut part = files;
    part[0].1 = "<?php\nrequire './view.php';\necho 1;";
    assert_eq!(
        told(&report(&part)),
        [""; 0],
        "nothing says that it is started where it stands"
    );
}

#[test]
fn what_phpstan_is_told_to_ignore_and_what_is_never_run_is_left_alone() {
    let silent = [
        "require __DIR__ . '/a.php'; // @phpstan-ignore requireOnce.fileNotFound (made on install)",
        "// @phpstan-ignore-next-line\nrequire __DIR__ . '/a.php';",
        "/** @phpstan-ignore require.fileNotFound */\nrequire __DIR__ . '/a.php';",
        "require __DIR__ . '/a.php'; // @phpstan-ignore-line",
        "if (false) { require __DIR__ . '/a.php'; }",
        "if (0): require __DIR__ . '/a.php'; endif;",
    ];
    for code in silent {
        assert_eq!(
            told(&report(&[("x.php", format!("<?php\n{code}"))])),
            [""; 0],
            "{code}"
        );
    }
    let loud = [
        "// @phpstan-ignore variable.undefined\nrequire __DIR__ . '/a.php';",
        "// @phpstan-ignore-next-line\n\nrequire __DIR__ . '/a.php';",
        "if (false) {} else { require __DIR__ . '/a.php'; }",
        "if (1) { require __DIR__ . '/a.php'; }",
    ];
    for code in loud {
        assert_eq!(
            told(&report(&[("x.php", format!("<?php\n{code}"))])).len(),
            1,
            "{code}"
        );
    }
}

#[test]
fn what_the_site_itself_does_not_run_is_a_warning() {
    let missing = "<?php\nrequire __DIR__ . '/gone.php';";
    let files = [
        ("tests/a.php", missing),
        ("vendor/x/examples/b.php", missing),
        ("vendor/x/src/c.php", missing),
    ];
    assert_eq!(
        told(&report(&files)),
        [
            "warning include-not-found tests/a.php:2:9 tests/gone.php",
            "warning include-not-found vendor/x/examples/b.php:2:9 vendor/x/examples/gone.php",
            "error include-not-found vendor/x/src/c.php:2:9 vendor/x/src/gone.php",
        ]
    );
}

/// Names that applications are known to set, however they compute them.
#[test]
fn directories_that_applications_are_known_by() {
    let files = |name: &'static str| {
        [
            ("include/cacti_version", "1"),
            (
                "include/global.php",
                "<?php\n$config['base_path'] = preg_replace('/x/', '', __DIR__);",
            ),
            (
                "lib/a.php",
                "<?php\nfunction f() { global $config; require $config['base_path'] . '/lib/b.php'; }",
            ),
            (name, "<?php\nclass B {}"),
        ]
    };
    assert_eq!(told(&report(&files("lib/b.php"))), [""; 0]);
    assert_eq!(
        told(&report(&files("lib/bb.php"))).len(),
        1,
        "the control: it is not there"
    );
    let wiki = |name: &'static str| {
        [
            ("includes/WebStart.php", "<?php\n"),
            (
                "extensions/X/m.php",
                "<?php\n$IP = getenv('MW_INSTALL_PATH');\nif ($IP === false) { $IP = __DIR__ . '/../..'; }\nrequire \"$IP/maintenance/M.php\";",
            ),
            (name, "<?php\nclass M {}"),
        ]
    };
    assert_eq!(told(&report(&wiki("maintenance/M.php"))), [""; 0]);
    assert_eq!(told(&report(&wiki("maintenance/MM.php"))).len(), 1);
}
