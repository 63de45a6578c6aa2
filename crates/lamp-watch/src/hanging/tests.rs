//! Looks of each second in rows: per worker the release, its writes, and `r` (computing) or `s` (waiting), as in `b0r`; `-` is at no request.

use proptest::prelude::*;

use super::*;

fn release(text: &str) -> ReleaseId {
    ReleaseId::parse(text).expect("a name")
}

/// One look: the word of each worker, in the order of their process ids.
fn look(words: &str) -> Vec<Seen> {
    let at_a_request = (1..).zip(words.split(' ')).filter(|(_, word)| *word != "-");
    let seen = at_a_request.map(|(pid, word)| Seen {
        worker: (pid, 7),
        release: release(&word[..1]),
        writes: word[1..word.len() - 1].parse().expect("a count"),
        is_computing: word.ends_with('r'),
    });
    seen.collect()
}

/// After these looks, one a second: what of release `b` hangs, as `requests/computing`, held against `a`.
fn hanging(looks: &[&str]) -> Option<String> {
    let mut in_flight = InFlight::default();
    for (second, words) in (0..).zip(looks) {
        in_flight.look(Duration::from_secs(second), look(words));
    }
    let found = in_flight.hanging(&release("b"), Some(&release("a")))?;
    Some(format!("{}/{}", found.requests, found.computing))
}

#[track_caller]
fn check(looks: &[&str], expected: Option<&str>) {
    assert_eq!(hanging(looks).as_deref(), expected, "{looks:?}");
}

#[test]
fn requests_that_do_not_end() {
    check(&["b0r b0r"; 6], Some("2/2"));
    check(&["b0r b0r"; 5], None);
    check(&["b0r b0s b4r"; 6], Some("3/2"));
    check(&["b0r -"; 9], None);
    check(&[], None);
}

#[test]
fn who_ever_waits_does_not_compute() {
    let looks = ["b0r b0r", "b0s b0r", "b0r b0r", "b0r b0r", "b0r b0r", "b0r b0r"];
    check(&looks, Some("2/1"));
}

#[test]
fn who_writes_gets_on_with_it() {
    let looks = ["b0r b0r", "b0r b1r", "b0r b2r", "b0r b3r", "b0r b4r", "b0r b5r"];
    check(&looks, None);
}

#[test]
fn where_others_end_nobody_is_blamed_for_the_silence() {
    let looks = [
        "b0r b0r b0r",
        "b0r b0r b1r",
        "b0r b0r b2r",
        "b0r b0r b2r",
        "b0r b0r -",
        "b0r b0r -",
    ];
    check(&looks, Some("2/0"));
    check(&[&looks[..], &["b0r b0r -"; 4]].concat(), Some("2/2"));
    let other = [
        "b0r b0r a0r",
        "b0r b0r a1r",
        "b0r b0r a2r",
        "b0r b0r a3r",
        "b0r b0r a4r",
        "b0r b0r a5r",
    ];
    check(&other, Some("2/2"));
}

#[test]
fn what_hung_in_the_release_before_is_no_news() {
    check(&["b0r b0r a0s a0s"; 6], None);
    check(&["b0r b0r a0s"; 6], Some("2/2"));
}

/// Each page takes 4 s and ends; the machine is slow, and some take 6 s.
#[test]
fn slow_pages_that_end_are_what_the_site_is_used_to() {
    let slow = ["b0s b0s", "b0s b0s", "b0s b0s", "b0s b0s", "b0s b0s", "b1s b1s"];
    let then = ["b1s b1s"; 6];
    check(&[&slow[..], &then].concat(), None);
    let never = ["b1s b1s"; 13];
    check(&[&slow[..], &never].concat(), Some("2/0"));
}

#[test]
fn a_suspicion_comes_before_the_judgement() {
    let mut in_flight = InFlight::default();
    let (bad, good) = (release("b"), release("a"));
    let mut told = Vec::new();
    for second in 0..7 {
        in_flight.look(Duration::from_secs(second), look("b0r b0r"));
        let suspect = in_flight.is_suspect(&bad, Some(&good));
        told.push((suspect, in_flight.hanging(&bad, Some(&good)).is_some()));
    }
    let first = |which: fn(&(bool, bool)) -> bool| told.iter().position(which);
    assert_eq!(first(|(suspect, _)| *suspect), Some(2));
    assert_eq!(first(|(_, hanging)| *hanging), Some(5));
}

prop_compose! {
    /// What a worker does: for so many seconds each it is at a request of this release, or at none.
    fn life()(parts in prop::collection::vec((prop::option::of(any::<bool>()), 1_u64..30), 1..6)) -> Vec<(Option<bool>, u64)> {
        parts
    }
}

proptest! {
    /// Whatever workers do, what is said to hang is at one request of the release, and has been for as long as it is said.
    #[test]
    fn nothing_is_called_older_than_it_is(lives in prop::collection::vec(life(), 1..12)) {
        let mut in_flight = InFlight::default();
        for second in 0..60 {
            let mut ages = Vec::new();
            let mut seen = Vec::new();
            for (pid, life) in (1..).zip(&lives) {
                let Some((nth, is_new, age)) = at(life, second) else { continue };
                let release = release(if is_new { "b" } else { "a" });
                seen.push(Seen { worker: (pid, 7), release, writes: nth, is_computing: true });
                if is_new {
                    ages.push(age);
                }
            }
            in_flight.look(Duration::from_secs(second), seen);
            if let Some(found) = in_flight.hanging(&release("b"), Some(&release("a"))) {
                let as_old = ages.iter().filter(|age| **age * 1000 >= found.age_ms).count() as u64;
                prop_assert!(found.age_ms >= HANGING_AGE.as_millis() as u64);
                prop_assert!((REQUESTS_ENOUGH..=as_old).contains(&found.requests), "{found:?}: {ages:?}");
                prop_assert!([0, found.requests].contains(&found.computing), "all compute: {found:?}");
            }
        }
    }

    /// A site on which every request ends within the bound is never suspected of hanging, however many there are.
    #[test]
    fn what_ends_in_time_never_hangs(lives in prop::collection::vec(prop::collection::vec(1_u64..5, 20), 1..12)) {
        let mut in_flight = InFlight::default();
        for second in 0..20 {
            let seen = (1..).zip(&lives).filter_map(|(pid, life)| {
                let parts: Vec<_> = life.iter().map(|long| (Some(true), *long)).collect();
                let (nth, ..) = at(&parts, second)?;
                Some(Seen { worker: (pid, 7), release: release("b"), writes: nth, is_computing: true })
            });
            in_flight.look(Duration::from_secs(second), seen.collect());
            prop_assert_eq!(in_flight.hanging(&release("b"), None), None);
        }
    }
}

/// In this second of a life: the number of the request, whether it is of the new release, its age in seconds.
fn at(life: &[(Option<bool>, u64)], second: u64) -> Option<(u64, bool, u64)> {
    let mut begun = 0;
    for (nth, (doing, long)) in (0..).zip(life) {
        if second < begun + long {
            return doing.map(|is_new| (nth, is_new, second - begun));
        }
        begun += long;
    }
    None
}
