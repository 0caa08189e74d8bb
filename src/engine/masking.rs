//! Values of secrets in what people write: masked before it is decided about, as they are in what steps write.
//!
//! Not here: how values are found (`logic/secret`), output and step files (the keeper).

use serde_json::Value as Json;

use crate::logic::job::order::{Asked, Order};
use crate::logic::secret::Masker;

/// Returns an order without the values of secrets in notes and inputs of gates, which go into the journal and on to steps.
#[must_use]
pub(super) fn masked(asked: &Asked, masks: &[String]) -> Asked {
    let mut asked = asked.clone();
    if masks.is_empty() {
        return asked;
    }
    match &mut asked.order {
        Order::Approve { note, inputs, .. } => {
            let masker = Masker::new(masks);
            *note = masker.mask_text(note);
            inputs.iter_mut().for_each(|(_, value)| mask(value, &masker));
        }
        Order::Reject { note, .. } => *note = Masker::new(masks).mask_text(note),
        _ => {}
    }
    asked
}

fn mask(value: &mut Json, masker: &Masker) {
    match value {
        Json::String(text) => *text = masker.mask_text(text),
        Json::Array(all) => all.iter_mut().for_each(|it| mask(it, masker)),
        Json::Object(all) => all.values_mut().for_each(|it| mask(it, masker)),
        // Few secrets are numbers, and one that is would be a text in its output.
        Json::Number(number) if masker.mask_text(&number.to_string()) != number.to_string() => {
            *value = Json::String(masker.mask_text(&number.to_string()));
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}
