//! When schedules fire: cron lines, zones and their odd days, what becomes of fires that were missed or meet a running job.
//!
//! All of it is a function of the schedule, its zone, what the ledger knows, and the time that is passed in. Not here: the
//! ledger (`engine/store/fires.rs`), zones as the system knows them (`engine/service/zones.rs`), waiting (`engine/service`),
//! reading the key `on` (`logic/playbook/read_on.rs`). Start with `Schedule`, then `fires.rs` and `due.rs`.

pub mod cron;
pub mod due;
pub mod fires;
pub mod meet;

#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::logic::time::Timestamp;
use cron::Cron;

/// An entry of `on.schedule`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    pub cron: Cron,
    /// Name of the zone, `UTC` if nobody says so.
    pub zone: Arc<str>,
    pub dst: Dst,
    pub catch_up: CatchUp,
    /// How old a missed fire may be to be made up for.
    pub window: Duration,
    pub overlap: Overlap,
    /// Most delay of a fire; zero for none.
    pub jitter: Duration,
    pub start: Option<Bound>,
    pub end: Option<Bound>,
}

/// What a day does on which a clock is put forward or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dst {
    pub missing: Missing,
    pub repeated: Repeated,
}

/// What becomes of a time that a clock leaps over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Missing {
    /// It fires as much later as the clock leaps.
    Shift,
    Skip,
}

/// What becomes of a time that a clock shows twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Repeated {
    First,
    Last,
    Both,
}

/// What becomes of fires that nobody was there for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CatchUp {
    None,
    /// The newest one stands for all.
    #[default]
    Last,
    All,
}

/// What a fire does while a job of the same trigger has not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Overlap {
    #[default]
    Skip,
    Queue,
    CancelRunning,
    Allow,
}

impl Overlap {
    /// Returns the word of the language.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Queue => "queue",
            Self::CancelRunning => "cancel-running",
            Self::Allow => "allow",
        }
    }
}

/// A time before or after which nothing fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bound {
    /// With its distance from UTC.
    Moment(Timestamp),
    /// As clocks of the zone show it.
    Wall(DateTime),
    /// A whole day of the zone.
    Day(Date),
}

impl Bound {
    /// Reads `2026-12-01`, `2026-12-01T08:00`, or the same with `Z` or `+01:00`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(instant) = text.parse::<jiff::Timestamp>() {
            return Some(Self::Moment(Timestamp(instant.as_microsecond())));
        }
        if !text.contains([':', 'T', 't', ' ']) {
            return text.parse().ok().map(Self::Day);
        }
        // A distance from UTC that could not be read above must not be lost silently.
        let is_plain = !text.contains(['+', '[', 'Z', 'z']);
        text.parse().ok().filter(|_| is_plain).map(Self::Wall)
    }

    /// Returns the first moment that is not before it.
    fn first(self, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Moment(at) => Some(at),
            Self::Wall(at) => instant(zone, at),
            Self::Day(day) => instant(zone, day.at(0, 0, 0, 0)),
        }
    }

    /// Returns the first moment that is after it.
    fn past(self, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Day(day) => instant(zone, day.tomorrow().ok()?.at(0, 0, 0, 0)),
            other => other.first(zone).map(|at| at.after(Duration::from_micros(1))),
        }
    }
}

fn instant(zone: &TimeZone, at: DateTime) -> Option<Timestamp> {
    let found = zone.to_ambiguous_timestamp(at).compatible().ok()?;
    Some(Timestamp(found.as_microsecond()))
}

/// Returns a zone by the rules that came with this program; nothing is read.
#[must_use]
pub fn bundled_zone(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}

/// Returns the names of all zones that came with this program.
#[must_use]
pub fn bundled_names() -> Vec<String> {
    TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect()
}

/// Says with which options jobs of a schedule meet each other and the clock, as far as they are not the usual ones.
#[must_use]
pub fn options(schedule: &Schedule) -> String {
    let mut text = String::new();
    if !schedule.jitter.is_zero() {
        let _ = write!(text, " jitter {}", crate::logic::text::duration(schedule.jitter));
    }
    if schedule.overlap != Overlap::Skip {
        let _ = write!(text, " overlap {}", schedule.overlap.word());
    }
    match schedule.catch_up {
        CatchUp::None => text.push_str(" no catch-up"),
        CatchUp::Last => {}
        CatchUp::All => text.push_str(" catch-up all"),
    }
    text.trim_start().to_owned()
}
