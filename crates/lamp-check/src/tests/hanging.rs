//! What hangs on a file, which names are slips, and why the rest is unknown.

use std::collections::BTreeSet;

use lamp_model::reach::UnknownReason;
use lamp_testkit::Seed;

use super::Written;
use crate::{Limits, Looked, look};

fn looked<B: AsRef<[u8]>>(files: &[(&str, B)]) -> Looked {
    look(
        &Written::new(files),
        &crate::Setting::default(),
        &Limits::default(),
        None,
    )
}

/// Two pages, what both start with, and a part of one of them.
const SITE: [(&str, &str); 5] = [
    (
        "index.php",
        "<?php\nrequire __DIR__ . '/lib/boot.php';\necho page();",
    ),
    (
        "admin/menu.php",
        "<?php\nrequire __DIR__ . '/../lib/boot.php';\necho page();",
    ),
    (
        "lib/boot.php",
        "<?php\nrequire __DIR__ . '/mail.php';\nfunction page() {}",
    ),
    (
        "lib/mail.php",
        "<?php\nfunction send() { require __DIR__ . '/smtp.php'; }",
    ),
    ("lib/smtp.php", "<?php\nfunction smtp() {}"),
];

#[test]
fn who_depends_on_a_file_is_told_directly_and_through_others() {
    let looked = looked(&SITE);
    let hangs = looked.graph.dependents("lib/mail.php").expect("a file");
    assert_eq!(hangs.directly.names, ["lib/boot.php"]);
    assert_eq!(hangs.through_others.names, ["admin/menu.php", "index.php"]);
    assert_eq!(hangs.entry_points.names, ["index.php", "admin/menu.php"]);
    assert_eq!((hangs.entry_points.count, hangs.of), (2, 2));
    assert_eq!(hangs.includes.names, ["lib/smtp.php"]);
    assert_eq!(looked.graph.dependents("lib/gone.php"), None);
    assert_eq!(looked.graph.entry_points_of("lib/smtp.php", 1), ["index.php"]);
}

#[test]
fn the_heaviest_file_is_the_one_that_every_page_reaches() {
    let looked = looked(&SITE);
    let top = |most| -> Vec<(String, u64, u64)> {
        let weights = looked.graph.top(most).into_iter();
        weights
            .map(|one| (one.path, one.blast_radius.entry_points, one.directly))
            .collect()
    };
    let heavy = |path: &str, entries, directly| (path.to_owned(), entries, directly);
    assert_eq!(
        top(4),
        [
            heavy("lib/boot.php", 2, 2),
            heavy("lib/mail.php", 2, 1),
            heavy("lib/smtp.php", 2, 1),
            heavy("admin/menu.php", 1, 0),
        ]
    );
    assert_eq!(top(1), [heavy("lib/boot.php", 2, 2)]);
    assert_eq!(top(0), []);
}

/// Pages at random, more of them than are followed at once, some in circles; counted again by plain search.
#[test]
fn the_counts_are_those_of_a_plain_search_over_seeds() {
    for seed in 1..=6_u64 {
        let mut stream = Seed::new(seed);
        let mut next = |most: usize| stream.below(most as u64) as usize;
        let parts = 30;
        let includes: Vec<Vec<usize>> = (0..170)
            .map(|_| (0..next(4)).map(|_| next(parts)).collect())
            .collect();
        let name = |at: usize| match at {
            part if part < parts => format!("lib/p{part:03}.php"),
            page => format!("p{page:03}.php"),
        };
        let code = |at: usize| {
            let lines = includes[at].iter();
            let lines: String = lines
                .map(|to| format!("require __DIR__ . '{}/{}';\n", up(at < parts), name(*to)))
                .collect();
            // What refuses to be asked for is no entry point.
            let first = if at < parts {
                "defined('STARTED') || exit;"
            } else {
                "define('STARTED', 1); echo 1;"
            };
            format!("<?php {first}\n{lines}")
        };
        let files: Vec<(String, String)> = (0..includes.len()).map(|at| (name(at), code(at))).collect();
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, code)| (path.as_str(), code.as_str()))
            .collect();
        let looked = looked(&files);
        for weight in looked.graph.top(usize::MAX) {
            let pages =
                (parts..includes.len()).filter(|page| reach(&includes, *page).contains(&weight.path, name));
            assert_eq!(
                weight.blast_radius.entry_points,
                pages.count() as u64,
                "seed {seed}: {}",
                weight.path
            );
            let hangs = looked.graph.dependents(&weight.path).expect("a file");
            assert_eq!(
                hangs.entry_points.count, weight.blast_radius.entry_points,
                "seed {seed}: {}",
                weight.path
            );
            assert_eq!(
                hangs.directly.count, weight.directly,
                "seed {seed}: {}",
                weight.path
            );
        }
        assert_eq!(
            looked
                .graph
                .top(usize::MAX)
                .first()
                .map(|one| one.blast_radius.of),
            Some(140),
            "seed {seed}"
        );
    }
}

const fn up(is_part: bool) -> &'static str {
    if is_part { "/.." } else { "" }
}

/// The files that one page comes by, itself counted.
struct Reach(BTreeSet<usize>);

impl Reach {
    fn contains(&self, path: &str, name: impl Fn(usize) -> String) -> bool {
        self.0.iter().any(|at| name(*at) == path)
    }
}

fn reach(includes: &[Vec<usize>], page: usize) -> Reach {
    let mut seen = BTreeSet::from([page]);
    let mut ahead = vec![page];
    while let Some(at) = ahead.pop() {
        ahead.extend(includes[at].iter().copied().filter(|to| seen.insert(*to)));
    }
    Reach(seen)
}

#[test]
fn the_whole_graph_names_each_file_and_what_it_includes() {
    let whole = looked(&SITE).graph.whole();
    let told: Vec<(&str, bool, &[u32])> = whole
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.is_entry_point, file.includes.as_slice()))
        .collect();
    let expected: [(&str, bool, &[u32]); 5] = [
        ("admin/menu.php", true, &[2]),
        ("index.php", true, &[2]),
        ("lib/boot.php", false, &[3]),
        ("lib/mail.php", false, &[4]),
        ("lib/smtp.php", false, &[]),
    ];
    assert_eq!(told, expected);
    assert_eq!(whole.includes_left_out, 0);
}

#[test]
fn a_slip_is_told_from_what_is_merely_near_or_may_be_something_else() {
    let boot = "<?php\n\
        require __DIR__ . '/mial.php';\n\
        require __DIR__ . '/zzz.php';\n\
        require $old ? __DIR__ . '/mailx.php' : __DIR__ . '/maily.php';\n\
        require __DIR__ . '/page1.php';\n\
        require __DIR__ . '/page2.php';";
    let parts = ["lib/mail.php", "lib/page2.php"].map(|path| (path, "<?php\n"));
    let looked = looked(&[("lib/boot.php", boot), parts[0], parts[1]]);
    let told: Vec<(u32, bool)> = looked
        .report
        .findings
        .iter()
        .map(|finding| (finding.line, looked.is_slip(finding)))
        .collect();
    assert_eq!(told, [(2, true), (3, false), (4, false), (5, false)]);
}

#[track_caller]
fn unknown(code: &str, expected: UnknownReason) {
    let looked = looked(&[(
        "a.php",
        format!("<?php\nfunction f($x) {{\n\t{code}\n}}").as_str(),
    )]);
    let [unknown] = looked.unknown.as_slice() else {
        panic!("{code}: {:?}", looked.unknown);
    };
    assert_eq!(unknown.reason, expected, "{code}");
    assert_eq!((unknown.path.as_str(), unknown.line), ("a.php", 3));
}

#[test]
fn what_stays_unknown_has_its_reason() {
    unknown("include $x;", UnknownReason::MadeWhileRunning);
    unknown(
        "include __DIR__ . '/' . $x . '.php';",
        UnknownReason::MadeWhileRunning,
    );
    unknown(
        "include FOREIGN . '/b.php';",
        UnknownReason::ForeignConstant {
            name: "FOREIGN".to_owned(),
        },
    );
    unknown("include '/usr/share/php/b.php';", UnknownReason::OutsideTheTree);
    unknown("include __DIR__ . '/../../b.php';", UnknownReason::OutsideTheTree);
    unknown(
        "set_include_path($x); include 'b.php';",
        UnknownReason::SearchedFor,
    );
}

/// A page that uses a class, the class, what that is made from, and an autoloader.
const WITH_CLASSES: [(&str, &str); 5] = [
    (
        "index.php",
        "<?php\nrequire __DIR__ . '/lib/load.php';\n(new Page)->show();",
    ),
    (
        "lib/load.php",
        "<?php\nspl_autoload_register(fn($class) => load($class));",
    ),
    (
        "lib/Page.php",
        "<?php\nclass Page extends Base { function show() { return Words::all(); } }",
    ),
    ("lib/Base.php", "<?php\nabstract class Base {}"),
    ("lib/Words.php", "<?php\nclass Words { static function all() {} }"),
];

#[track_caller]
fn reaches(files: &[(&str, &str)], path: &str, expected: &[&str]) {
    let looked = looked(files);
    let hangs = looked.graph.dependents(path).expect("a file");
    assert_eq!(hangs.entry_points.names, expected, "{path}");
}

fn without<'t>(files: &[(&'t str, &'t str)], path: &str) -> Vec<(&'t str, &'t str)> {
    files
        .iter()
        .copied()
        .filter(|(other, _)| *other != path)
        .collect()
}

#[test]
fn a_page_hangs_on_the_classes_that_an_autoloader_brings() {
    for path in ["lib/Page.php", "lib/Base.php", "lib/Words.php"] {
        reaches(&WITH_CLASSES, path, &["index.php"]);
    }
    let graph = looked(&WITH_CLASSES).graph;
    let hangs = graph.dependents("lib/Base.php").expect("a file");
    assert_eq!(hangs.directly.names, ["lib/Page.php"]);
    assert_eq!(hangs.through_others.names, ["index.php"]);
}

#[test]
fn what_no_autoloader_brings_hangs_on_nothing() {
    // Without one, a class comes by an include or not at all.
    let started = [("lib/load.php", "<?php\n$x = 1;")];
    let files = [without(&WITH_CLASSES, "lib/load.php"), started.to_vec()].concat();
    reaches(&files, "lib/Page.php", &[]);
    // Which of two comes is not known.
    let twice = [&WITH_CLASSES[..], &[("old/Page.php", "<?php\nclass Page {}")]].concat();
    reaches(&twice, "lib/Page.php", &[]);
    reaches(&twice, "lib/Base.php", &[]);
    // What another file includes comes by that.
    let included = [
        &WITH_CLASSES[..],
        &[(
            "lib/all.php",
            "<?php\nrequire __DIR__ . '/Page.php';\nif (!defined('X')) exit;",
        )],
    ]
    .concat();
    reaches(&included, "lib/Words.php", &[]);
    // A library's loader brings the library's classes.
    let library = [
        ("vendor/a/load.php", WITH_CLASSES[1].1),
        ("vendor/a/Theirs.php", "<?php\nclass Theirs {}"),
        (
            "index.php",
            "<?php\nrequire __DIR__ . '/vendor/a/load.php';\nnew Page; new Theirs;",
        ),
        WITH_CLASSES[2],
        WITH_CLASSES[3],
    ];
    reaches(&library, "vendor/a/Theirs.php", &["index.php"]);
    reaches(&library, "lib/Page.php", &[]);
}

#[test]
fn a_page_hangs_on_what_composers_loader_finds_and_requires() {
    let list = "<?php\nclass ComposerStaticInit1\n{\n    public static $files = array (\n        'a' => __DIR__ . '/../..' . '/src/words.php',\n    );\n\n    \
                public static $prefixDirsPsr4 = array (\n        'Shop\\\\' => \n        array (\n            0 => __DIR__ . '/../..' . '/src',\n        ),\n    );\n}\n";
    let files = [
        (
            "index.php",
            "<?php\nrequire __DIR__ . '/vendor/autoload.php';\nnew Shop\\Page;",
        ),
        ("other.php", "<?php\necho 1;"),
        (
            "vendor/autoload.php",
            "<?php\nrequire_once __DIR__ . '/composer/autoload_real.php';",
        ),
        (
            "vendor/composer/autoload_real.php",
            "<?php\nspl_autoload_register(fn($class) => load($class));",
        ),
        ("vendor/composer/autoload_static.php", list),
        ("src/Page.php", "<?php\nnamespace Shop;\nclass Page {}"),
        ("src/words.php", "<?php\nfunction words() {}"),
    ];
    reaches(&files, "src/Page.php", &["index.php"]);
    reaches(&files, "src/words.php", &["index.php"]);
}
