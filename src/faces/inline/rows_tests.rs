//! Rows of jobs that are told in events, at several sizes of the terminal.

use std::sync::Arc;
use std::time::Duration;

use expect_test::expect;

use super::{clock, cut, lines, next_second, width};
use crate::logic::job::effect::Rung;
use crate::logic::job::event::{Cause, Envelope, Event, NewCell, Outcome, StepEnd};
use crate::logic::job::order::Target;
use crate::logic::job::report::{AttemptKey, Usage};
use crate::logic::playbook;
use crate::logic::playbook::source::Source;
use crate::logic::time::Timestamp;
use crate::logic::view::JobView;
use crate::logic::view::forecast::Forecast;

const TEXT: &str = "\
version: 3
name: ci
stages:
  prepare: {name: Get ready, run: ./configure}
  check:
    needs: prepare
    steps:
      - {id: lint, name: Ask the spelling service, run: lint, retry: {attempts: 3}}
      - {id: types, run: types}
      - run: cargo test --workspace
  build:
    needs: prepare
    matrix:
      profile: [quick, full]
      platform: [Linux, Mac, Plan9, Windows]
    run: make
  ship: {needs: [check, build], name: Ship it, run: make ship}
";

/// A job whose events come a second apart.
struct Story {
    view: JobView,
}

impl Story {
    fn new() -> Self {
        let reading = playbook::read(&Source::new("ci.yml", TEXT));
        let playbook = reading.playbook.unwrap_or_else(|| panic!("{:?}", reading.diagnostics));
        Self { view: JobView::new(Arc::new(playbook)) }
    }

    fn tell(&mut self, events: impl IntoIterator<Item = Event>) -> &mut Self {
        for event in events {
            let seq = self.view.seq + 1;
            self.view.fold(&Envelope { seq, time: seconds(seq), event });
        }
        self
    }

    /// The rows so many seconds after the last event.
    fn rows(&self, later: u64, size: (u16, u16), ascii: bool) -> String {
        let rows = lines(&self.view, &Forecast::new(&[]), seconds(self.view.seq + later), size, ascii);
        for row in &rows {
            assert!(width(row) <= size.0.into(), "{row}");
        }
        assert!(rows.len() + 3 <= usize::from(size.1).max(4));
        rows.iter().map(|row| format!("{row}\n")).collect()
    }
}

fn seconds(count: u64) -> Timestamp {
    Timestamp(i64::try_from(count).unwrap() * 1_000_000)
}

fn stage(stage: u32, first: u32, labels: &[&str]) -> Event {
    let cells = (first..).zip(labels).map(|(cell, label)| NewCell {
        cell,
        run: 1,
        id: format!("cell{cell}").into(),
        label: (*label).into(),
        matrix: serde_json::Value::Null.into(),
    });
    Event::StageStarted { stage, cells: cells.collect() }
}

fn cell(cell: u32) -> Event {
    Event::CellStarted { cell, run: 1 }
}

fn step(cell: u32, step: u32, attempt: u32) -> Event {
    Event::StepStarted { key: AttemptKey { cell, run: 1, step, attempt } }
}

fn step_end(cell: u32, step: u32) -> Event {
    Event::StepFinished(Box::new(StepEnd {
        key: AttemptKey { cell, run: 1, step, attempt: 1 },
        outcome: Outcome::Success,
        conclusion: Outcome::Success,
        cause: None,
        end: None,
        outputs: vec![],
        env: vec![],
        paths: vec![],
        state: vec![],
        summary: String::new(),
        log_bytes: 0,
        usage: Usage::default(),
        left_running: 0,
        rescued: false,
    }))
}

fn cell_end(cell: u32) -> Event {
    let (outcome, result) = (Outcome::Success, Outcome::Success);
    Event::CellFinished { cell, run: 1, outcome, result, cause: None, outputs: vec![] }
}

fn stage_end(stage: u32) -> Event {
    Event::StageFinished { stage, outcome: Outcome::Success, result: Outcome::Success, cause: None }
}

const LABELS: [&str; 8] = [
    "profile=quick, platform=Linux",
    "profile=quick, platform=Mac",
    "profile=quick, platform=Plan9",
    "profile=quick, platform=Windows",
    "profile=full, platform=Linux",
    "profile=full, platform=Mac",
    "profile=full, platform=Plan9",
    "profile=full, platform=Windows",
];

/// The first stage has passed, the next two run.
fn busy() -> Story {
    let mut story = Story::new();
    story.tell([Event::JobStarted { attempt: 1, title: None }, stage(0, 0, &[""]), cell(0), step(0, 0, 1)]);
    story.tell([step_end(0, 0), cell_end(0), stage_end(0), stage(1, 1, &[""]), stage(2, 2, &LABELS)]);
    story.tell([cell(1), step(1, 0, 1)]);
    story.tell((2..10).map(cell));
    story
}

#[test]
fn a_job_begins_runs_and_ends() {
    let mut story = Story::new();
    expect![[r"
        [░░░░░░░░░░] 0% - Stage 0/4: starting
    "]]
    .assert_eq(&story.rows(0, (80, 24), false));
    story.tell([Event::JobStarted { attempt: 1, title: None }, stage(0, 0, &[""]), cell(0), step(0, 0, 1)]);
    expect![[r"
        [░░░░░░░░░░] 0% - Stage 1/4: Get ready
        ▹ Get ready
          └─ [1] ./configure 0:15
    "]]
    .assert_eq(&story.rows(15, (80, 24), false));
    story.tell([step_end(0, 0), cell_end(0), stage_end(0)]);
    expect![[r"
        [███░░░░░░░] 25% - Stage 1/4: waiting
    "]]
    .assert_eq(&story.rows(0, (80, 24), false));
    story.tell([1, 2, 3].map(stage_end));
    let (outcome, survivors) = (Outcome::Success, vec![]);
    story.tell([Event::JobFinished { outcome, cause: None, rescued: false, outputs: vec![], survivors }]);
    expect![[r"
        [██████████] 100% - Stage 4/4: passed
    "]]
    .assert_eq(&story.rows(0, (80, 24), false));
}

#[test]
fn stages_and_cells_that_run_are_listed() {
    let mut story = busy();
    story.tell([2, 3, 4, 5].map(cell_end));
    expect![[r"
        [████░░░░░░] 37% - Stage 2/4: check +1
        ▹ check
          └─ [lint] Ask the spelling service 0:12
        ▹ build (8 cells) 4/8 done
          ├─ [profile=full, platform=Linux] 0:07
          ├─ [profile=full, platform=Mac] 0:06
          ├─ [profile=full, platform=Plan9] 0:05
          └─ [profile=full, platform=Windows] 0:04
    "]]
    .assert_eq(&story.rows(0, (80, 24), false));
    expect![[r"
        [####......] 37% - Stage 2/4: check +1
        > check
          `- [lint] Ask the spelling service 1:02:15
        > build (8 cells) 4/8 done
          |- [profile=full, platform=Linux] 1:02:10
          |- [profile=full, platform=Mac] 1:02:09
          |- [profile=full, platform=Plan9] 1:02:08
          `- [profile=full, platform=Windows] 1:02:07
    "]]
    .assert_eq(&story.rows(3723, (80, 24), true));
}

#[test]
fn only_so_many_cells_are_listed() {
    let story = busy();
    expect![[r"
        [███░░░░░░░] 25% - Stage 2/4: check +1
        ▹ check
          └─ [lint] Ask the spelling service 0:08
        ▹ build (8 cells)
          ├─ [profile=quick, platform=Linux] 0:07
          ├─ [profile=quick, platform=Mac] 0:06
          ├─ [profile=quick, platform=Plan9] 0:05
          ├─ [profile=quick, platform=Windows] 0:04
          ├─ [profile=full, platform=Linux] 0:03
        ... and 3 more
    "]]
    .assert_eq(&story.rows(0, (80, 24), false));
    expect![[r"
        [███░░░░░░░] 25% - Stage 2/4: check +1
        ▹ check
          └─ [lint] Ask the spelling service 0:08
        ▹ build (8 cells)
          ├─ [profile=quick, platform=Linux] 0:07
        ... and 7 more
    "]]
    .assert_eq(&story.rows(0, (80, 9), false));
    // A stage without any of its cells would only take room.
    expect![[r"
        [███░░░░░░░] 25% - Stage 2/4: check +1
        ▹ check
          └─ [lint] Ask the spelling service 0:08
        ... and 8 more
    "]]
    .assert_eq(&story.rows(0, (80, 7), false));
}

#[test]
fn small_terminals_cut_what_stands_before_the_time() {
    let story = busy();
    expect![[r"
        [███░░░░░░░] 25% - Stage 2/4: check +1
        ▹ check
          └─ [lint] Ask the spelling servi… 0:08
        ▹ build (8 cells)
          ├─ [profile=quick, platform=Linu… 0:07
        ... and 7 more
    "]]
    .assert_eq(&story.rows(0, (40, 9), false));
    expect![[r"
        [###.......] 25% ...
        > check
          `- [lint] ... 0:08
        > build (8 cells)
          |- [profil... 0:07
        ... and 7 more
    "]]
    .assert_eq(&story.rows(0, (20, 9), true));
    expect![[r"
        [███░░░░░░░] 25% -…
    "]]
    .assert_eq(&story.rows(0, (19, 24), false));
    expect![[r"
        [███░░░░░░░] 25% - Stage 2/4: check +1
    "]]
    .assert_eq(&story.rows(0, (80, 5), false));
}

#[test]
fn further_tries_pauses_and_stops_are_told() {
    let mut story = busy();
    story.tell((2..10).map(cell_end)).tell([stage_end(2)]);
    let key = AttemptKey { cell: 1, run: 1, step: 0, attempt: 1 };
    let until = seconds(story.view.seq + 11);
    let cause = Some(Cause::Exit { code: 3 });
    story.tell([Event::StepRetrying {
        key,
        until,
        cause,
        end: None,
        left_running: 0,
        rerun: false,
        log_bytes: 0,
    }]);
    expect![[r"
        [█████░░░░░] 50% - Stage 3/4: check
        ↻ check
          └─ [lint] Ask the spelling service exit code 3, try 2 of 3 in 0:10
    "]]
    .assert_eq(&story.rows(0, (80, 24), false));
    let (by, order) = ("ada".to_owned(), String::new());
    story.tell([Event::JobPaused { by: by.clone(), order: order.clone(), freeze: false }]);
    expect![[r#"
        [█████░░░░░] 50% - Stage 3/4: check (paused)
        ↻ check
          └─ [lint] Ask the spelling service exit code 3, try 2 of 3, paused
    "#]]
    .assert_eq(&story.rows(0, (80, 24), false));
    story.tell([step(1, 0, 2)]);
    expect![[r#"
        [█████░░░░░] 50% - Stage 3/4: check (paused)
        ▹ check
          └─ [lint] Ask the spelling service try 2 of 3 0:20
    "#]]
    .assert_eq(&story.rows(0, (80, 24), false));
    story.tell([Event::JobPaused { by: by.clone(), order: order.clone(), freeze: true }]);
    expect![[r#"
        [█████░░░░░] 50% - Stage 3/4: check (frozen)
        = check
          └─ [lint] Ask the spelling service try 2 of 3 0:21 frozen
    "#]]
    .assert_eq(&story.rows(0, (80, 24), false));
    story.tell([Event::JobResumed { by: by.clone(), order: order.clone() }]);
    story.tell([step_end(1, 0), step(1, 1, 1)]);
    story.tell([Event::CancelAsked {
        by: by.clone(),
        order,
        target: Target::Job,
        force: false,
        cause: None,
    }]);
    story.tell([Event::CellStopping { cell: 1, run: 1, rung: Rung::Polite, cause: Cause::Order { by } }]);
    expect![[r"
        [██████░░░░] 58% - Stage 3/4: check (cancelling)
        ▿ check
          └─ [types] 0:07 stopping
    "]]
    .assert_eq(&story.rows(5, (80, 24), false));
}

#[test]
fn the_bar_goes_by_how_long_stages_took_before() {
    let story = busy();
    let times = [1, 7, 1, 1].map(|count| Some(Duration::from_secs(count)));
    let rows = lines(&story.view, &Forecast::new(&times), seconds(story.view.seq), (80, 24), true);
    assert!(rows[0].starts_with("[########..] 84% - Stage 2/4"), "{}", rows[0]);
}

#[test]
fn clocks_show_hours_only_if_there_are_any() {
    let shown = [0, 15, 160, 3599, 3723].map(|count| clock(Duration::from_secs(count)));
    assert_eq!(shown, ["0:00", "0:15", "2:40", "59:59", "1:02:03"]);
}

#[test]
fn nothing_changes_before_the_next_second_of_a_clock() {
    let mut story = Story::new();
    assert_eq!(next_second(&story.view, seconds(9)), None, "no clock is shown");
    story.tell([stage(0, 0, &[""]), cell(0), step(0, 0, 1)]);
    let began = seconds(story.view.seq);
    let rows = |at| lines(&story.view, &Forecast::new(&[]), at, (80, 24), false);
    for by in 0..40 {
        let now = began.after(Duration::from_millis(by * 137));
        let next = next_second(&story.view, now).expect("the step has a clock");
        assert!(next <= Duration::from_secs(1) && next > Duration::ZERO);
        assert_eq!(rows(now), rows(now.after(next.saturating_sub(Duration::from_micros(1)))), "{by}");
        assert_ne!(rows(now), rows(now.after(next)), "{by}");
    }
    let key = AttemptKey { cell: 0, run: 1, step: 0, attempt: 1 };
    let until = began.after(Duration::from_millis(10_300));
    story.tell([Event::StepRetrying {
        key,
        until,
        cause: None,
        end: None,
        left_running: 0,
        rerun: false,
        log_bytes: 0,
    }]);
    let now = began.after(Duration::from_millis(8_000));
    assert_eq!(next_second(&story.view, now), Some(Duration::from_micros(300_001)), "it counts down");
}

#[test]
fn rows_are_cut_by_columns_and_not_by_characters() {
    assert_eq!(cut("日本語", 6, false), "日本語");
    assert_eq!(cut("日本語", 5, false), "日本…");
    assert_eq!(cut("日本語", 4, false), "日…");
    assert_eq!(cut("abcdef", 5, true), "ab...");
    assert_eq!(cut("abcdef", 2, true), "..");
    assert_eq!(cut("abcdef", 0, false), "");
}
