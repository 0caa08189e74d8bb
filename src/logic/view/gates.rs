//! Gates of a job as they can be seen: which are open, where, and how they were closed.
//!
//! Not here: who may answer, and what an answer means (`logic/job`).

use super::job_view::JobView;
use crate::logic::job::event::Event;
use crate::logic::job::gate::{self, GateEnd, GatePlace, GateState};
use crate::logic::playbook::gate::Approve;
use crate::logic::time::Timestamp;

impl JobView {
    pub(super) fn fold_gate(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::GateOpened(opened) if opened.gate as usize == self.gates.len() => {
                let opened = (**opened).clone();
                self.open_gates.insert(opened.gate);
                self.mark_gate(opened.place, Some(opened.gate));
                self.gates.push(GateState {
                    opened,
                    since: at,
                    reminded: at,
                    approvals: Vec::new(),
                    end: None,
                });
            }
            Event::GateAnswered(answer) => {
                if let Some(it) = self.gates.get_mut(answer.gate as usize) {
                    it.approvals.push((**answer).clone());
                }
            }
            Event::GateApproved(answer) => {
                if let Some(it) = self.gates.get_mut(answer.gate as usize) {
                    it.approvals.push((**answer).clone());
                }
                self.close_gate(answer.gate, GateEnd::Approved { values: answer.values.clone() });
            }
            Event::GateRejected(answer) => {
                self.close_gate(answer.gate, GateEnd::Rejected((**answer).clone()));
            }
            Event::GateExpired { gate, then, message, values } => {
                let end = GateEnd::Expired { then: *then, message: message.clone(), values: values.clone() };
                self.close_gate(*gate, end);
            }
            Event::GateWithdrawn { gate } => self.close_gate(*gate, GateEnd::Withdrawn),
            Event::GateReminded { gate } => {
                if let Some(it) = self.gates.get_mut(*gate as usize) {
                    it.reminded = at;
                }
            }
            _ => {}
        }
    }

    fn close_gate(&mut self, gate: u32, end: GateEnd) {
        if !self.open_gates.remove(&gate) {
            return;
        }
        if let Some(it) = self.gates.get_mut(gate as usize) {
            it.end = Some(end);
            let place = it.opened.place;
            self.mark_gate(place, None);
            if let GatePlace::Step(key) = place {
                // Another one may be open beside it.
                let other = self.gate_of_cell(key.cell);
                if let Some(cell) = self.cells.get_mut(key.cell as usize) {
                    cell.gate = other;
                }
            }
        }
    }

    /// Notes at its stage, cell and step that a gate is open, or not any more.
    fn mark_gate(&mut self, place: GatePlace, gate: Option<u32>) {
        let stage = match place {
            GatePlace::Stage(stage) => stage,
            GatePlace::Step(key) => {
                let Some(cell) = self.cells.get_mut(key.cell as usize) else { return };
                cell.gate = cell.gate.or(gate);
                if let Some(step) = cell.steps.get_mut(key.step as usize) {
                    step.gate = gate;
                }
                cell.stage
            }
        };
        if let Some(it) = self.stages.get_mut(stage as usize) {
            it.gates = if gate.is_some() { it.gates + 1 } else { it.gates.saturating_sub(1) };
        }
    }

    /// Returns the gates that are open, with their numbers, in the order of their opening.
    pub fn waiting_gates(&self) -> impl DoubleEndedIterator<Item = (u32, &GateState)> {
        self.open_gates.iter().filter_map(|&gate| Some((gate, self.gates.get(gate as usize)?)))
    }

    /// Returns the open gate before a stage.
    #[must_use]
    pub fn gate_of_stage(&self, stage: u32) -> Option<u32> {
        let here = |place: GatePlace| place == GatePlace::Stage(stage);
        self.waiting_gates().find(|(_, it)| here(it.opened.place)).map(|(gate, _)| gate)
    }

    /// Returns the open gate that a cell waits at.
    #[must_use]
    pub fn gate_of_cell(&self, cell: u32) -> Option<u32> {
        let here = |place: GatePlace| matches!(place, GatePlace::Step(key) if key.cell == cell);
        self.waiting_gates().find(|(_, it)| here(it.opened.place)).map(|(gate, _)| gate)
    }

    /// Returns the open gates of a stage: before it, or in its cells.
    #[must_use]
    pub fn gates_in_stage(&self, stage: u32) -> Vec<u32> {
        let inside = |place: GatePlace| match place {
            GatePlace::Stage(at) => at == stage,
            GatePlace::Step(key) => self.cells.get(key.cell as usize).is_some_and(|it| it.stage == stage),
        };
        self.waiting_gates().filter(|(_, it)| inside(it.opened.place)).map(|(gate, _)| gate).collect()
    }

    /// Returns the address of a gate: `stage`, `stage[k=v]/step`.
    #[must_use]
    pub fn gate_name(&self, gate: u32) -> String {
        match self.gates.get(gate as usize).map(|it| it.opened.place) {
            Some(GatePlace::Stage(stage)) => self.stage_name(stage).to_owned(),
            Some(GatePlace::Step(key)) => {
                format!("{}/{}", self.cell_name(key.cell), self.step_name(key.cell, key.step))
            }
            None => String::new(),
        }
    }

    /// Returns what the playbook says about a gate.
    #[must_use]
    pub fn gate_model(&self, gate: u32) -> Option<&Approve> {
        match self.gates.get(gate as usize)?.opened.place {
            GatePlace::Stage(stage) => self.playbook.stages.get(stage as usize)?.approve.as_deref(),
            GatePlace::Step(key) => gate::of_action(&self.plan_step(key.cell, key.step)?.action),
        }
    }
}
