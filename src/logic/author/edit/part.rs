//! Values that an edit writes, in the way in which the rest of the file is written.
//!
//! Not here: single texts (`author/scalar.rs`), where values go (`pen.rs`). Start with `Part` and `Hand::pair`.

use std::fmt::Write as _;

use super::super::layout::plain::Plain;
use super::super::scalar;
use crate::logic::playbook::scalar::{self as core, Core};
use crate::logic::playbook::tree::Style;

/// Longest line that a list or map in brackets may make; a longer one goes over several lines.
const WIDTH: usize = 100;

/// A value to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Text(String),
    /// A number or a boolean, as it is to be written.
    Word(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
    /// In brackets, however long it is.
    Flow(Box<Self>),
}

impl Part {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Takes a word as a person writes it: `18` and `true` are what they look like, `1.10` and `0402` stay the text that they
    /// are.
    #[must_use]
    pub fn guessed(word: &str) -> Self {
        let is_itself = match core::plain(word) {
            Core::Bool(value) => value.to_string() == word,
            Core::Int(value) => value.to_string() == word,
            Core::Float(value) => value.is_finite() && value.to_string() == word,
            Core::Null | Core::Text(_) => false,
        };
        if is_itself { Self::Word(word.to_owned()) } else { Self::text(word) }
    }

    /// Takes a value of JSON.
    #[must_use]
    pub fn of_json(value: &serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Word("null".to_owned()),
            serde_json::Value::Bool(value) => Self::Word(value.to_string()),
            serde_json::Value::Number(value) => Self::Word(value.to_string()),
            serde_json::Value::String(text) => Self::text(text),
            serde_json::Value::Array(items) => Self::List(items.iter().map(Self::of_json).collect()),
            serde_json::Value::Object(members) => {
                Self::Map(members.iter().map(|(key, value)| (key.clone(), Self::of_json(value))).collect())
            }
        }
    }

    pub(super) fn plain(&self) -> Plain {
        match self {
            Self::Text(text) => Plain::Text(text.clone()),
            Self::Word(word) if core::plain(word) == Core::Null => Plain::Null,
            Self::Word(word) => Plain::Word(word.clone()),
            Self::List(items) => Plain::List(items.iter().map(Self::plain).collect()),
            Self::Map(pairs) => Plain::Map(
                pairs.iter().map(|(key, value)| (Plain::Text(key.clone()), value.plain())).collect(),
            ),
            Self::Flow(inner) => inner.plain(),
        }
    }

    /// Says whether the last line that it is written in belongs to a text of several lines.
    pub(super) fn ends_in_lines(&self) -> bool {
        match self {
            Self::Text(text) => scalar::block(text, 0).is_some(),
            Self::Map(pairs) => pairs.last().is_some_and(|(_, it)| it.ends_in_lines()),
            Self::List(items) => items.last().is_some_and(Self::ends_in_lines),
            Self::Word(_) | Self::Flow(_) => false,
        }
    }

    fn is_scalar(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Word(_))
    }
}

/// How a file is written: what its author does, so that what is added looks like the rest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hand {
    /// Columns from a map to a map in it.
    pub step: usize,
    /// Columns from a map to the dashes of a list in it.
    pub list_step: usize,
    /// Columns from a dash to what is behind it.
    pub dash_step: usize,
    /// `{ a: 1 }` rather than `{a: 1}`.
    pub is_map_padded: bool,
    pub is_list_padded: bool,
    pub newline: &'static str,
}

impl Hand {
    /// Writes a key and its value as lines, each with its break, beginning in a column.
    pub(super) fn pair(&self, key: &str, value: &Part, column: usize) -> String {
        let mut text = " ".repeat(column);
        self.pair_here(key, value, column, &mut text);
        text
    }

    /// Writes a member of a list as lines; its dash stands in that column.
    pub(super) fn item(&self, value: &Part, column: usize) -> String {
        let mut text = format!("{}-", " ".repeat(column));
        match value {
            Part::Map(pairs) if !pairs.is_empty() => {
                let inner = column + self.dash_step;
                for (at, (key, value)) in pairs.iter().enumerate() {
                    text.push_str(&" ".repeat(if at == 0 { self.dash_step - 1 } else { inner }));
                    self.pair_here(key, value, inner, &mut text);
                }
            }
            other => self.value_here(other, column, column + 1, &mut text),
        }
        text
    }

    fn pair_here(&self, key: &str, value: &Part, column: usize, text: &mut String) {
        let key = one_line(key, false);
        text.push_str(&key);
        text.push(':');
        self.value_here(value, column, column + key.len() + 1, text);
    }

    /// Writes a value behind a colon or a dash. `column` is where its map or list begins, `used` how far the line has got.
    fn value_here(&self, value: &Part, column: usize, used: usize, text: &mut String) {
        let newline = self.newline;
        match value {
            Part::Text(words) => {
                let lines = scalar::block(words, column + self.step).map(|it| it.replace('\n', newline));
                let _ = write!(text, " {}{newline}", lines.unwrap_or_else(|| one_line(words, false)));
            }
            Part::List(items) => {
                let inline = self.inline(value, false);
                if items.iter().all(Part::is_scalar) && used + 1 + inline.chars().count() <= WIDTH {
                    let _ = write!(text, " {inline}{newline}");
                    return;
                }
                text.push_str(newline);
                items.iter().for_each(|item| text.push_str(&self.item(item, column + self.list_step)));
            }
            Part::Map(pairs) if !pairs.is_empty() => {
                text.push_str(newline);
                pairs
                    .iter()
                    .for_each(|(key, value)| text.push_str(&self.pair(key, value, column + self.step)));
            }
            other => {
                let _ = write!(text, " {}{newline}", self.inline(other, false));
            }
        }
    }

    /// Writes a value so that it fits into a line.
    pub(super) fn inline(&self, value: &Part, is_in_flow: bool) -> String {
        let bracketed = |open: char, inner: &[String], close: char, is_padded: bool| {
            let pad = if is_padded && !inner.is_empty() { " " } else { "" };
            format!("{open}{pad}{}{pad}{close}", inner.join(", "))
        };
        match value {
            Part::Text(text) => one_line(text, is_in_flow),
            Part::Word(word) => word.clone(),
            Part::List(items) => {
                let items: Vec<String> = items.iter().map(|it| self.inline(it, true)).collect();
                bracketed('[', &items, ']', self.is_list_padded)
            }
            Part::Map(pairs) => {
                let pairs: Vec<String> = pairs.iter().map(|(key, it)| self.inline_pair(key, it)).collect();
                bracketed('{', &pairs, '}', self.is_map_padded)
            }
            Part::Flow(inner) => self.inline(inner, is_in_flow),
        }
    }

    pub(super) fn inline_pair(&self, key: &str, value: &Part) -> String {
        format!("{}: {}", one_line(key, true), self.inline(value, true))
    }
}

/// Writes a text in one line: as it is if that means the same, else in quotes.
pub(super) fn one_line(text: &str, is_in_flow: bool) -> String {
    if is_in_flow { scalar::inside(text) } else { scalar::text(text) }
}

/// Writes a text in the style of another one, if that is possible.
pub(super) fn like(text: &str, style: Style, is_in_flow: bool) -> String {
    match style {
        Style::SingleQuoted if text.chars().all(scalar::is_shown) => {
            format!("'{}'", text.replace('\'', "''"))
        }
        Style::DoubleQuoted => scalar::quoted(text),
        _ => one_line(text, is_in_flow),
    }
}
