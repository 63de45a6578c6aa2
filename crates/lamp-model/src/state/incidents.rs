//! Incidents and pages in the fold.

use jiff::Timestamp;

use super::{IllegalTransition, Judged, PendingPage, World};
use crate::event::Event;
use crate::evidence::{Impact, Subject};
use crate::incident::{Incident, IncidentId, IncidentState, PageAction, PageId, PageIntent, Told};
use crate::name::SiteName;

impl World {
    /// Applies an event that tells of an incident or a page; of any other, nothing.
    pub(super) fn follow_incident(&mut self, at: Timestamp, event: &Event) -> Result<(), IllegalTransition> {
        if let Some((id, opened)) = opened(at, event) {
            return self.open(id, opened);
        }
        if let Event::IncidentMitigated { incident } = event {
            let found = self.incident_mut("incident-mitigated", *incident)?;
            found.state = IncidentState::Mitigated;
            found.mitigated_at = Some(at);
        } else if let Event::IncidentResolved { incident, impact } = event {
            let found = self.incident_mut("incident-resolved", *incident)?;
            let site = found.site.clone();
            found.state = IncidentState::Resolved;
            found.mitigated_at.get_or_insert(at);
            found.resolved_at = Some(at);
            found.impact = Some(impact.clone());
            if found.subject.is_none() {
                self.follow_up(&site);
            }
        } else if let Event::Noted { incident, .. } = event {
            self.known("noted", *incident)?;
        } else if let Event::Acknowledged {
            incident,
            happened_at,
            ..
        } = event
        {
            self.known("acknowledged", *incident)?;
            if let Some(found) = self.incidents.get_mut(incident) {
                found.acknowledged_at.get_or_insert(*happened_at);
            }
        } else if let Event::PageIntended { page, intent } = event {
            self.intend(at, *page, intent)?;
        } else if let Event::PageSettled { page, .. } = event {
            let settled = self.outbox.remove(page);
            settled.ok_or_else(|| illegal("page-settled", format!("page {page} does not wait")))?;
        }
        Ok(())
    }

    /// A verdict stands. Visitors whom the release before served again are met by failures anew if it is on that one.
    /// One on what surrounds the site stands beside.
    pub(super) fn judge(&mut self, site: &SiteName, judged: Judged) {
        if let Some(subject) = judged.subject() {
            self.site_mut(site).stand(&subject, judged);
            return;
        }
        let failing_anew = self.site_mut(site).is_met_by(&judged.verdict);
        self.site_mut(site).judged = Some(judged);
        let open = self.open_incident(site).map(|(id, _)| id);
        let incident = open
            .filter(|_| failing_anew)
            .and_then(|id| self.incidents.get_mut(&id));
        if let Some(incident) = incident {
            incident.state = IncidentState::Failing;
            incident.mitigated_at = None;
        }
    }

    /// The site was seen well again: no verdict stands, and the open incident knows what visitors went through.
    pub(super) fn recover(&mut self, site: &SiteName, impact: &Impact) {
        self.site_mut(site).judged = None;
        let open = self.open_incident(site).map(|(id, _)| id);
        if let Some(incident) = open.and_then(|id| self.incidents.get_mut(&id)) {
            incident.impact = Some(impact.clone());
        }
    }

    /// What has ended up to now gives rise to no other incident.
    fn follow_up(&mut self, site: &SiteName) {
        let site = self.site_mut(site);
        if let Some(last) = &site.last {
            site.followed_up = last.deployment.id.number();
        }
    }

    /// The incident about what answers at a site that is not over.
    pub fn open_incident(&self, site: &SiteName) -> Option<(IncidentId, &Incident)> {
        self.open_about(site, None)
    }

    /// The same about what surrounds it.
    pub fn open_about(&self, site: &SiteName, subject: Option<&Subject>) -> Option<(IncidentId, &Incident)> {
        self.open_incidents(site)
            .find(|(_, incident)| incident.subject.as_ref() == subject)
    }

    /// All incidents of a site that are not over, the newest first.
    pub fn open_incidents(&self, site: &SiteName) -> impl Iterator<Item = (IncidentId, &Incident)> {
        let newest_first = self.incidents.iter().rev();
        newest_first
            .filter(move |(_, incident)| incident.site == *site && incident.state != IncidentState::Resolved)
            .map(|(id, incident)| (*id, incident))
    }

    /// The number of the next incident.
    pub fn next_incident(&self) -> IncidentId {
        IncidentId(self.incidents.keys().next_back().map_or(1, |last| last.0 + 1))
    }

    fn open(&mut self, id: IncidentId, opened: Incident) -> Result<(), IllegalTransition> {
        if id != self.next_incident() {
            let why = format!("the next incident is number {}", self.next_incident());
            return Err(illegal("incident-opened", why));
        }
        if let Some((open, _)) = self.open_about(&opened.site, opened.subject.as_ref()) {
            let why = format!("incident {open} of {} is not over", opened.site);
            return Err(illegal("incident-opened", why));
        }
        let followed = opened.subject.is_none().then(|| opened.site.clone());
        self.incidents.insert(id, opened);
        if let Some(site) = followed {
            self.follow_up(&site);
        }
        Ok(())
    }

    fn intend(&mut self, at: Timestamp, page: PageId, intent: &PageIntent) -> Result<(), IllegalTransition> {
        if page.0 != self.pages + 1 {
            let why = format!("the next page is number {}", self.pages + 1);
            return Err(illegal("page-intended", why));
        }
        self.pages += 1;
        let pending = PendingPage {
            since: at,
            intent: intent.clone(),
        };
        self.outbox.insert(page, pending);
        self.tell(intent);
        if intent.action == PageAction::Change {
            let changes = &mut self.site_mut(&intent.site).untold_changes;
            if !changes.is_empty() {
                changes.remove(0);
            }
        }
        Ok(())
    }

    fn tell(&mut self, intent: &PageIntent) {
        let incident = intent.incident.and_then(|id| self.incidents.get_mut(&id));
        if let Some(incident) = incident {
            incident.told = Some(Told {
                state: match intent.action {
                    PageAction::Resolve => IncidentState::Resolved,
                    PageAction::Trigger | PageAction::Change => incident.state,
                },
                severity: intent.severity,
                dedup_key: intent.dedup_key.clone(),
            });
        }
    }

    fn known(&self, event: &'static str, id: IncidentId) -> Result<(), IllegalTransition> {
        let known = self.incidents.contains_key(&id);
        known
            .then_some(())
            .ok_or_else(|| illegal(event, format!("there is no incident {id}")))
    }

    fn incident_mut(
        &mut self,
        event: &'static str,
        id: IncidentId,
    ) -> Result<&mut Incident, IllegalTransition> {
        let found = self.incidents.get_mut(&id);
        let found = found.ok_or_else(|| illegal(event, format!("there is no incident {id}")))?;
        if found.state == IncidentState::Resolved {
            return Err(illegal(event, format!("incident {id} is over")));
        }
        Ok(found)
    }
}

fn opened(at: Timestamp, event: &Event) -> Option<(IncidentId, Incident)> {
    let Event::IncidentOpened {
        incident,
        site,
        deployment,
        title,
        culprit,
        first_failed_at,
        noticed_at,
        subject,
    } = event
    else {
        return None;
    };
    let opened = Incident {
        site: site.clone(),
        state: IncidentState::Failing,
        deployment: deployment.clone(),
        title: title.clone(),
        culprit: culprit.as_deref().cloned(),
        first_failed_at: *first_failed_at,
        noticed_at: *noticed_at,
        opened_at: at,
        subject: subject.clone(),
        acknowledged_at: None,
        mitigated_at: None,
        resolved_at: None,
        impact: None,
        told: None,
    };
    Some((*incident, opened))
}

fn illegal(event: &'static str, why: String) -> IllegalTransition {
    IllegalTransition { event, why }
}
