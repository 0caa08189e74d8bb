//! Events of steps into the state of their cells and its indexes. Total and infallible, as all of `apply`.
//!
//! Not here: jobs, stages and cells (`apply.rs`).

use std::sync::Arc;

use super::apply::{current, free_slot, join_queue, leave_queue, take_slot};
use super::effect::Rung;
use super::event::{Cause, Outcome, StepEnd};
use super::report::AttemptKey;
use super::state::{CellPhase, Deadline, JobState, StagePhase, StepDone, StepPhase, StepState, StepStop};
use super::{together, undo};
use crate::logic::playbook::model::{Action, Step, StepTree};
use crate::logic::time::Timestamp;

/// Takes a cell off the list of the submitted; returns the try that was.
pub(super) fn leave_submitted(state: &mut JobState, cell: u32) -> Option<AttemptKey> {
    let it = &mut state.cells[cell as usize];
    let key = it.submitted.take()?;
    if let Some(after) = it.after.take() {
        state.index.led.remove(&after);
    }
    let it = &state.cells[cell as usize];
    let stage = &mut state.stages[it.stage as usize];
    stage.busy_cells = stage.busy_cells.saturating_sub(1);
    state.index.submitted.retain(|&other| other != cell);
    Some(key)
}

pub(super) fn step_submitted(state: &mut JobState, key: AttemptKey) {
    if current(state, key.cell, key.run).is_none_or(|it| it.queued.is_none()) {
        return;
    }
    leave_queue(state, key.cell);
    let it = &mut state.cells[key.cell as usize];
    it.submitted = Some(key);
    state.stages[it.stage as usize].busy_cells += 1;
    state.index.submitted.push(key.cell);
    state.index.live.insert(key, None);
}

pub(super) fn step_withdrawn(state: &mut JobState, key: AttemptKey) {
    if state.cells.get(key.cell as usize).is_none_or(|it| it.submitted != Some(key)) {
        return;
    }
    leave_submitted(state, key.cell);
    state.index.live.remove(&key);
    state.index.leads.remove(&key);
    let it = &mut state.cells[key.cell as usize];
    if state.stages[it.stage as usize].phase == StagePhase::Pending {
        // Its stage has not begun: only its number is left, for when it does.
        let nothing = Outcome::Skipped;
        it.phase = CellPhase::Finished { outcome: nothing, result: nothing, cause: None };
        return;
    }
    join_queue(state, key.cell);
    state.index.attention.insert(key.cell);
}

pub(super) fn step_started(state: &mut JobState, key: AttemptKey, at: Timestamp) {
    if current(state, key.cell, key.run).is_none() {
        return;
    }
    take_slot(state, key.cell);
    let plan = state.setting.plan.clone();
    let it = &mut state.cells[key.cell as usize];
    let model = &plan.playbook.stages[it.stage as usize].steps.steps[key.step as usize];
    let tree = &plan.playbook.stages[it.stage as usize].steps;
    // Undoing is cleanup: a cancel lets it go on.
    let is_cleanup = it.stop.is_some() || model.undoes.is_some();
    let is_late = tree.is_concurrent && together::is_late(it, tree, key.step as usize);
    match model.action {
        Action::Rollback => undo::begin(it),
        Action::Run { .. } => {
            if let Some(owner) = model.undoes {
                undo::began(it, owner);
            }
        }
        _ => {}
    }
    if super::sidecar::may_leave(tree, key.step) {
        it.needs_sweep = true;
        it.swept = false;
    }
    let step = &mut it.steps[key.step as usize];
    step.is_cleanup = is_cleanup;
    step.is_late = is_late;
    step.phase = StepPhase::Running;
    step.attempt = key.attempt;
    step.since.get_or_insert(at);
    step.attempt_since = Some(at);
    step.stop = None;
    step.lost = None;
    if model.action.is_run() {
        let stage = it.stage as usize;
        state.index.live.entry(key).or_insert(None);
        if state.stages[stage].cells.len() == 1 {
            super::launch::lead(state, key);
        }
    } else if tree.is_concurrent {
        rest_if_waiting(state, key.cell);
    }
    if let Some(limit) = model.timeout {
        state.index.deadlines.insert((at.after(limit), Deadline::Cell(key.cell)));
    }
    state.index.attention.insert(key.cell);
}

pub(super) fn step_stopping(state: &mut JobState, key: AttemptKey, rung: Rung, cause: Cause, at: Timestamp) {
    let Some(it) = current(state, key.cell, key.run) else { return };
    let stage = it.stage as usize;
    let step = &mut it.steps[key.step as usize];
    if step.attempt != key.attempt || step.phase != StepPhase::Running {
        return;
    }
    let cause = step.stop.take().map_or(cause, |earlier| earlier.cause);
    step.stop = Some(StepStop { since: at, rung, cause });
    if let Some(live) = state.index.live.get_mut(&key) {
        *live = Some(rung);
    }
    if rung == Rung::Polite {
        let grace = state.setting.plan.playbook.stages[stage].cancel.grace;
        state.index.deadlines.insert((at.after(grace), Deadline::Cell(key.cell)));
    }
    state.index.attention.insert(key.cell);
}

pub(super) fn step_retrying(state: &mut JobState, key: AttemptKey, until: Timestamp, left_running: u32) {
    if current(state, key.cell, key.run).is_none() {
        return;
    }
    state.index.live.remove(&key);
    state.index.leads.remove(&key);
    let it = &mut state.cells[key.cell as usize];
    it.needs_sweep |= left_running > 0;
    it.swept &= left_running == 0;
    let step = &mut it.steps[key.step as usize];
    step.phase = StepPhase::Waiting { until };
    step.stop = None;
    rest(state, key.cell);
    reset_members(state, key.cell, key.step);
    state.index.deadlines.insert((until, Deadline::Cell(key.cell)));
    state.index.attention.insert(key.cell);
}

pub(super) fn step_finished(state: &mut JobState, end: &StepEnd) {
    let key = end.key;
    if current(state, key.cell, key.run).is_none() {
        return;
    }
    state.index.live.remove(&key);
    state.index.leads.remove(&key);
    // A cell whose step ends while it waits to be tried again has no slot; it stays in the queue for its next step.
    let plan = state.setting.plan.clone();
    let it = &mut state.cells[key.cell as usize];
    let tree = &plan.playbook.stages[it.stage as usize].steps;
    let model = &tree.steps[key.step as usize];
    if end.left_running > 0 {
        it.needs_sweep = true;
        it.swept = false;
    }
    it.steps[key.step as usize].phase = StepPhase::Done(Box::new(StepDone {
        env: if model.background { end.env.clone() } else { Vec::new() },
        paths: if model.background { end.paths.clone() } else { Vec::new() },
        ..StepDone::of(end)
    }));
    match model.undoes {
        Some(owner) => undo::ended(state, key.cell, owner, end.outcome),
        // What runs in the background adds nothing before somebody has waited for it.
        None if model.background => {}
        None => {
            for (name, value) in &end.env {
                put(&mut it.env, name, value);
            }
            it.paths.extend(end.paths.iter().cloned());
            together::join(it, &joined_by(tree, key.step as usize));
        }
    }
    if model.undo.is_some() && end.outcome == Outcome::Success {
        undo::arm(state, end);
    }
    // A submitted try that was lost took a slot that nobody had left.
    let it = &state.cells[key.cell as usize];
    let has_too_many = state.index.slots_taken > state.setting.plan.slots && it.holds_slot;
    if has_too_many {
        rest(state, key.cell);
    } else if tree.is_concurrent {
        rest_if_waiting(state, key.cell);
    }
    settle_members(state, key.cell, key.step);
    state.index.attention.insert(key.cell);
}

/// A cell in which nothing runs gives its slot up while a step of it waits to be tried again, or people are asked.
pub(super) fn rest(state: &mut JobState, cell: u32) {
    if state.live_of(cell).next().is_none() && !super::gate::is_held(state, cell) {
        free_slot(state, cell);
        super::share::give_up(state, cell);
        join_queue(state, cell);
    }
}

fn rest_if_waiting(state: &mut JobState, cell: u32) {
    let it = &state.cells[cell as usize];
    let waits = |it: &StepState| matches!(it.phase, StepPhase::Waiting { .. });
    if it.asking_since.is_some() || it.steps.iter().any(waits) {
        rest(state, cell);
    }
}

/// Returns the background steps whose results are taken over at the end of a step.
fn joined_by(tree: &StepTree, step: usize) -> Vec<usize> {
    match &tree.steps[step] {
        // Only one that can be tried again has waited for them.
        model if model.action.has_members() && model.retry.is_some() => {
            together::background_inside(tree, step)
        }
        model => together::targets(tree, &model.action).to_vec(),
    }
}

/// Sets a variable, in its old place if it has one.
pub(super) fn put(env: &mut Vec<(Arc<str>, Arc<str>)>, name: &Arc<str>, value: &Arc<str>) {
    match env.iter_mut().find(|(known, _)| known == name) {
        Some(earlier) => earlier.1 = value.clone(),
        None => env.push((name.clone(), value.clone())),
    }
}

/// Marks what has not run inside a finished block as skipped. What runs on in the background does so.
pub(super) fn settle_members(state: &mut JobState, cell: u32, step: u32) {
    for_members(state, cell, step, &|model, it| {
        if it.done().is_none() && !(model.background && it.is_open()) {
            it.phase = StepPhase::Done(Box::new(StepDone {
                outcome: Some(Outcome::Skipped),
                conclusion: Some(Outcome::Skipped),
                cause: Some(Cause::Earlier),
                ..StepDone::default()
            }));
        }
    });
}

fn reset_members(state: &mut JobState, cell: u32, step: u32) {
    for_members(state, cell, step, &|_, it| {
        *it = StepState { attempt: it.attempt, reruns: it.reruns, ..StepState::default() };
    });
}

fn for_members(state: &mut JobState, cell: u32, step: u32, change: &dyn Fn(&Step, &mut StepState)) {
    let plan = state.setting.plan.clone();
    let it = &mut state.cells[cell as usize];
    let tree = &plan.playbook.stages[it.stage as usize].steps;
    if !tree.steps[step as usize].action.has_members() {
        return;
    }
    for (at, member) in tree.steps.iter().enumerate() {
        if together::is_inside(tree, at, step as usize) {
            change(member, &mut it.steps[at]);
        }
    }
}
