//! The answer to one input, as events. Reads the state, never changes it, and records only what was said.
//!
//! Not here: orders (`steer.rs`), consequences (`follow`).

use std::sync::Arc;
use std::time::Duration;

use super::Input;
use super::event::{Cause, Event, Outcome, StepEnd};
use super::follow::conclude;
use super::order::Refusal;
use super::report::{AttemptKey, End, Exit, Report};
use super::scope::{JobScope, Standing};
use super::state::{CellState, JobPhase, JobState};
use super::together;
use crate::logic::playbook::model::{Action, Assertion, OnInterrupt, Retry, RetryOn, Stage, Step};
use crate::logic::step_files;
use crate::logic::time::Timestamp;

type Answer = Result<(Vec<Event>, String), Refusal>;

/// Returns what an input records, and the answer in words.
///
/// # Errors
/// A refusal, if an order makes no sense now.
pub fn decide(state: &JobState, input: &Input, now: Timestamp) -> Answer {
    let now = super::freeze::clock(state, now);
    match input {
        Input::Begin { epoch } => Ok((begin(state, *epoch), String::new())),
        Input::Order(asked) => super::steer::answer(state, asked),
        Input::Report(report) => Ok((reported(state, report, now), String::new())),
        Input::Wake => Ok((Vec::new(), String::new())),
    }
}

fn begin(state: &JobState, epoch: u64) -> Vec<Event> {
    match state.phase {
        JobPhase::New if super::share::job_asks(state) => vec![super::share::queue(state)],
        // Its turn had come when the engine died.
        JobPhase::Queued if state.attempt == 0 && super::share::job_has_all(state) => started(state),
        JobPhase::New => started(state),
        JobPhase::Queued | JobPhase::Running => vec![Event::JobRecovered { epoch }],
        JobPhase::Finished { .. } => Vec::new(),
    }
}

/// Returns the start of a job, and its end if it may not begin.
pub(super) fn started(state: &JobState) -> Vec<Event> {
    let mut events = vec![Event::JobStarted { attempt: 1, title: super::scope::title(state) }];
    if let Some(cause) = first_broken(&JobScope::new(state, Standing::Job), &state.setting.plan.playbook.pre)
    {
        events.push(Event::JobFinished {
            outcome: Outcome::Failure,
            cause: Some(cause),
            rescued: false,
            outputs: Vec::new(),
            survivors: Vec::new(),
        });
    }
    events
}

/// Returns the first of some assertions that does not hold.
pub(super) fn first_broken(scope: &JobScope<'_>, assertions: &[Assertion]) -> Option<Cause> {
    assertions.iter().find_map(|it| {
        let message = match it.condition.condition.eval(scope) {
            Ok(true) => return None,
            Ok(false) => match it.message.as_ref().map(|m| m.template.eval_text(scope)) {
                Some(Ok(message)) => message,
                _ => format!("`{}` does not hold", it.condition.source),
            },
            Err(error) => error.message,
        };
        Some(Cause::Assertion { name: it.name.clone(), message })
    })
}

fn reported(state: &JobState, report: &Report, now: Timestamp) -> Vec<Event> {
    let is_live = |key: &AttemptKey| state.index.live.contains_key(key);
    if let Some(key) = report.ends().filter(|key| is_submitted(state, *key)) {
        return ended_submitted(state, key, report, now);
    }
    match report {
        Report::Exited(exit) if is_live(&exit.key) => vec![judge(state, exit, now)],
        Report::NotStarted { key, message, .. } if is_live(key) => {
            let cause = Cause::Start { message: message.clone() };
            vec![ended_badly(state, StepEnd::new(*key), cause, now)]
        }
        Report::Lost { key, message } if is_live(key) => {
            vec![interrupted(state, *key, message, now)]
        }
        Report::Withdrawn { key } if is_live(key) => {
            let stopped = state.cells[key.cell as usize].steps[key.step as usize].stop.as_ref();
            let cause = stopped.map_or(Cause::Earlier, |s| s.cause.clone());
            vec![ended_badly(state, StepEnd::new(*key), cause, now)]
        }
        Report::Swept { cell, run, ended, survivors }
            if state.cells.get(*cell as usize).is_some_and(|c| c.run == *run && !c.swept) =>
        {
            vec![Event::CellSwept { cell: *cell, run: *run, ended: *ended, survivors: survivors.clone() }]
        }
        // A keeper tells an engine that comes later what it may have told the one before.
        Report::Annotated { key, nth, .. } if *nth != 0 && *nth <= state.annotated(*key) => Vec::new(),
        Report::Annotated { key, annotation, .. } => {
            vec![Event::Annotated { key: *key, annotation: annotation.clone() }]
        }
        Report::Hashed { cell, run, patterns, digest } => {
            vec![Event::Hashed { cell: *cell, run: *run, patterns: patterns.clone(), digest: digest.clone() }]
        }
        Report::Claims { cell, run, verdict } => super::share::answered(state, *cell, *run, verdict),
        Report::LookWaits { unit, message } => {
            super::cached::waits(state, *unit, message).into_iter().collect()
        }
        Report::Looked { unit, looked } => super::cached::looked(state, *unit, looked).into_iter().collect(),
        Report::Kept { unit, kept } => super::cached::kept(state, *unit, kept).into_iter().collect(),
        Report::Taken { cell, run, outcome } => super::artifacts::taken(state, (*cell, *run), outcome),
        Report::Offered { cell, run, outcome } => super::artifacts::offered(state, (*cell, *run), outcome),
        Report::Closed { survivors } if state.phase == JobPhase::Running && state.all_done() => {
            vec![finish(state, survivors)]
        }
        // A result of an earlier try, or of a cell that has ended: fenced off.
        _ => Vec::new(),
    }
}

pub(super) fn is_submitted(state: &JobState, key: AttemptKey) -> bool {
    state.cells.get(key.cell as usize).is_some_and(|it| it.submitted == Some(key))
}

/// A submitted try came back without a word that it began.
fn ended_submitted(state: &JobState, key: AttemptKey, report: &Report, now: Timestamp) -> Vec<Event> {
    // A try that is lost had not begun: what the keeper begins by itself is in the record of the end before it.
    if matches!(report, Report::Withdrawn { .. } | Report::Lost { .. }) {
        return vec![Event::StepWithdrawn { key }];
    }
    let start = [Event::CellStarted { cell: key.cell, run: key.run }, Event::StepStarted { key }];
    let mut events: Vec<Event> = start.into();
    events.push(match report {
        Report::NotStarted { message, .. } => {
            ended_badly(state, StepEnd::new(key), Cause::Start { message: message.clone() }, now)
        }
        Report::Exited(exit) => judge(state, exit, now),
        _ => return Vec::new(),
    });
    events
}

fn finish(state: &JobState, survivors: &[String]) -> Event {
    let mut outcome = super::follow::conclusion(state);
    let failed = |wanted: Outcome| {
        let names = super::calls::culprits(state, None, wanted).into_iter();
        Cause::Member { names: names.map(|at| state.stage_name(at).to_owned()).take(20).collect() }
    };
    let mut cause = match (&state.cancel, outcome) {
        (Some(cancel), Outcome::Failure) if matches!(cancel.cause, Cause::Timeout { .. }) => {
            Some(cancel.cause.clone())
        }
        (Some(cancel), Outcome::Cancelled) => Some(cancel.cause.clone()),
        (_, Outcome::Success) => None,
        (None, Outcome::Failure) => {
            Some(super::follow::gate_failure(state).unwrap_or_else(|| failed(outcome)))
        }
        (_, outcome) => Some(failed(outcome)),
    };
    let scope = JobScope::new(state, Standing::Job);
    if outcome == Outcome::Success
        && let Some(broken) = first_broken(&scope, &state.setting.plan.playbook.post)
    {
        (outcome, cause) = (Outcome::Failure, Some(broken));
    }
    let mut outputs = Vec::new();
    for output in &state.setting.plan.playbook.outputs {
        match output.value.template.eval_text(&scope) {
            Ok(value) => outputs.push((output.name.clone(), Arc::from(value))),
            Err(error) if outcome == Outcome::Success => {
                (outcome, cause) = (Outcome::Failure, Some(Cause::Expression { message: error.message }));
            }
            Err(_) => {}
        }
    }
    if outcome == Outcome::Success && !survivors.is_empty() {
        (outcome, cause) = (Outcome::Failure, Some(Cause::Survivors { names: survivors.to_vec() }));
    }
    let cause = super::undo::told_of_job(state, cause);
    let rescued = outcome == Outcome::Success
        && state.cells.iter().any(|c| c.steps.iter().any(|s| s.done().is_some_and(|d| d.rescued)));
    Event::JobFinished { outcome, cause, rescued, outputs, survivors: survivors.to_vec() }
}

fn model_of<'a>(state: &'a JobState, key: &AttemptKey) -> &'a Step {
    let stage = state.cells[key.cell as usize].stage as usize;
    &state.setting.plan.playbook.stages[stage].steps.steps[key.step as usize]
}

/// Judges the end of a try.
fn judge(state: &JobState, exit: &Exit, now: Timestamp) -> Event {
    let model = model_of(state, &exit.key);
    let mut end = StepEnd {
        end: Some(exit.end),
        log_bytes: exit.log_bytes,
        usage: exit.usage,
        left_running: exit.left_running,
        ..StepEnd::new(exit.key)
    };
    let problem = take_files(&mut end, exit);
    let stop = state.cells[exit.key.cell as usize].steps[exit.key.step as usize].stop.as_ref();
    let cause = match (stop, exit.end) {
        // A report can arrive after the stop was asked for; counting it as a pass would make cancel a race. What the
        // keeper has begun another try for was a success before the stop reached anybody.
        (Some(stop), _) if exit.next.is_none() => Some(stop.cause.clone()),
        (_, End::Code(code)) if model.skip_exit_codes.contains(&code) => Some(Cause::SkipCode { code }),
        (_, End::Code(code)) if model.ok_exit_codes.contains(&code) => None,
        (_, End::Code(code)) => Some(told_by_part(state, &end).unwrap_or(Cause::Exit { code })),
        (_, End::Signal(signal)) => Some(Cause::Signal { signal }),
    };
    // A service that was asked to end, but not removed, did not end well.
    let cause = cause.filter(|cause| problem.is_none() || *cause != Cause::StepsOver);
    match cause.or(problem.map(|message| Cause::Protocol { message })) {
        None => Event::StepFinished(Box::new(end)),
        Some(cause @ Cause::SkipCode { .. }) => {
            end.outcome = Outcome::Skipped;
            end.conclusion = Outcome::Skipped;
            end.cause = Some(cause);
            Event::StepFinished(Box::new(end))
        }
        Some(cause) => ended_badly(state, end, cause, now),
    }
}

/// Returns why a part of a sidecar failed, if it said so.
fn told_by_part(state: &JobState, end: &StepEnd) -> Option<Cause> {
    let stage = state.cells[end.key.cell as usize].stage as usize;
    let tree = &state.setting.plan.playbook.stages[stage].steps;
    super::sidecar::told(tree, tree.steps[end.key.step as usize].part, &end.outputs)
}

/// Reads the step files into the end; returns what was wrong with them.
fn take_files(end: &mut StepEnd, exit: &Exit) -> Option<String> {
    if let Some(problem) = &exit.log_problem {
        return Some(problem.clone());
    }
    if exit.files.is_empty() {
        return None;
    }
    if let Some(problem) = &exit.files.problem {
        return Some(problem.clone());
    }
    let mut problem = None;
    let mut pairs = |name: &str, text: &str| match step_files::parse_pairs(text) {
        Ok(pairs) => {
            pairs.into_iter().map(|(k, v)| (Arc::from(k.as_str()), Arc::from(v.as_str()))).collect::<Vec<_>>()
        }
        Err(error) => {
            problem.get_or_insert(format!("{name}, line {}: {}", error.line, error.message));
            Vec::new()
        }
    };
    end.outputs = pairs("SORTIE_OUTPUT", &exit.files.output);
    end.env = pairs("SORTIE_ENV", &exit.files.env);
    end.state = pairs("SORTIE_STATE", &exit.files.state);
    if let Some((name, _)) = end.env.iter().find(|(name, _)| step_files::forbidden_env(name)) {
        problem.get_or_insert(format!("SORTIE_ENV: `{name}` may not be set by a step"));
    }
    end.env.retain(|(name, _)| !step_files::forbidden_env(name));
    match step_files::parse_paths(&exit.files.path) {
        Ok(paths) => end.paths = paths.into_iter().map(|p| Arc::from(p.as_str())).collect(),
        Err(error) => {
            problem.get_or_insert(format!("SORTIE_PATH, line {}: {}", error.line, error.message));
        }
    }
    end.summary.clone_from(&exit.files.summary);
    problem
}

/// What held a running try is gone, and with it the try.
fn interrupted(state: &JobState, key: AttemptKey, message: &str, now: Timestamp) -> Event {
    let cell = &state.cells[key.cell as usize];
    let it = &cell.steps[key.step as usize];
    if let Some(stop) = &it.stop {
        // It was to end, and it has.
        return ended_badly(state, StepEnd::new(key), stop.cause.clone(), now);
    }
    let model = model_of(state, &key);
    let is_undo = model.undoes.is_some();
    let tree = &state.setting.plan.playbook.stages[cell.stage as usize].steps;
    let runs_again = match model.on_interrupt {
        // It was armed by a success and has not succeeded itself: it runs until it has said how it ended.
        _ if is_undo => true,
        // What it worked with is gone, too: only the cell as a whole can begin again.
        _ if super::sidecar::lost_with(cell, tree) => false,
        OnInterrupt::Auto => model.idempotent,
        OnInterrupt::Rerun | OnInterrupt::Resume | OnInterrupt::Ask => true,
        OnInterrupt::Fail => false,
    };
    let cause = Cause::Interrupted { message: message.to_owned() };
    // What takes its machine along each time would never end, unless people decide.
    if runs_again && (is_undo || it.reruns < MOST_RERUNS || super::gate::asks_when_lost(model)) {
        return Event::StepRetrying {
            key,
            until: now,
            cause: Some(cause),
            end: None,
            left_running: 0,
            rerun: true,
            log_bytes: 0,
        };
    }
    ended_badly(state, StepEnd::new(key), cause, now)
}

/// How often a step is run again for the loss of what held it.
const MOST_RERUNS: u32 = 20;

pub(super) fn ended_badly(state: &JobState, mut end: StepEnd, cause: Cause, now: Timestamp) -> Event {
    let cell = &state.cells[end.key.cell as usize];
    if cause == Cause::StepsOver {
        return Event::StepFinished(Box::new(end));
    }
    let was_cancelled = matches!(
        cause,
        Cause::Order { .. }
            | Cause::FailFast { .. }
            | Cause::Earlier
            | Cause::StoppedBy { .. }
            | Cause::Together { .. }
    );
    if !was_cancelled
        && cell.stop.is_none()
        && let Some(until) = step_retry(state, &end.key, &cause, now)
    {
        return Event::StepRetrying {
            key: end.key,
            until,
            cause: Some(cause),
            end: end.end,
            left_running: end.left_running,
            rerun: false,
            log_bytes: end.log_bytes,
        };
    }
    end.outcome = if was_cancelled { Outcome::Cancelled } else { Outcome::Failure };
    end.conclusion = conclude(state, end.key.cell, end.key.step, end.outcome);
    end.cause = Some(cause);
    Event::StepFinished(Box::new(end))
}

/// Ends a block, or sends it back to its beginning.
pub(super) fn conclude_block(
    state: &JobState,
    cell: u32,
    step: u32,
    (failed, rescued, cancelled): (bool, bool, bool),
    now: Timestamp,
) -> Event {
    let it = &state.cells[cell as usize];
    let block = &it.steps[step as usize];
    let key = AttemptKey { cell, run: it.run, step, attempt: block.attempt };
    let model = model_of(state, &key);
    if model.undoes.is_some() {
        return super::undo::given_up(state, cell, step);
    }
    let stage = &state.setting.plan.playbook.stages[it.stage as usize];
    let cause = why_failed(it, stage, step, now);
    let mut end = StepEnd { rescued, ..StepEnd::new(key) };
    if failed && !model.action.has_members() {
        // What is waited for has its own retries; and a command that waited for another try has no time left for it.
        end.outcome = Outcome::Failure;
        end.conclusion = conclude(state, cell, step, Outcome::Failure);
        end.cause = Some(cause);
        return Event::StepFinished(Box::new(end));
    }
    if failed {
        // What it has got so far is there for steps that run in any case.
        end.outputs = super::actions::outputs(state, cell, step).unwrap_or_default();
        return ended_badly(state, end, cause, now);
    }
    if cancelled {
        end.outcome = Outcome::Cancelled;
        end.conclusion = Outcome::Cancelled;
        end.cause = it.stop.as_ref().map(|s| s.cause.clone());
        end.cause = end.cause.or_else(|| together::why_stop(it, &stage.steps, step as usize));
    } else if rescued {
        end.outcome = Outcome::Failure;
        end.cause = Some(cause);
    }
    match super::actions::outputs(state, cell, step) {
        Ok(outputs) => end.outputs = outputs,
        Err(error) if end.outcome == Outcome::Success => {
            return ended_badly(state, end, Cause::Expression { message: error.message }, now);
        }
        Err(_) => {}
    }
    Event::StepFinished(Box::new(end))
}

/// Returns why a step that has no process did not pass.
fn why_failed(it: &CellState, stage: &Stage, step: u32, now: Timestamp) -> Cause {
    let of = &it.steps[step as usize];
    let model = &stage.steps.steps[step as usize];
    if let Some(stop) = &of.stop {
        return stop.cause.clone();
    }
    let name = |at: usize| super::follow::step_name(stage, at);
    let failed = |at: &usize| it.steps[*at].failed();
    let members: Vec<usize> = match &model.action {
        Action::Block { block, always, .. } => block.iter().chain(always).copied().filter(failed).collect(),
        Action::Parallel { members, .. } => members.iter().copied().filter(failed).collect(),
        Action::Rollback => {
            return Cause::NotUndone { names: super::undo::failed(it).map(name).take(20).collect() };
        }
        Action::Run { .. } | Action::Approve(_) => {
            let why = together::why_stop(it, &stage.steps, step as usize);
            return why.unwrap_or(Cause::Earlier);
        }
        control @ (Action::Wait { .. } | Action::WaitAll | Action::Cancel { .. }) => {
            let failures = together::unjoined_failures(it, together::targets(&stage.steps, control));
            if failures.is_empty() && together::is_over(model, of.attempt_since, now) {
                return Cause::Timeout { of: "step".to_owned() };
            }
            failures
        }
    };
    Cause::Member { names: members.into_iter().map(name).collect() }
}

/// Returns when a step is tried again, if it is.
fn step_retry(state: &JobState, key: &AttemptKey, cause: &Cause, now: Timestamp) -> Option<Timestamp> {
    let cell = &state.cells[key.cell as usize];
    let it = &cell.steps[key.step as usize];
    let model = model_of(state, key);
    let retry = model.retry.as_ref()?;
    let tree = &state.setting.plan.playbook.stages[cell.stage as usize].steps;
    if model.undoes.is_none() && super::sidecar::any_failed(cell, tree) {
        return None;
    }
    let seed = format!("{}/{}/{}/{}", state.setting.job_id, key.cell, key.step, key.attempt);
    let tries = key.attempt.saturating_sub(it.reruns);
    next_try(retry, cause, tries, it.since.unwrap_or(now), now, &seed)
}

/// Returns when a cell is tried again as a whole, if it is.
pub(super) fn cell_retry(state: &JobState, cell: u32, now: Timestamp) -> Option<Timestamp> {
    let it = &state.cells[cell as usize];
    let retry = state.setting.plan.playbook.stages[it.stage as usize].retry.as_ref()?;
    let seed = format!("{}/{cell}/{}", state.setting.job_id, it.run);
    next_try(retry, &Cause::Exit { code: -1 }, it.run, it.since.unwrap_or(now), now, &seed)
}

fn next_try(
    retry: &Retry,
    cause: &Cause,
    attempt: u32,
    since: Timestamp,
    now: Timestamp,
    seed: &str,
) -> Option<Timestamp> {
    let applies = retry.on.iter().any(|on| match (on, cause) {
        (RetryOn::Failure, Cause::Exit { .. } | Cause::Signal { .. } | Cause::Member { .. })
        | (RetryOn::Timeout, Cause::Timeout { .. })
        | (RetryOn::Interrupted, Cause::Interrupted { .. })
        | (RetryOn::Start, Cause::Start { .. }) => true,
        (RetryOn::Exit(from, to), Cause::Exit { code }) => (from..=to).contains(&code),
        _ => false,
    });
    if !applies || attempt >= retry.attempts {
        return None;
    }
    let until = now.after(delay(retry, attempt, seed));
    if retry.deadline.is_some_and(|limit| since.after(limit) < until) {
        return None;
    }
    Some(until)
}

/// Returns the wait after try `attempt`: min(max, first * factor^(attempt-1)), give or take the jitter.
///
/// The jitter comes from a hash of the seed, because logic has no randomness and a replay must agree.
fn delay(retry: &Retry, attempt: u32, seed: &str) -> Duration {
    let backoff = retry.backoff;
    let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
    let plain = (backoff.first.as_secs_f64() * backoff.factor.powi(exponent)).min(backoff.max.as_secs_f64());
    let hash = blake3::hash(seed.as_bytes());
    let fraction =
        f64::from(u16::from_le_bytes([hash.as_bytes()[0], hash.as_bytes()[1]])) / f64::from(u16::MAX);
    let spread = 1.0 + backoff.jitter * (2.0 * fraction - 1.0);
    Duration::try_from_secs_f64(plain * spread).unwrap_or(backoff.max)
}
