//! Which stages were called by which cell of another stage, as far as the plan is known.
//!
//! Not here: what a call does (`logic/job/calls.rs`), how calls come into the plan (`logic/plan/call.rs`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::JobView;
use crate::logic::plan::Plan;

/// The calls of a job.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    /// Of each stage, the stage that calls it and the stable id of the cell.
    callers: Vec<Option<(u32, Arc<str>)>>,
    /// Of each caller, what it calls itself, in order.
    called: BTreeMap<u32, Vec<u32>>,
}

impl Calls {
    pub(super) fn of(plan: &Plan) -> Self {
        let mut calls = Self::default();
        if plan.frames.is_empty() {
            return calls;
        }
        for (at, stage) in (0u32..).zip(&plan.playbook.stages) {
            let frame = stage.frame.and_then(|frame| plan.frames.get(frame as usize));
            calls.callers.push(frame.map(|frame| (frame.caller, Arc::clone(&frame.cell))));
            if let Some(frame) = frame {
                calls.called.entry(frame.caller).or_default().push(at);
            }
        }
        calls
    }
}

impl JobView {
    /// Returns the stage that calls a stage, and the cell of it, once that has begun.
    #[must_use]
    pub fn caller(&self, stage: u32) -> Option<(u32, Option<u32>)> {
        let (caller, id) = self.calls.callers.get(stage as usize)?.as_ref()?;
        let cells = &self.stages.get(*caller as usize)?.cells;
        let cell = cells.iter().copied().find(|&cell| self.cells[cell as usize].id == *id);
        Some((*caller, cell))
    }

    /// Returns the stages that a stage calls itself, in order.
    #[must_use]
    pub fn called(&self, stage: u32) -> &[u32] {
        self.calls.called.get(&stage).map_or(&[], Vec::as_slice)
    }

    /// Returns the stages that were called by one cell.
    pub fn called_by(&self, cell: u32) -> impl Iterator<Item = u32> {
        let it = self.cells.get(cell as usize);
        let all = it.map_or(&[][..], |it| self.called(it.stage)).iter().copied();
        all.filter(move |&stage| {
            let caller = self.calls.callers.get(stage as usize).and_then(Option::as_ref);
            caller.zip(it).is_some_and(|((_, id), it)| *id == it.id)
        })
    }

    /// Says whether a stage was called, however far down, by one of those cells.
    #[must_use]
    pub fn is_called_by(&self, stage: u32, cells: &[u32]) -> bool {
        let up = |at: &(u32, Option<u32>)| self.caller(at.0);
        std::iter::successors(self.caller(stage), up)
            .any(|(_, cell)| cell.is_some_and(|cell| cells.contains(&cell)))
    }

    /// Returns how a stage is called where its callers stand above it: without them.
    #[must_use]
    pub fn own_name(&self, stage: u32) -> &str {
        match self.playbook.stages.get(stage as usize) {
            Some(model) if self.caller(stage).is_some() => &model.own_id,
            _ => self.stage_name(stage),
        }
    }
}
