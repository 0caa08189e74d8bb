//! Given inputs against their declarations: typed values, or what is wrong with them in words.
//!
//! Not here: reading the command line or a file of inputs (`faces/cli/run.rs`). Start with `check`.

pub mod ask;

use serde_json::Value as Json;

use super::PlanProblem;
use crate::logic::playbook::model::{Input, InputKind};
use crate::logic::text::{listed_names, near_miss, shortened};
use crate::logic::value::{Object, Value};

#[cfg(test)]
mod tests;

/// Returns one value for each declared input: the given one, else its default, else null.
///
/// Text is accepted for every kind and read as that kind, because a command line has only text.
/// A later value for the same input wins.
///
/// # Errors
/// Every unknown, missing and unfitting input.
pub fn check(declared: &[Input], given: &[(String, Json)]) -> Result<Value, Vec<PlanProblem>> {
    check_for("this playbook", declared, given)
}

/// As [`check`], for what is called `owner` in messages.
///
/// # Errors
/// Every unknown, missing and unfitting input.
pub fn check_for(
    owner: &str,
    declared: &[Input],
    given: &[(String, Json)],
) -> Result<Value, Vec<PlanProblem>> {
    let mut problems = Vec::new();
    for (name, _) in given {
        if find(declared, name).is_none() {
            problems.push(unknown(owner, declared, name));
        }
    }
    let mut values = Object::new();
    for input in declared {
        let last = given.iter().rev().find(|(name, _)| name.eq_ignore_ascii_case(&input.name));
        let value = match last {
            Some((_, json)) => fit(input, json).unwrap_or_else(|problem| {
                problems.push(problem);
                Value::Null
            }),
            None => match &input.default {
                Some(default) => default.clone(),
                None if input.required => {
                    problems.push(missing(input));
                    Value::Null
                }
                None => Value::Null,
            },
        };
        values.insert(input.name.clone(), value);
    }
    if problems.is_empty() { Ok(Value::object(values)) } else { Err(problems) }
}

/// Returns a value for each input that has to be given, to look at a playbook before anybody gives one. An input whose
/// pattern no such text is sure to match is left out.
#[must_use]
pub fn examples(declared: &[Input]) -> Vec<(String, Json)> {
    let open = declared.iter().filter(|input| input.required && input.default.is_none());
    let example = |input: &Input| match &input.kind {
        InputKind::String { pattern: None } => Some(Json::from("example")),
        InputKind::String { .. } => None,
        InputKind::Number => Some(Json::from(1)),
        InputKind::Boolean => Some(Json::from(false)),
        InputKind::Choice { options } => options.first().map(|first| Json::from(first.as_str())),
        InputKind::Json => Some(Json::Array(Vec::new())),
    };
    open.filter_map(|input| Some((input.name.to_string(), example(input)?))).collect()
}

fn find<'d>(declared: &'d [Input], name: &str) -> Option<&'d Input> {
    declared.iter().find(|input| input.name.eq_ignore_ascii_case(name))
}

fn unknown(owner: &str, declared: &[Input], name: &str) -> PlanProblem {
    let near = near_miss(name, declared.iter().map(|input| &*input.name));
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None if declared.is_empty() => format!("{owner} takes no inputs"),
        None => {
            let names: Vec<&str> = declared.iter().map(|input| &*input.name).collect();
            format!("it takes {}", listed_names(&names, "and"))
        }
    };
    PlanProblem { slug: "unknown-input", message: format!("{owner} has no input `{name}`"), help: Some(help) }
}

fn missing(input: &Input) -> PlanProblem {
    PlanProblem {
        slug: "missing-input",
        message: format!("the input `{}` is required and was not given", input.name),
        help: Some(format!("add --input {}={}", input.name, example(&input.kind))),
    }
}

fn example(kind: &InputKind) -> String {
    match kind {
        InputKind::String { .. } => "TEXT".to_owned(),
        InputKind::Number => "3".to_owned(),
        InputKind::Boolean => "true".to_owned(),
        InputKind::Choice { options } => options.first().cloned().unwrap_or_else(|| "TEXT".to_owned()),
        InputKind::Json => r#"'{"key": 1}'"#.to_owned(),
    }
}

/// Returns a given value as the input has it.
///
/// # Errors
/// If it is not of the input's type, or none of its options.
pub fn fit(input: &Input, json: &Json) -> Result<Value, PlanProblem> {
    match (&input.kind, json) {
        (InputKind::String { pattern }, Json::String(text)) => match pattern {
            Some(pattern) => matching(input, pattern, text),
            None => Ok(Value::string(text.as_str())),
        },
        (InputKind::String { .. }, _) => Err(unfit(
            input,
            json,
            "text",
            Some("put the value in quotes, so that it stays as it is written"),
        )),
        (InputKind::Number, Json::Number(number)) => Ok(Value::Number(number.as_f64().unwrap_or(f64::NAN))),
        (InputKind::Number, Json::String(text)) => match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Number(number)),
            _ => Err(unfit(input, json, "a number such as `3` or `0.5`", None)),
        },
        (InputKind::Number, _) => Err(unfit(input, json, "a number such as `3` or `0.5`", None)),
        (InputKind::Boolean, Json::Bool(truth)) => Ok(Value::Bool(*truth)),
        (InputKind::Boolean, Json::String(text)) if text == "true" || text == "false" => {
            Ok(Value::Bool(text == "true"))
        }
        (InputKind::Boolean, _) => Err(unfit(input, json, "`true` or `false`", None)),
        (InputKind::Choice { options }, _) => chosen(input, options, json),
        (InputKind::Json, Json::String(text)) => serde_json::from_str::<Json>(text)
            .map(|parsed| Value::from_json(&parsed))
            .map_err(|error| unfit(input, json, "JSON", Some(&format!("the JSON reader says: {error}")))),
        (InputKind::Json, _) => Ok(Value::from_json(json)),
    }
}

fn matching(input: &Input, pattern: &str, text: &str) -> Result<Value, PlanProblem> {
    let wrong = |message: String| PlanProblem { slug: "bad-input", message, help: None };
    let whole = regex_lite::Regex::new(&format!("^(?:{pattern})$")).map_err(|error| {
        wrong(format!("the pattern of the input `{}` cannot be read: {error}", input.name))
    })?;
    if whole.is_match(text) {
        return Ok(Value::string(text));
    }
    Err(wrong(format!(
        "`{}` does not match the pattern of the input `{}`: {pattern}",
        shortened(text, 60),
        input.name
    )))
}

fn chosen(input: &Input, options: &[String], json: &Json) -> Result<Value, PlanProblem> {
    let text = plain(json);
    if let Some(option) = options.iter().find(|option| **option == text) {
        return Ok(Value::string(option.as_str()));
    }
    let near =
        near_miss(&text, options.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
    Err(unfit(input, json, &listed_names(options, "or"), near.as_deref()))
}

fn unfit(input: &Input, json: &Json, expected: &str, help: Option<&str>) -> PlanProblem {
    PlanProblem {
        slug: "bad-input",
        message: format!(
            "the input `{}` takes {expected}, found `{}`",
            input.name,
            shortened(&plain(json), 60)
        ),
        help: help.map(str::to_owned),
    }
}

/// Returns text as it is and everything else as JSON writes it.
#[must_use]
pub fn plain(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
