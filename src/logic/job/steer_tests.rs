//! Stories of orders: what a person skips, takes back and does again, asked in time, too late and twice.

use super::super::event::{Cause, Event, Outcome};
use super::super::order::{Order, RetryScope, Target};
use super::super::testing::{Job, exits};
use expect_test::expect;

const CHAIN: &str = "a: { run: x }\n  b: { needs: a, run: y }\n  c: { needs: b, run: z }";
const MATRIX: &str = "t: { matrix: { n: [1, 2] }, run: x }\n  after: { needs: t, run: y }";

fn ann() -> Option<Cause> {
    Some(Cause::Order { by: "ann".to_owned() })
}

impl Job {
    fn skip_cell(&mut self, cell: &str) -> String {
        self.order(Order::Skip { target: Target::Cell(self.cell_at(cell)) })
    }

    fn not_skippable(&mut self, stage: &str) -> String {
        self.refused(Order::Skip { target: self.stage(stage) })
    }

    fn keep(&mut self, stage: &str) -> String {
        self.order(Order::WithdrawSkip { target: self.stage(stage) })
    }

    fn not_kept(&mut self, stage: &str) -> String {
        self.refused(Order::WithdrawSkip { target: self.stage(stage) })
    }

    fn retry_cell(&mut self, cell: &str) -> String {
        self.order(Order::Retry { scope: RetryScope::Cell(self.cell_at(cell)) })
    }

    fn cell_not_retried(&mut self, cell: &str) -> String {
        self.refused(Order::Retry { scope: RetryScope::Cell(self.cell_at(cell)) })
    }

    fn retry_stage(&mut self, stage: &str) -> String {
        self.order(Order::Retry { scope: RetryScope::Stage(self.stage_at(stage)) })
    }

    fn stage_not_retried(&mut self, stage: &str) -> String {
        self.refused(Order::Retry { scope: RetryScope::Stage(self.stage_at(stage)) })
    }

    /// Everything of a chain passes that has not ended.
    fn passes(&mut self, cells: &[&str]) {
        for cell in cells {
            self.report(&exits(cell, 0));
        }
        self.closes();
    }
}

#[test]
fn a_stage_that_is_skipped_while_it_runs_is_stopped_and_what_needs_it_goes_on() {
    let mut job = Job::of("a: { steps: [{ run: x }, { run: y }] }\n  b: { needs: a, run: z }");
    job.begin();
    job.skip("a");
    job.report(&exits("a", 143));
    job.passes(&["b"]);
    expect![[r"
        job.started
        stage.started a
        cell.started a
        step.started a/1
        order.skip
        cell.stopping a
        step.stopping a/1
        step.cancelled a/1
        step.skipped a/2
        cell.skipped a
        stage.skipped a
        stage.started b
        cell.started b
        step.started b/1
        step.completed b/1
        cell.completed b
        stage.completed b
        job.completed"]]
    .assert_eq(&job.log());
    assert_eq!((job.cause("a"), job.outcome()), (ann(), Some(Outcome::Success)));
}

#[test]
fn what_is_skipped_tidies_up_and_is_killed_when_asked_twice() {
    let text = "s:\n    steps:\n      - block: [{ run: work }]\n        always: [{ run: tidy }]\n      - { run: more, if: cancelled() }";
    let mut job = Job::of(text);
    job.begin();
    job.skip("s");
    assert_eq!(job.rungs(), "polite s/2");
    job.report(&exits("s", 143));
    assert!(job.log().ends_with("step.started s/3"), "{}", job.log());
    let words = job.order(Order::Skip { target: job.stage("s") });
    assert_eq!(words, "killing and skipping, without cleanup: `s`");
    assert!(job.rungs().ends_with("kill s/3"), "{}", job.rungs());
    job.report(&exits("s", 137));
    job.closes();
    assert!(job.log().ends_with("cell.skipped s\nstage.skipped s\njob.completed"), "{}", job.log());
    assert!(!job.log().contains("step.started s/4"), "{}", job.log());
}

#[test]
fn what_ignores_the_polite_signal_of_a_skip_is_killed_after_its_grace() {
    let mut job = Job::of("s: { run: x, cancel: { grace: 10s } }");
    job.begin();
    job.skip("s");
    job.after_ms(9_999);
    assert_eq!(job.rungs(), "polite s/1");
    job.after_ms(1);
    assert_eq!(job.rungs(), "polite s/1\nkill s/1");
}

#[test]
fn a_skipped_cell_neither_fails_its_stage_nor_its_siblings() {
    let mut job = Job::of(MATRIX);
    job.begin();
    job.skip_cell("t[n=1]");
    job.report(&exits("t[n=1]", 1));
    assert!(job.log().ends_with("cell.skipped t[n=1]"), "{}", job.log());
    job.passes(&["t[n=2]", "after"]);
    assert!(job.log().contains("cell.completed t[n=2]\nstage.completed t"), "{}", job.log());
    assert_eq!(job.outcome(), Some(Outcome::Success));
}

#[test]
fn a_stage_all_of_whose_cells_were_skipped_is_skipped_by_whoever_did_that() {
    let mut job = Job::of(MATRIX);
    job.begin();
    job.skip_cell("t[n=1]");
    job.skip_cell("t[n=2]");
    job.report(&exits("t[n=1]", 143));
    job.report(&exits("t[n=2]", 143));
    assert!(job.log().contains("stage.skipped t\nstage.started after"), "{}", job.log());
    assert_eq!(job.cause("t"), ann());
}

#[test]
fn a_stage_of_which_some_runs_and_some_waits_is_skipped_as_a_whole() {
    let mut job = Job::of_with_slots(MATRIX, 1);
    job.begin();
    job.skip("t");
    assert!(job.log().contains("cell.skipped t[n=2]"), "{}", job.log());
    job.report(&exits("t[n=1]", 143));
    job.passes(&["after"]);
    assert_eq!((job.cause("t"), job.outcome()), (ann(), Some(Outcome::Success)));
}

#[test]
fn what_passed_before_the_skip_reached_it_has_passed() {
    let mut job = Job::of_with_slots("a: { run: x }\n  b: { run: y }", 1).ahead(1);
    job.begin();
    job.skip("a");
    job.passes_on_to("a", "b");
    assert!(job.log().contains("step.completed a/1\ncell.completed a\nstage.completed a"), "{}", job.log());
    job.passes(&["b"]);
    assert_eq!(job.outcome(), Some(Outcome::Success));
}

#[test]
fn a_skip_during_the_sweep_stops_nothing_and_forgives_a_failure() {
    for (code, end) in [(0, "cell.completed a\nstage.completed a"), (1, "cell.skipped a\nstage.skipped a")] {
        let mut job = Job::of("a: { run: x, retry: { attempts: 3, on: [failure] } }");
        job.begin();
        job.leaves_something(&exits("a", code));
        job.skip("a");
        job.is_swept("a");
        assert!(job.log().ends_with(end), "{}", job.log());
        assert!(!job.log().contains("stopping"), "{}", job.log());
    }
}

#[test]
fn a_skipped_cell_is_not_tried_again() {
    let retry = "retry: { attempts: 3, on: [failure], backoff: { first: 1s } }";
    let mut job = Job::of(&format!("a: {{ {retry}, steps: [{{ run: x, {retry} }}] }}"));
    job.begin();
    job.skip("a");
    job.report(&exits("a", 1));
    assert!(job.log().ends_with("step.cancelled a/1\ncell.skipped a\nstage.skipped a"), "{}", job.log());
}

#[test]
fn a_try_that_waits_to_be_repeated_can_be_skipped() {
    let retry = "retry: { attempts: 3, on: [failure], backoff: { first: 1h } }";
    let mut job = Job::of(&format!("a: {{ steps: [{{ run: x, {retry} }}] }}"));
    job.begin();
    job.report(&exits("a", 1));
    job.skip("a");
    assert!(job.log().ends_with("cell.skipped a\nstage.skipped a"), "{}", job.log());
}

#[test]
fn a_cancel_of_the_job_leaves_what_is_being_skipped_as_skipped() {
    let mut job = Job::of("a: { run: x }\n  b: { run: y }");
    job.begin();
    job.skip("a");
    job.cancel();
    job.report(&exits("a", 143));
    job.report(&exits("b", 143));
    job.closes();
    assert!(job.log().contains("stage.skipped a"), "{}", job.log());
    assert!(job.log().ends_with("stage.cancelled b\njob.cancelled"), "{}", job.log());
}

#[test]
fn what_stops_already_or_has_ended_is_not_skipped() {
    let mut job = Job::of("a: { run: x }\n  b: { run: y }");
    job.begin();
    job.report(&exits("b", 0));
    assert_eq!(job.not_skippable("b"), "cannot skip `b`: it has already passed");
    job.cancel();
    assert_eq!(job.not_skippable("a"), "cannot skip `a`: it is stopping already, for another reason");
    let whole = job.refused(Order::Skip { target: Target::Job });
    assert_eq!(whole, "a job cannot be skipped; name a stage, or cancel the job");
}

#[test]
fn a_skip_is_taken_back_as_long_as_its_stage_waits() {
    let mut job = Job::of(CHAIN);
    job.begin();
    assert_eq!(job.not_kept("b"), "cannot undo: nobody has asked to skip `b`");
    job.skip("b");
    assert_eq!(job.keep("b"), "not skipping `b` after all");
    assert_eq!(job.not_kept("b"), "cannot undo: nobody has asked to skip `b`");
    job.skip("c");
    job.passes(&["a", "b"]);
    assert!(job.log().ends_with("stage.completed b\nstage.skipped c\njob.completed"), "{}", job.log());
}

#[test]
fn a_skip_that_has_come_into_force_is_not_taken_back() {
    let mut job = Job::of("a: { run: x }\n  b: { needs: a, run: y }");
    job.begin();
    job.skip("a");
    let words = "cannot undo: `a` is being skipped already; retry it once it has ended";
    assert_eq!(job.not_kept("a"), words);
    job.report(&exits("a", 143));
    assert_eq!(job.not_kept("a"), "cannot undo: `a` has been skipped already; retry it");
    job.passes(&["b"]);
    assert_eq!(job.not_kept("b"), "cannot undo: `b` has passed");
    let cell = job.cell_at("a");
    let words = job.refused(Order::WithdrawSkip { target: Target::Cell(cell) });
    assert_eq!(words, "cannot undo: `a` has been skipped already; retry it");
    let words = job.refused(Order::WithdrawSkip { target: Target::Job });
    assert_eq!(words, "cannot undo: a job is never skipped; name a stage or a cell");
}

#[test]
fn what_was_given_out_ahead_is_skipped_and_taken_back_like_the_rest() {
    let mut job = Job::of_with_slots(CHAIN, 1).ahead(2);
    job.begin();
    assert!(job.log().ends_with("stage.submitted\nstage.submitted"), "{}", job.log());
    job.skip("b");
    job.keep("b");
    job.passes_on_to("a", "b");
    job.passes_on_to("b", "c");
    job.passes(&["c"]);
    assert_eq!(job.outcome(), Some(Outcome::Success));
    assert!(!job.log().contains("stage.skipped"), "{}", job.log());
}

#[test]
fn a_cell_that_passed_runs_again_once_the_job_has_ended() {
    let mut job = Job::of(MATRIX);
    job.begin();
    job.report(&exits("t[n=1]", 0));
    let words = "cannot retry `t[n=1]` now: it has passed, and the job still runs";
    assert_eq!(job.cell_not_retried("t[n=1]"), words);
    assert_eq!(job.cell_not_retried("t[n=2]"), "cannot retry `t[n=2]`: it has not ended");
    job.passes(&["t[n=2]", "after"]);
    job.retry_cell("t[n=1]");
    job.passes(&["t[n=1]", "after"]);
    expect![[r"
        cell.started t[n=1]
        step.started t[n=1]/1
        step.completed t[n=1]/1
        cell.completed t[n=1]
        stage.completed t
        stage.started after
        cell.started after
        step.started after/1
        step.completed after/1
        cell.completed after
        stage.completed after
        job.completed"]]
    .assert_eq(&job.log_after("job.retrying"));
}

#[test]
fn a_cell_that_was_skipped_runs_again_while_nothing_builds_on_its_stage() {
    let mut job = Job::of(MATRIX);
    job.begin();
    job.skip_cell("t[n=1]");
    job.report(&exits("t[n=1]", 143));
    job.retry_cell("t[n=1]");
    assert!(job.log().ends_with("cell.started t[n=1]\nstep.started t[n=1]/1"), "{}", job.log());
    job.skip_cell("t[n=1]");
    job.report(&exits("t[n=1]", 143));
    job.report(&exits("t[n=2]", 0));
    assert_eq!(job.cell_not_retried("t[n=1]"), "cannot retry now: `after` is running");
    job.passes(&["after"]);
    job.retry_cell("t[n=1]");
    job.passes(&["t[n=1]", "after"]);
    assert_eq!(job.outcome(), Some(Outcome::Success));
}

#[test]
fn a_stage_that_was_skipped_before_it_began_runs_when_it_is_tried_again() {
    let mut job =
        Job::of("a: { run: x }\n  b: { run: y }\n  c: { needs: b, run: z }\n  d: { needs: c, run: w }");
    job.begin();
    job.skip("c");
    assert_eq!(job.stage_not_retried("c"), "cannot retry `c`: it has not ended");
    job.pause();
    job.report(&exits("b", 0));
    job.skip("d");
    job.resume();
    assert!(job.log().ends_with("stage.skipped c\nstage.skipped d"), "{}", job.log());
    assert_eq!(job.stage_not_retried("b"), "cannot retry `b` now: it has passed, and the job still runs");
    job.retry_stage("c");
    assert!(job.log().ends_with("step.started c/1"), "{}", job.log());
    job.passes(&["c", "d", "a"]);
    assert_eq!(job.outcome(), Some(Outcome::Success));
    job.retry_stage("c");
    job.passes(&["c", "d"]);
    assert!(!job.log_after("job.retrying").contains("started b"), "{}", job.log());
}

#[test]
fn a_stage_that_its_needs_held_back_is_not_tried_again_while_the_job_runs() {
    let mut job = Job::of("a: { run: x }\n  b: { needs: a, run: y }\n  c: { run: z }");
    job.begin();
    job.report(&exits("a", 1));
    let words = "cannot retry `b` now: it has been skipped, and the job still runs";
    assert_eq!(job.stage_not_retried("b"), words);
    job.passes(&["c"]);
}

#[test]
fn a_cell_of_an_earlier_beginning_of_its_stage_is_not_run_alone() {
    let mut job = Job::of("a: { run: x }\n  b: { needs: a, run: y }");
    job.begin();
    job.passes(&["a", "b"]);
    job.order(Order::Retry { scope: RetryScope::From(0) });
    let words = "cannot retry `b` alone: `b` has not begun again since it ran";
    assert_eq!(job.cell_not_retried("b"), words);
    job.report(&exits("a", 1));
    job.closes();
    assert_eq!(job.cell_not_retried("b"), words);
}

#[test]
fn a_skip_of_an_older_journal_is_read_as_it_was_meant() {
    let text = r#"{"event":"SkipAsked","by":"ann","order":"o","target":{"stage":1}}"#;
    let event: Event = serde_json::from_str(text).unwrap();
    assert!(matches!(event, Event::SkipAsked { force: false, target: Target::Stage(1), .. }), "{event:?}");
    assert_eq!(serde_json::to_string(&event).unwrap(), text);
}

#[test]
fn what_failed_behind_something_that_failed_too_runs_again_after_it() {
    let stages = "a: { run: x }\n  b: { needs: a, if: always(), run: y }";
    let text = format!("version: 3\nname: t\nstages:\n  {stages}\nfinally:\n  z: {{ run: tidy }}\n");
    let mut job = Job::of_text(&text, 4);
    job.begin();
    for cell in ["a", "b", "z"] {
        job.report(&exits(cell, 1));
    }
    job.closes();
    job.retry_failed();
    assert_eq!(job.log_after("job.retrying"), "cell.started a\nstep.started a/1");
    job.passes(&["a", "b", "z"]);
    assert_eq!(job.outcome(), Some(Outcome::Success));
}

#[test]
fn cleanup_that_waits_for_its_next_try_ends_with_a_forced_cancel() {
    let tidy = "{ run: tidy, retry: { attempts: 3, on: [failure], backoff: { first: 1h } } }";
    let mut job =
        Job::of(&format!("s:\n    steps:\n      - block: [{{ run: work }}]\n        always: [{tidy}]"));
    job.begin();
    job.report(&exits("s", 0));
    job.report(&exits("s", 1));
    assert!(job.log().ends_with("step.retrying s/3"), "{}", job.log());
    job.cancel();
    assert!(job.log().ends_with("cell.stopping s"), "{}", job.log());
    job.order(Order::Cancel { target: Target::Job, force: true });
    assert!(job.log().ends_with("cell.cancelled s\nstage.cancelled s"), "{}", job.log());
}
