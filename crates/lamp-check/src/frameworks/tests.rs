//! Parts that frameworks' settings name, one small tree for each framework.

use crate::tests::{Written, told};
use crate::{Limits, Setting, check};

/// What this family says of a tree.
#[track_caller]
fn check_tree(files: &[(&str, &str)], expected: &[&str]) {
    let report = check(&Written::new(files), &Setting::default(), &Limits::default());
    let told = told(&report).into_iter();
    let told: Vec<String> = told.filter(|line| line.contains(" framework-")).collect();
    assert_eq!(told, expected);
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
