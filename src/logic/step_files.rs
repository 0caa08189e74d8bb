//! The files through which a step hands values to the steps after it.
//!
//! Not here: making, reading and emptying the files; limits over a whole run. Start at
//! [`parse_pairs`] for `SORTIE_OUTPUT`, `SORTIE_ENV` and `SORTIE_STATE`, and [`parse_paths`] for
//! `SORTIE_PATH`. Nothing a step wrote is dropped in silence: what cannot be read is an error.

use std::collections::HashMap;
use std::fmt;

/// The largest value in bytes.
pub const MAX_VALUE: usize = 1024 * 1024;

/// What is wrong in a step file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepFileError {
    /// The line, from one.
    pub line: usize,
    pub message: String,
}

impl fmt::Display for StepFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for StepFileError {}

/// Returns the bytes of a step file as text, without the byte order mark of UTF-8.
///
/// # Errors
/// If the bytes are in another encoding.
pub fn decode(bytes: &[u8]) -> Result<&str, StepFileError> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        let message = "the file is UTF-16: write it as UTF-8".to_owned();
        return Err(StepFileError { line: 1, message });
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(without_mark(text)),
        Err(error) => {
            let line = 1 + bytes[..error.valid_up_to()].iter().filter(|b| **b == b'\n').count();
            Err(StepFileError { line, message: "the line is not UTF-8".to_owned() })
        }
    }
}

/// Reads `name=value` lines and `name<<DELIMITER` blocks. Every name comes once, with the value
/// written last, at the place where it was written first.
///
/// A value in a block keeps its inner line breaks as they were written; the one before the
/// delimiter does not belong to it.
///
/// # Errors
/// If a line is neither, a name is empty, a block does not end, or a value is too large.
pub fn parse_pairs(text: &str) -> Result<Vec<(String, String)>, StepFileError> {
    let mut lines = Lines { rest: without_mark(text), number: 0 };
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    while let Some(line) = lines.next() {
        let number = lines.number;
        if line.is_empty() {
            continue;
        }
        let fail = |message: String| StepFileError { line: number, message };
        let (name, value) = match (line.find('='), line.find("<<")) {
            (Some(equals), marks) if marks.is_none_or(|marks| equals < marks) => {
                (&line[..equals], &line[equals + 1..])
            }
            (_, Some(marks)) => {
                let (name, delimiter) = (&line[..marks], &line[marks + 2..]);
                if delimiter.is_empty() {
                    return Err(fail(format!("`{}` names no delimiter: write `name<<EOF`", shown(line))));
                }
                let Some(value) = lines.block(delimiter) else {
                    return Err(fail(format!(
                        "the value of `{}` does not end: no line after it is exactly `{}`",
                        shown(name),
                        shown(delimiter)
                    )));
                };
                (name, value)
            }
            _ => {
                let message = format!("`{}` is neither `name=value` nor `name<<DELIMITER`", shown(line));
                return Err(fail(message));
            }
        };
        check(name, value).map_err(fail)?;
        if let Some(place) = places.get(name) {
            value.clone_into(&mut pairs[*place].1);
        } else {
            places.insert(name.to_owned(), pairs.len());
            pairs.push((name.to_owned(), value.to_owned()));
        }
    }
    Ok(pairs)
}

/// Reads a folder a line. A folder that is written again counts at its later place; the last one
/// is to be searched first.
///
/// # Errors
/// If a line holds a byte that cannot be in a path, or is too large.
pub fn parse_paths(text: &str) -> Result<Vec<String>, StepFileError> {
    let mut lines = Lines { rest: without_mark(text), number: 0 };
    let mut last: HashMap<&str, usize> = HashMap::new();
    let mut all: Vec<&str> = Vec::new();
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        check("path", line).map_err(|message| StepFileError { line: lines.number, message })?;
        last.insert(line, all.len());
        all.push(line);
    }
    let kept = all.iter().enumerate().filter(|(place, line)| last.get(*line) == Some(place));
    Ok(kept.map(|(_, line)| (*line).to_owned()).collect())
}

/// Says whether a step may not set this variable for the steps after it.
#[must_use]
pub fn forbidden_env(name: &str) -> bool {
    name == "NODE_OPTIONS" || ["SORTIE_", "GITHUB_", "RUNNER_"].iter().any(|prefix| name.starts_with(prefix))
}

fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn check(name: &str, value: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("the name before the value is empty".to_owned());
    }
    if name.contains('\0') || value.contains('\0') {
        return Err(format!("`{}` holds a zero byte", shown(name)));
    }
    if value.len() > MAX_VALUE {
        let message = format!(
            "the value of `{}` has {} bytes, more than the {MAX_VALUE} allowed",
            shown(name),
            value.len()
        );
        return Err(message + ": hand over a file instead");
    }
    Ok(())
}

/// Returns a text for a message, cut when it is long.
fn shown(text: &str) -> String {
    const MOST: usize = 80;
    if text.len() <= MOST {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(MOST)])
}

/// Cuts a text into lines that end in a line feed, with or without a carriage return.
struct Lines<'t> {
    rest: &'t str,
    /// The number of the line returned last, from one.
    number: usize,
}

impl<'t> Lines<'t> {
    fn next(&mut self) -> Option<&'t str> {
        if self.rest.is_empty() {
            return None;
        }
        self.number += 1;
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        Some(line.strip_suffix('\r').unwrap_or(line))
    }

    /// Returns the text up to the line that is the delimiter, without the line break before it.
    fn block(&mut self, delimiter: &str) -> Option<&'t str> {
        let text = self.rest;
        loop {
            let read = text.len() - self.rest.len();
            if self.next()? == delimiter {
                let value = &text[..read];
                let value = value.strip_suffix('\n').unwrap_or(value);
                return Some(value.strip_suffix('\r').unwrap_or(value));
            }
        }
    }
}

#[cfg(test)]
#[path = "step_files_tests.rs"]
mod tests;
