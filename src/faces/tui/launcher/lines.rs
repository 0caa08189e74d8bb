//! Text for panes and sheets: rows of a known width, each with a word in front and a meaning.
//!
//! Pure. Not here: what the rows say (`preview.rs`).

use crate::faces::tui::theme::Token;
use crate::logic::text::wrap::wrapped;

/// Columns of the words in front.
pub(super) const HEAD: usize = 10;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Stands in front of the text; empty below the first row of its kind.
    pub(super) head: &'static str,
    pub(super) text: String,
    pub(super) token: Token,
    /// The text has no column in front of it.
    pub(super) is_bare: bool,
}

impl Row {
    /// Returns a row without a word in front.
    pub(super) fn bare(text: impl Into<String>, token: Token) -> Self {
        Self { head: "", text: text.into(), token, is_bare: true }
    }
}

/// Adds a text behind a word, in as many rows as it takes.
pub(super) fn add(rows: &mut Vec<Row>, head: &'static str, text: &str, token: Token, width: usize) {
    for (at, text) in wrapped(text, width.saturating_sub(HEAD)).into_iter().enumerate() {
        rows.push(Row { head: if at == 0 { head } else { "" }, text, token, is_bare: false });
    }
}
