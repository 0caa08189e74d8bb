//! Puts the stages of called playbooks into the plan, behind the stages that call them.
//!
//! A *frame* is one call: a playbook, and the cell that calls it. A caller with a matrix has a frame for each combination,
//! so what its matrix comes to has to be known before the start. Not here: the files (`logic/playbook/link.rs`), what
//! happens in a call while a job runs (`logic/job/calls.rs`). Start with `follow`.

use std::collections::HashMap;
use std::sync::Arc;

use super::{PlanProblem, PlanRequest, PlannedStage, Selected, matrix, position, select};
use crate::logic::expr::{ExprError, Scope, StatusFn, Template};
use crate::logic::playbook::call::{Call, GivenValue, Handed};
use crate::logic::playbook::model::{IfEmpty, MatrixSource, MixedMatrix, Playbook, Stage};
use crate::logic::value::{Object, Value};

#[cfg(test)]
#[path = "call_tests.rs"]
mod tests;

/// Most stages of a job, those of called playbooks included.
const MOST_STAGES: usize = 10_000;

/// One call of a playbook.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Position of the stage that calls.
    pub caller: u32,
    /// Stable id of the cell that calls.
    pub cell: Arc<str>,
    /// Values of that cell as addresses have them; none if the caller has no matrix.
    pub values: Vec<(String, String)>,
    /// Its own text: `env`, `defaults`, `inputs` and `outputs` are those of this call.
    pub playbook: Arc<Playbook>,
    /// Its inputs, with the values of those that are known before the start.
    pub inputs: Vec<(Arc<str>, Option<Value>)>,
    /// Positions of its stages, without those that they call.
    pub members: Vec<u32>,
    /// The context `vars`.
    pub vars: Value,
    /// Names of its secrets, and of those of the job that they are.
    pub secrets: Vec<(Arc<str>, Arc<str>)>,
}

/// Axes that a request sets, by the id of the stage.
pub(super) type Axes = HashMap<Arc<str>, Vec<(String, Vec<String>)>>;

/// A playbook whose calls have been followed.
pub(super) struct Flat {
    pub playbook: Arc<Playbook>,
    pub frames: Vec<Frame>,
}

/// Follows the calls of a playbook, with the axes that the request sets for callers.
pub(super) fn follow(
    playbook: &Arc<Playbook>,
    known: (&Value, &Value),
    request: &PlanRequest,
    problems: &mut Vec<PlanProblem>,
) -> (Flat, Vec<PlannedStage>) {
    let mut axes = Axes::new();
    loop {
        let mut found = Vec::new();
        let flat = flatten(playbook, known, &axes, &mut found);
        let mut stages = planned(&flat);
        select::set_axes(&flat.playbook, request, &mut stages, &mut found);
        let of_callers = flat.playbook.stages.iter().zip(&stages);
        let set: Axes = of_callers
            .filter(|(stage, planned)| stage.call.is_some() && !planned.axes.is_empty())
            .map(|(stage, planned)| (stage.id.clone(), planned.axes.clone()))
            .collect();
        // What a caller with another matrix calls may have callers again.
        if set == axes || !found.is_empty() {
            problems.extend(found);
            return (flat, stages);
        }
        axes = set;
    }
}

fn planned(flat: &Flat) -> Vec<PlannedStage> {
    let all = &flat.playbook.stages;
    let mut stages: Vec<PlannedStage> = Vec::with_capacity(all.len());
    for stage in all {
        // A caller stands before what it calls.
        let is_last = match stage.frame {
            None => stage.is_final,
            Some(frame) => stages[flat.frames[frame as usize].caller as usize].is_last,
        };
        stages.push(PlannedStage {
            selected: Selected::Yes,
            needed_by: Vec::new(),
            axes: Vec::new(),
            is_last,
            cache: None,
        });
    }
    for (at, stage) in all.iter().enumerate() {
        for &need in &stage.needs {
            stages[need].needed_by.push(position(at));
        }
    }
    stages
}

/// Returns the positions of stages so that needs and callers come first; ties in file order.
pub(super) fn order(playbook: &Playbook, stages: &[PlannedStage], frames: &[Frame]) -> Vec<u32> {
    // A called stage comes after its caller, and what needs the caller after all that it called.
    let of_caller = |stage: &Stage| usize::from(stage.frame.is_some());
    let mut left: Vec<usize> = playbook.stages.iter().map(|it| it.needs.len() + of_caller(it)).collect();
    let mut open: Vec<usize> = vec![1; left.len()];
    for frame in frames {
        open[frame.caller as usize] += frame.members.len();
    }
    let mut ready: std::collections::BTreeSet<u32> =
        (0..left.len()).filter(|&at| left[at] == 0).map(position).collect();
    let mut order = Vec::with_capacity(left.len());
    while let Some(at) = ready.pop_first() {
        order.push(at);
        let called = frames.iter().filter(|frame| frame.caller == at).flat_map(|frame| &frame.members);
        let mut reached: Vec<u32> = called.copied().collect();
        let mut ended = Some(at);
        while let Some(stage) = ended {
            open[stage as usize] -= 1;
            if open[stage as usize] > 0 {
                break;
            }
            reached.extend(&stages[stage as usize].needed_by);
            ended = playbook.stages[stage as usize].frame.map(|frame| frames[frame as usize].caller);
        }
        for dependent in reached {
            left[dependent as usize] -= 1;
            if left[dependent as usize] == 0 {
                ready.insert(dependent);
            }
        }
    }
    order
}

/// Returns the playbook with the stages of all that it calls, or the playbook itself if it calls nothing.
fn flatten(
    playbook: &Arc<Playbook>,
    (inputs, vars): (&Value, &Value),
    axes: &Axes,
    problems: &mut Vec<PlanProblem>,
) -> Flat {
    if playbook.stages.iter().all(|stage| stage.call.is_none()) {
        return Flat { playbook: Arc::clone(playbook), frames: Vec::new() };
    }
    let mut maker = Maker { root: playbook, axes, stages: Vec::new(), frames: Vec::new(), problems };
    let known = match inputs {
        Value::Object(inputs) => inputs.iter().map(|(k, v)| (Arc::from(k), Some(v.clone()))).collect(),
        _ => Vec::new(),
    };
    let secrets = playbook.secrets.iter().map(|it| (it.name.clone(), it.name.clone())).collect();
    let home =
        Home { frame: None, prefix: String::new(), inputs: known, vars: vars.clone(), secrets, priority: 0 };
    maker.add(playbook, &home);
    let (stages, frames) = (maker.stages, maker.frames);
    Flat { playbook: Arc::new(Playbook { stages, ..(**playbook).clone() }), frames }
}

/// Where stages are put.
struct Home {
    frame: Option<u32>,
    /// In front of their names.
    prefix: String,
    /// Values of inputs, as far as they are known before the start.
    inputs: Vec<(Arc<str>, Option<Value>)>,
    vars: Value,
    secrets: Vec<(Arc<str>, Arc<str>)>,
    priority: i32,
}

struct Maker<'a> {
    root: &'a Playbook,
    axes: &'a Axes,
    stages: Vec<Stage>,
    frames: Vec<Frame>,
    problems: &'a mut Vec<PlanProblem>,
}

impl Maker<'_> {
    /// Adds the stages of a playbook, each caller followed by what it calls. Returns their positions.
    fn add(&mut self, playbook: &Playbook, home: &Home) -> Vec<u32> {
        let mut places: Vec<usize> = Vec::with_capacity(playbook.stages.len());
        for model in &playbook.stages {
            if self.stages.len() >= MOST_STAGES {
                break;
            }
            let at = self.stages.len();
            places.push(at);
            let mut stage = model.clone();
            if home.frame.is_some() {
                stage.id = Arc::from(format!("{} / {}", home.prefix, model.own_id));
            }
            stage.frame = home.frame;
            stage.priority = stage.priority.saturating_add(home.priority);
            let call = stage.call.clone();
            self.stages.push(stage);
            if let Some(call) = call {
                self.call(playbook, at, &call, home);
            }
        }
        if places.len() < playbook.stages.len() {
            self.too_many();
            return Vec::new();
        }
        for &at in &places {
            for need in &mut self.stages[at].needs {
                *need = places[*need];
            }
        }
        places.into_iter().map(position).collect()
    }

    fn too_many(&mut self) {
        if self.problems.iter().all(|it| it.slug != "too-many-stages") {
            self.problems.push(PlanProblem {
                slug: "too-many-stages",
                message: format!("with all that is called, this job has more than {MOST_STAGES} stages"),
                help: Some("call fewer playbooks, or give their callers smaller matrices".to_owned()),
            });
        }
    }

    /// Adds what one caller calls, once for each of its cells.
    fn call(&mut self, playbook: &Playbook, at: usize, call: &Call, home: &Home) {
        let called = self.root.called.iter().find(|(path, _)| *path == call.path);
        let Some(callee) = called.map(|(_, callee)| Arc::clone(callee)) else { return };
        let Some(cells) = self.cells(playbook, at, home) else { return };
        if let Some(limit) = callee.policy.timeout {
            self.stages[at].timeout = self.stages[at].timeout.min(limit);
        }
        let vars = all_vars(&callee, &home.vars);
        let secrets = handed(&callee, call, home);
        for cell in cells {
            if self.stages.len() >= MOST_STAGES {
                return self.too_many();
            }
            let caller = &self.stages[at];
            let (id, prefix) = match &cell {
                None => (caller.id.clone(), caller.id.to_string()),
                Some(it) => {
                    (Arc::from(format!("{}.{}", caller.id, it.id)), format!("{}[{}]", caller.id, it.label))
                }
            };
            let values: Object = cell.map(|it| it.values).unwrap_or_default();
            let frame = position(self.frames.len());
            let inner = Home {
                frame: Some(frame),
                prefix,
                inputs: known_inputs(&callee, call, home, &values),
                vars: vars.clone(),
                secrets: secrets.clone(),
                priority: caller.priority,
            };
            self.frames.push(Frame {
                caller: position(at),
                cell: id,
                values: values.iter().map(|(k, v)| (k.to_owned(), word(v))).collect(),
                playbook: Arc::clone(&callee),
                inputs: inner.inputs.clone(),
                members: Vec::new(),
                vars: vars.clone(),
                secrets: secrets.clone(),
            });
            let members = self.add(&callee, &inner);
            self.frames[frame as usize].members = members;
        }
    }

    /// Returns the cells of a caller: one without values if it has no matrix. Nothing if that cannot be told.
    fn cells(
        &mut self,
        playbook: &Playbook,
        at: usize,
        home: &Home,
    ) -> Option<Vec<Option<matrix::Combination>>> {
        let stage = &self.stages[at];
        let axes = self.axes.get(&stage.id).map(Vec::as_slice).unwrap_or_default();
        let scope = Early { home, matrix: None };
        let written = match stage.strategy.as_ref().map(|it| &it.matrix) {
            None if axes.is_empty() => return Some(vec![None]),
            None => Ok(Value::object(Object::new())),
            Some(MatrixSource::Fixed(value)) => Ok(value.clone()),
            Some(MatrixSource::Computed(text)) => scope.value(&text.template),
            Some(MatrixSource::Mixed(mixed)) => scope.mixed(mixed),
        };
        let if_empty = stage.strategy.as_ref().map(|it| it.if_empty).unwrap_or_default();
        let name = stage.id.clone();
        let written = match written {
            Ok(written) => written,
            Err(why) => {
                let message = format!(
                    "the matrix of `{name}`, which calls a playbook, is not known before the start: {why}"
                );
                let help = "a caller's matrix can use `inputs`, `vars` and what follows from them; give the called \
                            playbook the list as an input, and the matrix to a stage in it";
                self.problems.push(PlanProblem { slug: "call-matrix", message, help: Some(help.to_owned()) });
                return None;
            }
        };
        let value =
            axes.iter().fold(written, |value, (axis, all)| matrix::replace_axis(&value, axis, all.clone()));
        match matrix::expand(&value, playbook.policy.matrix_limit as usize) {
            Ok(expansion) => Some(expansion.combinations.into_iter().map(Some).collect()),
            Err(error)
                if if_empty == IfEmpty::Skip
                    && matches!(error.slug, matrix::MATRIX_EMPTY | matrix::AXIS_EMPTY) =>
            {
                Some(Vec::new())
            }
            Err(error) => {
                let message = format!("the matrix of `{name}`: {}", error.message);
                self.problems.push(PlanProblem { slug: "call-matrix", message, help: None });
                None
            }
        }
    }
}

/// A value as it stands in an address.
fn word(value: &Value) -> String {
    match value.to_json() {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    }
}

/// What the called playbook says holds where its caller says nothing.
fn all_vars(callee: &Playbook, outer: &Value) -> Value {
    let mut vars: Object = callee.vars.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    if let Value::Object(outer) = outer {
        for (name, value) in outer.iter() {
            vars.insert(name, value.clone());
        }
    }
    Value::object(vars)
}

fn handed(callee: &Playbook, call: &Call, home: &Home) -> Vec<(Arc<str>, Arc<str>)> {
    let of_job = |name: &str| {
        home.secrets
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, of_job)| of_job.clone())
    };
    let declared = callee.secrets.iter().map(|it| it.name.clone());
    declared
        .filter_map(|name| {
            let of_job = match &call.secrets {
                Handed::Nothing => None,
                Handed::All => of_job(&name),
                Handed::Named(handed) => {
                    let given = handed.iter().find(|it| it.name.eq_ignore_ascii_case(&name));
                    given.and_then(|it| of_job(&it.ours))
                }
            };
            Some((name, of_job?))
        })
        .collect()
}

fn known_inputs(
    callee: &Playbook,
    call: &Call,
    home: &Home,
    cell: &Object,
) -> Vec<(Arc<str>, Option<Value>)> {
    let scope = Early { home, matrix: Some(cell) };
    let value = |input: &crate::logic::playbook::model::Input| {
        let given = call.with.iter().find(|given| given.name.eq_ignore_ascii_case(&input.name));
        let json = match given.map(|given| &given.value) {
            None => return Some(input.default.clone().unwrap_or(Value::Null)),
            Some(GivenValue::Fixed(json)) => json.clone(),
            Some(GivenValue::Text(text)) => match scope.value(&text.template).ok()? {
                Value::Null => return Some(input.default.clone().unwrap_or(Value::Null)),
                value => value.to_json(),
            },
        };
        super::inputs::fit(input, &json).ok()
    };
    callee.inputs.iter().map(|input| (input.name.clone(), value(input))).collect()
}

/// What expressions can see before the start.
struct Early<'a> {
    home: &'a Home,
    matrix: Option<&'a Object>,
}

impl Early<'_> {
    fn value(&self, template: &Template) -> Result<Value, String> {
        for used in template.exprs().iter().flat_map(|part| part.expr.contexts()) {
            let is_known = match (used.name.as_str(), used.path.first()) {
                ("vars", _) => true,
                ("matrix", _) => self.matrix.is_some(),
                ("inputs", Some(name)) => self
                    .home
                    .inputs
                    .iter()
                    .any(|(known, value)| known.eq_ignore_ascii_case(name) && value.is_some()),
                ("inputs", None) => self.home.inputs.iter().all(|(_, value)| value.is_some()),
                _ => false,
            };
            if !is_known {
                let path: Vec<&str> =
                    std::iter::once(used.name.as_str()).chain(used.path.iter().map(String::as_str)).collect();
                return Err(format!("it depends on `{}`", path.join(".")));
            }
        }
        template.eval_value(self).map_err(|error| error.message)
    }

    fn mixed(&self, mixed: &MixedMatrix) -> Result<Value, String> {
        Ok(match mixed {
            MixedMatrix::Leaf(text) => self.value(&text.template)?,
            MixedMatrix::Value(value) => value.clone(),
            MixedMatrix::List(items) => {
                Value::array(items.iter().map(|item| self.mixed(item)).collect::<Result<_, _>>()?)
            }
            MixedMatrix::Map(members) => {
                let mut object = Object::new();
                for (name, member) in members {
                    object.insert(name.clone(), self.mixed(member)?);
                }
                Value::object(object)
            }
        })
    }
}

impl Scope for Early<'_> {
    fn context(&self, name: &str) -> Option<Value> {
        match name {
            "vars" => Some(self.home.vars.clone()),
            "matrix" => Some(Value::object(self.matrix?.clone())),
            "inputs" => {
                let known = self.home.inputs.iter();
                Some(Value::object(known.filter_map(|(k, v)| Some((k.clone(), v.clone()?))).collect()))
            }
            _ => None,
        }
    }

    fn status(&self, _: StatusFn, _: &[Value]) -> Result<Value, ExprError> {
        Err(ExprError::evaluation("not-known-yet", "nothing has run yet"))
    }

    fn hash_files(&self, patterns: &[String]) -> Result<Value, ExprError> {
        Err(ExprError::hash_not_known(patterns))
    }
}
