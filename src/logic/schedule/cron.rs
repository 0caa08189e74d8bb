//! The five fields of a cron line, read with a sentence for everything that is no part of them.
//!
//! Fields: minute, hour, day of the month, month, day of the week. Each is `*`, numbers, names, ranges, steps and lists.
//! Where both days are restricted, either of them is enough, as POSIX has it. Not here: zones and clocks (`fires.rs`).

use serde::{Deserialize, Serialize};

use jiff::civil::Date;

use crate::logic::text::shortened;

#[cfg(test)]
#[path = "cron_tests.rs"]
mod tests;

/// When a schedule fires, in the time of its zone. Bits stand for the values that a field allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cron {
    minutes: u64,
    hours: u32,
    days: u32,
    months: u16,
    /// Bit 0 is Sunday.
    weekdays: u8,
    /// The day of the month is anything but `*`.
    is_day_given: bool,
    /// The day of the week is anything but `*`.
    is_weekday_given: bool,
    is_every_hour: bool,
    source: String,
}

/// What is wrong with a cron line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronFault {
    /// Bytes of the line that are meant.
    pub place: std::ops::Range<usize>,
    pub message: String,
    /// The way out.
    pub help: String,
    /// The line can be read, but no day of the calendar fits.
    pub is_never: bool,
}

/// One of the five fields.
struct Field {
    name: &'static str,
    least: u8,
    most: u8,
    names: &'static [&'static str],
}

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const FIELDS: [Field; 5] = [
    Field { name: "minute", least: 0, most: 59, names: &[] },
    Field { name: "hour", least: 0, most: 23, names: &[] },
    Field { name: "day of the month", least: 1, most: 31, names: &[] },
    Field { name: "month", least: 1, most: 12, names: MONTHS },
    // 7 is Sunday again.
    Field { name: "day of the week", least: 0, most: 7, names: WEEKDAYS },
];

/// Most days that each month can have, January first.
const LONGEST: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

impl Cron {
    /// Reads a line such as `30 2 * * mon-fri`.
    ///
    /// # Errors
    /// Says what is wrong with which part of it, and the way out.
    pub fn parse(text: &str) -> Result<Self, CronFault> {
        if let Some(fault) = nickname(text) {
            return Err(fault);
        }
        let words: Vec<(usize, &str)> = words(text).collect();
        let [minute, hour, day, month, weekday] = words.as_slice() else {
            return Err(not_five(text, words.len()));
        };
        let mut bits = [0_u64; 5];
        for (at, (field, (start, word))) in FIELDS.iter().zip([minute, hour, day, month, weekday]).enumerate()
        {
            bits[at] = field.read(word, *start)?;
        }
        let is_given = |word: &str| !matches!(word, "*" | "*/1");
        // Sunday may be 0 and 7.
        let week = (bits[4] | bits[4] >> 7) & 0x7f;
        let cron = Self {
            minutes: bits[0],
            hours: low(bits[1]),
            days: low(bits[2]),
            months: u16::try_from(bits[3]).unwrap_or(0),
            weekdays: u8::try_from(week).unwrap_or(0),
            is_day_given: is_given(day.1),
            is_weekday_given: is_given(weekday.1),
            is_every_hour: bits[1] == (1 << 24) - 1,
            source: words.iter().map(|(_, word)| *word).collect::<Vec<_>>().join(" "),
        };
        cron.never(day.0..month.0 + month.1.len()).map_or(Ok(cron), Err)
    }

    /// Returns the line with one space between the fields.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Says whether it fires in all hours of a day: then it counts time rather than naming it.
    #[must_use]
    pub fn is_every_hour(&self) -> bool {
        self.is_every_hour
    }

    /// Says whether both days are restricted, so that either of them is enough.
    #[must_use]
    pub fn is_either_day(&self) -> bool {
        self.is_day_given && self.is_weekday_given
    }

    /// Says whether it fires on that day at all.
    #[must_use]
    pub fn fits_day(&self, date: Date) -> bool {
        let has = |bits: u32, at: i8| bits >> u8::try_from(at).unwrap_or(31) & 1 == 1;
        if !has(u32::from(self.months), date.month()) {
            return false;
        }
        let day = has(self.days, date.day());
        let weekday = has(u32::from(self.weekdays), date.weekday().to_sunday_zero_offset());
        match (self.is_day_given, self.is_weekday_given) {
            (true, true) => day || weekday,
            (true, false) => day,
            (false, true) => weekday,
            (false, false) => true,
        }
    }

    /// Returns hours and minutes of the day at which it fires, in order.
    pub fn times(&self) -> impl Iterator<Item = (i8, i8)> + '_ {
        let hours = (0_i8..24).filter(|hour| self.hours >> hour & 1 == 1);
        hours.flat_map(|hour| {
            (0_i8..60).filter(|minute| self.minutes >> minute & 1 == 1).map(move |minute| (hour, minute))
        })
    }

    /// Says that no day of any year fits, if so.
    fn never(&self, place: std::ops::Range<usize>) -> Option<CronFault> {
        if !self.is_day_given || self.is_weekday_given {
            return None;
        }
        let first = self.days.trailing_zeros();
        let longest = (1..=12_usize)
            .filter(|month| self.months >> month & 1 == 1)
            .map(|month| LONGEST[month - 1])
            .max()
            .unwrap_or(0);
        if first <= u32::from(longest) {
            return None;
        }
        Some(CronFault {
            place,
            message: format!("`{}` never fires: no such month has a day {first}", self.source),
            help: format!("the longest of these months has {longest} days"),
            is_never: true,
        })
    }
}

fn low(bits: u64) -> u32 {
    u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(0)
}

/// Words of a line with where they begin.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_ascii_whitespace().map(move |word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
}

fn fault(place: std::ops::Range<usize>, message: impl Into<String>, help: impl Into<String>) -> CronFault {
    CronFault { place, message: message.into(), help: help.into(), is_never: false }
}

/// What other programs know as `@daily`.
fn nickname(text: &str) -> Option<CronFault> {
    let word = text.trim();
    let meant = match word.strip_prefix('@')?.to_ascii_lowercase().as_str() {
        "yearly" | "annually" => "write `0 0 1 1 *`",
        "monthly" => "write `0 0 1 * *`",
        "weekly" => "write `0 0 * * 0`",
        "daily" | "midnight" => "write `0 0 * * *`",
        "hourly" => "write `0 * * * *`",
        _ => "write five fields: minute, hour, day of the month, month, day of the week",
    };
    Some(fault(0..text.len(), format!("`{}` is no cron line of five fields", shortened(word, 40)), meant))
}

fn not_five(text: &str, count: usize) -> CronFault {
    const ORDER: &str =
        "the fields are minute, hour, day of the month, month and day of the week, as in `30 2 * * mon-fri`";
    let message = match count {
        0 => "a cron line has five fields, and this one is empty".to_owned(),
        1 => "a cron line has five fields, found one".to_owned(),
        _ => format!("a cron line has five fields, found {count}"),
    };
    let help = match count {
        6 => "there are no seconds and no years here: leave the first or the last field out",
        _ => ORDER,
    };
    fault(0..text.len(), message, help)
}

impl Field {
    /// Reads a list; bits stand for its values.
    fn read(&self, word: &str, start: usize) -> Result<u64, CronFault> {
        let mut bits = 0;
        let mut at = start;
        for part in word.split(',') {
            let place = at..at + part.len();
            at = place.end + 1;
            if part.is_empty() {
                return Err(fault(
                    start..start + word.len(),
                    format!("the {} `{}` has a comma with nothing beside it", self.name, shortened(word, 40)),
                    "write a list without gaps, such as `1,15`",
                ));
            }
            bits |= self.read_part(part, place)?;
        }
        Ok(bits)
    }

    fn read_part(&self, part: &str, place: std::ops::Range<usize>) -> Result<u64, CronFault> {
        if let Some(fault) = self.foreign(part, &place) {
            return Err(fault);
        }
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(self.step(step, part, &place)?)),
            None => (part, None),
        };
        let top = if self.most == 7 { 6 } else { self.most };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (self.least, top),
            None => {
                let from = self.value(range, part, &place)?;
                // A beginning and a step go to the end, as elsewhere.
                (from, if step.is_some() { top.max(from) } else { from })
            }
            Some((from, to)) => {
                let from_value = self.value(from, part, &place)?;
                let mut to_value = self.value(to, part, &place)?;
                if self.most == 7 && to_value == 0 && from_value > 0 {
                    to_value = 7;
                }
                if from_value > to_value {
                    return Err(self.backwards((from, to), (from_value, to_value), place));
                }
                (from_value, to_value)
            }
        };
        Ok((from..=to).step_by(usize::from(step.unwrap_or(1))).fold(0, |bits, value| bits | 1 << value))
    }

    /// Parts of other dialects, each with what to write instead.
    fn foreign(&self, part: &str, place: &std::ops::Range<usize>) -> Option<CronFault> {
        let upper = part.to_ascii_uppercase();
        let shown = shortened(part, 40);
        let is_day = self.most == 31;
        let (what, help) = if part.contains('#') {
            (
                "counts weekdays with `#`",
                "give the weekday, and let a first step look whether it is the right one of the month",
            )
        } else if part == "?" || part.contains('?') {
            ("has a `?`", "write `*`")
        } else if is_day && (upper.contains('L') || upper.contains('W')) {
            (
                "uses `L` or `W`",
                "give days such as `28-31`, and let a first step look whether it is the right one of them",
            )
        } else if self.most == 7 && upper.ends_with('L') && upper.len() <= 4 {
            ("uses `L`", "give the weekday, and let a first step look whether it is the last of the month")
        } else if upper.contains('H') && upper.len() <= 3 && self.names.is_empty() {
            ("uses `H`", "give a number; `jitter` spreads schedules over time")
        } else {
            return None;
        };
        let message =
            format!("the {} `{shown}` {what}, which is not part of the five plain fields", self.name);
        Some(fault(place.clone(), message, help))
    }

    fn step(&self, step: &str, part: &str, place: &std::ops::Range<usize>) -> Result<u8, CronFault> {
        let shown = shortened(part, 40);
        let wide = if self.most == 7 { 7 } else { u16::from(self.most - self.least) + 1 };
        match digits(step) {
            Some(0) => Err(fault(
                place.clone(),
                format!("the step of `{shown}` is 0, which leads nowhere"),
                "a step is 1 or more",
            )),
            Some(number) if number < wide => Ok(u8::try_from(number).unwrap_or(1)),
            Some(number) => Err(fault(
                place.clone(),
                format!("the step of `{shown}` is {number}, but the {} has only {wide} values", self.name),
                "it would fire at the first of them only: write that, or a smaller step",
            )),
            None => Err(fault(
                place.clone(),
                format!("the step of `{shown}` is not a number"),
                "write it as in `*/15`",
            )),
        }
    }

    fn value(&self, word: &str, part: &str, place: &std::ops::Range<usize>) -> Result<u8, CronFault> {
        let (least, most) = (u16::from(self.least), u16::from(self.most));
        if let Some(number) = digits(word) {
            if (least..=most).contains(&number) {
                return Ok(u8::try_from(number).unwrap_or(self.least));
            }
            return Err(fault(
                place.clone(),
                format!("the {} goes from {least} to {most}, found `{}`", self.name, shortened(word, 20)),
                match self.most {
                    59 => "the first field is the minute; every sixty minutes is `0 * * * *`",
                    23 => "midnight is hour 0",
                    7 => "Sunday is 0 or 7",
                    _ => "write a number in between",
                },
            ));
        }
        let lower = word.to_ascii_lowercase();
        if let Some(at) = self.names.iter().position(|name| *name == lower) {
            return Ok(self.least + u8::try_from(at).unwrap_or(0));
        }
        let begins = self.names.iter().find(|name| lower.starts_with(**name));
        let help = match (begins, self.names) {
            (Some(short), _) => format!("write `{short}`"),
            (None, []) => {
                "write numbers, `*`, a range such as `1-5`, a step such as `*/15`, or a list".to_owned()
            }
            (None, names) => format!("names are `{}` to `{}`", names[0], names[names.len() - 1]),
        };
        Err(fault(place.clone(), format!("the {} `{}` cannot be read", self.name, shortened(part, 40)), help))
    }

    fn backwards(
        &self,
        (from, to): (&str, &str),
        (low, high): (u8, u8),
        place: std::ops::Range<usize>,
    ) -> CronFault {
        let (top, first) = match self.names {
            [] => (self.most.to_string(), self.least.to_string()),
            names => ((*names.last().unwrap_or(&"")).to_owned(), names[0].to_owned()),
        };
        let end =
            |a: &str, b: &str| if a.eq_ignore_ascii_case(b) { a.to_owned() } else { format!("{a}-{b}") };
        let (from, to) = (from.to_ascii_lowercase(), to.to_ascii_lowercase());
        fault(
            place,
            format!("the {} `{from}-{to}` runs backwards: {low} comes after {high}", self.name),
            format!("write `{},{}`", end(&from, &top), end(&first, &to)),
        )
    }
}

/// Reads a number without a sign.
fn digits(word: &str) -> Option<u16> {
    let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    // Longer numbers are out of every range anyway.
    is_number.then(|| word.parse().unwrap_or(u16::MAX))
}
