//! Cells that call a playbook: their beginning, their stop and their end. They have no steps and take no slot.
//!
//! Not here: what holds between callers and what they call (`../calls.rs`).

use std::sync::Arc;

use super::super::calls;
use super::super::decide::first_broken;
use super::super::event::{Cause, Event, Outcome};
use super::super::scope::{JobScope, Pairs, Standing};
use super::super::state::{CellPhase, JobState};
use super::{slots, stages, stop};
use crate::logic::time::Timestamp;

/// Says whether a cell calls a playbook.
pub(super) fn is_call(state: &JobState, cell: u32) -> bool {
    calls::of_cell(state, cell).is_some()
}

/// Returns a stage of a call's `finally` that has not ended though its time is over.
pub(super) fn late_cleanup(state: &JobState, frame: u32) -> Option<u32> {
    let members = state.setting.plan.frames[frame as usize].members.iter().copied();
    members.filter(|&at| state.setting.plan.playbook.stages[at as usize].is_final).find(|&at| {
        state.stages[at as usize].outcome().is_none() && state.stages[at as usize].cancel.is_none()
    })
}

/// Returns what becomes of a called stage whose call has ended, or never began.
pub(super) fn without_caller(state: &JobState, stage: u32) -> Option<(Outcome, Cause)> {
    let (outcome, cause) = calls::caller_end(state, stage)?;
    let frame = state.setting.plan.playbook.stages[stage as usize].frame?;
    let caller = state.setting.plan.frames[frame as usize].caller;
    let of_caller = || Cause::Needs { stages: vec![state.stage_name(caller).to_owned()] };
    Some(match outcome {
        Outcome::Cancelled => (Outcome::Cancelled, cause.cloned().unwrap_or_else(of_caller)),
        // Why the caller did not run is why this did not.
        Outcome::Skipped => (Outcome::Skipped, cause.cloned().unwrap_or_else(of_caller)),
        Outcome::Success | Outcome::Failure => (Outcome::Skipped, of_caller()),
    })
}

/// Returns the next event of a cell that calls a playbook.
pub(super) fn next(state: &JobState, cell: u32, now: Timestamp) -> Option<Event> {
    let it = &state.cells[cell as usize];
    let run = it.run;
    match it.phase {
        CellPhase::Finished { .. } => None,
        CellPhase::Queued { .. } => {
            let ended = if let Some(by) = &it.skip {
                Some((Outcome::Skipped, Cause::Order { by: by.clone() }))
            } else if let Some(stop) = &it.stop {
                Some((Outcome::Cancelled, stop.cause.clone()))
            } else {
                stop::asked(state, cell).map(|(_, cause)| (Outcome::Cancelled, cause))
            };
            match ended {
                Some((outcome, cause)) => Some(end(state, cell, outcome, Some(cause), Vec::new())),
                None if state.paused.is_some() || slots::is_full(state, cell) => None,
                None => Some(begin(state, cell)),
            }
        }
        CellPhase::Active => {
            let frame = calls::frame_called(state, cell);
            let is_done = frame.is_none_or(|frame| state.frames[frame as usize].open == [0, 0]);
            if is_done {
                return Some(finish(state, cell, frame));
            }
            let (rung, cause) = it.stop.is_none().then(|| stop::reason(state, cell, now)).flatten()?;
            Some(Event::CellStopping { cell, run, rung, cause })
        }
    }
}

fn begin(state: &JobState, cell: u32) -> Event {
    let inputs = match calls::inputs(state, cell) {
        Ok(inputs) => inputs,
        Err(message) => {
            return end(state, cell, Outcome::Failure, Some(Cause::Expression { message }), Vec::new());
        }
    };
    if let Some(frame) = calls::frame_called(state, cell) {
        let scope = JobScope::new(state, Standing::Frame(frame));
        scope.set("inputs", inputs);
        let pre = &state.setting.plan.frames[frame as usize].playbook.pre;
        if let Some(broken) = first_broken(&scope, pre) {
            return end(state, cell, Outcome::Failure, Some(broken), Vec::new());
        }
    }
    Event::CellStarted { cell, run: state.cells[cell as usize].run }
}

fn end(state: &JobState, cell: u32, outcome: Outcome, cause: Option<Cause>, outputs: Pairs) -> Event {
    let result = stages::result(state, cell, outcome);
    Event::CellFinished { cell, run: state.cells[cell as usize].run, outcome, result, cause, outputs }
}

/// Ends a caller as its stages ended, or as it was stopped.
fn finish(state: &JobState, cell: u32, frame: Option<u32>) -> Event {
    let it = &state.cells[cell as usize];
    let Some(frame) = frame else { return end(state, cell, Outcome::Success, None, Vec::new()) };
    let came_to = calls::conclusion(state, frame);
    let names = || {
        let culprits = calls::culprits(state, Some(frame), came_to).into_iter();
        culprits.map(|at| state.stage_name(at).to_owned()).take(20).collect()
    };
    let (mut outcome, mut cause) = match (&it.skip, &it.stop) {
        (Some(by), Some(_)) => (Outcome::Skipped, Some(Cause::Order { by: by.clone() })),
        (None, Some(stop)) if matches!(stop.cause, Cause::Timeout { .. }) => {
            (Outcome::Failure, Some(stop.cause.clone()))
        }
        (None, Some(stop)) => (Outcome::Cancelled, Some(stop.cause.clone())),
        _ if came_to == Outcome::Success => (Outcome::Success, None),
        _ => (came_to, Some(Cause::Member { names: names() })),
    };
    let callee = &state.setting.plan.frames[frame as usize].playbook;
    let scope = JobScope::new(state, Standing::Frame(frame));
    if outcome == Outcome::Success
        && let Some(broken) = first_broken(&scope, &callee.post)
    {
        (outcome, cause) = (Outcome::Failure, Some(broken));
    }
    let mut outputs = Vec::new();
    for output in &callee.outputs {
        match output.value.template.eval_text(&scope) {
            Ok(value) => outputs.push((output.name.clone(), Arc::from(value))),
            Err(error) if outcome == Outcome::Success => {
                (outcome, cause) = (Outcome::Failure, Some(Cause::Expression { message: error.message }));
            }
            Err(_) => {}
        }
    }
    end(state, cell, outcome, cause, outputs)
}
