//! What a cell does next: a walk over its tree of steps, answered from their states alone.
//!
//! Each list of steps (a stage's own, a block's, its rescue, its always, each member of a `parallel`) is a scope of its
//! own for `success()`. Several steps can be under way: the walk goes past those in the background and into all members
//! of a `parallel`, and answers one move at a time.
//! Not here: slots and stop requests (`follow.rs`), how a try's end is judged (`decide.rs`).

use super::event::{Cause, Outcome};
use super::report::AttemptKey;
use super::scope::{JobScope, ListStatus, Standing};
use super::state::{CellState, JobState, StepPhase};
use super::{files, sidecar, together, undo};
use crate::logic::playbook::files::FilesPart;
use crate::logic::playbook::model::{Action, If, StepTree};
use crate::logic::time::Timestamp;

/// The next move of a cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Something runs or waits; nothing to do.
    Busy,
    /// That step has begun, and its gate has to be opened, or has been closed.
    Gate {
        step: u32,
    },
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
    /// A step that has no process has ended: all members of a block, or all that a `wait` waits for.
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

#[derive(Clone, Copy)]
struct Walk<'a> {
    state: &'a JobState,
    cell: u32,
    it: &'a CellState,
    tree: &'a StepTree,
    pressure: Pressure,
    now: Timestamp,
    /// A sidecar has failed: what has not begun counts as behind a failure.
    is_broken: bool,
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
    let is_broken = sidecar::any_failed(it, tree);
    let walk = Walk { state, cell, it, tree, pressure, now, is_broken };
    if let Some(next) = walk.background() {
        return next;
    }
    match walk.list(&tree.body, ListKind::Plain) {
        ListEnd::Next(next) => next,
        // The end of a cell waits for everything that goes on in the background.
        ListEnd::Done { .. } if tree.background.iter().any(|&at| it.steps[at].is_open()) => Next::Busy,
        ListEnd::Done { .. } if sidecar::any_open(it, tree) => Next::Busy,
        ListEnd::Done { failed } => Next::End {
            failed: failed || is_broken || !together::unjoined_failures(it, &tree.background).is_empty(),
        },
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
        let is_late = self.pressure == Pressure::TimedOut || self.is_broken;
        let mut failed = kind == ListKind::Over || (kind == ListKind::Plain && is_late);
        for &at in list {
            let step = index(at);
            match &self.it.steps[at].phase {
                // It counts at its `wait`, or at the end.
                StepPhase::Done(_) | StepPhase::Running | StepPhase::Waiting { .. }
                    if self.tree.steps[at].background => {}
                StepPhase::Done(done) => failed |= done.conclusion == Some(Outcome::Failure),
                StepPhase::Waiting { until } => {
                    return ListEnd::Next(self.waiting(step, *until, kind, failed));
                }
                StepPhase::Running => return ListEnd::Next(self.running(step, kind)),
                StepPhase::Pending => return ListEnd::Next(self.pending(step, kind, failed)),
            }
        }
        ListEnd::Done { failed }
    }

    fn running(&self, step: u32, kind: ListKind) -> Next {
        match &self.tree.steps[step as usize].action {
            Action::Run { .. } => Next::Busy,
            Action::Approve(_) if self.is_asking(step) => Next::Busy,
            Action::Approve(_) => Next::Gate { step },
            Action::Block { block, rescue, always } => self.block(step, kind, (block, rescue, always)),
            Action::Parallel { members, fail_fast } => self.parallel(step, kind, members, *fail_fast),
            Action::Rollback => self.rollback(step),
            control @ (Action::Wait { .. } | Action::WaitAll | Action::Cancel { .. }) => {
                self.wait(step, kind, together::targets(self.tree, control))
            }
        }
    }

    /// Says whether the gate of a step is open, so that other steps may move on meanwhile.
    fn is_asking(&self, step: u32) -> bool {
        let gate = self.it.steps[step as usize].gate.and_then(|gate| self.state.gates.get(gate as usize));
        gate.is_some_and(|gate| gate.end.is_none())
    }

    fn waiting(&self, step: u32, until: Timestamp, kind: ListKind, failed: bool) -> Next {
        let goes_on = match self.pressure {
            Pressure::None => !self.is_broken || kind == ListKind::Always,
            Pressure::Cancelled | Pressure::TimedOut => kind == ListKind::Always,
            Pressure::Forced => false,
        };
        if !goes_on {
            let cancelled = !matches!(self.pressure, Pressure::None | Pressure::TimedOut);
            Next::Conclude { step, failed: !cancelled, rescued: false, cancelled }
        } else if let Some(next) = self.lost(step) {
            next
        } else if until <= self.now {
            self.begin(step, self.status(kind, failed))
        } else {
            Next::Busy
        }
    }

    /// What becomes of a step whose try was lost, before people have said that there is to be another one.
    fn lost(&self, step: u32) -> Option<Next> {
        let it = &self.it.steps[step as usize];
        it.lost.as_ref()?;
        let gate = it.gate.and_then(|gate| self.state.gates.get(gate as usize));
        match gate {
            Some(gate) if gate.values().is_some() => None,
            Some(gate) if gate.end.is_none() => Some(Next::Busy),
            _ => Some(Next::Gate { step }),
        }
    }

    /// What the steps that go on in the background need, wherever the foreground is.
    fn background(&self) -> Option<Next> {
        self.tree.background.iter().find_map(|&at| {
            let StepPhase::Waiting { until } = &self.it.steps[at].phase else { return None };
            let step = index(at);
            if let Some(cause) = together::why_stop(self.it, self.tree, at) {
                let failed = matches!(cause, Cause::Timeout { .. });
                return Some(Next::Conclude { step, failed, rescued: false, cancelled: !failed });
            }
            if self.pressure == Pressure::Forced {
                return Some(Next::Conclude { step, failed: false, rescued: false, cancelled: true });
            }
            let begin = || (*until <= self.now).then(|| self.begin(step, Status::default()));
            self.lost(step).or_else(begin).filter(|it| *it != Next::Busy)
        })
    }

    /// Begins a step, unless that would be more at once than a cell may have.
    fn begin(&self, step: u32, status: Status) -> Next {
        let model = &self.tree.steps[step as usize];
        if self.tree.is_concurrent && model.action.is_run() && model.part.is_none() {
            let is_step = |key: &AttemptKey| self.tree.steps[key.step as usize].part.is_none();
            let live = self.state.live_of(self.cell).filter(is_step).count();
            let open = |&&at: &&usize| at != step as usize && self.it.steps[at].is_open();
            let beside = self.tree.background.iter().filter(open).count();
            if live >= together::MOST_AT_ONCE || (model.background && beside >= together::MOST_IN_BACKGROUND)
            {
                return Next::Busy;
            }
        }
        Next::Start { step, status }
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
        let model = &self.tree.steps[step as usize];
        if let (Some(FilesPart::Save(of)), false, false) = (&model.files, failed, status.cancelled)
            && let Some(cause) = files::why_not(self.state, self.it, *of)
        {
            return Next::Skip { step, cause };
        }
        let Some(condition) = &model.condition else {
            // What was started in the background is waited for and stopped after failures, too.
            let is_control =
                matches!(model.action, Action::Wait { .. } | Action::WaitAll | Action::Cancel { .. });
            return if (failed && !is_control) || status.cancelled {
                Next::Skip { step, cause: Cause::Earlier }
            } else {
                self.begin(step, status)
            };
        };
        self.judge(step, condition, status)
    }

    fn judge(&self, step: u32, condition: &If, status: Status) -> Next {
        let standing = Standing::Cell { cell: self.cell, step: Some(step), status: status.into() };
        match condition.condition.eval(&JobScope::new(self.state, standing).for_condition()) {
            Ok(true) => self.begin(step, status),
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

    fn block(
        &self,
        step: u32,
        outer: ListKind,
        (block, rescue, always): (&[usize], &[usize], &[usize]),
    ) -> Next {
        let is_over = outer == ListKind::Over || self.it.steps[step as usize].stop.is_some();
        let kind = if is_over { ListKind::Over } else { ListKind::Plain };
        let mut failed = match self.list(block, kind) {
            ListEnd::Next(next) => return next,
            ListEnd::Done { failed } => failed,
        };
        if let Some(next) = self.wait_inside(step, &mut failed) {
            return next;
        }
        let cancelled = matches!(self.pressure, Pressure::Cancelled | Pressure::Forced);
        let mut saved = false;
        let may_rescue = self.pressure == Pressure::None && outer != ListKind::Over;
        // What has begun of it is seen through to its end, whatever came meanwhile.
        let is_rescuing = rescue.iter().any(|&at| self.is_in_the_way(at));
        if failed && !rescue.is_empty() && (may_rescue || is_rescuing) {
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

    /// Before a list may be tried again, everything that it started in the background has to end.
    fn wait_inside(&self, step: u32, failed: &mut bool) -> Option<Next> {
        if self.tree.background.is_empty() || self.tree.steps[step as usize].retry.is_none() {
            return None;
        }
        let inside = together::background_inside(self.tree, step as usize);
        *failed |= !together::unjoined_failures(self.it, &inside).is_empty();
        inside.iter().any(|&at| self.it.steps[at].is_open()).then_some(Next::Busy)
    }

    fn parallel(&self, step: u32, outer: ListKind, members: &[usize], fail_fast: bool) -> Next {
        let is_over = outer == ListKind::Over || self.it.steps[step as usize].stop.is_some();
        let (mut is_busy, mut failed) = (false, is_over);
        for &at in members {
            let is_broken = fail_fast && together::broken_by(self.it, members, at).is_some();
            let (pressure, kind) = match self.pressure {
                Pressure::None if is_broken && !self.it.steps[at].failed() => {
                    (Pressure::Cancelled, ListKind::Plain)
                }
                pressure if is_over => (pressure, ListKind::Over),
                pressure => (pressure, outer),
            };
            match (Walk { pressure, ..*self }).list(&[at], kind) {
                ListEnd::Next(Next::Busy) => is_busy = true,
                ListEnd::Next(next) => return next,
                ListEnd::Done { failed: of_member } => failed |= of_member,
            }
        }
        if is_busy {
            return Next::Busy;
        }
        if let Some(next) = self.wait_inside(step, &mut failed) {
            return next;
        }
        let is_cancelled = matches!(self.pressure, Pressure::Cancelled | Pressure::Forced);
        let cancelled = is_cancelled && !failed && self.any_cancelled(members);
        Next::Conclude { step, failed, rescued: false, cancelled }
    }

    /// A `wait` or `cancel`: it ends with the last of the steps that it is about. What has not begun is not waited for.
    fn wait(&self, step: u32, kind: ListKind, targets: &[usize]) -> Next {
        let model = &self.tree.steps[step as usize];
        let of = &self.it.steps[step as usize];
        let is_late = kind == ListKind::Over || together::is_over(model, of.attempt_since, self.now);
        let is_open = targets.iter().any(|&at| self.it.steps[at].is_open());
        if is_open && !is_late {
            return Next::Busy;
        }
        let failed = is_open || !together::unjoined_failures(self.it, targets).is_empty();
        Next::Conclude { step, failed, rescued: false, cancelled: false }
    }

    /// A step with `rollback`. A cancel lets it go on, a forced one ends it.
    fn rollback(&self, step: u32) -> Next {
        let is_forced = self.pressure == Pressure::Forced;
        match undo::next(self.it, self.tree, is_forced, self.now) {
            undo::Next::Busy => Next::Busy,
            undo::Next::Start { step } => Next::Start { step, status: Status::default() },
            undo::Next::GiveUp { step } => {
                Next::Conclude { step, failed: false, rescued: false, cancelled: true }
            }
            undo::Next::Done => {
                let failed = undo::failed(self.it).next().is_some();
                Next::Conclude { step, failed, rescued: false, cancelled: is_forced && !failed }
            }
        }
    }

    fn is_in_the_way(&self, at: usize) -> bool {
        self.it.steps[at].is_open() && !self.tree.steps[at].background
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
