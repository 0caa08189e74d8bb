//! Actions while a job runs: what their steps see, and what comes out of them.
//!
//! The steps of an action are the block of the step that uses it (`logic/playbook/splice.rs`), so they begin, fail and end
//! like those of any block. Not here: reading actions (`logic/playbook/link_actions.rs`).

use std::sync::Arc;

use super::report::AttemptKey;
use super::scope::{JobScope, ListStatus, Pairs, Standing};
use super::state::JobState;
use crate::logic::expr::{ExprError, coerce};
use crate::logic::playbook::call::{Composite, GivenValue};
use crate::logic::playbook::model::StepTree;
use crate::logic::value::{Object, Value};

#[cfg(test)]
#[path = "actions_tests.rs"]
mod tests;

fn tree(state: &JobState, cell: u32) -> &StepTree {
    &state.setting.plan.playbook.stages[state.cells[cell as usize].stage as usize].steps
}

/// Returns the step with `uses` whose action a step belongs to.
pub(super) fn of_step(state: &JobState, cell: u32, step: u32) -> Option<u32> {
    tree(state, cell).action_of(step as usize).and_then(|at| u32::try_from(at).ok())
}

fn composite(state: &JobState, cell: u32, step: u32) -> Option<&Composite> {
    tree(state, cell).steps[step as usize].composite.as_deref()
}

/// Returns the context `inputs` in the action that a step uses. All of them are text.
pub(super) fn inputs(state: &JobState, cell: u32, step: u32, with_secrets: bool) -> Value {
    let Some(it) = composite(state, cell, step) else { return Value::object(Object::new()) };
    let standing = Standing::Cell { cell, step: Some(step), status: ListStatus::default() };
    let scope = JobScope::new(state, standing);
    let scope = if with_secrets { scope.with_secrets() } else { scope };
    let declared = it.action.iter().flat_map(|action| &action.inputs);
    let values = declared.map(|input| {
        let given = it.with.iter().find(|given| given.name.eq_ignore_ascii_case(&input.name));
        let value = match given.map(|given| &given.value) {
            // One that cannot be evaluated has ended the step before it began.
            Some(GivenValue::Text(text)) => {
                Value::string(text.template.eval_text(&scope).unwrap_or_default())
            }
            Some(GivenValue::Fixed(json)) => Value::string(coerce::text(&Value::from_json(json)).to_string()),
            None => Value::String(input.default.clone().unwrap_or_default()),
        };
        (input.name.clone(), value)
    });
    Value::object(values.collect())
}

/// Says whether the values that a step hands to its action can be had.
///
/// # Errors
/// The first expression that cannot be evaluated.
pub(super) fn check(state: &JobState, cell: u32, step: u32) -> Result<(), ExprError> {
    let Some(it) = composite(state, cell, step) else { return Ok(()) };
    let standing = Standing::Cell { cell, step: Some(step), status: ListStatus::default() };
    let scope = JobScope::new(state, standing).with_secrets();
    for given in &it.with {
        if let GivenValue::Text(text) = &given.value {
            text.template.eval_text(&scope)?;
        }
    }
    Ok(())
}

/// Returns the context `github` in an action: with the folder of the action in it.
pub(super) fn github(state: &JobState, cell: u32, step: u32) -> Value {
    let mut github = match &state.setting.facts {
        Value::Object(facts) => match facts.get("github") {
            Some(Value::Object(github)) => (**github).clone(),
            _ => Object::new(),
        },
        _ => Object::new(),
    };
    if let Some(it) = composite(state, cell, step) {
        github.insert("action_path", Value::string(format!("{}/{}", state.setting.root, it.path)));
    }
    Value::object(github)
}

/// Returns the folder of the action that a try belongs to.
pub(super) fn path(state: &JobState, key: AttemptKey) -> Option<String> {
    let step = of_step(state, key.cell, key.step)?;
    Some(format!("{}/{}", state.setting.root, composite(state, key.cell, step)?.path))
}

/// Returns the outputs of the action that a step uses; none if it uses none.
///
/// # Errors
/// The first expression that cannot be evaluated.
pub(super) fn outputs(state: &JobState, cell: u32, step: u32) -> Result<Pairs, ExprError> {
    let Some(action) = composite(state, cell, step).and_then(|it| it.action.as_ref()) else {
        return Ok(Vec::new());
    };
    let standing = Standing::Cell { cell, step: Some(step), status: ListStatus::default() };
    // They go into the journal, so they see no secrets.
    let scope = JobScope::new(state, standing).within(Some(step));
    let outputs = action.outputs.iter();
    outputs.map(|it| Ok((it.name.clone(), Arc::from(it.value.template.eval_text(&scope)?)))).collect()
}
