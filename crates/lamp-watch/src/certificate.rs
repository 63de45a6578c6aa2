//! Whether the certificate that a site shows is trouble. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lamp_http::certificate::Presented;
use lamp_model::evidence::{CertificateFlaw, Trouble, Urgency};

/// How often it is looked at while it is well.
pub const LOOK_EVERY: Duration = Duration::from_secs(60 * 60);
/// How often while it is not, or could not be read: a renewal is to be seen soon.
pub const LOOK_AGAIN_EVERY: Duration = Duration::from_secs(60);
/// Left of its life when a person should see to it within days: what renews certificates does so 30 days before.
pub const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Left of its life when there is no more time.
pub const NOW: SignedDuration = SignedDuration::from_hours(3 * 24);

/// What is wrong with it, if anything.
pub fn judge(hostname: &str, presented: &Presented, now: Timestamp) -> Option<Trouble> {
    let (flaw, urgency) = flaw(presented, now)?;
    Some(Trouble::Certificate {
        hostname: hostname.to_owned(),
        until: presented.not_after,
        flaw,
        urgency,
    })
}

/// What keeps browsers away is worse than what will.
fn flaw(presented: &Presented, now: Timestamp) -> Option<(CertificateFlaw, Urgency)> {
    let left = presented.not_after.duration_since(now);
    if left.is_negative() {
        return Some((CertificateFlaw::Over, Urgency::Now));
    }
    if !presented.is_for_host {
        return Some((CertificateFlaw::OtherName, Urgency::Now));
    }
    if presented.not_before > now {
        return Some((CertificateFlaw::NotYet, Urgency::Now));
    }
    match left {
        left if left < NOW => Some((CertificateFlaw::EndsSoon, Urgency::Now)),
        left if left < SOON => Some((CertificateFlaw::EndsSoon, Urgency::Soon)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600;
    const DAY: i64 = 24 * HOUR;

    /// A certificate of this host whose life began and ends so many seconds from now.
    #[track_caller]
    fn check(begins: i64, ends: i64, is_for_host: bool, expected: Option<(CertificateFlaw, Urgency)>) {
        let now: Timestamp = "2026-11-22T06:40:00Z".parse().expect("valid");
        let at = |seconds| now + SignedDuration::from_secs(seconds);
        let presented = Presented {
            not_before: at(begins),
            not_after: at(ends),
            is_for_host,
        };
        let found = judge("shop.example", &presented, now);
        let expected = expected.map(|(flaw, urgency)| Trouble::Certificate {
            hostname: "shop.example".to_owned(),
            until: at(ends),
            flaw,
            urgency,
        });
        assert_eq!(found, expected, "from {begins} to {ends}");
    }

    #[test]
    fn the_end_of_its_life_is_told_in_time_and_again_when_there_is_none_left() {
        use CertificateFlaw::{EndsSoon, Over};
        check(-DAY, 90 * DAY, true, None);
        check(-DAY, 14 * DAY, true, None);
        check(-DAY, 14 * DAY - 1, true, Some((EndsSoon, Urgency::Soon)));
        check(-DAY, 3 * DAY, true, Some((EndsSoon, Urgency::Soon)));
        check(-DAY, 3 * DAY - 1, true, Some((EndsSoon, Urgency::Now)));
        check(-DAY, 0, true, Some((EndsSoon, Urgency::Now)));
        check(-90 * DAY, -1, true, Some((Over, Urgency::Now)));
    }

    #[test]
    fn what_browsers_refuse_is_told_at_once() {
        use CertificateFlaw::{NotYet, OtherName, Over};
        check(-DAY, 90 * DAY, false, Some((OtherName, Urgency::Now)));
        check(-DAY, -DAY / 2, false, Some((Over, Urgency::Now)));
        check(HOUR, 90 * DAY, true, Some((NotYet, Urgency::Now)));
        check(0, 90 * DAY, true, None);
    }
}
