//! States as people tell them apart, and the sign of each: one table for lines, bars and screens.
//!
//! Not here: colours (`out.rs`, the themes of screens), signs that move (`tui/motion.rs`), words (`words.rs`). Every sign is
//! one column wide and has no emoji variant, so that no terminal shifts a row. Start with `State::of`.

use crate::logic::job::event::{Cause, Outcome};
use crate::logic::view::{CacheView, CellView, JobView, Phase, StageView, StepView};

/// Where something stands, as screens tell it apart; the most severe first, which is how lists are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Waits for a person's decision.
    NeedsYou,
    Failed,
    TimedOut,
    /// Failed, and that was allowed or made good.
    Allowed,
    Stopping,
    Running,
    /// Failed and will be tried again.
    RetryWait,
    Paused,
    /// Could begin, but there is no slot.
    Queued,
    /// Waits for what it needs.
    Blocked,
    Passed,
    /// Its result is from an earlier job.
    Cached,
    Skipped,
    Cancelled,
    /// Done, and undone again.
    RolledBack,
}

impl State {
    /// Every state, the most severe first.
    pub const ALL: [Self; 15] = [
        Self::NeedsYou,
        Self::Failed,
        Self::TimedOut,
        Self::Allowed,
        Self::Stopping,
        Self::Running,
        Self::RetryWait,
        Self::Paused,
        Self::Queued,
        Self::Blocked,
        Self::Passed,
        Self::Cached,
        Self::Skipped,
        Self::Cancelled,
        Self::RolledBack,
    ];

    /// Returns the state of something of which only that is known. `result` is the outcome as dependents see it.
    #[must_use]
    pub fn of(phase: Phase, cause: Option<&Cause>, result: Option<Outcome>) -> Self {
        match phase {
            Phase::Done(_) if matches!(cause, Some(Cause::RolledBack { .. })) => Self::RolledBack,
            Phase::Waiting => Self::Blocked,
            Phase::Running => Self::Running,
            Phase::Stopping => Self::Stopping,
            Phase::Retrying(_) => Self::RetryWait,
            Phase::Done(Outcome::Success) => Self::Passed,
            Phase::Done(Outcome::Skipped) => Self::Skipped,
            Phase::Done(Outcome::Failure) if result == Some(Outcome::Success) => Self::Allowed,
            Phase::Done(Outcome::Failure | Outcome::Cancelled)
                if matches!(cause, Some(Cause::Timeout { .. })) =>
            {
                Self::TimedOut
            }
            Phase::Done(Outcome::Failure) => Self::Failed,
            Phase::Done(Outcome::Cancelled) => Self::Cancelled,
        }
    }

    /// Returns the state of a job.
    #[must_use]
    pub fn of_job(view: &JobView) -> Self {
        match Self::of(view.phase, view.cause.as_ref(), None) {
            Self::Running if view.paused.is_some() => Self::Paused,
            // Where something else is at work, that is what the job does.
            Self::Running if view.waiting_gates().next().is_some() && super::waits::at_work(view) == 0 => {
                Self::NeedsYou
            }
            state => state,
        }
    }

    /// Returns the state of a stage. One that has cells but runs none of them waits for a slot.
    #[must_use]
    pub fn of_stage(stage: &StageView) -> Self {
        match Self::of(stage.phase, stage.cause.as_ref(), stage.result) {
            Self::Blocked | Self::Running | Self::RetryWait if stage.gates > 0 => Self::NeedsYou,
            Self::Blocked if !stage.cells.is_empty() => Self::Queued,
            Self::Passed if stage.cached > 0 && stage.cached == stage.cells.len() => Self::Cached,
            state => state,
        }
    }

    /// Returns the state of a cell. There is none before its stage has started, so one that waits, waits for a slot.
    #[must_use]
    pub fn of_cell(cell: &CellView) -> Self {
        match Self::of(cell.phase, cell.cause.as_ref(), cell.result) {
            Self::Running if cell.gate.is_some() => Self::NeedsYou,
            Self::Blocked => Self::Queued,
            Self::Passed if matches!(cell.cache, Some(CacheView::Hit { .. })) => Self::Cached,
            state => state,
        }
    }

    /// Returns the state of a step.
    #[must_use]
    pub fn of_step(step: &StepView) -> Self {
        match Self::of(step.phase, step.cause.as_ref(), step.conclusion) {
            Self::Running if step.gate.is_some() => Self::NeedsYou,
            Self::Passed if matches!(step.cache, Some(CacheView::Hit { .. })) => Self::Cached,
            state => state,
        }
    }

    /// Returns it as it stands in a job: what runs of a frozen one stands still.
    #[must_use]
    pub fn within(self, view: &JobView) -> Self {
        match self {
            Self::Running | Self::Stopping | Self::RetryWait if view.is_frozen() => Self::Paused,
            state => state,
        }
    }

    /// Says whether its sign turns.
    #[must_use]
    pub fn is_spinning(self) -> bool {
        self == Self::Running
    }

    /// Returns its sign, one column wide; that of what runs stands still.
    #[must_use]
    pub fn sign(self, ascii: bool) -> &'static str {
        let (unicode, in_ascii) = match self {
            Self::NeedsYou => ("?", "?"),
            Self::Failed => ("✗", "X"),
            Self::TimedOut => ("⊖", "T"),
            Self::Allowed => ("!", "!"),
            Self::Stopping => ("▿", "v"),
            Self::Running => ("▹", ">"),
            Self::RetryWait => ("↻", "R"),
            Self::Paused => ("=", "="),
            Self::Queued | Self::Blocked => ("◦", "."),
            Self::Passed => ("✓", "+"),
            Self::Cached => ("⇣", "c"),
            Self::Skipped => ("⊘", "-"),
            Self::Cancelled => ("⊗", "/"),
            Self::RolledBack => ("↶", "<"),
        };
        if ascii { in_ascii } else { unicode }
    }
}
