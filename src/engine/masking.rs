//! Values of secrets in what people write at gates: masked in notes, which are for people, and refused where it would change
//! what is done.
//!
//! Not here: how values are found (`logic/secret`), output and step files (the keeper).

use serde_json::Value as Json;

use crate::logic::job::gate;
use crate::logic::job::order::{Asked, Order, Refusal};
use crate::logic::job::state::JobState;
use crate::logic::secret::Masker;

#[cfg(test)]
#[path = "masking_tests.rs"]
mod tests;

/// Returns an order without the values of secrets in its note, which goes into the journal and on to steps.
///
/// # Errors
/// A refusal if a secret is elsewhere in an answer at a gate, in words without it: recorded, it would be known, and masked,
/// another value than that which was given would be acted on.
pub(super) fn masked(state: &JobState, asked: &Asked, masks: &[String]) -> Result<Asked, Refusal> {
    let mut asked = asked.clone();
    if masks.is_empty() {
        return Ok(asked);
    }
    let by = asked.by.clone();
    match &mut asked.order {
        Order::Approve { gate, note, inputs, claimed } => {
            let masker = Masker::new(masks);
            *note = masker.mask_text(note);
            check_name(claimed.as_deref(), &by, &masker)?;
            check_inputs(state, *gate, inputs, &masker)?;
        }
        Order::Reject { note, claimed, .. } => {
            let masker = Masker::new(masks);
            *note = masker.mask_text(note);
            check_name(claimed.as_deref(), &by, &masker)?;
        }
        _ => {}
    }
    Ok(asked)
}

/// Who says to be who they are says nothing that is not recorded anyway.
fn check_name(claimed: Option<&str>, by: &str, masker: &Masker) -> Result<(), Refusal> {
    match claimed.filter(|name| *name != by && has_secret(name, masker)) {
        None => Ok(()),
        Some(_) => Err(Refusal::new(
            "the name given with the answer contains the value of a secret of this job, and names are recorded; \
             answer as yourself, or change the secret",
        )),
    }
}

fn check_inputs(
    state: &JobState,
    gate: u32,
    inputs: &[(String, Json)],
    masker: &Masker,
) -> Result<(), Refusal> {
    let model = state.gates.get(gate as usize).and_then(|it| gate::model(state, it.opened.place));
    let declared: Vec<&str> = model.iter().flat_map(|it| &it.inputs).map(|input| &*input.name).collect();
    // What the playbook says is no secret.
    let is_declared = |name: &str| declared.iter().any(|it| it.eq_ignore_ascii_case(name));
    for (at, (name, value)) in inputs.iter().enumerate() {
        if !is_declared(name) && has_secret(name, masker) {
            let names: Vec<String> = declared.iter().map(|it| format!("`{it}`")).collect();
            let has = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(Refusal::new(format!(
                "the name of input {} contains the value of a secret of this job, and the gate has no such input; it has {has}",
                at + 1
            )));
        }
        if contains_secret(value, masker) {
            return Err(Refusal::new(format!(
                "the input `{name}` contains the value of a secret of this job, and what is given at a gate is recorded; \
                 let the step read it as a secret of the playbook (`secrets`) instead, or change the secret if such a \
                 value is none"
            )));
        }
    }
    Ok(())
}

fn contains_secret(value: &Json, masker: &Masker) -> bool {
    let is_inside = match value {
        Json::String(text) => return has_secret(text, masker),
        Json::Array(all) => all.iter().any(|it| contains_secret(it, masker)),
        Json::Object(all) => {
            all.iter().any(|(key, it)| has_secret(key, masker) || contains_secret(it, masker))
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    };
    // A secret may be a number, or a whole document.
    is_inside || has_secret(&value.to_string(), masker)
}

fn has_secret(text: &str, masker: &Masker) -> bool {
    masker.mask_text(text) != text
}
