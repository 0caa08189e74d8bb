//! Clocks that stand still: while a job is frozen, and the job's own while a pause leaves it nothing to do.
//!
//! A freeze is a pause in which what runs is stopped as well. Its clock stands at the moment of the freeze: whatever is
//! recorded meanwhile is stored as of then, nothing follows but what has begun already, and when it ends every stored
//! time of what is not over moves by the time that passed. So it is a fold over events like all else, and survives a
//! crash. Not here: stopping processes (the keeper).

use std::time::Duration;

use super::event::Event;
use super::order::Target;
use super::share::Shares;
use super::state::{CellPhase, CellState, Deadline, JobPhase, JobState, StagePhase, StepPhase};
use crate::logic::time::Timestamp;

#[cfg(test)]
#[path = "freeze_tests.rs"]
mod tests;

/// Returns what the clock of the job shows at a time.
#[must_use]
pub(super) fn clock(state: &JobState, now: Timestamp) -> Timestamp {
    state.frozen.map_or(now, |since| since.min(now))
}

/// Lets the clock go on, if an event does that.
pub(super) fn before(state: &mut JobState, event: &Event, at: Timestamp) {
    let thaws = matches!(
        event,
        Event::JobResumed { .. } | Event::JobFinished { .. } | Event::CancelAsked { target: Target::Job, .. }
    );
    if let Some(since) = state.frozen.take_if(|_| thaws) {
        shift(state, at.since(since));
    }
}

/// Stops the clock, if an event does that; and counts for how long a paused job has nothing to do.
pub(super) fn after(state: &mut JobState, event: &Event, at: Timestamp) {
    if let Event::JobPaused { freeze: true, .. } = event {
        state.frozen.get_or_insert(at);
    }
    let runs = state.index.live.len() > state.index.submitted.len();
    let is_idle = state.phase == JobPhase::Running
        && state.paused.is_some()
        && state.frozen.is_none()
        && state.cancel.is_none()
        && !runs;
    match state.idle {
        None if is_idle => state.idle = Some(at),
        Some(since) if !is_idle => {
            state.idle = None;
            state.started = state.started.after(at.since(since));
            let limit = state.setting.plan.playbook.policy.timeout;
            let due =
                limit.filter(|_| state.phase == JobPhase::Running).map(|limit| state.started.after(limit));
            state.index.deadlines.extend(due.map(|at| (at, Deadline::Job)));
        }
        _ => {}
    }
}

/// Says whether the job's own time is over.
pub(super) fn is_job_over(state: &JobState, now: Timestamp) -> bool {
    let limit = state.setting.plan.playbook.policy.timeout;
    state.idle.is_none() && limit.is_some_and(|limit| state.started.after(limit) <= now)
}

/// Moves every stored time of what is not over.
fn shift(state: &mut JobState, by: Duration) {
    let later = |at: &mut Timestamp| *at = at.after(by);
    later(&mut state.started);
    state.finally_since.iter_mut().for_each(later);
    state.cancel.iter_mut().for_each(|it| later(&mut it.since));
    state.shares.iter_mut().for_each(|it| shift_shares(it, &later));
    for stage in &mut state.stages {
        if let StagePhase::Started { since } = &mut stage.phase {
            later(since);
        }
        stage.cancel.iter_mut().for_each(|it| later(&mut it.since));
    }
    for cell in &mut state.cells {
        shift_cell(cell, &later);
    }
    for &gate in &state.index.gates {
        let it = &mut state.gates[gate as usize];
        later(&mut it.since);
        later(&mut it.reminded);
        it.opened.until.iter_mut().for_each(later);
    }
    let deadlines = std::mem::take(&mut state.index.deadlines);
    state.index.deadlines = deadlines.into_iter().map(|(at, what)| (at.after(by), what)).collect();
}

fn shift_shares(shares: &mut Shares, later: &impl Fn(&mut Timestamp)) {
    later(&mut shares.since);
    shares.until.iter_mut().for_each(later);
}

fn shift_cell(cell: &mut CellState, later: &impl Fn(&mut Timestamp)) {
    match &mut cell.phase {
        CellPhase::Finished { .. } => return,
        CellPhase::Queued { until } => until.iter_mut().for_each(later),
        CellPhase::Active => {}
    }
    cell.since.iter_mut().for_each(later);
    cell.cleanup_until.iter_mut().for_each(later);
    cell.asking_since.iter_mut().for_each(later);
    cell.stop.iter_mut().for_each(|it| later(&mut it.since));
    cell.shares.iter_mut().for_each(|it| shift_shares(it, later));
    for step in &mut cell.steps {
        if let StepPhase::Waiting { until } = &mut step.phase {
            later(until);
        }
        if !matches!(step.phase, StepPhase::Done(_)) {
            let times = [&mut step.since, &mut step.attempt_since, &mut step.asking_since];
            times.into_iter().flatten().for_each(later);
            step.stop.iter_mut().for_each(|it| later(&mut it.since));
        }
    }
}
