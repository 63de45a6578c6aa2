//! Whoever takes pages, and what they may say to one.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use lamp_model::incident::PageIntent;

/// What came of one try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It is taken.
    Accepted,
    /// It will never be taken.
    Refused {
        /// In the receiver's words.
        why: String,
    },
    /// Not now: nobody answers, or not well.
    NotNow {
        /// What happened.
        why: String,
        /// How long the receiver asks to wait.
        retry_after: Option<Duration>,
    },
    /// Nothing more for now, of any page: too many came.
    TooMany {
        /// What was said.
        why: String,
        /// How long the receiver asks to wait.
        retry_after: Option<Duration>,
    },
}

/// A try under way.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Said> + Send + 'a>>;

/// Brings one page to somebody outside, in bounded time. Trying the same page twice tells nobody twice: its key is
/// the receiver's handle.
pub trait Notifier: Send + Sync {
    /// Tries once.
    fn send<'a>(&'a self, intent: &'a PageIntent) -> Sending<'a>;
}

/// Nobody is to be paged: lamp.toml has no `[page]`. Pages are settled at once, and the log says why nobody
/// heard of them.
#[derive(Debug, Clone, Copy)]
pub struct Nobody;

impl Notifier for Nobody {
    fn send<'a>(&'a self, _: &'a PageIntent) -> Sending<'a> {
        let why = "nobody is to be paged: lamp.toml has no section [page]".to_owned();
        Box::pin(std::future::ready(Said::Refused { why }))
    }
}
