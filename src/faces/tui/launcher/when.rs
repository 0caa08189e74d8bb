//! When something was, in the words of somebody who looks back.
//!
//! Pure. Spans of time are in `motion.rs`.

use jiff::tz::TimeZone;

use crate::logic::time::Timestamp;

/// Returns `just now`, `12 min ago`, `14:05`, `yesterday`, `Mon`, `12 Oct` or `Oct 2024`.
#[must_use]
pub(super) fn when(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let local =
        |time: Timestamp| jiff::Timestamp::from_microsecond(time.0).ok().map(|it| it.to_zoned(zone.clone()));
    let (Some(then), Some(here)) = (local(at), local(now)) else { return at.rfc3339() };
    let seconds = now.since(at).as_secs();
    // Days as the calendar has them: at one o'clock in the morning, two hours ago was yesterday.
    let days = then.date().until(here.date()).map_or(0, |span| span.get_days());
    let form = match (days, seconds) {
        (_, 0..60) => return "just now".to_owned(),
        (_, 60..3600) => return format!("{} min ago", seconds / 60),
        (..=0, _) => "%H:%M",
        (1, _) => return "yesterday".to_owned(),
        (2..7, _) => "%a",
        _ if then.year() == here.year() => "%-d %b",
        _ => "%b %Y",
    };
    then.strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::when;
    use crate::logic::time::Timestamp;

    #[test]
    fn the_farther_it_lies_back_the_less_is_said() {
        let time = |text: &str| Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_microsecond());
        let now = time("2026-11-19T01:30:00Z");
        for (at, words) in [
            ("2026-11-19T01:29:30Z", "just now"),
            ("2026-11-19T01:30:07Z", "just now"),
            ("2026-11-19T01:18:00Z", "12 min ago"),
            ("2026-11-19T00:04:00Z", "00:04"),
            ("2026-11-18T23:50:00Z", "yesterday"),
            ("2026-11-17T00:10:00Z", "Tue"),
            ("2026-11-13T00:10:00Z", "Fri"),
            ("2026-11-12T00:10:00Z", "12 Nov"),
            ("2025-12-31T00:10:00Z", "Dec 2025"),
        ] {
            assert_eq!(when(time(at), now, &TimeZone::UTC), words, "{at}");
        }
    }
}
