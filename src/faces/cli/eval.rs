//! `eval`: one expression, or one a line from standard input.

use std::io::BufRead;

use serde_json::{Value as Json, json};

use super::args::EvalArgs;
use crate::engine::library;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::logic::expr::{self, ExprError, Scope, Template, coerce};
use crate::logic::value::Value;

/// Contexts that were given, built once, because the language compares objects by identity.
struct Given(Vec<(String, Value)>);

impl Given {
    fn new(contexts: &Json) -> Self {
        let members = contexts.as_object().into_iter().flatten();
        Self(members.map(|(name, value)| (name.to_lowercase(), Value::from_json(value))).collect())
    }
}

impl Scope for Given {
    fn context(&self, name: &str) -> Option<Value> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }
}

/// Runs the command.
///
/// # Errors
/// If the contexts cannot be read, or the one expression is wrong.
pub(super) fn eval(args: &EvalArgs, out: &mut Out) -> Result<Ending, Failure> {
    let Some(text) = &args.expr else {
        return lines(out);
    };
    let contexts = match &args.contexts {
        Some(given) => read_contexts(given)?,
        None => Json::Null,
    };
    let answer = evaluate(text, &Given::new(&contexts));
    if args.json {
        let ending = if answer.is_ok() { Ending::Success } else { Ending::Usage };
        out.line(answer_json(answer).to_string());
        return Ok(ending);
    }
    let value = answer.map_err(|error| Failure::usage(error.message))?;
    match &value {
        Value::Array(_) | Value::Object(_) => out.line(value.to_json().to_string()),
        _ => out.line(coerce::to_text(&value)),
    }
    Ok(Ending::Success)
}

fn read_contexts(given: &str) -> Result<Json, Failure> {
    let text = match given.strip_prefix('@') {
        Some(path) => library::read_text(std::path::Path::new(path), "the file of contexts")?,
        None => given.to_owned(),
    };
    match serde_json::from_str(&text) {
        Ok(contexts @ Json::Object(_)) => Ok(contexts),
        Ok(_) => {
            Err(Failure::usage("the contexts have to be a JSON object, such as `{\"inputs\": {\"n\": 3}}`"))
        }
        Err(error) => Err(Failure::usage(format!("the contexts are not JSON: {error}"))),
    }
}

fn evaluate(text: &str, scope: &Given) -> Result<Value, ExprError> {
    // Only a whole `${{ }}` is taken for a template: braces inside of strings are text.
    // A context that was not given is an error even where it would never be looked at, as on GitHub.
    let is_known = |name: &str| scope.context(&name.to_lowercase()).is_some();
    if text.trim_start().starts_with("${{") {
        return Template::parse_known(text.trim(), &is_known)?.eval_value(scope);
    }
    expr::parse_known(text, &is_known)?.eval(scope)
}

fn answer_json(answer: Result<Value, ExprError>) -> Json {
    match answer {
        Ok(value) => json!({ "kind": value.kind(), "value": value.to_json() }),
        Err(error) => json!({ "error": { "slug": error.slug, "message": error.message } }),
    }
}

/// Answers each line in order, errors included, to the end of the input.
fn lines(out: &mut Out) -> Result<Ending, Failure> {
    let mut input = std::io::stdin().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = input
            .read_until(b'\n', &mut line)
            .map_err(|error| Failure::surroundings(format!("standard input cannot be read: {error}")))?;
        if read == 0 || out.is_closed() {
            return Ok(Ending::Success);
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        out.line(answer_line(&line).to_string());
        out.flush();
    }
}

fn answer_line(line: &[u8]) -> Json {
    let wrong = |message: String| json!({ "error": { "slug": "bad-line", "message": message } });
    let parsed: Json = match serde_json::from_slice(line) {
        Ok(parsed) => parsed,
        Err(error) => return wrong(format!("the line is not JSON: {error}")),
    };
    let Some(text) = parsed.get("expr").and_then(Json::as_str) else {
        return wrong("the line has no `expr` with text".to_owned());
    };
    let contexts = parsed.get("contexts").unwrap_or(&Json::Null);
    answer_json(evaluate(text, &Given::new(contexts)))
}
