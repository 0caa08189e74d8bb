//! Points in time as people write them when they ask for the past: `2h`, `7d`, `2026-11-22`, `10:30`.
//!
//! Not here: reading a clock or finding out the zone, which are arguments.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use super::text::parse_duration;
use super::time::Timestamp;

#[cfg(test)]
#[path = "moment_tests.rs"]
mod tests;

/// What is accepted, for messages.
pub const EXPECTED: &str = "a time such as `2h` or `7d` (so long ago), `10:30`, `today`, `2026-11-22`, `2026-11-22 10:30` or RFC 3339";

/// Which end of a day, minute or second is meant by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// `since`: all of it counts.
    Begin,
    /// `until`: all of it counts, too.
    End,
}

/// Returns the point that a text names, seen from a moment in a zone; nothing if it names none.
#[must_use]
pub fn moment(text: &str, edge: Edge, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(ago) = parse_duration(text) {
        let micros = i64::try_from(ago.as_micros()).unwrap_or(i64::MAX);
        return Some(Timestamp(now.0.saturating_sub(micros)));
    }
    let here = || jiff::Timestamp::from_microsecond(now.0).ok().map(|now| now.to_zoned(zone.clone()));
    let day = |date: Date| {
        let date = if edge == Edge::End { date.checked_add(1.day()).ok()? } else { date };
        at(date.to_datetime(Time::midnight()), zone)
    };
    match text {
        "now" => return Some(now),
        "today" => return day(here()?.date()),
        "yesterday" => return day(here()?.date().checked_sub(1.day()).ok()?),
        _ => {}
    }
    // Without a date it is today.
    if text.len() <= 8
        && text.contains(':')
        && let Ok(time) = text.parse::<Time>()
    {
        return at(here()?.date().to_datetime(time), zone);
    }
    if text.len() == 10
        && let Ok(date) = text.parse::<Date>()
    {
        return day(date);
    }
    if let Ok(point) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp(point.as_microsecond()));
    }
    at(text.parse::<DateTime>().ok()?, zone)
}

/// A time that a clock shows twice is the first one; one that it never shows is as much later as the clock was put on.
fn at(time: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let point = zone.to_ambiguous_timestamp(time).compatible().ok()?;
    Some(Timestamp(point.as_microsecond()))
}
