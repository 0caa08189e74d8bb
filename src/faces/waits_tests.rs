//! Why things wait, in jobs that are told in events a second apart.

use std::sync::Arc;

use super::{Wait, next_try, of_cell, of_stage};
use crate::logic::job::event::{Cause, Envelope, Event, NewCell, Outcome};
use crate::logic::job::order::Target;
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
    strategy: {matrix: {os: [linux, mac, plan9]}, max-parallel: 2}
    retry: {attempts: 4}
    steps:
      - run: prepare
      - {run: make, retry: {attempts: 5}}
  lint: {run: lint}
  docs: {needs: [build, lint], run: docs}
  test: {needs: build, run: check}
  load: {needs: [build, docs, test], run: load}
finally:
  report: {run: report}
";

struct Story {
    view: JobView,
}

impl Story {
    /// The first two cells run.
    fn new() -> Self {
        let reading = playbook::read(&Source::new("ci.yml", TEXT));
        let playbook = reading.playbook.unwrap_or_else(|| panic!("{:?}", reading.diagnostics));
        let mut story = Self { view: JobView::new(Arc::new(playbook)) };
        let cell = |cell: u32| NewCell {
            cell,
            run: 1,
            id: format!("build.{cell}").into(),
            label: format!("os={cell}").into(),
            matrix: serde_json::Value::Null.into(),
        };
        story.tell([
            Event::JobStarted { attempt: 1, title: None },
            Event::StageStarted { stage: 0, cells: vec![cell(0), cell(1), cell(2)] },
            Event::CellStarted { cell: 0, run: 1 },
            Event::CellStarted { cell: 1, run: 1 },
        ]);
        story
    }

    fn tell(&mut self, events: impl IntoIterator<Item = Event>) -> &mut Self {
        for event in events {
            let seq = self.view.seq + 1;
            let time = Timestamp(i64::try_from(seq).unwrap() * 1_000_000);
            self.view.fold(&Envelope { seq, time, event });
        }
        self
    }

    /// The step of the first cell fails for so many times, and is tried again at that second.
    fn fails(&mut self, step: u32, attempt: u32, until: i64) -> &mut Self {
        let key = AttemptKey { cell: 0, run: 1, step, attempt };
        let (until, cause) = (Timestamp(until * 1_000_000), Some(Cause::Exit { code: 3 }));
        self.tell([
            Event::StepStarted { key },
            Event::StepRetrying { key, until, cause, end: None, left_running: 0, rerun: false, log_bytes: 0 },
        ])
    }

    fn pauses(&mut self) -> &mut Self {
        self.tell([Event::JobPaused { by: "ada".to_owned(), order: String::new(), freeze: false }])
    }

    fn next(&self, milliseconds: i64) -> Option<String> {
        next_try(&self.view, 0, true).map(|next| next.told(Timestamp(milliseconds * 1000)))
    }
}

#[test]
fn a_stage_tells_what_it_needs_and_only_what_is_not_there_yet() {
    let mut story = Story::new();
    let said = |story: &Story| (1..6).map(|at| of_stage(&story.view, at, true).brief()).collect::<Vec<_>>();
    assert_eq!(
        said(&story),
        ["waiting", "needs build, lint", "needs build", "needs build and 2 more", "at the end"]
    );
    let outcome = Outcome::Success;
    story.tell([Event::StageFinished { stage: 0, outcome, result: outcome, cause: None }]);
    assert_eq!(said(&story), ["waiting", "needs lint", "waiting", "needs docs, test", "at the end"]);
    let rest = (1..5).map(|stage| Event::StageFinished { stage, outcome, result: outcome, cause: None });
    story.tell(rest);
    assert_eq!(of_stage(&story.view, 5, true), Wait::Nothing);
}

#[test]
fn a_pause_counts_before_needs_limits_and_slots_and_ends_with_the_job_being_cancelled() {
    let mut story = Story::new();
    assert_eq!(of_cell(&story.view, 2, true).brief(), "max-parallel 2");
    assert_eq!(of_cell(&story.view, 2, true).told(), "max-parallel: 2 cells of its stage at once");
    story.fails(1, 1, 99);
    assert_eq!(of_cell(&story.view, 2, true).told(), "waits for a slot");
    assert_eq!(of_stage(&story.view, 0, true).brief(), "waits slot");
    story.pauses();
    assert_eq!(of_cell(&story.view, 2, true).told(), "paused by ada");
    assert_eq!(of_stage(&story.view, 0, true).brief(), "paused");
    assert_eq!(of_stage(&story.view, 3, true).brief(), "paused");
    assert_eq!(of_stage(&story.view, 3, true).told(), "paused by ada; then needs build");
    assert_eq!(of_stage(&story.view, 3, false).brief(), "not started");
    story.tell([Event::JobPaused { by: "eve".to_owned(), order: String::new(), freeze: true }]);
    assert_eq!(of_cell(&story.view, 2, true).brief(), "frozen");
    assert_eq!(of_stage(&story.view, 3, true).told(), "frozen by eve; then needs build");
    let (by, order) = ("ann".to_owned(), String::new());
    story.tell([Event::SkipAsked {
        by: by.clone(),
        order: order.clone(),
        target: Target::Stage(3),
        force: false,
    }]);
    assert_eq!(of_stage(&story.view, 3, true).told(), "will be skipped (asked for by ann)");
    story.tell([Event::CancelAsked { by, order, target: Target::Job, force: false, cause: None }]);
    assert_eq!(of_stage(&story.view, 2, true).brief(), "needs build, lint");
}

#[test]
fn a_further_try_is_counted_down_and_says_how_many_there_are() {
    let mut story = Story::new();
    assert_eq!(story.next(0), None);
    story.fails(1, 2, 30);
    assert_eq!(story.next(18_001).as_deref(), Some("try 3 of 5 in 0:12"));
    assert_eq!(story.next(29_999).as_deref(), Some("try 3 of 5 in 0:01"));
    assert_eq!(story.next(30_500).as_deref(), Some("try 3 of 5 in 0:00"));
    assert_eq!(story.next(31_000).as_deref(), Some("try 3 of 5, waits slot"));
    story.tell([Event::CellStarted { cell: 2, run: 1 }]);
    assert_eq!(story.next(31_000).as_deref(), Some("try 3 of 5, max-parallel 2"));
    story.pauses();
    assert_eq!(story.next(18_000).as_deref(), Some("try 3 of 5, paused"));
}

#[test]
fn a_cell_that_is_run_again_as_a_whole_counts_runs() {
    let mut story = Story::new();
    story.tell([Event::CellRetrying { cell: 0, run: 1, until: Timestamp(30_000_000), cause: None }]);
    assert_eq!(story.next(25_000).as_deref(), Some("run 2 of 4 in 0:05"));
}
