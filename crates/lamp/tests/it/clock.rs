//! The wall clock set back an hour, and on by two, in the middle of a bake: nothing changes. The agent
//! runs in this process, on a clock of the test's.

use std::sync::Arc;
use std::time::Duration;

use lamp::app::build;
use lamp::config::Config;
use lamp_model::clock::Clock;
use lamp_testkit::ManualClock;

use crate::ground::{Beside, Ground, SITE, until};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_clock_that_is_set_neither_ends_a_bake_nor_prolongs_it() {
    let ground = Ground::new();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let config = Config::read(&ground.config()).expect("lamp.toml");
    let clock = ManualClock::new();
    let app = runtime.block_on(build::start_with(&config, Arc::new(clock.clone())));
    let app = app.expect("the agent starts");

    let first = ground.deploy("one");
    let source = ground.source("two").display().to_string();
    let lamp = Beside::start(ground.command(&["deploy", SITE, "--from", &source, "--bake", "2m"]));
    until_baking(&ground);
    let second = ground.live();
    assert_ne!(second.as_ref(), Some(&first));

    let noon = clock.now();
    for wall in [noon - HOUR, noon + 2 * HOUR, noon - HOUR] {
        clock.set_wall(wall);
        until_baking(&ground);
        assert_eq!(ground.live(), second);
    }
    // Its wall clock stands an hour before the beginning of the bake.
    let baking = ground.lamp(&["status", SITE]);
    clock.advance(Duration::from_secs(119));
    until_baking(&ground);
    clock.advance(Duration::from_secs(2));
    let deployed = lamp.ended();
    assert_eq!(
        ground.live(),
        second,
        "two minutes after it began, the bake is over"
    );

    let back = ground.lamp(&["rollback", SITE]);
    assert_eq!(
        ground.live(),
        Some(first),
        "the target is the one proven before, whatever the clock said"
    );
    let told = [baking, deployed, back].map(|ended| ended.told(&ground));
    insta::assert_snapshot!(told.join("\n"));
    runtime.block_on(app.running.stop());
    crate::log_check::check(&ground.path("state/log.sqlite"), ground.live().as_ref(), "clock");
}

#[track_caller]
fn until_baking(ground: &Ground) {
    until("the release bakes", || {
        ground
            .lamp(&["status", "--format", "json"])
            .out
            .contains("\"step\": \"bake\"")
    });
}
