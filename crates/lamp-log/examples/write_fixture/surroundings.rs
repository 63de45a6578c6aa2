//! What version 3 added: the disks and the certificate of a site, who sees to an incident, workers that were ended. On a site of its own, `shore`.

use jiff::Timestamp;
use lamp_model::SiteName;
use lamp_model::event::Event;
use lamp_model::evidence::{CertificateFlaw, Impact, RoomLeft, Subject, Trouble, Urgency, Verdict};
use lamp_model::incident::IncidentId;
use lamp_testkit::sample;

use super::{BY, Failure};

fn shore() -> SiteName {
    sample::site("shore")
}

/// A disk that fills and has room again, its incident taken up by somebody; a certificate with each flaw.
pub(super) fn history() -> Result<Vec<Vec<Event>>, Failure> {
    let mut history = vec![vec![judged(disk(Urgency::Soon))], vec![opened()?], taken_up()?];
    history.push(vec![judged(disk(Urgency::Now))]);
    let subject = about();
    let site = shore();
    history.push(vec![
        Event::Relieved { site, subject },
        Event::IncidentResolved {
            incident: IncidentId(2),
            impact: Impact::default(),
        },
    ]);
    for flaw in [
        CertificateFlaw::EndsSoon,
        CertificateFlaw::Over,
        CertificateFlaw::NotYet,
        CertificateFlaw::OtherName,
    ] {
        let urgency = Urgency::Soon;
        history.push(vec![judged(Trouble::Certificate {
            hostname: "shore.example".to_owned(),
            until: "2026-12-06T00:00:00Z".parse()?,
            flaw,
            urgency,
        })]);
    }
    history.push(vec![Event::WorkersEnded {
        site: shore(),
        release: sample::release("20261122-0640-bb"),
        ended: 3,
        killed: 1,
    }]);
    Ok(history)
}

fn disk(urgency: Urgency) -> Trouble {
    Trouble::DiskNearlyFull {
        path: "/srv/shore".to_owned(),
        free_bytes: 805_306_368,
        room: RoomLeft {
            total_bytes: Some(21_474_836_480),
            free_inodes: Some(4_096),
            full_in_seconds: Some(10_800),
        },
        urgency,
    }
}

fn about() -> Subject {
    Subject::Disk {
        path: "/srv/shore".to_owned(),
    }
}

fn judged(trouble: Trouble) -> Event {
    Event::Judged {
        site: shore(),
        deployment: None,
        verdict: Box::new(Verdict::Hold {
            trouble: Box::new(trouble),
        }),
    }
}

fn opened() -> Result<Event, Failure> {
    Ok(Event::IncidentOpened {
        incident: IncidentId(2),
        site: shore(),
        deployment: None,
        title: "the filesystem of /srv/shore has 4096 inodes free".to_owned(),
        culprit: None,
        first_failed_at: None,
        noticed_at: "2026-11-22T06:45:00Z".parse()?,
        subject: Some(about()),
    })
}

fn taken_up() -> Result<Vec<Event>, Failure> {
    let happened_at: Timestamp = "2026-11-22T06:46:00Z".parse()?;
    let taken = |who: Option<&str>| Event::Acknowledged {
        incident: IncidentId(2),
        happened_at,
        who: who.map(str::to_owned),
        by: BY,
    };
    Ok(vec![taken(Some("the night watch")), taken(None)])
}
