//! The agent is killed between a bad switch and its verdict, between the verdict and its page, and between the
//! receiver's taking of the page and the log's knowing of it. Each time the site is whole afterwards, the receiver has
//! one incident, and that is resolved.

use lamp_lab::receiver::Manner;

use super::scene::{Deploying, Scene};
use crate::ground::until;

/// The live release is the first one again, and the receiver had one alert, which is closed.
#[track_caller]
fn check(scene: &Scene, good: &std::path::Path) {
    until("the alert is resolved", || {
        let alerts = scene.receiver().alerts();
        alerts.values().any(|alert| alert.opened > 0 && !alert.is_open)
    });
    let alerts = scene.receiver().alerts();
    assert_eq!(alerts.len(), 1, "one key: {alerts:#?}");
    assert!(alerts.values().all(|alert| alert.opened == 1), "{alerts:#?}");
    assert_eq!(scene.incidents(), 1);
    assert_eq!(scene.live(), good);
    assert_eq!(scene.ask("/"), Some(200));
    let armed = scene.stage().place().join("state/armed/shop.json");
    assert!(!armed.exists(), "nothing is armed any more");
}

/// Visits the page that fails until the release is gone.
fn visit_until_gone(scene: &Scene, deploying: Deploying, good: &std::path::Path) {
    until("the bad release is live", || scene.live() != good);
    until("it has gone back", || {
        scene.ask("/");
        scene.live() == good
    });
    drop(deploying);
}

#[test]
fn between_a_bad_switch_and_its_verdict() {
    let mut scene = Scene::new(true);
    let good = scene.live();
    scene.break_next();
    let hold = scene.stage().place().join("state/hold");
    fs_err::write(hold.join("after-switch"), "").expect("a hold point");
    let deploying = scene.deploy_beside("30s");
    until("the agent waits", || hold.join("at-after-switch").exists());
    assert_ne!(scene.live(), good, "the control: the bad release is live");
    scene.kill_agent();
    for point in ["after-switch", "at-after-switch"] {
        fs_err::remove_file(hold.join(point)).expect("let go");
    }
    drop(deploying);
    scene.start_agent();
    check(&scene, &good);
}

#[test]
fn between_the_verdict_and_its_page() {
    let mut scene = Scene::new(true);
    let good = scene.live();
    scene.break_next();
    scene.receiver().be(Manner::Down);
    let deploying = scene.deploy_beside("30s");
    visit_until_gone(&scene, deploying, &good);
    scene.kill_agent();
    assert!(
        scene.receiver().received().iter().all(|page| !page.is_trigger()),
        "the control: no page got out"
    );
    scene.receiver().be(Manner::Accepts);
    scene.start_agent();
    check(&scene, &good);
}

#[test]
fn between_the_receivers_taking_and_the_logs_knowing() {
    let mut scene = Scene::new(true);
    let good = scene.live();
    scene.break_next();
    scene.receiver().be(Manner::Silent);
    let deploying = scene.deploy_beside("30s");
    visit_until_gone(&scene, deploying, &good);
    until("the page is taken", || {
        scene.receiver().received().iter().any(|page| page.is_trigger())
    });
    scene.kill_agent();
    scene.receiver().be(Manner::Accepts);
    scene.start_agent();
    check(&scene, &good);
    let triggers = scene
        .receiver()
        .received()
        .iter()
        .filter(|page| page.is_trigger())
        .count();
    assert_eq!(triggers, 2, "it is sent again, under the same key");
}
