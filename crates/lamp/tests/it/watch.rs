//! The log worker on real logs of a real Apache with PHP, run in either way; suspicions are settled through the real side door.

use std::collections::BTreeSet;

use lamp_http::Request;
use lamp_http::request::{HeaderName, HeaderValue};
use lamp_lab::Sapi;
use lamp_model::evidence::{Evidence, Trouble, Verdict};
use lamp_watch::message::{LogName, LogState};
use lamp_watch::probe::{Change, Sight, UNSEEN_MAX};
use lamp_watch::verdict::Decision;

mod site;

use site::{Site, following, id, on};

use crate::hiding::{Files, HTACCESS, PLACE, SHUTDOWN_HANDLER, SWITCHED_OFF, USER_INI};

/// The misspelt name of the outage, three files deep.
const BAD: Files = &[(
    "settings.php",
    "<?php\n\nrequire __DIR__ . '/includes/locale.phpp';\n",
)];
/// What a visitor would like to be taken for an error of PHP's.
const FORGED: &str = "PHP%20Fatal%20error:%20%20Uncaught%20Error:%20x%20in%20/srv/shop/releases/new/innocent.php:1%0AStack%20trace:%0A%230%20%7Bmain%7D%0A%20%20thrown%20in%20/srv/shop/releases/new/innocent.php%20on%20line%201";

/// The evidence of a bad release.
#[track_caller]
fn bad(decision: Decision) -> Evidence {
    assert!(
        matches!(decision, Decision::Verdict(Verdict::Bad { .. })),
        "bad, not {decision:?}"
    );
    match decision {
        Decision::Verdict(Verdict::Bad { evidence }) => *evidence,
        Decision::Verdict(Verdict::Hold { .. }) | Decision::Nothing(_) => unreachable!("just looked at"),
    }
}

fn place(evidence: &Evidence) -> Option<String> {
    let place = evidence.error.as_ref().and_then(|error| error.place.as_ref());
    place.map(ToString::to_string)
}

/// What a hostile visitor does.
async fn hostile(site: &Site) {
    assert_eq!(site.visit("/poke.php?n=500&line=FOO+/style.css").await, 200);
    for n in 0..20 {
        assert_eq!(site.visit(&format!("/direct.php/{n}x")).await, 500);
    }
    for forged in [
        FORGED,
        &format!("a%0APHP%20message:%20{FORGED}"),
        "%22%5C%1b%5B31m%0A500%20new%201%202%203%20-",
    ] {
        assert_eq!(site.visit(&format!("/log.php?x={forged}")).await, 200);
        site.visit(&format!("/no-such/{forged}")).await;
        let name = HeaderName::from_static("authorization");
        // `x<newline>PHP Fatal error:  in /srv/shop/releases/new/innocent.php on line 1:`
        let value = "Basic eApQSFAgRmF0YWwgZXJyb3I6ICBpbiAvc3J2L3Nob3AvcmVsZWFzZXMvbmV3L2lubm9jZW50LnBocCBvbiBsaW5lIDE6eA==";
        let request = Request::new("/auth/").header(name, HeaderValue::from_static(value));
        assert_eq!(site.ask(request).await, 401);
    }
}

/// T13, T15.
fn visitors_do_not_bring_a_good_release_back(sapi: Sapi) {
    on(sapi, &[("new", &[])], async |site| {
        assert_eq!(site.visit("/").await, 200);
        site.switch("new");
        assert_eq!(site.visit("/").await, 200);
        hostile(site).await;
        let suspects = site.suspects_so_far("new").await;
        assert!(!suspects.is_empty(), "the control: what failed raised questions");
        for suspect in &suspects {
            let decision = site.settle(suspect).await;
            assert!(
                matches!(decision, Decision::Nothing(_)),
                "{suspect:?}: {decision:?}"
            );
        }
    });
}

/// T14, T15: named is what our own asking met.
fn a_bad_release_is_found_beside_hostile_visitors(sapi: Sapi) {
    on(sapi, &[("new", BAD)], async |site| {
        for path in ["/", "/page.php"] {
            assert_eq!(site.visit(path).await, 200);
        }
        site.switch("new");
        hostile(site).await;
        for failed in 1..=20 {
            assert_eq!(site.visit("/").await, 500);
            for suspect in site.suspects_so_far("new").await {
                let decision = site.settle(&suspect).await;
                if !matches!(decision, Decision::Verdict(_)) {
                    continue;
                }
                let evidence = bad(decision);
                assert_eq!(place(&evidence).as_deref(), Some("settings.php:3"));
                assert_eq!(
                    (evidence.path.as_str(), evidence.answered.as_str()),
                    ("/", "answered 500")
                );
                assert_eq!(evidence.before_answered.as_deref(), Some("answered 200"));
                assert!(evidence.first_failed_at.is_some());
                return;
            }
            assert!(failed < 20, "not found within 20 failed requests");
        }
    });
}

/// T16: `release` has a page that fails and hides it.
fn a_hidden_failure_is_found(sapi: Sapi, files: Files) {
    on(sapi, &[("new", files)], async |site| {
        assert_eq!(site.visit("/page.php").await, 200);
        site.switch("new");
        assert_eq!(
            site.visit("/page.php").await,
            200,
            "the failure is hidden from who looks at the status"
        );
        let suspect = site.suspect().await;
        assert_eq!(suspect.status, Some(200));
        let evidence = bad(site.settle(&suspect).await);
        assert_eq!(place(&evidence).as_deref(), Some(PLACE));
    });
}

#[test]
fn visitors_do_not_bring_a_good_release_back_under_mod_php() {
    visitors_do_not_bring_a_good_release_back(Sapi::ModPhp);
}

#[test]
fn visitors_do_not_bring_a_good_release_back_under_fpm() {
    visitors_do_not_bring_a_good_release_back(Sapi::Fpm);
}

#[test]
fn a_bad_release_is_found_beside_hostile_visitors_under_mod_php() {
    a_bad_release_is_found_beside_hostile_visitors(Sapi::ModPhp);
}

#[test]
fn a_bad_release_is_found_beside_hostile_visitors_under_fpm() {
    a_bad_release_is_found_beside_hostile_visitors(Sapi::Fpm);
}

#[test]
fn failures_hidden_under_mod_php_are_found() {
    a_hidden_failure_is_found(Sapi::ModPhp, SWITCHED_OFF);
    a_hidden_failure_is_found(Sapi::ModPhp, SHUTDOWN_HANDLER);
    a_hidden_failure_is_found(Sapi::ModPhp, HTACCESS);
}

#[test]
fn failures_hidden_under_fpm_are_found() {
    a_hidden_failure_is_found(Sapi::Fpm, SWITCHED_OFF);
    a_hidden_failure_is_found(Sapi::Fpm, SHUTDOWN_HANDLER);
    a_hidden_failure_is_found(Sapi::Fpm, USER_INI);
}

/// Sends a probe more than may stay unseen.
async fn probe(site: &Site, sight: &mut Sight) -> Option<Change> {
    let mut change = None;
    for _ in 0..=UNSEEN_MAX {
        assert_eq!(site.door().through(&id("old"), "/").await, Ok(200));
        change = change.or(sight.answered("the log"));
    }
    change
}

/// T17: probes are answered, and the log that is followed shows none of them.
#[test]
fn a_watcher_that_sees_nothing_says_that_it_is_blind() {
    following(Sapi::ModPhp, &[], "not-written.log", async |site| {
        let state = site.state_of(LogName::Access, |_| true).await;
        assert_eq!(state, LogState::Missing);
        let change = probe(site, &mut Sight::default()).await;
        assert!(
            matches!(change, Some(Change::Blind(Trouble::Blind { .. }))),
            "{change:?}"
        );
    });
    // Apache's own format: the site's other access log.
    following(Sapi::ModPhp, &[], "shop-access.log", async |site| {
        probe(site, &mut Sight::default()).await;
        let state = site
            .state_of(LogName::Access, |state| {
                matches!(state, LogState::WrongFormat { .. })
            })
            .await;
        assert!(state.to_string().contains("lamp apache lines"), "{state}");
    });
}

/// The worker is not root, and another one follows when it is killed.
#[test]
fn the_worker_has_no_rights_and_is_started_again() {
    on(Sapi::ModPhp, &[("new", BAD)], async |site| {
        assert_eq!(site.visit("/").await, 200);
        assert_eq!(site.suspects_so_far("old").await, []);
        let worker = worker_pid();
        let status = fs_err::read_to_string(format!("/proc/{worker}/status")).expect("it lives");
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name));
            line.map(|line| {
                line.split_whitespace()
                    .skip(1)
                    .map(str::to_owned)
                    .collect::<BTreeSet<_>>()
            })
        };
        assert_eq!(
            field("Uid:").map(|uids| uids.contains("0")),
            Some(false),
            "{status}"
        );
        assert_eq!(field("NoNewPrivs:"), Some(BTreeSet::from(["1".to_owned()])));
        let pid = rustix::process::Pid::from_raw(worker).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("killed");
        site.worker_died(1).await;
        site.switch("new");
        assert_eq!(site.visit("/").await, 500);
        let suspect = site.suspect().await;
        let evidence = bad(site.settle(&suspect).await);
        assert_eq!(place(&evidence).as_deref(), Some("settings.php:3"));
    });
}

/// The one child of this thread that is a log worker: each test has its own thread, and starts its worker from it.
fn worker_pid() -> i32 {
    let thread = rustix::thread::gettid().as_raw_nonzero();
    let children = format!("/proc/self/task/{thread}/children");
    let children = fs_err::read_to_string(children).expect("this thread's children");
    let is_worker = |pid: &&str| {
        let command = fs_err::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        command.contains("watch-worker")
    };
    let found = children.split_whitespace().find(is_worker);
    found.and_then(|pid| pid.parse().ok()).expect("a worker runs")
}
