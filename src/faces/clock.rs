//! Times as the clock on the wall shows them.
//!
//! Not here: spans of time (`logic/words.rs`).

/// Prints the time of day where this machine is: `10:42:16.040`.
#[must_use]
pub fn time_of_day(time: crate::logic::time::Timestamp) -> String {
    match jiff::Timestamp::from_microsecond(time.0) {
        Ok(time) => {
            let here = time.to_zoned(jiff::tz::TimeZone::system());
            let millis = here.subsec_nanosecond() / 1_000_000;
            format!("{:02}:{:02}:{:02}.{millis:03}", here.hour(), here.minute(), here.second())
        }
        Err(_) => String::new(),
    }
}
