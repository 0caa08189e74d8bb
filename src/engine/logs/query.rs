//! What is searched for in logs: a text or a pattern, looked for in what a person sees of a line.
//!
//! Not here: going through a log (`search.rs`), cleaning a line (`logic/text/clean.rs`).

use std::ops::Range;

use regex::bytes::{Regex, RegexBuilder};

use crate::logic::text::clean::clean;

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;

/// Most bytes of a compiled pattern, and of the states that are kept while it runs.
const MOST_BYTES: usize = 4 << 20;

/// How a text is to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// As it stands.
    Literal,
    /// As a regular expression.
    Regex,
}

/// What is searched for. Letters match in both cases unless the text has a capital one.
#[derive(Clone, Debug)]
pub struct Query {
    text: String,
    kind: Kind,
    regex: Regex,
    /// The same for bytes that are all ASCII, which is faster.
    ascii: Option<Regex>,
    /// Only a line by itself gives the right answer, as the pattern may ask for the ends of the text.
    needs_single_lines: bool,
}

impl Query {
    /// Understands a text.
    ///
    /// # Errors
    /// If there is nothing to search for, or the pattern is wrong; in words, with the place.
    pub fn new(text: &str, kind: Kind) -> Result<Self, String> {
        if text.is_empty() {
            return Err("there is nothing to search for".to_owned());
        }
        let (pattern, traits) = match kind {
            Kind::Literal => {
                let has_capital = text.chars().any(char::is_uppercase);
                (regex::escape(text), Traits { has_capital, needs_single_lines: false })
            }
            Kind::Regex => (text.to_owned(), traits(text)),
        };
        let build = |unicode: bool| {
            RegexBuilder::new(&pattern)
                .case_insensitive(!traits.has_capital)
                .multi_line(true)
                .unicode(unicode)
                .size_limit(MOST_BYTES)
                .dfa_size_limit(MOST_BYTES)
                .build()
        };
        let regex = build(true).map_err(|error| in_words(&pattern, &error))?;
        let ascii = build(false).ok();
        let needs_single_lines = traits.needs_single_lines;
        Ok(Self { text: text.to_owned(), kind, regex, ascii, needs_single_lines })
    }

    /// The text as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How it is understood.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns where it is found in a cleaned line, in bytes, in order and without overlap; never nothing of a line.
    #[must_use]
    pub fn ranges(&self, text: &str) -> Vec<Range<usize>> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for found in self.regex.find_iter(text.as_bytes()) {
            // A pattern may ask for single bytes; what is shown are whole characters.
            let (mut start, mut end) = (found.start(), found.end());
            while !text.is_char_boundary(start) {
                start -= 1;
            }
            while !text.is_char_boundary(end) {
                end += 1;
            }
            if start < end && ranges.last().is_none_or(|last| last.end <= start) {
                ranges.push(start..end);
            }
        }
        ranges
    }

    /// The same for a piece of a line that was cut, between texts that stand before and behind it there.
    #[must_use]
    pub fn ranges_between(&self, before: &str, text: &str, behind: &str) -> Vec<Range<usize>> {
        let (start, end) = (before.len(), before.len() + text.len());
        let inside = |range: Range<usize>| {
            let inside = range.start.max(start)..range.end.min(end);
            (inside.start < inside.end).then(|| inside.start - start..inside.end - start)
        };
        self.ranges(&[before, text, behind].concat()).into_iter().filter_map(inside).collect()
    }

    /// Says whether a line of a log, without its break, matches as a person sees it.
    #[must_use]
    pub fn is_match(&self, line: &[u8]) -> bool {
        self.regex.is_match(clean(line, false).as_bytes())
    }

    /// Whether several lines must not be looked at together.
    pub(super) fn needs_single_lines(&self) -> bool {
        self.needs_single_lines
    }

    /// What to look with in bytes that are the same when cleaned.
    pub(super) fn regex_for(&self, is_ascii: bool) -> &Regex {
        match &self.ascii {
            Some(ascii) if is_ascii => ascii,
            _ => &self.regex,
        }
    }
}

struct Traits {
    has_capital: bool,
    needs_single_lines: bool,
}

/// Looks through a pattern for capital letters, those of classes such as `\W` left out, and for whatever depends on
/// where the text ends: `\A`, `\z` and flags, which may change what `^` and `$` mean.
fn traits(pattern: &str) -> Traits {
    let mut found = Traits { has_capital: false, needs_single_lines: false };
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let escaped = chars.next();
                found.needs_single_lines |= matches!(escaped, Some('A' | 'z'));
                if matches!(escaped, Some('p' | 'P' | 'x' | 'u' | 'U' | 'b')) && chars.peek() == Some(&'{') {
                    chars.by_ref().take_while(|&c| c != '}').for_each(drop);
                } else if matches!(escaped, Some('p' | 'P')) {
                    chars.next();
                } else if let Some(digits) = escaped.and_then(digits_after) {
                    for _ in 0..digits {
                        chars.next_if(char::is_ascii_hexdigit);
                    }
                }
            }
            '(' if chars.peek() == Some(&'?') => {
                chars.next();
                found.needs_single_lines |= chars.peek() != Some(&':');
                // Flags and names of groups are no letters to look for.
                let is_end = |c: &char| !(c.is_alphanumeric() || "_-<.[]".contains(*c));
                while chars.next_if(|c| !is_end(c)).is_some() {}
            }
            c => found.has_capital |= c.is_uppercase(),
        }
    }
    found
}

/// How many hexadecimal digits follow an escape.
fn digits_after(escaped: char) -> Option<usize> {
    match escaped {
        'x' => Some(2),
        'u' => Some(4),
        'U' => Some(8),
        _ => None,
    }
}

/// Says what is wrong with a pattern, and where.
fn in_words(pattern: &str, error: &regex::Error) -> String {
    let text = match error {
        regex::Error::CompiledTooBig(_) => return "the pattern is too large".to_owned(),
        other => other.to_string(),
    };
    let why = text.lines().rev().find_map(|line| line.strip_prefix("error: "));
    let marks = |line: &&str| line.contains('^') && line.chars().all(|c| c == ' ' || c == '^');
    let column = text.lines().rev().find(marks).and_then(|line| line.find('^'));
    match (why, column) {
        // The pattern is shown with four spaces before it; one of several lines looks otherwise.
        (Some(why), Some(column)) if !pattern.contains('\n') => {
            format!("{why}, at character {}", column.saturating_sub(3))
        }
        (Some(why), _) => why.to_owned(),
        (None, _) => text.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}
