//! The paging taken over from the agent, and given back: while this process's connection lives, it drains the outbox.
//!
//! The way of a page: the log's intent, seen in the [`View`]; the try; the result on this disk ([`Results`]); the
//! agent told; the log's result, seen in the view; only then is it forgotten here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lamp_agent::hold::{Holds, Moment, Side};
use lamp_fleet::protocol::{Reply, Request};
use lamp_model::event::Seq;
use lamp_model::incident::{PageId, PageResult};
use lamp_model::state::PendingPage;
use lamp_page::drain::{NotRecorded, Recording};
use lamp_page::{PageBook, Valve};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::follow::{AGAIN_AFTER, View, in_words};
use super::results::{Results, ResultsError};
use crate::call::{Call, beside};
use crate::config::Config;

/// How often the agent hears that this process lives.
const SIGN_OF_LIFE_EVERY: Duration = Duration::from_secs(10);
/// How long the agent may take for an answer: one to take the paging waits for a try of its own.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Longest wait for the log to be folded up to where the agent was when it gave the paging up.
const FOLD_WITHIN: Duration = Duration::from_secs(30);

/// The outbox as the log and this disk have it.
#[derive(Clone)]
pub struct Book {
    view: watch::Receiver<View>,
    results: Arc<Mutex<Results>>,
    /// Counts what is kept; wakes whoever hands over.
    kept: watch::Sender<u64>,
    holds: Holds,
}

impl Book {
    /// Of this log and these results.
    pub fn new(view: watch::Receiver<View>, results: Results, holds: Holds) -> Self {
        Self {
            view,
            results: Arc::new(Mutex::new(results)),
            kept: watch::channel(0).0,
            holds,
        }
    }

    /// Changes with the log.
    pub fn changes(&self) -> watch::Receiver<View> {
        self.view.clone()
    }

    fn results(&self) -> MutexGuard<'_, Results> {
        self.results.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outbox(&self) -> BTreeMap<PageId, PendingPage> {
        self.view.borrow().world.outbox.clone()
    }

    async fn keep(&self, page: PageId, result: PageResult) -> Result<(), NotRecorded> {
        let Some(waits) = self.outbox().remove(&page) else {
            // The log has a result already.
            return Ok(());
        };
        let moment = Moment::Kept(waits.intent.action);
        self.holds.pass(Side::Before, moment).await;
        let kept = self.results().keep(page, waits.since, result);
        kept.map_err(|error| NotRecorded {
            why: crate::errors::causes(&error).join(": "),
        })?;
        self.holds.pass(Side::After, moment).await;
        self.kept.send_modify(|count| *count += 1);
        Ok(())
    }

    fn forget_told(&self) -> Result<(), ResultsError> {
        let world = Arc::clone(&self.view.borrow().world);
        self.results().forget_told(&world)
    }
}

impl PageBook for Book {
    fn pending(&self) -> BTreeMap<PageId, PendingPage> {
        let outbox = self.outbox();
        self.results().without(&outbox)
    }

    fn record(&self, page: PageId, result: PageResult) -> Recording<'_> {
        Box::pin(self.keep(page, result))
    }
}

/// Whether this process sends the pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Holding {
    /// It has not asked yet.
    #[default]
    NotYet,
    /// It does.
    Held,
    /// It does not, and why.
    Not(String),
}

/// Takes the paging, again and again, and drains while it has it.
pub async fn hold(config: Config, book: Book, valve: Arc<Valve>, tell: watch::Sender<Holding>) {
    loop {
        let why = match hold_once(&config, &book, &valve, &tell).await {
            Ok(()) => "the agent ended the conversation".to_owned(),
            Err(why) => why,
        };
        tell.send_if_modified(|holding| {
            let not = Holding::Not(why);
            let is_news = *holding != not;
            if is_news {
                tracing::warn!(?not, "pages are not sent from here");
                *holding = not;
            }
            is_news
        });
        sleep(AGAIN_AFTER).await;
    }
}

/// Holds it for as long as one agent lets us.
async fn hold_once(
    config: &Config,
    book: &Book,
    valve: &Valve,
    tell: &watch::Sender<Holding>,
) -> Result<(), String> {
    let call = Call::running(config, "take the paging over")
        .await
        .map_err(in_words)?;
    let head = take(&call).await?;
    let ended = drain_while(&call, head, book, valve, tell).await;
    // What is under way is brought to its end, and its result kept here, before the agent hears that we are gone.
    valve.shut().await;
    ended
}

async fn drain_while(
    call: &Call,
    head: Seq,
    book: &Book,
    valve: &Valve,
    tell: &watch::Sender<Holding>,
) -> Result<(), String> {
    let mut view = book.view.clone();
    folded_to(&mut view, head).await?;
    let mut kept = book.kept.subscribe();
    hand_over(call, book).await?;
    valve.open();
    tell.send_replace(Holding::Held);
    tracing::info!("pages are sent from here");
    loop {
        tokio::select! {
            _ = kept.changed() => hand_over(call, book).await?,
            _ = view.changed() => book.forget_told().map_err(|error| crate::errors::causes(&error).join(": "))?,
            () = sleep(SIGN_OF_LIFE_EVERY) => { take(call).await?; }
            () = call.closed() => return Ok(()),
        }
    }
}

/// Asks for the paging; answers where the log was when the agent had sent its last page.
async fn take(call: &Call) -> Result<Seq, String> {
    let reply = ask(call, &Request::TakePaging {}).await?;
    let Reply::PagingTaken { head } = reply else {
        return Err(in_words(beside(&reply)));
    };
    Ok(head)
}

async fn ask(call: &Call, request: &Request) -> Result<Reply, String> {
    let answered = timeout(ANSWER_WITHIN, call.ask(request, &[])).await;
    let answered = answered.map_err(|_| "the agent does not answer".to_owned())?;
    answered.map_err(in_words)
}

/// Whatever the agent sent before is then known here, so that none of it is sent again.
async fn folded_to(view: &mut watch::Receiver<View>, head: Seq) -> Result<(), String> {
    let folded = view.wait_for(|view| view.trouble.is_none() && view.seq >= head);
    let folded = timeout(FOLD_WITHIN, folded).await;
    let folded = folded.map_err(|_| format!("the log is not folded up to record {head}"))?;
    folded.map(drop).map_err(|_| "the log is not followed".to_owned())
}

/// Tells the agent what it does not know yet.
async fn hand_over(call: &Call, book: &Book) -> Result<(), String> {
    let outbox = book.outbox();
    let lacking = book.results().to_hand_over(&outbox);
    for (page, result) in lacking {
        let told = Request::PageSettled { page, result };
        let reply = ask(call, &told).await?;
        let Reply::PageRecorded {} = reply else {
            return Err(in_words(beside(&reply)));
        };
        book.results().handed_over(page);
    }
    Ok(())
}
