//! The log as the agent tells it, folded here: each connection begins at the log's beginning, so that a log that is
//! another one is never taken for the one before.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lamp_fleet::protocol::{Reply, Request};
use lamp_model::clock::{BootTime, Clock};
use lamp_model::event::Seq;
use lamp_model::incident::PageResult;
use lamp_model::state::IllegalTransition;
use lamp_model::{Event, SiteName, World};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::call::{Call, beside};
use crate::config::Config;
use crate::errors::Trouble;

/// How long the agent may be silent: it tells the head each second.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// The wait before a connection that ended is made again.
pub const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// What the log said, and when that was known to be all.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Its fold.
    pub world: Arc<World>,
    /// What happened how often.
    pub counts: Arc<Counts>,
    /// The last place that is folded in.
    pub seq: Seq,
    /// When the agent last said that there is no more; `None`: it never did.
    pub at_head: Option<BootTime>,
    /// Why the log cannot be followed now.
    pub trouble: Option<String>,
}

/// What happened how often, since the log began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Switches, back ones included, by site.
    pub switches: BTreeMap<SiteName, u64>,
    /// Pages that were taken.
    pub accepted: u64,
    /// Pages that were refused for ever.
    pub refused: u64,
    /// Pages that nobody took for a day.
    pub gave_up: u64,
}

impl Counts {
    fn count(&mut self, event: &Event) {
        if let Event::Switched { deployment, .. } = event {
            *self.switches.entry(deployment.site().clone()).or_default() += 1;
        } else if let Event::PageSettled { result, .. } = event {
            match result {
                PageResult::Accepted { .. } => self.accepted += 1,
                PageResult::Refused { .. } => self.refused += 1,
                PageResult::GaveUp { .. } => self.gave_up += 1,
            }
        }
    }
}

/// A fold under way.
#[derive(Debug, Default)]
struct Fold {
    world: World,
    counts: Counts,
    seq: Seq,
}

impl Fold {
    fn add(&mut self, seq: Seq, at: Timestamp, events: &[Event]) -> Result<(), IllegalTransition> {
        for event in events {
            self.world = std::mem::take(&mut self.world).apply(at, event)?;
            self.counts.count(event);
        }
        self.seq = seq;
        Ok(())
    }
}

/// Follows the log for ever, through agents that come and go.
pub async fn follow(config: Config, clock: Arc<dyn Clock>, tell: watch::Sender<View>) {
    loop {
        let trouble = match follow_once(&config, &*clock, &tell).await {
            Ok(()) => "the agent ended the conversation".to_owned(),
            Err(why) => why,
        };
        tell.send_if_modified(|view| {
            let is_news = view.trouble.as_ref() != Some(&trouble);
            if is_news {
                tracing::warn!(why = trouble, "the log is not followed");
                view.trouble = Some(trouble);
            }
            is_news
        });
        sleep(AGAIN_AFTER).await;
    }
}

/// Follows one agent to its end.
async fn follow_once(config: &Config, clock: &dyn Clock, tell: &watch::Sender<View>) -> Result<(), String> {
    let call = Call::running(config, "follow the log").await.map_err(in_words)?;
    let question = Request::Follow { after: Seq(0) };
    let mut reply = call.ask(&question, &[]).await.map_err(in_words)?;
    let mut fold = Fold::default();
    loop {
        if let Reply::Happened { seq, at, events } = &reply {
            let folded = fold.add(*seq, *at, events);
            folded.map_err(|error| format!("record {seq} of the log: {error}"))?;
        } else if let Reply::Head { .. } = &reply {
            show(&fold, clock.boot_time(), tell);
        } else {
            return Err(in_words(beside(&reply)));
        }
        let next = timeout(SILENCE_MAX, call.next()).await;
        reply = match next {
            Ok(next) => next.map_err(in_words)?,
            Err(_) => return Err(format!("the agent said nothing for {} s", SILENCE_MAX.as_secs())),
        };
    }
}

fn show(fold: &Fold, now: BootTime, tell: &watch::Sender<View>) {
    tell.send_modify(|view| {
        // A world that did not grow is not copied each second.
        if view.trouble.is_some() || view.seq != fold.seq || view.at_head.is_none() {
            view.world = Arc::new(fold.world.clone());
            view.counts = Arc::new(fold.counts.clone());
            view.seq = fold.seq;
        }
        view.trouble = None;
        view.at_head = Some(now);
    });
}

/// What a conversation broke on, in one line.
pub fn in_words(trouble: Trouble) -> String {
    trouble.causes.join(": ")
}
