//! The review of a gate: what is asked and by whom it may be answered, a form for what an answer brings, a note, yes or no.
//!
//! Pure. An answer is confirmed by a key that is neither the one that opened the sheet nor Enter. Not here: how it looks
//! (`draw/review.rs`), who may answer (`logic/job`).

use std::time::Duration;

use super::field::Field;
use super::launcher::FormRow;
use super::tree::RowId;
use super::ui::{Facts, Overlay, Request, Ui};
use super::update::DEAF;
use crate::faces::gates;
use crate::logic::job::gate::GatePlace;
use crate::logic::job::order::Order;
use crate::logic::view::JobView;

#[cfg(test)]
#[path = "review_tests.rs"]
mod tests;

/// A sheet on which a gate is answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Review {
    pub(super) gate: u32,
    pub(super) rows: Vec<FormRow>,
    pub(super) note: Field,
    /// What keys go to: the rows, then the note, then the two buttons.
    pub(super) at: usize,
    /// What is to be confirmed, and since when.
    pub(super) asks: Option<(Verdict, Duration)>,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Approve,
    Reject,
}

/// What a key did to a review.
enum Done {
    Open,
    Close,
    Answer(Verdict),
}

impl Review {
    fn new(view: &JobView, gate: u32) -> Self {
        let inputs = view.gate_model(gate).map(|model| model.inputs.as_slice()).unwrap_or_default();
        let rows: Vec<FormRow> = inputs.iter().map(|input| FormRow::new(input, None)).collect();
        // The first one that needs somebody, else the button for yes.
        let at = rows.iter().position(|row| row.problem.is_some()).unwrap_or(rows.len() + 1);
        Self { gate, rows, note: Field::default(), at, asks: None }
    }

    /// Returns where the note is among what keys go to.
    pub(super) fn note_at(&self) -> usize {
        self.rows.len()
    }

    /// Returns the button that keys go to.
    pub(super) fn button(&self) -> Option<Verdict> {
        match self.at.checked_sub(self.rows.len() + 1)? {
            0 => Some(Verdict::Approve),
            _ => Some(Verdict::Reject),
        }
    }

    fn go(&mut self, to: usize) {
        if let Some(row) = self.rows.get_mut(self.at).filter(|_| to != self.at) {
            row.tell();
        }
        self.at = to;
    }

    /// Inserts pasted text; says whether there was a place for it.
    pub(super) fn paste(&mut self, text: &str) -> bool {
        if self.asks.is_some() {
            return false;
        }
        let line = text.trim_end_matches(['\r', '\n']).replace(['\r', '\n'], " ");
        if self.at == self.note_at() {
            self.note.insert(&line);
            return true;
        }
        self.rows.get_mut(self.at).is_some_and(|row| row.paste(&line))
    }

    fn key(&mut self, key: &str, now: Duration) -> Done {
        if let Some((verdict, since)) = self.asks {
            match key {
                "y" if now.saturating_sub(since) >= DEAF => return Done::Answer(verdict),
                "esc" => self.asks = None,
                _ => {}
            }
            return Done::Open;
        }
        let count = self.rows.len() + 3;
        match (key, self.button()) {
            ("esc", _) => return Done::Close,
            ("tab" | "down", _) => self.go((self.at + 1) % count),
            ("shift-tab" | "up", _) => self.go((self.at + count - 1) % count),
            ("right" | "left", Some(Verdict::Approve)) => self.go(count - 1),
            ("right" | "left", Some(Verdict::Reject)) => self.go(count - 2),
            ("enter" | "space", Some(verdict)) => self.ask(verdict, now),
            ("enter", None) => self.go(self.at + 1),
            (_, Some(_)) => {}
            (key, None) if self.at == self.note_at() => {
                self.note.key(key);
            }
            (key, None) => {
                if let Some(row) = self.rows.get_mut(self.at) {
                    row.key(key);
                }
            }
        }
        Done::Open
    }

    /// Asks whether that is meant, unless a value is wrong.
    fn ask(&mut self, verdict: Verdict, now: Duration) {
        if verdict == Verdict::Approve {
            for row in &mut self.rows {
                row.tell();
            }
            if let Some(at) = self.rows.iter().position(|row| row.problem.is_some()) {
                self.at = at;
                return;
            }
        }
        self.asks = Some((verdict, now));
    }

    fn order(&self, verdict: Verdict) -> Order {
        let (gate, note) = (self.gate, self.note.text().trim().to_owned());
        match verdict {
            Verdict::Approve => {
                let inputs = self.rows.iter().filter_map(FormRow::given).collect();
                Order::Approve { gate, note, inputs, claimed: None }
            }
            Verdict::Reject => Order::Reject { gate, note, claimed: None },
        }
    }
}

impl Ui {
    /// Opens the review of a gate: one of the selection, else the first that is open.
    pub(super) fn review(&mut self, facts: Facts<'_>) -> Vec<Request> {
        let view = facts.view;
        if !facts.is_live {
            self.say("nobody works on this job any more, so nothing can be answered", facts.now);
            return Vec::new();
        }
        let here = self.selected(view).and_then(|id| match id {
            RowId::Stage(stage) => view.gates_in_stage(stage).into_iter().next(),
            RowId::Cell(cell) => view.gate_of_cell(cell),
        });
        match here.or_else(|| view.waiting_gates().next().map(|(gate, _)| gate)) {
            Some(gate) => self.overlay = Some(Overlay::Review(Box::new(Review::new(view, gate)))),
            None => self.say("nothing waits for an answer", facts.now),
        }
        Vec::new()
    }

    /// Takes a key for the review.
    pub(super) fn review_key(
        &mut self,
        mut review: Box<Review>,
        key: &str,
        facts: Facts<'_>,
    ) -> Vec<Request> {
        match review.key(key, facts.now) {
            Done::Close => Vec::new(),
            Done::Open => {
                self.overlay = Some(Overlay::Review(review));
                Vec::new()
            }
            Done::Answer(verdict) => vec![Request::Order(review.order(verdict))],
        }
    }

    /// Closes a review whose gate is closed; says how it was.
    pub(super) fn end_review(&mut self, facts: Facts<'_>) {
        let Some(Overlay::Review(review)) = &self.overlay else { return };
        let Some(it) = facts.view.gates.get(review.gate as usize) else { return };
        let Some(how) = gates::ended(it) else { return };
        let name = facts.view.gate_name(review.gate);
        self.overlay = None;
        self.gone = Some(facts.now);
        self.say(format!("{name} was {how} meanwhile"), facts.now);
    }
}

/// Says what an answer does, for the question before it.
pub(super) fn consequence(view: &JobView, gate: u32, verdict: Verdict) -> String {
    let Some(it) = view.gates.get(gate as usize) else { return String::new() };
    let what = match it.opened.place {
        GatePlace::Stage(_) => "the stage",
        GatePlace::Step(_) => "the step",
    };
    match verdict {
        Verdict::Reject => format!("{what} fails"),
        Verdict::Approve => {
            let more = (it.opened.count as usize).saturating_sub(it.approvals.len() + 1);
            match more {
                0 => format!("{what} goes on"),
                more => format!("{more} more to go"),
            }
        }
    }
}
