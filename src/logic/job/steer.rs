//! Orders: cancel, pause, resume, skip and its withdrawal, retry, rollback. Each is either recorded or refused with a sentence.

use std::collections::BTreeSet;

use super::answer::Saying;
use super::apply::{free_slot, leave_queue, restart_cell};
use super::event::{Cause, Event, Outcome};
use super::order::{Asked, Order, Refusal, RetryScope, Target};
use super::state::{CellPhase, CellState, JobPhase, JobState, StagePhase, StageState};
use crate::logic::plan::{Selected, dependents};

#[cfg(test)]
#[path = "steer_tests.rs"]
mod tests;

type Answer = Result<(Vec<Event>, String), Refusal>;

/// Answers an order. A repeated id is answered as before and records nothing.
pub(super) fn answer(state: &JobState, asked: &Asked) -> Answer {
    if let Some(earlier) = super::repeat::earlier(state, asked) {
        return earlier.map(|words| (Vec::new(), words));
    }
    if state.phase == JobPhase::New {
        return Err(Refusal::new("the job has not started yet"));
    }
    let (by, order) = (asked.by.clone(), asked.id.clone());
    match &asked.order {
        Order::Cancel { target, force } => cancel(state, by, order, target, *force),
        Order::Pause => {
            running(state, "pause")?;
            if state.paused.is_some() {
                return Err(Refusal::new("the job is paused already"));
            }
            Ok(said(state, vec![Event::JobPaused { by, order, freeze: false }]))
        }
        Order::Freeze => {
            running(state, "freeze")?;
            if state.frozen.is_some() {
                return Err(Refusal::new("the job is frozen already"));
            }
            if state.cancel.is_some() {
                return Err(Refusal::new("cannot freeze the job: it is being cancelled"));
            }
            Ok(said(state, vec![Event::JobPaused { by, order, freeze: true }]))
        }
        Order::Resume => {
            running(state, "resume")?;
            if state.paused.is_none() {
                return Err(Refusal::new("the job is not paused"));
            }
            Ok(said(state, vec![Event::JobResumed { by, order }]))
        }
        Order::Skip { target } => skip(state, by, order, target),
        Order::WithdrawSkip { target } => withdraw_skip(state, by, order, target),
        Order::Retry { scope } => retry(state, by, order, scope),
        Order::Approve { gate, note, inputs, claimed } => {
            running(state, "approve")?;
            super::answer::approve(
                state,
                &Saying { gate: *gate, by, order, claimed: claimed.as_ref(), note },
                inputs,
            )
        }
        Order::Reject { gate, note, claimed } => {
            running(state, "reject")?;
            super::answer::reject(state, &Saying { gate: *gate, by, order, claimed: claimed.as_ref(), note })
        }
        Order::Rollback { target } => {
            exists(state, target)?;
            not_frozen(state, "roll back", target)?;
            let cells = super::undo::asked(state, target, &name(state, target))?;
            Ok(said(
                state,
                vec![Event::RollbackAsked { by, order, target: target.clone(), cells, on_failure: None }],
            ))
        }
    }
}

/// Puts the answer beside what is recorded.
pub(super) fn said(state: &JobState, events: Vec<Event>) -> (Vec<Event>, String) {
    let words = events.first().map_or_else(String::new, |event| words(state, event));
    (events, words)
}

/// Returns the answer to an order in words, from what was recorded of it; a repeated order gets the same.
pub(super) fn words(state: &JobState, event: &Event) -> String {
    match event {
        Event::JobPaused { freeze: true, .. } => {
            "frozen: what runs is stopped where it stands, and all clocks with it".to_owned()
        }
        Event::JobPaused { .. } => "paused: what runs goes on, nothing new starts".to_owned(),
        Event::JobResumed { .. } => "resumed".to_owned(),
        Event::JobRetrying { .. } => "trying again".to_owned(),
        Event::SkipAsked { target, force: true, .. } => {
            format!("killing and skipping, without cleanup: {}", name(state, target))
        }
        Event::SkipAsked { target, .. } => format!("skipping {}", name(state, target)),
        Event::SkipWithdrawn { target, .. } => format!("not skipping {} after all", name(state, target)),
        Event::CancelAsked { target, force: true, .. } => {
            format!("stopping at once, without cleanup: {}", name(state, target))
        }
        Event::CancelAsked { target, .. } => format!("stopping: {}", name(state, target)),
        Event::OrderRefused { message, .. } | Event::OrderNoted { message, .. } => message.clone(),
        Event::RollbackAsked { cells, .. } => super::undo::words(state, cells),
        other => super::answer::words(state, other),
    }
}

fn running(state: &JobState, verb: &str) -> Result<(), Refusal> {
    match &state.phase {
        JobPhase::Finished { outcome, .. } => {
            Err(Refusal::new(format!("cannot {verb} the job: it has already ended ({})", word(*outcome))))
        }
        _ => Ok(()),
    }
}

/// A part of a frozen job is not stopped: its processes hear no signal, and its grace would not run.
fn not_frozen(state: &JobState, verb: &str, target: &Target) -> Result<(), Refusal> {
    if state.frozen.is_none() || *target == Target::Job {
        return Ok(());
    }
    let name = name(state, target);
    Err(Refusal::new(format!(
        "cannot {verb} {name} while the job is frozen: resume it first, or cancel all of it"
    )))
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "passed",
        Outcome::Failure => "failed",
        Outcome::Cancelled => "cancelled",
        Outcome::Skipped => "skipped",
    }
}

pub(super) fn name(state: &JobState, target: &Target) -> String {
    match target {
        Target::Job => "the job".to_owned(),
        Target::Stage(at) => format!("`{}`", state.stage_name(*at)),
        Target::Cell(at) => format!("`{}`", state.cell_name(*at)),
    }
}

fn exists(state: &JobState, target: &Target) -> Result<(), Refusal> {
    let known = match target {
        Target::Job => true,
        Target::Stage(at) => (*at as usize) < state.stages.len(),
        Target::Cell(at) => (*at as usize) < state.cells.len(),
    };
    if known { Ok(()) } else { Err(Refusal::new("the job has no such part")) }
}

fn cancel(state: &JobState, by: String, order: String, target: &Target, force: bool) -> Answer {
    running(state, "cancel")?;
    exists(state, target)?;
    if let Some(outcome) = state.outcome_of(target) {
        let name = name(state, target);
        return Err(Refusal::new(format!("cannot cancel {name}: it has already {}", past(outcome))));
    }
    not_frozen(state, "cancel", target)?;
    let asked_before = match target {
        Target::Job => state.cancel.is_some(),
        Target::Stage(at) => state.stages[*at as usize].cancel.is_some(),
        Target::Cell(at) => state.cells[*at as usize].stop.is_some(),
    };
    let force = force || asked_before;
    let mut events =
        vec![Event::CancelAsked { by: by.clone(), order, target: target.clone(), force, cause: None }];
    if *target == Target::Job && force {
        // The second cancel ends cleanup, so the final stages end too.
        for stage in (0u32..).zip(&state.stages).filter(|(_, s)| s.outcome().is_none()).map(|(at, _)| at) {
            if state.setting.plan.playbook.stages[stage as usize].is_final {
                let target = Target::Stage(stage);
                events.push(Event::CancelAsked {
                    by: by.clone(),
                    order: String::new(),
                    target,
                    force,
                    cause: None,
                });
            }
        }
    }
    Ok(said(state, events))
}

fn past(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "passed",
        Outcome::Failure => "failed",
        Outcome::Cancelled => "been cancelled",
        Outcome::Skipped => "been skipped",
    }
}

fn skip(state: &JobState, by: String, order: String, target: &Target) -> Answer {
    running(state, "skip")?;
    exists(state, target)?;
    let name = name(state, target);
    if *target == Target::Job {
        return Err(Refusal::new("a job cannot be skipped; name a stage, or cancel the job"));
    }
    if let Some(outcome) = state.outcome_of(target) {
        return Err(Refusal::new(format!("cannot skip {name}: it has already {}", past(outcome))));
    }
    not_frozen(state, "skip", target)?;
    if matches!(target, Target::Cell(cell) if state.index.rolling.contains(cell)) {
        return Err(Refusal::new(format!(
            "cannot skip {name}: it is being rolled back; cancel that instead"
        )));
    }
    let (open, was_asked) = match target {
        Target::Stage(at) => {
            let stage = &state.stages[*at as usize];
            let cells = if stage.phase == StagePhase::Pending { &[][..] } else { &stage.cells };
            (cells.to_vec(), stage.skip.is_some())
        }
        Target::Cell(at) => (vec![*at], true),
        Target::Job => (Vec::new(), false),
    };
    let cells = open.iter().map(|&cell| &state.cells[cell as usize]);
    let open: Vec<&CellState> = cells.filter(|cell| cell.outcome().is_none()).collect();
    if !open.is_empty() && open.iter().all(|cell| cell.stop.is_some() && cell.skip.is_none()) {
        return Err(Refusal::new(format!("cannot skip {name}: it is stopping already, for another reason")));
    }
    let force = was_asked && open.iter().any(|cell| cell.stop.is_some() && cell.skip.is_some());
    Ok(said(state, vec![Event::SkipAsked { by, order, target: target.clone(), force }]))
}

fn withdraw_skip(state: &JobState, by: String, order: String, target: &Target) -> Answer {
    exists(state, target)?;
    let name = name(state, target);
    let refuse = |why: &str| Err(Refusal::new(format!("cannot undo: {why}")));
    let (asked, in_force) = match target {
        Target::Job => return refuse("a job is never skipped; name a stage or a cell"),
        Target::Stage(at) => {
            let it = &state.stages[*at as usize];
            (it.skip.is_some(), it.phase != StagePhase::Pending)
        }
        Target::Cell(at) => {
            let it = &state.cells[*at as usize];
            (it.skip.is_some(), it.phase == CellPhase::Active)
        }
    };
    match state.outcome_of(target) {
        Some(Outcome::Skipped) if asked => refuse(&format!("{name} has been skipped already; retry it")),
        Some(outcome) => refuse(&format!("{name} has {}", past(outcome))),
        None if !asked => refuse(&format!("nobody has asked to skip {name}")),
        None if in_force => refuse(&format!("{name} is being skipped already; retry it once it has ended")),
        None => Ok(said(state, vec![Event::SkipWithdrawn { by, order, target: target.clone() }])),
    }
}

fn retry(state: &JobState, by: String, order: String, scope: &RetryScope) -> Answer {
    let finished = matches!(state.phase, JobPhase::Finished { .. });
    if let Some(&cell) = state.index.rolling.first() {
        let name = state.cell_name(cell);
        return Err(Refusal::new(format!(
            "cannot retry now: `{name}` is being rolled back; wait for its end"
        )));
    }
    let (stages, cells) = reach(state, scope, finished)?;
    if stages.is_empty() && cells.is_empty() {
        return Err(Refusal::new(
            "nothing to retry: nothing failed and nothing was cancelled; `--all` runs all of it again",
        ));
    }
    let attempt = if finished { state.attempt + 1 } else { state.attempt };
    let event = Event::JobRetrying { by, order, scope: scope.clone(), attempt, stages, cells };
    Ok(said(state, vec![event]))
}

/// Returns the stages that begin anew and the cells that run again in a stage that is kept.
fn reach(state: &JobState, scope: &RetryScope, finished: bool) -> Result<(Vec<u32>, Vec<u32>), Refusal> {
    let plan = &state.setting.plan;
    let mut whole: BTreeSet<u32> = BTreeSet::new();
    let mut cells: BTreeSet<u32> = BTreeSet::new();
    let mut partial: BTreeSet<u32> = BTreeSet::new();
    let bad = |outcome: Option<Outcome>| matches!(outcome, Some(Outcome::Failure | Outcome::Cancelled));
    match scope {
        RetryScope::Anew(scope) => return reach(state, scope, finished),
        RetryScope::All if finished => whole.extend((0u32..).zip(&state.stages).map(|(at, _)| at)),
        RetryScope::From(stage) if finished => {
            exists(state, &Target::Stage(*stage))?;
            whole = dependents(&plan.stages, &[*stage]);
        }
        RetryScope::All | RetryScope::From(_) => {
            return Err(Refusal::new("the job still runs: only what has failed can be tried again now"));
        }
        RetryScope::Failed => {
            for (at, stage) in (0u32..).zip(&state.stages) {
                if bad(stage.outcome()) && (stage.cells.is_empty() || !ended_by_its_cells(stage)) {
                    whole.insert(at);
                } else if bad(stage.outcome()) {
                    partial.insert(at);
                    cells.extend(stage.cells.iter().filter(|&&c| bad(state.cells[c as usize].outcome())));
                }
            }
        }
        RetryScope::Stage(stage) => {
            stage_can_run_again(state, *stage, finished)?;
            whole.insert(*stage);
        }
        RetryScope::Cell(cell) => {
            cell_can_run_again(state, *cell, finished)?;
            cells.insert(*cell);
            partial.insert(state.cells[*cell as usize].stage);
            // What a caller does is what it calls.
            whole.extend(super::calls::below(state, *cell));
        }
    }
    // What builds on something that runs again begins anew after it, also where only a cell of it failed.
    let roots = partial.iter().chain(&whole);
    let below: Vec<u32> = roots.flat_map(|&at| plan.stages[at as usize].needed_by.iter().copied()).collect();
    whole.extend(dependents(&plan.stages, &below));
    let is_final = |at: u32| {
        let model = &plan.playbook.stages[at as usize];
        model.is_final && model.frame.is_none()
    };
    let is_last = |at: u32| plan.stages[at as usize].is_last;
    let only_finals = partial.iter().chain(&whole).all(|&at| is_last(at));
    if !whole.is_empty() || !partial.is_empty() {
        let finals = (0u32..).zip(&plan.stages).map(|(at, _)| at).filter(|&at| is_final(at));
        whole.extend(finals.filter(|at| !only_finals || !partial.contains(at)));
    }
    super::calls::widen(state, &mut whole, &mut partial, &mut cells);
    cells.retain(|&cell| !whole.contains(&state.cells[cell as usize].stage));
    // A stage that began behind a failed one and still runs must not be reset under its own feet.
    let starts_over = |at: &u32| matches!(state.stages[*at as usize].phase, StagePhase::Started { .. });
    if let Some(at) = whole.iter().find(|at| starts_over(at)) {
        return Err(Refusal::new(format!("cannot retry now: `{}` is running", state.stage_name(*at))));
    }
    Ok((whole.into_iter().collect(), cells.into_iter().collect()))
}

fn stage_can_run_again(state: &JobState, stage: u32, finished: bool) -> Result<(), Refusal> {
    exists(state, &Target::Stage(stage))?;
    if let Selected::No(_) = state.setting.plan.stages[stage as usize].selected {
        let name = state.stage_name(stage);
        return Err(Refusal::new(format!("cannot retry `{name}`: the command line left it out of this job")));
    }
    let was_skipped =
        matches!(&state.stages[stage as usize].phase, StagePhase::Finished { waived: true, .. });
    may_run_again(state, &Target::Stage(stage), was_skipped, finished)
}

fn cell_can_run_again(state: &JobState, cell: u32, finished: bool) -> Result<(), Refusal> {
    exists(state, &Target::Cell(cell))?;
    let it = &state.cells[cell as usize];
    let stage = &state.stages[it.stage as usize];
    let is_current = match &stage.phase {
        StagePhase::Pending => false,
        StagePhase::Started { .. } => true,
        StagePhase::Finished { outcome: Outcome::Skipped, .. } => it.outcome() == Some(Outcome::Skipped),
        StagePhase::Finished { .. } => ended_by_its_cells(stage),
    };
    if !is_current || !stage.cells.contains(&cell) {
        let (name, stage) = (state.cell_name(cell), state.stage_name(it.stage));
        let message = format!("cannot retry `{name}` alone: `{stage}` has not begun again since it ran");
        return Err(Refusal::new(message));
    }
    may_run_again(state, &Target::Cell(cell), it.outcome() == Some(Outcome::Skipped), finished)
}

/// Says whether a stage that has ended came to what its cells came to. A stage that begins anew keeps the cells of its
/// earlier beginning, and it may end before it has new ones.
fn ended_by_its_cells(stage: &StageState) -> bool {
    match &stage.phase {
        StagePhase::Finished { cause, .. } => matches!(
            cause.as_ref().and_then(Cause::root),
            None | Some(Cause::Member { .. } | Cause::NotUndone { .. })
        ),
        _ => false,
    }
}

/// While a job runs, what has passed is not done again under the feet of what builds on it.
fn may_run_again(
    state: &JobState,
    target: &Target,
    was_skipped: bool,
    finished: bool,
) -> Result<(), Refusal> {
    let name = name(state, target);
    match state.outcome_of(target) {
        None => Err(Refusal::new(format!("cannot retry {name}: it has not ended"))),
        Some(Outcome::Failure | Outcome::Cancelled) => Ok(()),
        Some(Outcome::Skipped) if was_skipped => Ok(()),
        Some(_) if finished => Ok(()),
        Some(outcome) => Err(Refusal::new(format!(
            "cannot retry {name} now: it has {}, and the job still runs",
            past(outcome)
        ))),
    }
}

/// Puts stages back to their beginning and cells into the queue; part of `apply`.
pub(super) fn reset(state: &mut JobState, scope: &RetryScope, whole: &[u32], cells: &[u32]) {
    let (asked_stages, asked_cells) = asked_for(state, scope, whole, cells);
    for &stage in whole {
        let cells = std::mem::take(&mut state.stages[stage as usize].cells);
        for &cell in &cells {
            free_slot(state, cell);
            leave_queue(state, cell);
        }
        let is_anew = asked_stages.contains(&stage);
        state.stages[stage as usize] = StageState { cells, is_anew, ..StageState::new(0) };
    }
    for &cell in cells {
        let stage = state.cells[cell as usize].stage;
        let it = &mut state.stages[stage as usize];
        if !matches!(it.phase, StagePhase::Started { .. }) {
            it.phase = StagePhase::Started { since: state.started };
            it.cancel = None;
        }
        it.failed_fast = None;
        it.skip = None;
        it.has_rolled = false;
        restart_cell(state, cell, None);
        state.cells[cell as usize].is_anew = asked_cells.contains(&cell);
    }
    count_again(state);
}

/// Returns the stages and cells that somebody asked for, other than those that only run again because they depend on them:
/// where nothing has changed, an earlier result of those will do.
fn asked_for(
    state: &JobState,
    scope: &RetryScope,
    whole: &[u32],
    cells: &[u32],
) -> (BTreeSet<u32>, BTreeSet<u32>) {
    let bad = |outcome: Option<Outcome>| matches!(outcome, Some(Outcome::Failure | Outcome::Cancelled));
    match scope {
        RetryScope::All | RetryScope::Anew(_) => {
            (whole.iter().copied().collect(), cells.iter().copied().collect())
        }
        RetryScope::From(stage) | RetryScope::Stage(stage) => {
            (super::calls::with_called(state, *stage).into_iter().collect(), BTreeSet::new())
        }
        RetryScope::Cell(cell) => {
            (super::calls::below(state, *cell).into_iter().collect(), [*cell].into_iter().collect())
        }
        RetryScope::Failed => (
            whole.iter().copied().filter(|&at| bad(state.stages[at as usize].outcome())).collect(),
            cells.iter().copied().filter(|&at| bad(state.cells[at as usize].outcome())).collect(),
        ),
    }
}

/// Counts again everything that follows from phases: the plain full scan is the definition.
pub(super) fn count_again(state: &mut JobState) {
    let plan = state.setting.plan.clone();
    super::calls::count_again(state);
    state.index.open_stages = [0, 0];
    state.index.ready.clear();
    state.index.settled.clear();
    for &stage in &plan.order {
        let model = &plan.playbook.stages[stage as usize];
        let mut closure = super::state::Closure::default();
        let mut left = u32::from(super::calls::waits_for_caller(state, stage));
        for &need in &model.needs {
            let need = &state.stages[need];
            match &need.phase {
                StagePhase::Finished { result, waived, .. } => {
                    closure.failed |= need.closure.failed || *result == Outcome::Failure;
                    closure.unsuccessful |=
                        need.closure.unsuccessful || (*result != Outcome::Success && !waived);
                }
                _ => left += 1,
            }
        }
        let open = |&&cell: &&u32| state.cells[cell as usize].outcome().is_none();
        let open_cells = state.stages[stage as usize].cells.iter().filter(open).count();
        let it = &mut state.stages[stage as usize];
        it.closure = closure;
        it.needs_left = left;
        match it.phase {
            StagePhase::Finished { .. } => {}
            StagePhase::Pending => {
                state.index.open_stages[usize::from(plan.stages[stage as usize].is_last)] += 1;
                if left == 0 {
                    state.index.ready.insert(stage);
                }
            }
            StagePhase::Started { .. } => {
                state.index.open_stages[usize::from(plan.stages[stage as usize].is_last)] += 1;
                it.open_cells = u32::try_from(open_cells).unwrap_or(u32::MAX);
                if open_cells == 0 {
                    state.index.settled.insert(stage);
                }
            }
        }
    }
}
