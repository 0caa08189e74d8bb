//! What of a job came from earlier results, and what was kept for later ones.

use std::time::Duration;

use super::JobView;
use super::parts::{Phase, StepView};
use crate::logic::cache::{Hit, Kept, Unit};
use crate::logic::job::event::{Event, Outcome};
use crate::logic::job::report::AttemptKey;
use crate::logic::time::Timestamp;

/// What the cache had to do with a cell or a step.
#[derive(Clone, Debug, PartialEq)]
pub enum CacheView {
    /// It did not run: an earlier result fitted.
    Hit {
        /// Number of the job that made it.
        made_by: u64,
        /// How long that took then.
        took: Duration,
        /// Files that had to be put back.
        restored: u32,
    },
    /// Nothing fitted, and why.
    Missed { reason: String, message: String },
    /// Nothing fitted, and what was made was kept.
    Stored { files: u32, bytes: u64 },
    /// Nothing fitted, and what was made could not be kept.
    NotStored { reason: String, message: String },
}

/// Sums over a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounts {
    pub hits: usize,
    pub misses: usize,
    pub stored: usize,
    /// What the hits took when they were made.
    pub saved: Duration,
}

impl JobView {
    pub(super) fn fold_cache(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::CacheHit { unit, hit } => {
                self.cache.hits += 1;
                self.cache.saved += Duration::from_micros(hit.record.took_us);
                self.replay(*unit, hit, at);
                let took = Duration::from_micros(hit.record.took_us);
                let view = CacheView::Hit { made_by: hit.made_by, took, restored: hit.restored };
                self.set_cache(*unit, view);
            }
            Event::CacheMissed { unit, miss } if !miss.is_off() => {
                self.cache.misses += 1;
                let (reason, message) = (miss.reason.clone(), miss.message.clone());
                self.set_cache(*unit, CacheView::Missed { reason, message });
            }
            Event::CacheKept { unit, kept } => {
                let view = match kept {
                    Kept::Stored { files, bytes, .. } => {
                        self.cache.stored += 1;
                        CacheView::Stored { files: *files, bytes: *bytes }
                    }
                    Kept::Not { reason, message } => {
                        CacheView::NotStored { reason: reason.clone(), message: message.clone() }
                    }
                };
                self.set_cache(*unit, view);
            }
            _ => {}
        }
    }

    fn set_cache(&mut self, unit: Unit, view: CacheView) {
        let Some(it) = self.current(unit.cell, unit.run) else { return };
        let stage = it.stage;
        let is_hit = matches!(view, CacheView::Hit { .. });
        match unit.step {
            Some(step) => {
                if let Some(step) = it.steps.get_mut(step as usize) {
                    step.cache = Some(view);
                }
            }
            None => {
                it.cache = Some(view);
                if let Some(stage) = self.stages.get_mut(stage as usize).filter(|_| is_hit) {
                    stage.cached += 1;
                }
            }
        }
    }

    fn replay(&mut self, unit: Unit, hit: &Hit, at: Timestamp) {
        let Some(it) = self.current(unit.cell, unit.run) else { return };
        let stage = it.stage;
        let steps = self.playbook.stages.get(stage as usize).map_or(0, |stage| stage.steps.steps.len());
        let Some(it) = self.current(unit.cell, unit.run) else { return };
        if it.steps.len() != steps {
            it.steps = vec![StepView::default(); steps];
        }
        for replay in &hit.record.steps {
            let end = &replay.end;
            let Some(it) = self.cells[unit.cell as usize].steps.get_mut(end.key.step as usize) else {
                continue;
            };
            it.phase = Phase::Done(end.outcome);
            it.conclusion = Some(end.conclusion);
            it.cause.clone_from(&end.cause);
            it.rescued = end.rescued;
            it.log_bytes = end.log_bytes;
            it.finished = Some(at);
            if end.outcome == Outcome::Skipped {
                continue;
            }
            it.attempt = 1;
            let key = AttemptKey { cell: unit.cell, run: unit.run, step: end.key.step, attempt: 1 };
            if end.log_bytes > 0 {
                self.attempts.push(key);
            }
            self.cells[unit.cell as usize].current = Some(end.key.step);
            if !end.summary.is_empty() {
                self.summaries.push((key, end.summary.clone()));
            }
            for annotation in &replay.annotations {
                self.annotate(key, annotation);
            }
        }
    }
}
