//! Asking, holding, giving up and losing claims, as events.

use super::super::Input;
use super::super::event::Cause;
use super::super::order::Order;
use super::super::report::Report;
use super::super::testing::{Job, exits};
use super::*;

fn answer(job: &mut Job, cell: Option<u32>, verdict: Verdict) {
    let run = cell.map_or_else(|| job_run(job.state()), |cell| job.state().cells[cell as usize].run);
    job.hear(&Input::Report(Report::Claims { cell, run, verdict }));
}

fn holder(name: &str) -> Blocker {
    Blocker {
        claim: Claim::whole(Kind::Lock, name, Reach::Project),
        job: 12,
        name: "deploy".to_owned(),
        place: String::new(),
        since: Timestamp(0),
        waits: false,
        is_left: false,
        project: String::new(),
    }
}

fn names(job: &Job) -> Vec<String> {
    wishes(job.state()).0.iter().flat_map(|it| it.claims).map(Claim::words).collect()
}

#[test]
fn a_cell_asks_waits_without_a_slot_and_begins_once_it_has_all() {
    let mut job = Job::of("a: { locks: [prod, {name: b, mode: shared}], run: x }");
    job.begin();
    assert_eq!(job.log(), "job.started\nstage.started a\ncell.queued a");
    assert_eq!(names(&job), ["lock `prod`", "lock `b`"]);
    assert_eq!(job.state().index.slots_taken, 0);
    answer(&mut job, Some(0), Verdict::Blocked { by: vec![holder("prod")] });
    answer(&mut job, Some(0), Verdict::Blocked { by: vec![holder("prod")] });
    answer(&mut job, Some(0), Verdict::Held);
    assert_eq!(
        job.log_after("cell.queued"),
        "cell.blocked a\ncell.claimed a\ncell.started a\nstep.started a/1"
    );
}

#[test]
fn a_job_waits_for_its_turn_and_can_be_cancelled_meanwhile() {
    let text = "version: 3\nname: t\nconcurrency: Prod-${{ 1 + 1 == 2 }}\nstages:\n  a: { run: x }\n";
    let mut job = Job::of_text(&text.replace("1 + 1 == 2", "1 == 1"), 8);
    job.begin();
    assert_eq!(job.log(), "job.queued");
    assert_eq!(names(&job), ["group `prod-true`"]);
    job.pause();
    assert!(names(&job).is_empty(), "a paused job asks for nothing");
    job.resume();
    job.cancel();
    assert_eq!(job.outcome(), Some(Outcome::Cancelled));
    job.order(Order::Retry { scope: super::super::order::RetryScope::All });
    assert_eq!(job.log_after("job.cancelled"), "job.retrying\njob.queued");
    answer(&mut job, None, Verdict::Held);
    assert_eq!(job.log_after("job.queued"), "job.claimed\nstage.started a\ncell.started a\nstep.started a/1");
}

#[test]
fn a_newer_one_of_the_group_ends_it_and_is_named() {
    let mut job = Job::of("a: { concurrency: g, run: x }");
    job.begin();
    answer(&mut job, Some(0), Verdict::Superseded { by: "job #14 `t`".to_owned() });
    assert_eq!(job.log_after("cell.queued"), "order.cancel\ncell.cancelled a\nstage.cancelled a");
    let it = &job.state().cells[0].phase;
    let named = matches!(it, CellPhase::Finished { cause: Some(Cause::Superseded { by }), .. } if by == "job #14 `t`");
    assert!(named, "{it:?}");
}

#[test]
fn a_wait_that_is_too_long_fails_the_cell_and_names_the_holder() {
    let mut job = Job::of("a: { locks: [{name: prod, wait: 5s}], run: x }");
    job.begin();
    answer(&mut job, Some(0), Verdict::Blocked { by: vec![holder("prod")] });
    job.after_ms(5_001);
    assert_eq!(job.log_after("cell.blocked"), "cell.failed a\nstage.failed a");
    let Some(Event::CellFinished { cause: Some(Cause::NoClaim { message }), .. }) =
        job.events().iter().find(|it| it.type_name() == "cell.failed")
    else {
        panic!("{}", job.log())
    };
    assert_eq!(message, "waited 5s in vain for lock `prod`, held by job #12 `deploy`");
}

#[test]
fn what_was_lost_is_had_again_before_the_next_step_begins() {
    let mut job = Job::of("a: { locks: [prod], steps: [{run: x}, {run: y}] }");
    job.begin();
    answer(&mut job, Some(0), Verdict::Held);
    answer(&mut job, Some(0), Verdict::Lost);
    job.report(&exits("a", 0));
    assert_eq!(job.log_after("cell.unclaimed"), "step.completed a/1");
    assert!(wishes(job.state()).0[0].is_first, "it had them before");
    answer(&mut job, Some(0), Verdict::Held);
    assert_eq!(job.log_after("cell.claimed"), "step.started a/2");
}

#[test]
fn a_wide_cell_waits_for_all_its_slots_and_is_not_passed() {
    let stages =
        "a: { run: x }\n  b: { resources: { slots: 2 }, priority: 1, needs: [], run: x }\n  c: { run: x }";
    let mut job = Job::of_with_slots(stages, 2);
    job.begin();
    let began = |job: &Job| -> Vec<String> {
        let lines = job.log();
        lines.lines().filter_map(|line| line.strip_prefix("step.started ")).map(str::to_owned).collect()
    };
    assert_eq!(began(&job), ["b/1"]);
    job.report(&exits("b", 0));
    assert_eq!(began(&job), ["b/1", "a/1", "c/1"]);
}

#[test]
fn at_a_gate_locks_are_given_up_and_the_group_is_kept() {
    let text = "a: { concurrency: g, locks: [prod], steps: [{run: x}, {approve: {}}, {run: y}] }";
    let mut job = Job::of(text);
    job.begin();
    answer(&mut job, Some(0), Verdict::Held);
    job.report(&exits("a", 0));
    let phase = |job: &Job| job.state().cells[0].shares.as_ref().map(|it| it.phase);
    assert_eq!(phase(&job), Some(SharePhase::Yielded { with_locks: true }));
    assert!(phase(&job).is_some_and(|it| it.has(Kind::Group) && !it.has(Kind::Lock)));
    job.order(Order::Approve { gate: 0, note: String::new(), inputs: Vec::new(), claimed: None });
    assert_eq!(job.log_after("gate.approved"), "step.completed a/2\ncell.queued a");
    assert!(wishes(job.state()).0[0].is_first, "it had them before");
    answer(&mut job, Some(0), Verdict::Held);
    assert_eq!(job.log_after("cell.claimed").lines().last(), Some("step.started a/3"));
}

#[test]
fn a_gate_that_holds_keeps_all() {
    let text = "a: { locks: [prod], steps: [{run: x}, {approve: {hold: true}}, {run: y}] }";
    let mut job = Job::of(text);
    job.begin();
    answer(&mut job, Some(0), Verdict::Held);
    job.report(&exits("a", 0));
    assert_eq!(job.state().cells[0].shares.as_ref().map(|it| it.phase), Some(SharePhase::Held));
}

#[test]
fn a_frozen_job_asks_for_nothing_and_keeps_what_it_has() {
    let mut job = Job::of("a: { locks: [prod], run: x }\n  b: { locks: [{name: m, wait: 5s}], run: x }");
    job.begin();
    answer(&mut job, Some(0), Verdict::Held);
    assert_eq!(names(&job), ["lock `m`"]);
    job.order(Order::Freeze);
    assert!(names(&job).is_empty());
    job.after_ms(60_000);
    assert_eq!(job.state().cells[0].shares.as_ref().map(|it| it.phase), Some(SharePhase::Held));
    job.resume();
    assert_eq!(names(&job), ["lock `m`"], "its wait stood still, too");
}

#[test]
fn a_rollback_of_what_has_ended_claims_again() {
    let text = "version: 3\nname: t\nconcurrency: { group: j, cancel-in-progress: true }\nstages:\n  \
                a: { concurrency: { group: g, queue: single }, locks: [prod], steps: [{run: x, undo: {run: u}}] }\n";
    let mut job = Job::of_text(text, 8);
    job.begin();
    answer(&mut job, None, Verdict::Held);
    answer(&mut job, Some(0), Verdict::Held);
    job.report(&exits("a", 0));
    job.closes();
    assert_eq!(job.outcome(), Some(Outcome::Success));
    job.order(Order::Rollback { target: Target::Job });
    assert_eq!(job.log_after("order.rollback"), "job.queued");
    assert!(!wishes(job.state()).0[0].claims[0].cancels, "it puts nobody aside");
    answer(&mut job, None, Verdict::Held);
    assert_eq!(job.log_after("job.queued"), "job.claimed\ncell.queued a");
    assert_eq!(names(&job), ["group `g`", "lock `prod`"]);
    assert!(wishes(job.state()).0[0].claims.iter().all(|it| !it.is_single));
    assert_eq!(job.state().index.slots_taken, 0);
    answer(&mut job, Some(0), Verdict::Held);
    assert_eq!(job.state().index.live.len(), 1, "{}", job.log());
}

#[test]
fn in_a_rollback_only_the_cell_whose_turn_it_is_has_its_lock() {
    let stages = "a: { locks: [prod], steps: [{run: x, undo: {run: u}}] }\n  \
                  b: { needs: a, locks: [prod], steps: [{run: x, undo: {run: u}}, {run: y, undo: {run: v}}] }";
    let mut job = Job::of(stages);
    job.begin();
    for (cell, name, steps) in [(0, "a", 1), (1, "b", 2)] {
        answer(&mut job, Some(cell), Verdict::Held);
        for _ in 0..steps {
            job.report(&exits(name, 0));
        }
    }
    job.closes();
    assert_eq!(job.outcome(), Some(Outcome::Success));
    job.order(Order::Rollback { target: Target::Job });
    let asks = |job: &Job| wishes(job.state()).0.iter().map(|it| it.cell).collect::<Vec<_>>();
    assert_eq!(asks(&job), [Some(1)], "what `b` did is newer");
    answer(&mut job, Some(1), Verdict::Held);
    job.report(&exits("b", 0));
    assert!(job.state().cells[1].shares.is_some(), "it has more to undo");
    assert_eq!(asks(&job), []);
    job.report(&exits("b", 0));
    assert_eq!(asks(&job), [Some(0)], "{}", job.log());
    assert!(job.state().cells[1].shares.is_none());
    answer(&mut job, Some(0), Verdict::Held);
    job.report(&exits("a", 0));
    job.closes();
    assert!(matches!(job.state().phase, JobPhase::Finished { .. }), "{}", job.log());
}
