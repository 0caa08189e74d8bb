//! Calls of playbooks while a job runs: a caller is a cell without steps, which ends with the stages that it called.
//!
//! Not here: how called stages come into the plan (`logic/plan/call.rs`), when a caller begins (`follow/calls.rs`), what
//! expressions see in them (`scope.rs`). Everything in here is asked of the plan and the state.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::event::{Cause, Outcome};
use super::scope::{JobScope, ListStatus, Standing};
use super::state::{CellPhase, Deadline, JobState, StagePhase};
use crate::logic::plan::inputs;
use crate::logic::playbook::call::{Call, GivenValue};
use crate::logic::time::Timestamp;
use crate::logic::value::Value;

#[cfg(test)]
#[path = "calls_tests.rs"]
mod tests;

/// One call while the job runs.
#[derive(Clone, Debug)]
pub struct FrameState {
    /// The cell that calls, once its stage has begun.
    pub cell: Option<u32>,
    /// The context `inputs`, from the start of that cell on.
    pub inputs: Value,
    /// Its stages that have not finished: ordinary ones, and those of its `finally`.
    pub open: [u32; 2],
    /// Start of the first stage of its `finally`.
    pub finally_since: Option<Timestamp>,
}

/// A stop that was asked for above a stage: of its caller, or of the job.
#[derive(Clone, Copy, Debug)]
pub(super) struct Over<'a> {
    pub force: bool,
    pub cause: &'a Cause,
}

/// Returns the frames of a plan before anything has run.
pub(super) fn frames(plan: &crate::logic::plan::Plan) -> Vec<FrameState> {
    let frames = plan.frames.iter().map(|frame| {
        let mut open = [0, 0];
        for &member in &frame.members {
            open[usize::from(plan.playbook.stages[member as usize].is_final)] += 1;
        }
        FrameState { cell: None, inputs: Value::Null, open, finally_since: None }
    });
    frames.collect()
}

fn frame_of(state: &JobState, stage: u32) -> Option<usize> {
    state.setting.plan.playbook.stages[stage as usize].frame.map(|frame| frame as usize)
}

/// Returns the cell that called the playbook of a stage, if it runs.
pub(super) fn caller_cell(state: &JobState, stage: u32) -> Option<u32> {
    let cell = state.frames[frame_of(state, stage)?].cell?;
    (state.cells[cell as usize].phase == CellPhase::Active).then_some(cell)
}

/// Says whether a stage belongs to a call that has not begun.
pub(super) fn waits_for_caller(state: &JobState, stage: u32) -> bool {
    frame_of(state, stage).is_some()
        && caller_cell(state, stage).is_none()
        && caller_end(state, stage).is_none()
}

/// Returns what became of the caller of a stage if the call is over: then its stages do not run any more.
pub(super) fn caller_end(state: &JobState, stage: u32) -> Option<(Outcome, Option<&Cause>)> {
    let frame = frame_of(state, stage)?;
    if let Some(cell) = state.frames[frame].cell
        && let CellPhase::Finished { outcome, cause, .. } = &state.cells[cell as usize].phase
    {
        return Some((*outcome, cause.as_ref()));
    }
    let caller = state.setting.plan.frames[frame].caller as usize;
    match (&state.stages[caller].phase, state.frames[frame].cell) {
        (StagePhase::Finished { outcome, cause, .. }, _) => Some((*outcome, cause.as_ref())),
        // Its cell was left out by the request.
        (StagePhase::Started { .. }, None) => Some((Outcome::Skipped, Some(&Cause::Selection))),
        _ => None,
    }
}

/// Says whether all that a stage of `finally` comes after has ended.
pub(super) fn is_final_due(state: &JobState, stage: u32) -> bool {
    match frame_of(state, stage) {
        None => state.ordinary_done(),
        Some(frame) => state.frames[frame].open[0] == 0,
    }
}

/// Returns what stops a stage from above. Stages of a `finally` go on, unless cleanup is ended, too.
pub(super) fn over(state: &JobState, stage: u32) -> Option<Over<'_>> {
    let is_final = state.setting.plan.playbook.stages[stage as usize].is_final;
    if frame_of(state, stage).is_none() {
        let cancel = state.cancel.as_ref().filter(|_| !is_final)?;
        return Some(Over { force: cancel.force, cause: &cancel.cause });
    }
    let cell = caller_cell(state, stage)?;
    let stop = state.cells[cell as usize].stop.as_ref()?;
    let force = is_forced(state, cell);
    (!is_final || force).then_some(Over { force, cause: &stop.cause })
}

/// Says whether somebody wants a cell, or what it belongs to, to end at once and without cleanup.
pub(super) fn is_forced(state: &JobState, cell: u32) -> bool {
    super::follow::is_forced(state, &state.cells[cell as usize])
}

/// The same for all cells of a stage, as far as its caller or the job says so.
pub(super) fn is_forced_from_above(state: &JobState, stage: u32) -> bool {
    if frame_of(state, stage).is_none() {
        let is_final = state.setting.plan.playbook.stages[stage as usize].is_final;
        return !is_final && state.cancel.as_ref().is_some_and(|cancel| cancel.force);
    }
    caller_cell(state, stage).is_some_and(|caller| is_forced(state, caller))
}

/// Returns the call of a cell: nothing if it has steps.
pub(super) fn of_cell(state: &JobState, cell: u32) -> Option<&Call> {
    let stage = state.cells[cell as usize].stage as usize;
    state.setting.plan.playbook.stages[stage].call.as_deref()
}

/// Says whether a stage calls a playbook.
pub(super) fn is_caller(state: &JobState, stage: u32) -> bool {
    state.setting.plan.playbook.stages[stage as usize].call.is_some()
}

/// Returns the frame that a cell has called.
pub(super) fn frame_called(state: &JobState, cell: u32) -> Option<u32> {
    let it = &state.cells[cell as usize];
    let frames = (0u32..).zip(&state.setting.plan.frames);
    let mut own = frames.filter(|(_, frame)| frame.caller == it.stage && frame.cell == it.id);
    own.next().map(|(at, _)| at)
}

/// Returns the stages that a stage calls, without those that they call.
pub(super) fn called(state: &JobState, stage: u32) -> impl Iterator<Item = u32> + '_ {
    let frames = state.setting.plan.frames.iter().filter(move |frame| frame.caller == stage);
    frames.flat_map(|frame| frame.members.iter().copied())
}

/// Returns a stage and all that it calls, directly or through others.
pub(super) fn with_called(state: &JobState, stage: u32) -> Vec<u32> {
    let mut all = vec![stage];
    let mut at = 0;
    while let Some(&next) = all.get(at) {
        if is_caller(state, next) {
            all.extend(called(state, next));
        }
        at += 1;
    }
    all
}

/// Returns the stages that a cell calls, without those that they call.
pub(super) fn members(state: &JobState, cell: u32) -> Vec<u32> {
    let frame = frame_called(state, cell);
    frame.map(|frame| state.setting.plan.frames[frame as usize].members.clone()).unwrap_or_default()
}

/// Returns the stages that a cell has called, with all that those call.
pub(super) fn below(state: &JobState, cell: u32) -> Vec<u32> {
    let Some(frame) = frame_called(state, cell) else { return Vec::new() };
    let members = &state.setting.plan.frames[frame as usize].members;
    members.iter().flat_map(|&member| with_called(state, member)).collect()
}

/// Returns the inputs of a call.
///
/// # Errors
/// Why a value of `with` cannot be had, or does not fit, in words.
pub(super) fn inputs(state: &JobState, cell: u32) -> Result<Value, String> {
    let stage = state.cells[cell as usize].stage as usize;
    let plan = &state.setting.plan;
    let (Some(call), Some(frame)) = (of_cell(state, cell), frame_called(state, cell)) else {
        return Ok(Value::Null);
    };
    let standing = Standing::Cell { cell, step: None, status: ListStatus::default() };
    let scope = JobScope::new(state, standing);
    let mut given = Vec::with_capacity(call.with.len());
    for it in &call.with {
        let json = match &it.value {
            GivenValue::Fixed(json) => json.clone(),
            GivenValue::Text(text) => {
                let value = text.template.eval_value(&scope);
                value.map_err(|error| format!("`with.{}`: {}", it.name, error.message))?.to_json()
            }
        };
        // An expression that comes to nothing gives nothing.
        if json.is_null() && matches!(it.value, GivenValue::Text(_)) {
            continue;
        }
        given.push((it.name.to_string(), json));
    }
    let callee = &plan.frames[frame as usize].playbook;
    inputs::check_for(&format!("`./{}`", call.path), &callee.inputs, &given).map_err(|problems| {
        let all: Vec<String> = problems.into_iter().map(|it| it.message).collect();
        format!("`{}` cannot call `./{}`: {}", plan.playbook.stages[stage].id, call.path, all.join("; "))
    })
}

/// The cell of a caller begins: its stages may begin; part of `apply`.
pub(super) fn began(state: &mut JobState, cell: u32) {
    let Some(frame) = frame_called(state, cell) else { return };
    let inputs = inputs(state, cell).unwrap_or(Value::Null);
    let it = &mut state.frames[frame as usize];
    it.cell = Some(cell);
    it.inputs = inputs;
    release(state, frame);
}

/// Looks for stages of a call that may begin, or that end with it; part of `apply`.
pub(super) fn release(state: &mut JobState, frame: u32) {
    let plan = Arc::clone(&state.setting.plan);
    for &member in &plan.frames[frame as usize].members {
        if state.stages[member as usize].phase != StagePhase::Pending || waits_for_caller(state, member) {
            continue;
        }
        let is_over = caller_end(state, member).is_some();
        let needs = &plan.playbook.stages[member as usize].needs;
        let is_open = |&&need: &&usize| state.stages[need].outcome().is_none();
        let left = u32::try_from(needs.iter().filter(is_open).count()).unwrap_or(u32::MAX);
        state.stages[member as usize].needs_left = left;
        if left == 0 || is_over {
            state.index.ready.insert(member);
        }
    }
}

/// The cell of a caller has ended: what has not begun of its stages never will; part of `apply`.
pub(super) fn ended(state: &mut JobState, cell: u32) {
    if let Some(frame) = frame_called(state, cell) {
        state.frames[frame as usize].cell = Some(cell);
        release(state, frame);
    }
    let stage = state.cells[cell as usize].stage as usize;
    // Somebody may have waited for its place in `max-parallel`.
    state.index.attention.extend(state.stages[stage].cells.iter().copied());
}

/// A stage has begun its cells; part of `apply`.
pub(super) fn stage_began(state: &mut JobState, stage: u32, at: Timestamp) {
    let plan = Arc::clone(&state.setting.plan);
    if is_caller(state, stage) {
        for (frame, _) in (0u32..).zip(&plan.frames).filter(|(_, frame)| frame.caller == stage) {
            let id = &plan.frames[frame as usize].cell;
            let cells = &state.stages[stage as usize].cells;
            let cell = cells.iter().copied().find(|&cell| state.cells[cell as usize].id == *id);
            state.frames[frame as usize].cell = cell;
            release(state, frame);
        }
    }
    let model = &plan.playbook.stages[stage as usize];
    let Some(frame) = model.frame.filter(|_| model.is_final) else { return };
    let it = &mut state.frames[frame as usize];
    if it.finally_since.is_none() {
        it.finally_since = Some(at);
        let limit = plan.frames[frame as usize].playbook.policy.cleanup_timeout;
        state.index.deadlines.insert((at.after(limit), Deadline::Frame(frame)));
    }
}

/// A stage has finished; part of `apply`.
pub(super) fn stage_ended(state: &mut JobState, stage: u32) {
    let plan = Arc::clone(&state.setting.plan);
    let model = &plan.playbook.stages[stage as usize];
    if let Some(frame) = model.frame {
        let it = &mut state.frames[frame as usize];
        let open = &mut it.open[usize::from(model.is_final)];
        *open = open.saturating_sub(1);
        state.index.attention.extend(it.cell);
    }
    if model.call.is_some() {
        for (frame, _) in (0u32..).zip(&plan.frames).filter(|(_, frame)| frame.caller == stage) {
            release(state, frame);
        }
    }
}

/// Draws attention to everything that a cell has called; part of `apply`.
pub(super) fn touch(state: &mut JobState, cell: u32) {
    for stage in below(state, cell) {
        let cells = state.stages[stage as usize].cells.clone();
        state.index.attention.extend(cells);
    }
}

/// Counts the frames again after stages were put back to their beginning; part of `apply`.
pub(super) fn count_again(state: &mut JobState) {
    let plan = Arc::clone(&state.setting.plan);
    for (at, frame) in plan.frames.iter().enumerate() {
        let mut open = [0, 0];
        let mut has_begun = false;
        for &member in &frame.members {
            let is_final = plan.playbook.stages[member as usize].is_final;
            let phase = &state.stages[member as usize].phase;
            has_begun |= is_final && *phase != StagePhase::Pending;
            if !matches!(phase, StagePhase::Finished { .. }) {
                open[usize::from(is_final)] += 1;
            }
        }
        let it = &mut state.frames[at];
        it.open = open;
        if !has_begun {
            it.finally_since = None;
        }
        if state.stages[frame.caller as usize].phase == StagePhase::Pending {
            it.cell = None;
        }
    }
}

/// Returns the stages whose result made their caller, or the job, come to that: the innermost ones.
pub(super) fn culprits(state: &JobState, frame: Option<u32>, wanted: Outcome) -> Vec<u32> {
    let stages = &state.setting.plan.playbook.stages;
    let mut found = Vec::new();
    for (at, model) in (0u32..).zip(stages) {
        if model.frame != frame || state.stages[at as usize].result() != Some(wanted) {
            continue;
        }
        let frames = (0u32..).zip(&state.setting.plan.frames).filter(|(_, it)| it.caller == at);
        let inner: Vec<u32> = frames.flat_map(|(inner, _)| culprits(state, Some(inner), wanted)).collect();
        if inner.is_empty() { found.push(at) } else { found.extend(inner) }
    }
    found
}

/// Returns what the ordinary members of a call come to, as a job comes to what its stages come to.
pub(super) fn conclusion(state: &JobState, frame: u32) -> Outcome {
    let members = &state.setting.plan.frames[frame as usize].members;
    let any = |wanted| members.iter().any(|&at| state.stages[at as usize].result() == Some(wanted));
    [Outcome::Failure, Outcome::Cancelled].into_iter().find(|&it| any(it)).unwrap_or(Outcome::Success)
}

/// Adds to a retry what comes with it: what its stages call, what called them, and the `finally` of each call.
pub(super) fn widen(
    state: &JobState,
    whole: &mut BTreeSet<u32>,
    partial: &mut BTreeSet<u32>,
    cells: &mut BTreeSet<u32>,
) {
    let plan = &state.setting.plan;
    if plan.frames.is_empty() {
        return;
    }
    loop {
        let before = (whole.len(), partial.len(), cells.len());
        for stage in whole.clone() {
            whole.extend(with_called(state, stage));
        }
        // A call that runs again in parts goes on, and what builds on it begins anew behind it.
        let touched: Vec<u32> = whole.iter().chain(partial.iter()).copied().collect();
        for stage in touched {
            let Some(frame) = plan.playbook.stages[stage as usize].frame else { continue };
            let it = &plan.frames[frame as usize];
            let is_final = |at: &u32| plan.playbook.stages[*at as usize].is_final;
            let is_touched = |at: &u32| whole.contains(at) || partial.contains(at);
            // Where nothing but cleanup runs again, what has failed of it does so alone.
            let only_finals = !it.members.iter().any(|at| !is_final(at) && is_touched(at));
            let finals =
                it.members.iter().filter(|at| is_final(at) && (!only_finals || !partial.contains(at)));
            let finals: Vec<u32> = finals.copied().collect();
            whole.extend(finals);
            if whole.contains(&it.caller) {
                continue;
            }
            let Some(cell) = state.frames[frame as usize].cell else { continue };
            if state.cells[cell as usize].outcome().is_some() {
                partial.insert(it.caller);
                cells.insert(cell);
            }
        }
        let roots = partial.iter().chain(whole.iter());
        let next: Vec<u32> =
            roots.flat_map(|&at| plan.stages[at as usize].needed_by.iter().copied()).collect();
        whole.extend(crate::logic::plan::dependents(&plan.stages, &next));
        if before == (whole.len(), partial.len(), cells.len()) {
            return;
        }
    }
}
