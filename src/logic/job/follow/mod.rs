//! What the events imply now: one event at a time, until nothing follows.
//!
//! Not here: answers to inputs (`decide.rs`), the walk over a cell's steps (`progress.rs`).
//! Invariant: everything here is derived from the state, so a crash between any two events heals itself.
//! Deadlines and attention are only hints that are drained on the way; replay fills them again.

use super::artifacts::{self, Ruling as Parcel};
use super::cached::{self, Ruling};
use super::event::{Cause, Event, Outcome, StepEnd};
use super::launch;
use super::order::Target;
use super::progress::{self, Next, Pressure};
use super::report::AttemptKey;
use super::scope::{JobScope, ListStatus, Standing};
use super::share;
use super::state::{CellPhase, Deadline, JobPhase, JobState};
use super::{together, undo};
use crate::logic::time::Timestamp;

mod calls;
mod gates;
mod slots;
mod stages;
mod stop;

pub(super) use gates::failure as gate_failure;
pub(super) use slots::{hear, is_recalled};
pub use stages::{conclusion, step_name};
pub(super) use stop::{is_forced, stop_live};

/// Returns the next thing that follows, if anything does.
pub fn follow(state: &mut JobState, now: Timestamp) -> Option<Event> {
    if state.phase == JobPhase::Queued {
        return share::while_queued(state);
    }
    if state.phase != JobPhase::Running {
        return None;
    }
    if let Some(event) = slots::begin_step(state) {
        return Some(event);
    }
    // Of a frozen job only what the keeper has begun by itself goes on, and it is stopped then like all else.
    if state.frozen.is_some() {
        return stages::begin_begun(state).or_else(|| slots::begin_begun(state));
    }
    if let Some(event) = share::before_rollback(state).or_else(|| due(state, now)) {
        return Some(event);
    }
    while let Some(cell) = state.index.attention.pop_first() {
        if let Some(event) = cell_next(state, cell, now) {
            return Some(event);
        }
    }
    gates::next(state, now)
        .or_else(|| stages::finish_settled(state))
        .or_else(|| stages::begin_ready(state, now))
        .or_else(|| slots::grant(state, now))
}

/// Lets deadlines that have passed draw attention to their cells.
fn due(state: &mut JobState, now: Timestamp) -> Option<Event> {
    while let Some(&(at, deadline)) = state.index.deadlines.first() {
        if at > now {
            return None;
        }
        state.index.deadlines.pop_first();
        match deadline {
            Deadline::Cell(cell) => {
                state.index.attention.insert(cell);
            }
            Deadline::Job
                if state.cancel.is_none()
                    && !state.ordinary_done()
                    && super::freeze::is_job_over(state, now) =>
            {
                return Some(time_is_up(Target::Job, false, "job"));
            }
            Deadline::Finally => {
                let late = (0u32..).zip(&state.stages).find(|(at, stage)| {
                    let model = &state.setting.plan.playbook.stages[*at as usize];
                    model.is_final
                        && model.frame.is_none()
                        && stage.outcome().is_none()
                        && stage.cancel.is_none()
                });
                if let Some((stage, _)) = late {
                    state.index.deadlines.insert((at, deadline));
                    return Some(time_is_up(Target::Stage(stage), true, "cleanup"));
                }
            }
            Deadline::Frame(frame) => {
                if let Some(stage) = calls::late_cleanup(state, frame) {
                    state.index.deadlines.insert((at, deadline));
                    return Some(time_is_up(Target::Stage(stage), true, "cleanup"));
                }
            }
            // All open gates are looked at anyway.
            Deadline::Job | Deadline::Gate(_) => {}
        }
    }
    None
}

fn time_is_up(target: Target, force: bool, of: &str) -> Event {
    Event::CancelAsked {
        by: "sortie".to_owned(),
        order: String::new(),
        target,
        force,
        cause: Some(Cause::Timeout { of: of.to_owned() }),
    }
}

fn cell_next(state: &mut JobState, cell: u32, now: Timestamp) -> Option<Event> {
    if calls::is_call(state, cell) {
        return calls::next(state, cell, now);
    }
    let it = &state.cells[cell as usize];
    let run = it.run;
    match it.phase {
        CellPhase::Finished { .. } => None,
        // What was submitted is taken back first; whether it had begun by then, the keeper says.
        CellPhase::Queued { .. } if it.submitted.is_some() => None,
        CellPhase::Queued { .. } => {
            let (outcome, cause) = if let Some(by) = &it.skip {
                (Outcome::Skipped, Cause::Order { by: by.clone() })
            } else if let Some(stop) = &it.stop {
                (Outcome::Cancelled, stop.cause.clone())
            } else if let Some((_, cause)) = stop::reason(state, cell, now) {
                (Outcome::Cancelled, cause)
            } else {
                return match cached::before_cell(state, cell, now) {
                    Some(Ruling::Done) => stages::replayed(state, cell, now),
                    Some(Ruling::Wait) => None,
                    Some(Ruling::Say(event)) => Some(event),
                    None => share::before_cell(state, cell, now),
                };
            };
            Some(Event::CellFinished {
                cell,
                run,
                outcome,
                result: outcome,
                cause: Some(cause),
                outputs: Vec::new(),
            })
        }
        CellPhase::Active => {
            if it.stop.is_none()
                && it.saga.whole.is_none()
                && let Some((rung, cause)) = stop::reason(state, cell, now)
                && !matches!(progress::next(state, cell, Pressure::None, now), Next::End { .. })
            {
                return Some(Event::CellStopping { cell, run, rung, cause });
            }
            moves(state, cell, now, state.cells[cell as usize].holds_slot)
        }
    }
}

/// Returns the next event of an active cell: a try that is stopped, or else a step that begins or ends.
fn moves(state: &mut JobState, cell: u32, now: Timestamp, may_start: bool) -> Option<Event> {
    let it = &state.cells[cell as usize];
    if it.saga.whole.is_some() {
        return undo::follow(state, cell, now, may_start);
    }
    let pressure = stop::pressure(state, it, now);
    let is_concurrent = state.setting.plan.playbook.stages[it.stage as usize].steps.is_concurrent;
    let first = state.live_of(cell).next();
    if is_concurrent {
        let stopped = state.live_of(cell).find_map(|key| stop::stop_live(state, key, pressure, now));
        let stopped = stopped.or_else(|| together::overdue(state, cell, now));
        return stopped.or_else(|| advance(state, cell, pressure, now, may_start));
    }
    match first {
        Some(key) => stop::stop_live(state, key, pressure, now),
        None => advance(state, cell, pressure, now, may_start),
    }
}

/// Moves a cell on, in which nothing runs, or nothing that would be in the way.
fn advance(
    state: &mut JobState,
    cell: u32,
    pressure: Pressure,
    now: Timestamp,
    may_start: bool,
) -> Option<Event> {
    if cached::holds_rest(state, cell) {
        return None;
    }
    match artifacts::before_steps(state, cell, pressure) {
        Parcel::Go => {}
        Parcel::Wait => return None,
        Parcel::Say(event) => return Some(event),
        Parcel::End => return Some(stages::finish_cell(state, cell, true, pressure, now)),
    }
    let run = state.cells[cell as usize].run;
    match progress::next(state, cell, pressure, now) {
        Next::Busy => None,
        Next::Gate { step } => gates::of_step(state, cell, step, now),
        Next::Skip { step, cause } => Some(Event::StepSkipped { cell, run, step, cause }),
        Next::Fail { step, message } => Some(fail(state, cell, step, Cause::Expression { message })),
        Next::Conclude { step, failed, rescued, cancelled } => {
            Some(super::decide::conclude_block(state, cell, step, (failed, rescued, cancelled), now))
        }
        Next::Hash(patterns) => {
            state.cells[cell as usize].hash_wanted = Some(patterns);
            state.index.hashing.insert(cell);
            None
        }
        Next::Start { step, status } => {
            if !may_begin(state, pressure) {
                return None;
            }
            if let Some(event) = share::wants_back(state, cell) {
                return Some(event);
            }
            if !may_start {
                return None;
            }
            // What was lost is had again first; cleanup does not wait for it.
            if pressure == Pressure::None && !(share::has_all(state, cell) && share::job_has_all(state)) {
                return None;
            }
            if cached::holds_step(state, cell, step, pressure) {
                return None;
            }
            start(state, cell, step, status.into())
        }
        Next::End { failed } => {
            let it = &state.cells[cell as usize];
            if it.needs_sweep && !it.swept {
                state.index.sweeping.insert(cell);
                return None;
            }
            match artifacts::before_end(state, cell, failed, pressure) {
                Parcel::Go | Parcel::End => {}
                Parcel::Wait => return None,
                Parcel::Say(event) => return Some(event),
            }
            if cached::holds_end(state, cell, failed, pressure) {
                return None;
            }
            Some(stages::finish_cell(state, cell, failed, pressure, now))
        }
    }
}

/// Says whether a pause lets a step begin: only cleanup goes on through one.
pub(super) fn may_begin(state: &JobState, pressure: Pressure) -> bool {
    state.paused.is_none() || pressure != Pressure::None
}

/// Begins the next try of a step, if its texts can be evaluated.
pub(super) fn start(state: &mut JobState, cell: u32, step: u32, status: ListStatus) -> Option<Event> {
    let it = &state.cells[cell as usize];
    let key = AttemptKey { cell, run: it.run, step, attempt: it.steps[step as usize].attempt + 1 };
    let model = &state.setting.plan.playbook.stages[it.stage as usize].steps.steps[step as usize];
    let checked = match &model.composite {
        Some(_) => super::actions::check(state, cell, step),
        None if model.action.is_run() => launch::check(state, key, status),
        None => Ok(()),
    };
    if let Err(error) = checked {
        if let Some(patterns) = error.wanted_hash {
            state.cells[cell as usize].hash_wanted = Some(patterns);
            state.index.hashing.insert(cell);
            return None;
        }
        return Some(fail(state, cell, step, Cause::Expression { message: error.message }));
    }
    Some(Event::StepStarted { key })
}

fn fail(state: &JobState, cell: u32, step: u32, cause: Cause) -> Event {
    let it = &state.cells[cell as usize];
    let key = AttemptKey { cell, run: it.run, step, attempt: it.steps[step as usize].attempt };
    Event::StepFinished(Box::new(StepEnd {
        outcome: Outcome::Failure,
        conclusion: conclude(state, cell, step, Outcome::Failure),
        cause: Some(cause),
        ..StepEnd::new(key)
    }))
}

/// Returns what an outcome counts as, by the step's `continue-on-error`.
pub(super) fn conclude(state: &JobState, cell: u32, step: u32, outcome: Outcome) -> Outcome {
    let it = &state.cells[cell as usize];
    let model = &state.setting.plan.playbook.stages[it.stage as usize].steps.steps[step as usize];
    let Some(condition) = &model.continue_on_error else { return outcome };
    if outcome != Outcome::Failure {
        return outcome;
    }
    let standing = Standing::Cell { cell, step: Some(step), status: ListStatus::default() };
    match condition.condition.eval(&JobScope::new(state, standing).for_condition()) {
        Ok(true) => Outcome::Success,
        _ => outcome,
    }
}
