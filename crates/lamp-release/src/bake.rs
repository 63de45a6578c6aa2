//! The watched time after a switch: every probe must answer 2xx or 3xx until it is over.
//!
//! Dropping the future of [`bake`] ends it at once.

use std::time::Duration;

use lamp_http::Client;
use lamp_http::error::chain;
use lamp_model::clock::Clock;
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

impl Ask for Client {
    fn ask<'a>(&'a self, path: &'a str) -> Answer<'a, u16, String> {
        Box::pin(async move {
            let answer = self.get(lamp_http::Request::new(path)).await;
            answer
                .map(|answer| answer.status.as_u16())
                .map_err(|error| chain(&error))
        })
    }
}

/// A bake that was come through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baked {
    /// Probes that were answered well.
    pub probes: u64,
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
        // Another boot means: long ago.
        let left = clock
            .boot_time()
            .since(&begun)
            .map_or(Duration::ZERO, |passed| length.saturating_sub(passed));
        if left.is_zero() {
            return Ok(baked);
        }
        tokio::time::sleep(pause.min(left)).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Whether an answer is that of a site that works.
pub fn judge(path: &str, answer: Result<u16, String>) -> Result<(), Reason> {
    let answer = match answer {
        Ok(200..=399) => return Ok(()),
        Ok(status) => format!("answered {status}"),
        Err(why) => format!("was not answered: {why}"),
    };
    Err(Reason::ProbeFailed {
        path: path.to_owned(),
        answer,
    })
}
