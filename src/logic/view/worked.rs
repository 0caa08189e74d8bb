//! The time that a job ran: from each start to the end after it, without its waits in a queue and without what it was frozen.
//!
//! The one rule for it, for whoever folds all of a job and for whoever reads only the few events that tell. Not here: how
//! long stages and cells took (`parts.rs`).

use std::time::Duration;

use crate::logic::job::event::Event;
use crate::logic::job::order::Target;
use crate::logic::time::Timestamp;

/// When a job ran.
#[derive(Clone, Debug, Default)]
pub struct Worked {
    /// Start of this attempt of the job, moved by the time that it was frozen since.
    pub started: Option<Timestamp>,
    pub finished: Option<Timestamp>,
    /// Since when its clocks stand, while they do.
    pub frozen: Option<Timestamp>,
    /// How long earlier attempts took together. From the end of one to the start of the next it did not run.
    earlier: Duration,
    /// It has begun, and waits for its turn again.
    is_queued: bool,
}

impl Worked {
    /// Types of the events that tell; all others change nothing here.
    pub const TYPES: [&str; 12] = [
        "job.started",
        "job.paused",
        "job.resumed",
        "job.retrying",
        "job.queued",
        "job.claimed",
        "job.completed",
        "job.failed",
        "job.cancelled",
        "job.skipped",
        "order.cancel",
        "order.rollback",
    ];

    /// Returns what the clocks of the job show at a time.
    #[must_use]
    pub fn clock(&self, now: Timestamp) -> Timestamp {
        self.frozen.map_or(now, |since| since.min(now))
    }

    /// Lets the clocks go on, if an event does that; returns for how long they stood.
    pub fn thaw(&mut self, event: &Event, at: Timestamp) -> Option<Duration> {
        let thaws = matches!(
            event,
            Event::JobResumed { .. }
                | Event::JobFinished { .. }
                | Event::CancelAsked { target: Target::Job, .. }
        );
        let by = at.since(self.frozen.take_if(|_| thaws)?);
        self.started.iter_mut().for_each(|it| *it = it.after(by));
        Some(by)
    }

    /// Takes one event in, which came when the clocks showed that time. What it thaws has been thawed.
    pub fn fold(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::JobStarted { .. } => self.started = Some(at),
            Event::JobPaused { freeze: true, .. } => {
                self.frozen.get_or_insert(at);
            }
            // One that still runs goes on, and so does its clock.
            Event::JobRetrying { .. } | Event::RollbackAsked { .. } if self.finished.is_some() => {
                self.earlier = self.elapsed(at);
                (self.started, self.finished) = (Some(at), None);
            }
            Event::JobQueued { .. } => self.is_queued = self.started.is_some(),
            Event::CancelAsked { target: Target::Job, .. } => self.is_queued = false,
            Event::ClaimsHeld { cell: None, .. } if std::mem::take(&mut self.is_queued) => {
                self.started = Some(at);
            }
            Event::JobFinished { .. } => self.finished = Some(at),
            _ => {}
        }
    }

    /// Returns how long the job took, or has taken so far, all of its attempts together.
    #[must_use]
    pub fn elapsed(&self, now: Timestamp) -> Duration {
        self.earlier + self.of_attempt(now)
    }

    /// Returns the same of its last attempt.
    #[must_use]
    pub fn of_attempt(&self, now: Timestamp) -> Duration {
        self.started.map_or(Duration::ZERO, |started| self.finished.unwrap_or(now).since(started))
    }
}
