//! The table of zones and clocks, and the comparison with a model that looks at each minute.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::ToSpan;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::cron::Cron;
use super::due::{DueFire, Fate, Known, back, due, jitter, settled};
use super::fires::{Fires, oddity};
use super::meet::{Meeting, QUEUE, Standing, may_start, meet};
use super::{Bound, CatchUp, Dst, Missing, Overlap, Repeated, Schedule, bundled_zone};
use crate::logic::time::Timestamp;

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;

fn schedule(cron: &str, zone: &str) -> Schedule {
    Schedule {
        cron: Cron::parse(cron).expect("the line is right"),
        zone: Arc::from(zone),
        dst: Dst { missing: Missing::Shift, repeated: Repeated::First },
        catch_up: CatchUp::Last,
        window: Duration::from_secs(3600),
        overlap: Overlap::Skip,
        jitter: Duration::ZERO,
        start: None,
        end: None,
    }
}

fn zone(name: &str) -> TimeZone {
    bundled_zone(name).expect("the zone is bundled")
}

fn at(text: &str) -> Timestamp {
    Timestamp(text.parse::<jiff::Timestamp>().expect("it is a time").as_microsecond())
}

fn shown(at: Timestamp, zone: &TimeZone) -> String {
    let at = jiff::Timestamp::from_microsecond(at.0).expect("it is in range");
    at.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M%:z").to_string()
}

/// The next fires, as clocks of the zone show them.
fn fires(schedule: &Schedule, after: &str, count: usize) -> Vec<String> {
    let zone = zone(&schedule.zone);
    Fires::after(schedule, &zone, at(after)).take(count).map(|at| shown(at, &zone)).collect()
}

/// Cron line, zone, `missing repeated`, after when, and the next fires.
const CASES: &[(&str, &str, &str, &str, &[&str])] = &[
    // Clocks put forward.
    (
        "30 2 * * *",
        "Europe/Berlin",
        "shift first",
        "2026-03-28T12:00Z",
        &["2026-03-29T03:30+02:00", "2026-03-30T02:30+02:00"],
    ),
    ("30 2 * * *", "Europe/Berlin", "skip first", "2026-03-28T12:00Z", &["2026-03-30T02:30+02:00"]),
    (
        "30 2,3 * * *",
        "Europe/Berlin",
        "shift first",
        "2026-03-29T00:00Z",
        &["2026-03-29T03:30+02:00", "2026-03-30T02:30+02:00"],
    ),
    (
        "0 * * * *",
        "America/New_York",
        "shift both",
        "2026-03-08T05:30Z",
        &["2026-03-08T01:00-05:00", "2026-03-08T03:00-04:00", "2026-03-08T04:00-04:00"],
    ),
    (
        "0 2 * * *",
        "America/New_York",
        "shift first",
        "2026-03-08T00:00Z",
        &["2026-03-08T03:00-04:00", "2026-03-09T02:00-04:00"],
    ),
    (
        "59 1 * * *",
        "America/New_York",
        "shift first",
        "2026-03-08T00:00Z",
        &["2026-03-08T01:59-05:00", "2026-03-09T01:59-04:00"],
    ),
    // Clocks put back.
    (
        "30 2 * * *",
        "Europe/Berlin",
        "shift first",
        "2026-10-24T12:00Z",
        &["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"],
    ),
    (
        "30 2 * * *",
        "Europe/Berlin",
        "shift last",
        "2026-10-24T12:00Z",
        &["2026-10-25T02:30+01:00", "2026-10-26T02:30+01:00"],
    ),
    (
        "30 2 * * *",
        "Europe/Berlin",
        "shift both",
        "2026-10-24T12:00Z",
        &["2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00", "2026-10-26T02:30+01:00"],
    ),
    (
        "*/30 * * * *",
        "Europe/Berlin",
        "shift both",
        "2026-10-24T23:45Z",
        &[
            "2026-10-25T02:00+02:00",
            "2026-10-25T02:30+02:00",
            "2026-10-25T02:00+01:00",
            "2026-10-25T02:30+01:00",
            "2026-10-25T03:00+01:00",
        ],
    ),
    (
        "*/30 * * * *",
        "Europe/Berlin",
        "shift first",
        "2026-10-24T23:45Z",
        &["2026-10-25T02:00+02:00", "2026-10-25T02:30+02:00", "2026-10-25T03:00+01:00"],
    ),
    // Where clocks change at midnight.
    (
        "0 0 * * *",
        "America/Sao_Paulo",
        "shift first",
        "2018-11-03T12:00Z",
        &["2018-11-04T01:00-02:00", "2018-11-05T00:00-02:00"],
    ),
    (
        "0 0 * * *",
        "America/Havana",
        "shift both",
        "2026-10-31T12:00Z",
        &["2026-11-01T00:00-04:00", "2026-11-01T00:00-05:00", "2026-11-02T00:00-05:00"],
    ),
    // Zones beside the hour.
    (
        "0 9 * * *",
        "Asia/Kolkata",
        "shift first",
        "2026-01-01T00:00Z",
        &["2026-01-01T09:00+05:30", "2026-01-02T09:00+05:30"],
    ),
    (
        "15 6 * * *",
        "Asia/Kathmandu",
        "shift first",
        "2026-01-01T00:00Z",
        &["2026-01-01T06:15+05:45", "2026-01-02T06:15+05:45"],
    ),
    (
        "0 12 * * *",
        "Pacific/Chatham",
        "shift first",
        "2026-01-01T00:00Z",
        &["2026-01-02T12:00+13:45", "2026-01-03T12:00+13:45"],
    ),
    // Clocks that leap by half an hour.
    (
        "15 2 * * *",
        "Australia/Lord_Howe",
        "shift first",
        "2026-10-03T00:00Z",
        &["2026-10-04T02:45+11:00", "2026-10-05T02:15+11:00"],
    ),
    (
        "45 1 * * *",
        "Australia/Lord_Howe",
        "shift both",
        "2026-04-04T00:00Z",
        &["2026-04-05T01:45+11:00", "2026-04-05T01:45+10:30", "2026-04-06T01:45+10:30"],
    ),
    ("0 2 * * *", "Australia/Lord_Howe", "skip first", "2026-10-03T00:00Z", &["2026-10-05T02:00+11:00"]),
    // A day that was not there: Samoa went over the date line.
    (
        "0 12 * * *",
        "Pacific/Apia",
        "shift first",
        "2011-12-29T00:00Z",
        &["2011-12-29T12:00-10:00", "2011-12-31T12:00+14:00", "2012-01-01T12:00+14:00"],
    ),
    (
        "0 12 30 12 *",
        "Pacific/Apia",
        "shift first",
        "2011-12-01T00:00Z",
        &["2011-12-31T12:00+14:00", "2012-12-30T12:00+14:00"],
    ),
    ("0 12 30 12 *", "Pacific/Apia", "skip first", "2011-12-01T00:00Z", &["2012-12-30T12:00+14:00"]),
    // Zones that changed their distance from UTC for good.
    (
        "15 0 15 8 *",
        "Asia/Pyongyang",
        "shift first",
        "2015-01-01T00:00Z",
        &["2015-08-15T00:15+08:30", "2016-08-15T00:15+08:30"],
    ),
    (
        "45 23 14 8 *",
        "Asia/Pyongyang",
        "shift both",
        "2015-01-01T00:00Z",
        &["2015-08-14T23:45+09:00", "2015-08-14T23:45+08:30", "2016-08-14T23:45+08:30"],
    ),
    (
        "45 2 * * *",
        "America/Caracas",
        "shift first",
        "2016-04-30T12:00Z",
        &["2016-05-01T03:15-04:00", "2016-05-02T02:45-04:00"],
    ),
    // Standard time in winter and in summer, the other way round.
    (
        "30 1 * * *",
        "Europe/Dublin",
        "shift both",
        "2026-10-24T12:00Z",
        &["2026-10-25T01:30+01:00", "2026-10-25T01:30+00:00", "2026-10-26T01:30+00:00"],
    ),
    (
        "30 0 * * *",
        "Africa/Casablanca",
        "shift first",
        "2026-01-01T00:00Z",
        &["2026-01-02T00:30+01:00", "2026-01-03T00:30+01:00"],
    ),
    // Months and years.
    (
        "0 0 29 2 *",
        "UTC",
        "shift first",
        "2026-01-01T00:00Z",
        &["2028-02-29T00:00+00:00", "2032-02-29T00:00+00:00"],
    ),
    ("0 0 29 2 *", "UTC", "shift first", "2096-03-01T00:00Z", &["2104-02-29T00:00+00:00"]),
    (
        "0 0 31 * *",
        "UTC",
        "shift first",
        "2026-01-31T00:00Z",
        &[
            "2026-03-31T00:00+00:00",
            "2026-05-31T00:00+00:00",
            "2026-07-31T00:00+00:00",
            "2026-08-31T00:00+00:00",
        ],
    ),
    ("0 0 30 * *", "UTC", "shift first", "2026-01-31T00:00Z", &["2026-03-30T00:00+00:00"]),
    (
        "59 23 31 12 *",
        "Pacific/Kiritimati",
        "shift first",
        "2026-01-01T00:00Z",
        &["2026-12-31T23:59+14:00", "2027-12-31T23:59+14:00"],
    ),
    ("0 0 1 1 *", "America/Los_Angeles", "shift first", "2026-12-31T23:59Z", &["2027-01-01T00:00-08:00"]),
    (
        "*/7 * * * *",
        "UTC",
        "shift first",
        "2026-01-01T00:50Z",
        &["2026-01-01T00:56+00:00", "2026-01-01T01:00+00:00", "2026-01-01T01:07+00:00"],
    ),
    (
        "0 9 * * mon-fri",
        "Europe/Zurich",
        "shift first",
        "2026-11-20T12:00Z",
        &["2026-11-23T09:00+01:00", "2026-11-24T09:00+01:00"],
    ),
    (
        "0 9 * * 7",
        "UTC",
        "shift first",
        "2026-11-20T12:00Z",
        &["2026-11-22T09:00+00:00", "2026-11-29T09:00+00:00"],
    ),
    (
        "0 0 13 * fri",
        "UTC",
        "shift first",
        "2026-11-07T00:00Z",
        &[
            "2026-11-13T00:00+00:00",
            "2026-11-20T00:00+00:00",
            "2026-11-27T00:00+00:00",
            "2026-12-04T00:00+00:00",
            "2026-12-11T00:00+00:00",
            "2026-12-13T00:00+00:00",
        ],
    ),
];

#[test]
fn the_table_of_zones_holds() {
    assert!(CASES.len() >= 30, "{}", CASES.len());
    for (cron, name, dst, after, expected) in CASES {
        let mut it = schedule(cron, name);
        let (missing, repeated) = dst.split_once(' ').expect("two words");
        it.dst.missing = if missing == "skip" { Missing::Skip } else { Missing::Shift };
        it.dst.repeated = match repeated {
            "last" => Repeated::Last,
            "both" => Repeated::Both,
            _ => Repeated::First,
        };
        assert_eq!(fires(&it, after, expected.len()), *expected, "{cron} {name} {dst}");
    }
}

#[test]
fn start_and_end_are_kept_and_a_day_is_a_whole_one() {
    let mut it = schedule("0 12 * * *", "Europe/Berlin");
    it.start = Bound::parse("2026-12-01");
    it.end = Bound::parse("2026-12-02");
    assert_eq!(fires(&it, "2026-01-01T00:00Z", 9), ["2026-12-01T12:00+01:00", "2026-12-02T12:00+01:00"]);
    it.start = Bound::parse("2026-12-01T12:00");
    it.end = Bound::parse("2026-12-03T11:00:00Z");
    let three = ["2026-12-01T12:00+01:00", "2026-12-02T12:00+01:00", "2026-12-03T12:00+01:00"];
    assert_eq!(fires(&it, "2026-01-01T00:00Z", 9), three);
    it.end = Bound::parse("2026-12-03T11:59");
    assert_eq!(fires(&it, "2026-01-01T00:00Z", 9), three[..2]);
    assert_eq!(fires(&it, "2027-01-01T00:00Z", 9), Vec::<String>::new());
}

#[test]
fn bounds_are_read_or_refused() {
    assert!(matches!(Bound::parse("2026-12-01"), Some(Bound::Day(_))));
    assert!(matches!(Bound::parse("2026-12-01T08:00"), Some(Bound::Wall(_))));
    assert!(matches!(Bound::parse("2026-12-01 08:00:30"), Some(Bound::Wall(_))));
    assert_eq!(Bound::parse("2026-12-01T08:00:00+01:00"), Some(Bound::Moment(at("2026-12-01T07:00Z"))));
    for wrong in ["", "soon", "2026-13-01", "2026-02-30", "08:00", "2026-12-01T25:00", "2026-12-01T08:00+99"]
    {
        assert_eq!(Bound::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn what_is_odd_about_a_fire_is_said() {
    let mut it = schedule("30 2 * * *", "Europe/Berlin");
    let berlin = zone("Europe/Berlin");
    let odd = |it: &Schedule, text: &str| oddity(it, &berlin, at(text));
    assert_eq!(odd(&it, "2026-03-28T01:30Z"), None);
    assert_eq!(odd(&it, "2026-03-29T01:30Z").as_deref(), Some("shifted, the clock leaps from +01 to +02"));
    it.dst.repeated = Repeated::Both;
    let first = "first of two, the clock goes back from +02 to +01";
    assert_eq!(odd(&it, "2026-10-25T00:30Z").as_deref(), Some(first));
    let second = "second of two, the clock goes back from +02 to +01";
    assert_eq!(odd(&it, "2026-10-25T01:30Z").as_deref(), Some(second));
}

// ------------------------------------------------------------------------------------------------- what is due

/// A ledger in memory, and a service that looks into it at any time that the clock may show.
struct Service {
    schedule: Schedule,
    since: Timestamp,
    rows: BTreeMap<Timestamp, bool>,
    started: Vec<String>,
    missed: usize,
}

impl Service {
    fn new(schedule: Schedule, since: &str) -> Self {
        Self { schedule, since: at(since), rows: BTreeMap::new(), started: Vec::new(), missed: 0 }
    }

    fn known(&self, now: Timestamp) -> Known {
        let settled = settled(&self.schedule, now);
        let last = self.rows.range(..=settled).next_back().map(|(at, _)| *at);
        let from = last.map_or(Timestamp(i64::MIN), |last| back(last, self.schedule.jitter));
        Known { since: self.since, last, rows: self.rows.range(from..).map(|(a, b)| (*a, *b)).collect() }
    }

    /// Looks at a time; returns when to look again.
    fn look(&mut self, now: Timestamp) -> Option<Timestamp> {
        let zone = zone(&self.schedule.zone);
        let found = due(&self.schedule, &zone, "id", &self.known(now), now);
        if let Some((_, last, count)) = found.older {
            assert_eq!(self.rows.insert(last, false), None);
            self.missed += count;
        }
        for DueFire { nominal, fate, .. } in found.fires {
            let starts = fate == Fate::Start;
            let before = self.rows.insert(nominal, starts);
            assert_ne!(before, Some(true), "{} fired twice", shown(nominal, &zone));
            if starts {
                self.started.push(shown(nominal, &zone)[..16].to_owned());
            } else {
                self.missed += 1;
            }
        }
        found.wake
    }

    /// Lives from one time to another, awake all the time.
    fn live(&mut self, from: &str, to: &str) -> &mut Self {
        let mut now = at(from);
        while let Some(wake) = self.look(now).filter(|wake| *wake <= at(to)) {
            assert!(wake > now, "it would look for ever");
            now = wake;
        }
        self
    }

    fn at(&mut self, now: &str) -> &mut Self {
        self.look(at(now));
        self
    }

    fn told(&mut self) -> (Vec<String>, usize) {
        (std::mem::take(&mut self.started), std::mem::take(&mut self.missed))
    }
}

fn hourly(catch_up: CatchUp) -> Schedule {
    Schedule { catch_up, ..schedule("0 * * * *", "UTC") }
}

#[test]
fn nothing_from_before_it_was_first_seen_is_made_up_for() {
    let mut it = Service::new(hourly(CatchUp::All), "2026-05-01T10:30Z");
    assert_eq!(it.at("2026-05-01T10:30Z").told(), (vec![], 0));
    it.live("2026-05-01T10:30Z", "2026-05-01T12:10Z");
    assert_eq!(it.told(), (vec!["2026-05-01T11:00".to_owned(), "2026-05-01T12:00".to_owned()], 0));
}

#[test]
fn what_was_missed_is_made_up_for_as_told() {
    for (catch_up, window, started, missed) in [
        (CatchUp::None, 3600, &[][..], 4),
        (CatchUp::Last, 3600, &["2026-05-01T14:00"], 3),
        (CatchUp::Last, 60, &[], 4),
        (CatchUp::All, 3600, &["2026-05-01T14:00"], 3),
        (CatchUp::All, 3 * 3600, &["2026-05-01T12:00", "2026-05-01T13:00", "2026-05-01T14:00"], 1),
        (
            CatchUp::All,
            86400,
            &["2026-05-01T11:00", "2026-05-01T12:00", "2026-05-01T13:00", "2026-05-01T14:00"],
            0,
        ),
    ] {
        let it = Schedule { window: Duration::from_secs(window), ..hourly(catch_up) };
        let mut it = Service::new(it, "2026-05-01T09:00Z");
        it.live("2026-05-01T09:00Z", "2026-05-01T10:10Z").told();
        // Down for some hours.
        let expected: Vec<String> = started.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(it.at("2026-05-01T14:30Z").told(), (expected, missed), "{catch_up:?} {window}");
        assert_eq!(it.at("2026-05-01T14:31Z").told(), (vec![], 0), "once is enough");
    }
}

#[test]
fn a_fire_on_time_stands_for_those_that_were_missed() {
    let mut it = Service::new(hourly(CatchUp::Last), "2026-05-01T09:30Z");
    assert_eq!(it.at("2026-05-01T12:00:20Z").told(), (vec!["2026-05-01T12:00".to_owned()], 2));
    let mut it = Service::new(hourly(CatchUp::None), "2026-05-01T09:30Z");
    assert_eq!(it.at("2026-05-01T12:00:20Z").told(), (vec!["2026-05-01T12:00".to_owned()], 2));
}

#[test]
fn a_clock_set_back_never_fires_anything_again() {
    let mut it = Service::new(hourly(CatchUp::All), "2026-05-01T09:30Z");
    it.live("2026-05-01T09:30Z", "2026-05-01T12:10Z");
    assert_eq!(it.told().0.len(), 3);
    it.live("2026-05-01T11:10Z", "2026-05-01T12:30Z");
    assert_eq!(it.told(), (vec![], 0));
    it.live("2026-05-01T12:30Z", "2026-05-01T13:30Z");
    assert_eq!(it.told(), (vec!["2026-05-01T13:00".to_owned()], 0));
}

#[test]
fn a_clock_that_was_a_year_ahead_for_a_moment_silences_nothing() {
    let mut it = Service::new(hourly(CatchUp::Last), "2026-05-01T09:30Z");
    it.live("2026-05-01T09:30Z", "2026-05-01T10:10Z").told();
    let (started, missed) = it.at("2027-05-01T10:30Z").told();
    assert_eq!(started, ["2027-05-01T10:00"]);
    assert_eq!(missed, 8759);
    assert!(it.rows.len() < 200, "{} rows for what was missed", it.rows.len());
    it.live("2026-05-01T10:30Z", "2026-05-01T13:10Z");
    let three = ["2026-05-01T11:00", "2026-05-01T12:00", "2026-05-01T13:00"].map(str::to_owned);
    assert_eq!(it.told(), (three.to_vec(), 0));
}

#[test]
fn what_was_written_down_as_missed_by_a_wrong_clock_fires_when_its_time_comes() {
    let mut it = Service::new(hourly(CatchUp::None), "2026-05-01T09:30Z");
    assert_eq!(it.at("2026-05-01T13:30Z").told(), (vec![], 4));
    it.live("2026-05-01T11:30Z", "2026-05-01T13:10Z");
    assert_eq!(it.told().0, ["2026-05-01T12:00", "2026-05-01T13:00"]);
}

#[test]
fn a_clock_that_leaps_forward_is_a_time_without_a_service() {
    let mut it = Service::new(
        Schedule { catch_up: CatchUp::All, ..schedule("*/10 * * * *", "UTC") },
        "2026-05-01T09:55Z",
    );
    it.live("2026-05-01T09:55Z", "2026-05-01T10:01Z").told();
    let (started, missed) = it.at("2026-05-01T12:00:05Z").told();
    assert_eq!(missed, 6);
    assert_eq!(started.first().map(String::as_str), Some("2026-05-01T11:10"));
    assert_eq!(started.len(), 6);
}

#[test]
fn a_service_that_was_down_over_the_odd_night_makes_up_for_its_one_fire() {
    let berlin = |repeated| {
        let mut it = schedule("30 2 * * *", "Europe/Berlin");
        it.window = Duration::from_secs(6 * 3600);
        it.catch_up = CatchUp::All;
        it.dst.repeated = repeated;
        Service::new(it, "2026-01-01T00:00Z")
    };
    let mut it = berlin(Repeated::First);
    it.live("2026-10-23T12:00Z", "2026-10-24T12:00Z").told();
    assert_eq!(it.at("2026-10-25T05:00Z").told(), (vec!["2026-10-25T02:30".to_owned()], 0));
    let mut it = berlin(Repeated::Both);
    it.live("2026-10-23T12:00Z", "2026-10-24T12:00Z").told();
    assert_eq!(it.at("2026-10-25T05:00Z").told().0.len(), 2);
    let mut it = berlin(Repeated::First);
    it.live("2026-03-27T12:00Z", "2026-03-28T12:00Z").told();
    assert_eq!(it.at("2026-03-29T05:00Z").told(), (vec!["2026-03-29T03:30".to_owned()], 0));
}

#[test]
fn very_many_missed_fires_are_counted_and_not_written_down_one_by_one() {
    let mut it = Service::new(schedule("* * * * *", "UTC"), "2025-01-01T00:00Z");
    let (started, missed) = it.at("2026-05-01T10:00:10Z").told();
    assert_eq!(started, ["2026-05-01T10:00"]);
    assert!(missed >= 10_000, "{missed}");
    assert!(it.rows.len() < 300, "{} rows", it.rows.len());
}

#[test]
fn jitter_is_the_same_everywhere_and_another_one_for_each_fire() {
    let mut it = schedule("0 * * * *", "UTC");
    let (one, two) = (at("2026-05-01T10:00Z"), at("2026-05-01T11:00Z"));
    assert_eq!(jitter(&it, "a", one), Duration::ZERO);
    it.jitter = Duration::from_secs(600);
    // A change of this figure would let an old and a new engine disagree.
    assert_eq!(jitter(&it, "a", one), Duration::from_millis(JITTER_OF_A));
    assert_ne!(jitter(&it, "a", one), jitter(&it, "a", two));
    assert_ne!(jitter(&it, "a", one), jitter(&it, "b", one));
    let all: Vec<Duration> = (0..200).map(|n| jitter(&it, "a", Timestamp(n * HOUR))).collect();
    assert!(all.iter().all(|it| *it <= Duration::from_secs(600)));
    assert!(
        all.iter().any(|it| *it < Duration::from_secs(60))
            && all.iter().any(|it| *it > Duration::from_secs(540))
    );
}

const JITTER_OF_A: u64 = 179_310;

#[test]
fn a_jitter_longer_than_the_time_between_fires_loses_none() {
    let it = Schedule { jitter: Duration::from_secs(1200), ..schedule("*/5 * * * *", "UTC") };
    let mut it = Service::new(it, "2026-05-01T10:00Z");
    it.live("2026-05-01T10:00Z", "2026-05-01T13:00Z");
    let (mut started, missed) = it.told();
    started.sort();
    started.dedup();
    let early = started.iter().filter(|it| it.as_str() <= "2026-05-01T12:40").count();
    assert_eq!((early, missed), (32, 0));
}

#[test]
fn a_fire_meets_a_job_as_told() {
    let idle = Standing::default();
    let busy = Standing { running: vec![7], ..Standing::default() };
    for overlap in [Overlap::Skip, Overlap::Queue, Overlap::CancelRunning, Overlap::Allow] {
        assert_eq!(meet(overlap, &idle), Meeting::Start, "{overlap:?}");
    }
    assert_eq!(meet(Overlap::Skip, &busy), Meeting::Skip("overlap: job #7 has not ended".to_owned()));
    assert_eq!(meet(Overlap::Queue, &busy), Meeting::Wait("job #7 has not ended".to_owned()));
    assert_eq!(meet(Overlap::CancelRunning, &busy), Meeting::Cancel(vec![7]));
    assert_eq!(meet(Overlap::Allow, &busy), Meeting::Start);
    let starting = Standing { is_starting: true, ..Standing::default() };
    assert!(matches!(meet(Overlap::Skip, &starting), Meeting::Skip(_)));
    let full = Standing { waiting: QUEUE, ..busy.clone() };
    assert!(matches!(meet(Overlap::Queue, &full), Meeting::Skip(why) if why.contains("queue is full")));
    // Who came later does not overtake.
    let waiting = Standing { waiting: 1, ..Standing::default() };
    assert!(matches!(meet(Overlap::Queue, &waiting), Meeting::Wait(_)));
    assert!(may_start(&waiting) && !may_start(&busy) && !may_start(&starting));
}

// ----------------------------------------------------------------------------------- the model of single minutes

/// Fires between two moments, found by looking at each minute on the wall.
fn model(schedule: &Schedule, zone: &TimeZone, from: i64, to: i64) -> Vec<Timestamp> {
    let wall = |minute: i64| -> DateTime {
        zone.to_datetime(jiff::Timestamp::from_microsecond(minute * MINUTE).expect("it is in range"))
    };
    let times: std::collections::HashSet<(i8, i8)> = schedule.cron.times().collect();
    let fits = |at: DateTime| schedule.cron.fits_day(at.date()) && times.contains(&(at.hour(), at.minute()));
    // A day and more before and after, so that what is shown twice is seen twice.
    let (first, last) = (from / MINUTE - 1600, to / MINUTE + 1600);
    let mut shows: BTreeMap<DateTime, Vec<i64>> = BTreeMap::new();
    for minute in first..=last {
        shows.entry(wall(minute)).or_default().push(minute);
    }
    let mut fires = std::collections::BTreeSet::new();
    for (at, minutes) in &shows {
        if fits(*at) {
            match schedule.dst.repeated {
                Repeated::First => fires.extend(minutes.first()),
                Repeated::Last => fires.extend(minutes.last()),
                Repeated::Both => fires.extend(minutes),
            }
        }
    }
    for minute in first..last {
        let (before, after) = (wall(minute), wall(minute + 1));
        let mut missing = before.checked_add(1.minute()).expect("it is in range");
        let mut later = minute + 1;
        while missing < after && schedule.dst.missing == Missing::Shift {
            if fits(missing) {
                fires.insert(later);
            }
            missing = missing.checked_add(1.minute()).expect("it is in range");
            later += 1;
        }
    }
    fires
        .into_iter()
        .map(|minute| Timestamp(minute * MINUTE))
        .filter(|at| at.0 > from && at.0 <= to)
        .collect()
}

fn field(least: u8, most: u8) -> impl Strategy<Value = String> {
    let number = least..=most;
    prop_oneof![
        4 => Just("*".to_owned()),
        2 => (2..=(most - least)).prop_map(|step| format!("*/{step}")),
        3 => number.clone().prop_map(|it| it.to_string()),
        2 => (number.clone(), number.clone()).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        1 => (number.clone(), number).prop_map(|(a, b)| format!("{a},{b}")),
    ]
}

const ZONES: &[(&str, &str)] = &[
    ("Europe/Berlin", "2026-03-29T01:00Z"),
    ("Europe/Berlin", "2026-10-25T01:00Z"),
    ("America/New_York", "2026-11-01T06:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T15:30Z"),
    ("Pacific/Apia", "2011-12-30T10:00Z"),
    ("America/Havana", "2026-11-01T05:00Z"),
    ("America/Sao_Paulo", "2018-11-04T03:00Z"),
    ("Asia/Pyongyang", "2015-08-14T15:00Z"),
    ("America/Caracas", "2016-05-01T07:00Z"),
    ("Africa/Casablanca", "2026-02-15T02:00Z"),
    ("UTC", "2028-02-29T00:00Z"),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fires_are_those_of_the_model(
        minute in field(0, 59), hour in field(0, 23), day in field(1, 31), weekday in field(0, 6),
        place in 0..ZONES.len(), offset in -1500_i64..1500, missing in any::<bool>(), repeated in 0..3_u8,
    ) {
        let (name, odd) = ZONES[place];
        let mut it = schedule(&format!("{minute} {hour} {day} * {weekday}"), name);
        it.dst.missing = if missing { Missing::Shift } else { Missing::Skip };
        it.dst.repeated = [Repeated::First, Repeated::Last, Repeated::Both][usize::from(repeated)];
        let zone = zone(name);
        let from = at(odd).0 + (offset - 1500) * MINUTE;
        let to = from + 2 * 24 * HOUR;
        let found: Vec<Timestamp> =
            Fires::after(&it, &zone, Timestamp(from)).take_while(|at| at.0 <= to).collect();
        prop_assert_eq!(found, model(&it, &zone, from, to));
    }

    #[test]
    fn a_clock_that_does_what_it_likes_never_fires_anything_twice(
        leaps in prop::collection::vec((-200_i64..400, 0_i64..90), 1..20),
        jitter in 0_u64..900, catch_up in 0..3_u8,
    ) {
        let mut it = schedule("*/10 * * * *", "UTC");
        it.jitter = Duration::from_secs(jitter);
        it.catch_up = [CatchUp::None, CatchUp::Last, CatchUp::All][usize::from(catch_up)];
        let mut it = Service::new(it, "2026-05-01T00:00Z");
        let mut now = at("2026-05-01T00:00Z");
        for (leap, awake) in leaps {
            now = Timestamp(now.0 + leap * MINUTE);
            let until = Timestamp(now.0 + awake * MINUTE);
            // `look` itself sees to it that nothing fires twice.
            while let Some(wake) = it.look(now).filter(|wake| *wake <= until) {
                prop_assert!(wake > now);
                now = wake;
            }
            now = until;
        }
    }
}
