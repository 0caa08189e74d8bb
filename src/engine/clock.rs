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
