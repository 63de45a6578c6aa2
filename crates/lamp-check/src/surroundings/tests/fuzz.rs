//! Every reader of strangers' text, over seeds whose bytes are changed: nothing panics, all of it ends, and each place
//! that is told is in the file.

use crate::surroundings::beside::read;
use crate::tests::Written;
use crate::tests::fuzz::{Random, over_seeds};
use crate::{Limits, Setting, check};

const HTACCESS: &str = "\u{feff}# a \\\n b\n<IfModule !mod_x.c>\n<Files ~ \"\\.(a|b)$\">\nRequire all denied\n</Files>\n</IfModule>\n\
    RewriteEngine On\nRewriteCond %{HTTP_HOST} ^(www\\.)?[a-z\\]]+$ [NC,OR]\nRewriteRule \"^a b(.*)$\" 'c' [L,R=301,E=x:y]\n\
    Options +Indexes -ExecCGI\nphp_value auto_prepend_file 'a \\' b.php'\nSetEnvIf X \"y\" dontlog=1\n</If>\n";
const INI: &str =
    "; a\n[s]\npost_max_size = 8 MB\n\nauto_prepend_file = \"a;b.php\"\nlog_errors=0\nx = \"\nb\"\n= y\n";
const MANIFEST: &str = r#"{"name": "a/b", "require": {"php": "^8.1 || ~7.4.0 <9,>1 - 2", "ext-x": "*"}, "extra": {"0": [1.5, {}, "\u00e9\ud83d\ude00/"]}, "config": {"platform": {"php": "8"}, "vendor-dir": "../v"}}"#;
const LOCK: &str =
    r#"{"content-hash": "x", "packages": [{"name": "a/b", "version": "1", "type": "library"}, 3, null]}"#;
const TWIG: &str =
    "{% extends 'a/b.twig' %}{% include \"c.twig\" ignore missing %}{% from 'd.twig' import x %}{{ x }}";
const TEXT: &str = "-----BEGIN RSA PRIVATE KEY-----\\nMIIEabcd\n<<<<<<< a\n=======\n>>>>>>> b\nrouting_key: '0123456789abcdef0123456789abcdef' SG.a.b AKIA0";
const STYLE: &str =
    "/* url(a.png) */ a { b: url( '../c.png?x' ); d: url(data:x) } @font-face { src: url(e.woff2#f) }";
const PAGE: &str = "<img src=\"a/b.png\">\n<link\n HREF='c.css?v=1'><script src=\"{{ x }}/y.js\"><img src=";
const LOADER: &str = "<?php\n    public static $files = array (\n        'aa' => __DIR__ . '/..' . '/a/boot.php',\n    );\n    public static $prefixDirsPsr4 = array (\n\
    \x20       'Shop\\\\' => \n        array (\n            0 => __DIR__ . '/../..' . '/src',\n        ),\n    );\n    public static $classMap = array (\n        'A' => $vendorDir . '/a.php',\n    );\n";
const OLDER_LOADER: &str = "<?php\n$vendorDir = dirname(dirname(__FILE__));\n$baseDir = dirname($vendorDir);\n\nreturn array(\n    'Shop\\\\' => array($baseDir . '/src', $vendorDir . '/m'),\n);\n";
const EXTENSION: &str = "{\n \"manifest_version\": 2,\n \"AutoloadClasses\": {\"A\": \"a.php\"},\n \"AutoloadNamespaces\": {\"B\\\\\": \"src/\"}\n}\n";
const SERVICES: &str = "services:\n  shop.cart:\n    class: Drupal\\shop\\Cart\n  x: { class: '\\Drupal\\shop\\Gone' }\n    class: %a%\n";
const PROVIDERS: &str =
    "<?php\nuse App\\Mail as M;\nreturn [M::class, App\\Mial::class, 'x' => \\B::class];\n";
const LIBRARIES: &str = "cart:\n  css:\n    theme:\n      css/a.css: {}\n  js:\n    'js/cart.js': { minified: true }\n    /x.js: {}\n";
const JOOMLA: &str = "<?xml version=\"1.0\"?>\n<!-- <namespace path=\"gone\"> -->\n<extension type='module'>\n <namespace path='src'>A\\B</namespace>\n \
                      <files><filename module=\"mod_x\">mod_x.php</filename></files>\n</extension>";
const SEEDS: [(&str, &str); 20] = [
    ("vendor/composer/autoload_static.php", LOADER),
    ("vendor/composer/autoload_psr4.php", OLDER_LOADER),
    ("vendor/composer/autoload_files.php", OLDER_LOADER),
    ("x/extension.json", EXTENSION),
    ("m/shop.services.yml", SERVICES),
    ("m/shop.info.yml", ""),
    ("m/shop.routing.yml", SERVICES),
    ("m/shop.libraries.yml", LIBRARIES),
    ("modules/mod_x/mod_x.xml", JOOMLA),
    ("bootstrap/providers.php", PROVIDERS),
    (".htaccess", HTACCESS),
    (".user.ini", INI),
    ("composer.json", MANIFEST),
    ("composer.lock", LOCK),
    ("vendor/composer/installed.json", LOCK),
    ("t/a.twig", TWIG),
    (".env", "A=1\nDB_PASSWORD=\"x y z 1 2 3\"\n"),
    ("a.js", TEXT),
    ("css/a.css", STYLE),
    ("t/a.html", PAGE),
];

/// What stands beside each, so that it is read.
const BESIDE: [(&str, &[u8]); 5] = [
    ("i.php", b"<?php\nnew Shop\\Cart; new A;"),
    ("artisan", b"<?php"),
    ("app/Mail.php", b"<?php\nnamespace App;\nclass Mail {}"),
    ("m/shop.info.yml", b"name: Shop\n"),
    (
        "vendor/composer/autoload_real.php",
        b"<?php class ComposerAutoloaderInit1 {}",
    ),
];

/// The seed's bytes with a few of them changed, taken out, doubled or put elsewhere.
fn changed(seed: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(6) {
        let at = random.below(bytes.len());
        match random.below(5) {
            _ if bytes.is_empty() => bytes.push(b'<'),
            0 => bytes[at] = u8::try_from(random.below(256)).unwrap_or_default(),
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, b"<>\"'\\[](){}\n=/;$"[random.below(16)]),
            3 => bytes.truncate(at),
            _ => bytes.extend_from_within(at..),
        }
    }
    bytes
}

#[track_caller]
fn survives(path: &str, bytes: &[u8]) {
    read(path, bytes);
    let text = String::from_utf8_lossy(bytes).into_owned();
    // Begins as a link or as something unreadable is written in these trees.
    if text.starts_with("-> ") || text.starts_with("!! ") {
        return;
    }
    let report = check(
        &Written::new(&[&[(path, bytes)], &BESIDE[..]].concat()),
        &Setting::default(),
        &Limits::default(),
    );
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
    for finding in report.findings.iter().filter(|finding| finding.path == path) {
        assert!(
            (1..=lines).contains(&(finding.line as usize)),
            "{path}: {finding:?}"
        );
    }
}

#[test]
fn any_bytes_are_survived_by_every_reader() {
    over_seeds(1_500, |random| {
        let (path, seed) = SEEDS[random.below(SEEDS.len())];
        survives(path, &changed(seed.as_bytes(), random));
    });
    for (path, _) in SEEDS {
        survives(path, &(0..=255).cycle().take(3_000).collect::<Vec<u8>>());
        survives(path, b"");
    }
}

#[test]
fn what_is_deep_or_long_is_survived() {
    for depth in [1_000, 50_000] {
        survives(".htaccess", "<Files x>\n".repeat(depth).as_bytes());
        survives(
            ".htaccess",
            format!("RewriteRule {}", "(".repeat(depth)).as_bytes(),
        );
        survives(
            ".htaccess",
            format!("RewriteRule {} x", "[[:".repeat(depth)).as_bytes(),
        );
        survives(".htaccess", "a \\\n".repeat(depth).as_bytes());
        survives("composer.json", "[".repeat(depth).as_bytes());
        survives(
            "composer.json",
            format!("{{\"extra\": {}", "{\"a\":".repeat(depth)).as_bytes(),
        );
        survives(".user.ini", "\"\n".repeat(depth).as_bytes());
        survives("a.js", "<<<<<<< \n".repeat(depth.min(5_000)).as_bytes());
        survives("a.js", "-----BEGIN ".repeat(depth.min(5_000)).as_bytes());
        survives("a/t.twig", "{% include 'x.twig".repeat(depth).as_bytes());
    }
}
