//! Signs as screens draw them: how those of states look, and what bars, rules and trees are made of, in Unicode and in
//! ASCII.
//!
//! Not here: which sign a state has (`faces/signs.rs`), colours (`theme.rs`), signs that move (`motion.rs`), words
//! (`faces/words.rs`). Start with `Glyphs::state`. Every sign is one column wide and has no emoji variant, so that no terminal shifts a row.

use std::time::Duration;

use ratatui::style::Modifier;

use super::motion::Motion;
use super::theme::Token;
pub use crate::faces::signs::State;

#[cfg(test)]
#[path = "glyphs_tests.rs"]
mod tests;

/// The mark of a text of which something is left out, the same in both sets; the cursor of a list looks otherwise.
pub const CUT: &str = "~";

/// The sign of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// One column wide.
    pub text: &'static str,
    pub token: Token,
    /// What makes it stand out where there is no colour.
    pub attribute: Modifier,
}

/// What bars are made of; the fills differ in shape, not only in colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fills {
    pub done: &'static str,
    pub failed: &'static str,
    pub running: &'static str,
    pub waiting: &'static str,
}

/// The corners and sides of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    pub top_left: &'static str,
    pub top_right: &'static str,
    pub bottom_left: &'static str,
    pub bottom_right: &'static str,
    pub horizontal: &'static str,
    pub vertical: &'static str,
}

/// The signs that a terminal can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glyphs {
    pub ascii: bool,
}

impl Glyphs {
    /// Chooses by the setting `ui.ascii`, the variables `LC_ALL`, `LC_CTYPE` and `LANG` in this order, and `TERM`. Where
    /// no variable says anything about letters, as in many containers, Unicode is taken.
    #[must_use]
    pub fn choose(setting: bool, locale: [Option<&str>; 3], term: Option<&str>) -> Self {
        let said = locale.into_iter().flatten().find(|value| !value.is_empty());
        let is_unicode = said.is_none_or(|value| {
            let value = value.to_ascii_lowercase();
            value.contains("utf-8") || value.contains("utf8")
        });
        let is_old = term.is_some_and(|term| {
            ["linux", "vt", "dumb", "ansi", "cons25"].iter().any(|name| term.starts_with(name))
        });
        Self { ascii: setting || !is_unicode || is_old }
    }

    fn pick(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.ascii { ascii } else { unicode }
    }

    /// Returns the sign of a state; what runs turns with the time since the screen began.
    #[must_use]
    pub fn state(self, state: State, motion: Motion, elapsed: Duration) -> Mark {
        let text =
            if state.is_spinning() { motion.spinner(elapsed, self.ascii) } else { state.sign(self.ascii) };
        let (token, attribute) = match state {
            State::NeedsYou | State::Paused => (Token::Attention, Modifier::REVERSED),
            State::Failed | State::TimedOut => (Token::Error, Modifier::BOLD),
            State::Allowed | State::RolledBack => (Token::Warning, Modifier::BOLD),
            State::Stopping => (Token::Warning, Modifier::empty()),
            State::Running => (Token::Running, Modifier::BOLD),
            State::RetryWait => (Token::Running, Modifier::empty()),
            State::Queued => (Token::Muted, Modifier::empty()),
            State::Blocked | State::Skipped | State::Cancelled => (Token::Muted, Modifier::DIM),
            State::Passed | State::Cached => (Token::Success, Modifier::empty()),
        };
        Mark { text, token, attribute }
    }

    /// Returns what bars are made of.
    #[must_use]
    pub fn fills(self) -> Fills {
        let (done, failed, running, waiting) =
            if self.ascii { ("#", "X", "=", ".") } else { ("█", "▓", "▒", "░") };
        Fills { done, failed, running, waiting }
    }

    /// Returns a piece of a horizontal line.
    #[must_use]
    pub fn rule(self) -> &'static str {
        self.pick("─", "-")
    }

    /// Returns a piece of a vertical line.
    #[must_use]
    pub fn upright(self) -> &'static str {
        self.pick("│", "|")
    }

    /// Returns a piece of the thumb on a vertical line, which shows what is scrolled to.
    #[must_use]
    pub fn thumb(self) -> &'static str {
        self.pick("┃", "#")
    }

    /// Returns the pieces of a dialog's frame.
    #[must_use]
    pub fn frame(self) -> Frame {
        let (top_left, top_right, bottom_left, bottom_right) =
            if self.ascii { ("+", "+", "+", "+") } else { ("┌", "┐", "└", "┘") };
        let (horizontal, vertical) = (self.rule(), self.upright());
        Frame { top_left, top_right, bottom_left, bottom_right, horizontal, vertical }
    }

    /// Returns the mark of something that can be folded. It is as wide as `fold_width` says: `+` and `-` alone would
    /// be signs of states.
    #[must_use]
    pub fn fold(self, is_open: bool) -> &'static str {
        if is_open { self.pick("▾", "[-]") } else { self.pick("▸", "[+]") }
    }

    /// Returns the columns of a fold's mark.
    #[must_use]
    pub fn fold_width(self) -> u16 {
        if self.ascii { 3 } else { 1 }
    }

    /// Returns the mark in front of what the cursor is on.
    #[must_use]
    pub fn marker(self) -> &'static str {
        ">"
    }

    /// Returns the mark of a line of a log that goes on beyond the right or the left edge.
    #[must_use]
    pub fn goes_on(self, right: bool) -> &'static str {
        if right { self.pick("›", CUT) } else { self.pick("‹", CUT) }
    }

    /// Returns what stands between the values of a combination.
    #[must_use]
    pub fn between(self) -> &'static str {
        self.pick("·", "/")
    }

    /// Returns the mark of a line of a log that goes on from the one above.
    #[must_use]
    pub fn wrapped(self) -> &'static str {
        self.pick("↳", "\\")
    }
}
