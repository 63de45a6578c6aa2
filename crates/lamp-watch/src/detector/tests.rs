//! Lines as Apache writes them, in milliseconds since the switch: release `old` answers before, `new` from 0 on.

use super::*;

/// The switch, in seconds since 1970.
const SWITCHED_AT: i64 = 1_795_342_610;

/// `release` is live so many milliseconds after the switch, and `old` stands before it.
fn live(release: &str, millis: i64) -> Live {
    Live {
        release: ReleaseId::parse(release).ok(),
        since: Timestamp::from_millisecond(SWITCHED_AT * 1_000 + millis).ok(),
        before: ReleaseId::parse("old").ok(),
    }
}

struct Site {
    detector: Detector,
    requests: u64,
}

impl Site {
    fn new() -> Self {
        let mut site = Self {
            detector: Detector::default(),
            requests: 0,
        };
        let live = live("new", 0);
        assert_eq!(site.detector.live(live, Duration::ZERO), []);
        site
    }

    /// A request as `RELEASE STATUS REQUEST`, with ` !FILE` behind it for a fatal error there.
    fn line(&mut self, millis: i64, client: u8, request: &str) -> AccessLine {
        self.requests += 1;
        let (request, fatal) = request
            .split_once(" !")
            .map_or((request, None), |(r, f)| (r, Some(f)));
        let mut words = request.splitn(3, ' ');
        let mut word = || words.next().expect("a word");
        let (release, status, asked) = (word(), word(), word());
        let id = fatal.map_or("-".to_owned(), |_| format!("id{}", self.requests));
        if let Some(file) = fatal {
            let line = format!(
                "2026-11-22 13:54:05.1 error 18 192.0.2.{client}:1 {id} php {release} PHP Fatal error:  oh in /srv/shop/releases/{release}/{file} on line 3"
            );
            self.detector
                .error(ErrorLine::parse(line.as_bytes()).expect("a line"));
        }
        let begun = SWITCHED_AT * 1_000_000 + millis * 1_000 - 500;
        let handler = if asked.contains(".css") {
            "-"
        } else {
            "application/x-httpd-php"
        };
        let line = format!(
            "{status} {release} 18 {begun} 500 - 192.0.2.{client} {id} {handler} \"{asked} HTTP/1.1\""
        );
        AccessLine::parse(line.as_bytes()).expect("a line")
    }

    fn learn(&mut self, millis: i64, request: &str) {
        assert_eq!(
            self.learn_from(millis, 0, request),
            None,
            "the past is not asked about"
        );
    }

    /// The same, where what ended at `news_from` or later is news.
    fn learn_from(&mut self, millis: i64, news_from: i64, request: &str) -> Option<Noticed> {
        let line = self.line(millis, 1, request);
        let news_from = Timestamp::from_millisecond(SWITCHED_AT * 1_000 + news_from).expect("a time");
        self.detector.learn(&line, news_from, Duration::ZERO)
    }

    fn visit(&mut self, millis: u64, client: u8, request: &str) -> Option<Suspect> {
        let line = self.line(i64::try_from(millis).expect("small"), client, request);
        match self.detector.line(&line, Duration::from_millis(millis)) {
            Some(Noticed::Suspect(suspect)) => Some(*suspect),
            Some(Noticed::Sighted(_)) => panic!("no request of ours"),
            None => None,
        }
    }
}

fn asks(suspect: Option<Suspect>) -> Vec<String> {
    let asks = suspect.map(|suspect| suspect.asks).unwrap_or_default();
    asks.iter()
        .map(|ask| format!("{}{}", ask.path, if ask.was_well { "" } else { "?" }))
        .collect()
}

#[test]
fn the_first_failure_of_the_new_release_is_suspected_with_its_line() {
    let mut site = Site::new();
    site.learn(-1_000, "old 200 GET /shop");
    assert_eq!(site.visit(5, 1, "new 200 GET /fine"), None);
    let suspect = site
        .visit(10, 2, "new 500 GET /shop !wp-settings.php")
        .expect("a suspicion");
    assert_eq!((suspect.status, suspect.route.as_str()), (Some(500), "/shop"));
    assert_eq!(
        suspect.first_failed_at.as_millisecond(),
        SWITCHED_AT * 1_000 + 10,
        "the end of the answer"
    );
    let place = suspect.error.as_ref().and_then(|error| error.place.clone());
    assert_eq!(
        place.map(|place| place.to_string()).as_deref(),
        Some("wp-settings.php:3")
    );
    assert_eq!((suspect.failed_requests, suspect.failed_clients), (1, 1));
    assert_eq!(asks(Some(suspect)), ["/shop", "/fine"]);
}

#[test]
fn a_fatal_error_behind_status_200_is_suspected() {
    let mut site = Site::new();
    assert!(site.visit(10, 1, "new 200 GET /shop !a.php").is_some());
    assert!(site.visit(20, 1, "new 200 GET /shop").is_none(), "the control");
}

#[test]
fn what_the_release_before_failed_at_too_is_no_news() {
    let mut site = Site::new();
    site.learn(-9_000, "old 500 GET /flaky");
    site.learn(-8_000, "old 200 GET /report/7 !cron.php");
    site.learn(-7_000, "new 503 GET /tried");
    for (at, request) in [
        "new 500 GET /flaky",
        "new 200 GET /report/12 !cron.php",
        "new 503 GET /tried",
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(site.visit(1_000 * at as u64 + 1, 1, request), None, "{request}");
        assert!(site.visit(1_000 * at as u64 + 2, 1, "new 200 GET /").is_none());
    }
    for news in [
        "new 502 GET /flaky",
        "new 500 GET /other",
        "new 200 GET /report/12 !other.php",
    ] {
        assert!(site.visit(9_000, 1, news).is_some(), "the control: {news}");
    }
}

#[test]
fn known_failures_are_news_again_when_nothing_else_is_left() {
    let mut site = Site::new();
    site.learn(-9_000, "old 500 GET /");
    let failing = |site: &mut Site, from: u64| -> usize {
        (0..20)
            .filter(|n| {
                let client = u8::try_from(n % 4).expect("small");
                site.visit(from + n * 10, client, "new 500 GET /").is_some()
            })
            .count()
    };
    assert!(failing(&mut site, 0) > 0, "four clients, nothing but failures");
    let mut site = Site::new();
    site.learn(-9_000, "old 500 GET /");
    for n in 0..20 {
        assert_eq!(site.visit(n * 20, 1, "new 500 GET /"), None, "one client");
    }
    let mut site = Site::new();
    site.learn(-9_000, "old 500 GET /");
    for n in 0..20 {
        let client = u8::try_from(n % 4).expect("small");
        assert_eq!(
            site.visit(n * 20, client, "new 500 GET /"),
            None,
            "others are served"
        );
        site.visit(n * 20 + 1, 9, "new 200 GET /served");
        site.visit(n * 20 + 2, 9, "new 200 GET /style.css");
    }
}

/// A killed agent's release failed on while nobody watched: what the log has of it is no past.
#[test]
fn failures_of_the_live_release_that_nobody_heard_of_are_asked_about() {
    let mut site = Site::new();
    assert_eq!(site.learn_from(500, 1_000, "new 500 GET /"), None, "too long ago");
    assert!(
        site.visit(2_000, 1, "new 500 GET /").is_some(),
        "and yet it taught nothing"
    );
    let mut site = Site::new();
    assert_eq!(site.learn_from(500, 0, "old 500 GET /"), None);
    assert!(site.learn_from(500, 0, "new 500 GET /other").is_some());
}

#[test]
fn only_the_live_release_is_suspected_and_only_since_it_is_live() {
    let mut site = Site::new();
    assert_eq!(
        site.visit(10, 1, "old 500 GET /"),
        None,
        "a request that began before the switch"
    );
    assert_eq!(site.visit(10, 1, "- 503 GET /"), None);
    let line = site.line(-5, 1, "new 500 GET /");
    assert_eq!(site.detector.line(&line, Duration::ZERO), None);
    assert!(site.visit(20, 1, "new 500 GET /x").is_some(), "the control");
}

#[test]
fn the_same_is_asked_about_less_and_less_unless_others_meet_it() {
    let mut site = Site::new();
    let asked: Vec<u64> = (0..10_000)
        .step_by(10)
        .filter(|at| site.visit(*at, 1, "new 500 GET /x").is_some())
        .collect();
    assert!((3..=8).contains(&asked.len()), "{asked:?}");
    let gaps: Vec<u64> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.windows(2).all(|pair| pair[0] <= pair[1]), "{gaps:?}");
    // Three who had not met it: at once.
    let again = (2..5).any(|client| site.visit(10_000, client, "new 500 GET /x").is_some());
    assert!(again);
}

/// T13 and T14: what visitors invent takes none of the questions of what visitors are served.
#[test]
fn a_flood_of_invented_routes_does_not_hide_a_bad_release() {
    let mut site = Site::new();
    site.learn(-1_000, "old 200 GET /");
    let mut questions = 0;
    for n in 0..500 {
        assert_eq!(site.visit(n, 66, "new 501 FOO /style.css"), None, "no code ran");
        let direct = format!("new 500 GET /wp-includes/file-x{n}.php !wp-includes/file-x{n}.php");
        questions += usize::from(site.visit(n, 66, &direct).is_some());
    }
    assert!(questions <= 3, "{questions} questions in half a second");
    let suspect = site.visit(500, 1, "new 500 GET / !index.php").expect("at once");
    assert_eq!(asks(Some(suspect)), ["/"]);
}

#[test]
fn what_cannot_be_asked_again_proposes_what_can() {
    let mut site = Site::new();
    site.learn(-1_000, "old 200 GET /");
    site.learn(-1_000, "old 200 GET /");
    site.learn(-1_000, "old 200 GET /order/12");
    assert_eq!(
        asks(site.visit(10, 1, "new 500 POST /order/44")),
        ["/order/12", "/"]
    );
    assert_eq!(
        asks(site.visit(20, 1, "new 500 GET /?p=1")),
        ["/", "/order/12"][..1]
    );
    assert_eq!(
        asks(site.visit(30, 1, "new 500 GET /new-one")),
        ["/new-one?", "/"]
    );
    assert_eq!(asks(site.visit(40, 1, "new 500 GET //evil.example/")), ["/"]);
    assert_eq!(asks(Site::new().visit(10, 1, "new 500 POST /order")), [""; 0]);
}

#[test]
fn our_own_requests_are_sightings_and_count_for_nothing() {
    let mut site = Site::new();
    let line = site.line(10, 1, "new 500 GET /shop !guilty.php");
    let line = AccessLine {
        is_door: true,
        ..line
    };
    let Some(Noticed::Sighted(sighting)) = site.detector.line(&line, Duration::ZERO) else {
        panic!("a sighting");
    };
    assert_eq!(sighting.path.as_ref().map(AskablePath::as_str), Some("/shop"));
    let place = sighting
        .error
        .and_then(|error| error.place)
        .map(|place| place.to_string());
    assert_eq!(place.as_deref(), Some("guilty.php:3"));
    let none = Impact::default();
    assert_eq!(site.detector.impact(None, Timestamp::UNIX_EPOCH), none);
    assert_eq!(site.detector.traffic(), None);
}

#[test]
fn impact_is_counted_by_release_and_from_a_time_on() {
    let mut site = Site::new();
    site.learn(-5_000, "old 500 GET /flaky");
    for (millis, client, request) in [
        (10, 1, "new 500 GET /"),
        (20, 2, "new 500 POST /"),
        (30, 1, "new 200 GET / !a.php"),
        (40, 3, "new 501 FOO /"),
        (50, 3, "new 404 GET /no"),
        (60, 4, "old 500 GET /flaky"),
        (5_000, 5, "new 500 GET /"),
    ] {
        site.visit(millis, client, request);
    }
    let at = |millis: i64| Timestamp::from_millisecond(SWITCHED_AT * 1_000 + millis).ok();
    let new = ReleaseId::parse("new").expect("a name");
    let impact = site.detector.impact(Some(&new), at(0).expect("a time"));
    assert_eq!(
        impact,
        Impact {
            failed_requests: 4,
            failed_clients: 3,
            requests: 6,
            first_failed_at: at(10),
            last_failed_at: at(5_000),
        }
    );
    assert_eq!(
        site.detector.impact(None, at(0).expect("a time")).failed_requests,
        5
    );
    assert_eq!(
        site.detector
            .impact(None, at(21).expect("a time"))
            .failed_requests,
        3
    );
    assert_eq!(
        site.detector
            .impact(None, at(-9_000).expect("a time"))
            .failed_requests,
        6
    );
    let traffic = site.detector.traffic().expect("some");
    assert_eq!((traffic.requests, traffic.failed, traffic.well), (8, 4, 2));
}

/// A bad release, a rollback, and the next release: what the bad one failed at is news for the next one.
#[test]
fn a_bad_release_teaches_nothing_to_the_next() {
    let mut site = Site::new();
    assert!(site.visit(10, 1, "new 500 GET /").is_some());
    assert_eq!(
        site.detector.live(live("old", 100), Duration::from_millis(100)),
        []
    );
    assert!(site.visit(200, 1, "old 200 GET /").is_none());
    assert!(
        site.visit(210, 1, "new 500 GET /").is_none(),
        "late, of the bad one"
    );
    assert_eq!(
        site.detector.live(live("next", 1_000), Duration::from_secs(1)),
        []
    );
    assert!(site.visit(1_100, 1, "next 500 GET /").is_some());
}

/// The switch is made, a visitor fails, and only then the worker hears of the switch.
#[test]
fn whoever_was_quicker_than_the_news_of_the_switch_is_heard() {
    let mut site = Site::new();
    assert_eq!(site.visit(990, 1, "next 500 GET /tried"), None);
    assert_eq!(site.visit(1_010, 1, "next 500 GET /"), None);
    let noticed = site
        .detector
        .live(live("next", 1_000), Duration::from_millis(1_020));
    let [Noticed::Suspect(suspect)] = noticed.as_slice() else {
        panic!("one suspicion: {noticed:?}");
    };
    assert_eq!((suspect.route.as_str(), suspect.failed_requests), ("/", 1));
    assert!(
        site.visit(1_030, 1, "next 500 GET /tried").is_none(),
        "it failed at that before it was live"
    );
    assert!(
        site.visit(1_040, 1, "next 500 GET /other").is_some(),
        "the control"
    );
}

/// Lines of any kind, for long: every map stays within its bound.
#[test]
fn whatever_comes_the_state_is_bounded() {
    let mut site = Site::new();
    let mut random = lamp_testkit::seed::Seed::new(7);
    for n in 0..20_000 {
        let (release, status) = (
            ["old", "new"][random.below(2) as usize],
            [200, 500][random.below(2) as usize],
        );
        let path = format!("/p{}/{}", random.below(100_000), random.below(9));
        let fatal = ["", " !a.php", " !b.php"][random.below(3) as usize];
        let client = u8::try_from(random.below(250)).expect("small");
        site.visit(n, client, &format!("{release} {status} GET {path}{fatal}"));
    }
    let detector = &site.detector;
    let sizes = [
        detector.history.sizes(),
        (detector.questions.size(), detector.joined.size()),
    ];
    assert!(sizes.iter().all(|(a, b)| *a <= 1_024 && *b <= 1_024), "{sizes:?}");
}
