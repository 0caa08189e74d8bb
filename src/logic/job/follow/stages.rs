//! Beginnings and ends of stages, ends of cells, and what the job comes to.

use std::sync::Arc;

use super::super::artifacts;
use super::super::cached;
use super::super::calls;
use super::super::event::{Cause, Event, NewCell, Outcome};
use super::super::failing;
use super::super::progress::Pressure;
use super::super::report::AttemptKey;
use super::super::scope::{JobScope, ListStatus, Pairs, Standing, environment};
use super::super::share;
use super::super::state::{CellPhase, CellState, JobState, StagePhase, StepState};
use super::super::{together, undo};
use super::gates::{self, Ruling};
use crate::logic::address::matches_cell;
use crate::logic::expr::{ExprError, Scope};
use crate::logic::plan::matrix;
use crate::logic::plan::{PlannedStage, Selected};
use crate::logic::playbook::model::{Action, IfEmpty, MatrixSource, MixedMatrix, RunWhen, Stage};
use crate::logic::time::Timestamp;
use crate::logic::value::{Object, Value};

/// Finishes a stage all of whose cells have finished.
pub(super) fn finish_settled(state: &mut JobState) -> Option<Event> {
    let stage = *state.index.settled.first()?;
    let it = &state.stages[stage as usize];
    let cells = || it.cells.iter().map(|&cell| &state.cells[cell as usize]);
    let fold = |of: &dyn Fn(&CellState) -> Option<Outcome>| {
        let any = |wanted| cells().any(|c| of(c) == Some(wanted));
        [Outcome::Failure, Outcome::Cancelled, Outcome::Success]
            .into_iter()
            .find(|&o| any(o))
            .unwrap_or(Outcome::Skipped)
    };
    let outcome = fold(&|c| c.outcome());
    let result = fold(&|c| c.result());
    if let Some(event) = undo::on_failure(state, stage, result) {
        return Some(event);
    }
    let cause = match outcome {
        Outcome::Success => None,
        // Nothing but an order leaves out cells of a stage that has begun.
        Outcome::Skipped => {
            let mut causes = cells().filter_map(|c| match &c.phase {
                CellPhase::Finished { cause, .. } => cause.clone(),
                _ => None,
            });
            Some(causes.next().unwrap_or(Cause::Selection))
        }
        _ => {
            let names = it.cells.iter().filter(|&&c| state.cells[c as usize].outcome() == Some(outcome));
            Some(Cause::Member { names: names.map(|&c| state.cell_name(c)).take(20).collect() })
        }
    };
    let cause = undo::told(state, &it.cells, cause);
    Some(Event::StageFinished { stage, outcome, result, cause })
}

/// Begins, or leaves out, a stage whose needs have finished.
pub(super) fn begin_ready(state: &mut JobState, now: Timestamp) -> Option<Event> {
    if let Some(event) = begin_begun(state) {
        return Some(event);
    }
    let is_held = state.paused.is_some() && state.cancel.is_none();
    if is_held && state.frames.is_empty() {
        return None;
    }
    let stages = &state.setting.plan.playbook.stages;
    let mut ready = state.index.ready.iter().copied().filter(|&at| {
        let is_free = !is_held || calls::caller_end(state, at).is_some() || calls::over(state, at).is_some();
        is_free
            && (!stages[at as usize].is_final
                || calls::is_final_due(state, at)
                || calls::caller_end(state, at).is_some())
    });
    ready.find_map(|stage| {
        let event = begin(state, stage, now)?;
        // A stage that is left out waits until what was submitted of it has come back.
        let is_out = state.stages[stage as usize]
            .foreseen
            .is_some_and(|cell| state.cells[cell as usize].submitted.is_some());
        (matches!(event, Event::StageStarted { .. } | Event::GateOpened(_)) || !is_out).then_some(event)
    })
}

/// Begins the stage of a try that the keeper has begun, whatever its needs came to: it runs.
pub(super) fn begin_begun(state: &JobState) -> Option<Event> {
    let key = state.index.begun?;
    let it = &state.cells[key.cell as usize];
    let is_ready = state.index.ready.contains(&it.stage);
    (is_ready && it.submitted == Some(key))
        .then(|| Event::StageStarted { stage: it.stage, cells: vec![foreseen_cell(state, key.cell)] })
}

/// Returns the cell that was submitted before its stage began.
fn foreseen_cell(state: &JobState, cell: u32) -> NewCell {
    let it = &state.cells[cell as usize];
    NewCell { cell, run: it.run, id: it.id.clone(), label: it.label.clone(), matrix: it.matrix.clone() }
}

/// Returns a stage whose last need is about to end, as the success of a running try would begin it, or of one that is
/// submitted behind such a try.
///
/// Only where nothing can be known later that would change what is run: one cell, no condition, plain texts.
pub(super) fn foresee(state: &JobState) -> Option<Event> {
    let plan = &state.setting.plan;
    for &after in state.index.leads.difference(&state.index.led) {
        let lead = &state.cells[after.cell as usize];
        if lead.stop.is_some() || lead.steps[after.step as usize].stop.is_some() {
            continue;
        }
        let dependents = &plan.stages[lead.stage as usize].needed_by;
        let Some(&stage) = dependents.iter().find(|&&at| can_foresee(state, at)) else { continue };
        let model = &plan.playbook.stages[stage as usize];
        let cell = u32::try_from(state.cells.len()).ok()?;
        let new =
            NewCell { cell, run: 1, id: model.id.clone(), label: Arc::from(""), matrix: Arc::default() };
        let step = u32::try_from(*model.steps.body.first()?).ok()?;
        let key = AttemptKey { cell, run: 1, step, attempt: 1 };
        return Some(Event::StageSubmitted { stage, cell: new, key, after });
    }
    None
}

fn can_foresee(state: &JobState, stage: u32) -> bool {
    let it = &state.stages[stage as usize];
    let model = &state.setting.plan.playbook.stages[stage as usize];
    let playbook = state.setting.plan.home(stage);
    let planned = &state.setting.plan.stages[stage as usize];
    let is_next = it.phase == StagePhase::Pending
        && it.needs_left == 1
        && it.cells.is_empty()
        && it.foreseen.is_none()
        && !it.closure.unsuccessful
        && it.skip.is_none()
        && it.cancel.is_none()
        && planned.selected == Selected::Yes
        && planned.axes.is_empty()
        && model.call.is_none();
    let is_simple = model.condition.is_none()
        && model.run_when == RunWhen::AllSuccess
        && model.strategy.is_none()
        && model.approve.is_none()
        && model.steps.sidecars.is_empty()
        && !share::stage_asks(state, stage)
        && !cached::has_cache(state, stage)
        && !artifacts::has_any(state, stage)
        && share::width(state, stage) == 1
        && !model.is_final;
    let Some(step) = model.steps.body.first().map(|&at| &model.steps.steps[at]) else { return false };
    let Action::Run { text, .. } = &step.action else { return false };
    let dirs = [
        &step.working_directory,
        &model.working_directory,
        &model.own_defaults().working_directory,
        &playbook.defaults.working_directory,
    ];
    let env = [&playbook.env, &model.env, &step.env].into_iter().flatten().map(|(_, text)| text);
    is_next
        && is_simple
        && step.condition.is_none()
        && dirs.into_iter().flatten().chain(env).chain([text]).all(|it| it.template.as_literal().is_some())
}

/// Returns the names of the needs that did not succeed.
pub(super) fn failed_needs(state: &JobState, stage: u32) -> Vec<String> {
    let needs = &state.setting.plan.playbook.stages[stage as usize].needs;
    let failed = needs.iter().filter(|&&need| {
        let waived = matches!(state.stages[need].phase, StagePhase::Finished { waived: true, .. });
        state.stages[need].result() != Some(Outcome::Success) && !waived
    });
    failed.map(|&need| state.setting.plan.playbook.stages[need].id.to_string()).collect()
}

fn finished(stage: u32, outcome: Outcome, cause: Cause) -> Event {
    Event::StageFinished { stage, outcome, result: outcome, cause: Some(cause) }
}

fn begin(state: &JobState, stage: u32, now: Timestamp) -> Option<Event> {
    let plan = &state.setting.plan;
    let model = &plan.playbook.stages[stage as usize];
    let planned = &plan.stages[stage as usize];
    let it = &state.stages[stage as usize];
    if let Selected::No(_) = planned.selected {
        return Some(finished(stage, Outcome::Skipped, Cause::Selection));
    }
    if let Some((outcome, cause)) = super::calls::without_caller(state, stage) {
        return Some(finished(stage, outcome, cause));
    }
    if let Some(by) = &it.skip {
        return Some(finished(stage, Outcome::Skipped, Cause::Order { by: by.clone() }));
    }
    if let Some(cancel) = &it.cancel {
        return Some(finished(stage, Outcome::Cancelled, cancel.cause.clone()));
    }
    let from_above = calls::over(state, stage);
    // Nobody is asked in the middle of a cancel, and nothing passes a gate unasked.
    if let Some(cancel) = from_above.filter(|cancel| cancel.force || model.approve.is_some()) {
        return Some(finished(stage, Outcome::Cancelled, cancel.cause.clone()));
    }
    // The condition is asked once, and it held when the gate was opened.
    let condition = if it.gate.is_some() { Ok(true) } else { runs(state, stage, model) };
    match condition {
        Err(error) => Some(finished(stage, Outcome::Failure, Cause::Expression { message: error.message })),
        Ok(false) => Some(match from_above {
            Some(cancel) => finished(stage, Outcome::Cancelled, cancel.cause.clone()),
            None => finished(stage, Outcome::Skipped, why_not(state, stage, model)),
        }),
        Ok(true) => match gates::before_stage(state, stage, now) {
            Ruling::Open(event) => Some(*event),
            Ruling::Wait => None,
            Ruling::Fail(cause) => Some(finished(stage, Outcome::Failure, cause)),
            Ruling::Skip(cause) => Some(finished(stage, Outcome::Skipped, cause)),
            Ruling::Go => Some(begin_cells(state, stage, model, planned)),
        },
    }
}

fn begin_cells(state: &JobState, stage: u32, model: &Stage, planned: &PlannedStage) -> Event {
    match cells(state, stage, model, planned) {
        Ok(cells) => Event::StageStarted { stage, cells },
        Err(NoCells::Empty) => finished(stage, Outcome::Skipped, Cause::EmptyMatrix),
        Err(NoCells::Wrong(message)) => finished(stage, Outcome::Failure, Cause::Matrix { message }),
    }
}

fn runs(state: &JobState, stage: u32, model: &Stage) -> Result<bool, ExprError> {
    let scope = JobScope::new(state, Standing::Stage(stage));
    let results = || model.needs.iter().filter_map(|&need| state.stages[need].result());
    let cancelled = calls::over(state, stage).is_some();
    let by_needs = match model.run_when {
        RunWhen::AllSuccess => true,
        RunWhen::NoneFailed => {
            results().all(|r| matches!(r, Outcome::Success | Outcome::Skipped)) && !cancelled
        }
        RunWhen::AnySuccess => results().any(|r| r == Outcome::Success) && !cancelled,
        RunWhen::AnyFailed => results().any(|r| r == Outcome::Failure) && !cancelled,
        RunWhen::AllDone => true,
    };
    if !by_needs {
        return Ok(false);
    }
    match &model.condition {
        Some(condition) if model.run_when == RunWhen::AllSuccess => condition.condition.eval(&scope),
        Some(condition) => condition.condition.eval(&JobScope::new(state, Standing::Waived(stage))),
        None if model.run_when == RunWhen::AllSuccess => {
            Ok(matches!(scope.status(crate::logic::expr::StatusFn::Success, &[])?, Value::Bool(true)))
        }
        None => Ok(true),
    }
}

fn why_not(state: &JobState, stage: u32, model: &Stage) -> Cause {
    let bad = failed_needs(state, stage);
    let own = model.condition.as_ref().filter(|c| !c.condition.needs_success());
    match (own, &model.condition) {
        (None, _) if !bad.is_empty() || state.stages[stage as usize].closure.unsuccessful => {
            Cause::Needs { stages: bad }
        }
        (_, Some(condition)) => Cause::Condition { text: condition.source.to_string() },
        _ => Cause::Condition { text: format!("{:?}", model.run_when) },
    }
}

enum NoCells {
    Empty,
    Wrong(String),
}

fn cells(
    state: &JobState,
    stage: u32,
    model: &Stage,
    planned: &PlannedStage,
) -> Result<Vec<NewCell>, NoCells> {
    let next = u32::try_from(state.cells.len()).unwrap_or(u32::MAX);
    let earlier = |id: &str| {
        state.stages[stage as usize].cells.iter().copied().find(|&c| &*state.cells[c as usize].id == id)
    };
    let place = |id: Arc<str>, fresh: &mut u32| match earlier(&id) {
        Some(cell) => (cell, state.cells[cell as usize].run + 1, id),
        None => {
            *fresh += 1;
            (*fresh - 1, 1, id)
        }
    };
    if let Some(cell) = state.stages[stage as usize].foreseen {
        return Ok(vec![foreseen_cell(state, cell)]);
    }
    let mut fresh = next;
    let matrix = written_matrix(state, stage, model, planned)?;
    let Some(matrix) = matrix else {
        let (cell, run, id) = place(model.id.clone(), &mut fresh);
        return Ok(vec![NewCell { cell, run, id, label: Arc::from(""), matrix: Arc::default() }]);
    };
    let limit = state.setting.plan.home(stage).policy.matrix_limit as usize;
    let if_empty = model.strategy.as_ref().map(|s| s.if_empty).unwrap_or_default();
    let expansion = match matrix::expand(&matrix, limit) {
        Ok(expansion) => expansion,
        Err(error)
            if matches!(error.slug, "matrix-empty" | "matrix-axis-empty") && if_empty == IfEmpty::Skip =>
        {
            return Err(NoCells::Empty);
        }
        Err(error) => return Err(NoCells::Wrong(error.message)),
    };
    let mut cells = Vec::with_capacity(expansion.combinations.len());
    for combination in expansion.combinations {
        let json = Value::object(combination.values).to_json();
        if let Selected::Cells(wanted) = &planned.selected
            && !wanted.iter().any(|cell| matches_cell(cell, &json))
        {
            continue;
        }
        let (cell, run, id) = place(Arc::from(format!("{}.{}", model.id, combination.id)), &mut fresh);
        cells.push(NewCell { cell, run, id, label: Arc::from(combination.label), matrix: Arc::new(json) });
    }
    if cells.is_empty() && matches!(planned.selected, Selected::Cells(_)) {
        return Err(NoCells::Wrong("no cell of this stage has the values that `--only` asks for".to_owned()));
    }
    Ok(cells)
}

fn written_matrix(
    state: &JobState,
    stage: u32,
    model: &Stage,
    planned: &PlannedStage,
) -> Result<Option<Value>, NoCells> {
    let scope = JobScope::new(state, Standing::Stage(stage));
    let wrong = |error: ExprError| NoCells::Wrong(error.message);
    let mut value = match model.strategy.as_ref().map(|s| &s.matrix) {
        None => None,
        Some(MatrixSource::Fixed(value)) => Some(value.clone()),
        Some(MatrixSource::Computed(text)) => Some(text.template.eval_value(&scope).map_err(wrong)?),
        Some(MatrixSource::Mixed(mixed)) => Some(mixed_value(mixed, &scope).map_err(wrong)?),
    };
    for (axis, values) in &planned.axes {
        let base = value.take().unwrap_or_else(|| Value::object(Object::new()));
        value = Some(matrix::replace_axis(&base, axis, values.clone()));
    }
    Ok(value)
}

fn mixed_value(mixed: &MixedMatrix, scope: &JobScope<'_>) -> Result<Value, ExprError> {
    Ok(match mixed {
        MixedMatrix::Leaf(text) => text.template.eval_value(scope)?,
        MixedMatrix::Value(value) => value.clone(),
        MixedMatrix::List(items) => {
            Value::array(items.iter().map(|item| mixed_value(item, scope)).collect::<Result<_, _>>()?)
        }
        MixedMatrix::Map(members) => {
            let mut object = Object::new();
            for (name, member) in members {
                object.insert(name.clone(), mixed_value(member, scope)?);
            }
            Value::object(object)
        }
    })
}

/// Judges a cell by its steps and by what asked it to stop.
///
/// A cell that a person skips while it runs has passed if its work was done before that reached it. Whatever else became
/// of it, it is skipped, so that it neither fails its stage nor its siblings.
fn what_it_came_to(it: &CellState, model: &Stage, failed: bool) -> (Outcome, Option<Cause>) {
    if let Some(by) = &it.skip
        && (failed || !was_done_before_its_stop(it, model))
    {
        return (Outcome::Skipped, Some(Cause::Order { by: by.clone() }));
    }
    if let Some(message) = artifacts::trouble(it).filter(|_| it.stop.is_none()) {
        return (Outcome::Failure, Some(Cause::Artifact { message: message.to_string() }));
    }
    match &it.stop {
        Some(stop) if it.skip.is_none() => match &stop.cause {
            cause @ Cause::Timeout { .. } => (Outcome::Failure, Some(cause.clone())),
            cause => (Outcome::Cancelled, Some(cause.clone())),
        },
        _ if failed => {
            let failed = |(at, s): &(usize, &StepState)| s.failed() && model.steps.body.contains(at);
            let of_background = together::unjoined_failures(it, &model.steps.background);
            let names = it.steps.iter().enumerate().filter(failed).map(|(at, _)| at);
            let names: std::collections::BTreeSet<usize> = names.chain(of_background).collect();
            let names = names.into_iter().map(|at| step_name(model, at));
            (Outcome::Failure, Some(Cause::Member { names: names.take(20).collect() }))
        }
        _ => (Outcome::Success, None),
    }
}

fn was_done_before_its_stop(it: &CellState, model: &Stage) -> bool {
    let came_to = |s: &StepState| s.done().and_then(|done| done.outcome);
    let last = model.steps.body.last().map(|&at| &it.steps[at]);
    let is_done = last.is_some_and(|s| !s.is_cleanup && came_to(s) == Some(Outcome::Success));
    it.stop.is_none() || (is_done && it.steps.iter().all(|s| came_to(s) != Some(Outcome::Cancelled)))
}

/// Ends a cell all of whose steps have ended, or sends it back to its beginning.
pub(super) fn finish_cell(
    state: &JobState,
    cell: u32,
    failed: bool,
    pressure: Pressure,
    now: Timestamp,
) -> Event {
    let it = &state.cells[cell as usize];
    let model = &state.setting.plan.playbook.stages[it.stage as usize];
    let (mut outcome, mut cause) = what_it_came_to(it, model, failed);
    if matches!(outcome, Outcome::Success | Outcome::Failure)
        && let Some(incomplete) = undo::incomplete(it, &model.steps)
    {
        (outcome, cause) = (Outcome::Failure, Some(incomplete));
    }
    if outcome == Outcome::Success && !it.survivors.is_empty() {
        (outcome, cause) = (Outcome::Failure, Some(Cause::Survivors { names: it.survivors.clone() }));
    }
    if outcome == Outcome::Failure
        && pressure == Pressure::None
        && let Some(until) = super::super::decide::cell_retry(state, cell, now)
    {
        return Event::CellRetrying { cell, run: it.run, until, cause };
    }
    if outcome == Outcome::Failure && it.saga.undone == Some(undo::Undone::Done) {
        cause = Some(Cause::rolled_back(cause));
    }
    let outputs = match outputs(state, cell, model) {
        Ok(outputs) => outputs,
        Err(error) => {
            if outcome == Outcome::Success {
                (outcome, cause) = (Outcome::Failure, Some(Cause::Expression { message: error.message }));
            }
            Vec::new()
        }
    };
    let result = result(state, cell, outcome);
    Event::CellFinished { cell, run: it.run, outcome, result, cause, outputs }
}

/// Ends a cell whose result was found, once its artifacts are there for this job, too.
pub(super) fn replayed(state: &mut JobState, cell: u32, now: Timestamp) -> Option<Event> {
    let failed = failing::is_failure(state, cell);
    match artifacts::before_replay(state, cell) {
        artifacts::Ruling::Go => {}
        artifacts::Ruling::End => return Some(finish_cell(state, cell, true, Pressure::None, now)),
        artifacts::Ruling::Wait => return None,
        artifacts::Ruling::Say(event) => return Some(event),
    }
    match artifacts::before_end(state, cell, failed, Pressure::None) {
        artifacts::Ruling::Go | artifacts::Ruling::End => {
            Some(finish_cell(state, cell, failed, Pressure::None, now))
        }
        artifacts::Ruling::Wait => None,
        artifacts::Ruling::Say(event) => Some(event),
    }
}

/// Returns what the outcome of a cell counts as, by `continue-on-error` of its stage.
pub(super) fn result(state: &JobState, cell: u32, outcome: Outcome) -> Outcome {
    let model = &state.setting.plan.playbook.stages[state.cells[cell as usize].stage as usize];
    match &model.continue_on_error {
        Some(condition) if outcome == Outcome::Failure => {
            let standing = Standing::Cell { cell, step: None, status: ListStatus::default() };
            match condition.condition.eval(&JobScope::new(state, standing)) {
                Ok(true) => Outcome::Success,
                _ => outcome,
            }
        }
        _ => outcome,
    }
}

/// Returns the word people use for a step: its id, else its number from 1.
#[must_use]
pub fn step_name(model: &Stage, step: usize) -> String {
    model.steps.steps[step].id.as_ref().map_or_else(|| (step + 1).to_string(), ToString::to_string)
}

fn outputs(state: &JobState, cell: u32, model: &Stage) -> Result<Pairs, ExprError> {
    if model.outputs.is_empty() {
        return Ok(Vec::new());
    }
    let scope = JobScope::new(state, Standing::Cell { cell, step: None, status: ListStatus::default() });
    let env: Object =
        environment(state, cell, None)?.into_iter().map(|(k, v)| (k, Value::String(v))).collect();
    scope.set("env", Value::object(env));
    model
        .outputs
        .iter()
        .map(|(name, text)| Ok((name.clone(), Arc::from(text.template.eval_text(&scope)?))))
        .collect()
}

/// Returns what the ordinary stages, and the final ones as far as they got, come to.
#[must_use]
pub fn conclusion(state: &JobState) -> Outcome {
    // What is called counts by its caller.
    let models = &state.setting.plan.playbook.stages;
    let own = || state.stages.iter().zip(models).filter(|(_, model)| model.frame.is_none());
    let any = |wanted| own().any(|(it, _)| it.result() == Some(wanted));
    let timed_out = state.cancel.as_ref().is_some_and(|c| matches!(c.cause, Cause::Timeout { .. }));
    if any(Outcome::Failure) || timed_out {
        Outcome::Failure
    } else if any(Outcome::Cancelled) || state.cancel.is_some() {
        Outcome::Cancelled
    } else {
        Outcome::Success
    }
}
