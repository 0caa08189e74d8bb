//! Failures as results: which of them would come again, so that they may be kept where a playbook asks for it.
//!
//! Not here: when they are kept and replayed (`cached.rs`).

use super::event::{Cause, Outcome};
use super::state::{CellState, JobState, StepDone};

/// What shells say of a program that cannot be started, and of one that is not there: it may be installed a moment later, and no key
/// has it.
const NOT_STARTED: [i32; 2] = [126, 127];

/// Says whether a failure is what the command itself said, so that it would say it again. What was stopped, lost, killed or never
/// started is not.
pub(super) fn is_plain(done: &StepDone) -> bool {
    let is_told = matches!(&done.cause, Some(Cause::Exit { code }) if !NOT_STARTED.contains(code));
    done.outcome == Some(Outcome::Failure) && is_told
}

/// Says whether a cell failed by what its commands said, and all of it has ended.
pub(super) fn has_plainly_failed(state: &JobState, it: &CellState) -> bool {
    let steps = &state.setting.plan.playbook.stages[it.stage as usize].steps.steps;
    it.steps.iter().zip(steps).all(|(step, model)| {
        step.done().is_some_and(|done| match done.outcome {
            Some(Outcome::Success | Outcome::Skipped) => true,
            Some(Outcome::Failure) => !model.action.is_run() || is_plain(done),
            _ => false,
        })
    })
}

/// Says whether the result that a cell was given is a failure.
pub(super) fn is_failure(state: &JobState, cell: u32) -> bool {
    let done = |conclusion| conclusion == Some(Outcome::Failure);
    let it = &state.cells[cell as usize];
    let body = &state.setting.plan.playbook.stages[it.stage as usize].steps.body;
    body.iter().any(|&at| it.steps[at].done().is_some_and(|it| done(it.conclusion)))
}
