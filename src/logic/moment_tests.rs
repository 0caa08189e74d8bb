//! Times as people write them, in a zone without and with daylight saving.

use jiff::tz::{Offset, TimeZone};

use super::{Edge, moment};
use crate::logic::time::Timestamp;

/// 2026-11-22 10:14:11 in UTC.
const NOW: Timestamp = Timestamp(1_795_342_451_000_000);

fn told(text: &str, edge: Edge) -> String {
    let zone = TimeZone::fixed(Offset::constant(2));
    moment(text, edge, NOW, &zone).map_or_else(|| "nothing".to_owned(), Timestamp::rfc3339)
}

#[test]
fn spans_lie_back_and_dates_begin_and_end_with_their_day() {
    let both = |text: &str| (told(text, Edge::Begin), told(text, Edge::End));
    let day = |from: &str, to: &str| (format!("{from}:00:00.000000Z"), format!("{to}:00:00.000000Z"));
    assert_eq!(told("2h", Edge::Begin), "2026-11-22T08:14:11.000000Z");
    assert_eq!(told("1d12h", Edge::End), "2026-11-20T22:14:11.000000Z");
    assert_eq!(both("2026-11-20"), day("2026-11-19T22", "2026-11-20T22"));
    assert_eq!(both("today"), day("2026-11-21T22", "2026-11-22T22"));
    assert_eq!(both("yesterday"), day("2026-11-20T22", "2026-11-21T22"));
    assert_eq!(told("now", Edge::End), NOW.rfc3339());
}

#[test]
fn times_are_of_today_in_the_zone_and_offsets_are_heeded() {
    assert_eq!(told("10:30", Edge::Begin), "2026-11-22T08:30:00.000000Z");
    assert_eq!(told("2026-11-20 10:30", Edge::Begin), "2026-11-20T08:30:00.000000Z");
    assert_eq!(told("2026-11-20T10:30:05", Edge::End), "2026-11-20T08:30:05.000000Z");
    assert_eq!(told("2026-11-20T10:30:05Z", Edge::Begin), "2026-11-20T10:30:05.000000Z");
    assert_eq!(told("2026-11-20T10:30:05+01:00", Edge::Begin), "2026-11-20T09:30:05.000000Z");
}

#[test]
fn what_names_no_time_is_nothing() {
    for text in ["", "5", "soon", "2026-13-01", "25:00", "-2h", "2026-11"] {
        assert_eq!(told(text, Edge::Begin), "nothing", "{text}");
    }
}
