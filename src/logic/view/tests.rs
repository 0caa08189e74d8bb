//! The fold over hand-written journals: counts, retries, rescue, stale events.

use std::sync::Arc;

use super::{JobView, Phase};
use crate::logic::job::event::{Cause, Envelope, Event, NewCell, Outcome, StepEnd};
use crate::logic::job::order::{RetryScope, Target};
use crate::logic::job::report::AttemptKey;
use crate::logic::playbook;
use crate::logic::playbook::source::Source;
use crate::logic::time::Timestamp;

const TEXT: &str = "\
version: 3
name: ci
stages:
  build:
    matrix: {os: [linux, mac]}
    steps:
      - id: compile
        run: make
      - block:
          - run: risky
        rescue:
          - run: mend
  test: {needs: build, run: check}
";

/// A view, and the number of the next event.
struct Fold {
    view: JobView,
    seq: u64,
}

impl Fold {
    fn new() -> Self {
        let reading = playbook::read(&Source::new("ci.yml", TEXT));
        let playbook = reading.playbook.unwrap_or_else(|| panic!("{:?}", reading.diagnostics));
        Self { view: JobView::new(Arc::new(playbook)), seq: 0 }
    }

    /// Folds events that come a second apart.
    fn events(&mut self, events: impl IntoIterator<Item = Event>) -> &mut Self {
        for event in events {
            self.seq += 1;
            let time = Timestamp(i64::try_from(self.seq).unwrap() * 1_000_000);
            self.view.fold(&Envelope { seq: self.seq, time, event });
        }
        self
    }
}

fn started() -> Fold {
    let mut fold = Fold::new();
    let cell = |cell: u32, os: &str| NewCell {
        cell,
        run: 1,
        id: format!("build.0000000{cell}").into(),
        label: format!("os={os}").into(),
        matrix: serde_json::json!({ "os": os }).into(),
    };
    fold.events([
        Event::JobStarted { attempt: 1, title: None },
        Event::StageStarted { stage: 0, cells: vec![cell(0, "linux"), cell(1, "mac")] },
        Event::CellStarted { cell: 0, run: 1 },
        Event::CellStarted { cell: 1, run: 1 },
    ]);
    fold
}

fn key(cell: u32, step: u32, attempt: u32) -> AttemptKey {
    AttemptKey { cell, run: 1, step, attempt }
}

fn ended(key: AttemptKey, outcome: Outcome) -> Event {
    let cause = (outcome == Outcome::Failure).then_some(Cause::Exit { code: 1 });
    Event::StepFinished(Box::new(StepEnd {
        key,
        outcome,
        conclusion: outcome,
        cause,
        end: None,
        outputs: vec![],
        env: vec![],
        paths: vec![],
        state: vec![],
        summary: String::new(),
        log_bytes: 7,
        usage: crate::logic::job::report::Usage::default(),
        left_running: 0,
        rescued: false,
    }))
}

fn cell_end(cell: u32, outcome: Outcome) -> Event {
    Event::CellFinished { cell, run: 1, outcome, result: outcome, cause: None, outputs: vec![] }
}

#[test]
fn counts_follow_stages_and_cells() {
    let mut fold = started();
    assert_eq!((fold.view.stage_counts.waiting, fold.view.stage_counts.live), (1, 1));
    assert_eq!((fold.view.cell_counts.live, fold.view.live.len()), (2, 2));
    fold.events([cell_end(0, Outcome::Success), cell_end(1, Outcome::Failure)]);
    let build = &fold.view.stages[0];
    assert_eq!((build.counts.passed, build.counts.failed, build.counts.total()), (1, 1, 2));
    assert!(fold.view.live.is_empty());
    let (outcome, result) = (Outcome::Failure, Outcome::Failure);
    fold.events([
        Event::StageFinished { stage: 0, outcome, result, cause: None },
        Event::StageFinished { stage: 1, outcome: Outcome::Skipped, result: Outcome::Skipped, cause: None },
        Event::JobFinished { outcome, cause: None, rescued: false, outputs: vec![], survivors: vec![] },
    ]);
    assert_eq!((fold.view.stage_counts.failed, fold.view.stage_counts.skipped), (1, 1));
    assert_eq!(fold.view.stage_counts.done(), 2);
    assert_eq!(fold.view.phase, Phase::Done(Outcome::Failure));
    assert_eq!(fold.view.elapsed(Timestamp::default()).as_secs(), 8);
}

#[test]
fn a_step_that_is_tried_again_shows_its_last_try_and_keeps_all_keys() {
    let mut fold = started();
    fold.events([
        Event::StepStarted { key: key(0, 0, 1) },
        Event::StepRetrying {
            key: key(0, 0, 1),
            until: Timestamp(9_000_000),
            cause: Some(Cause::Exit { code: 1 }),
            end: None,
            left_running: 0,
            rerun: false,
            log_bytes: 0,
        },
    ]);
    assert_eq!(fold.view.cells[0].steps[0].phase, Phase::Retrying(Timestamp(9_000_000)));
    fold.events([Event::StepStarted { key: key(0, 0, 2) }, ended(key(0, 0, 2), Outcome::Success)]);
    let step = &fold.view.cells[0].steps[0];
    assert_eq!((step.attempt, step.phase, step.log_bytes), (2, Phase::Done(Outcome::Success), 7));
    assert_eq!(step.cause, None);
    assert_eq!(fold.view.attempts, [key(0, 0, 1), key(0, 0, 2)]);
    assert_eq!(fold.view.failed_steps().count(), 0);
}

#[test]
fn what_a_rescue_made_good_is_no_failure() {
    let mut fold = started();
    let members = [Event::StepStarted { key: key(0, 2, 1) }, ended(key(0, 2, 1), Outcome::Failure)];
    fold.events(members);
    assert_eq!(fold.view.failed_steps().collect::<Vec<_>>(), [key(0, 2, 1)]);
    let Event::StepFinished(mut end) = ended(key(0, 1, 1), Outcome::Success) else { unreachable!() };
    end.rescued = true;
    fold.events([Event::StepFinished(end)]);
    assert!(fold.view.is_block(0, 1));
    assert_eq!(fold.view.failed_steps().count(), 0);
}

#[test]
fn a_cell_that_is_run_again_forgets_its_failures() {
    let mut fold = started();
    fold.events([
        Event::StepStarted { key: key(0, 0, 1) },
        ended(key(0, 0, 1), Outcome::Failure),
        Event::CellRetrying { cell: 0, run: 1, until: Timestamp(0), cause: None },
        Event::CellStarted { cell: 0, run: 2 },
    ]);
    assert_eq!(fold.view.failed_steps().count(), 0);
    assert_eq!((fold.view.cells[0].run, fold.view.cells[0].phase), (2, Phase::Running));
    // A late event of the first run changes nothing.
    fold.events([cell_end(0, Outcome::Failure)]);
    assert_eq!(fold.view.cells[0].phase, Phase::Running);
}

#[test]
fn a_retry_of_the_job_puts_parts_back_to_waiting() {
    let mut fold = started();
    let (outcome, result) = (Outcome::Failure, Outcome::Failure);
    fold.events([
        cell_end(0, Outcome::Success),
        cell_end(1, Outcome::Failure),
        Event::StageFinished { stage: 0, outcome, result, cause: None },
        Event::StageFinished { stage: 1, outcome: Outcome::Skipped, result: Outcome::Skipped, cause: None },
        Event::CancelAsked {
            by: "ann".to_owned(),
            order: String::new(),
            target: Target::Job,
            force: false,
            cause: None,
        },
        Event::JobFinished { outcome, cause: None, rescued: false, outputs: vec![], survivors: vec![] },
        Event::JobRetrying {
            by: "ann".to_owned(),
            order: "1".to_owned(),
            scope: RetryScope::Failed,
            attempt: 2,
            stages: vec![1],
            cells: vec![1],
        },
    ]);
    let view = &fold.view;
    assert_eq!((view.phase, view.attempt, &view.cancelling), (Phase::Running, 2, &None));
    assert_eq!((view.stage_counts.waiting, view.stage_counts.live, view.stage_counts.done()), (1, 1, 0));
    assert_eq!((view.stages[0].phase, view.stages[0].finished), (Phase::Running, None));
    assert_eq!((view.cell_counts.waiting, view.cell_counts.passed), (1, 1));
    assert_eq!(view.cells[0].phase, Phase::Done(Outcome::Success));
}

#[test]
fn an_event_that_was_folded_before_is_ignored() {
    let mut fold = started();
    let before = fold.view.cell_counts;
    fold.view.fold(&Envelope { seq: 3, time: Timestamp(0), event: cell_end(0, Outcome::Failure) });
    assert_eq!(fold.view.cell_counts, before);
}

#[test]
fn events_about_unknown_parts_change_nothing() {
    let mut fold = started();
    fold.events([
        Event::StageFinished { stage: 99, outcome: Outcome::Success, result: Outcome::Success, cause: None },
        cell_end(99, Outcome::Success),
        Event::StepStarted { key: key(99, 0, 1) },
        Event::StepStarted { key: key(0, 99, 1) },
        Event::StageStarted { stage: 99, cells: vec![] },
    ]);
    assert_eq!(fold.view.cell_counts.live, 2);
    assert!(fold.view.attempts.is_empty());
}

#[test]
fn names_are_addresses() {
    let fold = started();
    assert_eq!(fold.view.cell_name(1), "build[os=mac]");
    assert_eq!(fold.view.step_name(1, 0), "compile");
    assert_eq!(fold.view.step_name(1, 1), "2");
    assert_eq!(fold.view.stage_name(1), "test");
}

#[test]
fn a_skip_is_seen_until_it_is_taken_back_or_has_come_to_its_end() {
    let asked = |target: Target| Event::SkipAsked {
        by: "ann".to_owned(),
        order: String::new(),
        target,
        force: false,
    };
    let mut fold = started();
    fold.events([asked(Target::Stage(1)), asked(Target::Cell(0))]);
    assert_eq!(fold.view.stages[1].skipping.as_deref(), Some("ann"));
    let cells: Vec<_> = fold.view.cells.iter().map(|it| it.skipping.as_deref()).collect();
    assert_eq!(cells, [Some("ann"), None]);
    let (by, order) = ("ann".to_owned(), String::new());
    fold.events([
        Event::SkipWithdrawn { by, order, target: Target::Stage(1) },
        cell_end(0, Outcome::Skipped),
        asked(Target::Stage(99)),
        asked(Target::Cell(99)),
    ]);
    assert_eq!((&fold.view.stages[1].skipping, &fold.view.cells[0].skipping), (&None, &None));
}

#[test]
fn dependents_come_before_what_they_need_however_they_are_written() {
    let text = "version: 3\nname: ci\nstages:\n  d: { needs: [b, c], run: x }\n  a: { run: x }\n  \
        c: { needs: b, run: x }\n  b: { needs: a, run: x }\n  e: { run: x }\n";
    let playbook = playbook::read(&Source::new("ci.yml", text)).playbook.unwrap();
    let view = JobView::new(Arc::new(playbook));
    let names = |stages: Vec<u32>| {
        let names: Vec<&str> = stages.into_iter().map(|stage| view.stage_name(stage)).collect();
        names.join(" ")
    };
    let stage = |name: &str| (0..5).find(|&stage| view.stage_name(stage) == name).unwrap();
    assert_eq!(names(view.dependents_first(stage("a"))), "d c b a");
    assert_eq!(names(view.dependents_first(stage("c"))), "d c");
    assert_eq!(names(view.dependents_first(stage("e"))), "e");
}

fn job_end(outcome: Outcome) -> Event {
    Event::JobFinished { outcome, cause: None, rescued: false, outputs: vec![], survivors: vec![] }
}

fn retried(attempt: u32, stages: Vec<u32>, cells: Vec<u32>) -> Event {
    let (by, order) = ("ann".to_owned(), attempt.to_string());
    Event::JobRetrying { by, order, scope: RetryScope::Failed, attempt, stages, cells }
}

#[test]
fn a_job_that_is_run_on_counts_all_the_time_that_it_ran_and_none_between() {
    let mut fold = started();
    let (outcome, result) = (Outcome::Failure, Outcome::Failure);
    let ends = [
        cell_end(0, Outcome::Success),
        cell_end(1, Outcome::Failure),
        Event::StageFinished { stage: 0, outcome, result, cause: None },
        job_end(outcome),
    ];
    fold.events(ends);
    // From the first second to the eighth; the stage from its first cell in the third to the seventh.
    assert_eq!(fold.view.elapsed(Timestamp::default()).as_secs(), 7);
    assert_eq!(fold.view.since_retry(Timestamp::default()), None);
    fold.seq += 3600;
    fold.events([retried(2, vec![1], vec![1])]);
    let now = Timestamp(fold.view.worked.started.unwrap().0 + 5_000_000);
    assert_eq!(fold.view.elapsed(now).as_secs(), 12);
    assert_eq!(fold.view.since_retry(now).map(|it| it.as_secs()), Some(5));
    assert_eq!(fold.view.begun, Some(Timestamp(1_000_000)));
    // What waits for its next run has no time.
    assert_eq!((fold.view.cells[1].started, fold.view.stages[1].elapsed(now)), (None, None));
    fold.events([
        Event::CellStarted { cell: 1, run: 2 },
        Event::CellFinished {
            cell: 1,
            run: 2,
            outcome: Outcome::Success,
            result: Outcome::Success,
            cause: None,
            outputs: vec![],
        },
        Event::StageFinished { stage: 0, outcome: Outcome::Success, result: Outcome::Success, cause: None },
        job_end(Outcome::Success),
    ]);
    let stage = &fold.view.stages[0];
    assert_eq!(stage.elapsed(Timestamp::default()).map(|it| it.as_secs()), Some(4 + 3));
    assert_eq!(fold.view.elapsed(Timestamp::default()).as_secs(), 7 + 4);
    fold.events([retried(3, vec![0, 1], vec![])]);
    assert_eq!(fold.view.elapsed(Timestamp(0)).as_secs(), 11);
}

#[test]
fn what_is_run_on_while_the_job_runs_leaves_its_clock_alone() {
    let mut fold = started();
    let (outcome, result) = (Outcome::Failure, Outcome::Failure);
    fold.events([
        cell_end(0, Outcome::Success),
        cell_end(1, Outcome::Failure),
        Event::StageFinished { stage: 0, outcome, result, cause: None },
        retried(1, vec![1], vec![1]),
    ]);
    let now = Timestamp(20_000_000);
    assert_eq!((fold.view.elapsed(now).as_secs(), fold.view.since_retry(now)), (19, None));
    assert_eq!(fold.view.at, Timestamp(8_000_000));
}

#[test]
fn what_waits_for_a_further_try_is_not_counted_as_running() {
    let mut fold = started();
    let key = |cell: u32, attempt| AttemptKey { cell, run: 1, step: 0, attempt };
    let again = |cell| Event::StepRetrying {
        key: key(cell, 1),
        until: Timestamp(9_000_000),
        cause: Some(Cause::Exit { code: 1 }),
        end: None,
        left_running: 0,
        rerun: false,
        log_bytes: 0,
    };
    let at_work = |fold: &Fold| (fold.view.cell_counts.live, fold.view.cell_counts.retrying);
    fold.events([Event::StepStarted { key: key(0, 1) }, again(0)]);
    assert_eq!((at_work(&fold), fold.view.stages[0].phase), ((1, 1), Phase::Running));
    fold.events([Event::StepStarted { key: key(1, 1) }, again(1)]);
    assert_eq!(at_work(&fold), (0, 2));
    assert_eq!(fold.view.stages[0].phase, Phase::Retrying(Timestamp(9_000_000)));
    assert_eq!((fold.view.stage_counts.live, fold.view.stage_counts.retrying), (0, 1));
    assert_eq!((fold.view.cell_counts.total(), fold.view.live.len()), (2, 2));
    fold.events([Event::StepStarted { key: key(0, 2) }]);
    assert_eq!((at_work(&fold), fold.view.stages[0].phase), ((1, 1), Phase::Running));
    // One that is left out while it waits has no further try.
    let cause = Cause::Earlier;
    fold.events([ended(key(1, 1), Outcome::Failure), Event::StepSkipped { cell: 1, run: 1, step: 1, cause }]);
    assert_eq!(at_work(&fold), (2, 0));
}

#[test]
fn tries_that_were_not_the_last_keep_how_they_ended() {
    let mut fold = started();
    let tried = |attempt, code| Event::StepRetrying {
        key: key(0, 0, attempt),
        until: Timestamp(0),
        cause: Some(Cause::Exit { code }),
        end: None,
        left_running: 0,
        rerun: false,
        log_bytes: 0,
    };
    let begin = |attempt| Event::StepStarted { key: key(0, 0, attempt) };
    fold.events([begin(1), tried(1, 3), begin(2), tried(2, 4), begin(3)]);
    let told = |fold: &Fold| {
        let earlier = fold.view.earlier_tries(0, 0);
        earlier
            .map(|(attempt, it)| (attempt, it.cause.clone(), it.took.unwrap().as_secs()))
            .collect::<Vec<_>>()
    };
    let exit = |code| Some(Cause::Exit { code });
    assert_eq!(told(&fold), [(1, exit(3), 1), (2, exit(4), 1)]);
    // A new run has tries of its own, and the old one keeps its last.
    fold.events([ended(key(0, 0, 3), Outcome::Failure), cell_end(0, Outcome::Failure)]);
    fold.events([retried(1, vec![], vec![0]), Event::CellStarted { cell: 0, run: 2 }]);
    assert_eq!(told(&fold), []);
    let last = &fold.view.tried[&key(0, 0, 3)];
    assert_eq!((last.outcome, &last.cause), (Outcome::Failure, &exit(1)));
}
