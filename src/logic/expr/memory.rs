//! Counts the memory that the values of one evaluation need, so that a short text cannot fill it.
//!
//! Not here: what is done about it (`eval.rs`). Start at [`Memory`]. The count is GitHub's: two
//! bytes a UTF-16 unit and a fixed part for each value; values of deeper nodes are given back once
//! a node above them has become text.

use super::error::{ExprError, TOO_LARGE};

/// Bytes of a value that is not a string.
pub(super) const VALUE_SIZE: usize = 24;
const STRING_BASE: usize = 26;
/// Bytes an item adds to a filtered array.
pub(super) const ITEM_SIZE: usize = 8;

/// Returns the bytes a text counts for.
pub(super) fn text_size(text: &str) -> usize {
    let units = if text.is_ascii() { text.len() } else { text.encode_utf16().count() };
    STRING_BASE + 2 * units
}

pub(super) fn exceeded() -> ExprError {
    ExprError::evaluation(TOO_LARGE, "The maximum allowed memory size was exceeded")
}

/// What the values that are alive count for, by the level of the node they belong to.
pub(super) struct Memory {
    limit: usize,
    total: usize,
    levels: Vec<usize>,
}

impl Memory {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, total: 0, levels: Vec::new() }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Counts the value of a node; with `frees` those of the nodes below it are gone.
    pub(super) fn add(&mut self, level: usize, bytes: usize, frees: bool) -> Result<(), ExprError> {
        if frees {
            let gone: usize = self.levels.drain((level + 1).min(self.levels.len())..).sum();
            self.total -= gone;
        }
        if self.levels.len() <= level {
            self.levels.resize(level + 1, 0);
        }
        self.levels[level] += bytes;
        self.total = self.total.saturating_add(bytes);
        if self.total > self.limit { Err(exceeded()) } else { Ok(()) }
    }
}

/// A text under construction that stops growing at the limit.
pub(super) struct Writer {
    text: String,
    used: usize,
    limit: usize,
}

impl Writer {
    pub(super) fn new(limit: usize) -> Self {
        Self { text: String::new(), used: 0, limit }
    }

    pub(super) fn push(&mut self, piece: &str) -> Result<(), ExprError> {
        self.used = self.used.saturating_add(text_size(piece));
        if self.used > self.limit {
            return Err(exceeded());
        }
        self.text.push_str(piece);
        Ok(())
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}
