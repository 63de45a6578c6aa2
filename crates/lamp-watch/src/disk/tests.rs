//! Thresholds of small and large filesystems, and that what is called nearly full does not flap.

use proptest::prelude::*;

use super::*;

fn room(free_bytes: u64, usable_bytes: u64) -> Room {
    Room {
        free_bytes,
        usable_bytes,
        free_inodes: 900,
        total_inodes: 1000,
    }
}

fn urgency(room: &Room, standing: Option<Urgency>) -> Option<Urgency> {
    judge("/srv/shop", room, standing, &Trend::default()).map(|trouble| trouble.urgency())
}

#[track_caller]
fn check(total: u64, soon_below: u64, now_below: u64) {
    let called = |free| urgency(&room(free, total), None);
    // Shares are counted in whole thousandths of the whole.
    let step = (now_below / 8).max(1 << 16);
    assert_eq!(called(soon_below + step), None);
    assert_eq!(called(soon_below - step), Some(Urgency::Soon));
    assert_eq!(called(now_below + step), Some(Urgency::Soon));
    assert_eq!(called(now_below - step), Some(Urgency::Now));
    assert_eq!(called(0), Some(Urgency::Now));
}

#[test]
fn too_little_depends_on_the_size() {
    check(64 * MIB, 64 * MIB / 10, 64 * MIB / 20);
    check(20 * GIB, GIB, 20 * GIB / 50);
    check(100 * GIB, 5 * GIB, 2 * GIB);
    check(4096 * GIB, 50 * GIB, 4 * GIB);
}

#[test]
fn inodes_run_out_too_where_there_are_any() {
    let of = |free_inodes, total_inodes| Room {
        free_inodes,
        total_inodes,
        ..room(80 * GIB, 100 * GIB)
    };
    assert_eq!(urgency(&of(60_000, 1_000_000), None), None);
    assert_eq!(urgency(&of(49_000, 1_000_000), None), Some(Urgency::Soon));
    assert_eq!(urgency(&of(9_000, 1_000_000), None), Some(Urgency::Now));
    assert_eq!(urgency(&of(u64::MAX, 0), None), None);
    let said = judge("/srv/shop", &of(9_000, 1_000_000), None, &Trend::default());
    let said = said.expect("trouble").to_string();
    assert_eq!(said, "the filesystem of /srv/shop has 9000 inodes free");
}

#[test]
fn how_long_the_room_will_do_is_told_once_it_is_known() {
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
    let mut trend = Trend::default();
    trend.look(minutes(0), 4 * GIB);
    trend.look(minutes(9), 3 * GIB);
    assert_eq!(trend.full_in(), None, "too short a time");
    trend.look(minutes(20), 2 * GIB);
    assert_eq!(trend.full_in(), Some(minutes(20)));
    let said = judge("/srv/shop", &room(2 * GIB, 100 * GIB), None, &trend).expect("trouble");
    assert_eq!(
        said.to_string(),
        "the filesystem of /srv/shop has 2.0 GiB of 100.0 GiB free, and is full in about 20 minutes if it goes on so"
    );
    trend.look(minutes(30), 5 * GIB);
    assert_eq!(trend.full_in(), None, "it does not fill");
    for look in 0..10 * LOOKS_MAX as u64 {
        trend.look(minutes(30 + look), 5 * GIB);
    }
    assert_eq!(trend.looks.len(), LOOKS_MAX);
}

proptest! {
    /// Called again with the same room it is called the same; it never calms down before it is well; more room is never worse.
    #[test]
    fn it_does_not_flap(size in 20..40_u32, part in 0.0..0.12_f64, more in 0.0..0.12_f64, begun: bool) {
        let total = 1_u64 << size;
        let free = (total as f64 * part) as u64;
        let standing = begun.then_some(Urgency::Soon);
        let first = urgency(&room(free, total), standing);
        if let Some(first) = first {
            prop_assert_eq!(urgency(&room(free, total), Some(first)), Some(first));
        }
        let freer = free + ((total - free) as f64 * more) as u64;
        let later = urgency(&room(freer, total), first);
        prop_assert!(later.is_none() || later == first);
        prop_assert_eq!(urgency(&room(total, total), Some(Urgency::Now)), None);
    }
}
