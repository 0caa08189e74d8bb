//! The one reader of time.

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

static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();

/// Returns the time since this was first asked. It never goes backwards, whatever happens to the clock on the wall.
#[must_use]
pub fn elapsed() -> std::time::Duration {
    START.get_or_init(std::time::Instant::now).elapsed()
}
