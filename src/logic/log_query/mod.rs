//! Questions to the records of all logs: `stage:build level:error since:1h -stream:stdout text:"could not"`.
//!
//! Here: what a record is, how a question is read (`parse.rs`), whether a record fits. Not here: going through the files
//! (`engine/logs/records.rs`). A record is a line of a log with where it comes from.
//!
//! All terms of a question have to hold; of several values with commas between them any will do; a minus in front of a term
//! turns it round. A `*` in a value stands for any letters. Letters match in both cases unless a text has a capital one.

mod level;
mod parse;

#[cfg(test)]
mod tests;

pub use level::{Level, level_of};
pub use parse::{Problem, parse};

use crate::logic::log_index::Stream;
use crate::logic::time::Timestamp;

/// What can be asked about, as it is written before the colon.
pub const KEYS: [(&str, &str); 11] = [
    ("job", "a number, `last` or the beginning of an id"),
    ("playbook", "a playbook's name or path"),
    ("stage", "a stage"),
    ("cell", "a cell, such as `build[os=linux]`"),
    ("step", "a step's id or number"),
    ("attempt", "which try of the step, from 1"),
    ("stream", "`stdout` or `stderr`"),
    ("level", "`debug`, `info`, `notice`, `warning` or `error`; `warning+` for that and worse"),
    ("since", "a time, such as `2h` or `2026-11-22`"),
    ("until", "a time"),
    ("text", "what the line contains; words without a colon are looked for, too"),
];

/// The job that a record comes from.
#[derive(Clone, Copy, Debug)]
pub struct OfJob<'a> {
    pub number: u64,
    pub id: &'a str,
    /// It is the newest one.
    pub is_last: bool,
    pub name: &'a str,
    /// Path of the playbook.
    pub playbook: &'a str,
}

/// The try that a record comes from.
#[derive(Clone, Copy, Debug)]
pub struct OfTry<'a> {
    pub stage: &'a str,
    /// As people are shown it, `build[os=linux]`.
    pub cell: &'a str,
    /// As programs are told it, `build.1a2b3c4d`.
    pub cell_id: &'a str,
    pub step: &'a str,
    /// From 1.
    pub step_number: u32,
    pub attempt: u32,
}

/// What a record says.
#[derive(Clone, Copy, Debug)]
pub struct OfLine<'a> {
    pub time: Timestamp,
    pub level: Level,
    pub stream: Stream,
    /// Cleaned of what terminals obey.
    pub text: &'a str,
}

/// A question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    terms: Vec<Term>,
    /// Bounds of all terms together, the later `since` and the earlier `until`.
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    wants: Wants,
    is_negated: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wants {
    Job(Vec<String>),
    Playbook(Vec<String>),
    Stage(Vec<String>),
    Cell(Vec<String>),
    Step(Vec<String>),
    Attempt(Vec<u32>),
    Stream(Vec<Stream>),
    /// With `true` that and worse.
    Level(Vec<(Level, bool)>),
    Text(Vec<String>),
}

impl Query {
    /// Says whether records of a job may fit.
    #[must_use]
    pub fn fits_job(&self, job: &OfJob<'_>) -> bool {
        self.all(|wants| match wants {
            Wants::Job(values) => Some(values.iter().any(|value| {
                let value = value.strip_prefix('#').unwrap_or(value);
                match value.parse::<u64>() {
                    Ok(number) => number == job.number,
                    Err(_) => {
                        value == "last" && job.is_last || (value.len() >= 4 && job.id.starts_with(value))
                    }
                }
            })),
            Wants::Playbook(values) => Some(values.iter().any(|value| {
                let path = job.playbook.trim_end_matches(".yaml").trim_end_matches(".yml");
                let wanted = value.trim_end_matches(".yaml").trim_end_matches(".yml");
                let is_end =
                    path.strip_suffix(wanted).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
                is_end || fits(value, job.name)
            })),
            _ => None,
        })
    }

    /// Says whether records of a try may fit, as far as that depends on the try.
    #[must_use]
    pub fn fits_try(&self, of: &OfTry<'_>) -> bool {
        self.all(|wants| match wants {
            Wants::Stage(values) => Some(values.iter().any(|value| fits(value, of.stage))),
            Wants::Cell(values) => {
                Some(values.iter().any(|value| fits(value, of.cell) || fits(value, of.cell_id)))
            }
            Wants::Step(values) => {
                Some(values.iter().any(|value| fits(value, of.step) || value.parse() == Ok(of.step_number)))
            }
            Wants::Attempt(values) => Some(values.contains(&of.attempt)),
            _ => None,
        })
    }

    /// Says whether a record fits, as far as that depends on what it says and when.
    #[must_use]
    pub fn fits_line(&self, line: &OfLine<'_>) -> bool {
        if self.since.is_some_and(|since| line.time < since)
            || self.until.is_some_and(|until| line.time >= until)
        {
            return false;
        }
        self.all(|wants| match wants {
            Wants::Stream(values) => Some(values.contains(&line.stream)),
            Wants::Level(values) => Some(
                values
                    .iter()
                    .any(|(level, and_worse)| line.level == *level || (*and_worse && line.level > *level)),
            ),
            Wants::Text(values) => Some(values.iter().any(|value| contains(line.text, value))),
            _ => None,
        })
    }

    /// Says whether a time of its own was asked for.
    #[must_use]
    pub fn has_bounds(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }

    fn all(&self, holds: impl Fn(&Wants) -> Option<bool>) -> bool {
        self.terms.iter().all(|term| holds(&term.wants).is_none_or(|it| it != term.is_negated))
    }
}

/// Says whether a name is as a value asks; `*` stands for any letters, and both cases are the same.
fn fits(pattern: &str, name: &str) -> bool {
    fn inner(pattern: &str, name: &str) -> bool {
        let Some((front, rest)) = pattern.split_once('*') else { return pattern == name };
        let Some(name) = name.strip_prefix(front) else { return false };
        rest.is_empty() || (0..=name.len()).any(|at| name.get(at..).is_some_and(|tail| inner(rest, tail)))
    }
    // Most of them have no star in it, and names are short.
    inner(&pattern.to_lowercase(), &name.to_lowercase())
}

fn contains(text: &str, wanted: &str) -> bool {
    if wanted.chars().any(char::is_uppercase) {
        return text.contains(wanted);
    }
    if text.is_ascii() && wanted.is_ascii() {
        let (text, wanted) = (text.as_bytes(), wanted.as_bytes());
        return wanted.is_empty() || text.windows(wanted.len()).any(|it| it.eq_ignore_ascii_case(wanted));
    }
    text.to_lowercase().contains(wanted)
}
