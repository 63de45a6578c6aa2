//! T17, through the whole agent: where the log that it follows shows nothing of its own probes, whatever the reason, the site is held
//! and somebody is paged; nothing goes back for it, and nothing is called good.

use std::path::{Path, PathBuf};

use lamp_lab::Service;

use super::scene::Scene;
use super::text;
use crate::ground::until;

/// What our own line of the virtual host is, and Apache's file that holds it.
const LINE: &str = "CustomLog \"/var/log/apache2/lamp-shop.log\" lamp";
const VIRTUAL_HOST: &str = "/etc/apache2/sites-available/000-shop.conf";
/// What it is made, and what is said before it, outside of any virtual host.
const BLIND: [(&str, &str, &str); 5] = [
    ("buffered", "BufferedLogs On", LINE),
    ("piped", "", "CustomLog \"|/bin/cat\" lamp"),
    (
        "in another format",
        "",
        "CustomLog \"/var/log/apache2/lamp-shop.log\" combined",
    ),
    ("to syslog", "", "CustomLog \"|/usr/bin/logger -t apache2\" lamp"),
    ("unwritten", "", ""),
];

#[test]
fn t17_a_blind_watcher_holds_and_pages_and_neither_goes_back_nor_says_good() {
    let mut scene = Scene::new(true);
    let good = an_ordinary_log_gives_a_verdict(&scene);
    for (told, (why, before, line)) in (1..).zip(BLIND) {
        eprintln!("{why}");
        log_with(&mut scene, before, line);
        held_and_paged(&scene, told, why);
        let status = scene.status();
        assert_eq!(status.code, Some(1), "{why}: {status:?}");
        sees_again(&mut scene, why);
        assert_eq!(scene.live(), good, "{why}");
    }
    held_in_a_bake(&mut scene, &good);
}

/// The release that bakes stays, and counts as good only once it is seen again.
#[track_caller]
fn held_in_a_bake(scene: &mut Scene, good: &Path) {
    scene.mend_next();
    log_with(scene, "", "");
    let deploying = scene.deploy_beside("25s");
    until("the release is live", || scene.live() != good);
    let release = scene.live();
    held_and_paged(scene, 1 + BLIND.len(), "in a bake");
    assert_eq!(scene.live(), release, "nothing goes back for it");
    sees_again(scene, "in a bake");
    let ended = deploying.ended();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(scene.live(), release);
}

/// The control: what fails then is judged, and goes back.
#[track_caller]
fn an_ordinary_log_gives_a_verdict(scene: &Scene) -> PathBuf {
    let good = scene.live();
    scene.break_next();
    let deploying = scene.deploy_beside("60s");
    until("the bad release is live", || scene.live() != good);
    until("it has gone back", || {
        scene.ask("/");
        scene.live() == good
    });
    assert_eq!(deploying.ended().code, Some(1));
    until("it is resolved", || {
        scene.receiver().alerts().len() == 1 && scene.is_resolved()
    });
    good
}

#[track_caller]
fn held_and_paged(scene: &Scene, told: usize, why: &str) {
    until(&format!("{why}: somebody is paged"), || {
        scene.receiver().alerts().len() > told
    });
    let received = scene.receiver().received();
    let page = received.iter().rfind(|page| page.is_trigger()).expect("one");
    let summary = text(page, "/payload/summary");
    assert!(summary.contains("blind"), "{why}: {summary}");
    assert_eq!(text(page, "/payload/severity"), "critical", "{why}");
    assert!(!scene.is_good(), "{why}");
    assert!(!scene.is_resolved(), "{why}: held as long as it is blind");
}

/// An ordinary log again.
#[track_caller]
fn sees_again(scene: &mut Scene, why: &str) {
    log_with(scene, "", LINE);
    until(&format!("{why}: it sees again"), || {
        scene.ask("/");
        scene.is_resolved()
    });
}

/// Has Apache log so, from here on.
fn log_with(scene: &mut Scene, before: &str, line: &str) {
    let lab = scene.stage_mut().lab_mut();
    let file = lab
        .on_host(Path::new(VIRTUAL_HOST))
        .expect("a lab's /etc is its own");
    let kept = file.with_extension("kept");
    if !kept.exists() {
        fs_err::copy(&file, &kept).expect("kept");
    }
    let ordinary = fs_err::read_to_string(&kept).expect("read");
    assert!(ordinary.contains(LINE), "{ordinary}");
    let text = format!("{before}\n{}", ordinary.replace(LINE, line));
    lab.stop_service(Service::Apache).expect("stopped");
    fs_err::write(&file, text).expect("written");
    lab.start_service(Service::Apache).expect("started");
}
