//! Zones as this machine knows them, else as they came with this program.
//!
//! The machine's tz database is newer than the program after a while; minimal containers have none.

use jiff::tz::TimeZone;

use crate::logic::schedule::bundled_zone;

/// Returns a zone. A name that was checked has one by what came with the program.
#[must_use]
pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).ok().or_else(|| bundled_zone(name)).unwrap_or(TimeZone::UTC)
}
