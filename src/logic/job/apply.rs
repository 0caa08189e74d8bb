//! Events into state and its indexes. Total and infallible: an event that does not fit changes nothing.
//!
//! Not here: events of steps (`apply_steps.rs`), whether an event may happen (`decide.rs`, `follow.rs`).

use std::sync::Arc;

use super::apply_steps::{
    leave_submitted, settle_members, step_finished, step_retrying, step_started, step_stopping,
    step_submitted, step_withdrawn,
};
pub(super) use super::apply_steps::{put, rest};
use super::artifacts::Parcels;
use super::effect::Rung;
use super::event::{Cause, Event, NewCell, Outcome};
use super::order::Target;
use super::report::AttemptKey;
use super::state::{
    CancelState, CellPhase, CellState, CellStop, Deadline, JobPhase, JobState, StagePhase, StepDone,
    StepPhase, StepState,
};
use super::undo::Saga;
use super::{artifacts, cached, calls, repeat, undo};
use crate::logic::playbook::model::RunWhen;
use crate::logic::time::Timestamp;

/// Folds one event into the state. `at` is the event's recorded time.
pub fn apply(state: &mut JobState, event: &Event, at: Timestamp) {
    super::freeze::before(state, event, at);
    let clock = super::freeze::clock(state, at);
    let is_second = repeat::is_second(state, event);
    cached::note(state, event);
    fold(state, event, clock);
    repeat::note(state, event, is_second);
    super::freeze::after(state, event, at);
}

fn fold(state: &mut JobState, event: &Event, at: Timestamp) {
    match event {
        Event::JobStarted { .. }
        | Event::JobPaused { .. }
        | Event::JobResumed { .. }
        | Event::JobRecovered { .. }
        | Event::JobRetrying { .. }
        | Event::JobFinished { .. }
        | Event::CancelAsked { .. }
        | Event::SkipAsked { .. }
        | Event::SkipWithdrawn { .. }
        | Event::OrderRefused { .. }
        | Event::OrderNoted { .. }
        | Event::CacheWaits { .. }
        | Event::RollbackAsked { .. } => apply_job(state, event, at),
        Event::StageStarted { stage, cells } => stage_started(state, *stage, cells, at),
        Event::StageSubmitted { stage, cell, key, after } => {
            stage_submitted(state, *stage, cell, *key, *after);
        }
        Event::StageFinished { stage, outcome, result, cause } => {
            stage_finished(state, *stage, *outcome, *result, cause.clone(), at);
        }
        Event::CellStarted { .. }
        | Event::CellStopping { .. }
        | Event::CellRetrying { .. }
        | Event::CellSwept { .. }
        | Event::CellFinished { .. }
        | Event::Hashed { .. } => apply_cell(state, event, at),
        Event::StepSubmitted { key } => step_submitted(state, *key),
        Event::StepWithdrawn { key } => step_withdrawn(state, *key),
        Event::StepStarted { key } => step_started(state, *key, at),
        Event::StepStopping { key, rung, cause } => step_stopping(state, *key, *rung, cause.clone(), at),
        Event::StepRetrying { key, until, cause, left_running, rerun, .. } => {
            step_retrying(state, *key, *until, *left_running);
            if *rerun {
                super::gate::lose(state, *key, cause.as_ref());
            }
        }
        Event::StepFinished(end) => step_finished(state, end),
        Event::StepSkipped { cell, run, step, cause } => {
            if let Some(it) = current(state, *cell, *run) {
                let done = StepDone {
                    outcome: Some(Outcome::Skipped),
                    conclusion: Some(Outcome::Skipped),
                    cause: Some(cause.clone()),
                    ..StepDone::default()
                };
                it.steps[*step as usize].phase = StepPhase::Done(Box::new(done));
                settle_members(state, *cell, *step);
                state.index.attention.insert(*cell);
            }
        }
        Event::Annotated { key, .. } => *state.index.annotated.entry(*key).or_default() += 1,
        Event::GateOpened(_)
        | Event::GateAnswered(_)
        | Event::GateApproved(_)
        | Event::GateRejected(_)
        | Event::GateExpired { .. }
        | Event::GateWithdrawn { .. }
        | Event::GateReminded { .. } => super::gate::apply(state, event, at),
        Event::JobQueued { .. }
        | Event::CellQueued { .. }
        | Event::ClaimsBlocked { .. }
        | Event::ClaimsHeld { .. }
        | Event::ClaimsLost { .. } => super::share::apply(state, event, at),
        Event::CacheHit { .. } | Event::CacheMissed { .. } | Event::CacheKept { .. } => {
            cached::apply(state, event);
        }
        Event::ArtifactsTaken { .. }
        | Event::ArtifactPublished { .. }
        | Event::ArtifactEmpty { .. }
        | Event::ArtifactsFailed { .. } => artifacts::apply(state, event),
    }
}

fn apply_job(state: &mut JobState, event: &Event, at: Timestamp) {
    match event {
        Event::JobStarted { attempt, .. } => {
            state.phase = JobPhase::Running;
            state.attempt = *attempt;
            clock_starts(state, at);
        }
        Event::JobPaused { .. } => state.paused = Some(at),
        Event::JobResumed { .. } => {
            state.paused = None;
            touch_all(state);
            super::gate::watch_all(state);
        }
        Event::JobRecovered { .. } => artifacts::recovered(state),
        Event::JobRetrying { scope, stages, cells, attempt, by, .. } => {
            super::steer::reset(state, scope, stages, cells);
            state.rerun_by = Some(by.clone());
            state.attempt = *attempt;
            let waits = !matches!(state.phase, JobPhase::Running) && super::share::job_asks(state);
            state.phase = if waits { JobPhase::Queued } else { JobPhase::Running };
            state.cancel = None;
            state.finally_since = None;
            if !waits {
                clock_starts(state, at);
            }
        }
        Event::JobFinished { outcome, cause, .. } => {
            state.phase = JobPhase::Finished { outcome: *outcome, cause: cause.clone(), at };
            state.index.deadlines.clear();
            state.paused = None;
            state.shares = None;
        }
        Event::CancelAsked { target, force, by, cause, .. } => {
            let cause = cause.clone().unwrap_or_else(|| Cause::Order { by: by.clone() });
            cancel_asked(state, target, *force, cause, at);
        }
        Event::SkipAsked { by, target, force, .. } => skip_asked(state, target, *force, by),
        Event::SkipWithdrawn { target, .. } => match target {
            Target::Job => {}
            Target::Stage(stage) => state.stages[*stage as usize].skip = None,
            Target::Cell(cell) => {
                state.cells[*cell as usize].skip = None;
                for stage in calls::below(state, *cell) {
                    state.stages[stage as usize].skip = None;
                }
                state.index.attention.insert(*cell);
            }
        },
        Event::RollbackAsked { cells, on_failure, .. } => {
            undo::begin_whole(state, cells, *on_failure, at);
        }
        _ => {}
    }
}

/// Its limit counts from now on.
pub(super) fn clock_starts(state: &mut JobState, at: Timestamp) {
    state.started = at;
    if let Some(limit) = state.setting.plan.playbook.policy.timeout {
        state.index.deadlines.insert((at.after(limit), Deadline::Job));
    }
}

pub(super) fn touch_all(state: &mut JobState) {
    for cell in 0u32.. {
        let Some(it) = state.cells.get(cell as usize) else { break };
        if !matches!(it.phase, CellPhase::Finished { .. }) {
            state.index.attention.insert(cell);
        }
    }
}

fn cancel_asked(state: &mut JobState, target: &Target, force: bool, cause: Cause, at: Timestamp) {
    let ask = |slot: &mut Option<CancelState>| match slot {
        Some(earlier) => earlier.force |= force,
        None => *slot = Some(CancelState { since: at, force, cause: cause.clone() }),
    };
    match target {
        Target::Job => {
            ask(&mut state.cancel);
            touch_all(state);
        }
        Target::Stage(stage) => {
            ask(&mut state.stages[*stage as usize].cancel);
            let cells = state.stages[*stage as usize].cells.clone();
            for &cell in &cells {
                calls::touch(state, cell);
            }
            state.index.attention.extend(cells);
        }
        Target::Cell(cell) => {
            calls::touch(state, *cell);
            let it = &mut state.cells[*cell as usize];
            let rung = if force { Rung::Kill } else { Rung::Polite };
            match &mut it.stop {
                Some(stop) => stop.rung = stop.rung.max(rung),
                None => it.stop = Some(CellStop { since: at, rung, cause }),
            }
            state.index.attention.insert(*cell);
        }
    }
    undo::limit(state, at);
}

fn skip_asked(state: &mut JobState, target: &Target, force: bool, by: &str) {
    let cells = match target {
        Target::Job => return,
        Target::Stage(stage) => {
            state.stages[*stage as usize].skip = Some(by.to_owned());
            state.stages[*stage as usize].cells.clone()
        }
        Target::Cell(cell) => vec![*cell],
    };
    for cell in cells {
        let it = &mut state.cells[cell as usize];
        match &mut it.stop {
            // What stops for another reason counts as that; what is skipped already stops harder.
            Some(stop) if force && it.skip.is_some() => stop.rung = Rung::Kill,
            Some(_) => {}
            None => it.skip = Some(by.to_owned()),
        }
        state.index.attention.insert(cell);
        // What it calls is left out with it; cleanup is not.
        for member in calls::members(state, cell) {
            if !state.setting.plan.playbook.stages[member as usize].is_final {
                skip_asked(state, &Target::Stage(member), force, by);
            }
        }
    }
}

fn new_cell(state: &JobState, stage: u32, new: &NewCell, position: (u32, u32)) -> CellState {
    let steps = state.setting.plan.playbook.stages[stage as usize].steps.steps.len();
    CellState {
        stage,
        id: new.id.clone(),
        label: new.label.clone(),
        matrix: new.matrix.clone(),
        position,
        run: new.run,
        phase: CellPhase::Queued { until: None },
        steps: vec![StepState::default(); steps],
        holds_slot: false,
        stop: None,
        needs_sweep: false,
        swept: false,
        survivors: Vec::new(),
        since: None,
        cleanup_until: None,
        env: Vec::new(),
        paths: Vec::new(),
        outputs: Vec::new(),
        hashes: Vec::new(),
        hash_wanted: None,
        skip: state.stages[stage as usize].skip.clone(),
        queued: None,
        submitted: None,
        after: None,
        asking_since: None,
        saga: Saga::default(),
        shares: None,
        cached: None,
        parcels: Parcels::default(),
        is_anew: state.stages[stage as usize].is_anew,
    }
}

fn stage_submitted(state: &mut JobState, stage: u32, new: &NewCell, key: AttemptKey, after: AttemptKey) {
    if state.stages[stage as usize].phase != StagePhase::Pending || new.cell as usize != state.cells.len() {
        return;
    }
    let cell = CellState { submitted: Some(key), after: Some(after), ..new_cell(state, stage, new, (0, 1)) };
    state.cells.push(cell);
    let it = &mut state.stages[stage as usize];
    it.foreseen = Some(new.cell);
    it.busy_cells += 1;
    state.index.submitted.push(new.cell);
    state.index.led.insert(after);
    state.index.live.insert(key, None);
    super::launch::lead(state, key);
}

fn stage_started(state: &mut JobState, stage: u32, cells: &[NewCell], at: Timestamp) {
    let n = u32::try_from(cells.len()).unwrap_or(u32::MAX);
    for (position, new) in (0u32..).zip(cells) {
        let mut cell = new_cell(state, stage, new, (position, n));
        match state.cells.get_mut(new.cell as usize) {
            Some(earlier) => {
                (cell.submitted, cell.after) = (earlier.submitted, earlier.after);
                cell.saga.armed = std::mem::take(&mut earlier.saga.armed);
                *earlier = cell;
            }
            None => state.cells.push(cell),
        }
        if state.cells[new.cell as usize].submitted.is_none() {
            join_queue(state, new.cell);
        }
        state.index.attention.insert(new.cell);
    }
    let model = &state.setting.plan.playbook.stages[stage as usize];
    let by_needs = model.condition.is_none() && model.run_when == RunWhen::AllSuccess;
    let it = &mut state.stages[stage as usize];
    it.is_unfounded = it.foreseen.take().is_some() && by_needs && it.closure.unsuccessful;
    let it = &mut state.stages[stage as usize];
    it.phase = StagePhase::Started { since: at };
    it.cells = cells.iter().map(|c| c.cell).collect();
    it.open_cells = n;
    state.index.ready.remove(&stage);
    if n == 0 {
        state.index.settled.insert(stage);
    }
    let model = &state.setting.plan.playbook.stages[stage as usize];
    if model.is_final && model.frame.is_none() && state.finally_since.is_none() {
        state.finally_since = Some(at);
        let limit = state.setting.plan.playbook.policy.cleanup_timeout;
        state.index.deadlines.insert((at.after(limit), Deadline::Finally));
    }
    calls::stage_began(state, stage, at);
}

fn stage_finished(
    state: &mut JobState,
    stage: u32,
    outcome: Outcome,
    result: Outcome,
    cause: Option<Cause>,
    _at: Timestamp,
) {
    let waived = matches!(cause, Some(Cause::Selection | Cause::Order { .. } | Cause::Expired { .. }))
        && outcome == Outcome::Skipped;
    let plan = state.setting.plan.clone();
    state.index.ready.remove(&stage);
    state.index.settled.remove(&stage);
    let it = &mut state.stages[stage as usize];
    if matches!(it.phase, StagePhase::Finished { .. }) {
        return;
    }
    it.phase = StagePhase::Finished { outcome, result, cause, waived };
    let own = it.closure;
    state.index.open_stages[usize::from(plan.stages[stage as usize].is_last)] -= 1;
    for &dependent in &plan.stages[stage as usize].needed_by {
        let it = &mut state.stages[dependent as usize];
        it.needs_left = it.needs_left.saturating_sub(1);
        it.closure.failed |= own.failed || result == Outcome::Failure;
        it.closure.unsuccessful |= own.unsuccessful || (result != Outcome::Success && !waived);
        if it.needs_left == 0 && it.phase == StagePhase::Pending {
            state.index.ready.insert(dependent);
        }
    }
    calls::stage_ended(state, stage);
}

/// Returns the cell if that run of it is the current one and has not finished.
pub(super) fn current(state: &mut JobState, cell: u32, run: u32) -> Option<&mut CellState> {
    let it = state.cells.get_mut(cell as usize)?;
    (it.run == run && !matches!(it.phase, CellPhase::Finished { .. })).then_some(it)
}

fn apply_cell(state: &mut JobState, event: &Event, at: Timestamp) {
    match event {
        Event::CellStarted { cell, run } => {
            if state.cells.get(*cell as usize).is_none() {
                return;
            }
            // The start of its step makes it live again, and is recorded together with this.
            if let Some(key) = leave_submitted(state, *cell) {
                state.index.live.remove(&key);
            }
            let it = &mut state.cells[*cell as usize];
            it.run = *run;
            it.phase = CellPhase::Active;
            it.since = Some(at);
            let limit = state.setting.plan.playbook.stages[it.stage as usize].timeout;
            state.index.deadlines.insert((at.after(limit), Deadline::Cell(*cell)));
            take_slot(state, *cell);
            calls::began(state, *cell);
        }
        Event::CellStopping { cell, run, rung, cause } => {
            let Some(it) = current(state, *cell, *run) else { return };
            let since = it.stop.as_ref().map_or(at, |s| s.since);
            it.stop = Some(CellStop { since, rung: *rung, cause: cause.clone() });
            let stage = it.stage as usize;
            let limit = state.setting.plan.playbook.stages[stage].cleanup_timeout;
            let until = at.after(limit);
            state.cells[*cell as usize].cleanup_until.get_or_insert(until);
            state.index.deadlines.insert((until, Deadline::Cell(*cell)));
            calls::touch(state, *cell);
        }
        Event::CellRetrying { cell, run, until, .. } => {
            if current(state, *cell, *run).is_none() {
                return;
            }
            free_slot(state, *cell);
            restart_cell(state, *cell, Some(*until));
        }
        Event::CellSwept { cell, run, survivors, .. } => {
            let Some(it) = current(state, *cell, *run) else { return };
            it.swept = true;
            it.survivors.clone_from(survivors);
            state.index.sweeping.remove(cell);
        }
        Event::CellFinished { cell, run, outcome, result, cause, outputs } => {
            cell_finished(state, (*cell, *run), (*outcome, *result), cause.as_ref(), outputs);
            calls::ended(state, *cell);
            return;
        }
        Event::Hashed { cell, run, patterns, digest } => {
            let Some(it) = current(state, *cell, *run) else { return };
            it.hashes.push((patterns.clone(), digest.clone()));
            it.hash_wanted = None;
            state.index.hashing.remove(cell);
        }
        _ => return,
    }
    if let Event::CellStarted { cell, .. }
    | Event::CellStopping { cell, .. }
    | Event::CellRetrying { cell, .. }
    | Event::CellSwept { cell, .. }
    | Event::Hashed { cell, .. } = event
    {
        state.index.attention.insert(*cell);
    }
}

/// Puts a cell back to its beginning, one run later, and into the queue.
pub(super) fn restart_cell(state: &mut JobState, cell: u32, until: Option<Timestamp>) {
    let it = &mut state.cells[cell as usize];
    it.run += 1;
    it.phase = CellPhase::Queued { until };
    it.steps = vec![StepState::default(); it.steps.len()];
    it.saga = Saga { armed: std::mem::take(&mut it.saga.armed), ..Saga::default() };
    it.stop = None;
    it.needs_sweep = false;
    it.swept = false;
    it.survivors.clear();
    it.cleanup_until = None;
    it.env.clear();
    it.paths.clear();
    it.outputs.clear();
    it.hashes.clear();
    it.hash_wanted = None;
    it.skip = None;
    it.asking_since = None;
    it.cached = None;
    it.parcels = Parcels::default();
    artifacts::forget(state, cell);
    cached::forget(state, cell);
    super::share::forget(state, cell);
    join_queue(state, cell);
    state.index.attention.insert(cell);
    if let Some(until) = until {
        state.index.deadlines.insert((until, Deadline::Cell(cell)));
    }
}

fn cell_finished(
    state: &mut JobState,
    (cell, run): (u32, u32),
    (outcome, result): (Outcome, Outcome),
    cause: Option<&Cause>,
    outputs: &[(Arc<str>, Arc<str>)],
) {
    if current(state, cell, run).is_none() {
        return;
    }
    free_slot(state, cell);
    leave_queue(state, cell);
    leave_submitted(state, cell);
    artifacts::forget(state, cell);
    cached::forget(state, cell);
    super::share::forget(state, cell);
    let it = &mut state.cells[cell as usize];
    it.phase = CellPhase::Finished { outcome, result, cause: cause.cloned() };
    it.outputs = outputs.to_vec();
    it.saga.before = it.saga.whole.take().filter(|_| matches!(cause, Some(Cause::NotUndone { .. })));
    let stage = it.stage;
    state.index.rolling.remove(&cell);
    state.index.attention.extend(state.index.rolling.iter().copied());
    if let Some(since) = it.since {
        let limit = state.setting.plan.playbook.stages[stage as usize].timeout;
        state.index.deadlines.remove(&(since.after(limit), Deadline::Cell(cell)));
    }
    state.index.attention.remove(&cell);
    state.index.sweeping.remove(&cell);
    state.index.hashing.remove(&cell);
    let fails_fast =
        state.setting.plan.playbook.stages[stage as usize].strategy.as_ref().is_some_and(|s| s.fail_fast);
    let it = &mut state.stages[stage as usize];
    it.open_cells = it.open_cells.saturating_sub(1);
    if it.open_cells == 0 {
        state.index.settled.insert(stage);
    }
    let it = &mut state.stages[stage as usize];
    if result == Outcome::Failure && fails_fast && it.failed_fast.is_none() {
        it.failed_fast = Some(cell);
        let cells = it.cells.clone();
        state.index.attention.extend(cells);
    }
}

pub(super) fn take_slot(state: &mut JobState, cell: u32) {
    leave_queue(state, cell);
    let width = super::share::width(state, state.cells[cell as usize].stage);
    let it = &mut state.cells[cell as usize];
    if !it.holds_slot {
        it.holds_slot = true;
        state.index.slots_taken += width;
        state.stages[it.stage as usize].busy_cells += 1;
    }
}

pub(super) fn free_slot(state: &mut JobState, cell: u32) {
    let width = super::share::width(state, state.cells[cell as usize].stage);
    let it = &mut state.cells[cell as usize];
    if it.holds_slot {
        it.holds_slot = false;
        state.index.slots_taken = state.index.slots_taken.saturating_sub(width);
        let stage = &mut state.stages[it.stage as usize];
        stage.busy_cells = stage.busy_cells.saturating_sub(1);
    }
}

pub(super) fn join_queue(state: &mut JobState, cell: u32) {
    // Whoever calls a playbook takes no slot.
    let is_caller = calls::of_cell(state, cell).is_some();
    if is_caller || !super::share::has_all(state, cell) || cached::is_undecided(state, cell) {
        return;
    }
    let it = &mut state.cells[cell as usize];
    let entry = (-i64::from(state.setting.plan.playbook.stages[it.stage as usize].priority), cell);
    it.queued = Some(entry);
    state.index.queue.insert(entry);
}

pub(super) fn leave_queue(state: &mut JobState, cell: u32) {
    if let Some(entry) = state.cells[cell as usize].queued.take() {
        state.index.queue.remove(&entry);
    }
}
