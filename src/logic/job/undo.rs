//! Sagas: what can be undone, and the undoing of it, newest first and one at a time.
//!
//! An undo is armed by the event that records the success of its step, so both are safe together, and it stays armed
//! until it has succeeded itself: through retries, failures and crashes. It runs for a step with `rollback`, for a stage
//! with `rollback: on-failure`, or because a person asked. In the last two cases cells that had ended are active again;
//! then one undo runs at a time in all of them together, in the order in which they were armed.
//! Not here: the walk that comes upon a step with `rollback` (`progress.rs`).

use std::sync::Arc;

use super::apply::{free_slot, join_queue, put};
use super::effect::Rung;
use super::event::{Cause, Event, Outcome, StepEnd};
use super::follow::{may_begin, start, stop_live};
use super::order::{Refusal, Target};
use super::progress::Pressure;
use super::report::AttemptKey;
use super::scope::ListStatus;
use super::state::{CellPhase, CellState, Deadline, JobPhase, JobState, StagePhase, StageState, StepPhase};
use super::{share, together};
use crate::logic::playbook::model::StepTree;
use crate::logic::time::Timestamp;

#[cfg(test)]
#[path = "undo_tests.rs"]
mod tests;

/// What can be undone in a cell, and what was.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Saga {
    /// Undos of what has succeeded, oldest first; they stay through retries, until they have run.
    pub armed: Vec<Armed>,
    /// The number of the armed undo that runs.
    pub undoing: Option<u64>,
    /// The cell is rolled back after it had ended.
    pub whole: Option<Whole>,
    /// What it had come to before a rollback that could not undo everything, for the next one.
    pub before: Option<Whole>,
    /// Something of it was undone, and what that came to.
    pub undone: Option<Undone>,
}

/// A step that has succeeded and can be undone, with what its `undo` may need.
#[derive(Clone, Debug, PartialEq)]
pub struct Armed {
    /// Counts all that was armed in the job; the newest has the highest.
    pub number: u64,
    /// The step that succeeded.
    pub step: u32,
    /// Its undo was tried and has failed; the next rollback tries it again.
    pub has_failed: bool,
    pub outputs: Vec<(Arc<str>, Arc<str>)>,
    /// What steps had added by then, itself included.
    pub env: Vec<(Arc<str>, Arc<str>)>,
    pub paths: Vec<Arc<str>>,
}

/// What a cell had come to before it was rolled back.
#[derive(Clone, Debug, PartialEq)]
pub struct Whole {
    pub outcome: Outcome,
    pub result: Outcome,
    pub cause: Option<Cause>,
}

/// What undoing came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Undone {
    /// Everything that was tried has been undone.
    Done,
    /// Something could not be undone.
    Incomplete,
}

/// What a rollback does next.
pub(super) enum Next {
    /// An undo runs, or waits to be tried again.
    Busy,
    Start {
        step: u32,
    },
    /// An undo waits to be tried again, and there is no time for that.
    GiveUp {
        step: u32,
    },
    /// Nothing is left that could be tried.
    Done,
}

/// Returns the next move of a rollback in a cell.
pub(super) fn next(it: &CellState, tree: &StepTree, is_forced: bool, now: Timestamp) -> Next {
    let undos = (0u32..).zip(&tree.steps).filter(|(_, model)| model.undoes.is_some());
    for (step, _) in undos {
        match &it.steps[step as usize].phase {
            StepPhase::Running => return Next::Busy,
            StepPhase::Waiting { .. } if is_forced => return Next::GiveUp { step },
            StepPhase::Waiting { until } if *until <= now => return Next::Start { step },
            StepPhase::Waiting { .. } => return Next::Busy,
            StepPhase::Pending | StepPhase::Done(_) => {}
        }
    }
    match newest(it).filter(|_| !is_forced).and_then(|armed| tree.steps[armed.step as usize].undo) {
        Some(undo) => Next::Start { step: u32::try_from(undo).unwrap_or(u32::MAX) },
        None => Next::Done,
    }
}

/// Returns what is undone next.
fn newest(it: &CellState) -> Option<&Armed> {
    it.saga.armed.iter().rev().find(|armed| !armed.has_failed)
}

/// Returns what the undo of a step undoes: what it is at, or else what it would begin with.
pub(super) fn target(it: &CellState, owner: usize) -> Option<&Armed> {
    let is_current = |armed: &&Armed| Some(armed.number) == it.saga.undoing;
    let of_owner = |armed: &&Armed| armed.step as usize == owner && !armed.has_failed;
    it.saga.armed.iter().find(is_current).or_else(|| it.saga.armed.iter().rev().find(of_owner))
}

/// Returns the steps whose undo was tried and has failed.
pub(super) fn failed(it: &CellState) -> impl Iterator<Item = usize> {
    it.saga.armed.iter().rev().filter(|armed| armed.has_failed).map(|armed| armed.step as usize)
}

/// Returns why a cell cannot pass although its steps have: something of it could not be undone.
pub(super) fn incomplete(it: &CellState, tree: &StepTree) -> Option<Cause> {
    // After a rollback everything that is still armed could not be undone, or nobody let it.
    let left = it.saga.armed.iter().rev().map(|armed| armed.step as usize);
    let left: Vec<usize> = if it.saga.whole.is_some() { left.collect() } else { failed(it).collect() };
    let names = || left.iter().map(|&at| together::name(tree, at)).take(20).collect();
    (it.saga.undone == Some(Undone::Incomplete)).then(|| Cause::NotUndone { names: names() })
}

/// Arms the undo of a step that has succeeded; part of `apply`.
pub(super) fn arm(state: &mut JobState, end: &StepEnd) {
    state.armed += 1;
    let number = state.armed;
    let it = &mut state.cells[end.key.cell as usize];
    let (mut env, mut paths) = (it.env.clone(), it.paths.clone());
    for (name, value) in &end.env {
        put(&mut env, name, value);
    }
    for path in &end.paths {
        if !paths.contains(path) {
            paths.push(path.clone());
        }
    }
    let outputs = end.outputs.clone();
    it.saga.armed.push(Armed { number, step: end.key.step, has_failed: false, outputs, env, paths });
}

/// Takes note of what is undone now; part of `apply`.
pub(super) fn began(it: &mut CellState, owner: usize) {
    it.saga.undoing = target(it, owner).map(|armed| armed.number);
}

/// Takes note of the end of an undo; part of `apply`.
pub(super) fn ended(state: &mut JobState, cell: u32, owner: usize, outcome: Outcome) {
    let it = &mut state.cells[cell as usize];
    let number = target(it, owner).map(|armed| armed.number);
    it.saga.undoing = None;
    match outcome {
        Outcome::Success | Outcome::Skipped => it.saga.armed.retain(|armed| Some(armed.number) != number),
        Outcome::Failure => {
            for armed in it.saga.armed.iter_mut().filter(|armed| Some(armed.number) == number) {
                armed.has_failed = true;
            }
        }
        // It was killed: whoever did that wants no more of it now, and can ask for it later.
        Outcome::Cancelled => {}
    }
    let came_to = if outcome == Outcome::Success || outcome == Outcome::Skipped {
        Undone::Done
    } else {
        Undone::Incomplete
    };
    it.saga.undone = it.saga.undone.max(Some(came_to));
    if it.saga.whole.is_some() {
        // Whose turn is next is told by the numbers, not by who has the slot.
        free_slot(state, cell);
        share::settle_rollback(state);
        join_queue(state, cell);
        state.index.attention.extend(state.index.rolling.iter().copied());
    }
}

/// Lets what had failed be tried again; part of `apply`, at the beginning of a rollback.
pub(super) fn begin(it: &mut CellState) {
    it.saga.undone = None;
    for armed in &mut it.saga.armed {
        armed.has_failed = false;
    }
}

/// Makes cells that had ended active again, to be rolled back; part of `apply`.
pub(super) fn begin_whole(state: &mut JobState, cells: &[u32], on_failure: Option<u32>, at: Timestamp) {
    if let JobPhase::Finished { .. } = state.phase {
        state.phase = JobPhase::Running;
        state.cancel = None;
    }
    let plan = state.setting.plan.clone();
    for &cell in cells {
        let it = &mut state.cells[cell as usize];
        let CellPhase::Finished { outcome, result, cause } = &it.phase else { continue };
        // That something was not undone is no reason any more once it is.
        let cause = cause.clone().filter(|cause| !matches!(cause, Cause::NotUndone { .. }));
        let now = Whole { outcome: *outcome, result: *result, cause };
        it.saga.whole = Some(it.saga.before.take().unwrap_or(now));
        it.phase = CellPhase::Active;
        it.stop = None;
        begin(it);
        let stage = it.stage as usize;
        let until = at.after(plan.playbook.stages[stage].timeout);
        it.cleanup_until = Some(until);
        state.index.deadlines.insert((until, Deadline::Cell(cell)));
        state.index.rolling.insert(cell);
        state.index.attention.insert(cell);
        let of = &mut state.stages[stage];
        if !matches!(of.phase, StagePhase::Started { .. }) {
            of.phase = StagePhase::Started { since: at };
            of.cancel = None;
        }
        join_queue(state, cell);
    }
    if let Some(stage) = on_failure {
        state.stages[stage as usize].has_rolled = true;
    }
    share::settle_rollback(state);
    super::steer::count_again(state);
}

/// Returns the rollback that a stage asks for by itself, all of whose cells have ended.
pub(super) fn on_failure(state: &JobState, stage: u32, result: Outcome) -> Option<Event> {
    let model = &state.setting.plan.playbook.stages[stage as usize];
    let it = &state.stages[stage as usize];
    if !model.rollback_on_failure || it.has_rolled || result != Outcome::Failure {
        return None;
    }
    let has_some = |cell: &u32| newest(&state.cells[*cell as usize]).is_some();
    let cells: Vec<u32> = it.cells.iter().copied().filter(has_some).collect();
    (!cells.is_empty()).then(|| Event::RollbackAsked {
        by: "sortie".to_owned(),
        order: String::new(),
        target: Target::Stage(stage),
        cells,
        on_failure: Some(stage),
    })
}

/// Returns what follows in a cell that is rolled back after it had ended.
pub(super) fn follow(state: &mut JobState, cell: u32, now: Timestamp, has_slot: bool) -> Option<Event> {
    let is_forced = is_forced(state, cell, now);
    let pressure = if is_forced { Pressure::Forced } else { Pressure::None };
    let live: Option<AttemptKey> = state.live_of(cell).next();
    if let Some(key) = live {
        return stop_live(state, key, pressure, now);
    }
    let it = &state.cells[cell as usize];
    let tree = &state.setting.plan.playbook.stages[it.stage as usize].steps;
    match next(it, tree, is_forced, now) {
        Next::Busy => None,
        Next::GiveUp { step } => Some(given_up(state, cell, step)),
        Next::Start { step } => {
            if !may_begin(state, pressure) || !share::job_has_all(state) || !is_next(state, cell) {
                return None;
            }
            // What protects it from others does so while it is undone, too.
            if let Some(event) = share::wants_back(state, cell) {
                return Some(event);
            }
            let may_start = has_slot && share::has_all(state, cell);
            if may_start { start(state, cell, step, ListStatus::default()) } else { None }
        }
        Next::Done if it.needs_sweep && !it.swept => {
            state.index.sweeping.insert(cell);
            None
        }
        Next::Done => finish(it, tree, cell),
    }
}

/// Ends an undo that waits to be tried again and will not be.
pub(super) fn given_up(state: &JobState, cell: u32, step: u32) -> Event {
    let it = &state.cells[cell as usize];
    let key = AttemptKey { cell, run: it.run, step, attempt: it.steps[step as usize].attempt };
    let cause = it.stop.as_ref().map_or(Cause::Earlier, |stop| stop.cause.clone());
    let (outcome, conclusion) = (Outcome::Cancelled, Outcome::Cancelled);
    Event::StepFinished(Box::new(StepEnd { outcome, conclusion, cause: Some(cause), ..StepEnd::new(key) }))
}

/// Says whether an undo of a cell runs, or is the next one that does.
pub(super) fn has_turn(state: &JobState, cell: u32) -> bool {
    is_under_way(state, cell) || is_next(state, cell)
}

/// Says whether no other cell has something newer to undo.
fn is_next(state: &JobState, cell: u32) -> bool {
    let number = |cell: u32| {
        let it = &state.cells[cell as usize];
        it.saga.undoing.or_else(|| newest(it).map(|armed| armed.number))
    };
    let own = number(cell);
    state
        .index
        .rolling
        .iter()
        .all(|&other| number(other) <= own && (other == cell || !is_under_way(state, other)))
}

fn is_under_way(state: &JobState, cell: u32) -> bool {
    state.live_of(cell).next().is_some()
}

fn finish(it: &CellState, tree: &StepTree, cell: u32) -> Option<Event> {
    let Whole { outcome, result, cause } = it.saga.whole.clone()?;
    let (outcome, result, cause) = match incomplete(it, tree) {
        Some(cause) => (Outcome::Failure, Outcome::Failure, Some(cause)),
        None => (outcome, result, Some(Cause::rolled_back(cause))),
    };
    let outputs = it.outputs.clone();
    Some(Event::CellFinished { cell, run: it.run, outcome, result, cause, outputs })
}

/// A rollback goes on through a cancel, which only limits its time; a second cancel ends it.
fn is_forced(state: &JobState, cell: u32, now: Timestamp) -> bool {
    let it = &state.cells[cell as usize];
    let model = &state.setting.plan.playbook.stages[it.stage as usize];
    let is_last = state.setting.plan.stages[it.stage as usize].is_last;
    let cancels =
        [state.stages[it.stage as usize].cancel.as_ref(), state.cancel.as_ref().filter(|_| !is_last)];
    let is_over = |since: Timestamp| since.after(model.cleanup_timeout) <= now;
    cancels.into_iter().flatten().any(|cancel| cancel.force || is_over(cancel.since))
        || it.stop.as_ref().is_some_and(|stop| stop.rung == Rung::Kill || is_over(stop.since))
        || it.cleanup_until.is_some_and(|until| until <= now)
}

/// Sees to it that rollbacks are looked at when the time that a cancel leaves them is over; part of `apply`.
pub(super) fn limit(state: &mut JobState, at: Timestamp) {
    let plan = state.setting.plan.clone();
    for &cell in &state.index.rolling {
        let stage = state.cells[cell as usize].stage as usize;
        let until = at.after(plan.playbook.stages[stage].cleanup_timeout);
        state.index.deadlines.insert((until, Deadline::Cell(cell)));
        state.index.attention.insert(cell);
    }
}

/// Returns the cells that an order to roll back is about.
///
/// # Errors
/// A refusal: what runs is not undone under its own feet, and there must be something to undo.
pub(super) fn asked(state: &JobState, target: &Target, name: &str) -> Result<Vec<u32>, Refusal> {
    let has_ended = matches!(state.phase, JobPhase::Finished { .. });
    let cells: Vec<u32> = match target {
        Target::Job => state.stages.iter().flat_map(|stage| stage.cells.iter().copied()).collect(),
        Target::Stage(stage) => {
            let stages = super::calls::with_called(state, *stage);
            stages.iter().flat_map(|&at| state.stages[at as usize].cells.iter().copied()).collect()
        }
        Target::Cell(cell) => {
            let stages = super::calls::below(state, *cell);
            let called = stages.iter().flat_map(|&at| state.stages[at as usize].cells.iter().copied());
            std::iter::once(*cell).chain(called).collect()
        }
    };
    let refuse = |why: String| Err(Refusal::new(format!("cannot roll back {name}: {why}")));
    if cells.iter().any(|cell| state.index.rolling.contains(cell)) {
        return refuse("that is under way already".to_owned());
    }
    if *target == Target::Job && !has_ended {
        return refuse(
            "it still runs; wait for its end or cancel it, or name a stage that has failed".to_owned(),
        );
    }
    let armed: Vec<u32> =
        cells.iter().copied().filter(|&cell| !state.cells[cell as usize].saga.armed.is_empty()).collect();
    if armed.is_empty() {
        let was_undone = cells.iter().any(|&cell| state.cells[cell as usize].saga.undone.is_some());
        return refuse(if was_undone {
            "all of it has been undone already".to_owned()
        } else {
            "no step with an `undo` has succeeded in it".to_owned()
        });
    }
    let outcome = |cell: &u32| state.cells[*cell as usize].outcome();
    if cells.iter().any(|cell| outcome(cell).is_none()) {
        return refuse("it still runs; wait for its end or cancel it".to_owned());
    }
    let bad = |cell: &u32| matches!(outcome(cell), Some(Outcome::Failure | Outcome::Cancelled));
    let armed: Vec<u32> = armed.into_iter().filter(|cell| has_ended || bad(cell)).collect();
    if armed.is_empty() {
        return refuse("it has passed, and the job still runs".to_owned());
    }
    Ok(armed)
}

/// Returns what a cell or stage came to, if what it did was undone; `cells` are all that it had.
pub(super) fn told(state: &JobState, cells: &[u32], cause: Option<Cause>) -> Option<Cause> {
    let of = |cell: &&u32| match &state.cells[**cell as usize].phase {
        CellPhase::Finished { cause, .. } => cause.as_ref(),
        _ => None,
    };
    let left: Vec<u32> =
        cells.iter().filter(|cell| matches!(of(cell), Some(Cause::NotUndone { .. }))).copied().collect();
    if let ([only], [_]) = (&left[..], cells) {
        return of(&only).cloned();
    }
    if !left.is_empty() {
        return Some(Cause::NotUndone {
            names: left.iter().take(20).map(|&cell| state.cell_name(cell)).collect(),
        });
    }
    let is_undone = cells.iter().any(|cell| matches!(of(&cell), Some(Cause::RolledBack { .. })));
    let has_more = cells.iter().any(|&cell| !state.cells[cell as usize].saga.armed.is_empty());
    if is_undone && !has_more { Some(Cause::rolled_back(cause)) } else { cause }
}

/// Returns why a job ended as it did, if what its stages did was undone.
pub(super) fn told_of_job(state: &JobState, cause: Option<Cause>) -> Option<Cause> {
    let of = |stage: &StageState| match &stage.phase {
        StagePhase::Finished { cause, .. } => cause.clone(),
        _ => None,
    };
    let names = (0u32..).zip(&state.stages).filter(|(_, it)| matches!(of(it), Some(Cause::NotUndone { .. })));
    let names: Vec<String> = names.map(|(at, _)| state.stage_name(at).to_owned()).take(20).collect();
    if !names.is_empty() {
        return Some(Cause::NotUndone { names });
    }
    let is_plain = matches!(cause, None | Some(Cause::Member { .. }));
    let is_undone = state.stages.iter().any(|it| matches!(of(it), Some(Cause::RolledBack { .. })));
    // Of a job that failed, what has passed may stay as it is.
    let has_failed = state.stages.iter().any(|it| it.result() == Some(Outcome::Failure));
    let has_more = state.stages.iter().flat_map(|it| &it.cells).any(|&cell| {
        let it = &state.cells[cell as usize];
        (it.outcome() == Some(Outcome::Failure) || !has_failed) && !it.saga.armed.is_empty()
    });
    // A cancel or the job's own time limit says more, and has its own exit code.
    if is_plain && is_undone && !has_more { Some(Cause::rolled_back(cause)) } else { cause }
}

/// Returns the answer to an order to roll back, in words; asked after it has begun, too.
pub(super) fn words(state: &JobState, cells: &[u32]) -> String {
    let count: usize = cells.iter().map(|&cell| state.cells[cell as usize].saga.armed.len()).sum();
    let steps = if count == 1 { "1 step".to_owned() } else { format!("{count} steps") };
    format!("rolling back {steps}, newest first")
}
