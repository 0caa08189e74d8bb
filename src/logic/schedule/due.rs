//! What is due at a moment, given what the ledger knows: which fires start jobs, which were missed and why, when to look again.
//!
//! The ledger may be ahead of the clock: then somebody put the clock back, and what has fired does not fire again. Not
//! here: the running job that a fire may meet (`meet.rs`).

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::fires::Fires;
use super::{CatchUp, Schedule};
use crate::logic::text;
use crate::logic::time::Timestamp;

/// A fire is on time as long as it is not later than this: the clock of a schedule has minutes.
pub const ON_TIME: Duration = Duration::from_secs(60);

/// So many missed fires get a row of their own; those before them share one.
pub const ROWS: usize = 100;

/// So many missed fires are counted; there may be more.
pub const COUNTED: usize = 10_000;

/// What the ledger knows of a schedule.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// When it was first seen: no fire before that was ever promised.
    pub since: Timestamp,
    /// The last nominal time with a row among those of [`settled`] or before.
    pub last: Option<Timestamp>,
    /// Nominal times with a row after `last` less the jitter, also those ahead of the clock; whether they fired, and were not
    /// only missed.
    pub rows: BTreeMap<Timestamp, bool>,
}

/// Returns the nominal time before which nothing of a schedule can be on time any more.
#[must_use]
pub fn settled(schedule: &Schedule, now: Timestamp) -> Timestamp {
    back(now, ON_TIME + schedule.jitter)
}

/// What is due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// In order of time.
    pub fires: Vec<DueFire>,
    /// Older ones that were missed, too many for a row each: the first, the last, and how many, counted up to [`COUNTED`].
    pub older: Option<(Timestamp, Timestamp, usize)>,
    /// When the next fire is due, its jitter included; nothing if there is none.
    pub wake: Option<Timestamp>,
}

/// A fire that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueFire {
    pub nominal: Timestamp,
    /// How late it is, its jitter not counted.
    pub late: Duration,
    pub fate: Fate,
}

/// What becomes of a fire that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    Start,
    /// Recorded, and nothing else; why, in words.
    Missed(String),
}

/// Returns the delay that a fire of a schedule gets: the same on all machines, and another one for each fire.
#[must_use]
pub fn jitter(schedule: &Schedule, id: &str, nominal: Timestamp) -> Duration {
    let most = u64::try_from(schedule.jitter.as_millis()).unwrap_or(u64::MAX);
    if most == 0 {
        return Duration::ZERO;
    }
    let hash = blake3::hash(format!("{id}@{}", nominal.0).as_bytes());
    let mut number = [0; 8];
    number.copy_from_slice(&hash.as_bytes()[..8]);
    Duration::from_millis(u64::from_le_bytes(number) % (most + 1))
}

/// Returns what is due now, and when to look again. `zone` is the schedule's, `id` names it in the ledger.
#[must_use]
pub fn due(schedule: &Schedule, zone: &TimeZone, id: &str, known: &Known, now: Timestamp) -> Due {
    // With jitter, a fire may be due after a later one was.
    let from = known.last.map_or(known.since, |last| back(last, schedule.jitter).max(known.since));
    let mut due = Due::default();
    let oldest = back(now, schedule.window.max(ON_TIME) + schedule.jitter);
    let from = older(schedule, zone, (from, oldest), &mut due);
    for nominal in Fires::after(schedule, zone, from) {
        let at = nominal.after(jitter(schedule, id, nominal));
        let row = known.rows.get(&nominal);
        if at > now {
            if row != Some(&true) {
                due.wake = Some(due.wake.map_or(at, |wake| wake.min(at)));
            }
            // A later one may be due before this one, but not by more than the jitter.
            if due.wake.is_some_and(|wake| nominal >= wake) {
                break;
            }
            continue;
        }
        let late = now.since(at);
        // A fire that was written down as missed while the clock was wrong has its time now.
        let is_new = match row {
            None => true,
            Some(fired) => !fired && late <= ON_TIME,
        };
        if is_new {
            due.fires.push(DueFire { nominal, late, fate: Fate::Start });
        }
    }
    decide(schedule, &mut due);
    due
}

/// Takes what is too old to be made up for together; returns from when on to look at single fires.
fn older(
    schedule: &Schedule,
    zone: &TimeZone,
    (from, oldest): (Timestamp, Timestamp),
    due: &mut Due,
) -> Timestamp {
    if from >= oldest {
        return from;
    }
    let mut all = Fires::after(schedule, zone, from).take_while(|at| *at <= oldest);
    let mut newest = std::collections::VecDeque::with_capacity(ROWS + 1);
    let mut first = None;
    let mut count = 0;
    for at in all.by_ref().take(COUNTED) {
        newest.push_back(at);
        if newest.len() > ROWS {
            let at = newest.pop_front();
            first = first.or(at);
            count += 1;
            due.older = first.zip(at).map(|(first, last)| (first, last, count));
        }
    }
    if newest.len() + count == COUNTED {
        // More than anybody wants to know about one by one.
        due.older = first.map(|first| (first, oldest, COUNTED));
        return oldest;
    }
    newest.front().map_or(oldest, |at| Timestamp(at.0 - 1))
}

/// Decides what becomes of fires that nobody was there for.
fn decide(schedule: &Schedule, due: &mut Due) {
    let newest = due.fires.len().saturating_sub(1);
    for (at, fire) in due.fires.iter_mut().enumerate() {
        let is_late = fire.late > ON_TIME;
        let late = text::duration(Duration::from_secs(fire.late.as_secs()));
        let missed = match schedule.catch_up {
            CatchUp::None if is_late => {
                format!("nobody was there for it, {late} ago; `catch-up` is `none`")
            }
            _ if is_late && fire.late > schedule.window => format!(
                "nobody was there for it, {late} ago; `catch-up-window` is {}",
                text::duration(schedule.window)
            ),
            CatchUp::Last if is_late && at < newest => {
                format!(
                    "nobody was there for it, {late} ago; a later one stands for it, as `catch-up` is `last`"
                )
            }
            _ => continue,
        };
        fire.fate = Fate::Missed(missed);
    }
}

/// Returns the moment that lies so long before another one.
#[must_use]
pub fn back(at: Timestamp, span: Duration) -> Timestamp {
    Timestamp(at.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
}
