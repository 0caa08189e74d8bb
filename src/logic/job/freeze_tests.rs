//! Stories of frozen jobs: clocks stand still, nothing follows, a cancel thaws.

use super::super::event::{Event, Outcome};
use super::super::order::{Order, Target};
use super::super::testing::{Job, exits};
use super::super::wanted::wanted;

const HOUR: i64 = 3_600_000;

fn begun(stages: &str) -> Job {
    let mut job = Job::of(stages);
    job.begin();
    job
}

#[test]
fn a_time_limit_does_not_run_while_the_job_is_frozen() {
    let mut job = begun("a: { steps: [{ run: x, timeout: 10s }] }");
    job.after_ms(4_000);
    job.order(Order::Freeze);
    assert!(wanted(job.state()).frozen);
    assert_eq!(wanted(job.state()).wake_at, None, "the clock stands");
    job.after_ms(HOUR);
    assert_eq!(job.log_after("job.paused"), "");
    job.resume();
    assert!(!wanted(job.state()).frozen);
    job.after_ms(5_999);
    assert_eq!(job.log_after("job.resumed"), "");
    job.after_ms(1);
    assert_eq!(job.log_after("job.resumed"), "step.stopping a/1");
}

#[test]
fn waits_for_tries_and_gates_and_the_time_of_the_job_move_with_the_freeze() {
    let text = "version: 3\nname: t\npolicy: { timeout: 1h }\nstages:\n  a: { steps: [{ run: x, retry: { attempts: 2, backoff: { first: 30s } } }] }\n  b: { approve: { timeout: 20s, on-timeout: skip }, run: x }\n";
    let mut job = Job::of_text(text, 8);
    job.begin();
    job.report(&exits("a", 1));
    job.after_ms(10_000);
    job.order(Order::Freeze);
    job.after_ms(5 * HOUR);
    job.resume();
    job.after_ms(9_999);
    assert_eq!(job.log_after("job.resumed"), "");
    job.after_ms(1);
    assert_eq!(job.log_after("job.resumed"), "gate.expired b\nstage.skipped b");
    job.after_ms(10_000);
    assert_eq!(job.log_after("stage.skipped"), "step.started a/1");
    job.after_ms(HOUR - 30_000);
    assert!(job.log_after("step.started").starts_with("order.cancel"), "{}", job.log());
}

#[test]
fn what_ends_while_it_is_frozen_is_recorded_and_followed_later() {
    let mut job = begun("a: { run: x }\n  b: { needs: a, run: x }");
    job.order(Order::Freeze);
    job.report(&exits("a", 0));
    assert_eq!(job.log_after("job.paused"), "step.completed a/1");
    job.resume();
    let after = "cell.completed a\nstage.completed a\nstage.started b\ncell.started b\nstep.started b/1";
    assert_eq!(job.log_after("job.resumed"), after);
}

#[test]
fn a_gate_can_be_answered_while_the_job_is_frozen() {
    let mut job = begun("a: { approve: sure?, run: x }");
    job.order(Order::Freeze);
    let (note, inputs, claimed) = (String::new(), Vec::new(), None);
    job.order(Order::Approve { gate: 0, note, inputs, claimed });
    assert_eq!(job.log_after("gate.approved"), "");
    job.resume();
    assert_eq!(job.log_after("job.resumed"), "stage.started a\ncell.started a\nstep.started a/1");
}

#[test]
fn a_cancel_thaws_first_and_then_stops() {
    let mut job = begun("a: { cancel: { grace: 5s }, run: x }");
    job.order(Order::Freeze);
    job.after_ms(HOUR);
    job.cancel();
    assert!(!wanted(job.state()).frozen);
    assert_eq!(job.log_after("order.cancel"), "cell.stopping a\nstep.stopping a/1");
    job.after_ms(4_999);
    assert_eq!(job.rungs(), "polite a/1");
    job.after_ms(1);
    assert_eq!(job.rungs(), "polite a/1\nkill a/1");
    job.report(&exits("a", 1));
    job.closes();
    assert_eq!(job.outcome(), Some(Outcome::Cancelled));
}

#[test]
fn a_paused_job_can_be_frozen_and_a_frozen_one_not_again() {
    let mut job = begun("a: { run: x }");
    job.pause();
    let words = job.order(Order::Freeze);
    assert_eq!(words, "frozen: what runs is stopped where it stands, and all clocks with it");
    assert_eq!(job.refused(Order::Freeze), "the job is frozen already");
    assert_eq!(job.refused(Order::Pause), "the job is paused already");
    let part = Order::Cancel { target: job.stage("a"), force: false };
    assert_eq!(
        job.refused(part),
        "cannot cancel `a` while the job is frozen: resume it first, or cancel all of it"
    );
    job.resume();
    job.order(Order::Cancel { target: Target::Job, force: false });
    assert_eq!(job.refused(Order::Freeze), "cannot freeze the job: it is being cancelled");
}

#[test]
fn the_time_of_a_paused_job_that_has_nothing_to_do_does_not_count() {
    let text =
        "version: 3\nname: t\npolicy: { timeout: 60s }\nstages: { a: { run: x }, b: { needs: a, run: x } }\n";
    let mut job = Job::of_text(text, 8);
    job.begin();
    job.after_ms(10_000);
    job.pause();
    // What runs still goes on, and so does the clock.
    job.after_ms(20_000);
    job.report(&exits("a", 0));
    job.after_ms(HOUR);
    assert!(!job.log().contains("order.cancel"), "{}", job.log());
    job.resume();
    job.after_ms(29_999);
    assert!(!job.log().contains("order.cancel"), "{}", job.log());
    job.after_ms(1);
    assert!(job.log().contains("order.cancel"), "{}", job.log());
}

#[test]
fn old_journals_know_no_freeze() {
    let old = r#"{"event":"JobPaused","by":"ann","order":"o1"}"#;
    let event: Event = serde_json::from_str(old).expect("it was written so");
    assert_eq!(event, Event::JobPaused { by: "ann".to_owned(), order: "o1".to_owned(), freeze: false });
    assert_eq!(serde_json::to_string(&event).expect("it can be written"), old);
}
