//! Reports as people read them. The records are what an agent would have written: events of the stage, and after
//! each what follows from it.

use jiff::SignedDuration;
use lamp_model::Event;
use lamp_model::event::{Reason, Seq};
use lamp_model::evidence::{Evidence, Impact, RoomLeft, Trouble, Urgency, Verdict};
use lamp_model::incident::{PageId, PageResult};
use lamp_model::plan::PlanKind;
use lamp_model::state::World;

use super::*;
use crate::follow;
use crate::sample::{
    BY, armed, at, bad, confirmed, disk, gated, hold, impact, judged, not_the_release, planned, recovered,
    relieved, shop, started, stored, switched, terms, went_back,
};
use crate::terms::Terms;

/// An agent's log, begun at another moment than the stage's own.
struct Log {
    world: World,
    entries: Vec<Entry>,
    later: SignedDuration,
    is_paged: bool,
}

impl Log {
    /// Release a is live and proven, for an hour. `begin`: what [`at`]`(0)` is to be.
    fn begun(begin: &str, is_paged: bool) -> Self {
        let begin: Timestamp = begin.parse().expect("valid");
        let mut log = Self {
            world: World::default(),
            entries: Vec::new(),
            later: begin.duration_since(at(0)),
            is_paged,
        };
        let started = Event::AgentStarted {
            pid: 77,
            version: "0.2.0".to_owned(),
        };
        log.append(
            -3_700_000,
            vec![
                Event::LogOpened {
                    host: "web1".to_owned(),
                },
                started,
            ],
        );
        log.append(-3_600_000, confirmed(1, None, "a"));
        log
    }

    fn append(&mut self, millis: i64, events: Vec<Event>) {
        let events: Vec<Event> = events.into_iter().map(|event| self.shifted(event)).collect();
        let at = at(millis) + self.later;
        self.write(at, events);
        let terms = Terms {
            pager: terms(at).pager.filter(|_| self.is_paged),
            ..terms(at)
        };
        let following = follow(&self.world, &terms);
        if !following.is_empty() {
            self.write(at, following);
        }
    }

    fn write(&mut self, at: Timestamp, events: Vec<Event>) {
        for event in &events {
            self.world = self.world.clone().apply(at, event).expect("legal");
        }
        let seq = Seq(self.entries.len() as u64 + 1);
        self.entries.push(Entry { seq, at, events });
    }

    fn shifted(&self, event: Event) -> Event {
        if let Event::Recovered { site, impact } = event {
            let impact = Impact {
                first_failed_at: impact.first_failed_at.map(|at| at + self.later),
                last_failed_at: impact.last_failed_at.map(|at| at + self.later),
                ..impact
            };
            return Event::Recovered { site, impact };
        }
        if let Event::Judged {
            site,
            deployment,
            verdict,
        } = event
        {
            let verdict = Box::new(self.shifted_verdict(*verdict));
            return Event::Judged {
                site,
                deployment,
                verdict,
            };
        }
        event
    }

    fn shifted_verdict(&self, verdict: Verdict) -> Verdict {
        let shifted = |evidence: Box<Evidence>| {
            Box::new(Evidence {
                first_failed_at: evidence.first_failed_at.map(|at| at + self.later),
                noticed_at: evidence.noticed_at + self.later,
                ..*evidence
            })
        };
        match verdict {
            Verdict::Bad { evidence } => Verdict::Bad {
                evidence: shifted(evidence),
            },
            hold @ Verdict::Hold { .. } => hold,
        }
    }

    /// The incident's own pages are taken, each 90 ms after the last record.
    fn pages_taken(&mut self, millis: i64) {
        let waiting: Vec<PageId> = self.world.outbox.keys().copied().collect();
        for page in waiting {
            let result = PageResult::Accepted { tries: 1 };
            self.append(millis, vec![Event::PageSettled { page, result }]);
        }
    }

    fn report(&self, zone: &str) -> (Report, TimeZone) {
        let zone = TimeZone::get(zone).expect("bundled");
        let report = report(&self.entries, IncidentId(1), &zone).expect("opened");
        (report, zone)
    }

    #[track_caller]
    fn markdown(&self, zone: &str) -> String {
        let (report, zone) = self.report(zone);
        render::markdown(&report, &zone)
    }
}

/// The original breakage, forced into production, gone back from, over.
fn outage(begin: &str) -> Log {
    let mut log = Log::begun(begin, true);
    log.append(
        -9_000,
        vec![planned(2, PlanKind::Deploy, Some("a"), "b"), started(2, 0)],
    );
    log.append(-8_100, vec![stored("b")]);
    log.append(-7_000, vec![gated(2, "b")]);
    log.append(
        0,
        vec![
            armed(2, Some("a")),
            started(2, 6),
            switched(2, Some("a"), Some("b")),
        ],
    );
    log.append(1_012, vec![judged(Some(2), bad("b"))]);
    log.append(1_013, vec![switched(2, Some("b"), Some("a"))]);
    let Verdict::Bad { evidence } = bad("b") else {
        unreachable!("just made");
    };
    log.append(1_015, vec![went_back(2, Reason::JudgedBad { evidence })]);
    log.pages_taken(1_104);
    log.append(4_000, vec![recovered(impact())]);
    log.pages_taken(4_090);
    log
}

const BEGIN: &str = "2026-11-22T03:40:00Z";

fn noted(log: &mut Log, millis: i64, happened_millis: i64, text: &str) {
    let note = Event::Noted {
        incident: IncidentId(1),
        happened_at: at(happened_millis) + log.later,
        text: text.to_owned(),
        by: BY,
    };
    log.append(millis, vec![note]);
}

#[test]
fn the_original_outage_in_utc() {
    insta::assert_snapshot!(outage(BEGIN).markdown("UTC"));
}

#[test]
fn the_original_outage_where_it_happened_with_a_note() {
    let mut log = outage(BEGIN);
    noted(&mut log, 900_000, 420_000, "Told the school that all is well.");
    insta::assert_snapshot!(log.markdown("Africa/Nairobi"));
}

#[test]
fn the_night_in_which_an_hour_comes_twice() {
    let (report, zone) = outage("2026-10-25T00:59:57Z").report("Europe/Berlin");
    insta::assert_snapshot!(render::text(&report, &zone));
}

#[test]
fn the_report_as_json() {
    let (report, _) = outage(BEGIN).report("Africa/Nairobi");
    insta::assert_snapshot!(serde_json::to_string_pretty(&report).expect("JSON"));
}

#[test]
fn an_incident_without_a_release_to_blame_nor_a_pager_that_is_not_over() {
    let mut log = Log::begun(BEGIN, false);
    let trouble = Trouble::DiskNearlyFull {
        path: "/srv/shop".to_owned(),
        free_bytes: 12_000_000,
        room: RoomLeft::default(),
        urgency: Urgency::Soon,
    };
    log.append(1_000, vec![judged(None, hold(trouble))]);
    insta::assert_snapshot!(log.markdown("UTC"));
}

#[test]
fn what_happens_beside_a_nearly_full_disk_is_not_in_its_report_nor_it_in_that_of_an_outage() {
    let mut log = Log::begun(BEGIN, true);
    log.append(-1_800_000, vec![judged(None, hold(disk(Urgency::Soon)))]);
    log.append(-900_000, vec![judged(None, hold(disk(Urgency::Now)))]);
    log.append(0, vec![judged(None, not_the_release())]);
    log.append(60_000, vec![relieved(&disk(Urgency::Soon))]);
    insta::assert_snapshot!(log.markdown("UTC"));
    let of_outage = report(&log.entries, IncidentId(2), &TimeZone::UTC).expect("opened");
    let told = serde_json::to_string(&of_outage).expect("JSON");
    assert!(!told.contains("filesystem"), "{told}");
    assert!(told.contains("so does the release before"), "the control: {told}");
}

#[test]
fn an_incident_of_which_there_is_no_record_has_no_report() {
    let log = outage(BEGIN);
    assert_eq!(
        report(&log.entries, IncidentId(2), &TimeZone::UTC),
        Err(NotOpened {
            incident: IncidentId(2)
        })
    );
    assert!(report(&log.entries, IncidentId(1), &TimeZone::UTC).is_ok());
}

#[test]
fn times_begin_at_the_first_visitor() {
    let (report, _) = outage(BEGIN).report("UTC");
    let metrics = Metrics {
        detect_ms: Some(4),
        open_ms: Some(9),
        page_ms: Some(91),
        told_ms: Some(104),
        acknowledge_ms: None,
        mitigate_ms: Some(13),
        resolve_ms: Some(3000),
    };
    assert_eq!(report.metrics, metrics);
    assert_eq!(report.times.t0_first_failed, Some(at(1000)));
    let counted = report.impact.expect("over");
    assert_eq!(
        (counted.failed_requests, counted.failed_visitors, counted.span_ms),
        (7, 5, Some(46))
    );
}

#[test]
fn who_sees_to_it_is_who_first_said_so_else_who_sees_to_the_site() {
    let team = PersonName::parse("web team").expect("a name");
    let owners = |report: &Report| {
        let of_measures: Vec<_> = report.measures.iter().map(|item| item.owner.clone()).collect();
        assert!(
            of_measures.iter().all(|owner| *owner == report.owner),
            "{of_measures:?}"
        );
        assert!(!of_measures.is_empty());
        report.owner.clone()
    };
    let mut log = outage(BEGIN);
    let nobody = log.report("UTC").0;
    assert_eq!((nobody.times.t4_acknowledged, owners(&nobody)), (None, None));
    assert_eq!(
        owners(&nobody.of_site_of(Some(&team))),
        Some("web team".to_owned())
    );
    for (millis, happened_millis, who) in [(70_000, 62_000, "Grace"), (80_000, 31_104, "Ada")] {
        let taken = Event::Acknowledged {
            incident: IncidentId(1),
            happened_at: at(happened_millis) + log.later,
            who: Some(who.to_owned()),
            by: BY,
        };
        log.append(millis, vec![taken]);
    }
    let taken = log.report("UTC").0.of_site_of(Some(&team));
    assert_eq!(owners(&taken), Some("Ada".to_owned()));
    assert_eq!(taken.times.t4_acknowledged, Some(at(31_104) + log.later));
    assert_eq!(taken.metrics.acknowledge_ms, Some(30_000));
}

#[test]
fn records_of_other_sites_and_incidents_change_nothing() {
    let log = outage(BEGIN);
    let (alone, _) = log.report("UTC");
    let mut entries = log.entries.clone();
    let other = Event::Recovered {
        site: crate::sample::site("blog"),
        impact: Impact::default(),
    };
    let note = Event::Noted {
        incident: IncidentId(9),
        happened_at: at(0),
        text: "elsewhere".to_owned(),
        by: BY,
    };
    for entry in &mut entries {
        entry.events.push(other.clone());
        entry.events.push(note.clone());
    }
    assert_eq!(report(&entries, IncidentId(1), &TimeZone::UTC), Ok(alone));
}

fn stored_as(entry: &Entry) -> lamp_model::stored::Stored {
    lamp_model::stored::Stored {
        seq: entry.seq,
        record: lamp_model::event::Record {
            id: lamp_model::event::RecordId([0; 16]),
            epoch: 1,
            at: entry.at,
            events: entry.events.clone(),
        },
        hash: lamp_model::tree::Hash::ZERO,
    }
}

#[test]
fn what_an_agent_leaves_out_is_missed_by_nobody() {
    let mut log = outage(BEGIN);
    noted(&mut log, 900_000, 420_000, "Told the school.");
    let (whole, _) = log.report("UTC");
    let incident = log.world.incidents[&IncidentId(1)].clone();
    let excerpts = log
        .entries
        .iter()
        .filter_map(|entry| excerpt(stored_as(entry), IncidentId(1), &incident));
    let kept: Vec<Entry> = excerpts.collect();
    let events = |entries: &[Entry]| entries.iter().map(|entry| entry.events.len()).sum::<usize>();
    assert!(events(&kept) < events(&log.entries));
    assert_eq!(report(&kept, IncidentId(1), &TimeZone::UTC), Ok(whole));
    assert_eq!(incident.site, shop());
}

/// The Markdown outside of code spans.
fn outside_code(markdown: &str) -> String {
    let mut out = String::new();
    let mut rest = markdown;
    while let Some(begin) = rest.find('`') {
        out.push_str(&rest[..begin]);
        let fence = rest[begin..].len() - rest[begin..].trim_start_matches('`').len();
        let after = &rest[begin + fence..];
        let end = after.find(&"`".repeat(fence)).expect("each span ends");
        rest = &after[end + fence..];
    }
    out + rest
}

#[test]
fn text_of_others_is_never_markup() {
    const EVIL: &str =
        "](http://evil.example) <script> **x** `| www.evil.example a@evil.example \n# h \u{202e}";
    let mut log = Log::begun(BEGIN, true);
    log.append(
        -9_000,
        vec![
            planned(2, PlanKind::Deploy, Some("a"), "b"),
            started(2, 0),
            stored("b"),
        ],
    );
    log.append(
        0,
        vec![
            armed(2, Some("a")),
            started(2, 6),
            switched(2, Some("a"), Some("b")),
        ],
    );
    let Verdict::Bad { mut evidence } = bad("b") else {
        unreachable!("just made");
    };
    evidence.path = format!("/{EVIL}");
    evidence.answered = EVIL.to_owned();
    if let Some(error) = &mut evidence.error {
        error.message = EVIL.to_owned();
    }
    log.append(1_012, vec![judged(Some(2), Verdict::Bad { evidence })]);
    log.append(1_013, vec![switched(2, Some("b"), Some("a"))]);
    noted(&mut log, 2_000, 1_500, EVIL);
    let markdown = log.markdown("UTC");
    assert!(markdown.contains("evil.example"), "it is told all the same");
    let ours = outside_code(&markdown);
    for mark in ["evil", "http", "<", "](", "**", "\u{202e}"] {
        assert!(!ours.contains(mark), "{mark:?} stands outside of code: {ours}");
    }
    // Each row of a table has as many cells as its head: no bar of theirs begins one.
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    let rows = markdown
        .lines()
        .filter(|line| line.contains("judged #") || line.contains("noted #"));
    assert_eq!(rows.map(cells).collect::<Vec<_>>(), [4, 4]);
}
