//! Stories of ids: the same order again, another one with the same id, and both once more from the journal.

use serde_json::json;

use super::super::apply::apply;
use super::super::event::Event;
use super::super::order::{Asked, Order, Refusal, RetryScope, Target};
use super::super::report::End;
use super::super::state::JobState;
use super::super::testing::{exit, new_state};
use super::super::{Input, turn};
use crate::logic::time::Timestamp;

const AT: Timestamp = Timestamp(1_000_000);

struct Story {
    text: String,
    state: JobState,
    events: Vec<Event>,
}

impl Story {
    fn of(stages: &str) -> Self {
        let text = format!("version: 3\nname: t\nstages:\n  {stages}\n");
        let mut story = Self { state: new_state(&text, 8), text, events: Vec::new() };
        story.hear(Input::Begin { epoch: 1 }).expect("only orders are refused");
        story
    }

    fn hear(&mut self, input: Input) -> Result<String, String> {
        turn(&mut self.state, &input, AT, &mut self.events).map_err(|Refusal { message }| message)
    }

    fn asks(&mut self, by: &str, id: &str, order: Order) -> Result<String, String> {
        self.hear(Input::Order(Asked { id: id.to_owned(), by: by.to_owned(), order, expected_seq: None }))
    }

    /// Another engine reads the journal.
    fn again(&mut self) {
        self.state = new_state(&self.text, 8);
        for event in &self.events {
            apply(&mut self.state, event, AT);
        }
    }
}

fn cancel(target: Target, force: bool) -> Order {
    Order::Cancel { target, force }
}

fn approve(gate: u32, percent: &str) -> Order {
    let inputs = vec![("percent".to_owned(), json!(percent))];
    Order::Approve { gate, note: String::new(), inputs, claimed: None }
}

#[test]
fn an_id_stands_for_one_order_also_for_the_next_engine() {
    let mut job = Story::of("a: { run: x }\n  b: { needs: a, run: x }\n  c: { needs: b, run: x }");
    let skip = |stage| Order::Skip { target: Target::Stage(stage) };
    let first = job.asks("ann", "x", skip(1));
    assert_eq!(first, Ok("skipping `b`".to_owned()));
    for _ in 0..2 {
        let before = job.events.len();
        assert_eq!(job.asks("ann", "x", skip(1)), first);
        assert_eq!(job.events.len(), before, "it is not carried out again");
        let other = job.asks("ann", "x", skip(2)).expect_err("that is another target");
        let said =
            "the id `x` was used for another order: skip `b`; give this one, to skip `c`, an id of its own";
        assert_eq!(other, said);
        let other = job.asks("ben", "x", cancel(Target::Job, false)).expect_err("that is another order");
        let said = "the id `x` was used by ann for another order: skip `b`; \
                    give this one, to cancel the job, an id of its own";
        assert_eq!(other, said);
        assert!(job.state.cancel.is_none() && job.state.stages[2].skip.is_none());
        job.again();
    }
}

#[test]
fn what_was_refused_is_refused_again_in_the_same_words() {
    let mut job = Story::of("a: { run: x }");
    let first = job.asks("ann", "x", Order::Resume);
    assert_eq!(first, Err("the job is not paused".to_owned()));
    job.asks("ann", "p", Order::Pause).expect("it runs");
    for _ in 0..2 {
        assert_eq!(job.asks("ann", "x", Order::Resume), first);
        job.again();
    }
    job.asks("ann", "y", Order::Resume).expect("it is paused");
}

#[test]
fn force_makes_another_order_unless_it_came_by_asking_twice() {
    let mut job = Story::of("a: { run: x }");
    let polite = job.asks("ann", "x", cancel(Target::Job, false));
    assert_eq!(polite, Ok("stopping: the job".to_owned()));
    let refused = job.asks("ann", "x", cancel(Target::Job, true)).expect_err("that is more");
    assert!(refused.contains("stop the job at once"), "{refused}");
    let second = job.asks("ann", "y", cancel(Target::Job, false));
    assert_eq!(second, Ok("stopping at once, without cleanup: the job".to_owned()));
    job.again();
    assert_eq!(job.asks("ann", "x", cancel(Target::Job, false)), polite);
    assert_eq!(job.asks("ann", "y", cancel(Target::Job, false)), second);
}

#[test]
fn an_answer_at_a_gate_is_that_of_one_person_with_its_values() {
    let gate = "{ count: 2, inputs: { percent: { type: number, required: true } } }";
    let mut job = Story::of(&format!("a: {{ approve: {gate}, run: x }}"));
    let first = job.asks("ann", "x", approve(0, "20"));
    assert_eq!(first, Ok("approved `a` as ann: 1 of 2".to_owned()));
    let noted = job.asks("ann", "y", approve(0, "20"));
    assert_eq!(noted, Ok("ann has approved `a` already: 1 of 2".to_owned()));
    for _ in 0..2 {
        let refused = job.asks("ann", "x", approve(0, "80")).expect_err("other values");
        let said = "the id `x` was used for another order: approve `a` with percent=20; \
                    give this one, to approve `a` with percent=80, an id of its own";
        assert_eq!(refused, said);
        let refused = job.asks("ben", "x", approve(0, "20")).expect_err("another person");
        assert!(refused.starts_with("the id `x` was used by ann for another order"), "{refused}");
        job.again();
    }
    job.asks("ben", "z", approve(0, "20")).expect("the second one");
    job.again();
    assert_eq!(job.asks("ann", "x", approve(0, "20")), first);
    assert_eq!(job.asks("ann", "y", approve(0, "20")), noted, "as it was then");
}

#[test]
fn a_stage_that_is_named_means_the_same_while_the_job_runs_and_after_it() {
    let mut job = Story::of("a: { run: x }");
    let key = *job.state.index.live.keys().next().expect("its step runs");
    job.hear(Input::Report(exit(key, End::Code(1)))).expect("only orders are refused");
    let first = job.asks("ann", "x", Order::Retry { scope: RetryScope::Cell(0) });
    assert_eq!(first, Ok("trying again".to_owned()));
    for scope in [RetryScope::From(0), RetryScope::Stage(0), RetryScope::Cell(0)] {
        assert_eq!(job.asks("ann", "x", Order::Retry { scope }), first);
    }
    let refused = job.asks("ann", "x", Order::Retry { scope: RetryScope::All }).expect_err("that is more");
    assert!(refused.contains("retry `a`; give this one, to retry everything,"), "{refused}");
}

#[test]
fn a_masked_note_is_that_of_the_order_that_comes_again_as_it_was_written() {
    assert_eq!(super::MASK.as_bytes(), crate::logic::secret::STARS);
    let mut job = Story::of("a: { approve: {}, run: x }\n  b: { approve: {}, run: x }");
    let yes = |note: &str| Order::Approve { gate: 0, note: note.to_owned(), inputs: vec![], claimed: None };
    let no = |note: &str| Order::Reject { gate: 1, note: note.to_owned(), claimed: None };
    let first = job.asks("ann", "x", yes("with *** and ***, twice"));
    let second = job.asks("ann", "y", no("no ***"));
    assert_eq!(second, Ok("rejected `b` as ann".to_owned()));
    for _ in 0..2 {
        for note in ["with *** and ***, twice", "with hunter2 and s3cret, twice"] {
            assert_eq!(job.asks("ann", "x", yes(note)), first, "{note}");
        }
        assert_eq!(job.asks("ann", "y", no("no hunter2")), second);
        for note in ["", "with ", "with a, twice", "with hunter2 and s3cret", "Without a and b, twice"] {
            let refused = job.asks("ann", "x", yes(note)).expect_err("another note");
            assert!(refused.starts_with("the id `x` was used for another order"), "{note}: {refused}");
        }
        assert!(job.asks("ann", "y", no("yes hunter2")).is_err());
        job.again();
    }
}
