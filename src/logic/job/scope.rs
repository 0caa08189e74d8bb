//! What expressions see while a job runs: contexts and status functions, answered from the state.
//!
//! Not here: the language (`logic/expr`), which key may use which context (`logic/playbook`).
//! Contexts are built when first asked for and then shared, because the language compares them by identity.

use std::cell::RefCell;
use std::sync::Arc;

use super::event::{Cause, Outcome};
use super::gate::GateState;
use super::report::End;
use super::state::{CellState, JobState, StagePhase};
use crate::logic::expr::{ExprError, Scope, StatusFn};
use crate::logic::playbook::model::{Action, Env, Stage, StepTree};
use crate::logic::value::{Object, Value};

/// Names and values.
pub type Pairs = Vec<(Arc<str>, Arc<str>)>;

/// How things stand in the list of steps that an expression belongs to.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListStatus {
    pub failed: bool,
    pub cancelled: bool,
}

/// Where an expression stands.
#[derive(Clone, Copy, Debug)]
pub enum Standing {
    /// A stage's `if` or matrix.
    Stage(u32),
    /// The same where `run-when` already judged the needs, so that `success()` holds.
    Waived(u32),
    /// A cell; with a step, that step.
    Cell { cell: u32, step: Option<u32>, status: ListStatus },
    /// `pre`, `post`, the outputs and the name of the job.
    Job,
    /// `pre`, `post` and the outputs of a called playbook.
    Frame(u32),
}

/// The contexts at one place of a job.
pub struct JobScope<'a> {
    state: &'a JobState,
    standing: Standing,
    with_secrets: bool,
    /// What it comes to is a yes or a no, so inputs of actions may hold secrets.
    is_condition: bool,
    /// The step with `uses` whose action the expression stands in.
    action: Option<u32>,
    made: RefCell<Vec<(String, Value)>>,
}

impl<'a> JobScope<'a> {
    /// Returns the scope at that place. Only what is handed to a process may see secrets.
    #[must_use]
    pub fn new(state: &'a JobState, standing: Standing) -> Self {
        let action = match standing {
            Standing::Cell { cell, step: Some(step), .. } => super::actions::of_step(state, cell, step),
            _ => None,
        };
        let made = RefCell::new(Vec::new());
        Self { state, standing, with_secrets: false, is_condition: false, action, made }
    }

    /// Says that nothing but a yes or a no comes of what it evaluates.
    #[must_use]
    pub fn for_condition(mut self) -> Self {
        self.is_condition = true;
        self
    }

    /// Looks from inside of that step's action, or, for nothing, from outside of all actions.
    #[must_use]
    pub(super) fn within(mut self, action: Option<u32>) -> Self {
        self.action = action;
        self
    }

    /// Lets expressions see the values of secrets.
    #[must_use]
    pub fn with_secrets(mut self) -> Self {
        self.with_secrets = true;
        self
    }

    /// Sets a context by hand; used for `env` while it grows.
    pub fn set(&self, name: &str, value: Value) {
        let mut made = self.made.borrow_mut();
        match made.iter_mut().find(|(n, _)| n == name) {
            Some(it) => it.1 = value,
            None => made.push((name.to_owned(), value)),
        }
    }

    fn stage(&self) -> Option<u32> {
        match self.standing {
            Standing::Stage(stage) | Standing::Waived(stage) => Some(stage),
            Standing::Cell { cell, .. } => Some(self.state.cells[cell as usize].stage),
            Standing::Job | Standing::Frame(_) => None,
        }
    }

    /// The call in which it stands.
    fn frame(&self) -> Option<u32> {
        match self.standing {
            Standing::Frame(frame) => Some(frame),
            _ => self.state.setting.plan.playbook.stages[self.stage()? as usize].frame,
        }
    }

    /// Returns a context for somebody who leaves out of it what is another thing in each job.
    pub(super) fn known(&self, name: &str) -> Option<Value> {
        if let Some((_, value)) = self.made.borrow().iter().find(|(n, _)| n == name) {
            return Some(value.clone());
        }
        let value = self.build(name)?;
        self.made.borrow_mut().push((name.to_owned(), value.clone()));
        Some(value)
    }

    fn build(&self, name: &str) -> Option<Value> {
        let setting = &self.state.setting;
        if let (Some(action), Standing::Cell { cell, .. }) = (self.action, self.standing) {
            match name {
                "inputs" => {
                    let secret = self.with_secrets || self.is_condition;
                    return Some(super::actions::inputs(self.state, cell, action, secret));
                }
                "github" => return Some(super::actions::github(self.state, cell, action)),
                _ => {}
            }
        }
        match name {
            "inputs" => Some(match self.frame() {
                Some(frame) => self.state.frames[frame as usize].inputs.clone(),
                None => setting.plan.inputs.clone(),
            }),
            "vars" => Some(match self.frame() {
                Some(frame) => setting.plan.frames[frame as usize].vars.clone(),
                None => setting.plan.vars.clone(),
            }),
            "secrets" if self.with_secrets => Some(match self.frame() {
                Some(frame) => handed_secrets(self.state, frame),
                None => setting.secrets.clone(),
            }),
            "secrets" => Some(Value::object(Object::new())),
            "run" => Some(run_context(self.state)),
            "github" | "runner" => match &setting.facts {
                Value::Object(facts) => facts.get(name).cloned(),
                _ => None,
            },
            "needs" => self.stage().map(|stage| {
                let model = &setting.plan.playbook.stages[stage as usize];
                stage_results(self.state, model.needs.iter().copied())
            }),
            "gate" => self.stage().map(|stage| gate_context(self.state, stage)),
            "stages" | "jobs" => {
                let frame = self.frame();
                let models = setting.plan.playbook.stages.iter().enumerate();
                let own = models.filter(move |(_, model)| model.frame == frame).map(|(at, _)| at);
                Some(stage_results(self.state, own))
            }
            _ => match self.standing {
                Standing::Cell { cell, step, status } => self.cell_context(name, cell, step, status),
                _ => None,
            },
        }
    }

    fn cell_context(&self, name: &str, cell: u32, step: Option<u32>, status: ListStatus) -> Option<Value> {
        let it = &self.state.cells[cell as usize];
        match name {
            "matrix" => Some(match &*it.matrix {
                serde_json::Value::Null => Value::object(Object::new()),
                matrix => Value::from_json(matrix),
            }),
            "strategy" => Some(strategy(self.state, cell)),
            "steps" => Some(steps_context(self.state, cell, (step, self.action))),
            "stage" | "job" => {
                let word = if status.cancelled {
                    "cancelled"
                } else if status.failed {
                    "failure"
                } else {
                    "success"
                };
                let mut members: Object = [("status", Value::string(word))].into_iter().collect();
                members.insert("services", super::sidecar::context(self.state, cell));
                Some(Value::object(members))
            }
            "env" => Some(Value::object(
                environment(self.state, cell, None)
                    .unwrap_or_default()
                    .into_iter()
                    .map(|(name, value)| (name, Value::String(value)))
                    .collect(),
            )),
            "error" => step.and_then(|step| error_context(self.state, cell, step)),
            _ => None,
        }
    }
}

impl Scope for JobScope<'_> {
    fn context(&self, name: &str) -> Option<Value> {
        if matches!(name, "run" | "github") {
            self.state.has_read_itself.set(true);
        }
        self.known(name)
    }

    fn status(&self, function: StatusFn, args: &[Value]) -> Result<Value, ExprError> {
        let yes = match self.standing {
            Standing::Cell { status, .. } => match function {
                StatusFn::Always => true,
                StatusFn::Cancelled => status.cancelled,
                StatusFn::Success => !status.failed && !status.cancelled,
                StatusFn::Failure => status.failed && !status.cancelled,
            },
            Standing::Waived(_) if function == StatusFn::Success => true,
            Standing::Stage(stage) | Standing::Waived(stage) => {
                stage_status(self.state, stage, function, args)
            }
            Standing::Job => {
                let models = self.state.setting.plan.playbook.stages.iter();
                let mut own = self.state.stages.iter().zip(models).filter(|(_, model)| model.frame.is_none());
                let failed = own.any(|(it, _)| it.result() == Some(Outcome::Failure));
                let cancelled = self.state.cancel.is_some();
                match function {
                    StatusFn::Always => true,
                    StatusFn::Cancelled => cancelled,
                    StatusFn::Success => !failed && !cancelled,
                    StatusFn::Failure => failed,
                }
            }
            Standing::Frame(frame) => {
                let came_to = super::calls::conclusion(self.state, frame);
                let cell = self.state.frames[frame as usize].cell;
                let cancelled = cell.is_some_and(|cell| self.state.cells[cell as usize].stop.is_some());
                match function {
                    StatusFn::Always => true,
                    StatusFn::Cancelled => cancelled,
                    StatusFn::Success => came_to == Outcome::Success && !cancelled,
                    StatusFn::Failure => came_to == Outcome::Failure,
                }
            }
        };
        Ok(Value::Bool(yes))
    }

    fn hash_files(&self, patterns: &[String]) -> Result<Value, ExprError> {
        if let Standing::Cell { cell, .. } = self.standing {
            let known = self.state.cells[cell as usize].hashes.iter().find(|(p, _)| p == patterns);
            return match known {
                Some((_, Ok(digest))) => Ok(Value::string(digest.as_str())),
                Some((_, Err(message))) => Err(ExprError::evaluation("hash-failed", message.clone())),
                None => Err(ExprError::hash_not_known(patterns)),
            };
        }
        Err(ExprError::hash_not_known(patterns))
    }

    fn memory_limit(&self) -> usize {
        10 * crate::logic::expr::MAX_MEMORY
    }
}

/// Secrets of a called playbook, under its own names.
fn handed_secrets(state: &JobState, frame: u32) -> Value {
    let Value::Object(all) = &state.setting.secrets else { return Value::object(Object::new()) };
    let handed = state.setting.plan.frames[frame as usize].secrets.iter();
    Value::object(
        handed.filter_map(|(name, of_job)| Some((name.clone(), all.get(of_job)?.clone()))).collect(),
    )
}

/// A stage whose cancel was asked for, or whose job's was.
fn stage_cancelled(state: &JobState, stage: u32) -> bool {
    state.stages[stage as usize].cancel.is_some() || super::calls::over(state, stage).is_some()
}

fn stage_status(state: &JobState, stage: u32, function: StatusFn, args: &[Value]) -> bool {
    let cancelled = stage_cancelled(state, stage);
    let closure = state.stages[stage as usize].closure;
    let named: Vec<&super::state::StageState> = args
        .iter()
        .filter_map(|arg| match arg {
            Value::String(name) => Some(name),
            _ => None,
        })
        .filter_map(|name| {
            let models = &state.setting.plan.playbook.stages;
            let frame = models[stage as usize].frame;
            let is_named = |it: &Stage| it.frame == frame && it.own_id.eq_ignore_ascii_case(name);
            state.stages.get(models.iter().position(is_named)?)
        })
        .collect();
    match function {
        StatusFn::Always => true,
        StatusFn::Cancelled => cancelled,
        StatusFn::Success if args.is_empty() => !closure.unsuccessful && !cancelled,
        StatusFn::Success => named.iter().all(|s| s.result() == Some(Outcome::Success)) && !cancelled,
        StatusFn::Failure if args.is_empty() => closure.failed && !cancelled,
        StatusFn::Failure => named.iter().any(|s| s.result() == Some(Outcome::Failure)) && !cancelled,
    }
}

/// Name of what `run-name` came to, among what is known of a job; no expression sees it.
pub const TITLE: &str = "title";

/// Evaluates `run-name` for a job that is to be recorded. Nothing but blanks is no name.
///
/// # Errors
/// If it cannot be evaluated.
pub fn run_name(state: &JobState) -> Result<Option<String>, ExprError> {
    let Some(name) = &state.setting.plan.playbook.run_name else { return Ok(None) };
    let name = name.template.eval_text(&JobScope::new(state, Standing::Job))?;
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok((!name.is_empty()).then_some(name))
}

/// Returns what [`run_name`] was when the job was recorded.
pub(super) fn title(state: &JobState) -> Option<String> {
    match &state.setting.facts {
        Value::Object(facts) => match facts.get(TITLE) {
            Some(Value::String(title)) => Some(title.to_string()),
            _ => None,
        },
        _ => None,
    }
}

fn run_context(state: &JobState) -> Value {
    let mut run = match &state.setting.facts {
        Value::Object(facts) => match facts.get("run") {
            Some(Value::Object(run)) => (**run).clone(),
            _ => Object::new(),
        },
        _ => Object::new(),
    };
    run.insert("attempt", Value::Number(f64::from(state.attempt)));
    if state.ordinary_done() {
        run.insert("conclusion", Value::string(super::follow::conclusion(state).word()));
    }
    Value::object(run)
}

fn stage_results(state: &JobState, stages: impl Iterator<Item = usize>) -> Value {
    let results: Object = stages
        .filter_map(|at| {
            let it = &state.stages[at];
            let StagePhase::Finished { outcome, result, .. } = &it.phase else { return None };
            let mut members = Object::new();
            members.insert("result", Value::string(result.word()));
            members.insert("outcome", Value::string(outcome.word()));
            members.insert("outputs", merged_outputs(state, at));
            members.insert("legs", cells_context(state, at));
            Some((state.setting.plan.playbook.stages[at].own_id.clone(), Value::object(members)))
        })
        .collect();
    Value::object(results)
}

/// Outputs of all cells by position; an empty text never overwrites a value.
#[must_use]
pub fn merged_outputs(state: &JobState, stage: usize) -> Value {
    let mut merged = Object::new();
    let gate = state.stages[stage].gate.and_then(|gate| state.gates.get(gate as usize));
    for (name, value) in gate.map(GateState::outputs).unwrap_or_default() {
        merged.insert(name, Value::String(value));
    }
    for &cell in &state.stages[stage].cells {
        for (name, value) in &state.cells[cell as usize].outputs {
            if !value.is_empty() || merged.get(name).is_none() {
                merged.insert(name.clone(), Value::String(value.clone()));
            }
        }
    }
    Value::object(merged)
}

/// The gate before a stage: typed values of its inputs, who let it through, and what they wrote.
fn gate_context(state: &JobState, stage: u32) -> Value {
    let gate = state.stages[stage as usize].gate.and_then(|gate| state.gates.get(gate as usize));
    let Some(gate) = gate else { return Value::object(Object::new()) };
    let values = gate.values().unwrap_or_default();
    let inputs: Object = values.iter().map(|(k, v)| (k.clone(), Value::from_json(v))).collect();
    let who: Vec<&str> = gate.approvals.iter().map(|it| &*it.counts_as).collect();
    let notes: Vec<&str> =
        gate.approvals.iter().map(|it| &*it.note).filter(|note| !note.is_empty()).collect();
    let mut members = Object::new();
    members.insert("inputs", Value::object(inputs));
    members.insert("by", Value::string(who.join(", ")));
    members.insert("note", Value::string(notes.join("\n")));
    Value::object(members)
}

fn cells_context(state: &JobState, stage: usize) -> Value {
    let cells = state.stages[stage].cells.iter().map(|&cell| {
        let it = &state.cells[cell as usize];
        let mut members = Object::new();
        members.insert("id", Value::String(it.id.clone()));
        members.insert("matrix", Value::from_json(&it.matrix));
        members.insert("result", it.result().map_or(Value::Null, |r| Value::string(r.word())));
        let outputs: Object = it.outputs.iter().map(|(k, v)| (k.clone(), Value::String(v.clone()))).collect();
        members.insert("outputs", Value::object(outputs));
        Value::object(members)
    });
    Value::array(cells.collect())
}

fn strategy(state: &JobState, cell: u32) -> Value {
    let it = &state.cells[cell as usize];
    let model = state.setting.plan.playbook.stages[it.stage as usize].strategy.as_ref();
    let max = model.and_then(|s| s.max_parallel).unwrap_or(it.position.1);
    Value::object(
        [
            ("fail-fast", Value::Bool(model.is_none_or(|s| s.fail_fast))),
            ("job-index", Value::Number(f64::from(it.position.0))),
            ("job-total", Value::Number(f64::from(it.position.1))),
            ("max-parallel", Value::Number(f64::from(max))),
        ]
        .into_iter()
        .collect(),
    )
}

fn steps_context(state: &JobState, cell: u32, (at, action): (Option<u32>, Option<u32>)) -> Value {
    let it = &state.cells[cell as usize];
    let tree = &state.setting.plan.playbook.stages[it.stage as usize].steps;
    let undone = at.and_then(|at| tree.steps[at as usize].undoes);
    let undone = undone.and_then(|owner| Some((owner, super::undo::target(it, owner)?)));
    let mut steps = Object::new();
    for (number, (step, model)) in it.steps.iter().zip(&tree.steps).enumerate() {
        let (Some(id), None, true) = (&model.id, model.undoes, model.is_own()) else { continue };
        if tree.action_of(number) != action.map(|it| it as usize) {
            continue;
        }
        let text = |pairs: &[(Arc<str>, Arc<str>)]| {
            Value::object(pairs.iter().map(|(k, v)| (k.clone(), Value::String(v.clone()))).collect())
        };
        let mut members = Object::new();
        let word = |o: Option<Outcome>| o.map_or(Value::Null, |o| Value::string(o.word()));
        if let Some((_, armed)) = undone.filter(|(owner, _)| *owner == number) {
            // As it was when it succeeded, whatever came after.
            members.insert("outputs", text(&armed.outputs));
            members.insert("outcome", word(Some(Outcome::Success)));
            members.insert("conclusion", word(Some(Outcome::Success)));
            steps.insert(id.clone(), Value::object(members));
            continue;
        }
        let Some(done) = step.done() else { continue };
        if !super::together::is_visible(it, tree, number) {
            continue;
        }
        members.insert("outputs", text(&done.outputs));
        members.insert("outcome", word(done.outcome));
        members.insert("conclusion", word(done.conclusion));
        members.insert("attempts", Value::Number(f64::from(step.attempt)));
        if let Some(End::Code(code)) = done.end {
            members.insert("exit-code", Value::Number(f64::from(code)));
        }
        steps.insert(id.clone(), Value::object(members));
    }
    Value::object(steps)
}

/// Tells a `rescue` or `always` what went wrong in its block.
fn error_context(state: &JobState, cell: u32, step: u32) -> Option<Value> {
    let it = &state.cells[cell as usize];
    let tree = &state.setting.plan.playbook.stages[it.stage as usize].steps;
    let parent = tree.steps[step as usize].parent?;
    let Action::Block { block, .. } = &tree.steps[parent].action else {
        return error_context(state, cell, u32::try_from(parent).ok()?);
    };
    if block.contains(&(step as usize)) {
        return error_context(state, cell, u32::try_from(parent).ok()?);
    }
    let failed = block.iter().copied().find(|&at| it.steps[at].failed())?;
    let done = it.steps[failed].done()?;
    let model = &tree.steps[failed];
    let mut error = Object::new();
    let (kind, message) = done.cause.as_ref().map_or(("failure", String::new()), describe);
    error.insert("kind", Value::string(kind));
    error.insert("message", Value::string(message));
    let name = model.id.clone().unwrap_or_else(|| Arc::from((failed + 1).to_string()));
    error.insert("step", Value::String(name));
    error.insert("attempt", Value::Number(f64::from(it.steps[failed].attempt)));
    match done.end {
        Some(End::Code(code)) => error.insert("exit-code", Value::Number(f64::from(code))),
        Some(End::Signal(signal)) => error.insert("signal", Value::Number(f64::from(signal))),
        None => {}
    }
    Some(Value::object(error))
}

fn describe(cause: &Cause) -> (&'static str, String) {
    match cause {
        Cause::Exit { code } => ("exit", format!("exited with code {code}")),
        Cause::Signal { signal } => ("signal", format!("ended by signal {signal}")),
        Cause::Timeout { of } => ("timeout", format!("the time limit of the {of} passed")),
        Cause::Expression { message } => ("expression", message.clone()),
        Cause::Start { message } => ("start", message.clone()),
        Cause::Protocol { message } => ("protocol", message.clone()),
        Cause::Interrupted { message } => ("interrupted", message.clone()),
        Cause::Rejected { by, note } if note.is_empty() => ("rejected", format!("rejected by {by}")),
        Cause::Rejected { by, note } => ("rejected", format!("rejected by {by}: {note}")),
        Cause::Expired { message } => ("expired", message.clone()),
        Cause::NotUndone { names } => ("rollback", format!("could not be undone: {}", names.join(", "))),
        Cause::Superseded { by } => ("superseded", format!("{by} took its place")),
        Cause::NoClaim { message } => ("no-claim", message.clone()),
        Cause::Service { service, message } => ("service", format!("service `{service}` {message}")),
        other => ("failure", format!("{other:?}")),
    }
}

/// Returns the environment that a step's process is given, without the variables of the system: playbook, stage,
/// `--env-file`, what earlier steps added, and the step's own, in that order.
///
/// # Errors
/// The first expression that cannot be evaluated.
pub fn environment(state: &JobState, cell: u32, step: Option<(u32, ListStatus)>) -> Result<Pairs, ExprError> {
    let it = &state.cells[cell as usize];
    let setting = &state.setting;
    let stage = &setting.plan.playbook.stages[it.stage as usize];
    let status = step.map_or_else(ListStatus::default, |(_, status)| status);
    let standing = Standing::Cell { cell, step: step.map(|(at, _)| at), status };
    let mut env: Vec<(Arc<str>, Arc<str>)> = Vec::new();
    // Each level sees what it sees where it is written: an action, or what is around all actions.
    let layer = |texts: &Env, action: Option<u32>, env: &mut Vec<(Arc<str>, Arc<str>)>| {
        if texts.is_empty() {
            return Ok(());
        }
        let scope = JobScope::new(state, standing).with_secrets().within(action);
        let seen: Object = env.iter().map(|(k, v)| (k.clone(), Value::String(v.clone()))).collect();
        scope.set("env", Value::object(seen));
        for (name, text) in texts {
            let value = match text.template.as_literal() {
                Some(literal) => Arc::from(literal),
                None => Arc::from(text.template.eval_text(&scope)?),
            };
            put(env, name.clone(), value);
        }
        Ok::<(), ExprError>(())
    };
    layer(&setting.plan.home(it.stage).env, None, &mut env)?;
    layer(&stage.env, None, &mut env)?;
    for (name, value) in setting.env.iter().chain(added(it, &stage.steps, step.map(|(at, _)| at as usize))) {
        put(&mut env, name.clone(), value.clone());
    }
    if let Some((step, _)) = step {
        if let Some(part) = &stage.steps.steps[step as usize].script {
            super::scripts::variables(&JobScope::new(state, standing), part, &mut |name, value| {
                put(&mut env, Arc::from(name), Arc::from(value));
            });
        }
        let mut chain = Vec::new();
        let mut up = Some(step as usize);
        while let Some(at) = up {
            chain.push(at);
            let model = &stage.steps.steps[at];
            // What undoes a step has its variables as well.
            up = model.undoes.or(model.parent);
        }
        for at in chain.into_iter().rev() {
            let action = super::actions::of_step(state, cell, u32::try_from(at).unwrap_or(u32::MAX));
            layer(&stage.steps.steps[at].env, action, &mut env)?;
        }
    }
    Ok(env)
}

/// Returns the variables that steps have added as one of them sees them, or the end of the cell.
fn added<'a>(
    it: &'a CellState,
    tree: &'a StepTree,
    step: Option<usize>,
) -> impl Iterator<Item = &'a (Arc<str>, Arc<str>)> {
    let undone = step.and_then(|at| tree.steps[at].undoes).and_then(|owner| super::undo::target(it, owner));
    let env = undone.map_or(&it.env, |armed| &armed.env);
    let late = tree.background.iter().filter(move |&&at| {
        undone.is_none() && !it.steps[at].is_joined && super::together::is_visible(it, tree, at)
    });
    env.iter().chain(late.filter_map(|&at| it.steps[at].done()).flat_map(|done| &done.env))
}

fn put(env: &mut Vec<(Arc<str>, Arc<str>)>, name: Arc<str>, value: Arc<str>) {
    match env.iter_mut().find(|(k, _)| *k == name) {
        Some(it) => it.1 = value,
        None => env.push((name, value)),
    }
}
