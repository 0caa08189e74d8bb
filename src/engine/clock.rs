//! The one reader of time.

use std::cell::Cell;
use std::time::Instant;

use crate::logic::time::Timestamp;

/// Returns the current time.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_microsecond().saturating_add(wrong_by()))
}

/// Returns by how many microseconds the time told here is not that of the system: only where a test asked for it.
#[must_use]
pub(super) fn wrong_by() -> i64 {
    #[cfg(feature = "faults")]
    return super::faults::clock_seconds().saturating_mul(1_000_000);
    #[cfg(not(feature = "faults"))]
    0
}

/// The clock of one job: it never goes back and never stands. Where the one on the wall is put back, it goes on at its own
/// pace; where that is put forward, it goes along.
#[derive(Debug)]
pub(super) struct Steady(Cell<(Timestamp, Instant)>);

impl Steady {
    /// Returns a clock that shows no time before that one, such as of the last thing that an earlier engine recorded.
    #[must_use]
    pub(super) fn after(earliest: Timestamp) -> Self {
        Self(Cell::new((earliest, Instant::now())))
    }

    /// Returns the current time.
    #[must_use]
    pub(super) fn now(&self) -> Timestamp {
        let (last, at) = self.0.get();
        let moment = Instant::now();
        let shown = now().max(last.after(moment.saturating_duration_since(at)));
        self.0.set((shown, moment));
        shown
    }
}

static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();

/// Returns the time since this was first asked. It never goes backwards, whatever happens to the clock on the wall.
#[must_use]
pub fn elapsed() -> std::time::Duration {
    START.get_or_init(Instant::now).elapsed()
}
