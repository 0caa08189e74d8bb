//! Cells of which several steps run at once, and cells that are rolled back.
//!
//! Not here: the fold of all other events (`job_view.rs`).

use super::{JobView, Phase, StepView};
use crate::logic::job::event::{Cause, Event, Outcome};
use crate::logic::time::Timestamp;

#[cfg(test)]
#[path = "together_tests.rs"]
mod tests;

impl JobView {
    /// Returns the steps of a cell that run or wait for their next try, those that only hold others left out.
    pub fn live_steps(&self, cell: u32) -> impl Iterator<Item = (u32, &StepView)> {
        let steps = self.cells.get(cell as usize).map_or(&[][..], |it| &it.steps);
        (0u32..).zip(steps).filter(move |(at, step)| step.phase.is_live() && !self.is_block(cell, *at))
    }

    /// Returns how many commands of a cell run beside the step that stands for it.
    #[must_use]
    pub fn beside(&self, cell: u32) -> usize {
        let current = self.cells.get(cell as usize).and_then(|it| it.current);
        let is_other = |at: u32| Some(at) != current && self.is_command(cell, at);
        self.live_steps(cell).filter(|(at, _)| is_other(*at)).count()
    }

    /// Says whether some step has succeeded that can be undone and was not.
    #[must_use]
    pub fn can_roll_back(&self) -> bool {
        let done = Phase::Done(Outcome::Success);
        (0u32..).zip(&self.cells).any(|(cell, it)| {
            it.steps.iter().zip(0u32..).any(|(step, at)| {
                let undo =
                    self.plan_step(cell, at).and_then(|it| it.undo).and_then(|undo| it.steps.get(undo));
                step.phase == done && undo.is_some_and(|undo| undo.phase != done)
            })
        })
    }

    /// Says whether a step is a command, which has a process and may have a log.
    #[must_use]
    pub fn is_command(&self, cell: u32, step: u32) -> bool {
        self.plan_step(cell, step).is_some_and(|it| it.action.is_run())
    }

    /// Says whether a step failed only because others did, each of which says so itself.
    pub(super) fn is_echo(&self, cell: u32, step: u32) -> bool {
        let it = self.cells.get(cell as usize).and_then(|it| it.steps.get(step as usize));
        let cause = it.and_then(|it| it.cause.as_ref());
        !self.is_command(cell, step) && matches!(cause, Some(Cause::Member { .. } | Cause::NotUndone { .. }))
    }

    /// Says whether a step only runs if something is undone, and has not run.
    #[must_use]
    pub fn is_unused_undo(&self, cell: u32, step: u32) -> bool {
        let has_run = self
            .cells
            .get(cell as usize)
            .and_then(|it| it.steps.get(step as usize))
            .is_some_and(|it| it.phase != Phase::Waiting);
        !has_run && self.plan_step(cell, step).is_some_and(|it| it.undoes.is_some())
    }
}

/// Chooses the step that stands for its cell after something has happened in it: one that runs, rather one in the
/// foreground, rather a later one.
pub(super) fn look(view: &mut JobView, event: &Event) {
    let cell = match event {
        Event::StepStarted { key } | Event::StepStopping { key, .. } | Event::StepRetrying { key, .. } => {
            key.cell
        }
        Event::StepFinished(end) => end.key.cell,
        Event::StepSkipped { cell, .. } => *cell,
        _ => return,
    };
    let Some(stage) = view.cells.get(cell as usize).map(|it| it.stage) else { return };
    if !view.playbook.stages.get(stage as usize).is_some_and(|it| it.steps.is_concurrent) {
        return;
    }
    let is_front = |at: u32| view.plan_step(cell, at).is_some_and(|it| !it.background);
    let rank = |at: u32| (is_front(at), view.is_command(cell, at));
    let chosen = view.live_steps(cell).map(|(at, step)| (rank(at), step.try_started, at)).max();
    if let Some((_, _, at)) = chosen {
        view.cells[cell as usize].current = Some(at);
        // Another one may wait for its next try, and this one runs.
        let is_waiting = |(_, step): (u32, &StepView)| matches!(step.phase, Phase::Retrying(_));
        let (all_wait, phase) = (view.live_steps(cell).all(is_waiting), view.cells[cell as usize].phase);
        if !all_wait && matches!(phase, Phase::Retrying(_)) {
            view.set_cell(cell, Phase::Running);
        }
    }
}

/// Cells that had ended are at work again.
pub(super) fn rollback_asked(view: &mut JobView, cells: &[u32], is_own: bool, at: Timestamp) {
    if view.phase.outcome().is_some() {
        view.phase = Phase::Running;
        view.cause = None;
        view.cancelling = None;
    }
    for &cell in cells {
        let Some(stage) = view.cells.get(cell as usize).map(|it| it.stage) else { continue };
        if view.stages.get(stage as usize).is_some_and(|it| it.phase.outcome().is_some()) {
            view.reopen_stage(stage, Phase::Running, Some(at));
        }
        view.set_cell(cell, Phase::Running);
        let it = &mut view.cells[cell as usize];
        it.is_rolling = true;
        it.result = None;
        it.cause = None;
        it.finished = None;
        if !is_own {
            it.started = Some(at);
        }
    }
}
