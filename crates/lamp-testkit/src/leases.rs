//! What every store of leases must do; each implementation's tests run it.
//!
//! The holders' processes all live as far as this suite is concerned: it gives pids for which `make` must
//! answer "alive". That a dead one is taken over is shown beside each implementation.

use std::time::Duration;

use lamp_model::clock::{BootTime, Clock};
use lamp_model::port::{Grant, Holder, LeaseError, Leases};

use crate::clock::ManualClock;

const NAME: &str = "site/shop";
const TTL: Duration = Duration::from_secs(15);

/// Runs the suite; `make` gives a new, empty store each time, for which every process lives.
pub async fn leases_contract<L: Leases>(make: impl AsyncFn() -> L) {
    one_name_has_one_holder(&make().await).await;
    names_do_not_concern_each_other(&make().await).await;
    the_heartbeat_keeps_it(&make().await).await;
    time_ends_it(&make().await).await;
    a_restart_of_the_host_ends_it(&make().await).await;
    setting_the_wall_clock_changes_nothing(&make().await).await;
    what_is_given_up_is_free(&make().await).await;
    what_is_lost_cannot_be_renewed_nor_given_up(&make().await).await;
}

async fn one_name_has_one_holder(leases: &impl Leases) {
    let now = ManualClock::new().boot_time();
    assert_eq!(leases.holder(NAME, now.clone()).await, Ok(None));
    let first = take(leases, "shop-1", &now).await;
    let expected = Grant {
        name: NAME.to_owned(),
        holder: holder("shop-1"),
        epoch: 1,
        granted: now.clone(),
        expires: now.plus(TTL),
    };
    assert_eq!(first, expected);
    // The same process too: two deployments of one agent are kept apart.
    let second = leases.acquire(NAME, holder("shop-2"), TTL, now.clone()).await;
    assert_eq!(
        second,
        Err(LeaseError::Held {
            by: Box::new(first.clone())
        })
    );
    assert_eq!(leases.holder(NAME, now).await, Ok(Some(first)));
}

async fn names_do_not_concern_each_other(leases: &impl Leases) {
    let now = ManualClock::new().boot_time();
    take(leases, "shop-1", &now).await;
    let other = leases.acquire("site/blog", holder("blog-1"), TTL, now).await;
    assert_eq!(other.map(|grant| grant.epoch), Ok(1));
}

async fn the_heartbeat_keeps_it(leases: &impl Leases) {
    let clock = ManualClock::new();
    let mut grant = take(leases, "shop-1", &clock.boot_time()).await;
    for _ in 0..5 {
        clock.advance(TTL - Duration::from_secs(1));
        let renewed = leases.renew(&grant, TTL, clock.boot_time()).await.expect("held");
        assert_eq!(renewed.expires, clock.boot_time().plus(TTL));
        assert_eq!((renewed.epoch, &renewed.granted), (grant.epoch, &grant.granted));
        grant = renewed;
    }
    assert_eq!(held_against(leases, &clock).await, Some(grant));
}

async fn time_ends_it(leases: &impl Leases) {
    let clock = ManualClock::new();
    take(leases, "shop-1", &clock.boot_time()).await;
    clock.advance(TTL - Duration::from_nanos(1));
    assert!(held_against(leases, &clock).await.is_some());
    clock.advance(Duration::from_nanos(1));
    assert_eq!(leases.holder(NAME, clock.boot_time()).await, Ok(None));
    assert_eq!(take(leases, "shop-2", &clock.boot_time()).await.epoch, 2);
}

async fn a_restart_of_the_host_ends_it(leases: &impl Leases) {
    let clock = ManualClock::new();
    take(leases, "shop-1", &clock.boot_time()).await;
    clock.reboot();
    assert_eq!(leases.holder(NAME, clock.boot_time()).await, Ok(None));
    assert_eq!(take(leases, "shop-2", &clock.boot_time()).await.epoch, 2);
}

async fn setting_the_wall_clock_changes_nothing(leases: &impl Leases) {
    let clock = ManualClock::new();
    take(leases, "shop-1", &clock.boot_time()).await;
    for hours in [-1, 48] {
        clock.set_wall(clock.now() + jiff::SignedDuration::from_hours(hours));
        assert!(held_against(leases, &clock).await.is_some());
    }
}

async fn what_is_given_up_is_free(leases: &impl Leases) {
    let now = ManualClock::new().boot_time();
    let grant = take(leases, "shop-1", &now).await;
    assert_eq!(leases.release(&grant).await, Ok(()));
    assert_eq!(leases.holder(NAME, now.clone()).await, Ok(None));
    assert_eq!(take(leases, "shop-2", &now).await.epoch, 2);
}

async fn what_is_lost_cannot_be_renewed_nor_given_up(leases: &impl Leases) {
    let clock = ManualClock::new();
    let lost = take(leases, "shop-1", &clock.boot_time()).await;
    clock.advance(TTL);
    let second = take(leases, "shop-2", &clock.boot_time()).await;
    let renewed = leases.renew(&lost, TTL, clock.boot_time()).await;
    let name = NAME.to_owned();
    assert_eq!(renewed, Err(LeaseError::Lost { name: name.clone() }));
    assert_eq!(leases.release(&lost).await, Ok(()));
    assert_eq!(held_against(leases, &clock).await, Some(second.clone()));
    assert_eq!(leases.release(&second).await, Ok(()));
    let renewed = leases.renew(&second, TTL, clock.boot_time()).await;
    assert_eq!(renewed, Err(LeaseError::Lost { name }));
}

async fn take(leases: &impl Leases, purpose: &str, now: &BootTime) -> Grant {
    let granted = leases.acquire(NAME, holder(purpose), TTL, now.clone()).await;
    granted.expect("free")
}

/// Whom another runs into, by both ways of asking.
async fn held_against(leases: &impl Leases, clock: &ManualClock) -> Option<Grant> {
    let now = clock.boot_time();
    let seen = leases.holder(NAME, now.clone()).await.expect("readable");
    match leases.acquire(NAME, holder("shop-9"), TTL, now).await {
        Err(LeaseError::Held { by }) => assert_eq!(seen, Some(*by)),
        other => assert_eq!(None, seen, "acquired: {other:?}"),
    }
    seen
}

fn holder(purpose: &str) -> Holder {
    Holder {
        purpose: purpose.to_owned(),
        pid: 4711,
    }
}
