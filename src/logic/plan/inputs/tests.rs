//! Inputs of every kind, fitting and not.

use serde_json::{Value as Json, json};

use super::check;
use crate::logic::playbook::model::{Input, InputKind};
use crate::logic::playbook::source::Span;
use crate::logic::value::Value;

fn input(name: &str, kind: InputKind) -> Input {
    Input {
        name: name.into(),
        span: Span::default(),
        description: None,
        kind,
        required: false,
        default: None,
    }
}

fn declared() -> Vec<Input> {
    let mut tag = input("tag", InputKind::String { pattern: Some("v[0-9]+".to_owned()) });
    tag.required = true;
    let mut level = input("level", InputKind::Number);
    level.default = Some(Value::Number(2.0));
    vec![
        tag,
        level,
        input("name", InputKind::String { pattern: None }),
        input("dry", InputKind::Boolean),
        input("env", InputKind::Choice { options: vec!["dev".to_owned(), "prod".to_owned()] }),
        input("extra", InputKind::Json),
    ]
}

fn run(given: &[(&str, Json)]) -> String {
    let given: Vec<(String, Json)> =
        given.iter().map(|(name, json)| ((*name).to_owned(), json.clone())).collect();
    match check(&declared(), &given) {
        Ok(values) => values.to_json().to_string(),
        Err(problems) => problems
            .iter()
            .map(|p| {
                format!(
                    "{} {}{}",
                    p.slug,
                    p.message,
                    p.help.as_ref().map_or(String::new(), |h| format!(" ({h})"))
                )
            })
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

#[test]
fn text_is_read_as_the_declared_kind_and_defaults_fill_the_rest() {
    assert_eq!(
        run(&[
            ("tag", json!("v1")),
            ("TAG", json!("v2")),
            ("dry", json!("true")),
            ("extra", json!("[1]")),
            ("env", json!("prod"))
        ]),
        r#"{"tag":"v2","level":2,"name":null,"dry":true,"env":"prod","extra":[1]}"#
    );
}

#[test]
fn typed_values_of_a_file_are_kept() {
    assert_eq!(
        run(&[
            ("tag", json!("v1")),
            ("level", json!(0.5)),
            ("dry", json!(false)),
            ("extra", json!({"a": 1}))
        ]),
        r#"{"tag":"v1","level":0.5,"name":null,"dry":false,"env":null,"extra":{"a":1}}"#
    );
}

#[test]
fn every_problem_is_told_at_once_in_words() {
    assert_eq!(
        run(&[
            ("levl", json!("1")),
            ("level", json!("high")),
            ("dry", json!("yes")),
            ("env", json!("prd")),
            ("name", json!(1.5)),
            ("zebra", json!("1")),
        ]),
        "unknown-input this playbook has no input `levl` (did you mean `level`?)\n\
         unknown-input this playbook has no input `zebra` (it takes `tag`, `level`, `name`, `dry`, `env` and `extra`)\n\
         missing-input the input `tag` is required and was not given (add --input tag=TEXT)\n\
         bad-input the input `level` takes a number such as `3` or `0.5`, found `high`\n\
         bad-input the input `name` takes text, found `1.5` (put the value in quotes, so that it stays as it is written)\n\
         bad-input the input `dry` takes `true` or `false`, found `yes`\n\
         bad-input the input `env` takes `dev` or `prod`, found `prd` (did you mean `prod`?)"
    );
}

#[test]
fn a_pattern_has_to_match_the_whole_value() {
    assert_eq!(
        run(&[("tag", json!("xv1"))]),
        "bad-input `xv1` does not match the pattern of the input `tag`: v[0-9]+"
    );
    assert_eq!(
        run(&[("tag", json!("v1\nv2"))]),
        "bad-input `v1…` does not match the pattern of the input `tag`: v[0-9]+"
    );
}
