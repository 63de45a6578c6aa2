use std::sync::Mutex;

use jiff::Timestamp;
use lamp_model::SiteName;
use lamp_model::incident::{PageAction, PageSeverity};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::*;
use crate::notifier::Sending;

/// A clock that runs with tokio's paused time.
struct PausedClock(Instant);

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        let begin: Timestamp = "2026-11-22T06:40:00Z".parse().expect("a time");
        begin + self.0.elapsed()
    }

    fn boot_time(&self) -> BootTime {
        BootTime {
            boot_id: "boot".to_owned(),
            nanos: 0,
        }
        .plus(self.0.elapsed())
    }
}

/// The log's part: what is to be told, and the results, with the second at which each was written.
#[derive(Default)]
struct Book {
    pending: Mutex<BTreeMap<PageId, PendingPage>>,
    results: Mutex<Vec<(u64, PageResult)>>,
    full: Mutex<bool>,
}

impl PageBook for Book {
    fn pending(&self) -> BTreeMap<PageId, PendingPage> {
        self.pending.lock().expect("not poisoned").clone()
    }

    fn record(&self, page: PageId, result: PageResult) -> Recording<'_> {
        Box::pin(async move {
            if *self.full.lock().expect("not poisoned") {
                let why = "no space".to_owned();
                return Err(NotRecorded { why });
            }
            self.pending.lock().expect("not poisoned").remove(&page);
            self.results.lock().expect("not poisoned").push((page.0, result));
            Ok(())
        })
    }
}

/// What a receiver does with what comes.
#[derive(Clone)]
enum Mood {
    Takes,
    Says(Said),
    /// Takes it, and never answers.
    Silent,
    Panics,
}

/// A receiver: what came, at which millisecond.
struct Receiver {
    begun: Instant,
    mood: Mutex<Mood>,
    heard: Mutex<Vec<(u128, PageAction, String)>>,
}

impl Receiver {
    fn is(&self, mood: Mood) {
        *self.mood.lock().expect("not poisoned") = mood;
    }

    fn heard(&self) -> Vec<(u128, PageAction, String)> {
        self.heard.lock().expect("not poisoned").clone()
    }
}

impl Notifier for Receiver {
    fn send<'a>(&'a self, intent: &'a PageIntent) -> Sending<'a> {
        let at = self.begun.elapsed().as_millis();
        let heard = (at, intent.action, intent.dedup_key.clone());
        self.heard.lock().expect("not poisoned").push(heard);
        let mood = self.mood.lock().expect("not poisoned").clone();
        Box::pin(async move {
            match mood {
                Mood::Takes => Said::Accepted,
                Mood::Says(said) => said,
                Mood::Silent => std::future::pending().await,
                Mood::Panics => panic!("a mistake of ours"),
            }
        })
    }
}

/// A loop at work, with paused time.
struct Stage {
    book: Arc<Book>,
    receiver: Arc<Receiver>,
    clock: Arc<PausedClock>,
    written: watch::Sender<u64>,
    valve: Valve,
    task: JoinHandle<()>,
}

impl Stage {
    fn new(mood: Mood) -> Self {
        let begun = Instant::now();
        let receiver = Arc::new(Receiver {
            begun,
            mood: Mutex::new(mood),
            heard: Mutex::default(),
        });
        let (book, clock) = (Arc::new(Book::default()), Arc::new(PausedClock(begun)));
        let written = watch::channel(0).0;
        let (valve, tap) = Valve::new();
        let pager = pager(&book, &receiver, &clock);
        let task = tokio::spawn(pager.drain(written.subscribe(), tap));
        valve.open();
        Self {
            book,
            receiver,
            clock,
            written,
            valve,
            task,
        }
    }

    fn intend(&self, id: u64, action: PageAction, key: &str) {
        let intent = PageIntent {
            action,
            dedup_key: key.to_owned(),
            incident: None,
            site: SiteName::parse("shop").expect("a name"),
            severity: PageSeverity::Critical,
            summary: String::new(),
            happened_at: self.clock.now(),
            details: Vec::new(),
        };
        let since = self.clock.now();
        let mut pending = self.book.pending.lock().expect("not poisoned");
        pending.insert(PageId(id), PendingPage { since, intent });
        drop(pending);
        self.written.send_modify(|count| *count += 1);
    }

    fn results(&self) -> Vec<(u64, PageResult)> {
        self.book.results.lock().expect("not poisoned").clone()
    }

    /// Waits, in paused time, until this many results are written; answers them.
    async fn settled(&self, results: usize) -> Vec<(u64, PageResult)> {
        let two_days = Duration::from_secs(48 * 3600);
        let all = async {
            while self.results().len() < results {
                sleep(LOOK_EVERY).await;
            }
        };
        timeout(two_days, all).await.expect("settled within two days");
        self.results()
    }

    async fn wait(&self, seconds: u64) {
        sleep(Duration::from_secs(seconds)).await;
    }

    /// Ends the loop in its middle, and begins another.
    async fn kill_and_restart(&mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
        let (valve, tap) = Valve::new();
        let pager = pager(&self.book, &self.receiver, &self.clock);
        self.task = tokio::spawn(pager.drain(self.written.subscribe(), tap));
        valve.open();
        self.valve = valve;
    }
}

fn pager(book: &Arc<Book>, receiver: &Arc<Receiver>, clock: &Arc<PausedClock>) -> Pager {
    Pager {
        book: Arc::clone(book) as Arc<dyn PageBook>,
        notifier: Arc::clone(receiver) as Arc<dyn Notifier>,
        clock: Arc::clone(clock) as Arc<dyn Clock>,
    }
}

fn down() -> Mood {
    Mood::Says(Said::NotNow {
        why: "connection refused".to_owned(),
        retry_after: None,
    })
}

use PageAction::{Resolve, Trigger};

#[tokio::test(start_paused = true)]
async fn a_page_goes_out_the_moment_it_is_written_down() {
    let stage = Stage::new(Mood::Takes);
    // Between two looks: what wakes the loop is the log.
    sleep(Duration::from_millis(5300)).await;
    stage.intend(1, Trigger, "a");
    assert_eq!(stage.settled(1).await, [(1, PageResult::Accepted { tries: 1 })]);
    assert_eq!(stage.receiver.heard(), [(5300, Trigger, "a".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_down_for_ten_minutes_hears_all_of_it_in_order() {
    let stage = Stage::new(down());
    stage.intend(1, Trigger, "a");
    stage.wait(300).await;
    stage.intend(2, Resolve, "a");
    stage.intend(3, Trigger, "b");
    stage.wait(300).await;
    let tries = stage.receiver.heard().len();
    assert!((20..40).contains(&tries), "{tries} tries in ten minutes");
    stage.receiver.is(Mood::Takes);
    let results = stage.settled(3).await;
    let took = stage.receiver.begun.elapsed().as_secs();
    assert!(took <= 600 + 60, "all told after {took} s");
    let heard = stage.receiver.heard();
    let of_a: Vec<_> = heard.iter().filter(|(.., key)| key == "a").collect();
    let (last, before) = of_a.split_last().expect("some");
    assert_eq!(last.1, Resolve);
    assert!(before.iter().all(|(_, action, _)| *action == Trigger));
    assert!(
        results
            .iter()
            .all(|(_, result)| matches!(result, PageResult::Accepted { .. }))
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_takes_and_never_answers_is_told_again_and_no_two_at_once() {
    let stage = Stage::new(Mood::Silent);
    stage.intend(1, Trigger, "a");
    stage.wait(60).await;
    let heard = stage.receiver.heard();
    let apart = heard.windows(2).map(|pair| pair[1].0 - pair[0].0);
    assert!(
        apart.clone().all(|millis| millis > TRY_TIMEOUT.as_millis()),
        "{heard:?}"
    );
    assert!(heard.len() >= 3, "{heard:?}");
    stage.receiver.is(Mood::Takes);
    assert!(matches!(
        stage.settled(1).await[..],
        [(1, PageResult::Accepted { tries: 4.. })]
    ));
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_told_once() {
    let why = "answered 400: no such key".to_owned();
    let stage = Stage::new(Mood::Says(Said::Refused { why: why.clone() }));
    stage.intend(1, Trigger, "a");
    assert_eq!(stage.settled(1).await, [(1, PageResult::Refused { why })]);
    stage.wait(3600).await;
    assert_eq!(stage.receiver.heard().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_took_it_for_a_day() {
    let stage = Stage::new(down());
    stage.intend(1, Trigger, "a");
    let results = stage.settled(1).await;
    let why = "connection refused".to_owned();
    assert_eq!(results, [(1, PageResult::GaveUp { why })]);
    let hours = stage.receiver.begun.elapsed().as_secs_f64() / 3600.0;
    assert!((24.0..24.1).contains(&hours), "{hours}");
}

#[tokio::test(start_paused = true)]
async fn killed_between_the_answer_and_its_record_it_is_told_again_once() {
    let mut stage = Stage::new(Mood::Takes);
    *stage.book.full.lock().expect("not poisoned") = true;
    stage.intend(1, Trigger, "a");
    stage.intend(2, Resolve, "a");
    stage.wait(30).await;
    // Taken, and not recorded: as long as this loop lives it knows, and the resolve waits.
    assert_eq!(stage.receiver.heard().len(), 1);
    stage.kill_and_restart().await;
    *stage.book.full.lock().expect("not poisoned") = false;
    stage.settled(2).await;
    let heard: Vec<_> = stage
        .receiver
        .heard()
        .into_iter()
        .map(|(_, action, key)| (action, key))
        .collect();
    let a = || "a".to_owned();
    assert_eq!(heard, [(Trigger, a()), (Trigger, a()), (Resolve, a())]);
}

#[tokio::test(start_paused = true)]
async fn a_shut_valve_ends_what_was_begun_and_begins_nothing() {
    let stage = Stage::new(Mood::Silent);
    stage.intend(1, Trigger, "a");
    stage.wait(1).await;
    let begun = Instant::now();
    let shut = stage.valve.shut();
    tokio::pin!(shut);
    assert!(
        timeout(Duration::from_secs(5), &mut shut).await.is_err(),
        "one is under way"
    );
    shut.await;
    assert!(begun.elapsed() <= TRY_TIMEOUT);
    stage.receiver.is(Mood::Takes);
    stage.wait(600).await;
    assert_eq!(stage.receiver.heard().len(), 1);
    stage.valve.open();
    stage.settled(1).await;
    // Opened and shut at once: whether it was begun or not, nothing is under way then.
    stage.intend(2, Trigger, "b");
    stage.valve.open();
    stage.valve.shut().await;
    assert_eq!(stage.receiver.heard().len() - 1, stage.results().len());
}

#[tokio::test(start_paused = true)]
async fn a_try_that_panics_costs_a_try() {
    let stage = Stage::new(Mood::Panics);
    stage.intend(1, Trigger, "a");
    stage.wait(1).await;
    stage.receiver.is(Mood::Takes);
    assert!(matches!(
        stage.settled(1).await[..],
        [(1, PageResult::Accepted { .. })]
    ));
}

#[tokio::test(start_paused = true)]
async fn each_look_is_told_and_the_loop_ends_with_its_valve() {
    let stage = Stage::new(down());
    stage.intend(1, Trigger, "a");
    let mut cycles = stage.valve.cycles();
    stage.wait(10).await;
    let cycle = cycles.borrow_and_update().clone();
    assert!(
        cycle.number >= 10 && cycle.waiting == 1 && cycle.failed_tries > 1,
        "{cycle:?}"
    );
    assert_eq!(cycle.last_failure.as_deref(), Some("connection refused"));
    let age = stage.clock.boot_time().since(&cycle.at.expect("looked"));
    assert!(age.expect("the same boot") <= LOOK_EVERY);
    let Stage { valve, task, .. } = stage;
    drop(valve);
    task.await.expect("ended well");
}
