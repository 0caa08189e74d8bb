//! Stories: a playbook, what happens, and what must be recorded.

use super::testing::{Job, exits};
use expect_test::expect;

#[test]
fn one_stage_runs_to_its_end() {
    let mut job = Job::of("build: { run: make }");
    job.begin();
    job.report(&exits("build", 0));
    job.closes();
    expect![[r"
        job.started
        stage.started build
        cell.started build
        step.started build/1
        step.completed build/1
        cell.completed build
        stage.completed build
        job.completed"]]
    .assert_eq(&job.log());
}

#[test]
fn a_failure_skips_what_needs_it_and_says_why() {
    let mut job = Job::of("a: { run: x }\n  b: { needs: a, run: x }\n  c: { needs: b, run: x }");
    job.begin();
    job.report(&exits("a", 3));
    job.closes();
    expect![[r"
        job.started
        stage.started a
        cell.started a
        step.started a/1
        step.failed a/1
        cell.failed a
        stage.failed a
        stage.skipped b
        stage.skipped c
        job.failed"]]
    .assert_eq(&job.log());
}

#[test]
fn exit_after_cancel_counts_as_cancelled() {
    let mut job = Job::of("build: { run: make }");
    job.begin();
    job.cancel();
    job.report(&exits("build", 0));
    job.closes();
    expect![[r"
        job.started
        stage.started build
        cell.started build
        step.started build/1
        order.cancel
        cell.stopping build
        step.stopping build/1
        step.cancelled build/1
        cell.cancelled build
        stage.cancelled build
        job.cancelled"]]
    .assert_eq(&job.log());
}

#[test]
fn a_process_that_ignores_the_polite_signal_is_killed_after_its_grace() {
    let mut job = Job::of("build: { run: make, cancel: { grace: 10s } }");
    job.begin();
    job.cancel();
    job.after_ms(9_999);
    assert!(!job.log().contains("kill"), "{}", job.log());
    job.after_ms(1);
    assert!(job.rungs().ends_with("kill build/1"), "{}", job.rungs());
}

#[test]
fn always_runs_on_cancel_and_a_second_cancel_ends_it() {
    let text =
        "s:\n    steps:\n      - block: [{ run: work }]\n        always: [{ run: tidy }]\n      - run: more";
    let mut job = Job::of(text);
    job.begin();
    job.cancel();
    job.report(&exits("s", 143));
    assert!(job.log().ends_with("step.started s/3"), "{}", job.log());
    job.cancel();
    assert!(job.rungs().ends_with("kill s/3"), "{}", job.rungs());
}

#[test]
fn a_rescue_makes_the_job_pass() {
    let text =
        "s:\n    steps:\n      - block: [{ run: work }]\n        rescue: [{ run: mend }]\n      - run: more";
    let mut job = Job::of(text);
    job.begin();
    for code in [1, 0, 0] {
        job.report(&exits("s", code));
    }
    job.closes();
    assert!(job.log().ends_with("job.completed"), "{}", job.log());
    assert!(job.is_rescued());
}

#[test]
fn a_retry_waits_without_a_slot() {
    let text = "a: { steps: [{ run: x, retry: { attempts: 2, on: [failure], backoff: { first: 5s } } }] }\n  b: { run: y }";
    let mut job = Job::of_with_slots(text, 1);
    job.begin();
    job.report(&exits("a", 1));
    assert!(job.log().ends_with("step.started b/1"), "{}", job.log());
    job.report(&exits("b", 0));
    job.after_ms(10_000);
    assert!(job.log().ends_with("step.started a/1"), "{}", job.log());
}

#[test]
fn fail_fast_cancels_the_siblings_and_the_stage_still_failed() {
    let mut job = Job::of("t: { matrix: { n: [1, 2] }, run: x }");
    job.begin();
    job.report(&exits("t[n=1]", 1));
    job.report(&exits("t[n=2]", 143));
    job.closes();
    assert!(job.log().contains("cell.cancelled t[n=2]\nstage.failed t\njob.failed"), "{}", job.log());
}

#[test]
fn a_paused_job_starts_nothing_and_goes_on_when_resumed() {
    let mut job = Job::of("a: { run: x }\n  b: { needs: a, run: y }");
    job.begin();
    job.pause();
    job.report(&exits("a", 0));
    assert!(job.log().ends_with("stage.completed a"), "{}", job.log());
    job.resume();
    assert!(job.log().ends_with("step.started b/1"), "{}", job.log());
}

#[test]
fn what_needs_a_skipped_stage_goes_on_when_a_person_skipped_it() {
    let mut job = Job::of("a: { run: x }\n  b: { needs: a, run: y }\n  c: { needs: b, run: z }");
    job.begin();
    job.skip("b");
    job.report(&exits("a", 0));
    assert!(job.log().contains("stage.skipped b"), "{}", job.log());
    assert!(job.log().ends_with("step.started c/1"), "{}", job.log());
}

#[test]
fn a_finished_job_runs_again_from_what_failed() {
    let mut job = Job::of("a: { run: x }\n  b: { needs: a, run: y }\n  c: { needs: b, run: z }");
    job.begin();
    job.report(&exits("a", 0));
    job.report(&exits("b", 1));
    job.closes();
    job.retry_failed();
    job.report(&exits("b", 0));
    job.report(&exits("c", 0));
    job.closes();
    let again = job.log().split_once("job.failed\n").map(|(_, rest)| rest.to_owned()).unwrap_or_default();
    expect![[r"
        job.retrying
        cell.started b
        step.started b/1
        step.completed b/1
        cell.completed b
        stage.completed b
        stage.started c
        cell.started c
        step.started c/1
        step.completed c/1
        cell.completed c
        stage.completed c
        job.completed"]]
    .assert_eq(&again);
}

#[test]
fn finally_runs_after_a_cancel_and_after_failures() {
    let playbook = "version: 3\nname: t\nstages:\n  a: { run: x }\nfinally:\n  z: { run: tidy }\n";
    let mut job = Job::of_text(playbook, 2);
    job.begin();
    job.cancel();
    job.report(&exits("a", 143));
    assert!(job.log().ends_with("step.started z/1"), "{}", job.log());
    job.report(&exits("z", 0));
    job.closes();
    assert!(job.log().ends_with("job.cancelled"), "{}", job.log());
}

#[test]
fn a_repeated_order_is_answered_but_not_carried_out_twice() {
    let mut job = Job::of("build: { run: make }");
    job.begin();
    assert_eq!(job.order_with_id("same"), job.order_with_id("same"));
    assert_eq!(job.log().matches("order.cancel").count(), 1);
}
