//! An incident told in one line: what, where, how much hangs on it, what was done, how visitors fare.

use jiff::Timestamp;
use lamp_model::event::{Outcome, Reason};
use lamp_model::evidence::{CertificateFlaw, Evidence, Impact, Trouble, Verdict};
use lamp_model::incident::{Culprit, Incident, IncidentState};
use lamp_model::name::SiteName;
use lamp_model::plan::PlanKind;
use lamp_model::state::{Change, Deployment, Site};

use super::pairs;
use crate::plain::plain;

/// Longest part of a summary that is somebody else's text, in characters.
const FOREIGN_MAX_CHARS: usize = 200;
/// Longest commit and author in a summary, in characters.
const COMMIT_MAX_CHARS: usize = 80;

/// What there is to tell of an incident.
pub struct Account<'a> {
    incident: &'a Incident,
    site: &'a Site,
    /// Why the deployment went back, if it did.
    reason: Option<&'a Reason>,
}

impl<'a> Account<'a> {
    /// Gathers it.
    pub fn of(incident: &'a Incident, site: &'a Site) -> Self {
        let last = site.last.as_ref();
        let ended = last.filter(|last| Some(&last.deployment.id) == incident.deployment.as_ref());
        let reason = ended.and_then(|ended| match &ended.outcome {
            Outcome::WentBack { reason } => Some(reason),
            Outcome::Confirmed | Outcome::Tested | Outcome::NotSwitched { .. } | Outcome::Unproven { .. } => {
                None
            }
        });
        Self {
            incident,
            site,
            reason,
        }
    }

    /// The page's first line: all that must be known before one gets up.
    pub fn summary(&self) -> String {
        let parts = [
            Some(self.cause()),
            self.reach(),
            self.overridden(),
            self.is_about_what_answers().then(|| self.answering()),
            self.visitors(),
        ];
        // Of a trouble from the start there is nothing to be said before it.
        let from_the_start = self.incident.culprit.is_none() && self.trouble().is_some();
        self.line((!from_the_start).then(|| self.headline()), parts)
    }

    /// What is told when all is well again.
    pub fn resolution(&self) -> String {
        let well = match self.incident.resolved_at {
            Some(at) => format!("all is well again since {}", clock(at)),
            None => "all is well again".to_owned(),
        };
        let impact = self.incident.impact.as_ref();
        let impact = impact.filter(|_| self.is_about_what_answers()).map(impact_words);
        self.line(Some(self.headline()), [Some(well), impact])
    }

    /// The same for machines, as far as the incident does not hold it already.
    pub fn details(&self) -> Vec<(String, String)> {
        let evidence = self.evidence();
        let counted = |count: fn(&Evidence) -> u64| evidence.map(|seen| count(seen).to_string());
        let mut rows = pairs([
            ("trouble", self.trouble().map(ToString::to_string)),
            ("path", evidence.map(|seen| seen.path.clone())),
            ("release", evidence.map(|seen| seen.answered.clone())),
            (
                "release before",
                evidence.and_then(|seen| seen.before_answered.clone()),
            ),
            ("failed requests", counted(|seen| seen.failed_requests)),
            ("failed visitors", counted(|seen| seen.failed_clients)),
        ]);
        for (name, _) in &mut rows {
            if name.starts_with("release") {
                name.push_str(" answered");
            }
        }
        rows
    }

    fn line<const N: usize>(&self, headline: Option<String>, parts: [Option<String>; N]) -> String {
        let rest: Vec<String> = parts.into_iter().flatten().collect();
        let whole = headline.into_iter().chain([rest.join("; ")]);
        format!("{}: {}", self.incident.site, whole.collect::<Vec<_>>().join(": "))
    }

    fn headline(&self) -> String {
        let Some(culprit) = &self.incident.culprit else {
            return plain(&self.incident.title, FOREIGN_MAX_CHARS);
        };
        let release = &culprit.release;
        let is_live = self
            .site
            .live
            .as_ref()
            .is_some_and(|live| live.release == *release);
        match (self.incident.state, is_live) {
            (IncidentState::Failing, false) => format!("fails, though release {release} is gone"),
            (IncidentState::Failing, true) => format!("release {release} fails"),
            (IncidentState::Mitigated | IncidentState::Resolved, false) => {
                format!("release {release} failed and was rolled back")
            }
            (IncidentState::Mitigated | IncidentState::Resolved, true) => format!("release {release} failed"),
        }
    }

    /// The line and what is wrong with it; else what was seen.
    fn cause(&self) -> String {
        match (self.trouble(), self.culprit()) {
            (Some(trouble), _) => trouble_words(trouble, &self.incident.site),
            (None, Some(culprit)) => culprit_words(culprit).unwrap_or_else(|| self.seen()),
            (None, None) => self.seen(),
        }
    }

    fn seen(&self) -> String {
        match (self.evidence(), self.reason) {
            (Some(evidence), _) => plain(
                &format!("{} {}", evidence.path, evidence.answered),
                FOREIGN_MAX_CHARS,
            ),
            (None, Some(reason)) => plain(&reason.to_string(), FOREIGN_MAX_CHARS),
            (None, None) => plain(&self.incident.title, FOREIGN_MAX_CHARS),
        }
    }

    fn reach(&self) -> Option<String> {
        let reach = self.culprit()?.blast_radius?;
        Some(format!(
            "{} of {} entry points reach it",
            reach.entry_points, reach.of
        ))
    }

    fn overridden(&self) -> Option<String> {
        let words = self.culprit()?.overridden.as_ref()?;
        let words = plain(words, FOREIGN_MAX_CHARS);
        Some(format!(
            "the gate had blocked it and was overridden (\"{words}\")"
        ))
    }

    fn answering(&self) -> String {
        let Some(live) = &self.site.live else {
            return "no release answers".to_owned();
        };
        match (self.incident.state, self.trouble()) {
            (IncidentState::Mitigated | IncidentState::Resolved, _) => {
                format!("{} answers again since {}", live.release, clock(live.since))
            }
            (IncidentState::Failing, Some(_)) => format!("nothing was switched: {} answers", live.release),
            (IncidentState::Failing, None) => {
                format!("{} still answers, nothing was rolled back", live.release)
            }
        }
    }

    fn visitors(&self) -> Option<String> {
        let evidence = self.evidence()?;
        Some(match evidence.failed_requests {
            0 => "no visitor was seen to fail".to_owned(),
            requests => format!("{} failed", of_visitors(requests, evidence.failed_clients)),
        })
    }

    /// Who is held responsible for what there is to tell now: nobody, if a verdict says that it is no release.
    fn culprit(&self) -> Option<&'a Culprit> {
        let culprit = self.incident.culprit.as_ref();
        culprit.filter(|_| self.trouble().is_none())
    }

    fn is_about_what_answers(&self) -> bool {
        self.incident.subject.is_none()
    }

    /// The verdict that stands on what the incident is about.
    fn verdict(&self) -> Option<&'a Verdict> {
        let judged = match &self.incident.subject {
            None => self.site.judged.as_ref(),
            Some(subject) => self.site.standing_on(subject),
        };
        judged.map(|judged| &judged.verdict)
    }

    fn trouble(&self) -> Option<&'a Trouble> {
        match self.verdict()? {
            Verdict::Hold { trouble } => Some(trouble),
            Verdict::Bad { .. } => None,
        }
    }

    fn evidence(&self) -> Option<&'a Evidence> {
        match (self.verdict(), self.reason) {
            (Some(verdict), _) => evidence_of(verdict),
            (None, Some(Reason::JudgedBad { evidence })) => Some(evidence),
            (None, _) => None,
        }
    }
}

/// What a verdict rests on.
pub(crate) fn evidence_of(verdict: &Verdict) -> Option<&Evidence> {
    match verdict {
        Verdict::Bad { evidence } => Some(evidence),
        Verdict::Hold { trouble } => match &**trouble {
            Trouble::NotTheRelease { evidence } => Some(evidence),
            Trouble::Blind { .. }
            | Trouble::Hanging { .. }
            | Trouble::NotAskable { .. }
            | Trouble::DiskNearlyFull { .. }
            | Trouble::Certificate { .. } => None,
        },
    }
}

/// What is the matter, and what it asks of whoever is paged.
pub fn trouble_words(trouble: &Trouble, site: &SiteName) -> String {
    let advice = match trouble {
        Trouble::NotTheRelease { evidence } => return not_the_release(evidence),
        Trouble::Blind { .. } => "whether visitors are served is not known".to_owned(),
        Trouble::Hanging { .. } => "look at what they wait for".to_owned(),
        Trouble::NotAskable { .. } => "look at the error log".to_owned(),
        Trouble::DiskNearlyFull { path, .. } => make_room(path, site),
        Trouble::Certificate { hostname, flaw, .. } => renew(hostname, *flaw),
    };
    let said = plain(&trouble.to_string(), FOREIGN_MAX_CHARS);
    format!("{said}; {advice}")
}

/// What to type next.
fn make_room(path: &str, site: &SiteName) -> String {
    let path = plain(path, FOREIGN_MAX_CHARS);
    format!(
        "make room before writes fail: `du -xh -d2 {path} | sort -h | tail` shows what lies there, \
         `lamp release prune {site}` removes old releases"
    )
}

fn renew(hostname: &str, flaw: CertificateFlaw) -> String {
    match flaw {
        CertificateFlaw::EndsSoon => {
            "renew it and reload Apache before browsers refuse the site (`certbot renew`, if that is what renews it)"
                .to_owned()
        }
        CertificateFlaw::Over => {
            "browsers refuse the site: renew it and reload Apache (`certbot renew`, if that is what renews it)"
                .to_owned()
        }
        CertificateFlaw::NotYet => {
            "browsers refuse the site: look at the clock of this host (`timedatectl`) and at who made it"
                .to_owned()
        }
        CertificateFlaw::OtherName => {
            let hostname = plain(hostname, FOREIGN_MAX_CHARS);
            format!(
                "browsers refuse the site: give its virtual host a certificate for {hostname} \
                 (`apachectl -S` shows which virtual host answers)"
            )
        }
    }
}

fn not_the_release(evidence: &Evidence) -> String {
    let before = evidence.before();
    let said = format!(
        "{} {}, {before}: it is not the release",
        evidence.path, evidence.answered
    );
    let said = plain(&said, FOREIGN_MAX_CHARS);
    match &evidence.error {
        Some(error) => format!("{said}; {}", plain(&error.message, FOREIGN_MAX_CHARS)),
        None => said,
    }
}

fn culprit_words(culprit: &Culprit) -> Option<String> {
    let place = culprit.place.as_ref();
    let error = culprit.error.as_ref();
    let text = match (place, &culprit.wrong_name, error) {
        (Some(place), Some(wrong), _) => {
            let (wrong, right) = shown_names(wrong, culprit.right_name.as_deref());
            match right {
                Some(right) => format!("{place} names {wrong}; the right name is {right}"),
                None => format!("{place} names {wrong}, which is not there"),
            }
        }
        (Some(place), None, Some(error)) => format!("{place}: {}", error.message),
        (Some(place), None, None) => place.to_string(),
        (None, _, Some(error)) => error.message.clone(),
        (None, _, None) => return None,
    };
    let commit = culprit.commit.as_ref().map(|commit| {
        let commit = plain(commit, COMMIT_MAX_CHARS);
        format!(" (commit {commit})")
    });
    Some(plain(&text, 2 * FOREIGN_MAX_CHARS) + &commit.unwrap_or_default())
}

/// Two names of one directory are told apart by their last parts.
fn shown_names<'a>(wrong: &'a str, right: Option<&'a str>) -> (&'a str, Option<&'a str>) {
    let split = |path: &'a str| path.rsplit_once('/').unwrap_or(("", path));
    let Some(whole) = right else {
        return (wrong, None);
    };
    let ((wrong_dir, wrong_name), (right_dir, right_name)) = (split(wrong), split(whole));
    if wrong_dir == right_dir || right_dir.is_empty() {
        return (wrong_name, Some(right_name));
    }
    (wrong, Some(whole))
}

/// What visitors went through.
fn impact_words(impact: &Impact) -> String {
    if impact.failed_requests == 0 {
        return format!("none of {} requests failed", impact.requests);
    }
    let failed = of_visitors(impact.failed_requests, impact.failed_clients);
    format!(
        "{failed} failed, out of {}",
        impact.requests.max(impact.failed_requests)
    )
}

fn of_visitors(requests: u64, visitors: u64) -> String {
    format!(
        "{requests} request{} of {visitors} visitor{}",
        plural(requests),
        plural(visitors)
    )
}

const fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// A switch, as one line.
pub(super) fn change(name: &SiteName, site: &Site, change: &Change) -> String {
    let before = match &change.from {
        Some(from) => format!(", before it {from}"),
        None => String::new(),
    };
    let Some(to) = &change.to else {
        return format!(
            "{name}: no release answers, {} went back{before}",
            change.deployment
        );
    };
    let what = match deployment(site, change) {
        Some(one) if one.to != *to => format!("{to} answers again, {} went back", one.id),
        Some(one) if one.kind == PlanKind::Rollback => format!("rolled back to {to} ({})", one.id),
        Some(_) | None => format!("{to} answers ({})", change.deployment),
    };
    format!("{name}: {what}{before}")
}

fn deployment<'a>(site: &'a Site, change: &Change) -> Option<&'a Deployment> {
    let last = site.last.as_ref().map(|ended| &ended.deployment);
    let mut known = site.active.iter().chain(last);
    known.find(|deployment| deployment.id == change.deployment)
}

/// How an incident is, in a word.
pub(super) const fn state(state: IncidentState) -> &'static str {
    match state {
        IncidentState::Failing => "failing",
        IncidentState::Mitigated => "mitigated",
        IncidentState::Resolved => "resolved",
    }
}

fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S UTC").to_string()
}
