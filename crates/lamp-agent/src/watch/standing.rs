//! Writes down what was found of something that surrounds a site: trouble that begins, that is another one now, that is over.

use lamp_model::Event;
use lamp_model::evidence::{Subject, Trouble, Verdict};
use lamp_model::name::SiteName;

use crate::ledger::Ledger;

/// What was found of one thing.
#[derive(Debug)]
pub struct Found {
    /// Whose incident it is.
    pub site: SiteName,
    /// What was looked at.
    pub subject: Subject,
    /// What is wrong with it, if anything.
    pub trouble: Option<Trouble>,
}

impl Found {
    /// Appends what is news. What cannot be written is found again at the next look.
    pub async fn write(self, ledger: &Ledger) {
        let Some(event) = self.news(ledger) else {
            return;
        };
        tracing::warn!(?event, "what surrounds the site has changed");
        if let Err(error) = ledger.append(vec![event]).await {
            tracing::warn!(%error, "not written; tried again at the next look");
        }
    }

    fn news(self, ledger: &Ledger) -> Option<Event> {
        let logged = ledger.site(&self.site);
        let before = logged.standing_on(&self.subject).map(|judged| &judged.verdict);
        match (before, self.trouble) {
            (None, None) => None,
            (Some(_), None) => Some(Event::Relieved {
                site: self.site,
                subject: self.subject,
            }),
            (Some(Verdict::Hold { trouble: before }), Some(now)) if is_same(before, &now) => None,
            (_, Some(now)) => Some(Event::Judged {
                site: self.site,
                deployment: None,
                verdict: Box::new(Verdict::Hold {
                    trouble: Box::new(now),
                }),
            }),
        }
    }
}

/// A disk that goes on filling says nothing new until it is more urgent; another certificate does.
fn is_same(before: &Trouble, now: &Trouble) -> bool {
    match (before, now) {
        (Trouble::DiskNearlyFull { .. }, Trouble::DiskNearlyFull { .. }) => before.urgency() == now.urgency(),
        _ => before == now,
    }
}
