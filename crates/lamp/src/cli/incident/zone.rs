//! Zones and moments as people type them.

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::errors::refusal::nearest;
use crate::errors::{Kind, Trouble};

/// The zone of this name; without one, the host's (`TZ`, else `/etc/localtime`, else UTC).
pub(super) fn named(name: Option<&str>) -> Result<TimeZone, Trouble> {
    let Some(name) = name else {
        return Ok(TimeZone::try_system().unwrap_or(TimeZone::UTC));
    };
    TimeZone::get(name).map_err(|_| unknown(name))
}

fn unknown(name: &str) -> Trouble {
    let way_out = match near(name) {
        Some(near) => format!("did you mean {near}?"),
        None => "zones are named as in Africa/Nairobi, Europe/Berlin, UTC".to_owned(),
    };
    let cause = format!("there is no time zone {name:?}");
    Trouble::because(Kind::Mistake, "tell times", cause, way_out)
}

/// The zone that is most like it. A city alone is held against the cities.
fn near(name: &str) -> Option<String> {
    let zones: Vec<String> = jiff::tz::db().available().map(|zone| zone.to_string()).collect();
    if name.contains('/') {
        return nearest(name, zones.iter().map(String::as_str)).map(str::to_owned);
    }
    let city = |zone: &str| zone.rsplit('/').next().unwrap_or(zone).to_ascii_lowercase();
    let cities: Vec<String> = zones.iter().map(|zone| city(zone)).collect();
    let name = name.to_ascii_lowercase();
    let found = nearest(&name, cities.iter().map(String::as_str))?;
    zones.iter().find(|zone| city(zone) == found).cloned()
}

/// A moment that is not in the future: a time of today, a date and time, or either with an offset of its own.
pub(super) fn moment(text: &str, now: &Zoned) -> Result<Timestamp, Trouble> {
    let found = text.parse::<Timestamp>().ok().or_else(|| civil(text, now));
    let found = found.ok_or_else(|| {
        let way_out = "a time reads 06:47, \"2026-11-22 06:47\" or 2026-11-22T06:47:00+03:00";
        wrong(format!("{text:?} is no time"), way_out)
    })?;
    if found > now.timestamp() {
        let cause = format!("{text:?} lies in the future");
        return Err(wrong(cause, "give the date as well, as in \"2026-11-22 06:47\""));
    }
    Ok(found)
}

/// Where an hour comes twice, the first one; where it is left out, the one after.
fn civil(text: &str, now: &Zoned) -> Option<Timestamp> {
    let of_today = || text.parse::<Time>().ok().map(|time| now.date().to_datetime(time));
    let local = text
        .parse::<DateTime>()
        .ok()
        .filter(|_| text.contains('-'))
        .or_else(of_today)?;
    let zoned = local.to_zoned(now.time_zone().clone()).ok()?;
    Some(zoned.timestamp())
}

fn wrong(cause: String, way_out: &str) -> Trouble {
    Trouble::because(Kind::Mistake, "write it down", cause, way_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_zone_names_the_nearest() {
        assert!(named(Some("Africa/Nairobi")).is_ok());
        for (typed, near) in [
            ("Africa/Nairoby", "Africa/Nairobi"),
            ("nairobi", "Africa/Nairobi"),
            ("Europe/Berln", "Europe/Berlin"),
        ] {
            let way_out = named(Some(typed)).expect_err("no such zone").way_out;
            assert_eq!(way_out, format!("did you mean {near}?"));
        }
        let way_out = named(Some("0")).expect_err("no such zone").way_out;
        assert_eq!(
            way_out,
            "zones are named as in Africa/Nairobi, Europe/Berlin, UTC"
        );
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let now: Zoned = "2026-11-22T07:00:00+03:00[Africa/Nairobi]"
            .parse()
            .expect("valid");
        let found = moment(text, &now).map(|at| at.to_string());
        assert_eq!(
            found.unwrap_or_else(|trouble| trouble.causes.join(": ")),
            expected
        );
    }

    #[test]
    fn a_moment_is_read_in_the_zone() {
        check("06:47", "2026-11-22T03:47:00Z");
        check("06:47:12", "2026-11-22T03:47:12Z");
        check("2026-11-21 23:10", "2026-11-21T20:10:00Z");
        check(
            "2026-11-22T06:47:00+01:00",
            "\"2026-11-22T06:47:00+01:00\" lies in the future",
        );
        check("2026-11-22T03:47:00Z", "2026-11-22T03:47:00Z");
        check("07:01", "\"07:01\" lies in the future");
        check("soon", "\"soon\" is no time");
        check("", "\"\" is no time");
    }
}
