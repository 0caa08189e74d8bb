//! Words for people: plurals, lists, near misses, durations, sizes, cutting and wrapping long text, cleaning what programs print.
//!
//! Not here: drawing for a terminal (`faces/`). Start with `plural`, `near_miss` and `parse_duration`.

pub mod clean;
pub mod wrap;

use std::fmt::Write as _;
use std::time::Duration;

#[cfg(test)]
mod tests;

/// The longest duration that is understood, one hundred years.
const LONGEST_SECONDS: f64 = 3_155_760_000.0;

/// Returns the count and the word, in the plural unless the count is one: `1 stage`, `3 stages`, `2 retries`.
#[must_use]
pub fn plural(count: usize, word: &str) -> String {
    if count == 1 {
        return format!("1 {word}");
    }
    let mut before_last = word.chars().rev().skip(1);
    let after_consonant = before_last.next().is_some_and(|c| !"aeiou".contains(c));
    if let (Some(stem), true) = (word.strip_suffix('y'), after_consonant) {
        return format!("{count} {stem}ies");
    }
    let hisses = ["s", "x", "ch", "sh"].iter().any(|end| word.ends_with(end));
    format!("{count} {word}{}", if hisses { "es" } else { "s" })
}

/// Joins names as a sentence does: `a`, `a and b`, `a, b and c`. `last` is `and` or `or`.
#[must_use]
pub fn listed<S: AsRef<str>>(names: &[S], last: &str) -> String {
    let mut text = String::new();
    for (at, name) in names.iter().enumerate() {
        if at > 0 && at + 1 == names.len() {
            let _ = write!(text, " {last} ");
        } else if at > 0 {
            text.push_str(", ");
        }
        text.push_str(name.as_ref());
    }
    text
}

/// Joins names in backticks: `` `a`, `b` and `c` ``.
#[must_use]
pub fn listed_names<S: AsRef<str>>(names: &[S], last: &str) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    listed(&quoted, last)
}

/// Returns the candidate that was most likely meant, if any is near enough: a third of the letters may differ.
pub fn near_miss<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = word.chars().take(64).flat_map(char::to_lowercase).collect();
    let most = (wanted.len() / 3).clamp(1, 3);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        // Most candidates are too long or too short, which bytes tell without decoding.
        if candidate.is_ascii() && candidate.len().min(64).abs_diff(wanted.len()) > most {
            continue;
        }
        let found: Vec<char> = candidate.chars().take(64).flat_map(char::to_lowercase).collect();
        if found.len().abs_diff(wanted.len()) > most {
            continue;
        }
        let distance = edit_distance(&wanted, &found);
        // A short word must keep at least one letter, or everything would resemble it.
        let near = distance <= most && distance < found.len().max(wanted.len());
        // Of equals the first of the alphabet, as sets have no order of their own.
        if near && best.is_none_or(|known| (distance, candidate) < known) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Counts insertions, deletions, replacements and swaps of neighbours.
fn edit_distance(a: &[char], b: &[char]) -> usize {
    let mut two_back: Vec<usize> = Vec::new();
    let mut back: Vec<usize> = (0..=b.len()).collect();
    for (i, &from) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        for (j, &to) in b.iter().enumerate() {
            let replaced = back[j] + usize::from(from != to);
            let mut cost = replaced.min(back[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && from == b[j - 1] && a[i - 1] == to {
                cost = cost.min(two_back[j - 1] + 1);
            }
            row.push(cost);
        }
        two_back = std::mem::replace(&mut back, row);
    }
    back[b.len()]
}

/// Why a text is not a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DurationError {
    /// A number without a unit.
    NoUnit,
    /// Nothing like a duration.
    Malformed,
    /// Begins with a minus sign.
    Negative,
    /// Adds up to nothing.
    Zero,
    /// More than one hundred years.
    TooLong,
}

/// Reads a duration such as `500ms`, `90s`, `5m`, `1.5m`, `1h30m` or `2d`.
///
/// # Errors
/// Says which rule the text breaks; units are never guessed.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let text = text.trim();
    if text.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        return Err(DurationError::Negative);
    }
    if !text.is_ascii() || !text.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Err(DurationError::Malformed);
    }
    let mut rest = text;
    let mut seconds = 0.0;
    let mut smallest = f64::INFINITY;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(number_end);
        let number: f64 = number.parse().map_err(|_| DurationError::Malformed)?;
        let unit_end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let unit = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86400.0,
            "" if smallest.is_infinite() && tail.is_empty() => return Err(DurationError::NoUnit),
            _ => return Err(DurationError::Malformed),
        };
        // Units go from large to small, each once: `30m1h` is a slip of the pen.
        if unit >= smallest {
            return Err(DurationError::Malformed);
        }
        smallest = unit;
        seconds += number * unit;
        rest = tail;
    }
    if seconds > LONGEST_SECONDS {
        return Err(DurationError::TooLong);
    }
    // Whole milliseconds, so that 0.1 + 0.2 of a unit has one meaning.
    let duration = Duration::from_secs_f64((seconds * 1000.0).round() / 1000.0);
    if duration.is_zero() { Err(DurationError::Zero) } else { Ok(duration) }
}

/// Prints a duration as it would be written in a playbook: `1h30m`, `90s` as `1m30s`, `1.5s`, `20ms`, `0s`.
#[must_use]
pub fn duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis == 0 {
        return if duration.is_zero() { "0s".to_owned() } else { format!("{}us", duration.as_micros()) };
    }
    if millis < 1000 {
        return format!("{millis}ms");
    }
    let mut text = String::new();
    let mut rest = millis;
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000)] {
        if rest >= size {
            let _ = write!(text, "{}{unit}", rest / size);
            rest %= size;
        }
    }
    if rest.is_multiple_of(1000) {
        if rest > 0 {
            let _ = write!(text, "{}s", rest / 1000);
        }
    } else {
        let fraction = format!("{:03}", rest % 1000);
        let _ = write!(text, "{}.{}s", rest / 1000, fraction.trim_end_matches('0'));
    }
    text
}

/// Reads a size in bytes such as `10MiB`, `10MB`, `64KiB` or `4096`.
#[must_use]
pub fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let number_end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(number_end);
    let factor: u64 = match unit.trim_start() {
        "" | "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// Returns a number of bytes in the largest unit that fits.
#[must_use]
pub fn bytes_text(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let unit = UNITS.into_iter().find(|(_, size)| bytes >= *size);
    unit.map_or_else(
        || format!("{bytes} B"),
        |(unit, size)| format!("{}.{} {unit}", bytes / size, bytes % size * 10 / size),
    )
}

/// Cuts text to a number of characters, the last of which then is `…`; only the first line is kept.
#[must_use]
pub fn shortened(text: &str, most: usize) -> String {
    let line = text.lines().next().unwrap_or("");
    let more = line.len() < text.trim_end().len();
    if line.chars().count() <= most && !more {
        return line.to_owned();
    }
    let mut cut: String = line.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}
