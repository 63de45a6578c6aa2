//! Trees and what surrounds their PHP, and bytes that no person would write.

mod fuzz;

use crate::setting::{AllowOverride, ApacheSetting, Extensions, Modules, PhpVersion};
use crate::tests::{Written, told};
use crate::{Limits, SYNTAX_ERROR, Setting, check};

use super::RULES;

const PAGE: (&str, &str) = ("index.php", "<?php\nfunction page() {}\npage();\n");

/// What this family tells of a tree, and that PHP cannot parse something.
fn told_of(setting: &Setting, files: &[(&str, &str)]) -> Vec<String> {
    let mut report = check(&Written::new(files), setting, &Limits::default());
    let is_own = |name: &str| RULES.iter().any(|rule| rule.name == name) || name == SYNTAX_ERROR;
    report.findings.retain(|finding| is_own(finding.rule.as_str()));
    told(&report)
}

#[track_caller]
fn check_in(setting: &Setting, files: &[(&str, &str)], expected: &[&str]) {
    let files = [&[PAGE], files].concat();
    assert_eq!(told_of(setting, &files), expected, "{files:?}");
}

#[track_caller]
fn check_tree(files: &[(&str, &str)], expected: &[&str]) {
    check_in(&Setting::default(), files, expected);
}

#[track_caller]
fn check_htaccess(text: &str, expected: &[&str]) {
    let expected: Vec<String> = expected
        .iter()
        .map(|told| told.replace('@', ".htaccess"))
        .collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    check_tree(&[(".htaccess", text)], &expected);
}

fn with(apache: ApacheSetting) -> Setting {
    Setting {
        apache,
        ..Setting::default()
    }
}

#[test]
fn a_htaccess_that_apache_refuses_is_an_error() {
    check_htaccess(
        "RewriteEngine On\n</IfModule>\n",
        &["error htaccess-section @:2:1"],
    );
    check_htaccess("<IfModule mod_rewrite.c>\n", &["warning htaccess-section @:1:1"]);
    check_htaccess(
        "RewriteEngin On\n",
        &["error htaccess-unknown-directive @:1:1 -> RewriteEngine"],
    );
    check_htaccess(
        "\u{feff}Options -Indexes\n",
        &["error htaccess-unknown-directive @:1:1"],
    );
    check_htaccess(
        "Options -Indexes\nphp_admin_value a b\n",
        &["error htaccess-not-allowed @:2:1"],
    );
    check_htaccess(
        "<Directory />\n</Directory>\n",
        &["error htaccess-not-allowed @:1:1"],
    );
    check_htaccess("RewriteRule ^(a b [L]\n", &["error htaccess-rewrite @:1:1"]);
    check_htaccess("Options Indexes -ExecCGI\n", &["error htaccess-arguments @:1:1"]);
    check_htaccess("Order allow, deny\n", &["error htaccess-arguments @:1:1"]);
}

#[test]
fn a_htaccess_that_is_well_known_is_left_alone() {
    check_htaccess(
        "# BEGIN\n<IfModule mod_rewrite.c>\nRewriteEngine On\nRewriteBase /\nRewriteRule ^index\\.php$ - [L]\n\
         RewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule . /index.php [L]\n</IfModule>\n",
        &[],
    );
    check_htaccess(
        "<IfModule !mod_authz_core.c>\nOrder deny,allow\nDeny from all\n</IfModule>\n",
        &[],
    );
    check_htaccess(
        "<IfModule LiteSpeed>\nCacheLookup on\nAnything at all\n</IfModule>\n",
        &[],
    );
    check_htaccess("SecRuleEngine Off\n", &[]);
    check_htaccess(
        "<IfModule mod_php7.c>\nphp_value memory_limit 1G\n</IfModule>\n",
        &[],
    );
    check_tree(&[("tests/.htaccess", "RewriteEngin On\n")], &[]);
}

#[test]
fn what_the_module_of_somebody_may_bring_is_a_warning() {
    check_htaccess("FooBarBaz On\n", &["warning htaccess-unknown-directive @:1:1"]);
    check_htaccess(
        "php_value memory_limit 1G\n",
        &["warning htaccess-module-not-loaded @:1:1"],
    );
}

#[test]
fn what_betrays_a_site_is_an_error_though_apache_takes_it() {
    check_htaccess(
        "<IfModule mod_php.c>\nphp_flag log_errors off\n</IfModule>\n",
        &["error hidden-errors @:2:1"],
    );
    check_htaccess("SetEnv dontlog 1\n", &["error hidden-errors @:1:1"]);
    check_htaccess(
        "SetHandler \"proxy:unix:/run/x|fcgi://x\"\n",
        &["error htaccess-proxy @:1:1"],
    );
    check_htaccess(
        "RewriteRule ^a http://127.0.0.1:1/ [P]\n",
        &["error htaccess-proxy @:1:1"],
    );
    check_tree(
        &[(".user.ini", "log_errors = Off\n")],
        &["error hidden-errors .user.ini:1:1"],
    );
    check_tree(&[(".user.ini", "log_errors = On\ndisplay_errors = Off\n")], &[]);
    check_tree(
        &[(
            ".user.ini",
            "post_max_size = 8MB\nmemory_limit = 128MB\nfile_uploads = On\nupload_max_filesize = 8M\n",
        )],
        &[
            "error ini-value .user.ini:1:1 -> 8M",
            "warning ini-value .user.ini:2:1 -> 128M",
            "warning ini-value .user.ini:3:1",
        ],
    );
    check_htaccess(
        "<IfModule php_module>\nphp_value post_max_size 20MB\nphp_value memory_limit 1G\n</IfModule>\n",
        &["error ini-value @:2:1 -> 20M"],
    );
}

#[test]
fn a_piece_of_the_servers_configuration_is_read_as_apache_reads_it() {
    let host = "<VirtualHost *:80>\n  ServerName x\n  DocumentRoot /srv/x\n  <Directory /srv/x>\n    AllowOverride \
                All\n  </Directory>\n</VirtualHost>\n";
    check_tree(&[("deploy/site.conf", host)], &[]);
    let slip = host.replace("DocumentRoot", "DocumentRot");
    check_tree(
        &[("deploy/site.conf", &slip)],
        &["warning apache-snippet deploy/site.conf:3:1 -> DocumentRoot"],
    );
    let open = host.replace("  </Directory>\n", "");
    check_tree(
        &[("deploy/site.conf", &open)],
        &["warning apache-snippet deploy/site.conf:6:1"],
    );
    let other = "server {\n  locaton / { }\n}\n";
    check_tree(&[("deploy/nginx.conf", other), ("tests/site.conf", &slip)], &[]);
}

#[test]
fn the_host_decides_what_apache_knows() {
    let host = |modules: &str, allowed: Option<&str>| {
        with(ApacheSetting {
            modules: Modules::parse(modules).ok(),
            allow_override: allowed.map(|allowed| AllowOverride::parse(allowed).expect("an override")),
        })
    };
    let expires = [(".htaccess", "ExpiresActive On\n")];
    let not_loaded = "error htaccess-module-not-loaded .htaccess:1:1";
    check_in(&host("rewrite_module", None), &expires, &[not_loaded]);
    check_in(&host("rewrite_module,expires_module", None), &expires, &[]);
    let guarded = [(
        ".htaccess",
        "<IfModule mod_expires.c>\nExpiresActive On\nNonsens3e On\n</IfModule>\n",
    )];
    check_in(&host("rewrite_module", None), &guarded, &[]);
    check_in(
        &host("expires_module", Some("FileInfo")),
        &expires,
        &["error htaccess-not-allowed .htaccess:1:1"],
    );
    check_in(&host("expires_module", Some("Indexes FileInfo")), &expires, &[]);
    // Apache does not read the file.
    check_in(
        &host("expires_module", Some("None")),
        &[(".htaccess", "RewriteEngin On\n")],
        &[],
    );
    let php = [(".htaccess", "php_value memory_limit 1G\n")];
    check_in(&host("rewrite_module", None), &php, &[not_loaded]);
    check_in(&host("rewrite_module,php_module", None), &php, &[]);
}

#[test]
fn a_prepended_file_is_looked_for() {
    let ini = |value: &str| format!("auto_prepend_file = {value}\n");
    check_tree(
        &[(".user.ini", &ini("wall/wal.php")), ("wall/wall.php", "<?php\n")],
        &["error prepend-not-found .user.ini:1:1 wall/wal.php -> wall/wall.php"],
    );
    check_tree(
        &[(".user.ini", &ini("wall/wall.php")), ("wall/wall.php", "<?php\n")],
        &[],
    );
    check_tree(&[(".user.ini", &ini("none"))], &[]);
    check_tree(
        &[(".user.ini", &ini("/srv/wall.php"))],
        &["warning prepend-not-found .user.ini:1:1"],
    );
    check_htaccess(
        "php_value auto_prepend_file x.php\n",
        &[
            "warning htaccess-module-not-loaded @:1:1",
            "error prepend-not-found @:1:1 x.php",
        ],
    );
}

/// PHP 8.2 was asked about each.
#[test]
fn what_php_takes_only_first_stands_first() {
    let check_php = |text: &str, expected: &[&str]| check_tree(&[("a.php", text)], expected);
    let told = |line: u32, column: u32| format!("error not-first a.php:{line}:{column}");
    check_php("\u{feff}<?php\nnamespace A;\n", &[&told(2, 1)]);
    check_php("\n<?php\nnamespace A;\n", &[&told(3, 1)]);
    check_php("<?php echo 1; namespace A;\n", &[&told(1, 15)]);
    check_php("<?php function f() {} namespace A;\n", &[&told(1, 23)]);
    check_php("<?php ?> \n<?php namespace A;\n", &[&told(2, 7)]);
    check_php(" <?php declare(strict_types=1);\n", &[&told(1, 8)]);
    check_php("<?php ?>\n<?php namespace A;\n", &[]);
    check_php("#!/usr/bin/php\n<?php\nnamespace A;\n", &[]);
    check_php("<?php // a\ndeclare(strict_types=1);\nnamespace A;\n", &[]);
}

#[test]
fn output_before_php_is_told_where_it_matters() {
    let told = "warning output-before-php a.php:1:1";
    check_tree(&[("a.php", "\u{feff}<?php\nfunction f() {}\n")], &[told]);
    check_tree(&[("a.php", "\n<?php\nsession_start();\n")], &[told]);
    check_tree(&[("a.php", "\n<?php\nfunction f() {}\n")], &[]);
    check_tree(&[("a.php", "<p>\n<?php\nheader('X: y');\n")], &[]);
}

const CONFLICT: &str = "<<<<<<< HEAD\n$a = 1;\n=======\n$a = 2;\n>>>>>>> topic\n";

#[test]
fn a_merge_that_was_not_finished_is_told_once_and_by_its_name() {
    let php = format!("<?php\n{CONFLICT}");
    check_tree(&[("a.php", &php)], &["error conflict-marker a.php:2:1"]);
    let comment = format!("<?php\n/*\n{CONFLICT}*/\n");
    check_tree(&[("a.php", &comment)], &["warning conflict-marker a.php:3:1"]);
    check_tree(
        &[(".htaccess", CONFLICT)],
        &["error conflict-marker .htaccess:1:1"],
    );
    check_tree(&[("app.js", CONFLICT)], &["error conflict-marker app.js:1:1"]);
    check_tree(
        &[("docs/app.js", CONFLICT)],
        &["warning conflict-marker docs/app.js:1:1"],
    );
    check_tree(&[("README.md", CONFLICT)], &[]);
}

#[test]
fn leftovers_are_told_where_they_always_run() {
    let check_php = |text: &str, expected: &[&str]| check_tree(&[("a.php", text)], expected);
    check_php("<?php\nvar_dump($_GET);\n", &["warning debug-leftover a.php:2:1"]);
    check_php("<?php phpinfo();\n", &["warning debug-leftover a.php:1:7"]);
    check_php(
        "<?php\necho 1;\nexit;\necho 2;\n",
        &["warning debug-leftover a.php:3:1"],
    );
    check_php("<?php\necho 1;\nexit;\nfunction f() {}\n", &[]);
    check_php("<?php\nif (defined('X')) { exit; }\necho 2;\n", &[]);
    check_tree(&[("vendor/a.php", "<?php\nvar_dump($_GET);\n")], &[]);
}

#[test]
fn what_does_not_belong_in_a_release_is_told_by_name_and_content() {
    check_tree(
        &[("wp-config.php.bak", "<?php")],
        &["warning backup-file wp-config.php.bak:1:1"],
    );
    check_tree(
        &[(".env", "A=1\nDB_PASSWORD=uG7-kkq2!x\n")],
        &["warning env-file .env:2:1"],
    );
    check_tree(&[(".env.example", "DB_PASSWORD=uG7-kkq2!x\n")], &[]);
    let dump = "-- MySQL dump 10\nINSERT INTO `u` VALUES (1,'$2y$10$abc');";
    check_tree(&[("backup.sql", dump)], &["warning database-dump backup.sql:1:1"]);
    check_tree(&[("schema.sql", "CREATE TABLE u (a int);")], &[]);
    check_tree(&[(".git/HEAD", "x")], &[]);
    check_tree(
        &[("plugins/a/.git/HEAD", "x")],
        &["warning history-in-the-tree plugins/a/.git:1:1"],
    );
}

const MANIFEST: &str = r#"{"name": "a/b", "require": {"php": ">=7.4", "ext-intl": "*", "c/d": "^1.0"}}"#;

/// The first hash is the one that composer's own function gives in PHP 8.2.
#[test]
fn composers_files_are_held_against_each_other_and_against_vendor() {
    let lock = |hash: &str| {
        format!(
            r#"{{"content-hash": "{hash}", "packages": [{{"name": "c/d", "version": "1.2"}}, {{"name": "e/f", "version": "1", "type": "metapackage"}}]}}"#
        )
    };
    let fresh = lock("e2516371460008f9591af23687ca3ecf");
    check_tree(&[("composer.json", MANIFEST), ("composer.lock", &fresh)], &[]);
    check_tree(
        &[("composer.json", MANIFEST), ("composer.lock", &lock("0"))],
        &["warning composer-lock-stale composer.lock:1:1"],
    );
    let vendor = ("vendor/composer/installed.json", r#"{"packages": []}"#);
    check_tree(
        &[("composer.json", MANIFEST), ("composer.lock", &fresh), vendor],
        &["warning composer-package-missing composer.lock:1:1 vendor/c/d"],
    );
    check_tree(
        &[
            ("composer.json", MANIFEST),
            ("composer.lock", &fresh),
            vendor,
            ("vendor/c/d/a.php", "<?php"),
        ],
        &[],
    );
    let listed = (
        "vendor/composer/installed.json",
        r#"{"packages": [{"name": "C/d"}]}"#,
    );
    check_tree(
        &[("composer.json", MANIFEST), ("composer.lock", &fresh), listed],
        &[],
    );
    check_tree(
        &[("composer.json", "{\"a\": 1,}")],
        &["warning composer-json composer.json:1:9"],
    );
}

#[test]
fn composers_platform_is_held_against_the_host() {
    let host = |php: (u8, u8), extensions: &str| Setting {
        php: Some(PhpVersion::new(php.0, php.1)),
        extensions: Extensions::parse(extensions).ok(),
        ..Setting::default()
    };
    let files = [("composer.json", MANIFEST)];
    let told = "error composer-platform composer.json:1:1";
    check_in(&host((8, 2), "intl"), &files, &[]);
    check_in(&host((8, 2), "mysqli"), &files, &[told]);
    check_in(&host((7, 3), "intl"), &files, &[told]);
    check_in(
        &host((7, 3), "mysqli"),
        &[("vendor/a/b/composer.json", MANIFEST)],
        &[],
    );
}

#[test]
fn a_template_that_is_not_there_is_told_where_the_root_is_certain() {
    let twig = [
        ("views/base.twig", "x"),
        ("views/pages/list.twig", "{% extends 'base.twig' %}"),
        ("views/pages/show.twig", "{% extends 'bsae.twig' %}"),
    ];
    check_tree(
        &twig,
        &["warning template-not-found views/pages/show.twig:1:1 views/bsae.twig -> views/base.twig"],
    );
    check_tree(&twig[2..], &[]);
    let blade = [
        ("artisan", ""),
        ("resources/views/a/b.blade.php", "x"),
        (
            "a.php",
            "<?php\nreturn [view('a.b'), view('a.c'), view('p::c')];\n",
        ),
    ];
    check_tree(
        &blade,
        &[
            "warning template-not-found a.php:2:27 resources/views/a/c.blade.php -> resources/views/a/b.blade.php",
        ],
    );
    check_tree(&blade[2..], &[]);
    check_tree(
        &[
            ("b/block.json", "{\"render\": \"file:./redner.php\"}"),
            ("b/render.php", "<?php"),
        ],
        &["warning block-file-not-found b/block.json:1:12 b/redner.php -> b/render.php"],
    );
}

#[test]
fn an_asset_that_is_not_there_is_told_where_a_slip_of_the_keys_leads_to_nothing() {
    let files = [
        ("public/css/style.css", "a { b: url(../img/logo.png) }"),
        (
            "public/css/page.css",
            "a { b: url(../img/lgoo.png); c: url(../img/other.png) }",
        ),
        ("public/img/logo.png", ""),
        ("public/img/own.png", ""),
        (
            "views/good.twig",
            "<link href=\"css/style.css\"><img src=\"img/logo.png\">",
        ),
        (
            "views/bad.twig",
            "<link href=\"css/stlye.css\"><img src=\"nothing/like/it.png\">",
        ),
        (
            "public/page.php",
            "<p>\n<?php echo 1 ?>\n<img src=\"img/Logo.png\">",
        ),
    ];
    check_tree(
        &files,
        &[
            "warning asset-not-found public/css/page.css:1:12 public/img/lgoo.png -> public/img/logo.png",
            "note asset-not-found public/css/page.css:1:37 public/img/other.png",
            "warning asset-not-found public/page.php:3:11 public/img/Logo.png -> public/img/logo.png",
            "warning asset-not-found views/bad.twig:1:13 public/css/stlye.css -> public/css/style.css",
        ],
    );
    // From nowhere is it known where a page looks.
    check_tree(&files[5..], &[]);
    let library: Vec<(String, &str)> = files
        .iter()
        .map(|(path, text)| (format!("vendor/{path}"), *text))
        .collect();
    let library: Vec<(&str, &str)> = library
        .iter()
        .map(|(path, text)| (path.as_str(), *text))
        .collect();
    check_tree(&library, &[]);
}

#[test]
fn parts_of_a_theme_are_looked_for() {
    let theme = |call: &str| {
        let index = format!("<?php\nget_header();\n{call}\n");
        let files: [(&str, &str); 5] = [
            ("t/one/style.css", ""),
            ("t/one/functions.php", "<?php"),
            ("t/one/parts/content-page.php", "<?php"),
            ("t/one/parts/post.php", "<?php"),
            ("t/one/index.php", &index),
        ];
        told_of(&Setting::default(), &files)
    };
    assert_eq!(theme("get_template_part('parts/post');"), [""; 0]);
    assert_eq!(
        theme("get_template_part('parts/content', get_post_type());"),
        [""; 0]
    );
    assert_eq!(
        theme("get_template_part('parts/psot');"),
        ["warning template-not-found t/one/index.php:3:19 t/one/parts/psot.php -> t/one/parts/post.php"]
    );
    assert_eq!(
        theme("locate_template('parts/psot.php');"),
        ["warning template-not-found t/one/index.php:3:17 t/one/parts/psot.php -> t/one/parts/post.php"]
    );
}

#[test]
fn a_finding_of_a_secret_does_not_hold_it() {
    let token = format!("ghp_{}", "a8Kd03mZq1Lx7Vb2Nc9Rt4Wy6Up5Se0Gh8Jf");
    let text = format!("<?php\n$token = '{token}';\n");
    let report = check(
        &Written::new(&[("a.php", text)]),
        &Setting::default(),
        &Limits::default(),
    );
    assert_eq!(told(&report), ["warning secret a.php:2:11"]);
    let all = format!("{report:?}");
    assert!(
        (4..token.len() - 6).all(|at| !all.contains(&token[at..at + 6])),
        "{all}"
    );
    assert!(!crate::may_be_shown(&report.findings[0]));
}
