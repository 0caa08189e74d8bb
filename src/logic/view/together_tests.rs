//! Which step stands for a cell of which several run, and what a rollback makes of a view.

use std::sync::Arc;

use crate::logic::job::event::{Cause, Envelope, Event, NewCell, Outcome, StepEnd};
use crate::logic::job::order::Target;
use crate::logic::job::report::AttemptKey;
use crate::logic::playbook::read;
use crate::logic::playbook::source::Source;
use crate::logic::time::Timestamp;
use crate::logic::view::{JobView, Phase};

/// A server in the background, two that run together, one that can be undone.
const TEXT: &str = "version: 3\nstages: { t: { steps: [{ id: server, run: a, background: true }, { parallel: [{ id: one, \
                    run: b }, { id: two, run: c }] }, { id: up, run: d, undo: { run: e } }, { wait-all: true }] } }\n";

struct Fold {
    view: JobView,
    seq: u64,
}

impl Fold {
    fn started() -> Self {
        let playbook = read(&Source::new("t.yml", TEXT)).playbook.expect("the playbook is sound");
        let mut fold = Self { view: JobView::new(Arc::new(playbook)), seq: 0 };
        let cell = NewCell { cell: 0, run: 1, id: "t".into(), label: "".into(), matrix: Arc::default() };
        fold.tell(Event::JobStarted { attempt: 1, title: None });
        fold.tell(Event::StageStarted { stage: 0, cells: vec![cell] });
        fold.tell(Event::CellStarted { cell: 0, run: 1 });
        fold
    }

    fn tell(&mut self, event: Event) {
        self.seq += 1;
        let time = Timestamp(i64::try_from(self.seq).unwrap_or(0) * 1_000_000);
        self.view.fold(&Envelope { seq: self.seq, time, event });
    }

    fn starts(&mut self, step: u32) {
        self.tell(Event::StepStarted { key: key(step) });
    }

    fn ends(&mut self, step: u32, outcome: Outcome) {
        self.tell(Event::StepFinished(Box::new(StepEnd {
            outcome,
            conclusion: outcome,
            ..StepEnd::new(key(step))
        })));
    }

    fn shown(&self) -> (Option<u32>, usize) {
        (self.view.cells[0].current, self.view.beside(0))
    }
}

fn key(step: u32) -> AttemptKey {
    AttemptKey { cell: 0, run: 1, step, attempt: 1 }
}

#[test]
fn a_command_in_the_foreground_stands_for_its_cell_and_the_others_are_counted() {
    let mut fold = Fold::started();
    fold.starts(0);
    assert_eq!(fold.shown(), (Some(0), 0));
    for step in [1, 2, 3] {
        fold.starts(step);
    }
    assert_eq!(fold.shown(), (Some(3), 2));
    fold.ends(3, Outcome::Success);
    assert_eq!(fold.shown(), (Some(2), 1), "the other one that runs, not the one that has ended");
    fold.ends(2, Outcome::Success);
    fold.ends(1, Outcome::Success);
    fold.starts(6);
    assert_eq!(fold.shown(), (Some(6), 1), "it waits for the server");
}

#[test]
fn a_cell_that_is_rolled_back_runs_again_and_says_so_at_its_end() {
    let mut fold = Fold::started();
    fold.starts(4);
    fold.ends(4, Outcome::Success);
    assert!(fold.view.is_unused_undo(0, 5) && fold.view.can_roll_back());
    let done = Outcome::Success;
    let end = |cause: Option<Cause>| Event::CellFinished {
        cell: 0,
        run: 1,
        outcome: done,
        result: done,
        cause,
        outputs: vec![],
    };
    fold.tell(end(None));
    fold.tell(Event::StageFinished { stage: 0, outcome: done, result: done, cause: None });
    fold.tell(Event::JobFinished {
        outcome: done,
        cause: None,
        rescued: false,
        outputs: vec![],
        survivors: vec![],
    });
    let before = fold.view.elapsed(Timestamp::default());
    fold.tell(Event::RollbackAsked {
        by: "ann".to_owned(),
        order: String::new(),
        target: Target::Job,
        cells: vec![0],
        on_failure: None,
    });
    let phases = (fold.view.phase, fold.view.stages[0].phase, fold.view.cells[0].phase);
    assert_eq!(phases, (Phase::Running, Phase::Running, Phase::Running));
    assert!(
        fold.view.cells[0].is_rolling && fold.view.elapsed(fold.view.at) == before,
        "the time between does not count"
    );
    fold.starts(5);
    fold.ends(5, Outcome::Success);
    fold.tell(end(Some(Cause::rolled_back(None))));
    assert!(!fold.view.cells[0].is_rolling && !fold.view.can_roll_back());
    assert_eq!((fold.view.cell_counts.passed, fold.view.cell_counts.live), (1, 0));
}
