//! Stories of steps beside each other: background steps, waits, stops, and steps that run together.

use crate::logic::job::Input;
use crate::logic::job::event::{Cause, Event, Outcome};
use crate::logic::job::gate::GateEnd;
use crate::logic::job::order::{Asked, Order};
use crate::logic::job::report::{AttemptKey, End, Exit, Report, StepFiles};
use crate::logic::job::state::JobState;
use crate::logic::job::testing::{exit, new_state};
use crate::logic::job::turn;
use crate::logic::time::Timestamp;

/// A job of one stage with these steps, begun.
struct Story {
    state: JobState,
    now: Timestamp,
    events: Vec<Event>,
}

impl Story {
    fn of(steps: &str) -> Self {
        let text = format!("version: 3\nstages: {{ t: {{ steps: {steps} }} }}\n");
        let mut story = Self { state: new_state(&text, 1), now: Timestamp(1_000_000), events: Vec::new() };
        story.tell(&Input::Begin { epoch: 1 });
        story
    }

    fn tell(&mut self, input: &Input) {
        let mut record = Vec::new();
        turn(&mut self.state, input, self.now, &mut record).expect("it makes sense");
        self.events.extend(record);
    }

    /// The steps that run, by their positions.
    fn live(&self) -> Vec<u32> {
        self.state.live_of(0).map(|key| key.step).collect()
    }

    fn key(&self, step: u32) -> AttemptKey {
        self.state.live_of(0).find(|key| key.step == step).expect("the step runs")
    }

    fn ends(&mut self, step: u32, code: i32) {
        let report = exit(self.key(step), End::Code(code));
        self.tell(&Input::Report(report));
    }

    fn ends_with(&mut self, step: u32, output: &str) {
        let Report::Exited(it) = exit(self.key(step), End::Code(0)) else { return };
        let files = StepFiles { output: output.to_owned(), ..StepFiles::default() };
        self.tell(&Input::Report(Report::Exited(Exit { files, ..it })));
    }

    fn came_to(&self, step: usize) -> Option<Outcome> {
        self.state.cells[0].steps[step].done().and_then(|done| done.conclusion)
    }

    fn orders(&mut self, order: Order) {
        let id = self.events.len().to_string();
        self.tell(&Input::Order(Asked { id, by: "ann".to_owned(), order, expected_seq: None }));
    }

    fn approves(&mut self, gate: u32) {
        self.orders(Order::Approve { gate, note: String::new(), inputs: Vec::new(), claimed: None });
    }

    fn is_lost(&mut self, step: u32) {
        let key = self.key(step);
        self.tell(&Input::Report(Report::Lost { key, message: "gone".to_owned() }));
    }

    fn holds_slot(&self) -> bool {
        self.state.cells[0].holds_slot
    }

    fn later(&mut self, seconds: i64) {
        self.now = Timestamp(self.now.0 + seconds * 1_000_000);
        self.tell(&Input::Wake);
    }
}

#[test]
fn ten_steps_run_in_the_background_and_the_next_one_waits_for_room() {
    let steps = ["{ run: x, background: true }"; 12].join(", ");
    let mut story = Story::of(&format!("[{steps}, {{ run: y }}]"));
    assert_eq!(story.live(), (0..10).collect::<Vec<_>>(), "what comes behind the eleventh waits as well");
    story.ends(3, 0);
    assert!(story.live().contains(&10) && !story.live().contains(&11), "{:?}", story.live());
    story.ends(4, 0);
    assert!(story.live().contains(&11) && story.live().contains(&12), "{:?}", story.live());
}

#[test]
fn what_a_background_step_says_is_seen_from_its_wait_on() {
    let steps = "[{ id: b, run: x, background: true }, { run: y }, { if: \"steps.b.outputs.v == '1'\", run: early }, \
                 { wait: b }, { if: \"steps.b.outputs.v == '1'\", run: late }]";
    let mut story = Story::of(steps);
    story.ends_with(0, "v=1\n");
    story.ends(1, 0);
    assert_eq!(story.came_to(2), Some(Outcome::Skipped), "not before the wait");
    assert_eq!((story.came_to(3), story.live()), (Some(Outcome::Success), vec![4]));
}

#[test]
fn waits_and_stops_happen_after_failures_and_a_stopped_step_fails_nothing() {
    let steps =
        "[{ id: b, run: x, background: true }, { run: y }, { run: z }, { cancel: b }, { wait-all: true }]";
    let mut story = Story::of(steps);
    story.ends(1, 1);
    assert_eq!(story.came_to(2), Some(Outcome::Skipped));
    let stop = story.state.cells[0].steps[0].stop.clone().expect("it is asked to stop");
    assert_eq!(stop.cause, Cause::StoppedBy { step: "4".to_owned() });
    assert_eq!(story.came_to(3), None, "it waits for the end of what it stops");
    story.ends(0, 0);
    assert_eq!(
        [0, 3, 4].map(|at| story.came_to(at)),
        [Some(Outcome::Cancelled), Some(Outcome::Success), Some(Outcome::Success)]
    );
    assert_eq!(story.state.cells[0].outcome(), Some(Outcome::Failure), "of step 2");
}

#[test]
fn a_wait_fails_with_what_failed_and_only_once() {
    let steps =
        "[{ id: b, run: x, background: true }, { wait: b, continue-on-error: true }, { wait-all: true }]";
    let mut story = Story::of(steps);
    story.ends(0, 7);
    let done = story.state.cells[0].steps[1].done().expect("the wait has ended");
    assert_eq!((done.outcome, done.conclusion), (Some(Outcome::Failure), Some(Outcome::Success)));
    assert_eq!(done.cause, Some(Cause::Member { names: vec!["b".to_owned()] }));
    assert_eq!(
        story.state.cells[0].outcome(),
        Some(Outcome::Success),
        "the failure was taken over and allowed"
    );
}

#[test]
fn a_wait_that_takes_too_long_fails_and_what_it_waits_for_goes_on() {
    let steps = "[{ id: b, run: x, background: true }, { wait: b, timeout: 5s }, { run: y }]";
    let mut story = Story::of(steps);
    story.later(5);
    let done = story.state.cells[0].steps[1].done().expect("its time is over");
    assert_eq!(done.cause, Some(Cause::Timeout { of: "step".to_owned() }));
    assert_eq!(story.live(), [0]);
    story.ends(0, 0);
    assert_eq!(story.state.cells[0].outcome(), Some(Outcome::Failure));
}

#[test]
fn a_background_step_waits_for_its_next_try_while_others_run() {
    let steps = "[{ run: x, background: true, retry: { attempts: 2, backoff: { first: 3s } } }, { run: y }, { run: z }]";
    let mut story = Story::of(steps);
    story.ends(0, 1);
    assert!(story.state.cells[0].holds_slot, "something runs in it");
    story.ends(1, 0);
    assert_eq!(story.live(), [2]);
    story.later(3);
    assert_eq!(story.live(), [0, 2]);
    story.ends(2, 0);
    story.ends(0, 0);
    assert_eq!(story.state.cells[0].outcome(), Some(Outcome::Success));
}

#[test]
fn members_run_together_in_one_slot_and_a_failure_stops_the_others() {
    let steps = "[{ parallel: [{ run: a }, { run: b }, { block: [{ run: c }, { run: d }], always: [{ run: e }] }] }, \
                 { run: after }]";
    let mut story = Story::of(steps);
    assert_eq!((story.live(), story.state.index.slots_taken), (vec![1, 2, 4], 1));
    story.ends(2, 1);
    let why = |at: usize| story.state.cells[0].steps[at].stop.clone().map(|stop| stop.cause);
    let expected = Some(Cause::Together { step: "3".to_owned() });
    assert_eq!((why(1), why(4)), (expected.clone(), expected));
    story.ends(1, 0);
    story.ends(4, 0);
    assert_eq!(
        (story.came_to(5), story.live()),
        (Some(Outcome::Skipped), vec![6]),
        "only `always` still runs"
    );
    story.ends(6, 0);
    assert_eq!((story.came_to(0), story.came_to(7)), (Some(Outcome::Failure), Some(Outcome::Skipped)));
}

#[test]
fn without_fail_fast_all_members_come_to_their_end() {
    let mut story = Story::of("[{ fail-fast: false, parallel: [{ run: a }, { run: b }] }]");
    story.ends(1, 1);
    assert_eq!(story.state.cells[0].steps[2].stop, None);
    story.ends(2, 0);
    assert_eq!((story.came_to(2), story.came_to(0)), (Some(Outcome::Success), Some(Outcome::Failure)));
}

#[test]
fn a_cancel_during_a_rescue_lets_it_end_before_the_block_does() {
    let steps = "[{ parallel: [{ block: [{ run: a }], rescue: [{ run: b }, { run: c }] }, { run: d }], fail-fast: false }]";
    let mut story = Story::of(steps);
    story.ends(2, 1);
    assert_eq!(story.live(), [3, 5]);
    story.state.cancel = Some(crate::logic::job::state::CancelState {
        since: story.now,
        force: false,
        cause: Cause::Order { by: "ann".to_owned() },
    });
    story.state.index.attention.insert(0);
    story.tell(&Input::Wake);
    assert_eq!(story.came_to(1), None, "its rescue still runs");
    story.ends(3, 0);
    story.ends(5, 0);
    assert_eq!(story.state.cells[0].outcome(), Some(Outcome::Cancelled));
}

#[test]
fn a_cell_gives_its_slot_up_at_a_gate_once_nothing_of_it_runs() {
    let mut story = Story::of("[{ run: x, background: true }, { approve: go on? }, { run: y }]");
    assert_eq!((story.live(), story.state.index.gates.len()), (vec![0], 1), "the gate is open beside it");
    assert!(story.holds_slot(), "something of it runs");
    story.ends(0, 0);
    assert!(!story.holds_slot(), "nothing of it runs, and people may take days");
    story.approves(0);
    assert_eq!((story.live(), story.holds_slot()), (vec![2], true));
}

#[test]
fn a_gate_that_holds_keeps_the_slot_after_what_ran_beside_it() {
    let mut story = Story::of("[{ run: x, background: true }, { approve: { hold: true } }, { run: y }]");
    story.ends(0, 0);
    assert!(story.holds_slot());
}

#[test]
fn beside_an_open_gate_the_other_steps_of_a_parallel_begin_and_go_on() {
    let members = "{ approve: a? }, { run: x }, { block: [{ run: y }, { run: z }] }, { approve: b? }";
    let mut story = Story::of(&format!("[{{ parallel: [{members}] }}, {{ run: end }}]"));
    assert_eq!((story.live(), story.state.index.gates.len()), (vec![2, 4], 2));
    story.ends(2, 0);
    story.ends(4, 0);
    assert_eq!(story.live(), [5], "a list beside the gate goes on");
    story.ends(5, 0);
    assert!(!story.holds_slot());
    story.approves(1);
    assert_eq!(story.live(), Vec::<u32>::new(), "the other one still waits");
    story.approves(0);
    assert_eq!(story.live(), [7], "{:?}", story.state.cells[0].steps);
}

#[test]
fn a_no_at_a_gate_stops_what_runs_beside_it() {
    let mut story = Story::of("[{ parallel: [{ approve: a? }, { run: x }] }]");
    story.orders(Order::Reject { gate: 0, note: String::new(), claimed: None });
    let stop = story.state.cells[0].steps[2].stop.clone().expect("it is asked to stop");
    assert_eq!(stop.cause, Cause::Together { step: "2".to_owned() });
    story.ends(2, 0);
    assert_eq!(story.state.cells[0].outcome(), Some(Outcome::Failure));
}

#[test]
fn a_gate_is_withdrawn_when_a_step_beside_it_fails() {
    let mut story = Story::of("[{ parallel: [{ approve: a? }, { run: x }] }]");
    story.ends(2, 1);
    assert_eq!(story.state.gates[0].end, Some(GateEnd::Withdrawn));
    assert_eq!(story.came_to(1), Some(Outcome::Cancelled));
    assert_eq!(story.state.cells[0].outcome(), Some(Outcome::Failure));
}

#[test]
fn the_time_of_gates_beside_each_other_counts_for_no_limit_and_is_counted_once() {
    let members = "[{ approve: a? }, { approve: b? }, { block: [{ approve: c? }, { run: x }] }]";
    let mut story = Story::of(&format!("[{{ parallel: {members}, timeout: 10s }}]"));
    for (gate, seconds) in [(1, 20), (0, 30), (2, 40)] {
        story.later(seconds);
        assert!(story.state.cells[0].steps[0].stop.is_none(), "people are asked inside it");
        story.approves(gate);
    }
    assert_eq!(story.live(), [5]);
    story.later(9);
    assert!(story.state.cells[0].steps[0].stop.is_none(), "9 of its 10 seconds are over");
    story.later(1);
    let stop = story.state.cells[0].steps[5].stop.clone().expect("its time is over");
    assert_eq!(stop.cause, Cause::Timeout { of: "parallel".to_owned() });
}

#[test]
fn lost_steps_beside_each_other_run_again_as_each_of_them_says() {
    let parallel = "{ parallel: [{ run: x, on-interrupt: rerun }, { run: y }], fail-fast: false }";
    let mut story = Story::of(&format!("[{{ run: b, background: true, idempotent: true }}, {parallel}]"));
    assert_eq!(story.live(), [0, 2, 3]);
    for step in [0, 2, 3] {
        story.is_lost(step);
    }
    assert_eq!(story.live(), [0, 2], "the one that does not say so has failed");
    assert_eq!(story.came_to(3), Some(Outcome::Failure));
    assert_eq!([0, 2].map(|step| story.state.cells[0].steps[step].reruns), [1, 1]);
}

#[test]
fn a_lost_undo_runs_again_however_often_it_is_lost() {
    let mut story = Story::of("[{ run: x, undo: { run: u } }, { rollback: true }]");
    story.ends(0, 0);
    for _ in 0..30 {
        story.is_lost(1);
    }
    story.ends(1, 0);
    assert_eq!(story.state.cells[0].outcome(), Some(Outcome::Success));
    assert!(story.state.cells[0].saga.armed.is_empty());
}

#[test]
fn a_background_step_that_waits_for_another_try_ends_with_the_time_of_its_block() {
    let retry = "retry: { attempts: 9, backoff: { first: 60s } }";
    let mut story = Story::of(&format!(
        "[{{ block: [{{ run: b, background: true, {retry} }}, {{ run: y }}], timeout: 10s }}]"
    ));
    story.ends(1, 1);
    story.later(10);
    story.ends(2, 0);
    let done = story.state.cells[0].steps[1].done().expect("no time is left for it");
    assert_eq!(done.cause, Some(Cause::Timeout { of: "block".to_owned() }));
    assert_eq!(story.state.cells[0].outcome(), Some(Outcome::Failure));
}
