//! T16, through the whole agent: a release that fails and hides it (errors not logged, a handler at the end that says all is
//! well, settings of its own) is seen all the same, taken back, and its page names the line.

use super::scene::Scene;
use super::text;
use crate::ground::until;
use crate::hiding::{Files, HTACCESS, PLACE, SHUTDOWN_HANDLER, SWITCHED_OFF, USER_INI};

/// The page while it is well.
const WELL: &str = "<?php\necho 'a page';\n";
#[test]
fn t16_failures_that_hide_are_taken_back_with_mod_php() {
    all_taken_back(&scene(Scene::with), [SWITCHED_OFF, SHUTDOWN_HANDLER, HTACCESS]);
}

#[test]
fn t16_failures_that_hide_are_taken_back_with_php_fpm() {
    all_taken_back(
        &scene(|_, further| Scene::with_fpm_and(further)),
        [SWITCHED_OFF, SHUTDOWN_HANDLER, USER_INI],
    );
}

fn scene(of: impl FnOnce(bool, fn(&std::path::Path)) -> Scene) -> Scene {
    of(true, |dir| {
        fs_err::write(dir.join("public/page.php"), WELL).expect("written");
    })
}

#[track_caller]
fn all_taken_back(scene: &Scene, kinds: [Files; 3]) {
    let good = scene.live();
    for (told, files) in kinds.into_iter().enumerate() {
        taken_back(scene, &good, files);
        check_page(scene, told + 1);
        for (name, _) in files {
            // The next kind has its own.
            fs_err::remove_file(public(scene, name)).expect("removed");
        }
    }
}

#[track_caller]
fn taken_back(scene: &Scene, good: &std::path::Path, files: Files) {
    assert_eq!(
        scene.ask("/page.php"),
        Some(200),
        "the control: it is well before"
    );
    for (name, text) in files {
        fs_err::write(public(scene, name), text).expect("written");
    }
    let deploying = scene.deploy_beside("60s");
    until("the bad release is live", || scene.live() != good);
    let mut answered = Vec::new();
    until("it has gone back", || {
        answered.extend(scene.ask("/page.php"));
        scene.live() == good
    });
    assert!(
        answered.iter().all(|status| *status == 200),
        "hidden from who looks at the status: {answered:?}"
    );
    let ended = deploying.ended();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.err.contains("went back") || ended.out.contains("went back"),
        "{ended:?}"
    );
}

#[track_caller]
fn check_page(scene: &Scene, told: usize) {
    until("it is resolved", || {
        let alerts = scene.receiver().alerts();
        alerts.len() == told && alerts.values().all(|alert| !alert.is_open)
    });
    let received = scene.receiver().received();
    let last = received.iter().rfind(|page| page.is_trigger()).expect("one");
    let summary = text(last, "/payload/summary");
    assert!(summary.contains(PLACE), "{summary}");
    // Nothing includes the page, and nothing was found in it: what hangs on it is known from the whole graph.
    let reach = text(last, "/payload/custom_details/entry points");
    assert!(reach.starts_with("1 of "), "{reach}");
}

fn public(scene: &Scene, name: &str) -> std::path::PathBuf {
    scene.next().join("public").join(name)
}
