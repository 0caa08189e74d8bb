//! Who gets a slot next, and what is submitted before there is one.
//!
//! A submitted try is with the keeper, which begins it in the slot of a cell that has just succeeded. Its cell stays
//! queued until the keeper says so, and counts for the limits of its stage. Not here: the orders to the keeper.

use super::super::artifacts;
use super::super::decide::is_submitted;
use super::super::event::Event;
use super::super::progress::{self, Next, Pressure};
use super::super::report::{AttemptKey, Report};
use super::super::state::{CellPhase, JobState, StagePhase};
use super::super::{Input, launch, share};
use super::{moves, stages, stop};
use crate::logic::playbook::model::Action;
use crate::logic::time::Timestamp;

/// Gives free slots to those who wait, in order of priority.
pub(super) fn grant(state: &mut JobState, now: Timestamp) -> Option<Event> {
    if let Some(event) = begin_begun(state) {
        return Some(event);
    }
    if !share::job_has_all(state) {
        return None;
    }
    if state.index.slots_taken < state.setting.plan.slots
        && let Some(event) = grant_free(state, now)
    {
        return Some(event);
    }
    submit(state, now)
}

/// Gives the slot to the cell of a try that the keeper has begun.
pub(super) fn begin_begun(state: &JobState) -> Option<Event> {
    let key = state.index.begun?;
    (is_submitted(state, key) && has_stage(state, key.cell))
        .then_some(Event::CellStarted { cell: key.cell, run: key.run })
}

fn grant_free(state: &mut JobState, now: Timestamp) -> Option<Event> {
    let first = state.index.submitted.iter().find(|&&cell| has_stage(state, cell));
    if let Some(&cell) = first.filter(|&&cell| !is_recalled(state, cell)) {
        return Some(Event::CellStarted { cell, run: state.cells[cell as usize].run });
    }
    let waiting: Vec<u32> = state.index.queue.iter().map(|&(_, cell)| cell).take(GRANT_WINDOW).collect();
    let all = if waiting.len() == GRANT_WINDOW {
        state.index.queue.iter().map(|&(_, cell)| cell).collect()
    } else {
        waiting.clone()
    };
    for list in [&waiting, &all] {
        for &cell in list {
            if let Some(event) = grant_one(state, cell, now) {
                return if fits(state, cell) { Some(event) } else { None };
            }
        }
        if list.len() < GRANT_WINDOW {
            return None;
        }
    }
    None
}

/// Most queues are served from their head; only if it is blocked is the rest looked at.
const GRANT_WINDOW: usize = 16;

/// Says whether a cell that takes several slots has room. One that has not is not passed by others, so that its turn comes.
fn fits(state: &JobState, cell: u32) -> bool {
    let it = &state.cells[cell as usize];
    let width = if it.holds_slot { 0 } else { share::width(state, it.stage) };
    state.index.slots_taken + width <= state.setting.plan.slots.max(width)
}

fn grant_one(state: &mut JobState, cell: u32, now: Timestamp) -> Option<Event> {
    if is_full(state, cell) {
        return None;
    }
    let it = &state.cells[cell as usize];
    match it.phase {
        CellPhase::Queued { until } if until.is_none_or(|until| until <= now) && state.paused.is_none() => {
            Some(Event::CellStarted { cell, run: it.run })
        }
        CellPhase::Active => moves(state, cell, now, true),
        _ => None,
    }
}

/// Gives the keeper what comes next, so that a slot that comes free does not wait for the engine.
///
/// What is ready, if no slot is free for it, and else what will be. Only the head of the queue, and only if its first step
/// can run as it stands: what would be skipped, fails to evaluate or waits for a digest gets a slot in the ordinary way.
fn submit(state: &JobState, now: Timestamp) -> Option<Event> {
    let ahead = state.index.submitted.len();
    if ahead >= state.setting.ahead as usize || state.paused.is_some() {
        return None;
    }
    let is_full_up = state.index.slots_taken >= state.setting.plan.slots;
    if is_full_up && let Some((_, cell)) = first_in_line(state) {
        let it = &state.cells[cell as usize];
        let is_plain =
            it.shares.is_none() && share::width(state, it.stage) == 1 && !artifacts::has_any(state, it.stage);
        if it.phase != (CellPhase::Queued { until: None }) || is_unwanted(state, cell) || !is_plain {
            return None;
        }
        let Next::Start { step, status } = progress::next(state, cell, Pressure::None, now) else {
            return None;
        };
        let model = &state.setting.plan.playbook.stages[it.stage as usize].steps.steps[step as usize];
        let attempt = it.steps[step as usize].attempt + 1;
        let key = AttemptKey { cell, run: it.run, step, attempt };
        let is_ready = matches!(model.action, Action::Run { .. })
            && model.cache.is_none()
            && it.hashes.is_empty()
            && launch::check(state, key, status.into()).is_ok();
        return is_ready.then_some(Event::StepSubmitted { key });
    }
    // What is ready goes before what will be.
    let is_idle = state.index.queue.is_empty()
        && state.index.submitted.iter().all(|&cell| state.cells[cell as usize].after.is_some());
    if is_idle { stages::foresee(state) } else { None }
}

/// Takes note of the try that the keeper began by itself.
pub(in crate::logic::job) fn hear(state: &mut JobState, input: &Input) {
    state.index.begun = match input {
        Input::Report(Report::Exited(exit)) => exit.next.filter(|key| is_submitted(state, *key)),
        _ => None,
    };
}

/// Records the start of a try that the keeper began, right after that of its cell.
pub(super) fn begin_step(state: &mut JobState) -> Option<Event> {
    let key = state.index.begun?;
    let it = &state.cells[key.cell as usize];
    if it.phase != CellPhase::Active {
        return None;
    }
    state.index.begun = None;
    Some(Event::StepStarted { key })
}

/// Says whether the stage of a cell has begun.
fn has_stage(state: &JobState, cell: u32) -> bool {
    let stage = state.cells[cell as usize].stage as usize;
    state.stages[stage].phase != StagePhase::Pending
}

/// Says whether a submitted cell is to be taken back: it is not to run, or something more urgent waits.
pub(in crate::logic::job) fn is_recalled(state: &JobState, cell: u32) -> bool {
    let it = &state.cells[cell as usize];
    let stage = &state.stages[it.stage as usize];
    let rank = |cell: u32| {
        -i64::from(state.setting.plan.playbook.stages[state.cells[cell as usize].stage as usize].priority)
    };
    let is_idle = stage.phase == StagePhase::Pending
        && (stage.closure.unsuccessful
            || stage.skip.is_some()
            || it.after.is_none_or(|after| !state.index.live.contains_key(&after)));
    is_idle
        || state.paused.is_some()
        || first_in_line(state).is_some_and(|(head, _)| head < rank(cell))
        || (it.after.is_some() && state.index.submitted.iter().any(|&other| rank(other) < rank(cell)))
        || is_unwanted(state, cell)
}

/// Says whether a cell that has not begun never will: it is asked to stop, or left out.
fn is_unwanted(state: &JobState, cell: u32) -> bool {
    let it = &state.cells[cell as usize];
    it.stop.is_some() || stop::asked(state, cell).is_some()
}

/// The head of the queue, leaving out cells of stages that run as many as they may.
fn first_in_line(state: &JobState) -> Option<(i64, u32)> {
    state.index.queue.iter().take(GRANT_WINDOW).copied().find(|&(_, cell)| !is_full(state, cell))
}

pub(super) fn is_full(state: &JobState, cell: u32) -> bool {
    let stage = state.cells[cell as usize].stage as usize;
    let strategy = state.setting.plan.playbook.stages[stage].strategy.as_ref();
    strategy.and_then(|it| it.max_parallel).is_some_and(|limit| state.stages[stage].busy_cells >= limit)
}
