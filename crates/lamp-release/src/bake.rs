//! The watched time after a switch: every probe must answer 2xx or 3xx until it is over. A first release is waited for
//! before: [`await_answer`].
//!
//! Dropping a future of these ends it at once.

use std::time::Duration;

use lamp_model::clock::{BootTime, Clock};
use lamp_model::event::Reason;
use lamp_model::port::Answer;

/// The pause behind the first round of probes; each further one is twice as long, up to [`PAUSE_MAX`]: most
/// of what is broken is broken at once.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
/// The longest pause between two rounds of probes.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Asks for a path as a visitor would: through Apache.
pub trait Ask: Send + Sync {
    /// The status of the answer to a GET of `path`, or why there is none, in words.
    fn ask<'a>(&'a self, path: &'a str) -> Answer<'a, u16, String>;
}

/// A bake that was come through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baked {
    /// Probes that were answered well.
    pub probes: u64,
}

/// Asks for `path`, again and again, until `has_answered` says that the release did; at least once.
///
/// What comes back is nobody's verdict: until Apache knows of the release, another site may answer there, or none. Answers
/// `Some` of what came back last, in words, if the release has not answered `within` that time.
pub async fn await_answer<E>(
    ask: &dyn Ask,
    clock: &dyn Clock,
    (path, within): (&str, Duration),
    has_answered: impl Fn() -> Result<bool, E>,
) -> Result<Option<String>, E> {
    let begun = clock.boot_time();
    let mut pause = PAUSE_FIRST;
    loop {
        let answer = ask.ask(path).await;
        if has_answered()? {
            return Ok(None);
        }
        let left = left(clock, &begun, within);
        if left.is_zero() {
            return Ok(Some(words(&answer)));
        }
        tokio::time::sleep(pause.min(left)).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Probes every path, again and again, until `length` is over; at least once each.
pub async fn bake(
    ask: &dyn Ask,
    clock: &dyn Clock,
    length: Duration,
    paths: &[String],
) -> Result<Baked, Reason> {
    let begun = clock.boot_time();
    let mut baked = Baked { probes: 0 };
    let mut pause = PAUSE_FIRST;
    loop {
        for path in paths {
            judge(path, ask.ask(path).await)?;
            baked.probes += 1;
        }
        let left = left(clock, &begun, length);
        if left.is_zero() {
            return Ok(baked);
        }
        tokio::time::sleep(pause.min(left)).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// What is left of `length`. Another boot means: long ago.
fn left(clock: &dyn Clock, begun: &BootTime, length: Duration) -> Duration {
    let passed = clock.boot_time().since(begun);
    passed.map_or(Duration::ZERO, |passed| length.saturating_sub(passed))
}

/// Whether an answer is that of a site that works.
pub fn judge(path: &str, answer: Result<u16, String>) -> Result<(), Reason> {
    if matches!(answer, Ok(200..=399)) {
        return Ok(());
    }
    Err(Reason::ProbeFailed {
        path: path.to_owned(),
        answer: words(&answer),
    })
}

fn words(answer: &Result<u16, String>) -> String {
    match answer {
        Ok(status) => format!("answered {status}"),
        Err(why) => format!("was not answered: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use jiff::Timestamp;
    use tokio::time::Instant;

    use super::*;

    /// Simulated time: it runs only while everybody waits.
    struct Simulated(Instant);

    impl Clock for Simulated {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }

        fn boot_time(&self) -> BootTime {
            let boot_id = "simulated".to_owned();
            BootTime { boot_id, nanos: 0 }.plus(self.0.elapsed())
        }
    }

    /// Answers 200 until its `bad_after`-th request, and notes when each was made.
    struct Site {
        begun: Instant,
        bad_after: usize,
        asked: Mutex<Vec<Duration>>,
    }

    impl Ask for Site {
        fn ask<'a>(&'a self, _path: &'a str) -> Answer<'a, u16, String> {
            let mut asked = self.asked.lock().expect("one thread");
            asked.push(self.begun.elapsed());
            let status = if asked.len() > self.bad_after { 500 } else { 200 };
            Box::pin(async move { Ok(status) })
        }
    }

    async fn run(bad_after: usize, seconds: u64) -> (Result<Baked, Reason>, Vec<Duration>) {
        let begun = Instant::now();
        let site = Site {
            begun,
            bad_after,
            asked: Mutex::default(),
        };
        let paths = ["/".to_owned(), "/shop".to_owned()];
        let baked = bake(&site, &Simulated(begun), Duration::from_secs(seconds), &paths).await;
        (baked, site.asked.into_inner().expect("one thread"))
    }

    #[tokio::test(start_paused = true)]
    async fn it_probes_to_the_very_end_and_never_pauses_longer_than_a_second() {
        let (baked, asked) = run(usize::MAX, 60).await;
        assert_eq!(
            baked,
            Ok(Baked {
                probes: asked.len() as u64
            })
        );
        assert!(
            asked.last().is_some_and(|last| *last >= Duration::from_secs(60)),
            "{asked:?}"
        );
        assert!(
            asked
                .windows(2)
                .all(|pair| pair[1] - pair[0] <= PAUSE_MAX + Duration::from_millis(2))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_bake_of_no_length_asks_every_path_once() {
        assert_eq!(run(usize::MAX, 0).await.0, Ok(Baked { probes: 2 }));
    }

    #[tokio::test(start_paused = true)]
    async fn one_bad_answer_ends_it_with_its_reason() {
        let (baked, asked) = run(7, 60).await;
        let reason = baked.expect_err("the eighth is bad");
        assert_eq!(
            reason.to_string(),
            "the probe of /shop through Apache answered 500"
        );
        assert_eq!(asked.len(), 8);
    }

    /// How often a site that answers nothing good is asked until the release answers, and what is then said of it.
    async fn awaited(answers_at: usize, within: u64) -> (Option<String>, Vec<Duration>) {
        let begun = Instant::now();
        let site = Site {
            begun,
            bad_after: 0,
            asked: Mutex::default(),
        };
        let has_answered = || Ok::<_, ()>(site.asked.lock().expect("one thread").len() >= answers_at);
        let within = Duration::from_secs(within);
        let said = await_answer(&site, &Simulated(begun), ("/", within), has_answered).await;
        (
            said.expect("the log can be read"),
            site.asked.into_inner().expect("one thread"),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn a_first_release_is_waited_for_whatever_else_answers_there() {
        let (said, asked) = awaited(30, 60).await;
        assert_eq!((said, asked.len()), (None, 30));
        assert!(asked[29] > Duration::from_secs(20), "{asked:?}");
        let (said, asked) = awaited(usize::MAX, 60).await;
        assert_eq!(said.as_deref(), Some("answered 500"));
        assert!(
            asked.last().is_some_and(|last| *last >= Duration::from_secs(60)),
            "{asked:?}"
        );
        assert_eq!(awaited(1, 0).await.0, None, "asked once at least");
    }

    #[track_caller]
    fn check(answer: Result<u16, String>, good: bool) {
        assert_eq!(judge("/", answer.clone()).is_ok(), good, "{answer:?}");
    }

    #[test]
    fn only_2xx_and_3xx_are_good() {
        for (status, good) in [
            (199, false),
            (200, true),
            (302, true),
            (399, true),
            (400, false),
            (503, false),
        ] {
            check(Ok(status), good);
        }
        check(Err("connect: refused".to_owned()), false);
    }
}
