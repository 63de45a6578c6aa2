//! A release whose pages never end is taken back, and its workers with it; a slow one that ends is left alone.
//!
//! Each page of the release writes down its own process id before it begins to loop: that is how it is known which workers are stuck.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use lamp_fleet::Host;

use super::scene::Scene;
use crate::ground::until;

/// What every page of the site includes.
const COMMON: &str = "public/parts/name.php";
/// Where looping pages write down their process ids, one a line.
const LOOPS: &str = "/tmp/loops";
/// It computes, and waits for nobody.
const ENDLESS: &str = "<?php
set_time_limit(0);
file_put_contents('/tmp/loops', getmypid() . \"\\n\", FILE_APPEND | LOCK_EX);
while (true);
";
/// Each page takes so long and then answers.
const SLOW: &str = "usleep(3500000);\n";
/// Requests a second: every PHP page among them keeps a worker for good.
const RATE: f64 = 8.0;
/// How long stuck workers are looked at where nobody ends them: twice the grace that they would be given.
const LEFT_ALONE_FOR: Duration = Duration::from_secs(10);

impl Scene {
    /// Makes every page of the release that comes loop for ever.
    fn hang_next(&self) {
        self.write_next(COMMON, ENDLESS);
    }

    /// The processes that are still in their loop.
    fn looping(&self) -> BTreeSet<i32> {
        let file = self.stage().lab().on_host(Path::new(LOOPS));
        let text = fs_err::read_to_string(file.expect("a lab's /tmp is its own")).unwrap_or_default();
        let host = Host::inside(self.stage().lab().state_dir());
        let pids = text.lines().map(|line| line.parse().expect("a process id"));
        pids.filter(|pid| host.is_alive(*pid).expect("asked")).collect()
    }

    /// How many have ever been in it.
    fn ever_looped(&self) -> usize {
        let file = self.stage().lab().on_host(Path::new(LOOPS));
        fs_err::read_to_string(file.expect("a lab's /tmp is its own")).map_or(0, |text| text.lines().count())
    }
}

#[test]
fn an_endless_release_is_taken_back_and_its_workers_end() {
    taken_back(&Scene::new(true));
}

#[test]
fn an_endless_release_is_taken_back_and_its_workers_end_with_php_fpm() {
    taken_back(&Scene::with_fpm());
}

#[track_caller]
fn taken_back(scene: &Scene) {
    let good = scene.live();
    scene.hang_next();
    let forced = scene.visited(RATE, &[], |scene| {
        let ended = scene.deploy_next("120s");
        assert!(
            !scene.looping().is_empty(),
            "the control: they outlast the way back: {ended:?}"
        );
        until("no worker is stuck any more", || scene.looping().is_empty());
        until("visitors are answered", || scene.ask("/") == Some(200));
        ended
    });
    eprintln!("{forced}; {} looped", scene.ever_looped());
    assert_eq!(forced.exit, Some(1), "{}", forced.said);
    assert!(
        forced.said.contains("without waiting for anything"),
        "{}",
        forced.said
    );
    assert_eq!(scene.live(), good);
    assert!(scene.looping().is_empty());
    let report = scene.report();
    let timeline = report["timeline"].as_array().expect("a timeline");
    let ended = timeline.iter().find(|line| line["evidence"] == "workers-ended");
    let what = ended.and_then(|line| line["what"].as_str()).unwrap_or_default();
    assert!(what.contains("still at a request of release"), "{report:#}");
}

/// What a rollback of the link alone leaves behind; the next agent ends what the one before was killed over.
#[test]
fn without_an_agent_the_workers_stay_stuck_and_the_next_agent_ends_them() {
    let mut scene = Scene::with_fpm();
    let good = scene.live();
    scene.hang_next();
    let deploying = scene.deploy_beside("120s");
    until("the endless release is live", || scene.live() != good);
    until("all of php-fpm's workers are stuck", || {
        scene.begin_to_ask("/");
        scene.looping().len() >= 5
    });
    scene.kill_agent();
    drop(deploying);
    scene.link_by_hand(&good);
    let stuck = scene.looping();
    let begun = Instant::now();
    // Nothing is waited for: this is how long nobody comes to end them.
    while begun.elapsed() < LEFT_ALONE_FOR {
        std::thread::sleep(Duration::from_millis(500));
        assert!(scene.looping().is_superset(&stuck), "nobody ends them");
    }
    assert_eq!(scene.live(), good, "the link was moved");
    scene.start_agent();
    until("no worker is stuck any more", || scene.looping().is_empty());
    until("visitors are answered", || scene.ask("/") == Some(200));
}

#[test]
fn a_slow_release_that_ends_is_left_alone() {
    let scene = Scene::new(true);
    let common = fs_err::read_to_string(scene.stage().source(1).join(COMMON)).expect("a file");
    scene.write_next(COMMON, &common.replace("return", &format!("{SLOW}return")));
    let forced = scene.visited(RATE, &[], |scene| scene.deploy_next("25s"));
    eprintln!("{forced}");
    assert_eq!(forced.exit, Some(0), "{}", forced.said);
    assert!(forced.triggers().is_empty(), "{:#?}", forced.received);
    let slow = forced.slower_than(Duration::from_secs(3));
    assert!(slow > 20, "the control: its pages are slow: {slow}");
}
