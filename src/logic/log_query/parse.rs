//! From a text to a question, or to all that is wrong with it, with the places.

use std::ops::Range;

use jiff::tz::TimeZone;

use super::{KEYS, Level, Query, Term, Wants};
use crate::logic::log_index::Stream;
use crate::logic::moment::{EXPECTED, Edge, moment};
use crate::logic::text::{listed_names, near_miss};
use crate::logic::time::Timestamp;

/// What is wrong with a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Bytes of the question.
    pub place: Range<usize>,
    pub message: String,
    /// The way out.
    pub help: Option<String>,
}

impl Problem {
    fn new(place: Range<usize>, message: impl Into<String>) -> Self {
        Self { place, message: message.into(), help: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A term as it was written.
struct Written {
    is_negated: bool,
    /// With its place; none for bare text.
    key: Option<(String, Range<usize>)>,
    /// Values between commas, with quotes taken off.
    values: Vec<String>,
    /// Of the values.
    place: Range<usize>,
}

/// Reads a question, as it is meant at a moment in a zone.
///
/// # Errors
/// All problems, in order.
pub fn parse(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Query, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut query = Query::default();
    for written in split(text, &mut problems) {
        if let Err(problem) = add(&mut query, &written, now, zone) {
            problems.push(problem);
        }
    }
    if let (Some(since), Some(until)) = (query.since, query.until)
        && since >= until
        && problems.is_empty()
    {
        problems.push(Problem::new(0..text.len(), "`until` is not later than `since`, so nothing can fit"));
    }
    problems.sort_by_key(|problem| problem.place.start);
    if problems.is_empty() { Ok(query) } else { Err(problems) }
}

fn split(text: &str, problems: &mut Vec<Problem>) -> Vec<Written> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(|c: char| !c.is_whitespace()).map(|skipped| at + skipped) {
        let (written, end) = term(text, start, problems);
        found.extend(written);
        at = end;
    }
    found
}

/// Reads the term that begins there; returns where it ends, too.
fn term(text: &str, start: usize, problems: &mut Vec<Problem>) -> (Option<Written>, usize) {
    let is_negated =
        text[start..].starts_with('-') && text[start + 1..].starts_with(|c: char| !c.is_whitespace());
    let from = start + usize::from(is_negated);
    let is_name = |c: char| c.is_ascii_alphabetic() || c == '-' || c == '_';
    let name = &text[from..from + text[from..].find(|c| !is_name(c)).unwrap_or(text.len() - from)];
    let has_key = !name.is_empty() && text[from + name.len()..].starts_with(':');
    let key = has_key.then(|| (name.to_ascii_lowercase(), from..from + name.len()));
    let begin = if has_key { from + name.len() + 1 } else { from };
    let mut values = vec![String::new()];
    let mut quote = None;
    let mut end = text.len();
    let mut chars = text[begin..].char_indices().map(|(at, c)| (begin + at, c)).peekable();
    while let Some((at, c)) = chars.next() {
        let value = values.last_mut();
        match (c, quote) {
            ('"', None) => quote = Some(at),
            ('"', Some(_)) => quote = None,
            ('\\', Some(_)) => {
                let next = chars.next_if(|(_, c)| matches!(c, '"' | '\\')).map_or('\\', |(_, c)| c);
                value.into_iter().for_each(|it| it.push(next));
            }
            (c, None) if c.is_whitespace() => {
                end = at;
                break;
            }
            // Of bare text a comma is a part, and brackets have commas of their own.
            (',', None) if has_key && !is_inside_brackets(value.as_deref()) => values.push(String::new()),
            (c, _) => value.into_iter().for_each(|it| it.push(c)),
        }
    }
    if let Some(at) = quote {
        problems.push(
            Problem::new(at..at + 1, "this quote is not closed").help("put a `\"` at the end of the text"),
        );
        return (None, text.len());
    }
    (Some(Written { is_negated, key, values, place: begin..end }), end)
}

fn is_inside_brackets(value: Option<&String>) -> bool {
    value.is_some_and(|value| value.rfind('[') > value.rfind(']'))
}

fn add(query: &mut Query, written: &Written, now: Timestamp, zone: &TimeZone) -> Result<(), Problem> {
    let place = || written.place.clone();
    let values = || written.values.clone();
    let (name, name_place) = match &written.key {
        Some((name, place)) => (name.as_str(), place.clone()),
        None => ("text", place()),
    };
    if !KEYS.iter().any(|(key, _)| *key == name) {
        return Err(unknown_key(name, name_place));
    }
    if written.values.iter().any(String::is_empty) {
        let about = KEYS.iter().find(|(key, _)| *key == name).map_or("", |(_, about)| about);
        return Err(
            Problem::new(name_place, format!("`{name}` needs a value")).help(format!("it takes {about}"))
        );
    }
    let wants = match name {
        "job" => Wants::Job(values()),
        "playbook" => Wants::Playbook(values()),
        "stage" => Wants::Stage(values()),
        "cell" => Wants::Cell(values()),
        "step" => Wants::Step(values()),
        "attempt" => Wants::Attempt(each(written, |value| {
            value.parse().ok().filter(|it| *it > 0).ok_or("a whole number from 1".to_owned())
        })?),
        "stream" => Wants::Stream(each(written, |value| match value {
            "stdout" | "out" => Ok(Stream::Out),
            "stderr" | "err" => Ok(Stream::Err),
            _ => Err("`stdout` or `stderr`".to_owned()),
        })?),
        "level" => Wants::Level(each(written, level)?),
        "since" | "until" => return bound(query, written, name, now, zone),
        _ => Wants::Text(values()),
    };
    query.terms.push(Term { wants, is_negated: written.is_negated });
    Ok(())
}

fn unknown_key(name: &str, place: Range<usize>) -> Problem {
    let problem = Problem::new(place, format!("a record has no `{name}`"));
    match near_miss(name, KEYS.iter().map(|(key, _)| *key)) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => {
            let names: Vec<&str> = KEYS.iter().map(|(key, _)| *key).collect();
            let known = listed_names(&names, "and");
            problem.help(format!("there are {known}; a text with a colon stands in quotes"))
        }
    }
}

fn each<T>(written: &Written, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, Problem> {
    let name = written.key.as_ref().map_or("", |(name, _)| name);
    let read = |value: &String| {
        read(value).map_err(|takes| {
            Problem::new(written.place.clone(), format!("`{name}` takes {takes}, found `{value}`"))
        })
    };
    written.values.iter().map(read).collect()
}

fn level(value: &str) -> Result<(Level, bool), String> {
    let (word, and_worse) = value.strip_suffix('+').map_or((value, false), |word| (word, true));
    let word = match word {
        "warn" => "warning",
        "err" => "error",
        word => word,
    };
    let found = Level::ALL.iter().find(|(name, _)| *name == word);
    found.map(|(_, level)| (*level, and_worse)).ok_or_else(|| {
        let names: Vec<&str> = Level::ALL.iter().map(|(name, _)| *name).collect();
        listed_names(&names, "or")
    })
}

fn bound(
    query: &mut Query,
    written: &Written,
    name: &str,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<(), Problem> {
    let place = written.place.clone();
    let [value] = &written.values[..] else {
        return Err(Problem::new(place, format!("`{name}` takes one time")));
    };
    if written.is_negated {
        let other = if name == "since" { "until" } else { "since" };
        return Err(
            Problem::new(place, format!("`{name}` cannot be turned round")).help(format!("use `{other}`"))
        );
    }
    let edge = if name == "since" { Edge::Begin } else { Edge::End };
    let Some(point) = moment(value, edge, now, zone) else {
        return Err(Problem::new(place, format!("`{name}` takes {EXPECTED}, found `{value}`")));
    };
    let (held, stronger): (_, fn(Timestamp, Timestamp) -> Timestamp) =
        if name == "since" { (&mut query.since, Ord::max) } else { (&mut query.until, Ord::min) };
    *held = Some(held.map_or(point, |held| stronger(held, point)));
    Ok(())
}
