//! Names that nothing declares and declarations that PHP refuses. What PHP 8.2 makes of each case was tried with PHP itself.

use super::{Written, told};
use crate::{Extensions, Limits, PhpVersion, Setting, check};

/// What is told of `a.php` if it reads so, from its second line on, beside these files.
#[track_caller]
fn check_in(setting: &Setting, more: &[(&str, &str)], code: &str, expected: &[&str]) {
    let code = format!("<?php\n{code}");
    let files: Vec<(&str, &str)> = more.iter().copied().chain([("a.php", code.as_str())]).collect();
    let report = check(&Written::new(&files), setting, &Limits::default());
    assert_eq!(told(&report), expected, "{code}");
}

/// A part of a shop.
const SHOP: (&str, &str) = (
    "shop.php",
    "<?php\nnamespace Shop;\nconst VAT = 19;\ndefine('SHOP_CURRENCY', 'EUR');\nfunction price_of($x) { return $x; }\n\
     class Basket extends Bag { const LIMIT = 9; function total() { return $this->count(); } static function create() {} }\n\
     abstract class Bag { protected function count() { return 0; } function later() { return $this->decided(); } }\n\
     class Magic { function __call($name, $given) {} }\n\
     class Failure extends \\Exception {}\n\
     enum State: string { case Open = 'open'; const FIRST = self::Open; }\n\
     trait Counts { function counted() { return $this->whatever(); } }\n\
     class Counter { use Counts { counted as again; } }",
);

/// A part of it in a namespace of its own.
const DEEP: (&str, &str) = (
    "deep.php",
    "<?php\nnamespace Shop\\Deep;\nclass Inside { static function inside() {} }",
);

#[track_caller]
fn check_shop(code: &str, expected: &[&str]) {
    check_in(&Setting::default(), &[SHOP, DEEP], code, expected);
}

#[test]
fn what_is_declared_is_known_by_every_way_to_write_it() {
    let right = [
        "new Shop\\Basket;",
        "new \\SHOP\\basket;",
        "use Shop\\Basket; new Basket;",
        "use Shop\\Basket as B; B::create();",
        "use Shop; new Shop\\Basket;",
        "use Shop\\Deep\\Inside as In, Shop\\Deep\\Inside; In::inside(); Inside::INSIDE();",
        "namespace Shop\\Deep; Inside::inside(); namespace\\Inside::inside();",
        "use Shop\\{Basket, function price_of, const VAT}; new Basket; price_of(VAT);",
        "use function Shop\\price_of; price_of(1);",
        "namespace Shop; price_of(strlen(VAT . SHOP_CURRENCY . \\PHP_EOL)); new namespace\\Basket;",
        "namespace Shop\\Sub; new \\Shop\\Basket; \\Shop\\price_of(1); strlen('');",
        "namespace X { const Y = 1; } namespace { echo \\X\\Y; }",
        "class_alias('Shop\\Basket', 'Korb'); new Korb;",
        "class_alias(Shop\\Basket::class, 'Korb'); Korb::create();",
        "$config->define('SHOP_VAT', 1); echo SHOP_VAT;",
        "define('SHOP_' . $name, 1); echo SHOP_ANYTHING;",
        "echo Shop\\Basket::LIMIT, Shop\\State::Open->value, Shop\\State::FIRST->name; Shop\\State::from('open');",
        "Shop\\Basket::CREATE(); Shop\\Magic::anything(); (new Shop\\Counter)->again();",
        "class Own extends Shop\\Failure { function f() { return $this->getMessage() . self::g(); } static function g() {} }",
        "echo true, NULL, __LINE__, INF, E_ALL; $x instanceof Nothing; try {} catch (Nothing $e) {} echo Nothing::class;",
        "function takes(Nothing $x): ?Nothing {}",
    ];
    for code in right {
        check_shop(code, &[]);
    }
}

#[test]
fn a_misspelt_name_is_told_with_the_one_that_was_meant() {
    check_shop(
        "new Shop\\Baskte;",
        &["error undefined-class a.php:2:5 Shop\\Baskte -> Shop\\Basket"],
    );
    check_shop(
        "use Shop\\Bakset;\nclass Mine extends Bakset {}",
        &["error undefined-class a.php:3:7 Shop\\Bakset -> Shop\\Basket"],
    );
    check_shop(
        "namespace Shop;\nif ($x) { echo prcie_of(1); }",
        &["error undefined-function a.php:3:16 prcie_of -> Shop\\price_of"],
    );
    check_shop(
        "echo strlenn('');",
        &["error undefined-function a.php:2:6 strlenn -> strlen"],
    );
    check_shop(
        "echo SHOP_CURENCY;",
        &["error undefined-constant a.php:2:6 SHOP_CURENCY -> SHOP_CURRENCY"],
    );
    check_shop(
        "Shop\\Basket::craete();",
        &["error undefined-method a.php:2:14 Shop\\Basket::craete() -> create"],
    );
    check_shop(
        "echo Shop\\Basket::LIMTI;",
        &["error undefined-constant a.php:2:19 Shop\\Basket::LIMTI -> LIMIT"],
    );
    check_shop(
        "class Own extends Shop\\Basket { function f() { return $this->totla() . parent::crete(); } }",
        &[
            "error undefined-method a.php:2:62 Own::totla() -> total",
            "error undefined-method a.php:2:80 Shop\\Basket::crete() -> create",
        ],
    );
    check_shop(
        "use Shop\\Deep\\Inside;\nInside::insdie();",
        &["error undefined-method a.php:3:9 Shop\\Deep\\Inside::insdie() -> inside"],
    );
}

/// A name that resembles nothing may be one that code knows which nobody comes by any more; and a small tree may be a part of
/// something else.
#[test]
fn a_name_that_resembles_nothing_is_a_warning_where_much_is_known() {
    let code = "utterly_different(); new Quite\\Other; new Neither; Neither::also();";
    check_shop(code, &[]);
    let many: String = (0..60)
        .map(|at| format!("function f{at}() {{}} class C{at} {{}}"))
        .collect();
    check_in(
        &Setting::default(),
        &[SHOP, ("many.php", &format!("<?php {many}"))],
        code,
        &[
            "warning undefined-function a.php:2:1 utterly_different",
            "warning undefined-class a.php:2:43 Neither",
        ],
    );
}

/// `define($name, …)` may make any constant.
#[test]
fn a_slip_in_a_constant_is_a_warning_where_any_may_be_made() {
    let made = |code: &str| format!("define($name, 1);\n{code}");
    check_shop(
        &made("echo SHOP_CURENCY;"),
        &["warning undefined-constant a.php:3:6 SHOP_CURENCY -> SHOP_CURRENCY"],
    );
    check_shop(&made("echo UTTERLY_DIFFERENT, PHP_EOL;"), &[]);
}

/// Beside one name that nothing declares, a slip is told; one that PHP makes while it runs is none.
#[test]
fn a_constant_that_php_makes_while_it_runs_is_known() {
    check_shop(
        "echo SID, SHOP_CURENCY;",
        &["error undefined-constant a.php:2:11 SHOP_CURENCY -> SHOP_CURRENCY"],
    );
}

/// What may have been put beside the tree, or into a PHP that is not known, would hardly be called so.
#[test]
fn a_slip_in_a_member_is_a_warning_where_others_may_bring_it() {
    let class = |code: &str| {
        format!("abstract class Page {{ const LIMIT = 1; private $x; function render() {{ {code} }} }}")
    };
    check_shop(
        &class("$this->rendre();"),
        &["warning undefined-method a.php:2:79 Page::rendre() -> render"],
    );
    check_shop(&class("$this->decided(); static::ANY;"), &[]);
    check_shop(
        &class("self::LIMTI;"),
        &["error undefined-constant a.php:2:78 Page::LIMTI -> LIMIT"],
    );
    check_shop(
        "class File extends SplFileInfo { function render() { $this->rendre(); $this->newer(); } }",
        &["warning undefined-method a.php:2:61 File::rendre() -> render"],
    );
    // Whether something else is there says nothing of it; whether the object has a member may.
    check_shop(
        "class Page { function render() { if (class_exists('X') && PHP_VERSION_ID > 1) { $this->rendre(); } } }",
        &["error undefined-method a.php:2:88 Page::rendre() -> render"],
    );
    check_shop(
        "class Page { function render($x) { if (method_exists($this, $x)) { $this->rendre(); } } }",
        &[],
    );
}

#[test]
fn a_method_of_an_object_that_was_made_or_typed_here_is_known() {
    let made = |at: u32| format!("error undefined-method a.php:2:{at} Shop\\Basket::totla() -> total");
    let typed = |at: u32| format!("warning undefined-method a.php:2:{at} Shop\\Basket::totla() -> total");
    check_shop(
        "function f() { $b = new Shop\\Basket; $b->totla(); }",
        &[&made(42)],
    );
    check_shop("(new Shop\\Basket)->totla();", &[&made(20)]);
    check_shop(
        "function f() { include 'shop.php'; $b = new Shop\\Basket; $b->totla(); }",
        &[&made(62)],
    );
    check_shop(
        "use Shop\\Basket as B; function f() { $b = new B(1); while ($x) { return $b->totla(); } }",
        &[&made(77)],
    );
    check_shop("function f(Shop\\Basket $b) { $b->totla(); }", &[&typed(34)]);
    check_shop(
        "function f(?Shop\\Basket $b = null) { return $b?->total() . $b->totla(); }",
        &[&typed(64)],
    );
    let silent = [
        "function f(Shop\\Basket $b) { $b->nothing(); $b->TOTAL(); $b->later(); }",
        "function f(Shop\\Bag $b) { $b->total(); }",
        "function f() { $b = new Shop\\Basket; $b = g(); $b->totla(); }",
        "function f() { if ($x) { $b = new Shop\\Basket; } $b->totla(); }",
        "function f() { $b->totla(); $b = new Shop\\Basket; }",
        "function f() { $b = new Shop\\Basket; include 'shop.php'; $b->totla(); }",
        "function f() { $b = new Shop\\Basket; $g = function () use (&$b) { $b = 1; }; $b->totla(); }",
        "function f() { $b = new Shop\\Basket; $c = &$b; $b->totla(); }",
        "function f() { $b = new Shop\\Basket; foreach ($x as $b) { $b->totla(); } }",
        "function f() { global $b; $b = new Shop\\Basket; $b->totla(); }",
        "function f() { $b = new Shop\\Magic; $b->totla(); $b = new $class; $b->totla(); }",
        "function f() { $b = new Shop\\Counter; $b->again(); $b->counted(); }",
        "function f(Shop\\Basket &$b, Shop\\Basket ...$c) { g(); $b->totla(); $c->totla(); }",
        "function f(Shop\\Basket $b) { $b = g($b); $b->totla(); }",
        "function f(Shop\\Basket|Shop\\Magic $b) { $b->totla(); }",
        "function f() { $b = new Shop\\Basket; if (method_exists($b, 'totla')) { $b->totla(); } }",
        "namespace A { } namespace B { function f() { $b = new \\Shop\\Basket; $b->totla(); } }",
        "$b = new Shop\\Basket; change(); $b->totla();",
        "function f(Shop\\Basket $b) { $b->totla(); }\nclass_exists('Shop\\Basket') && g();",
    ];
    for code in silent {
        check_in(&Setting::default(), &[SHOP, DEEP, LATER], code, &[]);
    }
}

/// Functions that the code above calls.
const LATER: (&str, &str) = ("later.php", "<?php\nfunction g() {}\nfunction change() {}");

#[test]
fn what_the_code_asks_for_first_is_silent() {
    let guarded = [
        "if (class_exists('Shop\\Baskte')) { new Shop\\Baskte; }",
        "class_exists(Shop\\Baskte::class) && Shop\\Baskte::create();",
        "if (!class_exists('Shop\\Baskte')) { return; } function f() { new Shop\\Baskte; }",
        "function f() { if (!function_exists('prcie')) { return; } strlenn(prcie()); }",
        "function f() { return function () { if (is_callable('strlenn')) { return fn() => strlenn(); } }; }",
        "function f() { if (extension_loaded('x')) { return strlenn(1); } }",
        "function f() { return PHP_VERSION_ID >= 90000 ? strlenn(1) : 0; }",
        "echo defined('SHOP_CURENCY') ? SHOP_CURENCY : 0;",
        "defined('SHOP_CURENCY') or exit; function f() { return SHOP_CURENCY; }",
        "@strlenn();",
        "class Own extends Shop\\Basket { function f() { if (method_exists($this, 'totla')) { $this->totla(); } } }",
        "class Own extends Shop\\Basket { function f() { return function () { $this->totla(); }; } }",
        "class Own extends Shop\\Magic { function f() { $this->totla(); self::totla(); } }",
        "class Own extends Gone\\Away { function f() { $this->totla(); } }",
        "class Own { function f() { $this->totla(); } } class Child extends Own { function totla() {} }",
        "abstract class Own { function f() { return static::TOTLA . $this->totla(); } }",
        "$class::create(); new $class; $f(); $this->$f(); call_user_func('strlenn');",
        "imagine\\foreign(); new Other\\Package\\Thing; echo Other\\Package\\VALUE;",
        "mysql_connect(); sqlsrv_query(); new MongoClient;",
    ];
    for code in guarded {
        check_shop(code, &[]);
    }
}

#[test]
fn what_is_asked_for_elsewhere_silences_nothing() {
    let finding = |line: u32| format!("error undefined-function a.php:{line}:1 strlenn -> strlen");
    // What it comes to matters to the branch alone, or comes too late.
    let harmless = [
        (
            "if (function_exists('later') && $x) { later(); }\nstrlenn('');",
            3,
        ),
        (
            "if (!function_exists('later')) { function later() { return; } }\nstrlenn('');",
            3,
        ),
        ("strlenn('');\nif (!function_exists('later')) { return; }", 2),
        ("strlenn('');\n$has = function_exists('later');", 2),
    ];
    for (code, line) in harmless {
        check_shop(code, &[&finding(line)]);
    }
    let leaving_a_mark = [
        "$has = function_exists('later');",
        "if (function_exists('later')) { $has = 1; }",
        "if (extension_loaded('later')) { define('MODE', 1); }",
        "if (extension_loaded('later')) { $found(); }",
        "if (!function_exists('later')) { return; }",
        "if (!function_exists('later')) { throw $x; }",
        "if (!function_exists('later')) { exit; }",
        "if (!function_exists('later')) { require 'shop.php'; }",
        "foreach ($all as $one) { if (!function_exists('later')) { continue; } }",
        "if (version_compare(PHP_VERSION, '9.0') < 0) { later(); }",
    ];
    for code in leaving_a_mark {
        let told = told(&check(
            &Written::new(&[SHOP, DEEP, ("a.php", &format!("<?php\n{code}\nstrlenn('');"))]),
            &Setting::default(),
            &Limits::default(),
        ));
        assert!(
            told.iter().all(|told| !told.contains("strlenn")),
            "{code}: {told:?}"
        );
    }
}

/// A plugin calls whatever it is put into; an application declares what it calls.
#[test]
fn a_part_of_something_else_is_silent_and_a_file_that_was_not_read_too() {
    let calls = "add_action('x', 'y'); add_filter('x', 'y'); echo get_option('x'), wp_kses('x');\nprcie();";
    let plugin = ("plugin.php", "<?php function price() {}");
    check_in(&Setting::default(), &[plugin], calls, &[]);
    let one = ("broken.php", "<?php function (");
    let report = |files: &[(&str, &str)]| {
        let report = check(&Written::new(files), &Setting::default(), &Limits::default());
        told(&report).len()
    };
    let a = ("a.php", "<?php prcie_of();");
    let b = ("b.php", "<?php function price_of() {}");
    assert_eq!(report(&[a, b]), 1);
    assert_eq!(report(&[a, b, one]), 1, "only the syntax error");
}

/// One stroke of a key beside a name of its own, which it uses elsewhere, is a slip in a plugin, too.
#[test]
fn a_slip_in_a_part_of_something_else_is_a_warning_if_it_stands_alone() {
    let of_others = "add_action('x', 'y'); add_filter('x', 'y'); echo get_option('x'), wp_kses('x'); new WP_Query(); new WP_Post(); echo WP_DIR, WP_URL;";
    let told = |code: &str, other: &str| {
        let plugin = format!(
            "<?php {of_others}\nfunction price_of() {{}}\nfunction discount_of_all() {{}}\ndiscount_of_all();\nclass Basket {{}}\nconst LIMIT = 1;\nprice_of(); new Basket(); echo LIMIT;"
        );
        let code = format!("<?php\n{code}");
        let report = check(
            &Written::new(&[
                ("plugin.php", plugin.as_str()),
                ("a.php", &code),
                ("b.php", other),
            ]),
            &Setting::default(),
            &Limits::default(),
        );
        told(&report)
    };
    for (slip, expected) in [
        (
            "prcie_of();",
            "warning undefined-function a.php:2:1 prcie_of -> price_of",
        ),
        (
            "new Baskett();",
            "warning undefined-class a.php:2:5 Baskett -> Basket",
        ),
        (
            "echo LIMMIT;",
            "warning undefined-constant a.php:2:6 LIMMIT -> LIMIT",
        ),
    ] {
        assert_eq!(told(slip, ""), [expected]);
    }
    // In two files it is a name; two strokes away it is another's; beside a name that nobody uses it may be meant so.
    for (code, other) in [
        ("prcie_of();", "<?php prcie_of();"),
        ("dsicuont_of_all();", ""),
        ("function rebate_of() {} rebatte_of();", ""),
    ] {
        assert_eq!(told(code, other), Vec::<String>::new(), "{code}");
    }
}

fn php(major: u8, minor: u8) -> Setting {
    Setting {
        php: Some(PhpVersion::new(major, minor)),
        ..Setting::default()
    }
}

#[test]
fn what_is_newer_than_the_hosts_php_is_told() {
    let check = |setting: &Setting, code: &str, expected: &[&str]| check_in(setting, &[], code, expected);
    let since = [
        ((8, 0), "str_contains('a', 'b');", "str_contains"),
        ((8, 1), "array_is_list([]);", "array_is_list"),
        ((8, 3), "json_validate('');", "json_validate"),
        ((8, 4), "array_find([], 'f');", "array_find"),
        ((8, 5), "array_first([]);", "array_first"),
    ];
    for ((major, minor), code, name) in since {
        check(&php(major, minor), code, &[]);
        check(&Setting::default(), code, &[]);
        let older = if minor == 0 {
            php(7, 4)
        } else {
            php(major, minor - 1)
        };
        check(
            &older,
            code,
            &[&format!("error too-new-for-php a.php:2:1 {name}")],
        );
        let asked = format!("if (function_exists('{name}')) {{ {code} }}");
        check(&older, &asked, &[]);
        let own = format!("{code} function {name}() {{}}");
        check(&older, &own, &[]);
    }
    check(
        &php(8, 0),
        "enum E {}",
        &["error too-new-for-php a.php:2:1 `enum`"],
    );
    check(
        &php(7, 4),
        "$x?->f();",
        &["error too-new-for-php a.php:2:3 `?->`"],
    );
    check(
        &php(8, 0),
        "class A { public function __construct(private readonly int $x) {} }",
        &["error too-new-for-php a.php:2:47 a readonly property"],
    );
    check(&php(7, 4), "throw new Exception; $f = fn() => 1; $x ??= 1;", &[]);
    let several = "try { strlen(''); } catch (A | B $e) {}";
    check(&php(7, 1), several, &[]);
    check(
        &php(7, 0),
        several,
        &["error too-new-for-php a.php:2:30 several classes in one `catch`"],
    );
    check(
        &php(7, 4),
        &format!("{several} function f(int|string $x) {{}}"),
        &["error too-new-for-php a.php:2:55 a union type"],
    );
    check(&php(7, 4), "#[Given(name: 1)]\nclass A {}", &[]);
    check(
        &php(7, 4),
        "$x = $y ?? throw new Exception;",
        &["error too-new-for-php a.php:2:12 `throw` inside an expression"],
    );
}

/// What its path says to be for some versions of PHP only is loaded by those.
#[test]
fn a_file_that_is_for_another_php_is_silent() {
    let code = "<?php str_contains('a', 'b'); $x?->f();";
    let told_of = |path: &str| {
        let report = check(&Written::new(&[(path, code)]), &php(7, 4), &Limits::default());
        told(&report).len()
    };
    assert_eq!(told_of("src/text.php"), 2);
    for path in [
        "lib/polyfill-mbstring/boot.php",
        "src/Php80/text.php",
        "stubs/text.php",
    ] {
        assert_eq!(told_of(path), 0, "{path}");
    }
}

#[test]
fn a_name_of_an_extension_that_is_not_loaded_is_told() {
    let setting = Setting {
        extensions: Extensions::parse("Core,standard,json").ok(),
        ..Setting::default()
    };
    let check = |code: &str, expected: &[&str]| check_in(&setting, &[], code, expected);
    check("echo strlen(json_encode(1)), E_ALL;", &[]);
    check(
        "echo mb_strlen('');",
        &["error missing-extension a.php:2:6 mb_strlen"],
    );
    check(
        "function f() { return new PDO(''); }",
        &["warning missing-extension a.php:2:27 PDO"],
    );
    check("if (extension_loaded('mbstring')) { echo mb_strlen(''); }", &[]);
    check("echo mb_strlen(''); function mb_strlen() {}", &[]);
    check_in(&Setting::default(), &[], "echo mb_strlen('');", &[]);
}

#[test]
fn what_is_declared_twice_where_both_are_loaded_is_told() {
    let check = |more: &[(&str, &str)], code: &str, expected: &[&str]| {
        check_in(&Setting::default(), more, code, expected);
    };
    check(
        &[],
        "function f() {}\nfunction F() {}",
        &["error declared-twice a.php:3:10 F"],
    );
    check(
        &[],
        "class A {}\ninterface a {}",
        &["error declared-twice a.php:3:11 a"],
    );
    check(&[], "if ($x) { function f() {} } else { function f() {} }", &[]);
    // A class whose name is taken is declared when PHP comes by, which a `return` may keep it from; a function before.
    let made = "class P {}\nclass A extends P {}\nclass A {}";
    check(&[], made, &["error declared-twice a.php:4:7 A"]);
    check(&[], &format!("if ($x) {{ return; }}\n{made}"), &[]);
    check(&[], "if ($x) { return; }\nclass A {}\nclass A {}", &[]);
    check(
        &[],
        "if ($x) { return; }\nfunction f() {}\nfunction f() {}",
        &["error declared-twice a.php:4:10 f"],
    );
    check(
        &[
            ("b.php", "<?php\nclass A {}"),
            (
                "c.php",
                "<?php\nif (class_exists('A', false)) { return; }\nclass A {}",
            ),
        ],
        "require __DIR__ . '/b.php';\nrequire __DIR__ . '/c.php';",
        &[],
    );
    check(
        &[],
        "if (!function_exists('f')) { function f() {} }\nfunction g() {}",
        &[],
    );
    check(
        &[],
        "namespace A { function f() {} } namespace B { function f() {} }",
        &[],
    );
    let two = [
        ("b.php", "<?php function f() {}"),
        ("c.php", "<?php\nfunction f() {}"),
    ];
    check(
        &two,
        "require __DIR__ . '/b.php';\nrequire_once __DIR__ . '/c.php';",
        &["error declared-twice c.php:2:10 f"],
    );
    check(
        &two,
        "if ($x) { require __DIR__ . '/b.php'; } else { require __DIR__ . '/c.php'; }",
        &[],
    );
    check(
        &two,
        "require __DIR__ . '/b.php'; function g() { require __DIR__ . '/c.php'; }",
        &[],
    );
}

/// Each is what PHP 8.2 refuses (`Some`: of which class and method) or takes.
#[test]
fn a_class_that_php_refuses_is_told() {
    let refused = [
        "interface I { function f(); } class B implements I {}",
        "interface I { function f(); } abstract class A implements I {} class B extends A {}",
        "abstract class A { abstract function f(); } class B extends A {}",
        "trait T { abstract function f(); } class B { use T; }",
        "interface I { function f(); } enum B implements I { case A; }",
        "class B implements Countable {}",
        "class B extends FilterIterator {}",
    ];
    for code in refused {
        let report = check(
            &Written::new(&[("a.php", &format!("<?php {code}"))]),
            &Setting::default(),
            &Limits::default(),
        );
        let rules: Vec<&str> = report
            .findings
            .iter()
            .map(|finding| finding.rule.as_str())
            .collect();
        assert_eq!(rules, ["abstract-not-implemented"], "{code}");
    }
    let taken = [
        "interface I { function f(); } trait T { function g() {} } class B implements I { use T { g as f; } }",
        "interface I { function f(); } abstract class B implements I {}",
        "interface I { function f(); } class A { function F() {} } class B extends A implements I {}",
        "class B extends ArrayIterator implements Countable {}",
        "interface I { function f(); } class B extends Gone\\Away implements I {}",
        "abstract class A { abstract function f(); } new class extends A { function f() {} };",
        "enum B: string { case A = 'a'; }",
        "interface I { static function cases(): array; } enum B implements I { case A; }",
        "interface I { static function tryFrom(int|string $v): ?static; } enum B: string implements I { case A = 'a'; }",
        "class B implements IteratorAggregate { function getIterator(): Iterator { return new ArrayIterator([]); } }",
    ];
    for code in taken {
        check_in(&Setting::default(), &[], code, &[]);
    }
}

/// A package may carry classes for which those beside it are too new, and which nobody loads.
#[test]
fn a_class_of_a_package_that_php_refuses_is_a_warning() {
    let code = "<?php\ninterface I { function f(); }\nclass B implements I {}";
    for (path, severity) in [("src/b.php", "error"), ("vendor/acme/b.php", "warning")] {
        let report = check(
            &Written::new(&[(path, code)]),
            &Setting::default(),
            &Limits::default(),
        );
        assert_eq!(
            told(&report),
            [format!("{severity} abstract-not-implemented {path}:3:7 B::f()")]
        );
    }
}

#[test]
fn a_method_that_cannot_stand_in_for_its_parents_is_told() {
    let pairs = [
        // (parent's, own, whether PHP 8.2 refuses it)
        ("function f(): mixed {}", "function f() {}", true),
        ("function f(): int {}", "function f() {}", true),
        ("function f() {}", "function f(): int {}", false),
        ("function f($a) {}", "function f(mixed $a) {}", false),
        ("function f($a) {}", "function f(int $a) {}", true),
        ("function f(int $a) {}", "function f($a) {}", false),
        ("function f(&$a) {}", "function f($a) {}", true),
        ("function f($a) {}", "function f(&$a) {}", true),
        ("function f($a = 1) {}", "function f($a) {}", true),
        ("function f($a) {}", "function f($a, $b) {}", true),
        ("function f($a) {}", "function f($a, $b = 1) {}", false),
        ("function f($a) {}", "function f() {}", true),
        ("function f($a) {}", "function f(...$a) {}", false),
        ("function f(...$a) {}", "function f($a = 1) {}", true),
        ("function f($a, $b) {}", "function f($a, ...$b) {}", false),
        ("static function f() {}", "function f() {}", true),
        ("function f() {}", "static function f() {}", true),
        ("public function f() {}", "protected function f() {}", true),
        ("function f() {}", "private function f() {}", true),
        ("protected function f() {}", "public function f() {}", false),
        ("private function f($a) {}", "function f() {}", false),
        ("final function f() {}", "function f() {}", true),
        (
            "function __construct($a) {}",
            "function __construct($a, $b) {}",
            false,
        ),
        (
            "final function __construct() {}",
            "function __construct() {}",
            true,
        ),
        ("function f($a = 1, $b) {}", "function f($a, $b) {}", false),
    ];
    for (parents, own, is_refused) in pairs {
        let code = format!("class A {{ {parents} }} class B extends A {{ {own} }}");
        let report = check(
            &Written::new(&[("a.php", &format!("<?php {code}"))]),
            &Setting::default(),
            &Limits::default(),
        );
        assert_eq!(report.summary.errors, u64::from(is_refused), "{code}");
    }
    let check = |code: &str, expected: &[&str]| check_in(&Setting::default(), &[], code, expected);
    check(
        "interface I { function __construct($a); }\nclass B implements I { function __construct($a, $b) {} }",
        &["error incompatible-method a.php:3:33 B::__construct()"],
    );
    check(
        "class B implements Countable { function count($x) {} }",
        &["error incompatible-method a.php:2:41 B::count()"],
    );
    // Before PHP 8 it was a warning of PHP's own.
    check_in(
        &php(7, 4),
        &[],
        "class A { function f($a) {} }\nclass B extends A { function f() {} }",
        &["warning incompatible-method a.php:3:30 B::f()"],
    );
}
