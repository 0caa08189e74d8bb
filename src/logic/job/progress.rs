//! What a cell does next: a walk over its tree of steps, answered from their states alone.
//!
//! Each list of steps (a stage's own, a block's, its rescue, its always) is a scope of its own for `success()`.
//! Not here: slots and stop requests (`follow.rs`), how a try's end is judged (`decide.rs`).

use super::event::{Cause, Outcome};
use super::scope::{JobScope, ListStatus, Standing};
use super::state::{CellState, JobState, StepPhase};
use crate::logic::playbook::model::{Action, If, StepTree};
use crate::logic::time::Timestamp;

/// The next move of a cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Something runs or waits; nothing to do.
    Busy,
    /// Begin the next try of that step or block.
    Start {
        step: u32,
        status: Status,
    },
    Skip {
        step: u32,
        cause: Cause,
    },
    /// The step cannot run: its condition could not be evaluated.
    Fail {
        step: u32,
        message: String,
    },
    /// All members of a block have ended.
    Conclude {
        step: u32,
        failed: bool,
        rescued: bool,
        cancelled: bool,
    },
    /// The digest of these files is needed first.
    Hash(Vec<String>),
    /// All steps have ended.
    End {
        failed: bool,
    },
}

/// A copy of [`ListStatus`] that can be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    pub failed: bool,
    pub cancelled: bool,
}

impl From<Status> for ListStatus {
    fn from(it: Status) -> Self {
        Self { failed: it.failed, cancelled: it.cancelled }
    }
}

/// How a cell's own end is pressed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pressure {
    None,
    /// Asked to stop by an order or by fail-fast: only what asks for it still runs.
    Cancelled,
    /// Its time is over: counts as failed.
    TimedOut,
    /// Nothing more runs, no cleanup either.
    Forced,
}

struct Walk<'a> {
    state: &'a JobState,
    cell: u32,
    it: &'a CellState,
    tree: &'a StepTree,
    pressure: Pressure,
    now: Timestamp,
}

enum ListEnd {
    Next(Next),
    Done { failed: bool },
}

/// Returns the next move of an active cell.
#[must_use]
pub fn next(state: &JobState, cell: u32, pressure: Pressure, now: Timestamp) -> Next {
    let it = &state.cells[cell as usize];
    let tree = &state.setting.plan.playbook.stages[it.stage as usize].steps;
    let walk = Walk { state, cell, it, tree, pressure, now };
    match walk.list(&tree.body, ListKind::Plain) {
        ListEnd::Next(next) => next,
        ListEnd::Done { failed } => Next::End { failed },
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ListKind {
    /// A stage's steps, a block, a rescue.
    Plain,
    /// A block whose time is over: what has not begun is left out.
    Over,
    /// `always`: goes on through a cancel.
    Always,
}

impl Walk<'_> {
    fn list(&self, list: &[usize], kind: ListKind) -> ListEnd {
        let mut failed =
            kind == ListKind::Over || (kind == ListKind::Plain && self.pressure == Pressure::TimedOut);
        for &at in list {
            let step = index(at);
            match &self.it.steps[at].phase {
                StepPhase::Done(done) => failed |= done.conclusion == Some(Outcome::Failure),
                StepPhase::Waiting { until } => {
                    let goes_on = match self.pressure {
                        Pressure::None => true,
                        Pressure::Cancelled | Pressure::TimedOut => kind == ListKind::Always,
                        Pressure::Forced => false,
                    };
                    if !goes_on {
                        let cancelled = self.pressure != Pressure::TimedOut;
                        return ListEnd::Next(Next::Conclude {
                            step,
                            failed: !cancelled,
                            rescued: false,
                            cancelled,
                        });
                    }
                    return ListEnd::Next(if *until <= self.now {
                        Next::Start { step, status: self.status(kind, failed) }
                    } else {
                        Next::Busy
                    });
                }
                StepPhase::Running => match &self.tree.steps[at].action {
                    Action::Run { .. } => return ListEnd::Next(Next::Busy),
                    Action::Block { block, rescue, always } => {
                        return ListEnd::Next(self.block(step, (block, rescue, always)));
                    }
                },
                StepPhase::Pending => return ListEnd::Next(self.pending(step, kind, failed)),
            }
        }
        ListEnd::Done { failed }
    }

    fn status(&self, kind: ListKind, failed: bool) -> Status {
        let cancelled = self.pressure == Pressure::Cancelled && kind != ListKind::Always;
        Status { failed, cancelled }
    }

    fn pending(&self, step: u32, kind: ListKind, failed: bool) -> Next {
        if self.pressure == Pressure::Forced || kind == ListKind::Over {
            return Next::Skip { step, cause: Cause::Earlier };
        }
        let status = self.status(kind, failed);
        let Some(condition) = &self.tree.steps[step as usize].condition else {
            return if failed || status.cancelled {
                Next::Skip { step, cause: Cause::Earlier }
            } else {
                Next::Start { step, status }
            };
        };
        self.judge(step, condition, status)
    }

    fn judge(&self, step: u32, condition: &If, status: Status) -> Next {
        let standing = Standing::Cell { cell: self.cell, step: Some(step), status: status.into() };
        match condition.condition.eval(&JobScope::new(self.state, standing)) {
            Ok(true) => Next::Start { step, status },
            Ok(false) if (status.failed || status.cancelled) && condition.condition.needs_success() => {
                Next::Skip { step, cause: Cause::Earlier }
            }
            Ok(false) => Next::Skip { step, cause: Cause::Condition { text: condition.source.to_string() } },
            Err(error) => match error.wanted_hash {
                Some(patterns) => Next::Hash(patterns),
                None => Next::Fail { step, message: error.message },
            },
        }
    }

    fn block(&self, step: u32, (block, rescue, always): (&[usize], &[usize], &[usize])) -> Next {
        let over = self.it.steps[step as usize].stop.is_some();
        let kind = if over { ListKind::Over } else { ListKind::Plain };
        let failed = match self.list(block, kind) {
            ListEnd::Next(next) => return next,
            ListEnd::Done { failed } => failed,
        };
        let cancelled = matches!(self.pressure, Pressure::Cancelled | Pressure::Forced);
        let mut saved = false;
        if failed && !cancelled && !rescue.is_empty() && self.pressure == Pressure::None {
            match self.list(rescue, ListKind::Plain) {
                ListEnd::Next(next) => return next,
                ListEnd::Done { failed } => saved = !failed,
            }
        }
        let always_failed = match self.list(always, ListKind::Always) {
            ListEnd::Next(next) => return next,
            ListEnd::Done { failed } => failed,
        };
        let was_cancelled = cancelled && self.any_cancelled(block);
        Next::Conclude {
            step,
            failed: (failed && !saved) || always_failed,
            rescued: saved && !always_failed,
            cancelled: was_cancelled && !failed && !always_failed,
        }
    }

    fn any_cancelled(&self, list: &[usize]) -> bool {
        list.iter().any(|&at| {
            self.it.steps[at]
                .done()
                .is_some_and(|d| matches!(d.conclusion, Some(Outcome::Cancelled | Outcome::Skipped)))
        })
    }
}

fn index(at: usize) -> u32 {
    u32::try_from(at).expect("the reader's budget keeps steps far below this")
}
