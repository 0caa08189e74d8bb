//! Stories of gates: who may answer, what an answer does, what time does.

use serde_json::json;

use super::super::event::{Cause, Event, Outcome};
use super::super::gate::GateEnd;
use super::super::order::{Order, RetryScope, Target};
use super::super::scope::merged_outputs;
use super::super::state::JobState;
use super::super::testing::{Job, exits};
use super::super::wanted::wanted;
use crate::logic::playbook::gate::GateRules;

const DAY: i64 = 24 * 3600 * 1000;

fn yes(gate: u32) -> Order {
    Order::Approve { gate, note: String::new(), inputs: Vec::new(), claimed: None }
}

fn yes_with(gate: u32, name: &str, value: &str) -> Order {
    let inputs = vec![(name.to_owned(), json!(value))];
    Order::Approve { gate, note: String::new(), inputs, claimed: None }
}

fn yes_as(gate: u32, name: &str) -> Order {
    Order::Approve { gate, note: String::new(), inputs: Vec::new(), claimed: Some(name.to_owned()) }
}

fn no(gate: u32, note: &str) -> Order {
    Order::Reject { gate, note: note.to_owned(), claimed: None }
}

fn rules() -> GateRules {
    let groups = [("ops".to_owned(), vec!["ann".to_owned(), "ben".to_owned()])].into();
    GateRules { groups, ..GateRules::default() }
}

/// A job whose gate is open.
fn begun(stages: &str) -> Job {
    let mut job = Job::of(stages).gated(rules(), "zoe");
    job.begin();
    job
}

fn end(state: &JobState, gate: usize) -> &GateEnd {
    state.gates[gate].end.as_ref().expect("the gate is closed")
}

#[test]
fn a_stage_waits_for_its_gate_and_nothing_else_does() {
    let mut job = begun("a: { approve: yes please, run: x }\n  b: { run: x }");
    assert_eq!(job.log(), "job.started\ngate.opened a\nstage.started b\ncell.started b\nstep.started b/1");
    assert_eq!(job.says("ann", yes(0)), Ok("approved `a` as ann".to_owned()));
    assert_eq!(job.log_after("gate.approved"), "stage.started a\ncell.started a\nstep.started a/1");
}

#[test]
fn a_gate_opens_when_what_its_stage_needs_is_done_and_its_condition_holds() {
    let mut job = begun(
        "a: { run: x }\n  b: { needs: a, approve: go on?, run: x }\n  c: { needs: a, if: false, approve: really?, run: x }",
    );
    assert!(!job.log().contains("gate.opened"), "{}", job.log());
    job.report(&exits("a", 0));
    assert_eq!(job.log_after("stage.completed"), "gate.opened b\nstage.skipped c");
}

#[test]
fn a_no_fails_the_stage_and_the_job_says_that_it_was_that() {
    let mut job = begun("a: { approve: sure?, run: x }\n  b: { needs: a, run: x }");
    assert_eq!(job.says("ann", no(0, "not on a Friday")), Ok("rejected `a` as ann".to_owned()));
    job.closes();
    let cause = Cause::Rejected { by: "ann".to_owned(), note: "not on a Friday".to_owned() };
    assert_eq!(job.cause("a"), Some(cause.clone()));
    assert_eq!(job.outcome(), Some(Outcome::Failure));
    let last = job.events().last();
    assert!(matches!(last, Some(Event::JobFinished { cause: Some(it), .. }) if *it == cause), "{last:?}");
}

#[test]
fn where_something_else_failed_too_the_gate_is_not_what_failed_the_job() {
    let mut job = begun("a: { approve: sure?, run: x }\n  b: { run: x }");
    job.says("ann", no(0, "")).expect("ann may");
    job.report(&exits("b", 1));
    job.closes();
    let last = job.events().last();
    assert!(matches!(last, Some(Event::JobFinished { cause: Some(Cause::Member { .. }), .. })), "{last:?}");
}

#[test]
fn who_may_not_answer_hears_who_may() {
    let mut job = begun("a: { approve: { approvers: ops }, run: x }");
    let refused = job.says("zoe", yes(0));
    assert_eq!(refused, Err("zoe may not answer at `a`; ann, ben may (of ops)".to_owned()));
    let refused = job.says("zoe", yes_as(0, "ann")).expect_err("a claim does not count here");
    assert!(refused.contains("`gates.claims`"), "{refused}");
    assert_eq!(job.says("ben", yes(0)), Ok("approved `a` as ben".to_owned()));
}

#[test]
fn who_started_the_job_or_ran_it_again_may_be_barred() {
    let mut job =
        Job::of("a: { approve: { approvers: ops, not-actor: true }, run: x }").gated(rules(), "ann");
    job.begin();
    let refused = job.says("ann", yes(0)).expect_err("ann started it");
    assert_eq!(refused, "ann may not answer at `a`, because the job was started by ann; ben may");
    job.says("ben", no(0, "")).expect("ben may");
    job.closes();
    job.says("ben", Order::Retry { scope: RetryScope::Failed }).expect("it failed");
    // Now both are barred, and nobody is left.
    let GateEnd::Expired { message, .. } = end(job.state(), 1) else { panic!("{}", job.log()) };
    assert_eq!(message, "it asks for 1 approval, and nobody may answer (ann, ben started the job)");
}

#[test]
fn two_have_to_approve_and_each_counts_once() {
    let mut job = begun("a: { approve: { approvers: [ops, cat], count: 2 }, run: x }");
    assert_eq!(job.says("ann", yes(0)), Ok("approved `a` as ann: 1 of 2".to_owned()));
    assert_eq!(job.says("ann", yes(0)), Ok("ann has approved `a` already: 1 of 2".to_owned()));
    assert!(!job.log().contains("stage.started"), "{}", job.log());
    assert_eq!(job.says("cat", yes(0)), Ok("approved `a` as cat".to_owned()));
    assert_eq!(job.log_after("gate.approved"), "stage.started a\ncell.started a\nstep.started a/1");
    assert_eq!(job.says("ann", yes(0)), Ok("ann has approved `a` already".to_owned()));
    let refused = job.says("ben", no(0, "")).expect_err("too late");
    assert_eq!(refused, "the gate `a` is closed: it was approved by ann, cat");
}

#[test]
fn all_who_approve_approve_the_same_values() {
    let gate = "{ count: 3, inputs: { percent: { type: number, required: true }, who: { default: all } } }";
    let mut job = begun(&format!("a: {{ approve: {gate}, run: x }}"));
    let refused = job.says("ann", yes(0)).expect_err("a value is missing");
    assert!(refused.starts_with("the input `percent` is required and was not given"), "{refused}");
    let refused = job.says("ann", yes_with(0, "percent", "much")).expect_err("that is no number");
    assert!(refused.starts_with("the input `percent` takes a number"), "{refused}");
    job.says("ann", yes_with(0, "percent", "20")).expect("all is there");
    let other = |with: &str| {
        format!(
            "ann has approved `a` with percent=20, and so `percent` cannot be {with} any more; \
             approve without it, or reject"
        )
    };
    assert_eq!(job.says("ann", yes_with(0, "percent", "80")), Err(other("80")));
    assert_eq!(job.says("ben", yes_with(0, "percent", "80")), Err(other("80")));
    let refused = job.says("ben", yes_with(0, "who", "me")).expect_err("ann approved the default");
    assert!(refused.starts_with("ann has approved `a` with who=all"), "{refused}");
    let refused = job.says("ann", yes_with(0, "per", "1")).expect_err("there is no such input");
    assert!(refused.starts_with("the gate `a` has no input `per`"), "{refused}");
    assert_eq!(
        job.says("ann", yes_with(0, "percent", "20.0")),
        Ok("ann has approved `a` already: 1 of 3".into())
    );
    assert_eq!(job.says("ben", yes_with(0, "percent", "20.0")), Ok("approved `a` as ben: 2 of 3".to_owned()));
    assert_eq!(job.says("cat", yes(0)), Ok("approved `a` as cat".to_owned()));
    assert_eq!(merged_outputs(job.state(), 0).to_json(), json!({"percent": "20", "who": "all"}));
    assert_eq!(job.says("ben", yes_with(0, "percent", "80")), Err(other("80")));
}

#[test]
fn a_claimed_name_counts_where_the_settings_say_so_and_is_recorded_anyway() {
    let stages = "a: { approve: { approvers: [ann, ben], count: 2 }, run: x }";
    let mut job = Job::of(stages).gated(GateRules { claims_count: true, ..rules() }, "zoe");
    job.begin();
    let answer = job.says("root", yes_as(0, "ann"));
    assert_eq!(answer, Ok("approved `a` as ann (by root): 1 of 2".to_owned()));
    assert_eq!(job.says("root", yes_as(0, "ben")), Ok("approved `a` as ben (by root)".to_owned()));
    let by: Vec<&str> = job.state().gates[0].approvals.iter().map(|it| &*it.by).collect();
    assert_eq!(by, ["root", "root"]);
}

#[test]
fn one_no_is_enough() {
    let mut job = begun("a: { approve: { count: 2 }, run: x }");
    job.says("ann", yes(0)).expect("everybody may");
    job.says("ann", no(0, "")).expect("one may think again");
    assert_eq!(job.stage("a"), Target::Stage(0));
    assert_eq!(job.state().outcome_of(&Target::Stage(0)), Some(Outcome::Failure));
}

#[test]
fn a_gate_expires_at_the_time_that_was_stored() {
    let mut job = begun("a: { approve: { timeout: 24h }, run: x }\n  b: { needs: a, run: x }");
    let until = job.state().gates[0].opened.until;
    assert_eq!(wanted(job.state()).wake_at, until);
    job.after_ms(DAY - 1);
    assert!(job.state().gates[0].end.is_none());
    job.after_ms(1);
    assert_eq!(job.cause("a"), Some(Cause::Expired { message: "nobody answered within 1d".to_owned() }));
    let refused = job.says("ann", yes(0)).expect_err("too late");
    assert_eq!(
        refused,
        "the gate `a` is closed: its time is over: nobody answered within 1d, so it was rejected"
    );
}

#[test]
fn the_end_of_the_wait_may_approve_or_skip() {
    let gate = "approve: { timeout: 1h, on-timeout: approve, inputs: { n: { type: number, default: 3 } } }";
    let mut job = begun(&format!("a: {{ {gate}, run: x }}"));
    job.after_ms(DAY);
    assert_eq!(job.log_after("gate.expired"), "stage.started a\ncell.started a\nstep.started a/1");
    assert_eq!(merged_outputs(job.state(), 0).to_json(), json!({"n": "3"}));
    let mut job =
        begun("a: { approve: { timeout: 1h, on-timeout: skip }, run: x }\n  b: { needs: a, run: x }");
    job.after_ms(DAY);
    let after = job.log_after("gate.expired");
    assert_eq!(after, "stage.skipped a\nstage.started b\ncell.started b\nstep.started b/1");
}

#[test]
fn a_gate_neither_expires_nor_reminds_while_the_job_is_paused_and_can_be_answered() {
    let mut job = begun("a: { approve: { timeout: 24h, remind: 1h }, run: x }");
    job.pause();
    job.after_ms(2 * DAY);
    assert_eq!(job.log_after("job.paused"), "");
    assert_eq!(wanted(job.state()).wake_at, None, "nothing is due");
    assert_eq!(job.says("ann", yes(0)), Ok("approved `a` as ann".to_owned()));
    assert_eq!(job.log_after("gate.approved"), "");
    job.resume();
    assert_eq!(job.log_after("job.resumed"), "stage.started a\ncell.started a\nstep.started a/1");
    let mut job = begun("a: { approve: { timeout: 24h }, run: x }");
    job.pause();
    job.after_ms(2 * DAY);
    job.resume();
    assert_eq!(job.log_after("job.resumed"), "gate.expired a\nstage.failed a");
}

#[test]
fn people_are_reminded_once_for_all_that_was_missed() {
    let mut job = begun("a: { approve: { remind: 1h }, run: x }");
    job.after_ms(3_600_000);
    job.after_ms(10 * 3_600_000);
    job.after_ms(1);
    let reminders = job.events().iter().filter(|it| matches!(it, Event::GateReminded { .. })).count();
    assert_eq!(reminders, 2);
}

#[test]
fn a_cancel_or_a_skip_withdraws_a_gate() {
    let mut job =
        begun("a: { approve: sure?, run: x }\n  b: { needs: a, if: always(), approve: sure?, run: x }");
    job.cancel();
    assert_eq!(job.log_after("order.cancel"), "gate.withdrawn a\nstage.cancelled a\nstage.cancelled b");
    let mut job = begun("a: { approve: sure?, run: x }\n  b: { needs: a, run: x }");
    job.skip("a");
    let after = job.log_after("order.skip");
    assert_eq!(after, "gate.withdrawn a\nstage.skipped a\nstage.started b\ncell.started b\nstep.started b/1");
    let refused = job.says("ann", yes(0)).expect_err("nobody waits");
    assert_eq!(refused, "the gate `a` is closed: nobody waits for it any more");
}

#[test]
fn values_of_an_answer_are_checked_and_become_outputs() {
    let gate = "{ inputs: { percent: { type: number, required: true }, who: { default: all } } }";
    let text = format!("a: {{ approve: {gate}, if: true, run: 'x ${{{{ gate.inputs.percent }}}}' }}");
    let mut job = begun(&text);
    let refused = job.says("ann", yes(0)).expect_err("a value is missing");
    assert!(refused.starts_with("the input `percent` is required and was not given"), "{refused}");
    let refused = job.says("ann", yes_with(0, "percent", "much")).expect_err("that is no number");
    assert!(refused.starts_with("the input `percent` takes a number"), "{refused}");
    let refused = job.says("ann", yes_with(0, "per", "1")).expect_err("there is no such input");
    assert!(refused.starts_with("the gate `a` has no input `per`"), "{refused}");
    job.says("ann", yes_with(0, "percent", "20")).expect("all is there");
    assert_eq!(merged_outputs(job.state(), 0).to_json(), json!({"percent": "20", "who": "all"}));
    let key = *wanted(job.state()).live.keys().next().expect("the step runs");
    let launch = super::super::launch::launch(job.state(), key).expect("it can be started");
    assert!(format!("{:?}", launch.program).contains("x 20"), "{:?}", launch.program);
}

#[test]
fn a_step_gives_up_its_slot_while_it_waits_and_its_time_does_not_count() {
    let stages = "a: { timeout: 1h, steps: [{ run: x }, { id: ask, approve: { inputs: { n: { default: 1 } } } }, { run: y }] }\n  b: { run: x }";
    let mut job = Job::of_with_slots(stages, 1);
    job.begin();
    job.report(&exits("a", 0));
    let after = job.log_after("step.completed");
    assert_eq!(after, "step.started a/2\ngate.opened a/ask\ncell.started b\nstep.started b/1");
    job.after_ms(2 * DAY);
    job.report(&exits("b", 0));
    assert_eq!(job.says("ann", yes(0)), Ok("approved `a/ask` as ann".to_owned()));
    assert_eq!(job.log_after("gate.approved"), "step.completed a/2\nstep.started a/3");
    let done = job.state().cells[0].steps[1].done().expect("it has ended");
    assert_eq!(done.outputs, [("n".into(), "1".into())]);
    assert_eq!(job.state().index.slots_taken, 1);
    job.after_ms(3_600_000);
    assert!(job.log().ends_with("step.stopping a/3"), "{}", job.log());
}

#[test]
fn a_step_that_holds_keeps_its_slot() {
    let mut job = Job::of_with_slots("a: { steps: [{ approve: { hold: true } }] }\n  b: { run: x }", 1);
    job.begin();
    assert!(!job.log().contains("cell.started b"), "{}", job.log());
    job.says("ann", yes(0)).expect("everybody may");
    assert!(job.log().ends_with("step.started b/1"), "{}", job.log());
}

#[test]
fn a_rejected_step_can_be_rescued() {
    let mut job = begun("a: { steps: [{ block: [{ approve: ok? }], rescue: [{ run: echo }] }] }");
    job.says("ann", no(0, "")).expect("everybody may");
    assert_eq!(job.log_after("gate.rejected"), "step.failed a/2\nstep.started a/3");
    job.report(&exits("a", 0));
    job.closes();
    assert!(job.is_rescued());
}

#[test]
fn a_cancelled_cell_withdraws_its_gate_and_cleans_up_unasked() {
    let steps = "[{ block: [{ approve: ok? }], always: [{ approve: clean?, if: always() }, { run: x }] }]";
    let mut job = begun(&format!("a: {{ steps: {steps} }}"));
    job.cancel();
    let after = job.log_after("order.cancel");
    let expected = "cell.stopping a\ngate.withdrawn a/2\nstep.cancelled a/2\nstep.started a/3\nstep.cancelled a/3\nstep.started a/4";
    assert_eq!(after, expected);
}

#[test]
fn in_ci_a_gate_fails_at_once_with_a_sentence() {
    let mut job =
        Job::of("a: { approve: sure?, run: x }").gated(GateRules { unattended: true, ..rules() }, "zoe");
    job.begin();
    let Some(Cause::Expired { message }) = job.cause("a") else { panic!("{}", job.log()) };
    assert!(message.contains("nobody is there to answer"), "{message}");
}

#[test]
fn a_stage_that_begins_anew_asks_anew_and_the_late_answer_is_refused() {
    let mut job = begun("a: { approve: { count: 2 }, run: x }");
    job.says("ann", no(0, "")).expect("everybody may");
    job.closes();
    job.retry_failed();
    assert_eq!(job.state().stages[0].gate, Some(1));
    let refused = job.says("ben", yes(0)).expect_err("that question is closed");
    assert!(refused.contains("closed"), "{refused}");
    assert_eq!(job.says("ben", yes(1)), Ok("approved `a` as ben: 1 of 2".to_owned()));
}

#[test]
fn a_question_that_cannot_be_made_fails_its_stage() {
    let mut job = begun("a: { approve: '${{ fromJSON(vars.x) }}', run: x }");
    assert!(matches!(job.cause("a"), Some(Cause::Expression { .. })), "{:?}", job.cause("a"));
    assert_eq!(job.says("ann", yes(0)), Err("the job has no such gate".to_owned()));
}

#[test]
fn the_same_order_twice_gets_the_same_answer() {
    let mut job = begun("a: { approve: { count: 2 }, run: x }");
    let first = job.says("ann", yes(0));
    let asked = super::super::order::Asked {
        id: "o1".to_owned(),
        by: "ann".to_owned(),
        order: yes(0),
        expected_seq: None,
    };
    let again = super::super::steer::answer(job.state(), &asked);
    let (events, words) = again.expect("it was answered before");
    assert_eq!((events.len(), Ok(words)), (0, first));
}
