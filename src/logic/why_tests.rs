//! Names of steps, and reasons of stages and cells, in jobs that are told in events.

use std::sync::Arc;

use super::{runs, step_title, step_words, why_cell, why_stage};
use crate::logic::job::event::{Cause, Envelope, Event, NewCell, Outcome, StepEnd};
use crate::logic::job::report::AttemptKey;
use crate::logic::playbook;
use crate::logic::playbook::source::Source;
use crate::logic::time::Timestamp;
use crate::logic::view::JobView;

const TEXT: &str = "\
version: 3
name: ci
stages:
  build:
    matrix: {v: [1, 2]}
    steps:
      - run: 'make ${{ matrix.v }}'
      - {id: pack, run: tar}
";

/// The stage has begun with both of its cells.
fn begun() -> JobView {
    let reading = playbook::read(&Source::new("ci.yml", TEXT));
    let mut view =
        JobView::new(Arc::new(reading.playbook.unwrap_or_else(|| panic!("{:?}", reading.diagnostics))));
    let cell = |cell: u32| NewCell {
        cell,
        run: 1,
        id: format!("build.{cell}").into(),
        label: format!("v={}", cell + 1).into(),
        matrix: serde_json::json!({ "v": cell + 1 }).into(),
    };
    tell(
        &mut view,
        [
            Event::JobStarted { attempt: 1, title: None },
            Event::StageStarted { stage: 0, cells: vec![cell(0), cell(1)] },
            Event::CellStarted { cell: 0, run: 1 },
            Event::CellStarted { cell: 1, run: 1 },
        ],
    );
    view
}

fn tell(view: &mut JobView, events: impl IntoIterator<Item = Event>) {
    for event in events {
        let seq = view.seq + 1;
        view.fold(&Envelope { seq, time: Timestamp(0), event });
    }
}

fn ends(cell: u32, outcome: Outcome, cause: Cause) -> Event {
    let cause = Some(cause);
    Event::CellFinished { cell, run: 1, outcome, result: outcome, cause, outputs: vec![] }
}

fn members(names: &[&str]) -> Cause {
    Cause::Member { names: names.iter().map(|name| (*name).to_owned()).collect() }
}

#[test]
fn a_step_of_which_nothing_is_fixed_is_called_by_what_is_written() {
    assert_eq!(step_title(&begun(), 0, 0), "make ${{ matrix.v }}");
    assert_eq!(step_words(&begun(), 0, 0), "step 1 `make ${{ matrix.v }}`");
}

#[test]
fn a_cell_names_the_step_and_never_its_bare_number() {
    let mut view = begun();
    tell(
        &mut view,
        [ends(0, Outcome::Failure, members(&["1"])), ends(1, Outcome::Failure, members(&["pack"]))],
    );
    assert_eq!(why_cell(&view, 0).as_deref(), Some("step 1 did not pass"));
    assert_eq!(why_cell(&view, 1).as_deref(), Some("`pack` did not pass"));
}

#[test]
fn a_stage_names_its_cells_or_what_was_asked_of_all_of_them() {
    let cancelled = Outcome::Cancelled;
    let end = |cause| Event::StageFinished { stage: 0, outcome: cancelled, result: cancelled, cause };
    let by = |by: &str| Cause::Order { by: by.to_owned() };
    let cause = Some(members(&["build[v=1]", "build[v=2]"]));
    let mut view = begun();
    tell(&mut view, [ends(0, cancelled, by("ada")), ends(1, cancelled, by("ada")), end(cause.clone())]);
    assert_eq!(why_stage(&view, 0).as_deref(), Some("asked for by ada"));
    let mut view = begun();
    tell(&mut view, [ends(0, cancelled, by("ada")), ends(1, cancelled, by("ann")), end(cause)]);
    assert_eq!(why_stage(&view, 0).as_deref(), Some("`build[v=1]` and `build[v=2]` did not pass"));
}

#[test]
fn a_further_run_says_why_there_is_one() {
    let mut view = begun();
    assert_eq!(runs(&view, 0), "run 1");
    let key = AttemptKey { cell: 0, run: 1, step: 1, attempt: 1 };
    let (outcome, cause) = (Outcome::Failure, Some(Cause::Signal { signal: 9 }));
    let failed = StepEnd { outcome, conclusion: outcome, cause, ..StepEnd::new(key) };
    tell(
        &mut view,
        [
            Event::StepStarted { key },
            Event::StepFinished(Box::new(failed)),
            Event::CellRetrying { cell: 0, run: 1, until: Timestamp(0), cause: None },
            Event::CellStarted { cell: 0, run: 2 },
        ],
    );
    let why = "step 2 `pack` was ended by signal 9 (SIGKILL; out of memory?)";
    assert_eq!(runs(&view, 0), format!("run 2 (run 1: {why})"));
}
