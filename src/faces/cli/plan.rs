//! `plan`: what a run would do, stage by stage, and why something would not run.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::args::PlanArgs;
use super::plan_caches::Kept;
use super::{opened, plan_services, prepare};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::logic::expr::Scope;
use crate::logic::plan::call::Frame;
use crate::logic::plan::{self, Plan, PlannedStage, Selected, matrix};
use crate::logic::playbook::files::FilesPart;
use crate::logic::playbook::gate::Approve;
use crate::logic::playbook::model::{Action, MatrixSource, Stage, Step, Text};
use crate::logic::text::{duration, listed, plural, shortened};
use crate::logic::value::Value;

/// Runs the command.
///
/// # Errors
/// If the playbook has errors or the request cannot be honoured.
pub(super) fn plan(
    context: &Context,
    args: &PlanArgs,
    out: &mut Out,
    notes: &mut Out,
) -> Result<Ending, Failure> {
    let wanted = opened::one(&args.playbook, &args.more)?;
    let (_, playbook) = opened::open(&context.project, &wanted, notes)?;
    let mut request = prepare::request(context, &args.request)?;
    prepare::containers(context, &playbook, &mut request);
    let playbook = Arc::new(playbook);
    let plan =
        plan::plan(playbook, &request).map_err(|problems| prepare::told(notes, &problems, Ending::Usage))?;
    prepare::warn(notes, &plan);
    if args.json {
        let kept = Kept::of(context, &plan);
        let stages: Vec<Json> = plan.order.iter().map(|&at| stage_json(&plan, at as usize, &kept)).collect();
        let object = json!({
            "playbook": &*plan.playbook.name,
            "inputs": plan.inputs.to_json(),
            "vars": plan.vars.to_json(),
            "max_parallel": plan.slots,
            "stages": stages,
        });
        out.line(object.to_string());
    } else {
        print(context, out, &plan);
    }
    // The program ends here; taking thousands of stages apart piece by piece would be a tenth of its time.
    std::mem::forget(plan);
    Ok(Ending::Success)
}

/// What is known before a start: inputs, vars, and one cell's matrix.
struct Known<'p> {
    plan: &'p Plan,
    /// Position of the stage.
    stage: usize,
    matrix: Option<Value>,
}

impl Known<'_> {
    fn frame(&self) -> Option<&Frame> {
        let frame = self.plan.playbook.stages[self.stage].frame?;
        self.plan.frames.get(frame as usize)
    }

    /// Says whether the value of an input, or of all of them, is known.
    fn has_input(&self, name: Option<&str>) -> bool {
        let is_asked = |it: &str| name.is_none_or(|name| name.eq_ignore_ascii_case(it));
        self.frame().is_none_or(|it| it.inputs.iter().all(|(it, value)| !is_asked(it) || value.is_some()))
    }
}

impl Scope for Known<'_> {
    fn context(&self, name: &str) -> Option<Value> {
        match name {
            "inputs" => Some(match self.frame() {
                None => self.plan.inputs.clone(),
                Some(frame) => Value::object(
                    frame.inputs.iter().filter_map(|(k, v)| Some((k.clone(), v.clone()?))).collect(),
                ),
            }),
            "vars" => Some(self.frame().map_or(&self.plan.vars, |frame| &frame.vars).clone()),
            "matrix" => self.matrix.clone(),
            _ => None,
        }
    }
}

/// So many cells of a stage are listed.
const CELLS_SHOWN: usize = 20;

/// Contexts that are known before a start.
const KNOWN: [&str; 3] = ["inputs", "vars", "matrix"];

/// Returns the text with its expressions carried out, if they need only what is known; else as it was written.
fn resolved(text: &Text, scope: &Known<'_>) -> String {
    let known = text.template.exprs().iter().all(|part| {
        part.expr.contexts().iter().all(|used| {
            KNOWN.contains(&used.name.to_ascii_lowercase().as_str())
                && (used.name != "matrix" || scope.matrix.is_some())
                && (used.name != "inputs" || scope.has_input(used.path.first().map(String::as_str)))
        })
    });
    if known && let Ok(text) = text.template.eval_text(scope) {
        return text;
    }
    text.template.source().to_owned()
}

fn stage_json(plan: &Plan, at: usize, kept: &Kept) -> Json {
    let stage = &plan.playbook.stages[at];
    let planned = &plan.stages[at];
    let cells = cells(plan, at);
    let (runs, why) = why(stage, planned);
    let scope = Known { plan, stage: at, matrix: None };
    let steps = |scope: &Known<'_>| -> Vec<Json> {
        let own = (0..).zip(&stage.steps.steps).filter(|(_, step)| step.is_own());
        own.map(|(number, step)| {
            let mut object = step_json(step, number, scope);
            if let Some(rule) = &step.cache {
                object["cache"] = kept.json(plan, rule, (at, Some(&step_word(step, number))));
            }
            object
        })
        .collect()
    };
    let mut object = json!({
        "stage": &*stage.id,
        "needs": stage.needs.iter().map(|&need| &*plan.playbook.stages[need].id).collect::<Vec<_>>(),
        "final": stage.is_final,
        "calls": stage.call.as_ref().map(|call| &*call.path),
        "runs": runs,
        "why": why,
    });
    if !stage.steps.sidecars.is_empty() {
        let services = stage.steps.sidecars.iter().map(|it| plan_services::json(it, &plan.containers));
        object["services"] = services.collect();
    }
    if let Some(rule) = stage.cache.as_deref().or(planned.cache.as_deref()) {
        object["cache"] = kept.json(plan, rule, (at, None));
    }
    if let Some(gate) = &stage.approve {
        object["approve"] = gate_json(gate, &scope);
    }
    match cells {
        Cells::One => object["cells"] = json!([{ "id": &*stage.id }]),
        Cells::Later => object["cells"] = Json::Null,
        Cells::Known(combinations) => {
            object["cells"] = combinations
                .iter()
                .map(|cell| {
                    let scope = Known { plan, stage: at, matrix: Some(Value::object(cell.values.clone())) };
                    json!({
                        "id": format!("{}.{}", stage.id, cell.id),
                        "matrix": Value::object(cell.values.clone()).to_json(),
                        "steps": steps(&scope),
                    })
                })
                .collect();
        }
        Cells::Wrong(message) => {
            object["cells"] = json!([]);
            object["problem"] = message.into();
        }
    }
    object["steps"] = steps(&scope).into();
    object
}

enum Cells {
    /// No matrix.
    One,
    /// Its matrix is an expression that needs other stages.
    Later,
    Known(Vec<matrix::Combination>),
    Wrong(String),
}

fn cells(plan: &Plan, at: usize) -> Cells {
    let stage = &plan.playbook.stages[at];
    let planned = &plan.stages[at];
    let written = match stage.strategy.as_ref().map(|strategy| &strategy.matrix) {
        None if planned.axes.is_empty() => return Cells::One,
        None => Value::object(crate::logic::value::Object::new()),
        Some(MatrixSource::Fixed(value)) => value.clone(),
        Some(MatrixSource::Computed(_) | MatrixSource::Mixed(_)) => return Cells::Later,
    };
    let matrix = planned
        .axes
        .iter()
        .fold(written, |value, (axis, values)| matrix::replace_axis(&value, axis, values.clone()));
    match matrix::expand(&matrix, plan.playbook.policy.matrix_limit as usize) {
        Err(error) => Cells::Wrong(error.message),
        Ok(expansion) => Cells::Known(
            expansion
                .combinations
                .into_iter()
                .filter(|cell| match &planned.selected {
                    Selected::Cells(wanted) => {
                        let json = Value::object(cell.values.clone()).to_json();
                        wanted.iter().any(|pairs| crate::logic::address::matches_cell(pairs, &json))
                    }
                    Selected::Yes | Selected::No(_) => true,
                })
                .collect(),
        ),
    }
}

/// Whether a stage runs, as far as that is known, and why.
fn why(stage: &Stage, planned: &PlannedStage) -> (Option<bool>, String) {
    match (&planned.selected, &stage.condition) {
        (Selected::No(why), _) => (Some(false), why.clone()),
        (_, Some(condition)) => (None, format!("if: {}", condition.source)),
        (_, None) if stage.frame.is_some() && stage.needs.is_empty() => {
            (None, "if its caller begins".to_owned())
        }
        (_, None) if stage.needs.is_empty() => (Some(true), "it needs nothing".to_owned()),
        (_, None) => (None, "if what it needs passes".to_owned()),
    }
}

/// The id of a step, else its number.
fn step_word(step: &Step, position: usize) -> String {
    step.id.as_deref().map_or_else(|| (position + 1).to_string(), str::to_owned)
}

fn step_json(step: &Step, number: usize, scope: &Known<'_>) -> Json {
    let mut object = json!({ "step": step_word(step, number) });
    if let Some(name) = &step.name {
        object["name"] = resolved(name, scope).into();
    }
    if let Some(condition) = &step.condition {
        object["if"] = condition.source.to_string().into();
    }
    match &step.action {
        Action::Run { .. } if step.files.is_some() => {
            if let Some(FilesPart::Restore(rule)) = &step.files {
                let texts = |all: &[Text]| all.iter().map(|it| resolved(it, scope)).collect::<Vec<_>>();
                let (path, keys) = (texts(&rule.paths), texts(&rule.restore_keys));
                object["cache-files"] =
                    json!({ "path": path, "key": resolved(&rule.key, scope), "restore-keys": keys });
            }
        }
        Action::Run { text, .. } => object["run"] = resolved(text, scope).into(),
        Action::Block { block, rescue, always } => {
            let numbers = |list: &[usize]| list.iter().map(|at| at + 1).collect::<Vec<_>>();
            object["block"] = json!(numbers(block));
            object["rescue"] = json!(numbers(rescue));
            object["always"] = json!(numbers(always));
        }
        Action::Approve(gate) => object["approve"] = gate_json(gate, scope),
        Action::Parallel { members, fail_fast } => {
            object["parallel"] = json!(members.iter().map(|at| at + 1).collect::<Vec<_>>());
            object["fail-fast"] = (*fail_fast).into();
        }
        Action::Wait { steps } | Action::Cancel { steps } => {
            object[step.action.word()] = json!(steps.iter().map(|at| at + 1).collect::<Vec<_>>());
        }
        Action::WaitAll | Action::Rollback => object[step.action.word()] = true.into(),
    }
    if let Some(it) = &step.composite {
        object["uses"] = format!("./{}", it.path).into();
    }
    if step.background {
        object["background"] = true.into();
    }
    if let Some(undo) = step.undo {
        object["undo"] = (undo + 1).into();
    }
    if let Some(owner) = step.undoes {
        object["undoes"] = (owner + 1).into();
    }
    object
}

fn gate_json(gate: &Approve, scope: &Known<'_>) -> Json {
    json!({
        "message": gate.message.as_ref().map(|text| resolved(text, scope)),
        "approvers": gate.approvers,
        "people": scope.plan.gates.people(&gate.approvers),
        "count": gate.count,
        "not_actor": gate.not_actor,
        "timeout": gate.timeout.map(duration),
        "on_timeout": gate.on_timeout,
        "inputs": gate.inputs.iter().map(|it| it.name.to_string()).collect::<Vec<_>>(),
    })
}

/// Says what a gate waits for: `waits for 2 approvals by ops, at most 24h`.
fn gate_words(gate: &Approve) -> String {
    let what = if gate.count == 1 { "approval".to_owned() } else { plural(gate.count as usize, "approval") };
    let by = match gate.approvers.as_slice() {
        [] => String::new(),
        some => format!(" by {}", listed(some, "or")),
    };
    let limit = gate.timeout.map_or_else(String::new, |limit| format!(", at most {}", duration(limit)));
    format!("waits for {what}{by}{limit}")
}

/// Prints a plan for people.
pub(super) fn print(context: &Context, out: &mut Out, plan: &Plan) {
    out.line(format!(
        "{}: {}, at most {} at once",
        out.paint.bold(&plan.playbook.name),
        plural(plan.order.len(), "stage"),
        plural(plan.slots as usize, "cell")
    ));
    let kept = Kept::of(context, plan);
    for (number, &at) in (1..).zip(&plan.order) {
        print_stage(out, plan, number, (at as usize, &kept));
    }
}

fn print_stage(out: &mut Out, plan: &Plan, number: usize, (at, kept): (usize, &Kept)) {
    let stage = &plan.playbook.stages[at];
    let names: Vec<String> =
        stage.needs.iter().map(|&need| plan.playbook.stages[need].id.to_string()).collect();
    let needs = if names.is_empty() { String::new() } else { format!(", needs {}", listed(&names, "and")) };
    let at_end = if stage.is_final { ", at the end in any case" } else { "" };
    let (runs, why) = why(stage, &plan.stages[at]);
    let skipped = match runs {
        Some(false) => format!(", does not run: {why}"),
        None if stage.condition.is_some() => format!(", {why}"),
        _ => String::new(),
    };
    let calls = stage.call.as_ref().map_or_else(String::new, |call| format!(", calls ./{}", call.path));
    out.line(format!("{number:>3}  {}{calls}{needs}{at_end}{skipped}", stage.id));
    match cells(plan, at) {
        Cells::One => {}
        Cells::Later => out.line("       cells are known once what it needs has ended"),
        Cells::Wrong(problem) => out.line(format!("       {problem}")),
        Cells::Known(combinations) => {
            for cell in combinations.iter().take(CELLS_SHOWN) {
                let values: Vec<String> = cell
                    .values
                    .iter()
                    .map(|(key, value)| match value {
                        Value::String(text) => format!("{key}={text}"),
                        other => format!("{key}={}", other.to_json()),
                    })
                    .collect();
                out.line(format!("       [{}]", values.join(", ")));
            }
            if combinations.len() > CELLS_SHOWN {
                out.line(format!("       and {} more", plural(combinations.len() - CELLS_SHOWN, "cell")));
            }
        }
    }
    if let Some(rule) = stage.cache.as_deref().or(plan.stages[at].cache.as_deref()) {
        out.line(format!("       {}", kept.line(plan, rule, (at, None))));
    }
    if let Some(gate) = &stage.approve {
        out.line(format!("       first {}", gate_words(gate)));
    }
    for sidecar in &stage.steps.sidecars {
        out.line(format!("       {}", plan_services::line(sidecar, &plan.containers)));
    }
    let scope = Known { plan, stage: at, matrix: None };
    // What undoes a step is no step of the run: it stands below the one that it undoes.
    let own = (0..).zip(&stage.steps.steps).filter(|(_, step)| step.is_own() && step.undoes.is_none());
    for (position, step) in own {
        let beside = if step.background { " (in the background)" } else { "" };
        let what = step_words(stage, step, &scope);
        out.line(format!("       {} {what}{beside}", step_word(step, position)));
        if let Some(rule) = &step.cache {
            out.line(format!("         {}", kept.line(plan, rule, (at, Some(&step_word(step, position))))));
        }
        if let Some(undo) = step.undo.and_then(|undo| stage.steps.steps.get(undo)) {
            out.line(format!("         undo {}", step_words(stage, undo, &scope)));
        }
    }
}

/// Says what a step does, in a line.
fn step_words(stage: &Stage, step: &Step, scope: &Known<'_>) -> String {
    let what = match (&step.name, &step.action) {
        (None, Action::Run { text, .. }) if step.files.is_some() => {
            format!("cache-files {}", resolved(text, scope))
        }
        (Some(text), _) | (None, Action::Run { text, .. }) => resolved(text, scope),
        (None, Action::Approve(gate)) => gate_words(gate),
        (None, _) if step.composite.is_some() => {
            step.composite.as_ref().map_or_else(String::new, |it| format!("uses ./{}", it.path))
        }
        (None, action) => {
            crate::faces::why::action_words(action, &|at| step_word(&stage.steps.steps[at], at))
        }
    };
    shortened(what.trim(), 80)
}
