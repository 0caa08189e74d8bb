//! What a script of the library is told by its environment: variables, the values of its cell, and its parameters.
//!
//! Not here: the command that starts it (`logic/playbook/scripts`).

use super::scope::JobScope;
use crate::logic::expr::{Scope, coerce};
use crate::logic::playbook::model::ScriptPart;
use crate::logic::playbook::scripts::{Parameter, variable};
use crate::logic::value::Value;

/// Tells the variables of a script: `SORTIE_VAR_` for `vars`, `SORTIE_INPUT_` for `inputs`, `SORTIE_MATRIX_` for the values of its
/// cell, and `SORTIE_PARAMETER_` for each parameter that one of these has a value for; the matrix goes first, then the inputs.
pub(super) fn variables(scope: &JobScope<'_>, part: &ScriptPart, tell: &mut dyn FnMut(&str, &str)) {
    let mut given: Vec<(String, String)> = Vec::new();
    for (context, prefix) in [("matrix", "SORTIE_MATRIX"), ("inputs", "SORTIE_INPUT"), ("vars", "SORTIE_VAR")]
    {
        let Some(Value::Object(members)) = scope.context(context) else { continue };
        for (name, value) in members.iter() {
            let (name, value) = (variable(name), text(value));
            tell(&format!("{prefix}_{name}"), &value);
            given.push((name, value));
        }
    }
    for Parameter { name, is_switch } in &part.parameters {
        let name = variable(name);
        let Some((_, value)) = given.iter().find(|(known, _)| *known == name) else { continue };
        let is_off = matches!(value.to_ascii_lowercase().as_str(), "" | "0" | "false" | "no" | "off");
        if !is_switch || !is_off {
            tell(&format!("SORTIE_PARAMETER_{name}"), value);
        }
    }
}

/// Returns a value as a variable: text as it is, lists and maps as JSON.
fn text(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) => value.to_json().to_string(),
        plain => coerce::to_text(plain),
    }
}
