use lamp_model::SiteName;
use lamp_model::incident::{PageAction, PageIntent, PageSeverity};
use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// An outbox, the log behind it, and a time set by hand.
struct Bench {
    outbox: Outbox,
    pending: BTreeMap<PageId, PendingPage>,
    wall: Timestamp,
    now: BootTime,
}

impl Bench {
    fn new() -> Self {
        Self {
            outbox: Outbox::default(),
            pending: BTreeMap::new(),
            wall: "2026-11-22T06:40:00Z".parse().expect("a time"),
            now: BootTime {
                boot_id: "boot".to_owned(),
                nanos: 10_000_000_000,
            },
        }
    }

    fn with(pages: &[(u64, PageAction, &str)]) -> Self {
        let mut bench = Self::new();
        for (id, action, key) in pages {
            bench.intend(*id, *action, key);
        }
        bench
    }

    fn intend(&mut self, id: u64, action: PageAction, key: &str) {
        let intent = PageIntent {
            action,
            dedup_key: key.to_owned(),
            incident: None,
            site: SiteName::parse("shop").expect("a name"),
            severity: PageSeverity::Critical,
            summary: "shop fails".to_owned(),
            happened_at: self.wall,
            details: Vec::new(),
        };
        let since = self.wall;
        self.pending.insert(PageId(id), PendingPage { since, intent });
    }

    fn advance(&mut self, by: Duration) {
        self.wall += by;
        self.now = self.now.plus(by);
    }

    fn decide(&mut self) -> Decision {
        self.outbox.look(&self.pending, self.wall, &self.now);
        self.outbox.decide(&self.now)
    }

    /// What is tried now, by number.
    fn tried(&mut self) -> Vec<u64> {
        self.decide().tries.iter().map(|next| next.page.0).collect()
    }

    /// Tries whatever is due, each with this answer; which that were.
    fn answer(&mut self, said: &Said) -> Vec<u64> {
        let tried = self.tried();
        for id in &tried {
            self.outbox.begin(PageId(*id), &self.now);
        }
        for id in &tried {
            self.outbox.answered(PageId(*id), said.clone(), &self.now);
        }
        tried
    }

    /// Records what is to be recorded, as the log would; what that was.
    fn record(&mut self) -> Vec<(u64, PageResult)> {
        let records = self.decide().records;
        for (id, _) in &records {
            self.outbox.recording(*id);
            self.outbox.recorded(*id);
            self.pending.remove(id);
        }
        records.into_iter().map(|(id, result)| (id.0, result)).collect()
    }

    /// How long until it is looked at again.
    fn wait(&mut self) -> Duration {
        let at = self.decide().look_again.expect("a time");
        at.since(&self.now).expect("the same boot")
    }
}

fn not_now() -> Said {
    Said::NotNow {
        why: "answered 500".to_owned(),
        retry_after: None,
    }
}

fn too_many(seconds: Option<u64>) -> Said {
    Said::TooMany {
        why: "answered 429".to_owned(),
        retry_after: seconds.map(Duration::from_secs),
    }
}

use PageAction::{Change, Resolve, Trigger};

#[test]
fn a_page_is_tried_once_and_settled() {
    let mut bench = Bench::with(&[(1, Trigger, "a")]);
    assert_eq!(bench.answer(&Said::Accepted), [1]);
    assert_eq!(bench.record(), [(1, PageResult::Accepted { tries: 1 })]);
    assert_eq!(bench.decide(), Decision::default());
    assert_eq!(bench.outbox.waiting(), 0);
}

#[test]
fn what_is_under_way_is_not_tried_twice() {
    let mut bench = Bench::with(&[(1, Trigger, "a")]);
    assert_eq!(bench.tried(), [1]);
    bench.outbox.begin(PageId(1), &bench.now);
    bench.advance(HOUR);
    assert_eq!(bench.decide(), Decision::default());
}

#[test]
fn a_try_that_came_to_nothing_is_made_again_with_what_was_said() {
    let mut bench = Bench::with(&[(1, Trigger, "a")]);
    assert_eq!(bench.answer(&not_now()), [1]);
    assert_eq!(bench.tried(), [] as [u64; 0]);
    bench.advance(WAIT_FIRST);
    let again = Try {
        page: PageId(1),
        number: 2,
        why: Why::Again {
            said: "answered 500".to_owned(),
        },
    };
    assert_eq!(bench.decide().tries, [again]);
}

#[test]
fn waits_double_to_a_bound() {
    let mut bench = Bench::with(&[(1, Trigger, "a")]);
    let mut waits = Vec::new();
    for _ in 0..11 {
        assert_eq!(bench.answer(&not_now()), [1]);
        waits.push(bench.wait().as_millis());
        let wait = bench.wait();
        bench.advance(wait);
    }
    let expected = [
        250, 500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000,
    ];
    assert_eq!(waits, expected);
}

#[test]
fn the_wait_that_a_receiver_asks_for_is_kept_within_bounds() {
    for (asked, kept) in [(7, 7), (0, 0), (86_400, 300)] {
        let mut bench = Bench::with(&[(1, Trigger, "a")]);
        let said = Said::NotNow {
            why: "answered 503".to_owned(),
            retry_after: Some(Duration::from_secs(asked)),
        };
        bench.answer(&said);
        let wait = bench.wait();
        assert_eq!(wait.as_secs(), kept, "{asked}");
        assert!(wait >= WAIT_FIRST);
    }
}

#[test]
fn too_many_holds_every_page_back() {
    let mut bench = Bench::with(&[(1, Trigger, "a")]);
    assert_eq!(bench.answer(&too_many(Some(30))), [1]);
    bench.intend(2, Trigger, "b");
    assert_eq!(bench.wait(), 30 * SECOND);
    bench.advance(29 * SECOND);
    assert_eq!(bench.tried(), [] as [u64; 0]);
    bench.advance(SECOND);
    assert_eq!(bench.tried(), [1, 2]);
}

#[test]
fn too_many_without_a_time_waits_all_the_same() {
    let mut bench = Bench::with(&[(1, Trigger, "a"), (2, Trigger, "b")]);
    assert_eq!(bench.answer(&too_many(None)), [1, 2]);
    assert_eq!(bench.wait(), WAIT_TOO_MANY);
}

#[test]
fn a_resolve_waits_until_its_trigger_is_recorded() {
    let mut bench = Bench::with(&[(1, Trigger, "a"), (2, Resolve, "a"), (3, Trigger, "b")]);
    assert_eq!(bench.answer(&Said::Accepted), [1, 3]);
    // Accepted, and not on disk: were the resolve sent now and all killed, the trigger would come again after it.
    assert_eq!(bench.tried(), [] as [u64; 0]);
    assert_eq!(bench.record().len(), 2);
    assert_eq!(bench.tried(), [2]);
}

#[test]
fn a_trigger_that_nobody_took_still_goes_before_its_resolve() {
    let mut bench = Bench::with(&[(1, Trigger, "a")]);
    bench.answer(&not_now());
    bench.intend(2, Resolve, "a");
    bench.advance(HOUR);
    assert_eq!(bench.answer(&Said::Accepted), [1]);
    bench.record();
    assert_eq!(bench.answer(&Said::Accepted), [2]);
}

#[test]
fn a_refused_trigger_lets_its_resolve_go() {
    let mut bench = Bench::with(&[(1, Trigger, "a"), (2, Resolve, "a")]);
    let why = "answered 400: no such key".to_owned();
    bench.answer(&Said::Refused { why: why.clone() });
    assert_eq!(bench.record(), [(1, PageResult::Refused { why })]);
    assert_eq!(bench.tried(), [2]);
}

#[test]
fn changes_wait_for_alerts_and_never_hold_them() {
    let mut bench = Bench::with(&[(1, Change, "a"), (2, Change, "c"), (3, Trigger, "a")]);
    assert_eq!(bench.tried(), [3, 1, 2]);
}

#[test]
fn nobody_took_it_for_a_day() {
    let mut bench = Bench::with(&[(1, Trigger, "a"), (2, Resolve, "a")]);
    let mut tries = 0;
    let (_, result) = loop {
        tries += bench.answer(&not_now()).len();
        assert!(tries < 10_000, "never given up");
        if let Some(recorded) = bench.record().pop() {
            break recorded;
        }
        let wait = bench.wait();
        bench.advance(wait);
    };
    let why = "answered 500".to_owned();
    assert_eq!(result, PageResult::GaveUp { why });
    let since = bench.pending[&PageId(2)].since;
    let took = Duration::try_from(bench.wall.duration_since(since)).expect("forwards");
    assert!(took >= KEPT_FOR && took < KEPT_FOR + WAIT_MAX, "{took:?}");
    assert!(tries > 1000, "{tries}");
    // Its resolve is as old, and has its own try all the same.
    assert_eq!(bench.answer(&Said::Accepted), [2]);
}

#[test]
fn what_is_older_than_a_day_at_the_start_is_tried_once() {
    let mut bench = Bench::with(&[(1, Trigger, "a")]);
    bench.advance(48 * HOUR);
    assert_eq!(bench.answer(&not_now()), [1]);
    assert!(matches!(bench.record()[..], [(1, PageResult::GaveUp { .. })]));
}

#[test]
fn a_clock_that_is_set_back_gives_up_on_nothing_early_or_late() {
    let mut bench = Bench::with(&[(1, Trigger, "a")]);
    bench.wall -= 100 * HOUR;
    bench.answer(&not_now());
    bench.advance(KEPT_FOR - SECOND);
    bench.answer(&not_now());
    assert_eq!(bench.record(), []);
    bench.advance(WAIT_MAX);
    bench.answer(&not_now());
    assert_eq!(bench.record().len(), 1);
}

#[test]
fn a_result_that_cannot_be_recorded_is_kept_and_the_page_not_sent_again() {
    let mut bench = Bench::with(&[(1, Trigger, "a"), (2, Resolve, "a")]);
    bench.answer(&Said::Accepted);
    for _ in 0..100 {
        let decision = bench.decide();
        assert_eq!(decision.tries, []);
        assert_eq!(decision.records, [(PageId(1), PageResult::Accepted { tries: 1 })]);
        bench.outbox.recording(PageId(1));
        bench.outbox.not_recorded(PageId(1), &bench.now);
        assert_eq!(bench.wait(), RECORD_AGAIN);
        bench.advance(RECORD_AGAIN);
    }
}

#[test]
fn what_another_settled_meanwhile_is_forgotten() {
    let mut bench = Bench::with(&[(1, Trigger, "a"), (2, Resolve, "a")]);
    bench.answer(&not_now());
    bench.pending.remove(&PageId(1));
    assert_eq!(bench.tried(), [2]);
}

#[test]
fn no_more_than_the_receiver_takes_in_a_minute() {
    let pages: Vec<_> = (1..=300).map(|id| (id, Trigger, format!("key {id}"))).collect();
    let mut bench = Bench::new();
    for (id, action, key) in &pages {
        bench.intend(*id, *action, key);
    }
    let mut calls = 0;
    while calls < CALLS_MAX {
        let tried = bench.answer(&Said::Accepted).len();
        assert!((1..=UNDER_WAY_MAX).contains(&tried), "{tried}");
        bench.record();
        calls += tried;
        bench.advance(SECOND);
    }
    assert_eq!((calls, bench.tried().len()), (CALLS_MAX, 0));
    // The first calls are 15 seconds old; room comes when they are a minute old.
    assert_eq!(bench.wait(), CALLS_WITHIN - 15 * SECOND);
    let wait = bench.wait();
    bench.advance(wait);
    assert_eq!(bench.tried().len(), UNDER_WAY_MAX);
}

/// Something that happens to an outbox.
#[derive(Debug, Clone)]
enum Step {
    Intend(u8, bool),
    Answer(Said),
    Record,
    Fail,
    Wait(u16),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let said = prop_oneof![
        3 => Just(Said::Accepted),
        1 => Just(Said::Refused { why: "no".to_owned() }),
        3 => Just(not_now()),
        1 => Just(too_many(Some(5))),
    ];
    let step = prop_oneof![
        2 => (0_u8..3, any::<bool>()).prop_map(|(key, change)| Step::Intend(key, change)),
        3 => said.prop_map(Step::Answer),
        3 => Just(Step::Record),
        1 => Just(Step::Fail),
        3 => (0_u16..20_000).prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 0..120)
}

/// What the receiver took, by lane: in the order of the log, each again only while it is the last.
fn takes(heard: &mut BTreeMap<String, Vec<u64>>, bench: &Bench, id: u64) {
    let intent = &bench.pending[&PageId(id)].intent;
    let lane = format!("{:?} {}", intent.action == Change, intent.dedup_key);
    heard.entry(lane).or_default().push(id);
}

proptest! {
    #[test]
    fn pages_of_a_key_arrive_in_order_whatever_happens(steps in steps()) {
        let mut bench = Bench::new();
        let mut next = 1;
        let mut heard = BTreeMap::new();
        for step in steps {
            match step {
                Step::Intend(key, change) => {
                    let action = if change { Change } else { Trigger };
                    bench.intend(next, action, &key.to_string());
                    next += 1;
                }
                Step::Answer(said) => {
                    for id in bench.answer(&said) {
                        takes(&mut heard, &bench, id);
                    }
                }
                Step::Record => drop(bench.record()),
                Step::Fail => {
                    for (id, _) in bench.decide().records {
                        bench.outbox.recording(id);
                        bench.outbox.not_recorded(id, &bench.now);
                    }
                }
                Step::Wait(millis) => bench.advance(Duration::from_millis(millis.into())),
                Step::Restart => bench.outbox = Outbox::default(),
            }
        }
        for (lane, ids) in &heard {
            prop_assert!(ids.is_sorted(), "{lane}: {ids:?}");
        }
        // Whatever happened: from here on all goes well, and all is told in bounded time.
        for _ in 0..200 + 5 * next {
            bench.answer(&Said::Accepted);
            bench.record();
            bench.advance(SECOND);
        }
        prop_assert!(bench.pending.is_empty(), "{:?}", bench.pending.keys());
    }
}
