//! Events are written and read as journals have had them from the first on.

use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::logic::job::event::{Cause, Envelope, Outcome, StepEnd};
use crate::logic::job::report::{AttemptKey, End};
use crate::logic::time::Timestamp;

fn end() -> Event {
    let key = AttemptKey { cell: 3, run: 1, step: 2, attempt: 1 };
    Event::StepFinished(Box::new(StepEnd {
        outcome: Outcome::Failure,
        cause: Some(Cause::Exit { code: 3 }),
        end: Some(End::Code(3)),
        outputs: vec![("a".into(), "\"\n".into())],
        log_bytes: u64::MAX,
        ..StepEnd::new(key)
    }))
}

fn failed() -> Event {
    Event::StageFinished {
        stage: 7,
        outcome: Outcome::Failure,
        result: Outcome::Success,
        cause: Some(Cause::Rejected { by: "ann".to_owned(), note: String::new() }),
    }
}

#[test]
fn the_kind_comes_first_and_the_rest_beside_it() {
    let text = |event: &Event| serde_json::to_string(event).expect("it is plain");
    assert_eq!(text(&Event::JobStarted { attempt: 2, title: None }), r#"{"event":"JobStarted","attempt":2}"#);
    assert_eq!(
        text(&failed()),
        r#"{"event":"StageFinished","stage":7,"outcome":"failure","result":"success","cause":{"kind":"rejected","by":"ann"}}"#
    );
    let ended = text(&end());
    let head = r#"{"event":"StepFinished","key":{"cell":3,"run":1,"step":2,"attempt":1},"outcome":"failure""#;
    assert!(ended.starts_with(head), "{ended}");
    assert!(ended.ends_with(&format!("\"log_bytes\":{}}}", u64::MAX)), "{ended}");
}

#[test]
fn what_was_written_is_read_in_any_order_and_from_anything() {
    let envelope = |event: Event| Envelope { seq: 9, time: Timestamp(5), event };
    for event in [Event::JobStarted { attempt: 1, title: None }, failed(), end()] {
        let text = serde_json::to_string(&envelope(event.clone())).expect("it is plain");
        assert_eq!(serde_json::from_str::<Envelope>(&text).expect("it is read"), envelope(event.clone()));
        let value = serde_json::to_value(&event).expect("it is plain");
        assert_eq!(<Event as Deserialize>::deserialize(&value).expect("it is read"), event);
        let Value::Object(members) = value.clone() else { panic!("{value}") };
        // The kind anywhere, and a member of a later version before it.
        for at in 0..=members.len() {
            let mut texts: Vec<String> =
                members.iter().filter(|(name, _)| *name != KIND).map(|(k, v)| format!("{k:?}:{v}")).collect();
            texts.insert(at.min(texts.len()), format!("\"event\":{}", value[KIND]));
            texts.insert(0, "\"later\":[{\"a\":null}]".to_owned());
            let text = format!("{{{}}}", texts.join(", "));
            assert_eq!(serde_json::from_str::<Event>(&text).expect(&text), event, "{text}");
            assert_eq!(serde_json::from_reader::<_, Event>(text.as_bytes()).expect(&text), event, "{text}");
        }
    }
}

#[test]
fn what_is_no_event_is_refused_in_words() {
    let said =
        |value: Value| serde_json::from_str::<Event>(&value.to_string()).expect_err("it is none").to_string();
    assert!(said(json!({"event": "Later", "a": 1})).contains("unknown variant `Later`"));
    assert!(said(json!({"attempt": 1})).contains("missing field `event`"));
    assert!(said(json!({})).contains("missing field `event`"));
    assert!(said(json!({"event": 1})).contains("a text"));
    assert!(said(json!({"event": "JobStarted"})).contains("missing field `attempt`"));
    assert!(said(json!({"event": "JobStarted", "attempt": "x"})).contains("invalid type"));
    assert!(said(json!({"event": "JobStarted", "attempt": -1})).contains("invalid value"));
    assert!(said(json!("JobStarted")).contains("an event"));
    assert!(said(json!(["JobStarted"])).contains("an event"));
    // Said by whoever reads a journal: a later version wrote it, and nothing is damaged.
    let later = serde_json::from_str::<Event>(r#"{"event":"Later","a":1}"#).expect_err("it is none");
    assert!(later.is_data());
    for text in [r#"{"event":"JobStarted","attempt":1"#, r#"{"event":"JobStarted","attempt":1}}"#, "", "{"] {
        assert!(serde_json::from_str::<Event>(text).is_err(), "{text}");
    }
}
