//! Stories of undoing: what is armed, in which order it runs, what survives a crash, what is refused.

use crate::logic::job::Input;
use crate::logic::job::apply::apply;
use crate::logic::job::event::{Cause, Event, Outcome};
use crate::logic::job::launch::launch;
use crate::logic::job::order::{Asked, Order, Refusal, Target};
use crate::logic::job::report::{AttemptKey, End, Exit, Report, StepFiles};
use crate::logic::job::state::{JobPhase, JobState};
use crate::logic::job::testing::{exit, new_state};
use crate::logic::job::turn;
use crate::logic::time::Timestamp;

struct Story {
    text: String,
    state: JobState,
    events: Vec<Event>,
    orders: u32,
}

const NOW: Timestamp = Timestamp(1_000_000);

impl Story {
    fn of(stages: &str) -> Self {
        let text = format!("version: 3\nstages:\n{stages}");
        let state = new_state(&text, 4);
        let mut story = Self { text, state, events: Vec::new(), orders: 0 };
        story.tell(&Input::Begin { epoch: 1 }).expect("it is no order");
        story
    }

    fn tell(&mut self, input: &Input) -> Result<String, Refusal> {
        let mut record = Vec::new();
        let answer = turn(&mut self.state, input, NOW, &mut record);
        self.events.extend(record);
        answer
    }

    fn report(&mut self, report: Report) {
        self.tell(&Input::Report(report)).expect("it is no order");
        if self.state.phase == JobPhase::Running && self.state.all_done() {
            self.tell(&Input::Report(Report::Closed { survivors: Vec::new() })).expect("it is no order");
        }
    }

    fn order(&mut self, order: Order) -> Result<String, String> {
        self.orders += 1;
        let asked = Asked { id: self.orders.to_string(), by: "ann".to_owned(), order, expected_seq: None };
        self.tell(&Input::Order(asked)).map_err(|refusal| refusal.message)
    }

    fn live(&self) -> Vec<(u32, u32)> {
        self.state.index.live.keys().map(|key| (key.cell, key.step)).collect()
    }

    fn key(&self, cell: u32, step: u32) -> AttemptKey {
        self.state.live_of(cell).find(|key| key.step == step).expect("the step runs")
    }

    fn ends(&mut self, (cell, step): (u32, u32), code: i32) {
        let report = exit(self.key(cell, step), End::Code(code));
        self.report(report);
    }

    fn ends_with(&mut self, (cell, step): (u32, u32), output: &str) {
        let Report::Exited(it) = exit(self.key(cell, step), End::Code(0)) else { return };
        let files = StepFiles { output: output.to_owned(), ..StepFiles::default() };
        self.report(Report::Exited(Exit { files, ..it }));
    }

    fn outcome(&self) -> Option<(Outcome, Option<Cause>)> {
        match &self.state.phase {
            JobPhase::Finished { outcome, cause, .. } => Some((*outcome, cause.clone())),
            _ => None,
        }
    }
}

/// Steps 0 and 2 can be undone by 1 and 3; 4 decides.
const TWO: &str = "  t: { rollback: on-failure, steps: [{ id: a, run: a, undo: { run: 'undo ${{ steps.a.outputs.v }}' } }, \
                   { run: b, undo: { run: u } }, { run: c }] }\n";

#[test]
fn a_failed_stage_is_undone_newest_first_with_the_outputs_of_each_step() {
    let mut story = Story::of(TWO);
    story.ends_with((0, 0), "v=7\n");
    story.ends((0, 2), 0);
    story.ends((0, 4), 1);
    assert_eq!(story.live(), [(0, 3)], "the newest, and alone");
    story.ends((0, 3), 0);
    let of_a = launch(&story.state, story.key(0, 1)).expect("its texts are plain");
    assert!(format!("{:?}", of_a.program).contains("undo 7"), "{:?}", of_a.program);
    let key = |name: &str| of_a.env.iter().find(|(n, _)| n == name).and_then(|(_, value)| value.clone());
    assert!(key("SORTIE_IDEMPOTENCY_KEY").is_some_and(|it| it.ends_with("-undo-1")));
    story.ends((0, 1), 0);
    let (outcome, cause) = story.outcome().expect("the job has ended");
    assert!(outcome == Outcome::Failure && matches!(cause, Some(Cause::RolledBack { .. })), "{cause:?}");
}

#[test]
fn what_was_not_undone_is_told_and_tried_again_by_the_next_order() {
    let mut story = Story::of(TWO);
    for (step, code) in [(0, 0), (2, 0), (4, 1), (3, 9)] {
        story.ends((0, step), code);
    }
    story.ends((0, 1), 0);
    assert_eq!(
        story.outcome(),
        Some((Outcome::Failure, Some(Cause::NotUndone { names: vec!["t".to_owned()] })))
    );
    assert_eq!(
        story.order(Order::Rollback { target: Target::Job }),
        Ok("rolling back 1 step, newest first".to_owned())
    );
    assert_eq!(story.live(), [(0, 3)]);
    story.ends((0, 3), 0);
    assert!(matches!(story.outcome(), Some((Outcome::Failure, Some(Cause::RolledBack { .. })))));
    let again = story.order(Order::Rollback { target: Target::Stage(0) });
    assert_eq!(again, Err("cannot roll back `t`: all of it has been undone already".to_owned()));
}

#[test]
fn an_undo_that_is_lost_runs_again_and_what_is_armed_survives_a_replay() {
    let mut story = Story::of(TWO);
    for (step, code) in [(0, 0), (2, 0), (4, 1)] {
        story.ends((0, step), code);
    }
    let mut again = new_state(&story.text, 4);
    for event in &story.events {
        apply(&mut again, event, NOW);
    }
    assert_eq!(again.cells[0].saga, story.state.cells[0].saga);
    let key = story.key(0, 3);
    story.report(Report::Lost { key, message: "crash".to_owned() });
    let next = story.key(0, 3);
    assert_eq!(next.attempt, key.attempt + 1, "without anybody asking");
    story.ends((0, 3), 0);
    story.ends((0, 1), 0);
    assert!(matches!(story.outcome(), Some((_, Some(Cause::RolledBack { .. })))));
}

#[test]
fn a_job_is_undone_across_its_stages_in_the_order_of_what_succeeded() {
    let steps = "steps: [{ run: a, undo: { run: u } }]";
    let mut story = Story::of(&format!(
        "  one: {{ matrix: {{ n: [1, 2] }}, {steps} }}\n  two: {{ needs: one, {steps} }}\n"
    ));
    story.ends((1, 0), 0);
    story.ends((0, 0), 0);
    let refused = story.order(Order::Rollback { target: Target::Job });
    assert!(refused.is_err_and(|it| it.starts_with("cannot roll back the job: it still runs")));
    let refused = story.order(Order::Rollback { target: Target::Stage(0) });
    assert_eq!(refused, Err("cannot roll back `one`: it has passed, and the job still runs".to_owned()));
    story.ends((2, 0), 0);
    assert_eq!(story.outcome(), Some((Outcome::Success, None)));
    assert!(story.order(Order::Rollback { target: Target::Job }).is_ok());
    let refused = story.order(Order::Rollback { target: Target::Stage(0) });
    assert_eq!(refused, Err("cannot roll back `one`: that is under way already".to_owned()));
    for cell in [2, 0, 1] {
        assert_eq!(story.live(), [(cell, 1)]);
        story.ends((cell, 1), 0);
    }
    assert_eq!(story.outcome(), Some((Outcome::Success, Some(Cause::RolledBack { cause: None }))));
}

#[test]
fn a_first_cancel_lets_a_rollback_go_on_and_a_second_ends_it() {
    for force in [false, true] {
        let mut story = Story::of(TWO);
        for (step, code) in [(0, 0), (2, 0), (4, 1)] {
            story.ends((0, step), code);
        }
        let cancel = Order::Cancel { target: Target::Job, force: false };
        story.order(cancel.clone()).expect("the job runs");
        assert_eq!(story.state.index.live.values().copied().collect::<Vec<_>>(), [None], "nobody stops it");
        if force {
            story.order(cancel).expect("the job runs");
        }
        story.ends((0, 3), 0);
        if force {
            let (_, cause) = story.outcome().expect("the rest stays as it is");
            assert_eq!(cause, Some(Cause::NotUndone { names: vec!["t".to_owned()] }));
        } else {
            assert_eq!(story.live(), [(0, 1)]);
        }
    }
}

#[test]
fn what_was_not_asked_for_is_not_undone() {
    let mut story = Story::of("  t: { steps: [{ run: a, undo: { run: u } }, { run: b }] }\n");
    story.ends((0, 0), 0);
    story.ends((0, 2), 1);
    let members = Some(Cause::Member { names: vec!["t".to_owned()] });
    assert_eq!(story.outcome(), Some((Outcome::Failure, members)));
    assert_eq!(story.state.cells[0].saga.armed.len(), 1, "it can be, later");
}
