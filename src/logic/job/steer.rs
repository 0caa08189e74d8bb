//! Orders: cancel, pause, resume, skip, retry. Each is either recorded or refused with a sentence.

use std::collections::BTreeSet;

use super::apply::{free_slot, leave_queue, restart_cell};
use super::event::{Event, Outcome};
use super::order::{Asked, Order, Refusal, RetryScope, Target};
use super::state::{CellPhase, JobPhase, JobState, StagePhase, StageState};
use crate::logic::plan::dependents;

type Answer = Result<(Vec<Event>, String), Refusal>;

/// Answers an order. A repeated id is answered as before and records nothing.
pub(super) fn answer(state: &JobState, asked: &Asked) -> Answer {
    if let Some(earlier) = state.orders.get(&asked.id).filter(|_| !asked.id.is_empty()) {
        return Ok((Vec::new(), earlier.clone()));
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
            Ok(said(state, vec![Event::JobPaused { by, order }]))
        }
        Order::Resume => {
            running(state, "resume")?;
            if state.paused.is_none() {
                return Err(Refusal::new("the job is not paused"));
            }
            Ok(said(state, vec![Event::JobResumed { by, order }]))
        }
        Order::Skip { target } => skip(state, by, order, target),
        Order::Retry { scope } => retry(state, by, order, scope),
    }
}

/// Puts the answer beside what is recorded.
fn said(state: &JobState, events: Vec<Event>) -> (Vec<Event>, String) {
    let words = events.first().map_or_else(String::new, |event| words(state, event));
    (events, words)
}

/// Returns the answer to an order in words, from what was recorded of it; a repeated order gets the same.
pub(super) fn words(state: &JobState, event: &Event) -> String {
    match event {
        Event::JobPaused { .. } => "paused: what runs goes on, nothing new starts".to_owned(),
        Event::JobResumed { .. } => "resumed".to_owned(),
        Event::JobRetrying { .. } => "trying again".to_owned(),
        Event::SkipAsked { target, .. } => format!("skipping {}", name(state, target)),
        Event::CancelAsked { target, force: true, .. } => {
            format!("stopping at once, without cleanup: {}", name(state, target))
        }
        Event::CancelAsked { target, .. } => format!("stopping: {}", name(state, target)),
        Event::OrderRefused { message, .. } => message.clone(),
        _ => String::new(),
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

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "passed",
        Outcome::Failure => "failed",
        Outcome::Cancelled => "cancelled",
        Outcome::Skipped => "skipped",
    }
}

fn name(state: &JobState, target: &Target) -> String {
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
    let runs = |cell: u32| state.cells[cell as usize].phase == CellPhase::Active;
    let busy = match target {
        Target::Stage(at) => state.stages[*at as usize].cells.iter().any(|&cell| runs(cell)),
        Target::Cell(at) => runs(*at),
        Target::Job => false,
    };
    if busy {
        return Err(Refusal::new(format!("cannot skip {name}: it is running; cancel it instead")));
    }
    Ok(said(state, vec![Event::SkipAsked { by, order, target: target.clone() }]))
}

fn retry(state: &JobState, by: String, order: String, scope: &RetryScope) -> Answer {
    let finished = matches!(state.phase, JobPhase::Finished { .. });
    let (stages, cells) = reach(state, scope, finished)?;
    if stages.is_empty() && cells.is_empty() {
        return Err(Refusal::new("nothing to retry: nothing failed and nothing was cancelled"));
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
                if bad(stage.outcome()) && stage.cells.is_empty() {
                    whole.insert(at);
                } else if bad(stage.outcome()) {
                    partial.insert(at);
                    cells.extend(stage.cells.iter().filter(|&&c| bad(state.cells[c as usize].outcome())));
                }
            }
        }
        RetryScope::Cell(cell) => {
            exists(state, &Target::Cell(*cell))?;
            let it = &state.cells[*cell as usize];
            if !bad(it.outcome()) {
                let name = state.cell_name(*cell);
                return Err(Refusal::new(format!(
                    "cannot retry `{name}`: it has neither failed nor been cancelled"
                )));
            }
            cells.insert(*cell);
            partial.insert(it.stage);
        }
    }
    let roots: Vec<u32> = partial.iter().chain(&whole).copied().collect();
    for stage in dependents(&plan.stages, &roots) {
        if !partial.contains(&stage) {
            whole.insert(stage);
        }
    }
    if !whole.is_empty() || !partial.is_empty() {
        let finals = (0u32..).zip(&plan.playbook.stages).filter(|(_, s)| s.is_final).map(|(at, _)| at);
        whole.extend(finals.filter(|at| !partial.contains(at)));
    }
    // A stage that began behind a failed one and still runs must not be reset under its own feet.
    let starts_over = |at: &u32| matches!(state.stages[*at as usize].phase, StagePhase::Started { .. });
    if let Some(at) = whole.iter().find(|at| starts_over(at)) {
        return Err(Refusal::new(format!("cannot retry now: `{}` is running", state.stage_name(*at))));
    }
    Ok((whole.into_iter().collect(), cells.into_iter().collect()))
}

/// Puts stages back to their beginning and cells into the queue; part of `apply`.
pub(super) fn reset(state: &mut JobState, whole: &[u32], cells: &[u32]) {
    let plan = state.setting.plan.clone();
    for &stage in whole {
        let cells = std::mem::take(&mut state.stages[stage as usize].cells);
        for &cell in &cells {
            free_slot(state, cell);
            leave_queue(state, cell);
        }
        state.stages[stage as usize] = StageState { cells, ..StageState::new(0) };
    }
    for &cell in cells {
        let stage = state.cells[cell as usize].stage;
        let it = &mut state.stages[stage as usize];
        if !matches!(it.phase, StagePhase::Started { .. }) {
            it.phase = StagePhase::Started { since: state.started };
            it.cancel = None;
        }
        it.failed_fast = None;
        restart_cell(state, cell, None);
    }
    // Everything that follows from phases is counted again: the plain full scan is the definition.
    state.index.open_stages = [0, 0];
    state.index.ready.clear();
    state.index.settled.clear();
    for &stage in &plan.order {
        let model = &plan.playbook.stages[stage as usize];
        let mut closure = super::state::Closure::default();
        let mut left = 0;
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
                state.index.open_stages[usize::from(model.is_final)] += 1;
                if left == 0 {
                    state.index.ready.insert(stage);
                }
            }
            StagePhase::Started { .. } => {
                state.index.open_stages[usize::from(model.is_final)] += 1;
                it.open_cells = u32::try_from(open_cells).unwrap_or(u32::MAX);
                if open_cells == 0 {
                    state.index.settled.insert(stage);
                }
            }
        }
    }
}
