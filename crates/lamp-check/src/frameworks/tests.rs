//! Parts that frameworks' settings name, one small tree for each framework.

use crate::tests::{Written, told};
use crate::{Limits, Setting, check};

/// What a family of rules says of a tree.
fn told_by(family: &str, files: &[(&str, &str)]) -> Vec<String> {
    let report = check(&Written::new(files), &Setting::default(), &Limits::default());
    let told = told(&report).into_iter();
    told.filter(|line| line.contains(family)).collect()
}

/// What this family says of a tree.
#[track_caller]
fn check_tree(files: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(told_by(" framework-", files), expected);
}

const EXTENSION: &str = "{\n  \"manifest_version\": 2,\n  \"AutoloadClasses\": {\n    \"GadgetHooks\": \"includes/Hooks.php\"\n  },\n  \
                         \"AutoloadNamespaces\": {\n    \"Gadgets\\\\\": \"src/\"\n  }\n}\n";

#[test]
fn a_file_that_an_extension_of_mediawiki_names() {
    let hooks = (
        "extensions/Gadgets/includes/Hooks.php",
        "<?php\nclass GadgetHooks {}",
    );
    let source = ("extensions/Gadgets/src/Page.php", "<?php\n");
    let manifest = ("extensions/Gadgets/extension.json", EXTENSION);
    check_tree(&[manifest, hooks, source], &[]);
    check_tree(
        &[manifest, ("extensions/Gadgets/includes/hooks.php", hooks.1)],
        &[
            "warning framework-part-not-found extensions/Gadgets/extension.json:4:20 extensions/Gadgets/includes/Hooks.php -> extensions/Gadgets/includes/hooks.php",
            "warning framework-part-not-found extensions/Gadgets/extension.json:7:18 extensions/Gadgets/src",
        ],
    );
    // Of another program.
    let other = EXTENSION.replace("manifest_version", "version");
    check_tree(&[("extension.json", &other)], &[]);
    check_tree(&[("tests/extension.json", EXTENSION)], &[]);
}

#[test]
fn a_service_of_a_module_of_drupal() {
    let module = ("modules/shop/shop.info.yml", "name: Shop\n");
    let access = (
        "modules/shop/src/Access/Cart.php",
        "<?php\nnamespace Drupal\\shop\\Access;\nclass Cart {}",
    );
    let services = "services:\n  shop.cart:\n    class: Drupal\\shop\\Access\\Cart\n  core:\n    class: Drupal\\Core\\Gone\n  \
                    given:\n    class: '%shop.class%'\n  absent:\n    class: '\\Drupal\\elsewhere\\Gone'\n";
    let listed = ("modules/shop/shop.services.yml", services);
    check_tree(&[module, access, listed], &[]);
    check_tree(
        &[module, ("modules/shop/src/access/Cart.php", access.1), listed],
        &[
            "warning framework-part-not-found modules/shop/shop.services.yml:3:12 modules/shop/src/Access/Cart.php -> modules/shop/src/access/Cart.php",
        ],
    );
    // Which of two modules of one name is meant is not known.
    check_tree(&[module, ("old/shop/shop.info.yml", ""), listed], &[]);
}

#[test]
fn a_provider_of_laravel_and_a_bundle_of_symfony() {
    let artisan = ("artisan", "#!/usr/bin/env php\n");
    let provider = (
        "app/Providers/AppServiceProvider.php",
        "<?php\nnamespace App\\Providers;\nclass AppServiceProvider {}",
    );
    let right = "<?php\nuse App\\Providers\\AppServiceProvider;\nreturn [AppServiceProvider::class, Illuminate\\Gone\\Provider::class, 'x' => Alias::class];";
    check_tree(
        &[
            artisan,
            provider,
            ("bootstrap/providers.php", right),
            ("config/app.php", right),
        ],
        &[],
    );
    let wrong = "<?php\nreturn [\n    App\\Providers\\AppServiceProvidr::class,\n    App\\Providers\\Mail::class,\n];";
    let listed = ("bootstrap/providers.php", wrong);
    check_tree(
        &[artisan, provider, listed],
        &[
            "error framework-part-not-found bootstrap/providers.php:3:5 App\\Providers\\AppServiceProvidr -> App\\Providers\\AppServiceProvider",
            "warning framework-part-not-found bootstrap/providers.php:4:5 App\\Providers\\Mail",
        ],
    );
    // Of no Laravel.
    check_tree(&[provider, listed], &[]);
    check_tree(
        &[
            ("bin/console", ""),
            provider,
            (
                "config/bundles.php",
                "<?php\nreturn [App\\Providers\\AppServiceProvidr::class => ['all' => true]];",
            ),
        ],
        &[
            "warning framework-part-not-found config/bundles.php:2:9 App\\Providers\\AppServiceProvidr -> App\\Providers\\AppServiceProvider",
        ],
    );
}

/// What CodeIgniter 3.1 looks for, by the names that its own loader makes.
const IGNITER: [(&str, &str); 9] = [
    (
        "index.php",
        "<?php\n$path = 'system';\nif (($real = realpath($path)) !== FALSE) { $path = $real . DIRECTORY_SEPARATOR; }\nelse { $path = \
         rtrim($path, '/') . DIRECTORY_SEPARATOR; }\ndefine('BASEPATH', $path);\nrequire_once BASEPATH . 'core/CodeIgniter.php';",
    ),
    (
        "system/core/CodeIgniter.php",
        "<?php\nrequire_once APPPATH . 'controllers/' . $class . '.php';\necho new $class;",
    ),
    (
        "system/libraries/Session/Session.php",
        "<?php\nclass CI_Session {}",
    ),
    ("system/helpers/url_helper.php", "<?php\nfunction base_url() {}"),
    (
        "application/config/autoload.php",
        "<?php\n$autoload['libraries'] = [];",
    ),
    (
        "application/models/shop/Cart_model.php",
        "<?php\nclass Cart_model {}",
    ),
    ("application/views/shop/cart.php", "<p>cart</p>"),
    ("application/libraries/MY_Email.php", "<?php\nclass MY_Email {}"),
    (
        "application/helpers/price_helper.php",
        "<?php\nfunction price() {}",
    ),
];

fn of_igniter(controller: &str) -> Vec<(&str, &str)> {
    [
        IGNITER.as_slice(),
        &[("application/controllers/Shop.php", controller)],
    ]
    .concat()
}

#[test]
fn a_part_of_an_application_of_codeigniter() {
    let right = "<?php\nclass Shop {\n  function index() {\n    $this->load->model('shop/cart_model', 'cart');\n    \
                 $this->load->library(array('session', 'email'));\n    $this->load->helper(['url', 'price_helper']);\n    \
                 $this->load->view('shop/cart', [], true);\n    $this->load->view($any);\n    $this->view('none');\n    \
                 $this->load->view('../none');\n    $this->load->database('none');\n  }\n}";
    check_tree(&of_igniter(right), &[]);
    let wrong = right
        .replace("shop/cart'", "shop/crat'")
        .replace("cart_model'", "carts_model'")
        .replace("'email'", "'emali'")
        .replace("price_helper", "prices");
    check_tree(
        &of_igniter(&wrong),
        &[
            "warning framework-part-not-found application/controllers/Shop.php:4:24 application/models/shop/Carts_model.php -> application/models/shop/Cart_model.php",
            "warning framework-part-not-found application/controllers/Shop.php:5:43 application/libraries/Emali.php",
            "warning framework-part-not-found application/controllers/Shop.php:6:33 application/helpers/prices_helper.php -> application/helpers/price_helper.php",
            "warning framework-part-not-found application/controllers/Shop.php:7:23 application/views/shop/crat.php -> application/views/shop/cart.php",
        ],
    );
    // Without the framework, and in what is no application of it, the same words mean something else.
    let without: Vec<_> = of_igniter(&wrong)
        .into_iter()
        .filter(|(path, _)| !path.starts_with("system/core"))
        .collect();
    check_tree(&without, &[]);
    let elsewhere = [IGNITER.as_slice(), &[("tools/Shop.php", wrong.as_str())]].concat();
    check_tree(&elsewhere, &[]);
}

/// A mistake in a model is one of every page: the framework makes the controller, which loads the model.
#[test]
fn what_hangs_on_a_part_of_codeigniter() {
    let controller = "<?php\nclass Shop { function index() { $this->load->model('shop/cart_model'); } }";
    let mut files = of_igniter(controller);
    files.retain(|(path, _)| !path.ends_with("Cart_model.php"));
    files.push(("application/models/shop/Cart_model.php", "<?php\nfunction ("));
    let reached = |files: &[(&str, &str)]| {
        let report = check(&Written::new(files), &Setting::default(), &Limits::default());
        let mut of_model = report
            .findings
            .into_iter()
            .filter(|finding| finding.path.ends_with("Cart_model.php"));
        of_model
            .next()
            .and_then(|finding| finding.blast_radius)
            .map(|radius| radius.entry_points)
    };
    assert_eq!(reached(&files), Some(1), "index.php");
    files.retain(|(path, _)| !path.ends_with("Shop.php"));
    assert_eq!(reached(&files), Some(0), "nobody loads it");
}

#[test]
fn a_view_of_the_fourth_codeigniter() {
    let routes = (
        "app/Config/Routes.php",
        "<?php\n$routes->get('/', 'Home::index');",
    );
    let view = ("app/Views/home/page.php", "<p>home</p>");
    let home = (
        "app/Controllers/Home.php",
        "<?php\nreturn view('home/page') . view('home/page.php') . view('Pack\\\\none') . view('home/pgae');",
    );
    let report = |files: &[(&str, &str)]| told_by(" template-", files);
    assert_eq!(
        report(&[("spark", "#!/usr/bin/env php\n"), routes, view, home]),
        [
            "warning template-not-found app/Controllers/Home.php:2:78 app/Views/home/pgae.php -> app/Views/home/page.php"
        ],
    );
    assert_eq!(report(&[routes, view, home]), [""; 0]);
}

#[test]
fn broken_settings_are_left_alone() {
    for text in [
        "",
        "{",
        "{\"manifest_version\": 1, \"AutoloadClasses\": [1]}",
        "{\"manifest_version\": 1, \"AutoloadClasses\": {\"A\": 1}}",
        "class:",
        "  class: '",
        "class: Drupal\\",
        "{ class: Drupal\\x",
    ] {
        check_tree(
            &[
                ("extension.json", text),
                ("x.services.yml", text),
                ("x.info.yml", text),
            ],
            &[],
        );
    }
}
