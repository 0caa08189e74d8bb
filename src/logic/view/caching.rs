//! What of a job came from earlier results, and what was kept for later ones.

use std::sync::Arc;
use std::time::Duration;

use super::JobView;
use super::parts::{Phase, StepView};
use crate::logic::cache::{Hit, Kept, Unit};
use crate::logic::job::event::{Event, Outcome};
use crate::logic::job::report::{Annotation, AttemptKey};
use crate::logic::plan::{Plan, PlannedStage};
use crate::logic::playbook::model::Stage;
use crate::logic::time::Timestamp;

/// What the cache had to do with a cell or a step.
#[derive(Clone, Debug, PartialEq)]
pub enum CacheView {
    /// It is looked for, and that waits; for what, as the end of a sentence.
    Waits(Arc<str>),
    /// It did not run: an earlier result fitted.
    Hit {
        /// Number of the job that made it.
        made_by: u64,
        /// How long that took then.
        took: Duration,
        /// Files that had to be put back.
        restored: u32,
    },
    /// Nothing fitted, and why, as a clause.
    Missed { why: Arc<str>, is_hopeless: bool },
    /// Nothing fitted, and what was made was kept.
    Stored { why: Arc<str>, files: u32, bytes: u64 },
    /// Nothing fitted, and what was made could not be kept; why, in a sentence.
    NotStored { why: Arc<str>, message: Arc<str> },
}

impl CacheView {
    /// Returns why nothing fitted, as a clause; nothing for what fitted or is not known yet.
    #[must_use]
    pub fn missed(&self) -> Option<&str> {
        match self {
            Self::Missed { why, .. } | Self::Stored { why, .. } | Self::NotStored { why, .. } => Some(why),
            Self::Waits(_) | Self::Hit { .. } => None,
        }
    }
}

/// Sums over the cells and steps of a job, each as it was decided last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounts {
    pub hits: usize,
    pub misses: usize,
    pub stored: usize,
    /// What the hits took when they were made.
    pub saved: Duration,
}

impl CacheCounts {
    fn take_back(&mut self, decided: Option<Duration>) {
        match decided {
            Some(saved) => {
                self.hits = self.hits.saturating_sub(1);
                self.saved = self.saved.saturating_sub(saved);
            }
            None => self.misses = self.misses.saturating_sub(1),
        }
    }
}

impl JobView {
    pub(super) fn fold_cache(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::CacheHit { unit, hit } => {
                self.count(*unit, Some(Duration::from_micros(hit.record.took_us)));
                self.replay(*unit, hit, at);
                let took = Duration::from_micros(hit.record.took_us);
                let view = CacheView::Hit { made_by: hit.made_by, took, restored: hit.restored };
                self.set_cache(*unit, view);
                self.note_cache(*unit, &hit.notes);
            }
            Event::CacheMissed { unit, miss } if !miss.is_off() => {
                self.count(*unit, None);
                let view = CacheView::Missed { why: miss.brief().into(), is_hopeless: miss.is_hopeless };
                self.set_cache(*unit, view);
                self.note_cache(*unit, &miss.notes);
            }
            Event::CacheWaits { unit, message } => {
                self.set_cache(*unit, CacheView::Waits(message.as_str().into()));
            }
            Event::CacheKept { unit, kept } => {
                let why = self.cache_of(*unit).and_then(CacheView::missed).unwrap_or_default().into();
                let view = match kept {
                    Kept::Stored { files, bytes, notes, .. } => {
                        self.note_cache(*unit, notes);
                        self.cache.stored += 1;
                        CacheView::Stored { why, files: *files, bytes: *bytes }
                    }
                    Kept::Not { message, .. } => {
                        CacheView::NotStored { why, message: message.as_str().into() }
                    }
                };
                self.set_cache(*unit, view);
            }
            _ => {}
        }
    }

    /// Counts a decision: what is run again is decided again, and the last one counts.
    fn count(&mut self, unit: Unit, saved: Option<Duration>) {
        let sums = &mut self.cache;
        if let Some(before) = self.decided.insert((unit.cell, unit.step), saved) {
            sums.take_back(before);
        }
        match saved {
            Some(saved) => {
                sums.hits += 1;
                sums.saved += saved;
            }
            None => sums.misses += 1,
        }
    }

    /// Forgets what was decided about a cell, which runs again.
    pub(super) fn forget_cache(&mut self, cell: u32) {
        let of_cell = (cell, None)..=(cell, Some(u32::MAX));
        let keys: Vec<_> = self.decided.range(of_cell).map(|(key, _)| *key).collect();
        for key in keys {
            let Some(before) = self.decided.remove(&key) else { continue };
            self.cache.take_back(before);
            let is_whole_hit = key.1.is_none() && before.is_some();
            let stage = self.cells.get(cell as usize).map(|it| it.stage as usize);
            if let Some(stage) = stage.and_then(|at| self.stages.get_mut(at)).filter(|_| is_whole_hit) {
                stage.cached = stage.cached.saturating_sub(1);
            }
        }
    }

    /// Warnings of the cache stand with those of the cell.
    pub(super) fn note_cache(&mut self, unit: Unit, notes: &[String]) {
        let key =
            AttemptKey { cell: unit.cell, run: unit.run, step: unit.step.unwrap_or_default(), attempt: 1 };
        for note in notes {
            let annotation =
                Annotation { level: "warning".to_owned(), message: note.clone(), ..Annotation::default() };
            self.annotate(key, &annotation);
        }
    }

    /// Returns what the cache had to do with a cell or a step, if anything is known of that.
    #[must_use]
    pub fn cache_of(&self, unit: Unit) -> Option<&CacheView> {
        let it = self.cells.get(unit.cell as usize)?;
        match unit.step {
            Some(step) => it.steps.get(step as usize)?.cache.as_ref(),
            None => it.cache.as_ref(),
        }
    }

    /// Returns all of a cell, itself first, that was looked for and did not fit: why, as a clause, with the step.
    pub fn misses(&self, cell: u32) -> impl Iterator<Item = (Option<u32>, &str)> {
        let it = self.cells.get(cell as usize);
        let whole = it.and_then(|it| it.cache.as_ref()).and_then(CacheView::missed).map(|why| (None, why));
        let steps = it.into_iter().flat_map(|it| (0u32..).zip(&it.steps));
        let steps = steps.filter_map(|(at, step)| Some((Some(at), step.cache.as_ref()?.missed()?)));
        whole.into_iter().chain(steps)
    }

    /// Says whether the cell waits for nothing but a look into the cache, and for what that waits, if that is known.
    #[must_use]
    pub fn looks(&self, cell: u32) -> Option<Option<&str>> {
        let it = self.cells.get(cell as usize)?;
        let may_look = matches!(it.phase, Phase::Waiting | Phase::Retrying(_))
            && self.looked_for.get(it.stage as usize).copied().unwrap_or_default();
        match &it.cache {
            None if may_look => Some(None),
            Some(CacheView::Waits(what)) if may_look => Some(Some(what)),
            _ => None,
        }
    }

    /// Returns the step of a running cell that waits for nothing but a look into the cache, and for what that waits, if that
    /// is known.
    #[must_use]
    pub fn step_looks(&self, cell: u32) -> Option<(u32, Option<&str>)> {
        let it = self.cells.get(cell as usize)?;
        let tree = &self.playbook.stages.get(it.stage as usize)?.steps;
        let is_held = self.paused.is_some() || self.cancelling.is_some() || it.gate.is_some();
        if it.phase != Phase::Running || tree.is_concurrent || is_held || !self.looks_for_steps {
            return None;
        }
        // Where another one is under way nothing is looked for.
        let next = it.steps.iter().position(|step| !matches!(step.phase, Phase::Done(_)))?;
        let (step, model) = (&it.steps[next], tree.steps.get(next)?);
        let rule = model.cache.as_deref().filter(|rule| rule.mode.reads || rule.mode.writes);
        if step.phase != Phase::Waiting || rule.is_none() {
            return None;
        }
        let at = u32::try_from(next).ok()?;
        match &step.cache {
            None => Some((at, None)),
            Some(CacheView::Waits(what)) => Some((at, Some(what))),
            Some(_) => None,
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

/// Says of each stage of a plan whether its cells are looked for in the cache.
pub(super) fn looked_for(plan: &Plan) -> Vec<bool> {
    let stages = plan.playbook.stages.iter().zip(&plan.stages);
    let is_looked_for = |(model, planned): (&Stage, &PlannedStage)| {
        let rule = model.cache.as_deref().or(planned.cache.as_deref());
        !plan.cache.off && rule.is_some_and(|rule| rule.mode.reads || rule.mode.writes)
    };
    stages.map(is_looked_for).collect()
}
