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
fn what_answers_a_route_of_drupal_and_the_files_of_a_library() {
    let module = ("modules/shop/shop.info.yml", "name: Shop\n");
    let page = (
        "modules/shop/src/Controller/Page.php",
        "<?php\nnamespace Drupal\\shop\\Controller;\nclass Page { function view() {} }",
    );
    let routes = "shop.page:\n  path: '/shop'\n  defaults:\n    _controller: '\\Drupal\\shop\\Controller\\Page::view'\n    \
                  _form: '\\Drupal\\shop\\Form\\Gone'\n    _title: 'Shop'\n  options:\n    _form: '\\Drupal\\Core\\Form'\n";
    let routes = ("modules/shop/shop.routing.yml", routes);
    let libraries = "cart:\n  version: 1.0\n  css:\n    theme:\n      css/cart.css: {}\n  js:\n    'js/cart.js': { minified: true }\n    \
                     /core/gone.js: {}\n    https://cdn.example/gone.js: { type: external }\n    gone.js: { type: external }\n  dependencies:\n    - core/drupal\n";
    let libraries = ("modules/shop/shop.libraries.yml", libraries);
    let style = ("modules/shop/css/cart.css", "");
    let script = ("modules/shop/js/cart.js", "");
    check_tree(
        &[module, page, routes, libraries, style, script],
        &[
            "warning framework-part-not-found modules/shop/shop.routing.yml:5:14 modules/shop/src/Form/Gone.php",
        ],
    );
    check_tree(
        &[module, page, libraries, style, ("modules/shop/js/card.js", "")],
        &[
            "warning framework-part-not-found modules/shop/shop.libraries.yml:7:6 modules/shop/js/cart.js -> modules/shop/js/card.js",
        ],
    );
    // Of another program, which has no module.
    check_tree(&[page, routes, libraries], &[]);
}

/// A component, a module and a plugin, as Joomla has them.
const JOOMLA: [(&str, &str); 12] = [
    ("administrator/manifests/files/joomla.xml", "<extension/>"),
    (
        "administrator/components/com_shop/shop.xml",
        "<?xml version=\"1.0\"?>\n<!-- > <namespace path=\"gone\"> -->\n<extension type=\"component\">\n  <namespace path=\"src\">Acme\\Component\\Shop</namespace>\n  \
         <files folder=\"site\"><folder>gone</folder></files>\n</extension>",
    ),
    ("components/com_shop/src/Cart.php", "<?php\n"),
    (
        "modules/mod_cart/mod_cart.xml",
        "<extension type=\"module\" client=\"site\">\n  <namespace path='src'>Acme\\Module\\Cart</namespace>\n  <files>\n    <filename \
         module=\"mod_cart\">mod_cart.php</filename>\n  </files>\n</extension>",
    ),
    ("modules/mod_cart/src/Cart.php", "<?php\n"),
    (
        "modules/mod_cart/mod_cart.php",
        "<?php\nJLoader::register('ModCartHelper', __DIR__ . '/helper.php');\nrequire \\Joomla\\CMS\\Helper\\ModuleHelper::getLayoutPath('mod_cart', \
         $params->get('layout', 'default'));\necho LayoutHelper::render('joomla.cart.line', []);\n$form = new FileLayout('joomla.cart.form');",
    ),
    ("modules/mod_cart/helper.php", "<?php\nclass ModCartHelper {}"),
    ("modules/mod_cart/tmpl/default.php", "<?php\n"),
    ("layouts/joomla/cart/line.php", "<?php\n"),
    ("templates/own/html/layouts/joomla/cart/form.php", "<?php\n"),
    (
        "plugins/system/shop/shop.xml",
        "<extension type=\"plugin\">\n  <files><folder plugin=\"shop\">services</folder></files>\n</extension>",
    ),
    ("plugins/system/shop/services/provider.php", "<?php\n"),
];

/// Joomla's site, with what `change` does to it.
fn joomla(change: impl Fn(&str) -> &str) -> Vec<String> {
    let files = JOOMLA.map(|(path, text)| (change(path), text));
    let report = check(&Written::new(&files), &Setting::default(), &Limits::default());
    told(&report)
}

#[test]
fn the_parts_of_joomlas_extensions() {
    assert_eq!(joomla(|path| path), Vec::<String>::new());
    for (there, instead, expected) in [
        (
            "components/com_shop/src/Cart.php",
            "components/com_shop/Src/Cart.php",
            "warning framework-part-not-found administrator/components/com_shop/shop.xml:4:4 administrator/components/com_shop/src",
        ),
        (
            "modules/mod_cart/src/Cart.php",
            "modules/mod_cart/scr/Cart.php",
            "warning framework-part-not-found modules/mod_cart/mod_cart.xml:2:4 modules/mod_cart/src",
        ),
        (
            "plugins/system/shop/services/provider.php",
            "plugins/system/shop/service/provider.php",
            "warning framework-part-not-found plugins/system/shop/shop.xml:2:11 plugins/system/shop/services",
        ),
        (
            "modules/mod_cart/helper.php",
            "modules/mod_cart/helpers.php",
            "warning include-not-found modules/mod_cart/mod_cart.php:2:36 modules/mod_cart/helper.php -> modules/mod_cart/helpers.php",
        ),
        (
            "modules/mod_cart/tmpl/default.php",
            "modules/mod_cart/tmpl/defualt.php",
            "warning template-not-found modules/mod_cart/mod_cart.php:3:56 modules/mod_cart/tmpl/default.php -> modules/mod_cart/tmpl/defualt.php",
        ),
        (
            "layouts/joomla/cart/line.php",
            "layouts/joomla/cart/lines.php",
            "warning template-not-found modules/mod_cart/mod_cart.php:4:27 layouts/joomla/cart/line.php -> layouts/joomla/cart/lines.php",
        ),
        (
            "templates/own/html/layouts/joomla/cart/form.php",
            "templates/own/html/layouts/joomla/cart/forms.php",
            "warning template-not-found modules/mod_cart/mod_cart.php:5:24 layouts/joomla/cart/form.php",
        ),
    ] {
        let told = joomla(|path| if path == there { instead } else { path });
        assert_eq!(told, [expected], "{there}");
    }
    // Of another program, whose layouts lie elsewhere.
    let other = |path: &str| {
        path.replace("administrator/manifests", "manifests")
            .replace("line.php", "lines.php")
    };
    let files = JOOMLA.map(|(path, text)| (other(path), text));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    assert_eq!(told_by(" template-", &files), Vec::<String>::new());
}

/// What is registered is not loaded yet, and perhaps never is.
#[test]
fn a_class_that_joomla_may_load_is_not_declared_by_it() {
    let twice = |way: &str| {
        let index = format!("<?php\n{way}\nrequire __DIR__ . '/other.php';");
        let class = "<?php\nclass Cart {}";
        let files = [
            ("index.php", index.as_str()),
            ("cart.php", class),
            ("other.php", class),
        ];
        told_by(" declared-twice ", &files).len()
    };
    assert_eq!(twice("JLoader::register('Cart', __DIR__ . '/cart.php');"), 0);
    assert_eq!(twice("require __DIR__ . '/cart.php';"), 1, "the control");
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
        "<",
        "<extension",
        "<extension><!-- <namespace path=\"gone\">",
        "<extension><namespace path>",
        "<extension><namespace path=\"gone",
        "<extension><namespace path=''/><filename plugin=\"x\"></filename></>",
        "'js/x.js':{",
        ": {}",
    ] {
        check_tree(
            &[
                ("extension.json", text),
                ("x.services.yml", text),
                ("x.info.yml", text),
                ("x.libraries.yml", text),
                ("modules/x/x.xml", text),
            ],
            &[],
        );
    }
}
