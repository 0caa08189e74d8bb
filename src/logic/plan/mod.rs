//! A checked playbook plus a request to a fixed plan. Once a job has started, its plan never changes.
//!
//! Not here: expanding matrices (`matrix.rs`), checking inputs (`inputs.rs`), running anything.

pub mod inputs;
pub mod matrix;
pub mod require;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::address::Address;
use super::playbook::model::{MatrixSource, Playbook};
use super::text::near_miss;
use super::value::Value;

/// What was asked for beside the playbook itself. Stored with the job, so that the plan can be made again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlanRequest {
    /// Typed values, checked by `inputs::check`.
    pub inputs: Vec<(String, serde_json::Value)>,
    pub vars: Vec<(String, String)>,
    pub only: Vec<String>,
    pub from: Option<String>,
    pub skip: Vec<String>,
    /// Axes to replace or add, with their values as written.
    pub matrix: Vec<(String, Vec<String>)>,
    pub max_parallel: Option<u32>,
}

/// A plan: which stages run, in which order, with what.
#[derive(Clone, Debug)]
pub struct Plan {
    pub playbook: Arc<Playbook>,
    /// One for each stage of the playbook, same positions.
    pub stages: Vec<PlannedStage>,
    /// Positions so that needs come first; ties in file order.
    pub order: Vec<u32>,
    pub inputs: Value,
    pub vars: Value,
    /// Most cells that run at once.
    pub slots: u32,
}

/// A stage's part of the plan.
#[derive(Clone, Debug)]
pub struct PlannedStage {
    pub selected: Selected,
    /// Positions of the stages that need this one.
    pub needed_by: Vec<u32>,
    /// Axes replaced or added by the request.
    pub axes: Vec<(String, Vec<String>)>,
}

/// Whether a stage takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selected {
    Yes,
    /// Only the cells that have one of these sets of values.
    Cells(Vec<Vec<(String, String)>>),
    /// Left out, and why. What needs it goes on without it.
    No(String),
}

/// A request that cannot be honoured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanProblem {
    pub slug: &'static str,
    pub message: String,
    pub help: Option<String>,
}

/// Makes the plan.
///
/// # Errors
/// Every part of the request that cannot be honoured, such as a stage that does not exist.
pub fn plan(playbook: Arc<Playbook>, request: &PlanRequest) -> Result<Plan, Vec<PlanProblem>> {
    let mut problems = Vec::new();
    let inputs = match inputs::check(&playbook.inputs, &request.inputs) {
        Ok(inputs) => inputs,
        Err(more) => {
            problems.extend(more);
            Value::Null
        }
    };
    let mut stages: Vec<PlannedStage> = playbook
        .stages
        .iter()
        .map(|_| PlannedStage { selected: Selected::Yes, needed_by: Vec::new(), axes: Vec::new() })
        .collect();
    for (at, stage) in playbook.stages.iter().enumerate() {
        for &need in &stage.needs {
            stages[need].needed_by.push(position(at));
        }
    }
    select(&playbook, request, &mut stages, &mut problems);
    set_axes(&playbook, request, &mut stages);
    if !problems.is_empty() {
        return Err(problems);
    }
    let order = order(&playbook, &stages);
    let vars = vars(&playbook, request);
    let slots = request.max_parallel.or(playbook.policy.max_parallel).unwrap_or(8).max(1);
    Ok(Plan { order, inputs, vars, slots, stages, playbook })
}

fn position(at: usize) -> u32 {
    u32::try_from(at).expect("the reader's budget keeps stages far below this")
}

fn vars(playbook: &Playbook, request: &PlanRequest) -> Value {
    let mut vars: super::value::Object =
        playbook.vars.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    for (name, value) in &request.vars {
        vars.insert(name.as_str(), Value::string(value.as_str()));
    }
    Value::object(vars)
}

fn order(playbook: &Playbook, stages: &[PlannedStage]) -> Vec<u32> {
    let mut left: Vec<usize> = playbook.stages.iter().map(|s| s.needs.len()).collect();
    let mut ready: std::collections::BTreeSet<u32> =
        (0..left.len()).filter(|&at| left[at] == 0).map(position).collect();
    let mut order = Vec::with_capacity(left.len());
    while let Some(at) = ready.pop_first() {
        order.push(at);
        for &dependent in &stages[at as usize].needed_by {
            left[dependent as usize] -= 1;
            if left[dependent as usize] == 0 {
                ready.insert(dependent);
            }
        }
    }
    order
}

fn select(
    playbook: &Playbook,
    request: &PlanRequest,
    stages: &mut [PlannedStage],
    problems: &mut Vec<PlanProblem>,
) {
    if !request.only.is_empty() {
        for stage in stages.iter_mut() {
            stage.selected = Selected::No("not named by --only".to_owned());
        }
        for text in &request.only {
            let Some((at, cell)) = find(playbook, text, problems) else { continue };
            let selected = &mut stages[at].selected;
            *selected = match (std::mem::replace(selected, Selected::Yes), cell) {
                (Selected::Yes, _) | (_, None) => Selected::Yes,
                (Selected::No(_), Some(cell)) => Selected::Cells(vec![cell]),
                (Selected::Cells(mut cells), Some(cell)) => {
                    cells.push(cell);
                    Selected::Cells(cells)
                }
            };
        }
    }
    if let Some(text) = &request.from
        && let Some((from, _)) = find(playbook, text, problems)
    {
        let reached = dependents(stages, &[position(from)]);
        for (at, stage) in stages.iter_mut().enumerate() {
            if !reached.contains(&position(at)) && !playbook.stages[at].is_final {
                stage.selected = Selected::No(format!("comes before `{text}`"));
            }
        }
    }
    for text in &request.skip {
        if let Some((at, _)) = find(playbook, text, problems) {
            stages[at].selected = Selected::No("left out by --skip".to_owned());
        }
    }
    if problems.is_empty()
        && !stages.is_empty()
        && stages.iter().all(|s| matches!(s.selected, Selected::No(_)))
    {
        problems.push(PlanProblem {
            slug: "nothing-selected",
            message: "these options leave no stage to run".to_owned(),
            help: Some("name at least one stage with --only, or drop a --skip".to_owned()),
        });
    }
}

/// Returns the given stages and everything that needs them, directly or through others.
#[must_use]
pub fn dependents(stages: &[PlannedStage], from: &[u32]) -> std::collections::BTreeSet<u32> {
    let mut reached: std::collections::BTreeSet<u32> = from.iter().copied().collect();
    let mut todo: Vec<u32> = from.to_vec();
    while let Some(at) = todo.pop() {
        for &next in &stages[at as usize].needed_by {
            if reached.insert(next) {
                todo.push(next);
            }
        }
    }
    reached
}

type Found = (usize, Option<Vec<(String, String)>>);

fn find(playbook: &Playbook, text: &str, problems: &mut Vec<PlanProblem>) -> Option<Found> {
    let address = match Address::parse(text) {
        Ok(address) => address,
        Err(message) => {
            problems.push(PlanProblem { slug: "bad-address", message, help: None });
            return None;
        }
    };
    let found = playbook.stages.iter().position(|s| s.id.eq_ignore_ascii_case(&address.stage));
    let Some(at) = found else {
        let names = playbook.stages.iter().map(|s| &*s.id);
        problems.push(PlanProblem {
            slug: "unknown-stage",
            message: format!("no stage of this playbook has the name `{}`", address.stage),
            help: near_miss(&address.stage, names).map(|near| format!("did you mean `{near}`?")),
        });
        return None;
    };
    Some((at, if address.cell.is_empty() { None } else { Some(address.cell) }))
}

/// An axis that some matrix has is replaced there; one that none has is added to every ordinary stage.
fn set_axes(playbook: &Playbook, request: &PlanRequest, stages: &mut [PlannedStage]) {
    for (axis, values) in &request.matrix {
        let having: Vec<usize> = (0..stages.len()).filter(|&at| has_axis(playbook, at, axis)).collect();
        let targets: Vec<usize> = if having.is_empty() {
            (0..stages.len()).filter(|&at| !playbook.stages[at].is_final).collect()
        } else {
            having
        };
        for at in targets {
            stages[at].axes.push((axis.clone(), values.clone()));
        }
    }
}

fn has_axis(playbook: &Playbook, at: usize, axis: &str) -> bool {
    match playbook.stages[at].strategy.as_ref().map(|s| &s.matrix) {
        Some(MatrixSource::Fixed(Value::Object(members))) => members.get(axis).is_some(),
        Some(MatrixSource::Mixed(super::playbook::model::MixedMatrix::Map(members))) => {
            members.iter().any(|(name, _)| name.eq_ignore_ascii_case(axis))
        }
        _ => false,
    }
}
