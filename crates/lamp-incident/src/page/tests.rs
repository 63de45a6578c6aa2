//! What pages say: a text for each trouble, and bounds that hold whatever logs and people say.

use lamp_model::Event;
use lamp_model::evidence::{CertificateFlaw, RoomLeft, Trouble, Urgency, Verdict};
use lamp_model::incident::{PageAction, PageIntent, SUMMARY_MAX_CHARS};
use lamp_model::state::World;

use super::DETAIL_MAX_CHARS;
use crate::follow;
use crate::sample::{
    at, bad, confirmed, evidence, fold, gated, hold, judged, not_the_release, switched, terms, to_switch,
};

/// The page that this verdict on release a brings.
fn page(verdict: Verdict) -> PageIntent {
    let world = fold(World::default(), -60_000, &confirmed(1, None, "a"));
    trigger(&fold(world, 1010, &[judged(None, verdict)]))
}

fn trigger(world: &World) -> PageIntent {
    let mut intents = follow(world, &terms(at(1011))).into_iter().filter_map(|event| {
        let Event::PageIntended { intent, .. } = event else {
            return None;
        };
        (intent.action == PageAction::Trigger).then_some(*intent)
    });
    intents.next_back().expect("there is a trigger")
}

fn certificate(flaw: CertificateFlaw) -> Trouble {
    Trouble::Certificate {
        hostname: "shop.example".to_owned(),
        until: at(86_400_000),
        flaw,
        urgency: Urgency::Now,
    }
}

#[test]
fn each_trouble_has_its_words() {
    let troubles = [
        Trouble::Blind {
            log: "/var/log/apache2/lamp-shop.log".to_owned(),
        },
        Trouble::Hanging {
            requests: 8,
            age_ms: 23_000,
        },
        Trouble::NotAskable { failed_requests: 12 },
        Trouble::DiskNearlyFull {
            path: "/srv/shop".to_owned(),
            free_bytes: 12_000_000,
            room: RoomLeft {
                total_bytes: Some(20_000_000_000),
                free_inodes: None,
                full_in_seconds: Some(10_000),
            },
            urgency: Urgency::Now,
        },
        Trouble::DiskNearlyFull {
            path: "/srv/shop".to_owned(),
            free_bytes: 12_000_000,
            room: RoomLeft {
                free_inodes: Some(1234),
                ..RoomLeft::default()
            },
            urgency: Urgency::Soon,
        },
        certificate(CertificateFlaw::EndsSoon),
        certificate(CertificateFlaw::Over),
        certificate(CertificateFlaw::NotYet),
        certificate(CertificateFlaw::OtherName),
    ];
    let verdicts = troubles.into_iter().map(hold).chain([not_the_release()]);
    let summaries: Vec<String> = verdicts.map(|verdict| page(verdict).summary).collect();
    insta::assert_snapshot!(summaries.join("\n"));
}

#[test]
fn details_are_names_and_texts() {
    let world = fold(World::default(), -60_000, &confirmed(1, None, "a"));
    let world = fold(world, 0, &to_switch(2, Some("a"), "b"));
    let world = fold(world, 10, &[gated(2, "b")]);
    let back = [judged(Some(2), bad("b")), switched(2, Some("b"), Some("a"))];
    let details = trigger(&fold(world, 1012, &back)).details;
    let lines: Vec<String> = details
        .iter()
        .map(|(name, text)| format!("{name}: {text}"))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn whatever_is_said_a_page_is_bounded_and_seen() {
    let long = format!("\u{202e}\x1b[2J\n{}", "é ".repeat(3000));
    let mut seen = evidence("a");
    seen.path = format!("/{long}");
    seen.answered.clone_from(&long);
    if let Some(error) = &mut seen.error {
        error.message.clone_from(&long);
        error.place = None;
    }
    for verdict in [
        Verdict::Bad {
            evidence: Box::new(seen.clone()),
        },
        hold(Trouble::NotTheRelease {
            evidence: Box::new(seen),
        }),
        hold(Trouble::Blind { log: long }),
    ] {
        let page = page(verdict);
        let texts = page.details.iter().map(|(_, text)| (text, DETAIL_MAX_CHARS));
        for (text, max_chars) in texts.chain([(&page.summary, SUMMARY_MAX_CHARS)]) {
            assert!(text.chars().count() <= max_chars, "{text}");
            assert!(
                !text.contains(|c: char| c.is_control() || c == '\u{202e}'),
                "{text:?}"
            );
        }
    }
}
