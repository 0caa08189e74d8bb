//! How grave a line is, by what it says and where it was written.
//!
//! In this order: a log command (`::error::`) says it itself; else a word of the formats that programs log in, near the
//! beginning of the line; else what was written to standard error is a `notice`, as it may be progress as well as a failure,
//! and everything else is `info`.

use crate::logic::log_index::Stream;

/// How grave a record is, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Debug,
    Info,
    Notice,
    Warning,
    Error,
}

impl Level {
    /// All of them with their words.
    pub const ALL: [(&'static str, Self); 5] = [
        ("debug", Self::Debug),
        ("info", Self::Info),
        ("notice", Self::Notice),
        ("warning", Self::Warning),
        ("error", Self::Error),
    ];

    /// Returns its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, level)| *level == self).map_or("info", |(word, _)| word)
    }
}

/// So far into a line words of levels are looked for: behind a time, a process and a name.
const REACH: usize = 80;

/// Words of levels as programs write them.
const WORDS: [(&str, Level); 18] = [
    ("error", Level::Error),
    ("err", Level::Error),
    ("fatal", Level::Error),
    ("critical", Level::Error),
    ("crit", Level::Error),
    ("panic", Level::Error),
    ("emerg", Level::Error),
    ("alert", Level::Error),
    ("severe", Level::Error),
    ("warning", Level::Warning),
    ("warn", Level::Warning),
    ("notice", Level::Notice),
    ("info", Level::Info),
    ("information", Level::Info),
    ("debug", Level::Debug),
    ("dbg", Level::Debug),
    ("trace", Level::Debug),
    ("verbose", Level::Debug),
];

/// Returns how grave a cleaned line is.
#[must_use]
pub fn level_of(text: &str, stream: Stream) -> Level {
    command(text).or_else(|| word(text)).unwrap_or(match stream {
        Stream::Err => Level::Notice,
        Stream::Out => Level::Info,
    })
}

/// `::error file=a,line=3::text`
fn command(text: &str) -> Option<Level> {
    let rest = text.strip_prefix("::")?;
    let name = &rest[..rest.find([' ', ':'])?];
    rest.contains("::").then_some(())?;
    match name {
        "error" => Some(Level::Error),
        "warning" => Some(Level::Warning),
        "notice" => Some(Level::Notice),
        "debug" => Some(Level::Debug),
        _ => None,
    }
}

/// A word counts if it is in capitals (`2026-11-22 ERROR x`), in brackets (`[warn] x`), the name of a message
/// (`error: x`, `error[E0063]: x`) at the beginning of the line or behind another name (`cc: warning: x`), or the value of
/// `level` (`level=error`, `"level":"error"`).
fn word(text: &str) -> Option<Level> {
    let mut end = text.len().min(REACH);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let (head, bytes) = (&text[..end], text.as_bytes());
    let mut at = 0;
    for part in head.split(|c: char| !c.is_ascii_alphabetic()) {
        let (start, behind) = (at, at + part.len());
        at = behind + 1;
        // A word that the head cuts off may go on.
        if part.len() < 3 || part.len() > 11 || bytes.get(behind).is_some_and(u8::is_ascii_alphanumeric) {
            continue;
        }
        let Some((_, level)) = WORDS.iter().find(|(word, _)| part.eq_ignore_ascii_case(word)) else {
            continue;
        };
        let before = text[..start].trim_end_matches('"').trim_end();
        let next = bytes.get(behind).copied();
        let is_shouted = part.bytes().all(|b| b.is_ascii_uppercase())
            && before.bytes().last().is_none_or(|b| !matches!(b, b'_' | b'-' | b'.' | b'/' | b'$'))
            && next.is_none_or(|b| !matches!(b, b'_' | b'-' | b'.' | b'/' | b'='));
        let is_in_brackets = matches!(before.bytes().last(), Some(b'[' | b'<' | b'('))
            && matches!(next, Some(b']' | b'>' | b')' | b' '));
        let is_title = matches!(next, Some(b':' | b'[')) && (before.is_empty() || before.ends_with(':'));
        let is_value = ["level=", "level:", "level\":", "lvl=", "severity=", "severity\":"]
            .iter()
            .any(|name| before.to_ascii_lowercase().ends_with(name));
        if is_shouted || is_in_brackets || is_title || is_value {
            return Some(*level);
        }
    }
    None
}
