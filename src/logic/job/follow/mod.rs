//! What the events imply now: one event at a time, until nothing follows.
//!
//! Not here: answers to inputs (`decide.rs`), the walk over a cell's steps (`progress.rs`).
//! Invariant: everything here is derived from the state, so a crash between any two events heals itself.
//! Deadlines and attention are only hints that are drained on the way; replay fills them again.

use super::event::{Cause, Event, Outcome, StepEnd};
use super::launch;
use super::order::Target;
use super::progress::{self, Next, Pressure};
use super::report::AttemptKey;
use super::scope::{JobScope, ListStatus, Standing};
use super::state::{CellPhase, Deadline, JobPhase, JobState};
use crate::logic::playbook::model::Action;
use crate::logic::time::Timestamp;

mod slots;
mod stages;
mod stop;

pub(super) use slots::{hear, is_recalled};
pub use stages::{conclusion, step_name};

/// Returns the next thing that follows, if anything does.
pub fn follow(state: &mut JobState, now: Timestamp) -> Option<Event> {
    if state.phase != JobPhase::Running {
        return None;
    }
    if let Some(event) = slots::begin_step(state).or_else(|| due(state, now)) {
        return Some(event);
    }
    while let Some(cell) = state.index.attention.pop_first() {
        if let Some(event) = cell_next(state, cell, now) {
            return Some(event);
        }
    }
    stages::finish_settled(state).or_else(|| stages::begin_ready(state)).or_else(|| slots::grant(state, now))
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
            Deadline::Job if state.cancel.is_none() && !state.ordinary_done() => {
                return Some(time_is_up(Target::Job, false, "job"));
            }
            Deadline::Finally => {
                let late = (0u32..).zip(&state.stages).find(|(at, stage)| {
                    state.setting.plan.playbook.stages[*at as usize].is_final
                        && stage.outcome().is_none()
                        && stage.cancel.is_none()
                });
                if let Some((stage, _)) = late {
                    state.index.deadlines.insert((at, deadline));
                    return Some(time_is_up(Target::Stage(stage), true, "cleanup"));
                }
            }
            Deadline::Job => {}
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
            } else {
                (Outcome::Cancelled, stop::reason(state, cell, now)?.1)
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
                && let Some((rung, cause)) = stop::reason(state, cell, now)
                && !matches!(progress::next(state, cell, Pressure::None, now), Next::End { .. })
            {
                return Some(Event::CellStopping { cell, run, rung, cause });
            }
            let pressure = stop::pressure(state, it, now);
            match it.live_key(cell) {
                Some(key) => stop::stop_live(state, key, pressure, now),
                None => advance(state, cell, pressure, now, it.holds_slot),
            }
        }
    }
}

/// Moves a cell on in which nothing runs.
fn advance(
    state: &mut JobState,
    cell: u32,
    pressure: Pressure,
    now: Timestamp,
    may_start: bool,
) -> Option<Event> {
    let run = state.cells[cell as usize].run;
    match progress::next(state, cell, pressure, now) {
        Next::Busy => None,
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
            if !may_start || (state.paused.is_some() && pressure == Pressure::None) {
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
            Some(stages::finish_cell(state, cell, failed, pressure, now))
        }
    }
}

fn start(state: &mut JobState, cell: u32, step: u32, status: ListStatus) -> Option<Event> {
    let it = &state.cells[cell as usize];
    let key = AttemptKey { cell, run: it.run, step, attempt: it.steps[step as usize].attempt + 1 };
    let model = &state.setting.plan.playbook.stages[it.stage as usize].steps.steps[step as usize];
    if matches!(model.action, Action::Run { .. })
        && let Err(error) = launch::check(state, key, status)
    {
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
    match condition.condition.eval(&JobScope::new(state, standing)) {
        Ok(true) => Outcome::Success,
        _ => outcome,
    }
}
