//! When and how hard cells and steps are asked to stop. A rung never goes down, not even across a crash.
//!
//! Not here: signals and processes (the keeper), what counts as cancelled (`decide.rs`).

use super::super::effect::Rung;
use super::super::event::{Cause, Event};
use super::super::progress::Pressure;
use super::super::report::AttemptKey;
use super::super::sidecar;
use super::super::state::{CancelState, CellPhase, CellState, JobState, StepPhase};
use super::super::together::{is_over, why_stop};
use crate::logic::playbook::model::StepTree;
use crate::logic::time::Timestamp;

/// What makes a cell stop that was not asked to stop yet.
pub(super) fn reason(state: &JobState, cell: u32, now: Timestamp) -> Option<(Rung, Cause)> {
    let asked = asked(state, cell);
    if asked.is_some() {
        return asked;
    }
    let it = &state.cells[cell as usize];
    let model = &state.setting.plan.playbook.stages[it.stage as usize];
    let since = it.since?;
    // The time of a wait for people does not count.
    // What is left of it is cleanup.
    if !model.steps.sidecars.is_empty() && sidecar::is_over(it, &model.steps) {
        return None;
    }
    (it.phase == CellPhase::Active && it.asking_since.is_none() && since.after(model.timeout) <= now)
        .then(|| (Rung::Polite, Cause::Timeout { of: "stage".to_owned() }))
}

/// What asks a cell to stop: an order for it, its stage or its job, or another cell that failed.
pub(super) fn asked(state: &JobState, cell: u32) -> Option<(Rung, Cause)> {
    let it = &state.cells[cell as usize];
    let stage = &state.stages[it.stage as usize];
    let model = &state.setting.plan.playbook.stages[it.stage as usize];
    if stage.is_unfounded {
        return Some((Rung::Polite, Cause::Needs { stages: super::stages::failed_needs(state, it.stage) }));
    }
    if let Some(by) = &it.skip {
        return Some((Rung::Polite, Cause::Order { by: by.clone() }));
    }
    let of_job = state.cancel.as_ref().filter(|_| !model.is_final);
    if let Some(cancel) = stage.cancel.as_ref().or(of_job) {
        let rung = if cancel.force { Rung::Kill } else { Rung::Polite };
        return Some((rung, cancel.cause.clone()));
    }
    if let Some(failed) = stage.failed_fast
        && failed != cell
    {
        return Some((Rung::Polite, Cause::FailFast { cell: failed }));
    }
    None
}

/// How hard an active cell is pressed to end.
pub(super) fn pressure(state: &JobState, it: &CellState, now: Timestamp) -> Pressure {
    let Some(stop) = &it.stop else { return Pressure::None };
    if is_forced(state, it) || it.cleanup_until.is_some_and(|until| until <= now) {
        Pressure::Forced
    } else if matches!(stop.cause, Cause::Timeout { .. }) {
        Pressure::TimedOut
    } else {
        Pressure::Cancelled
    }
}

/// Says whether somebody wants a cell, its stage or its job to end at once, without cleanup.
pub(in crate::logic::job) fn is_forced(state: &JobState, it: &CellState) -> bool {
    let is_final = state.setting.plan.playbook.stages[it.stage as usize].is_final;
    let is_forced = |cancel: &Option<CancelState>| cancel.as_ref().is_some_and(|cancel| cancel.force);
    is_forced(&state.stages[it.stage as usize].cancel)
        || (is_forced(&state.cancel) && !is_final)
        || it.stop.as_ref().is_some_and(|stop| stop.rung == Rung::Kill)
}

/// Asks the running try to stop, one rung higher than before, if something wants it to.
pub(in crate::logic::job) fn stop_live(
    state: &JobState,
    key: AttemptKey,
    pressure: Pressure,
    now: Timestamp,
) -> Option<Event> {
    let it = &state.cells[key.cell as usize];
    let tree = &state.setting.plan.playbook.stages[it.stage as usize].steps;
    let mut child = key.step as usize;
    while let Some(block) = tree.steps[child].parent {
        let state_of = &it.steps[block];
        // What was started in the background may go on after its block.
        let is_open = state_of.phase == StepPhase::Running
            && state_of.stop.is_none()
            && state_of.asking_since.is_none();
        if is_open && is_over(&tree.steps[block], state_of.attempt_since, now) {
            let block_key = AttemptKey {
                step: u32::try_from(block).unwrap_or(u32::MAX),
                attempt: state_of.attempt,
                ..key
            };
            let cause = Cause::Timeout { of: tree.steps[block].action.word().to_owned() };
            return Some(Event::StepStopping { key: block_key, rung: Rung::Polite, cause });
        }
        child = block;
    }
    let step = &it.steps[key.step as usize];
    let rung = step.stop.as_ref().map(|s| s.rung);
    if pressure == Pressure::Forced && rung != Some(Rung::Kill) {
        let cause = it.stop.as_ref().map_or(Cause::Earlier, |s| s.cause.clone());
        return Some(Event::StepStopping { key, rung: Rung::Kill, cause });
    }
    match &step.stop {
        Some(stop) => {
            let grace = state.setting.plan.playbook.stages[it.stage as usize].cancel.grace;
            (stop.rung == Rung::Polite && stop.since.after(grace) <= now).then(|| Event::StepStopping {
                key,
                rung: Rung::Kill,
                cause: stop.cause.clone(),
            })
        }
        None => {
            let cause = reason_to_stop_step(it, tree, key, now)?;
            Some(Event::StepStopping { key, rung: Rung::Polite, cause })
        }
    }
}

fn reason_to_stop_step(it: &CellState, tree: &StepTree, key: AttemptKey, now: Timestamp) -> Option<Cause> {
    let step = &it.steps[key.step as usize];
    let is_late = || is_over(&tree.steps[key.step as usize], step.attempt_since, now);
    why_stop(it, tree, key.step as usize)
        .or_else(|| is_late().then(|| Cause::Timeout { of: "step".to_owned() }))
}
