//! Incidents: what follows from the log, the culprit, the pages, the report. Pure.
//!
//! [`follow`] says which events of incidents and pages follow from the world as it is. It is idempotent: on the
//! world after its own events it answers nothing, so that whoever is killed, whenever, nothing is lost and nothing
//! is told twice. Read in this order: [`terms`] (what it is asked under), [`decide`] (one decision per site, with
//! its reason), [`mod@culprit`] (who is held responsible), [`page`] (what is told outside), [`mod@follow`] (all of
//! it as events), [`plain`] (text from logs, made safe to show), [`mod@report`] (an incident told to its end).

pub mod culprit;
pub mod decide;
pub mod follow;
pub mod page;
pub use lamp_model::plain;
pub mod report;
pub mod terms;

pub use culprit::culprit;
pub use follow::{awaits_recovery, follow};
pub use report::{Report, report};
pub use terms::{NoFacts, PagerTerms, ReleaseFacts, Terms};

#[cfg(test)]
mod sample;
