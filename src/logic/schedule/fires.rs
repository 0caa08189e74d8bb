//! The nominal times of a schedule, one after the other, also over days on which clocks are changed.
//!
//! A nominal time is a point in time, not what a clock shows, so that each is there once. Not here: lateness and
//! jitter (`due.rs`).

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use super::{Missing, Repeated, Schedule};
use crate::logic::time::Timestamp;

/// Days that are looked through for one fire: nine years, because 29 February may be eight years away.
const FURTHEST: u32 = 9 * 366;

/// So many days are read ahead, because a clock may leap by a whole one.
const AHEAD: i32 = 2;

/// The nominal times of a schedule after a moment.
pub struct Fires<'a> {
    schedule: &'a Schedule,
    zone: &'a TimeZone,
    after: Timestamp,
    /// First moment at which nothing fires any more.
    past: Option<Timestamp>,
    /// The next day to be read; none after the end of the calendar.
    day: Option<Date>,
    /// Days without a fire since the last one.
    empty: u32,
    known: BTreeSet<Timestamp>,
}

impl<'a> Fires<'a> {
    /// Begins after a moment; `zone` is the schedule's.
    #[must_use]
    pub fn after(schedule: &'a Schedule, zone: &'a TimeZone, after: Timestamp) -> Self {
        // Without the fire at `start` itself being left out.
        let start =
            schedule.start.and_then(|bound| bound.first(zone)).map(|at| Timestamp(at.0.saturating_sub(1)));
        let after = start.map_or(after, |start| start.max(after));
        let past = schedule.end.and_then(|bound| bound.past(zone));
        let day = jiff::Timestamp::from_microsecond(after.0).ok().map(|at| zone.to_datetime(at).date());
        // What was shifted out of the day before may still be to come.
        let day = day.map(|day| (0..AHEAD).fold(day, |day, _| day.yesterday().unwrap_or(day)));
        Self { schedule, zone, after, past, day, empty: 0, known: BTreeSet::new() }
    }

    fn read_day(&mut self) {
        let Some(day) = self.day else { return };
        self.day = day.tomorrow().ok();
        self.empty += 1;
        if !self.schedule.cron.fits_day(day) {
            return;
        }
        for (hour, minute) in self.schedule.cron.times() {
            let (first, second) = self.moments(day, hour, minute);
            for at in [first, second].into_iter().flatten().filter(|at| *at > self.after) {
                self.empty = 0;
                self.known.insert(at);
            }
        }
    }

    /// Returns when a clock of the zone shows that time: once, twice, or as the schedule has it where it never does.
    fn moments(&self, day: Date, hour: i8, minute: i8) -> (Option<Timestamp>, Option<Timestamp>) {
        let wall = day.at(hour, minute, 0, 0);
        let at = |offset: Offset| Some(Timestamp(offset.to_timestamp(wall).ok()?.as_microsecond()));
        match (
            self.zone.to_ambiguous_timestamp(wall).offset(),
            self.schedule.dst.missing,
            self.schedule.dst.repeated,
        ) {
            (AmbiguousOffset::Unambiguous { offset }, ..) => (at(offset), None),
            // Read with the clock as it was, it lies as much later as the clock leaps.
            (AmbiguousOffset::Gap { before, .. }, Missing::Shift, _) => (at(before), None),
            (AmbiguousOffset::Gap { .. }, Missing::Skip, _) => (None, None),
            (AmbiguousOffset::Fold { before, .. }, _, Repeated::First) => (at(before), None),
            (AmbiguousOffset::Fold { after, .. }, _, Repeated::Last) => (at(after), None),
            (AmbiguousOffset::Fold { before, after }, _, Repeated::Both) => (at(before), at(after)),
        }
    }

    /// Says whether all fires up to the first known one are known.
    fn is_settled(&self) -> bool {
        let Some(first) = self.known.first() else { return self.day.is_none() || self.empty > FURTHEST };
        let day = jiff::Timestamp::from_microsecond(first.0).ok().map(|at| self.zone.to_datetime(at).date());
        match (day, self.day) {
            (Some(fire), Some(next)) => (0..AHEAD).fold(fire, |day, _| day.tomorrow().unwrap_or(day)) < next,
            _ => true,
        }
    }
}

impl Iterator for Fires<'_> {
    type Item = Timestamp;

    fn next(&mut self) -> Option<Timestamp> {
        while !self.is_settled() {
            self.read_day();
        }
        let next = self.known.pop_first().filter(|at| self.past.is_none_or(|past| *at < past));
        if next.is_none() {
            // Nothing comes after the end, however often it is asked.
            (self.day, self.known) = (None, BTreeSet::new());
        }
        next
    }
}

/// Returns the next nominal time after a moment.
#[must_use]
pub fn next(schedule: &Schedule, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    Fires::after(schedule, zone, after).next()
}

/// What a person should know about a fire whose day has an odd clock.
#[must_use]
pub fn oddity(schedule: &Schedule, zone: &TimeZone, at: Timestamp) -> Option<String> {
    let at = jiff::Timestamp::from_microsecond(at.0).ok()?;
    let wall = zone.to_datetime(at);
    let shown = |offset: Offset| offset.to_string();
    if let AmbiguousOffset::Fold { before, after } = zone.to_ambiguous_timestamp(wall).offset() {
        let which = if zone.to_offset(at) == before { "first" } else { "second" };
        return Some(format!(
            "{which} of two, the clock goes back from {} to {}",
            shown(before),
            shown(after)
        ));
    }
    let fits = schedule.cron.fits_day(wall.date())
        && schedule.cron.times().any(|time| time == (wall.hour(), wall.minute()));
    let before = zone.preceding(at.checked_add(jiff::SignedDuration::from_micros(1)).ok()?).next()?;
    let earlier = before.timestamp().checked_sub(jiff::SignedDuration::from_micros(1)).ok()?;
    if fits {
        return None;
    }
    Some(format!(
        "shifted, the clock leaps from {} to {}",
        shown(zone.to_offset(earlier)),
        shown(before.offset())
    ))
}
