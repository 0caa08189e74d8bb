//! The lines of the event contract.

use std::sync::Arc;

use super::line;
use crate::logic::job::event::{Cause, Envelope, Event, NewCell, Outcome};
use crate::logic::job::order::{Order, RetryScope, Target};
use crate::logic::job::report::AttemptKey;
use crate::logic::playbook;
use crate::logic::playbook::source::Source;
use crate::logic::time::Timestamp;
use crate::logic::view::JobView;

/// Returns the lines without what they all begin with.
fn lines(events: Vec<Event>) -> Vec<String> {
    let text = "version: 3\nstages:\n  build: {matrix: {os: [linux]}, run: make}\n  test: {needs: build, run: check}\n";
    let reading = playbook::read(&Source::new("ci.yml", text));
    let mut view = JobView::new(Arc::new(reading.playbook.unwrap()));
    (1..)
        .zip(events)
        .map(|(seq, event)| {
            let envelope = Envelope { seq, time: Timestamp(1_500_000), event };
            view.fold(&envelope);
            let line = line(&view, "ID", &envelope);
            let begin = format!(r#"{{"schema":1,"seq":{seq},"time":"1970-01-01T00:00:01.500000Z","type":"#);
            line.strip_prefix(&begin).unwrap_or_else(|| panic!("{line}")).replace(r#","job":"ID""#, "")
        })
        .collect()
}

fn build() -> Event {
    let matrix = serde_json::json!({ "os": "linux" });
    let (id, label) = ("build.0a1b2c3d".into(), "os=linux".into());
    Event::StageStarted {
        stage: 0,
        cells: vec![NewCell { cell: 0, run: 1, id, label, matrix: matrix.into() }],
    }
}

#[test]
fn places_stand_beside_the_data_and_fields_that_do_not_apply_are_left_out() {
    let key = AttemptKey { cell: 0, run: 1, step: 0, attempt: 2 };
    let cell = r#""stage":"build","cell":{"id":"build.0a1b2c3d","matrix":{"os":"linux"},"run":1}"#;
    assert_eq!(
        lines(vec![
            Event::JobStarted { attempt: 1, title: None },
            build(),
            Event::CellStarted { cell: 0, run: 1 },
            Event::StepStarted { key },
            Event::StepRetrying {
                key,
                until: Timestamp(2_000_000),
                cause: Some(Cause::Exit { code: 3 }),
                end: None,
                left_running: 0,
 rerun: false,
 log_bytes: 0,
            },
        ]),
        [
            r#""job.started","attempt":1}"#.to_owned(),
            r#""stage.started","stage":"build","data":{"cells":[{"id":"build.0a1b2c3d","matrix":{"os":"linux"}}]}}"#.to_owned(),
            format!(r#""cell.started",{cell}}}"#),
            format!(r#""step.started",{cell},"step":"1","attempt":2}}"#),
            format!(
                r#""step.retrying",{cell},"step":"1","attempt":2,"data":{{"until":"1970-01-01T00:00:02.000000Z","cause":{{"kind":"exit","code":3}}}}}}"#
            ),
        ]
    );
}

#[test]
fn positions_become_names() {
    let by = || "ann".to_owned();
    assert_eq!(
        lines(vec![
            build(),
            Event::CellFinished {
                cell: 0,
                run: 1,
                outcome: Outcome::Cancelled,
                result: Outcome::Cancelled,
                cause: Some(Cause::FailFast { cell: 0 }),
                outputs: vec![("a".into(), "1".into())],
            },
            Event::CancelAsked {
                by: by(),
                order: "o".to_owned(),
                target: Target::Cell(0),
                force: false,
                cause: None
            },
            Event::SkipAsked { by: by(), order: "o".to_owned(), target: Target::Stage(1), force: false },
            Event::SkipAsked { by: by(), order: "o".to_owned(), target: Target::Cell(0), force: true },
            Event::SkipWithdrawn { by: by(), order: "o".to_owned(), target: Target::Stage(1) },
            Event::OrderRefused {
                by: by(),
                order: "o".to_owned(),
                asked: Order::Retry { scope: RetryScope::From(1) },
                message: "no".to_owned(),
            },
            Event::JobRetrying {
                by: by(),
                order: "o".to_owned(),
                scope: RetryScope::Failed,
                attempt: 2,
                stages: vec![1],
                cells: vec![0],
            },
            Event::RollbackAsked {
                by: by(),
                order: "o".to_owned(),
                target: Target::Cell(0),
                cells: vec![0],
                on_failure: None,
            },
            Event::RollbackAsked {
                by: by(),
                order: String::new(),
                target: Target::Stage(1),
                cells: vec![0],
                on_failure: Some(1),
            },
            Event::OrderNoted {
                by: by(),
                order: "o".to_owned(),
                asked: Order::Pause,
                message: "so it is".to_owned(),
            },
            Event::StageFinished {
                stage: 1,
                outcome: Outcome::Failure,
                result: Outcome::Failure,
                cause: Some(Cause::rolled_back(Some(Cause::FailFast { cell: 0 }))),
            },
        ])[1..],
        [
            r#""cell.cancelled","stage":"build","cell":{"id":"build.0a1b2c3d","matrix":{"os":"linux"},"run":1},"data":{"outcome":"cancelled","result":"cancelled","cause":{"kind":"fail-fast","cell":"build[os=linux]"},"outputs":{"a":"1"}}}"#,
            r#""order.cancel","actor":"ann","data":{"order":"o","target":"build[os=linux]","force":false}}"#,
            r#""order.skip","actor":"ann","data":{"order":"o","target":"test"}}"#,
            r#""order.skip","actor":"ann","data":{"order":"o","target":"build[os=linux]","force":true}}"#,
            r#""order.withdrawn","actor":"ann","data":{"order":"o","target":"test"}}"#,
            r#""order.refused","actor":"ann","data":{"order":"o","asked":{"retry":{"scope":{"from":"test"}}},"message":"no"}}"#,
            r#""job.retrying","attempt":2,"actor":"ann","data":{"order":"o","scope":"failed","stages":["test"],"cells":["build[os=linux]"]}}"#,
            r#""order.rollback","actor":"ann","data":{"order":"o","target":"build[os=linux]","cells":["build[os=linux]"]}}"#,
            r#""order.rollback","actor":"ann","data":{"order":"","target":"test","cells":["build[os=linux]"],"on_failure":"test"}}"#,
            r#""order.noted","actor":"ann","data":{"order":"o","asked":"pause","message":"so it is"}}"#,
            r#""stage.failed","stage":"test","data":{"outcome":"failure","result":"failure","cause":{"kind":"rolled-back","cause":{"kind":"fail-fast","cell":"build[os=linux]"}}}}"#,
        ]
    );
}
