//! Gates: points where a person decides. What is recorded of them, and the state after it.
//!
//! Not here: when a gate opens, expires or is withdrawn (`follow/gates.rs`), who may answer it (`answer.rs`).
//! A gate has a number in its job, given in the order of opening. What opens again gets another one, so that a late
//! answer never meets a question that its sender has not seen.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::apply::{free_slot, join_queue, leave_queue, rest};
use super::event::{Cause, Event};
use super::report::AttemptKey;
use super::state::{CellPhase, Deadline, JobState, StagePhase, StepPhase};
use super::together;
use crate::logic::expr::coerce;
use crate::logic::playbook::gate::Approve;
use crate::logic::playbook::model::{Action, OnInterrupt, Step};
use crate::logic::time::Timestamp;
use crate::logic::value::Value;

/// Where a gate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GatePlace {
    /// Before the cells of a stage, by its position in the plan.
    Stage(u32),
    /// A step of a cell.
    Step(AttemptKey),
}

/// What the end of the wait means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnTimeout {
    #[default]
    Reject,
    Approve,
    /// Leaves out what waits; what needs it goes on.
    Skip,
}

/// A gate as it was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    pub gate: u32,
    pub place: GatePlace,
    /// What is asked.
    pub message: String,
    /// Names of people and groups, as the playbook has them; empty: everybody who can reach the job.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<String>,
    /// The people behind these names. Who may not answer because the job is theirs is left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<String>,
    /// Who may not answer, although everybody else may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub barred: Vec<String>,
    /// How many have to approve.
    pub count: u32,
    /// The end of the wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// What that end means.
    #[serde(default)]
    pub on_timeout: OnTimeout,
}

/// What a person said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub gate: u32,
    /// Who the system says it was.
    pub by: String,
    /// Who that person said to be, if somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed: Option<String>,
    /// Who it counts as: one of the two.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub counts_as: String,
    #[serde(default)]
    pub order: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The values that came with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<(Arc<str>, Json)>,
    /// The values of all inputs, with the answer that closed the gate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<(Arc<str>, Json)>,
}

impl Answer {
    /// Returns the name that counts, with the other one beside it: `ann`, `ann (said to be bob)`, `bob (by ann)`.
    #[must_use]
    pub fn who(&self) -> String {
        match &self.claimed {
            Some(claimed) if *claimed == self.counts_as => format!("{claimed} (by {})", self.by),
            Some(claimed) => format!("{} (said to be {claimed})", self.by),
            None => self.by.clone(),
        }
    }
}

/// A gate at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateState {
    pub opened: Opened,
    pub since: Timestamp,
    /// When somebody was reminded last.
    pub reminded: Timestamp,
    /// Those who have approved, each once.
    pub approvals: Vec<Answer>,
    pub end: Option<GateEnd>,
}

/// How a gate was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GateEnd {
    Approved {
        values: Vec<(Arc<str>, Json)>,
    },
    Rejected(Answer),
    Expired {
        then: OnTimeout,
        message: String,
        values: Vec<(Arc<str>, Json)>,
    },
    /// Nobody wants to know any more.
    Withdrawn,
}

impl GateState {
    /// Returns the values that the gate brought, if it let through.
    #[must_use]
    pub fn values(&self) -> Option<&[(Arc<str>, Json)]> {
        match self.end.as_ref()? {
            GateEnd::Approved { values } | GateEnd::Expired { then: OnTimeout::Approve, values, .. } => {
                Some(values)
            }
            _ => None,
        }
    }

    /// Returns the values as outputs, which are text.
    #[must_use]
    pub fn outputs(&self) -> Vec<(Arc<str>, Arc<str>)> {
        self.values().unwrap_or_default().iter().map(|(name, json)| (name.clone(), text_of(json))).collect()
    }
}

/// Returns a value of an input as text.
#[must_use]
pub fn text_of(json: &Json) -> Arc<str> {
    match json {
        Json::Array(_) | Json::Object(_) => Arc::from(json.to_string()),
        plain => Arc::from(coerce::to_text(&Value::from_json(plain))),
    }
}

/// Returns what the playbook says about a gate.
#[must_use]
pub fn model(state: &JobState, place: GatePlace) -> Option<&Approve> {
    let stages = &state.setting.plan.playbook.stages;
    match place {
        GatePlace::Stage(stage) => stages.get(stage as usize)?.approve.as_deref(),
        GatePlace::Step(key) => {
            let stage = state.cells.get(key.cell as usize)?.stage;
            of_action(&stages[stage as usize].steps.steps.get(key.step as usize)?.action)
        }
    }
}

/// Returns what is asked at a step: what it says itself, or whether a try that was lost is to be made up for.
#[must_use]
pub fn of_action(action: &Action) -> Option<&Approve> {
    match action {
        Action::Approve(it) => Some(it),
        Action::Run { .. } => Some(Approve::lost()),
        _ => None,
    }
}

/// Takes note that a try was lost with what held it, and is to be made up for: by itself, or if people say so.
pub(super) fn lose(state: &mut JobState, key: AttemptKey, cause: Option<&Cause>) {
    let Some(it) = state.cells.get_mut(key.cell as usize).filter(|it| it.run == key.run) else { return };
    let model = &state.setting.plan.playbook.stages[it.stage as usize].steps.steps[key.step as usize];
    let step = &mut it.steps[key.step as usize];
    step.reruns += 1;
    if let (true, Some(Cause::Interrupted { message })) = (asks_when_lost(model), cause) {
        (step.gate, step.lost) = (None, Some(Arc::from(message.as_str())));
    }
}

/// Says whether people decide what becomes of a step whose try is lost. An undo runs until it has said how it ended.
pub(super) fn asks_when_lost(model: &Step) -> bool {
    model.on_interrupt == OnInterrupt::Ask && model.undoes.is_none()
}

/// Returns the address of a gate: `stage`, `stage[k=v]/step`.
#[must_use]
pub fn name(state: &JobState, place: GatePlace) -> String {
    match place {
        GatePlace::Stage(stage) => state.stage_name(stage).to_owned(),
        GatePlace::Step(key) => {
            let stage = state.cells[key.cell as usize].stage as usize;
            let model = &state.setting.plan.playbook.stages[stage];
            format!("{}/{}", state.cell_name(key.cell), super::follow::step_name(model, key.step as usize))
        }
    }
}

/// Folds an event of a gate into the state.
pub(super) fn apply(state: &mut JobState, event: &Event, at: Timestamp) {
    match event {
        Event::GateOpened(opened) => open(state, opened, at),
        Event::GateAnswered(answer) => {
            if let Some(it) = state.gates.get_mut(answer.gate as usize) {
                it.approvals.push((**answer).clone());
            }
        }
        Event::GateApproved(answer) => {
            if let Some(it) = state.gates.get_mut(answer.gate as usize) {
                it.approvals.push((**answer).clone());
            }
            close(state, answer.gate, GateEnd::Approved { values: answer.values.clone() }, at);
        }
        Event::GateRejected(answer) => {
            close(state, answer.gate, GateEnd::Rejected((**answer).clone()), at);
        }
        Event::GateExpired { gate, then, message, values } => {
            let end = GateEnd::Expired { then: *then, message: message.clone(), values: values.clone() };
            close(state, *gate, end, at);
        }
        Event::GateWithdrawn { gate } => close(state, *gate, GateEnd::Withdrawn, at),
        Event::GateReminded { gate } => {
            if let Some(it) = state.gates.get_mut(*gate as usize) {
                it.reminded = at;
                watch(state, *gate);
            }
        }
        _ => {}
    }
}

fn open(state: &mut JobState, opened: &Opened, at: Timestamp) {
    if opened.gate as usize != state.gates.len() {
        return;
    }
    state.gates.push(GateState {
        opened: opened.clone(),
        since: at,
        reminded: at,
        approvals: Vec::new(),
        end: None,
    });
    state.index.gates.insert(opened.gate);
    match opened.place {
        GatePlace::Stage(stage) => state.stages[stage as usize].gate = Some(opened.gate),
        GatePlace::Step(key) => {
            state.cells[key.cell as usize].steps[key.step as usize].gate = Some(opened.gate);
            stop_clocks(state, key, at);
            let stage = state.cells[key.cell as usize].stage as usize;
            if state.setting.plan.playbook.stages[stage].steps.is_concurrent {
                // Something beside the gate may run, or be still to begin.
                rest(state, key.cell);
            } else if !is_held(state, key.cell) {
                free_slot(state, key.cell);
                super::share::give_up(state, key.cell);
                leave_queue(state, key.cell);
            }
        }
    }
    watch(state, opened.gate);
}

/// Sets the times at which an open gate is looked at again.
fn watch(state: &mut JobState, gate: u32) {
    let it = &state.gates[gate as usize];
    let remind = model(state, it.opened.place).and_then(|it| it.remind);
    let times = [it.opened.until, remind.map(|every| it.reminded.after(every))];
    state.index.deadlines.extend(times.into_iter().flatten().map(|at| (at, Deadline::Gate(gate))));
}

/// Sets these times anew for all open gates: while a job is paused they pass without effect.
pub(super) fn watch_all(state: &mut JobState) {
    for gate in state.index.gates.iter().copied().collect::<Vec<_>>() {
        watch(state, gate);
    }
}

fn close(state: &mut JobState, gate: u32, end: GateEnd, at: Timestamp) {
    let Some(it) = state.gates.get_mut(gate as usize).filter(|it| it.end.is_none()) else { return };
    it.end = Some(end);
    let place = it.opened.place;
    state.index.gates.remove(&gate);
    let GatePlace::Step(key) = place else { return };
    let Some(cell) = state.cells.get(key.cell as usize) else { return };
    let is_current = cell.run == key.run && cell.steps[key.step as usize].gate == Some(gate);
    if !is_current || cell.phase != CellPhase::Active {
        return;
    }
    if !cell.holds_slot {
        join_queue(state, key.cell);
    }
    give_back(state, key, at);
    state.index.attention.insert(key.cell);
}

/// Says whether a gate of a cell keeps its slot, although nothing runs.
pub(super) fn is_held(state: &JobState, cell: u32) -> bool {
    let it = &state.cells[cell as usize];
    let models = &state.setting.plan.playbook.stages[it.stage as usize].steps.steps;
    it.steps.iter().zip(models).any(|(step, model)| {
        step.phase == StepPhase::Running && matches!(&model.action, Action::Approve(gate) if gate.hold)
    })
}

/// Stops the clocks of a cell, and of what the step stands in: the wait does not count for their limits.
fn stop_clocks(state: &mut JobState, key: AttemptKey, at: Timestamp) {
    let plan = state.setting.plan.clone();
    let it = &mut state.cells[key.cell as usize];
    let tree = &plan.playbook.stages[it.stage as usize].steps;
    it.asking_since.get_or_insert(at);
    for outer in together::outer(tree, key.step as usize) {
        it.steps[outer].asking_since.get_or_insert(at);
    }
}

/// Lets these clocks go on, moved by the time of the wait, where no other gate is open.
fn give_back(state: &mut JobState, key: AttemptKey, at: Timestamp) {
    let plan = state.setting.plan.clone();
    let others: Vec<usize> = state
        .index
        .gates
        .iter()
        .filter_map(|&gate| match state.gates[gate as usize].opened.place {
            GatePlace::Step(other) if (other.cell, other.run) == (key.cell, key.run) => {
                Some(other.step as usize)
            }
            _ => None,
        })
        .collect();
    let it = &mut state.cells[key.cell as usize];
    let stage = &plan.playbook.stages[it.stage as usize];
    let mut due = Vec::new();
    if others.is_empty()
        && let Some((asked, since)) = it.asking_since.take().zip(it.since.as_mut())
    {
        *since = since.after(at.since(asked));
        due.push(since.after(stage.timeout));
    }
    for outer in together::outer(&stage.steps, key.step as usize) {
        if others.iter().any(|&other| together::is_inside(&stage.steps, other, outer)) {
            continue;
        }
        let step = &mut it.steps[outer];
        let Some(asked) = step.asking_since.take() else { continue };
        for since in [&mut step.since, &mut step.attempt_since].into_iter().flatten() {
            *since = since.after(at.since(asked));
        }
        due.extend(
            step.attempt_since.zip(stage.steps.steps[outer].timeout).map(|(at, limit)| at.after(limit)),
        );
    }
    state.index.deadlines.extend(due.into_iter().map(|at| (at, Deadline::Cell(key.cell))));
}

/// Says whether somebody still waits for the answer.
pub(super) fn is_wanted(state: &JobState, gate: u32) -> bool {
    match state.gates[gate as usize].opened.place {
        GatePlace::Stage(at) => {
            let it = &state.stages[at as usize];
            it.phase == StagePhase::Pending
                && it.gate == Some(gate)
                && it.skip.is_none()
                && it.cancel.is_none()
                && super::calls::over(state, at).is_none()
                && super::calls::caller_end(state, at).is_none()
        }
        GatePlace::Step(key) => {
            let it = &state.cells[key.cell as usize];
            let step = &it.steps[key.step as usize];
            let tree = &state.setting.plan.playbook.stages[it.stage as usize].steps;
            it.run == key.run
                && it.phase == CellPhase::Active
                && it.stop.is_none()
                && step.gate == Some(gate)
                && step.attempt == key.attempt
                && (step.phase == StepPhase::Running || step.lost.is_some())
                // Something beside it may have failed, or the time of what it stands in be over.
                && together::why_stop(it, tree, key.step as usize).is_none()
        }
    }
}
