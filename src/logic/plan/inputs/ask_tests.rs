//! What is asked for before a start, and what comes of the answers.

use serde_json::{Value as Json, json};

use super::{OpenSecret, Starting};
use crate::logic::playbook::model::{Input, InputKind};
use crate::logic::playbook::source::Span;
use crate::logic::talk::{Kind, Reply, Talk};
use crate::logic::value::Value;

fn input(name: &str, kind: InputKind, required: bool, default: Option<Value>) -> Input {
    let description = (name == "tag").then(|| "What to release?\nMore.".to_owned());
    Input { name: name.into(), span: Span::default(), description, kind, required, default }
}

fn declared() -> Vec<Input> {
    let words = || vec!["dev".to_owned(), "prod".to_owned()];
    vec![
        input("tag", InputKind::String { pattern: Some("v[0-9]+".to_owned()) }, true, None),
        input("level", InputKind::Number, true, Some(Value::Number(2.0))),
        input("count", InputKind::Number, true, None),
        input("env", InputKind::Choice { options: words() }, true, None),
        input("dry", InputKind::Boolean, true, None),
        input("extra", InputKind::Json, true, None),
        input("note", InputKind::String { pattern: None }, false, None),
        input("zone", InputKind::Choice { options: words() }, false, None),
    ]
}

fn text(text: &str) -> Reply {
    Reply::Text(text.to_owned())
}

fn key(talk: &Starting<'_>) -> String {
    talk.question().map(|it| it.key).unwrap_or_default()
}

#[test]
fn what_is_required_and_not_given_is_asked_for_in_order_and_every_answer_is_looked_at() {
    let declared = declared();
    let given = [("Count".to_owned(), json!(7))];
    let secrets = vec![OpenSecret { name: "token".to_owned(), variable: "TOKEN".to_owned() }];
    let mut talk = Starting::new(&declared, &given, secrets, false);
    let question = talk.question().expect("a question");
    assert_eq!((&*question.text, &*question.help), ("tag: What to release?", "all of it matches `v[0-9]+`"));
    let wrong = talk.answer(text("7")).expect_err("it does not match");
    assert_eq!(wrong.what, "`7` does not match the pattern of the input `tag`: v[0-9]+");
    assert_eq!(talk.answer(text("")).expect_err("nothing").what, "this needs an answer");
    assert_eq!(talk.would_do(text("v7")), Ok(()));
    assert_eq!(key(&talk), "input.tag", "that was no answer yet");
    talk.answer(text("v7")).expect("it fits");
    assert_eq!(key(&talk), "input.env", "what is given and what has a default is not asked for");
    assert!(talk.answer(Reply::Choice("staging".to_owned())).is_err());
    talk.answer(Reply::Choice("prod".to_owned())).expect("it fits");
    talk.answer(Reply::Yes(false)).expect("it fits");
    let wrong = talk.answer(text("{")).expect_err("no JSON");
    assert!(wrong.what.starts_with("the input `extra` takes JSON, found `{`"), "{}", wrong.what);
    // Back keeps what was said.
    assert!(talk.back());
    assert_eq!(talk.question().and_then(|it| it.before), Some(Reply::Yes(false)));
    talk.answer(Reply::Yes(true)).expect("it fits");
    talk.answer(text("[1]")).expect("it fits");
    let question = talk.question().expect("a question");
    assert_eq!((question.key.as_str(), &question.kind), ("secret.token", &Kind::Hidden));
    assert!(talk.answer(text("")).is_err());
    talk.answer(text(" s3 ")).expect("blanks may belong to it");
    assert_eq!(talk.question(), None);
    let said = talk.said();
    let inputs: Vec<String> = said.inputs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(inputs, ["tag=v7", "env=prod", "dry=true", "extra=[1]"]);
    assert_eq!(said.secrets, [("token".to_owned(), " s3 ".to_owned())]);
}

#[test]
fn all_inputs_are_asked_for_with_what_they_have_on_offer_and_enter_changes_nothing() {
    let declared = declared();
    let given: Vec<(String, Json)> = [
        ("tag", json!("v1")),
        ("count", json!("7")),
        ("env", json!("prod")),
        ("dry", json!("true")),
        ("extra", json!([1])),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    let mut talk = Starting::new(&declared, &given, Vec::new(), true);
    let mut asked = Vec::new();
    while let Some(question) = talk.question() {
        let reply = match &question.kind {
            Kind::Text { .. } => text(""),
            Kind::Choice { options, default } => Reply::Choice(options[*default].word.clone()),
            Kind::Yes { default } => Reply::Yes(*default),
            other => panic!("{other:?}"),
        };
        asked.push(question.key);
        talk.answer(reply).expect("what is on offer will do");
    }
    assert_eq!(asked.len(), declared.len());
    assert_eq!(talk.said().inputs, []);
    // Another answer counts.
    let mut talk = Starting::new(&declared, &given, Vec::new(), true);
    talk.answer(text("v2")).expect("it fits");
    talk.answer(text("2.5")).expect("it fits");
    let said = talk.said().inputs;
    assert_eq!(said, [("tag".to_owned(), "v2".to_owned()), ("level".to_owned(), "2.5".to_owned())]);
}

#[test]
fn what_is_given_and_wrong_is_told_and_nothing_is_asked() {
    let declared = declared();
    for given in [("count", json!("many")), ("cuont", json!(1))] {
        let given = [(given.0.to_owned(), given.1)];
        for all in [false, true] {
            assert_eq!(Starting::new(&declared, &given, Vec::new(), all).question(), None);
        }
    }
}
