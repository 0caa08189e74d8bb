//! What keys mean below the output, and the row that says so.
//!
//! Pure. What cannot be taken back is asked for first, and an answer counts only once the question could be read. A pasted
//! text presses no keys. Not here: reading keys (`modes.rs`), carrying out (`face.rs`).

use std::time::Duration;

use super::rows;
use crate::logic::job::order::{Order, RetryScope, Target};
use crate::logic::text::clean::written_out;
use crate::logic::text::shortened;
use crate::logic::view::JobView;

/// A question stands for so long before an answer counts.
const DEAF: Duration = Duration::from_millis(250);

/// More keys than these at once were not typed, and what comes so shortly after them was not, either.
const TYPED: usize = 3;
const PASTE: Duration = Duration::from_millis(300);

/// What a key wishes for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Order(Order),
    /// A question shall be asked.
    Ask(Question),
    /// Back to the full screen.
    Full,
    /// The job is to go on without this process.
    Detach,
    /// Nothing further is to be shown.
    Leave,
    /// The keys are to be explained.
    Help,
    /// What came was no typing, and did nothing.
    Pasted,
    /// Nothing, but what is shown has changed.
    Redraw,
    /// Something is to be said.
    Tell(String),
}

/// A question that waits for `y` or `n`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub text: String,
    pub order: Order,
}

/// What is known where keys are pressed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The full screen waits.
    pub from_full: bool,
    /// The job ends with this process.
    pub is_own: bool,
}

/// The keys, and the question that is open.
#[derive(Debug, Default)]
pub(super) struct Keys {
    question: Option<Question>,
    /// Since when it can be read.
    shown: Option<Duration>,
    /// When the last part of a pasted text came.
    pasted: Option<Duration>,
}

impl Keys {
    /// Returns the row for the keys: a question, or the hint as far as there is room for it.
    #[must_use]
    pub(super) fn row(&self, view: &JobView, place: Place, columns: u16) -> Option<String> {
        if let Some(question) = &self.question {
            return Some(question.text.clone());
        }
        let back = if place.from_full { "S full screen  " } else { "" };
        let pause = if view.paused.is_some() { "resume" } else { "pause" };
        let answer = if view.waiting_gates().next().is_some() { "a answer  " } else { "" };
        let hints = [
            format!("{answer}{back}p {pause}  s skip  x cancel  q quit  ? keys"),
            format!("{answer}{back}p {pause}  s skip  x cancel  q quit"),
            format!("{answer}{back}? keys"),
        ];
        hints.into_iter().find(|hint| rows::width(hint) <= columns.into())
    }

    /// Says whether a question is open.
    #[must_use]
    pub(super) fn is_asking(&self) -> bool {
        self.question.is_some()
    }

    /// Asks a question.
    pub(super) fn ask(&mut self, question: Question) {
        self.question = Some(question);
        self.shown = None;
    }

    /// Takes note that the row stands on the terminal.
    pub(super) fn shown(&mut self, now: Duration) {
        self.shown.get_or_insert(now);
    }

    /// Returns what was wished for by typed bytes. Cursor keys and the like are passed over.
    pub(super) fn read(&mut self, typed: &[u8], view: &JobView, place: Place, now: Duration) -> Vec<Wish> {
        if typed == b"\x1b" {
            return self.key('\x1b', view, place, now).into_iter().collect();
        }
        let mut keys = Vec::new();
        let mut rest = typed;
        while let [byte, more @ ..] = rest {
            rest = more;
            if *byte == 0x1b {
                rest = behind_sequence(more);
            } else {
                keys.push(char::from(*byte));
            }
        }
        let goes_on = self.pasted.is_some_and(|at| now.saturating_sub(at) < PASTE);
        if !keys.is_empty() && (goes_on || keys.len() > TYPED) {
            self.pasted = Some(now);
            return if goes_on { Vec::new() } else { vec![Wish::Pasted] };
        }
        keys.into_iter().filter_map(|key| self.key(key, view, place, now)).collect()
    }

    fn key(&mut self, key: char, view: &JobView, place: Place, now: Duration) -> Option<Wish> {
        if self.question.is_some() {
            if self.shown.is_none_or(|at| now.saturating_sub(at) < DEAF) {
                return None;
            }
            return match key {
                'y' | 'Y' => self.question.take().map(|question| Wish::Order(question.order)),
                'n' | 'N' | 'q' | '\x1b' => {
                    self.question = None;
                    Some(Wish::Redraw)
                }
                _ => None,
            };
        }
        match key {
            'p' if view.paused.is_some() => Some(Wish::Order(Order::Resume)),
            'p' => Some(Wish::Order(Order::Pause)),
            's' => skip(view).map(Wish::Ask),
            'x' => Some(Wish::Ask(cancel("cancel the job? y/n"))),
            'a' => answer(view),
            'r' => Some(Wish::Order(Order::Retry { scope: RetryScope::Failed })),
            'q' if place.is_own => Some(Wish::Ask(cancel("cancel the job and quit? y/n"))),
            'q' => Some(Wish::Leave),
            'D' if place.is_own => Some(Wish::Detach),
            'S' | '\x1b' if place.from_full => Some(Wish::Full),
            '?' => Some(Wish::Help),
            _ => None,
        }
    }
}

fn cancel(text: &str) -> Question {
    Question { text: text.to_owned(), order: Order::Cancel { target: Target::Job, force: false } }
}

/// Asks for a yes at the first gate that is open. What needs values, or a no, is for the commands that were told.
fn answer(view: &JobView) -> Option<Wish> {
    let (gate, it) = view.waiting_gates().next()?;
    let name = view.gate_name(gate);
    let model = view.gate_model(gate)?;
    if model.inputs.iter().any(|input| input.required && input.default.is_none()) {
        return Some(Wish::Tell(format!("{name} asks for values: answer with the command above")));
    }
    let question = written_out(&it.opened.message, false);
    let text = format!("{name}: {} approve it? y/n", shortened(&question, 50));
    let order = Order::Approve { gate, note: String::new(), inputs: Vec::new(), claimed: None };
    Some(Wish::Ask(Question { text, order }))
}

/// Asks about the stage of the first cell that runs.
fn skip(view: &JobView) -> Option<Question> {
    let stage = view.cells.get(*view.live.first()? as usize)?.stage;
    let text = format!("skip {}? y/n", shortened(view.stage_name(stage), 40));
    Some(Question { text, order: Order::Skip { target: Target::Stage(stage) } })
}

/// Returns what follows an escape sequence, given from behind its first byte.
fn behind_sequence(bytes: &[u8]) -> &[u8] {
    match bytes {
        [b'[', rest @ ..] => {
            let end =
                rest.iter().position(|byte| (0x40..=0x7e).contains(byte)).map_or(rest.len(), |at| at + 1);
            &rest[end..]
        }
        [b'O', _, rest @ ..] | [_, rest @ ..] => rest,
        [] => bytes,
    }
}

/// Returns the lines that explain the keys.
#[must_use]
pub(super) fn help(place: Place) -> Vec<&'static str> {
    let mut lines = vec![
        "p       pause: nothing new starts; once more: go on",
        "s       skip the stage of the first cell that runs, after a question",
        "x       cancel the job, after a question",
        "r       retry what failed",
        "a       approve what waits for it, after a question",
    ];
    if place.is_own {
        lines.push("q       quit, which cancels the job, after a question");
        lines.push("D       detach: quit, and the job goes on without a terminal");
        lines.push("Ctrl-C  cancel at once; a second time: kill; a third time: leave");
    } else {
        lines.push("q       quit; the job goes on");
    }
    if place.from_full {
        lines.push("S, Esc  back to the full screen");
    }
    lines
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
