//! `lamp serve` as a process, beside a real agent: it is not root, sends the pages while it lives, loses none and
//! sends none twice of which a result is on a disk; what it shows over HTTP.

mod killed;
mod stand;

use std::time::Duration;

use lamp_lab::receiver::{Alert, Manner, Received};

use crate::ground::{Ended, Ground, until};
use crate::page::KEY;
use stand::{NOBODY, Stand, is_listening};

/// Longest wait for what must come.
const DEADLINE: Duration = Duration::from_secs(60);

/// One that was opened once, and is closed.
const TOLD_ONCE: Alert = Alert {
    opened: 1,
    repeated: 0,
    dropped: 0,
    is_open: false,
};

fn is_resolved(heard: &[Received]) -> bool {
    heard
        .iter()
        .any(|received| received.is_taken() && received.is_resolve())
}

#[test]
fn root_is_refused() {
    let ground = Ground::new();
    insta::assert_snapshot!(ground.lamp(&["serve"]).told(&ground));
}

/// T25, the controller's half; the agent's stands with its socket.
#[test]
fn pages_go_through_a_controller_that_is_not_root_beside_an_agent_that_does_not_listen() {
    let stand = Stand::new(Manner::Down);
    let agent = stand.ground.agent();
    let serve = stand.serve();
    serve.until_well();
    assert_eq!(serve.uids(), [NOBODY; 4], "real, effective, saved, of files");
    assert!(is_listening(serve.pid()), "the control: what listens is seen");
    assert!(!is_listening(agent.pid()));
    stand.receiver.be(Manner::Accepts);
    assert!(
        stand.receiver.wait_until(DEADLINE, is_resolved),
        "{:?}",
        stand.receiver.heard()
    );
    assert_eq!(stand.receiver.alerts()["a"], TOLD_ONCE);
    serve.until_metric("lamp_pages_waiting 0");
    let shown = serve.metrics();
    assert!(
        shown.contains("lamp_pages_total{result=\"accepted\"} 2"),
        "{shown}"
    );
    assert_eq!(serve.terminate(), Some(0));
}

#[test]
fn without_a_controller_the_agent_sends_and_with_its_end_it_does_again() {
    let stand = Stand::new(Manner::Fails);
    let _agent = stand.ground.agent();
    let serve = stand.serve();
    serve.until_well();
    serve.kill();
    stand.receiver.be(Manner::Accepts);
    assert!(
        stand.receiver.wait_until(DEADLINE, is_resolved),
        "{:?}",
        stand.receiver.heard()
    );
    assert_eq!(stand.receiver.alerts()["a"], TOLD_ONCE);
}

#[test]
fn a_controller_killed_before_its_result_was_told_is_followed_by_one_more_try_of_the_same_key() {
    let stand = Stand::new(Manner::Fails);
    let agent = stand.ground.agent();
    let serve = stand.serve();
    serve.until_well();
    // The agent stands still: what the controller hears from the receiver reaches no log.
    agent.stand_still();
    stand.receiver.be(Manner::Accepts);
    let taken = |heard: &[Received]| {
        heard
            .iter()
            .any(|received| received.is_taken() && received.is_trigger())
    };
    assert!(stand.receiver.wait_until(DEADLINE, taken));
    stand.receiver.be(Manner::Fails);
    serve.kill();
    stand.receiver.be(Manner::Accepts);
    agent.go_on();
    until("the log has a result of both", || stand.settled().len() == 2);
    let alert = stand.receiver.alerts()["a"];
    // The trigger again, once, while its alert was open: or after its resolve, if that was out already. Never lost, never open.
    assert!(!alert.is_open && alert.opened <= 2, "{alert:?}");
    let triggers = stand
        .receiver
        .received()
        .iter()
        .filter(|received| received.is_trigger())
        .count();
    assert_eq!(triggers, 2, "sent again, once");
}

#[test]
fn an_agent_killed_before_it_knew_learns_it_from_the_controllers_disk_and_nothing_is_sent_twice() {
    let stand = Stand::new(Manner::Fails);
    let agent = stand.ground.agent();
    let serve = stand.serve();
    serve.until_well();
    agent.stand_still();
    stand.receiver.be(Manner::Accepts);
    assert!(stand.receiver.wait_until(DEADLINE, is_resolved));
    assert_eq!(
        stand.settled().len(),
        0,
        "the control: the log knows nothing of it"
    );
    agent.kill();
    let _next = stand.ground.agent();
    until("the log has a result of both", || stand.settled().len() == 2);
    assert_eq!(stand.receiver.alerts()["a"], TOLD_ONCE);
    serve.until_well();
}

#[test]
fn health_and_metrics_tell_and_nothing_else_is_answered() {
    let stand = Stand::new(Manner::Accepts);
    let serve = stand.serve();
    let (status, said) = serve.get("/health/engine", "localhost");
    assert_eq!(status, 503, "{said}");
    until("it says why", || {
        serve
            .get("/health/engine", "localhost")
            .1
            .contains("no agent listens")
    });
    let agent = stand.ground.agent();
    stand.ground.deploy("one");
    serve.until_well();
    serve.until_metric("lamp_switches_total{site=\"shop\"} 1");
    // The trigger, its resolve, and the change that the switch was.
    serve.until_metric("lamp_pages_total{result=\"accepted\"} 3");
    insta::assert_snapshot!(serve.metrics_alike());
    assert_eq!(serve.get("/health/engine", "evil.example").0, 421);
    assert_eq!(serve.get("/", "localhost").0, 404);
    agent.kill();
    until("it is told", || serve.get("/health/engine", "localhost").0 == 503);
}

#[test]
fn no_key_stands_in_anything_that_is_written() {
    let stand = Stand::new(Manner::Refuses);
    let agent = stand.ground.agent();
    until("both are refused by the agent's tries", || {
        stand.settled().len() == 2
    });
    agent.terminate();
    let second = Stand::new(Manner::Refuses);
    let _agent = second.ground.agent();
    let serve = second.serve();
    until("both are refused", || second.settled().len() == 2);
    serve.until_well();
    serve.terminate();
    for stand in [&stand, &second] {
        let heard = stand.receiver.heard();
        assert!(
            heard
                .iter()
                .all(|received| String::from_utf8_lossy(&received.raw).contains(KEY))
        );
        assert_eq!(
            stand.files_with(KEY),
            ["pagerduty.key"],
            "the control: its own file"
        );
    }
    let status: Ended = second.ground.lamp(&["status"]);
    assert!(!status.told(&second.ground).contains(KEY));
}
