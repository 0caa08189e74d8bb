//! The parts of a job as they can be seen: stages, cells, steps, and how many are where.
//!
//! Not here: how events change them (`job_view.rs`).

use std::sync::Arc;
use std::time::Duration;

use super::caching::CacheView;
use super::shares::ShareWait;
use crate::logic::job::event::{Cause, Outcome};
use crate::logic::time::Timestamp;

/// Where a stage, a cell or a step stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Nothing of it has begun.
    #[default]
    Waiting,
    Running,
    /// Was asked to stop and has not ended yet.
    Stopping,
    /// Will be tried again at that time.
    Retrying(Timestamp),
    Done(Outcome),
}

impl Phase {
    /// Returns how it ended, if it did.
    #[must_use]
    pub fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Done(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// Says whether it has begun and not ended.
    #[must_use]
    pub fn is_live(self) -> bool {
        matches!(self, Self::Running | Self::Stopping | Self::Retrying(_))
    }
}

/// How many of something stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub waiting: usize,
    /// Running or stopping.
    pub live: usize,
    /// Waiting for a further try.
    pub retrying: usize,
    pub passed: usize,
    pub failed: usize,
    pub cancelled: usize,
    pub skipped: usize,
}

impl Counts {
    /// Returns how many there are.
    #[must_use]
    pub fn total(&self) -> usize {
        self.waiting + self.live + self.retrying + self.done()
    }

    /// Returns how many have ended.
    #[must_use]
    pub fn done(&self) -> usize {
        self.passed + self.failed + self.cancelled + self.skipped
    }

    pub(super) fn slot(&mut self, phase: Phase) -> &mut usize {
        match phase {
            Phase::Waiting => &mut self.waiting,
            Phase::Running | Phase::Stopping => &mut self.live,
            Phase::Retrying(_) => &mut self.retrying,
            Phase::Done(Outcome::Success) => &mut self.passed,
            Phase::Done(Outcome::Failure) => &mut self.failed,
            Phase::Done(Outcome::Cancelled) => &mut self.cancelled,
            Phase::Done(Outcome::Skipped) => &mut self.skipped,
        }
    }

    pub(super) fn change(&mut self, from: Phase, to: Phase) {
        let slot = self.slot(from);
        *slot = slot.saturating_sub(1);
        *self.slot(to) += 1;
    }
}

/// A stage.
#[derive(Clone, Debug, Default)]
pub struct StageView {
    pub phase: Phase,
    /// What it counts as for those who need it; differs by `continue-on-error`.
    pub result: Option<Outcome>,
    pub cause: Option<Cause>,
    /// Positions in `JobView::cells`, in the order of the expansion; empty before the stage starts.
    pub cells: Vec<u32>,
    /// Of its cells.
    pub counts: Counts,
    /// Who asked to skip it, until it has ended. While it waits, that can be withdrawn.
    pub skipping: Option<String>,
    /// Since it was begun or run on last.
    pub started: Option<Timestamp>,
    pub finished: Option<Timestamp>,
    /// How long it ran before it was run on or begun anew last.
    pub earlier: Duration,
    /// How many gates are open, before it or in its cells.
    pub gates: u32,
    /// How many of its cells are earlier results.
    pub cached: usize,
}

impl StageView {
    /// Returns how long it took, or has taken so far, all times that it ran together; nothing before it begins, also anew.
    #[must_use]
    pub fn elapsed(&self, now: Timestamp) -> Option<Duration> {
        self.started.map(|started| self.earlier + self.finished.unwrap_or(now).since(started))
    }
}

/// A cell.
#[derive(Clone, Debug)]
pub struct CellView {
    /// Position in the plan.
    pub stage: u32,
    /// Stable id, `STAGE` or `STAGE.8hex`.
    pub id: Arc<str>,
    /// `k=v, k=v`; empty without a matrix.
    pub label: Arc<str>,
    /// The combination as JSON; null without a matrix.
    pub matrix: Arc<serde_json::Value>,
    pub run: u32,
    pub phase: Phase,
    pub result: Option<Outcome>,
    pub cause: Option<Cause>,
    pub outputs: Vec<(Arc<str>, Arc<str>)>,
    /// Of this run of the cell; empty before it starts.
    pub steps: Vec<StepView>,
    /// The step that was touched last.
    pub current: Option<u32>,
    pub survivors: Vec<String>,
    /// Who asked to skip it, until it has ended.
    pub skipping: Option<String>,
    /// It had ended and is rolled back now.
    pub is_rolling: bool,
    pub started: Option<Timestamp>,
    pub finished: Option<Timestamp>,
    /// The open gate that it waits at.
    pub gate: Option<u32>,
    /// What it waits for that others have.
    pub waits: Option<ShareWait>,
    /// What the cache of results had to do with it.
    pub cache: Option<CacheView>,
}

/// A step of one run of a cell.
#[derive(Clone, Debug, Default)]
pub struct StepView {
    pub phase: Phase,
    /// The current try, from 1; 0 before the first.
    pub attempt: u32,
    /// What it counts as; differs by `continue-on-error` and `rescue`.
    pub conclusion: Option<Outcome>,
    pub cause: Option<Cause>,
    /// A block whose failure was made good by its `rescue`.
    pub rescued: bool,
    pub log_bytes: u64,
    /// First try.
    pub started: Option<Timestamp>,
    /// The current try.
    pub try_started: Option<Timestamp>,
    pub finished: Option<Timestamp>,
    /// Its gate, while that is open.
    pub gate: Option<u32>,
    /// What the cache of results had to do with it.
    pub cache: Option<CacheView>,
}

/// How a try ended after which there was another one, of its step or of its whole cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    pub outcome: Outcome,
    pub cause: Option<Cause>,
    pub took: Option<Duration>,
}
