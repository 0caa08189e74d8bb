//! What follows for gates: opening, the end of the wait, reminders, withdrawal, and what a closed gate means.
//!
//! Not here: answers of people (`../answer.rs`), the state after an event (`../gate.rs`).
//! A gate that nobody waits for any more is withdrawn before anything else is said about its stage or step.

use super::super::decide::ended_badly;
use super::super::event::{Cause, Event, Outcome, StepEnd};
use super::super::gate::{self, GateEnd, GatePlace, GateState, OnTimeout, Opened};
use super::super::report::AttemptKey;
use super::super::scope::{JobScope, ListStatus, Standing, environment};
use super::super::state::{JobState, StagePhase};
use super::super::together;
use super::conclude;
use crate::logic::expr::ExprError;
use crate::logic::plan::inputs;
use crate::logic::playbook::gate::Approve;
use crate::logic::text::{duration, plural};
use crate::logic::time::Timestamp;
use crate::logic::value::{Object, Value};

/// What a gate says about the stage or step behind it.
pub(super) enum Ruling {
    /// It has to be opened first, or nobody has decided yet.
    Open(Box<Event>),
    Wait,
    Go,
    Fail(Cause),
    Skip(Cause),
}

/// Returns what time or a change of mind does to an open gate.
pub(super) fn next(state: &JobState, now: Timestamp) -> Option<Event> {
    state.index.gates.iter().find_map(|&gate| {
        if !gate::is_wanted(state, gate) {
            return Some(Event::GateWithdrawn { gate });
        }
        let it = &state.gates[gate as usize];
        if let Some(message) = unanswerable(state, it) {
            return Some(Event::GateExpired { gate, then: OnTimeout::Reject, message, values: Vec::new() });
        }
        // Timers keep their times through a pause, and fire after it.
        if state.paused.is_some() {
            return None;
        }
        if it.opened.until.is_some_and(|until| until <= now) {
            return Some(expired(state, gate, it));
        }
        let remind = gate::model(state, it.opened.place).and_then(|model| model.remind)?;
        (it.reminded.after(remind) <= now).then_some(Event::GateReminded { gate })
    })
}

fn expired(state: &JobState, gate: u32, it: &GateState) -> Event {
    let waited = it.opened.until.unwrap_or(it.since).since(it.since);
    let message = match it.approvals.len() {
        0 => format!("nobody answered within {}", duration(waited)),
        some => format!("{some} of {} approvals within {}", it.opened.count, duration(waited)),
    };
    let then = it.opened.on_timeout;
    let values = match gate::model(state, it.opened.place) {
        Some(model) if then == OnTimeout::Approve => given_and_defaults(model, it),
        _ => Vec::new(),
    };
    Event::GateExpired { gate, then, message, values }
}

fn given_and_defaults(model: &Approve, it: &GateState) -> Vec<(std::sync::Arc<str>, serde_json::Value)> {
    let given: Vec<(String, serde_json::Value)> =
        it.approvals.iter().flat_map(|a| &a.inputs).map(|(k, v)| (k.to_string(), v.clone())).collect();
    match inputs::check_for("this gate", &model.inputs, &given) {
        Ok(Value::Object(values)) => values.iter().map(|(k, v)| (k.into(), v.to_json())).collect(),
        _ => Vec::new(),
    }
}

/// Says why nobody can ever let a gate through, if so.
fn unanswerable(state: &JobState, it: &GateState) -> Option<String> {
    if state.setting.plan.gates.unattended {
        return Some("nobody is there to answer: this is CI, and the job was not told to wait, as `--wait-at-gates` does".to_owned());
    }
    let opened = &it.opened;
    let few = opened.people.len() < opened.count as usize && !opened.approvers.is_empty();
    few.then(|| {
        let who = match opened.people.as_slice() {
            [] => "nobody may answer".to_owned(),
            some => format!("only {} may answer", some.join(", ")),
        };
        let not = if opened.barred.is_empty() {
            String::new()
        } else {
            format!(" ({} started the job)", opened.barred.join(", "))
        };
        format!("it asks for {}, and {who}{not}", plural(opened.count as usize, "approval"))
    })
}

/// Returns what becomes of a stage whose condition holds.
pub(super) fn before_stage(state: &JobState, stage: u32, now: Timestamp) -> Ruling {
    let model = &state.setting.plan.playbook.stages[stage as usize];
    let Some(approve) = &model.approve else { return Ruling::Go };
    match state.stages[stage as usize].gate {
        Some(gate) => ruling(&state.gates[gate as usize]),
        None => {
            let scope = JobScope::new(state, Standing::Stage(stage));
            open(state, GatePlace::Stage(stage), approve, &scope, now)
        }
    }
}

/// Returns what becomes of a step that waits for an answer.
pub(super) fn of_step(state: &JobState, cell: u32, step: u32, now: Timestamp) -> Option<Event> {
    let it = &state.cells[cell as usize];
    let key = AttemptKey { cell, run: it.run, step, attempt: it.steps[step as usize].attempt };
    let end = StepEnd::new(key);
    let tree = &state.setting.plan.playbook.stages[it.stage as usize].steps;
    let why_stop = || together::why_stop(it, tree, step as usize);
    let stopped = || {
        let of_cell = it.stop.as_ref().map(|stop| stop.cause.clone());
        of_cell.or_else(why_stop).unwrap_or(Cause::Earlier)
    };
    if let Some(why) = &it.steps[step as usize].lost {
        return Some(of_lost(state, key, why, it.stop.is_some() || why_stop().is_some()));
    }
    let ruling = match it.steps[step as usize].gate {
        // Nobody is asked in the middle of a cancel.
        None if it.stop.is_some() || why_stop().is_some() => Ruling::Fail(stopped()),
        None => {
            let approve = gate::model(state, GatePlace::Step(key))?;
            let status = ListStatus::default();
            let scope = JobScope::new(state, Standing::Cell { cell, step: Some(step), status });
            match environment(state, cell, Some((step, status))) {
                Ok(env) => {
                    let env: Object = env.into_iter().map(|(k, v)| (k, Value::String(v))).collect();
                    scope.set("env", Value::object(env));
                    open(state, GatePlace::Step(key), approve, &scope, now)
                }
                Err(error) => Ruling::Fail(Cause::Expression { message: error.message }),
            }
        }
        Some(gate) if state.gates[gate as usize].end == Some(GateEnd::Withdrawn) => Ruling::Fail(stopped()),
        Some(gate) => ruling(&state.gates[gate as usize]),
    };
    match ruling {
        Ruling::Open(event) => Some(*event),
        Ruling::Wait => None,
        Ruling::Go => {
            let gate = it.steps[step as usize].gate.map(|gate| &state.gates[gate as usize]);
            let outputs = gate.map(GateState::outputs).unwrap_or_default();
            Some(Event::StepFinished(Box::new(StepEnd { outputs, ..end })))
        }
        Ruling::Fail(cause) => Some(ended_badly(state, end, cause, now)),
        Ruling::Skip(cause) => Some(Event::StepFinished(Box::new(StepEnd {
            outcome: Outcome::Skipped,
            conclusion: Outcome::Skipped,
            cause: Some(cause),
            ..end
        }))),
    }
}

/// Asks whether a step is run again whose try was lost, or ends it if that was denied. What is being stopped is not
/// asked about.
fn of_lost(state: &JobState, key: AttemptKey, why: &str, is_stopped: bool) -> Event {
    let gate = state.cells[key.cell as usize].steps[key.step as usize].gate;
    let end = gate.and_then(|gate| state.gates[gate as usize].end.as_ref());
    let no = match end {
        None if !is_stopped => {
            let message = format!("run `{}` again? {why}", gate::name(state, GatePlace::Step(key)));
            return Event::GateOpened(Box::new(lost_gate(state, key, message)));
        }
        Some(GateEnd::Rejected(answer)) if answer.note.is_empty() => {
            format!("; {} did not want it to run again", answer.who())
        }
        Some(GateEnd::Rejected(answer)) => {
            format!("; {} did not want it to run again: {}", answer.who(), answer.note)
        }
        Some(GateEnd::Expired { message, .. }) => format!("; {message}"),
        _ => String::new(),
    };
    Event::StepFinished(Box::new(StepEnd {
        outcome: Outcome::Failure,
        conclusion: conclude(state, key.cell, key.step, Outcome::Failure),
        cause: Some(Cause::Interrupted { message: format!("{why}{no}") }),
        ..StepEnd::new(key)
    }))
}

fn lost_gate(state: &JobState, key: AttemptKey, message: String) -> Opened {
    let model = Approve::lost();
    Opened {
        gate: u32::try_from(state.gates.len()).unwrap_or(u32::MAX),
        place: GatePlace::Step(key),
        message,
        approvers: Vec::new(),
        people: Vec::new(),
        barred: Vec::new(),
        count: model.count,
        until: None,
        on_timeout: model.on_timeout,
    }
}

fn ruling(it: &GateState) -> Ruling {
    match &it.end {
        None | Some(GateEnd::Withdrawn) => Ruling::Wait,
        Some(GateEnd::Approved { .. } | GateEnd::Expired { then: OnTimeout::Approve, .. }) => Ruling::Go,
        Some(GateEnd::Rejected(answer)) => {
            Ruling::Fail(Cause::Rejected { by: answer.who(), note: answer.note.clone() })
        }
        Some(GateEnd::Expired { then: OnTimeout::Reject, message, .. }) => {
            Ruling::Fail(Cause::Expired { message: message.clone() })
        }
        Some(GateEnd::Expired { then: OnTimeout::Skip, message, .. }) => {
            Ruling::Skip(Cause::Expired { message: message.clone() })
        }
    }
}

fn open(state: &JobState, place: GatePlace, model: &Approve, scope: &JobScope<'_>, now: Timestamp) -> Ruling {
    match opened(state, place, model, scope, now) {
        Ok(opened) => Ruling::Open(Box::new(Event::GateOpened(Box::new(opened)))),
        Err(error) => Ruling::Fail(Cause::Expression { message: error.message }),
    }
}

fn opened(
    state: &JobState,
    place: GatePlace,
    model: &Approve,
    scope: &JobScope<'_>,
    now: Timestamp,
) -> Result<Opened, ExprError> {
    let message = match &model.message {
        Some(text) => text.template.eval_text(scope)?,
        None => format!("go on with `{}`?", gate::name(state, place)),
    };
    let barred = if model.not_actor { actors(state) } else { Vec::new() };
    let mut people = state.setting.plan.gates.people(&model.approvers);
    people.retain(|name| !barred.contains(name));
    Ok(Opened {
        gate: u32::try_from(state.gates.len()).unwrap_or(u32::MAX),
        place,
        message,
        approvers: model.approvers.clone(),
        people,
        barred,
        count: model.count,
        until: model.timeout.map(|limit| now.after(limit)),
        on_timeout: model.on_timeout,
    })
}

/// Who started the job, and who ran it again last.
fn actors(state: &JobState) -> Vec<String> {
    let run = match &state.setting.facts {
        Value::Object(facts) => facts.get("run").cloned(),
        _ => None,
    };
    let starter = match run {
        Some(Value::Object(run)) => run.get("actor").cloned(),
        _ => None,
    };
    let mut actors: Vec<String> = match starter {
        Some(Value::String(name)) => vec![name.to_string()],
        _ => Vec::new(),
    };
    actors.extend(state.rerun_by.iter().filter(|by| !actors.contains(by)).cloned().collect::<Vec<_>>());
    actors
}

/// Returns the cause of a job that failed at its gates and nowhere else.
pub(in crate::logic::job) fn failure(state: &JobState) -> Option<Cause> {
    let is_gate = |cause: &Cause| matches!(cause, Cause::Rejected { .. } | Cause::Expired { .. });
    let mut first = None;
    for at in super::super::calls::culprits(state, None, Outcome::Failure) {
        let stage = &state.stages[at as usize];
        let StagePhase::Finished { cause: Some(own), .. } = &stage.phase else { return None };
        if is_gate(own) {
            first.get_or_insert_with(|| own.clone());
            continue;
        }
        if !matches!(own, Cause::Member { .. }) {
            return None;
        }
        let model = &state.setting.plan.playbook.stages[at as usize].steps;
        for cell in stage.cells.iter().map(|&cell| &state.cells[cell as usize]) {
            if cell.result() != Some(Outcome::Failure) {
                continue;
            }
            let leaves = cell.steps.iter().zip(&model.steps);
            let mut causes = leaves
                .filter(|(it, model)| it.failed() && !model.has_members())
                .map(|(it, _)| it.done().and_then(|done| done.cause.clone()))
                .peekable();
            causes.peek()?;
            for cause in causes {
                let cause = cause.filter(is_gate)?;
                first.get_or_insert(cause);
            }
        }
    }
    first
}
