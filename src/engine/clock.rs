//! The one reader of time.

use crate::logic::time::Timestamp;

/// Returns the current time.
#[must_use]
pub fn now() -> Timestamp {
    let now = jiff::Timestamp::now().as_microsecond();
    #[cfg(feature = "faults")]
    let now = now.saturating_add(super::faults::clock_seconds().saturating_mul(1_000_000));
    Timestamp(now)
}

static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();

/// Returns the time since this was first asked. It never goes backwards, whatever happens to the clock on the wall.
#[must_use]
pub fn elapsed() -> std::time::Duration {
    START.get_or_init(std::time::Instant::now).elapsed()
}
