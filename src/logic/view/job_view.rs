//! One job as it can be seen, kept up to date event by event.
//!
//! Every event costs the same however large the job is, except that a starting stage costs one step for each of
//! its cells. An event that does not fit changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::artifacts::Artifacts;
use super::caching::CacheCounts;
use super::calls::Calls;
use super::parts::{CellView, Counts, Phase, StageView, StepView, Tried};
use super::shares::ShareWait;
use super::worked::Worked;
use crate::logic::cache::Unit;
use crate::logic::job::event::{Cause, Envelope, Event, NewCell, Outcome, StepEnd};
use crate::logic::job::gate::GateState;
use crate::logic::job::order::{RetryScope, Target};
use crate::logic::job::report::{Annotation, AttemptKey};
use crate::logic::plan::Plan;
use crate::logic::playbook::model::{Playbook, Step};
use crate::logic::time::Timestamp;

/// Most annotations that are kept; the rest is only counted.
const ANNOTATIONS_KEPT: usize = 1_000;

/// A job.
#[derive(Clone, Debug)]
pub struct JobView {
    pub playbook: Arc<Playbook>,
    /// Of the last event that was folded.
    pub seq: u64,
    /// The time of that event, which is the last that is known of a job that nobody works on.
    pub at: Timestamp,
    pub phase: Phase,
    /// What `run-name` came to.
    pub title: Option<String>,
    /// Counts retries of the whole job, from 1.
    pub attempt: u32,
    /// Who paused it, while it is paused.
    pub paused: Option<String>,
    /// Who asked to cancel all of it, while that goes on.
    pub cancelling: Option<String>,
    pub cause: Option<Cause>,
    /// Some failure was made good by a `rescue`.
    pub rescued: bool,
    pub outputs: Vec<(Arc<str>, Arc<str>)>,
    /// Processes that would not end.
    pub survivors: Vec<String>,
    /// Its first start.
    pub begun: Option<Timestamp>,
    /// When it ran, and whether it is frozen: what runs is stopped then, too, and the clocks stand.
    pub worked: Worked,
    /// One for each stage of the playbook, same positions.
    pub stages: Vec<StageView>,
    /// In the order of their expansion; an event names a cell by this position.
    pub cells: Vec<CellView>,
    pub stage_counts: Counts,
    pub cell_counts: Counts,
    /// Cells that have begun and not ended, those that wait for a further try included.
    pub live: BTreeSet<u32>,
    /// Every try that was started, in that order.
    pub attempts: Vec<AttemptKey>,
    /// Ends of tries that are not the last of their step or cell.
    pub tried: BTreeMap<AttemptKey, Tried>,
    /// Steps that failed, in that order, earlier runs of a cell included.
    failures: Vec<AttemptKey>,
    pub annotations: Vec<(AttemptKey, Annotation)>,
    /// All of them, those not kept included.
    pub annotation_count: usize,
    /// Markdown that steps wrote, in the order of their ends.
    pub summaries: Vec<(AttemptKey, String)>,
    /// In the order of their opening; an event names a gate by this position.
    pub gates: Vec<GateState>,
    /// Those of them that are open.
    pub(super) open_gates: BTreeSet<u32>,
    /// What the job as a whole waits for that others have.
    pub waits: Option<ShareWait>,
    /// How much of it came from earlier results.
    pub cache: CacheCounts,
    /// What was decided last about each cell and step: what a hit saved, or nothing of a miss.
    pub(super) decided: BTreeMap<(u32, Option<u32>), Option<Duration>>,
    /// Of each stage, whether its cells are looked for in the cache before they wait for a slot; empty where the plan
    /// is not known.
    pub(super) looked_for: Vec<bool>,
    /// So are steps with a `cache` of their own.
    pub(super) looks_for_steps: bool,
    pub(super) calls: Calls,
    /// What cells have kept for others.
    pub artifacts: Artifacts,
}

impl JobView {
    /// Returns the view of a job of which no event is known yet.
    #[must_use]
    pub fn new(playbook: Arc<Playbook>) -> Self {
        let stages = vec![StageView::default(); playbook.stages.len()];
        let stage_count = stages.len();
        Self {
            seq: 0,
            at: Timestamp::default(),
            phase: Phase::Waiting,
            title: None,
            attempt: 0,
            paused: None,
            cancelling: None,
            cause: None,
            rescued: false,
            outputs: Vec::new(),
            survivors: Vec::new(),
            begun: None,
            worked: Worked::default(),
            stage_counts: Counts { waiting: stage_count, ..Counts::default() },
            stages,
            // As in the state of the job.
            cells: Vec::with_capacity(stage_count),
            cell_counts: Counts::default(),
            live: BTreeSet::new(),
            attempts: Vec::new(),
            tried: BTreeMap::new(),
            failures: Vec::new(),
            annotations: Vec::new(),
            annotation_count: 0,
            summaries: Vec::new(),
            gates: Vec::new(),
            open_gates: BTreeSet::new(),
            waits: None,
            cache: CacheCounts::default(),
            decided: BTreeMap::new(),
            looked_for: Vec::new(),
            looks_for_steps: false,
            calls: Calls::default(),
            artifacts: Artifacts::default(),
            playbook,
        }
    }

    /// Returns the same for a job whose plan is known.
    #[must_use]
    pub fn of_plan(plan: &Plan) -> Self {
        let looked_for = super::caching::looked_for(plan);
        let looks_for_steps = !plan.cache.off;
        Self { looked_for, looks_for_steps, calls: Calls::of(plan), ..Self::new(Arc::clone(&plan.playbook)) }
    }

    /// Takes one event in. One that was taken in before is ignored.
    pub fn fold(&mut self, envelope: &Envelope) {
        if envelope.seq <= self.seq {
            return;
        }
        self.seq = envelope.seq;
        let at = envelope.time;
        self.at = at;
        self.thaw(&envelope.event, at);
        let at = self.clock(at);
        self.worked.fold(&envelope.event, at);
        match &envelope.event {
            Event::StageStarted { stage, cells } => self.stage_started(*stage, cells),
            // Only its number is taken; it is shown when its stage starts.
            Event::StageSubmitted { stage, cell, .. } if cell.cell as usize == self.cells.len() => {
                self.cells.push(new_cell(*stage, cell));
            }
            Event::StageFinished { stage, outcome, result, cause } => {
                self.set_stage(*stage, Phase::Done(*outcome));
                if let Some(it) = self.stages.get_mut(*stage as usize) {
                    it.result = Some(*result);
                    it.cause.clone_from(cause);
                    it.finished = Some(at);
                    it.skipping = None;
                }
            }
            Event::CellStarted { .. }
            | Event::CellStopping { .. }
            | Event::CellRetrying { .. }
            | Event::CellSwept { .. }
            | Event::CellFinished { .. } => self.fold_cell(&envelope.event, at),
            Event::StepStarted { .. }
            | Event::StepStopping { .. }
            | Event::StepRetrying { .. }
            | Event::StepFinished(_)
            | Event::StepSkipped { .. } => {
                self.fold_step(&envelope.event, at);
                super::together::look(self, &envelope.event);
            }
            Event::Annotated { key, annotation } => self.annotate(*key, annotation),
            Event::CacheHit { .. }
            | Event::CacheWaits { .. }
            | Event::CacheMissed { .. }
            | Event::CacheKept { .. } => {
                self.fold_cache(&envelope.event, at);
            }
            Event::ArtifactsTaken { cell, run, taken } => {
                self.artifacts.fold(&envelope.event);
                let unit = Unit { cell: *cell, run: *run, step: None };
                taken.iter().for_each(|it| self.note_cache(unit, &it.notes));
            }
            Event::ArtifactPublished { .. } | Event::ArtifactEmpty { .. } | Event::ArtifactsFailed { .. } => {
                self.artifacts.fold(&envelope.event)
            }
            Event::GateOpened(_)
            | Event::GateAnswered(_)
            | Event::GateApproved(_)
            | Event::GateRejected(_)
            | Event::GateExpired { .. }
            | Event::GateWithdrawn { .. }
            | Event::GateReminded { .. } => self.fold_gate(&envelope.event, at),
            Event::JobQueued { .. }
            | Event::CellQueued { .. }
            | Event::ClaimsBlocked { .. }
            | Event::ClaimsHeld { .. }
            | Event::ClaimsLost { .. } => self.fold_shares(&envelope.event, at),
            other => self.fold_job(other, at),
        }
    }

    pub(super) fn annotate(&mut self, key: AttemptKey, annotation: &Annotation) {
        self.annotation_count += 1;
        if self.annotations.len() < ANNOTATIONS_KEPT {
            self.annotations.push((key, annotation.clone()));
        }
    }

    fn fold_job(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::JobStarted { attempt, title } => {
                self.title.clone_from(title);
                self.phase = Phase::Running;
                self.attempt = *attempt;
                self.begun.get_or_insert(at);
            }
            Event::JobPaused { by, .. } => self.paused = Some(by.clone()),
            Event::JobResumed { .. } => self.paused = None,
            Event::JobRetrying { stages, cells, attempt, .. } => {
                self.phase = Phase::Running;
                self.attempt = *attempt;
                self.cause = None;
                self.cancelling = None;
                self.rescued = false;
                for &stage in stages {
                    self.reopen_stage(stage, Phase::Waiting, None);
                    let cells = self.stages.get(stage as usize).map_or_else(Vec::new, |it| it.cells.clone());
                    for cell in cells {
                        self.restart_cell(cell, Phase::Waiting);
                    }
                }
                for &cell in cells {
                    let Some(stage) = self.cells.get(cell as usize).map(|it| it.stage) else { continue };
                    self.reopen_stage(stage, Phase::Running, Some(at));
                    self.restart_cell(cell, Phase::Waiting);
                }
            }
            Event::JobFinished { outcome, cause, rescued, outputs, survivors } => {
                self.phase = Phase::Done(*outcome);
                self.cause.clone_from(cause);
                self.rescued = *rescued;
                self.outputs.clone_from(outputs);
                self.survivors.clone_from(survivors);
                self.paused = None;
                self.waits = None;
            }
            Event::CancelAsked { target: Target::Job, by, .. } => {
                self.cancelling = Some(by.clone());
                self.phase = Phase::Stopping;
            }
            Event::RollbackAsked { cells, on_failure, .. } => {
                super::together::rollback_asked(self, cells, on_failure.is_some(), at);
            }
            Event::SkipAsked { target, by, .. } => self.skip_asked(target, Some(by)),
            Event::SkipWithdrawn { target, .. } => self.skip_asked(target, None),
            _ => {}
        }
    }

    fn stage_started(&mut self, stage: u32, cells: &[NewCell]) {
        if self.stages.get(stage as usize).is_none() {
            return;
        }
        // It waits on until one of its cells has a slot.
        self.set_stage(stage, Phase::Waiting);
        for &earlier in &self.stages[stage as usize].cells {
            if let Some(cell) = self.cells.get(earlier as usize) {
                let slot = self.cell_counts.slot(cell.phase);
                *slot = slot.saturating_sub(1);
            }
        }
        let mut counts = Counts::default();
        for new in cells {
            counts.waiting += 1;
            self.cell_counts.waiting += 1;
            self.forget_cache(new.cell);
            let cell = new_cell(stage, new);
            // The engine numbers cells without gaps, so that a new one is either known or the next.
            match self.cells.get_mut(new.cell as usize) {
                Some(earlier) => *earlier = cell,
                None => self.cells.push(cell),
            }
        }
        let it = &mut self.stages[stage as usize];
        it.cells = cells.iter().map(|cell| cell.cell).collect();
        it.counts = counts;
        it.cached = 0;
        it.started = None;
        it.finished = None;
    }

    fn fold_cell(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::CellStarted { cell, run } => {
                let Some(it) = self.cells.get_mut(*cell as usize) else { return };
                let steps =
                    self.playbook.stages.get(it.stage as usize).map_or(0, |stage| stage.steps.steps.len());
                it.run = *run;
                it.steps = vec![StepView::default(); steps];
                it.started = Some(at);
                it.finished = None;
                let stage = it.stage;
                self.set_cell(*cell, Phase::Running);
                self.stage_begins(stage, at);
            }
            Event::CellStopping { cell, run, cause, .. } => {
                if let Some(it) = self.current(*cell, *run) {
                    it.cause = Some(cause.clone());
                    self.set_cell(*cell, Phase::Stopping);
                }
            }
            Event::CellRetrying { cell, run, until, .. } if self.current(*cell, *run).is_some() => {
                self.restart_cell(*cell, Phase::Retrying(*until));
            }
            Event::CellSwept { cell, run, survivors, .. } => {
                if let Some(it) = self.current(*cell, *run) {
                    it.survivors.clone_from(survivors);
                }
            }
            Event::CellFinished { cell, run, outcome, result, cause, outputs } => {
                if let Some(it) = self.current(*cell, *run) {
                    it.result = Some(*result);
                    it.cause.clone_from(cause);
                    it.outputs.clone_from(outputs);
                    it.is_rolling = false;
                    it.finished = Some(at);
                    it.skipping = None;
                    it.waits = None;
                    self.set_cell(*cell, Phase::Done(*outcome));
                }
            }
            _ => {}
        }
    }

    fn fold_step(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::StepStarted { key } => {
                let Some(it) = self.step(*key) else { return };
                it.phase = Phase::Running;
                it.attempt = key.attempt;
                it.started.get_or_insert(at);
                it.try_started = Some(at);
                self.attempts.push(*key);
                self.cells[key.cell as usize].current = Some(key.step);
                self.goes_on(key.cell);
            }
            Event::StepStopping { key, cause, .. } => {
                if let Some(it) = self.step(*key) {
                    it.phase = Phase::Stopping;
                    it.cause = Some(cause.clone());
                }
            }
            Event::StepRetrying { key, until, cause, .. } => {
                if let Some(it) = self.step(*key) {
                    it.phase = Phase::Retrying(*until);
                    it.cause.clone_from(cause);
                    let took = it.try_started.map(|started| at.since(started));
                    let tried = Tried { outcome: Outcome::Failure, cause: cause.clone(), took };
                    self.tried.insert(*key, tried);
                    // It holds no slot meanwhile.
                    if self.cells[key.cell as usize].phase == Phase::Running {
                        self.set_cell(key.cell, Phase::Retrying(*until));
                    }
                }
            }
            Event::StepFinished(end) => self.step_finished(end, at),
            Event::StepSkipped { cell, run, step, cause } => {
                let key = AttemptKey { cell: *cell, run: *run, step: *step, attempt: 0 };
                if let Some(it) = self.step(key) {
                    it.phase = Phase::Done(Outcome::Skipped);
                    it.conclusion = Some(Outcome::Skipped);
                    it.cause = Some(cause.clone());
                    it.finished = Some(at);
                    self.goes_on(*cell);
                }
            }
            _ => {}
        }
    }

    /// A cell does not wait for a further try any more.
    fn goes_on(&mut self, cell: u32) {
        if matches!(self.cells[cell as usize].phase, Phase::Retrying(_)) {
            self.set_cell(cell, Phase::Running);
        }
    }

    fn step_finished(&mut self, end: &StepEnd, at: Timestamp) {
        let Some(it) = self.step(end.key) else { return };
        it.phase = Phase::Done(end.outcome);
        it.conclusion = Some(end.conclusion);
        it.cause.clone_from(&end.cause);
        it.rescued = end.rescued;
        it.log_bytes = end.log_bytes;
        it.finished = Some(at);
        self.goes_on(end.key.cell);
        if end.outcome == Outcome::Failure && end.conclusion == Outcome::Failure {
            self.failures.push(end.key);
        }
        if !end.summary.is_empty() {
            self.summaries.push((end.key, end.summary.clone()));
        }
    }

    /// Returns the cell, unless the event is about an earlier run of it than the one that is shown.
    pub(super) fn current(&mut self, cell: u32, run: u32) -> Option<&mut CellView> {
        let it = self.cells.get_mut(cell as usize).filter(|it| it.run <= run)?;
        it.run = run;
        Some(it)
    }

    fn step(&mut self, key: AttemptKey) -> Option<&mut StepView> {
        self.current(key.cell, key.run)?.steps.get_mut(key.step as usize)
    }

    fn set_stage(&mut self, stage: u32, phase: Phase) {
        if let Some(it) = self.stages.get_mut(stage as usize) {
            self.stage_counts.change(it.phase, phase);
            it.phase = phase;
        }
    }

    fn stage_begins(&mut self, stage: u32, at: Timestamp) {
        if self.stages.get(stage as usize).is_some_and(|it| it.phase == Phase::Waiting) {
            self.set_stage(stage, Phase::Running);
        }
        if let Some(it) = self.stages.get_mut(stage as usize) {
            it.started.get_or_insert(at);
        }
    }

    pub(super) fn set_cell(&mut self, cell: u32, phase: Phase) {
        let Some(it) = self.cells.get_mut(cell as usize) else { return };
        self.cell_counts.change(it.phase, phase);
        let stage = it.stage;
        let counts = &mut self.stages[stage as usize].counts;
        counts.change(it.phase, phase);
        let (is_at_work, is_retrying) = (counts.live > 0, counts.retrying > 0);
        it.phase = phase;
        if phase.is_live() {
            self.live.insert(cell);
        } else {
            self.live.remove(&cell);
        }
        // A stage of which nothing is at work waits with its cells.
        match (self.stages[stage as usize].phase, phase) {
            (Phase::Running, Phase::Retrying(_)) if !is_at_work => self.set_stage(stage, phase),
            (Phase::Retrying(_), _) if is_at_work || !is_retrying => self.set_stage(stage, Phase::Running),
            _ => {}
        }
    }

    fn skip_asked(&mut self, target: &Target, by: Option<&String>) {
        let cells = match target {
            Target::Job => return,
            Target::Stage(stage) => {
                let Some(it) = self.stages.get_mut(*stage as usize) else { return };
                it.skipping = by.cloned();
                it.cells.clone()
            }
            Target::Cell(cell) => vec![*cell],
        };
        for cell in cells {
            // What stops for another reason goes on to do so.
            let it = self.cells.get_mut(cell as usize);
            if let Some(it) = it.filter(|it| it.phase.outcome().is_none() && it.phase != Phase::Stopping) {
                it.skipping = by.cloned();
            }
        }
    }

    /// Forgets how a stage ended.
    pub(super) fn reopen_stage(&mut self, stage: u32, phase: Phase, started: Option<Timestamp>) {
        self.set_stage(stage, phase);
        if let Some(it) = self.stages.get_mut(stage as usize) {
            it.result = None;
            it.cause = None;
            it.skipping = None;
            if let (Some(started), Some(finished)) = (it.started, it.finished) {
                it.earlier += finished.since(started);
            }
            it.started = started;
            it.finished = None;
        }
    }

    fn restart_cell(&mut self, cell: u32, phase: Phase) {
        self.set_cell(cell, phase);
        self.forget_cache(cell);
        if let Some(it) = self.cells.get_mut(cell as usize) {
            for (step, before) in (0u32..).zip(std::mem::take(&mut it.steps)) {
                let Phase::Done(outcome) = before.phase else { continue };
                if before.attempt > 0 {
                    let key = AttemptKey { cell, run: it.run, step, attempt: before.attempt };
                    let took = before.finished.zip(before.try_started).map(|(end, start)| end.since(start));
                    self.tried.insert(key, Tried { outcome, cause: before.cause, took });
                }
            }
            it.current = None;
            it.result = None;
            it.skipping = None;
            it.waits = None;
            // It is looked for anew.
            it.cache = None;
            it.finished = None;
            if phase == Phase::Waiting {
                it.started = None;
            }
        }
    }
}

/// Questions about what was folded.
impl JobView {
    /// Returns a stage's id.
    #[must_use]
    pub fn stage_name(&self, stage: u32) -> &str {
        self.playbook.stages.get(stage as usize).map_or("", |stage| &stage.id)
    }

    /// Returns the address of a cell: `stage` or `stage[k=v]`.
    #[must_use]
    pub fn cell_name(&self, cell: u32) -> String {
        let Some(it) = self.cells.get(cell as usize) else { return String::new() };
        let stage = self.stage_name(it.stage);
        if it.label.is_empty() { stage.to_owned() } else { format!("{stage}[{}]", it.label) }
    }

    /// Returns the plan's step behind a position.
    #[must_use]
    pub fn plan_step(&self, cell: u32, step: u32) -> Option<&Step> {
        let stage = self.cells.get(cell as usize)?.stage;
        self.playbook.stages.get(stage as usize)?.steps.steps.get(step as usize)
    }

    /// Returns how a step is addressed: its id, else its number from 1.
    #[must_use]
    pub fn step_name(&self, cell: u32, step: u32) -> String {
        match self.plan_step(cell, step).and_then(|it| it.id.clone()) {
            Some(id) => id.to_string(),
            None => (step + 1).to_string(),
        }
    }

    /// Returns the tries of a step before its current one, in this run of its cell.
    pub fn earlier_tries(&self, cell: u32, step: u32) -> impl DoubleEndedIterator<Item = (u32, &Tried)> {
        let run = self.cells.get(cell as usize).map_or(0, |it| it.run);
        let key = |attempt| AttemptKey { cell, run, step, attempt };
        self.tried.range(key(0)..=key(u32::MAX)).map(|(key, tried)| (key.attempt, tried))
    }

    /// Returns how many tries a step has at most, the first included; nothing if it is never tried again.
    #[must_use]
    pub fn most_tries(&self, cell: u32, step: u32) -> Option<u32> {
        let stage = self.playbook.stages.get(self.cells.get(cell as usize)?.stage as usize)?;
        let own = stage.steps.steps.get(step as usize)?.retry.as_deref();
        let retry = own.or(stage.own_defaults().retry.as_ref()).or(self.playbook.defaults.retry.as_ref());
        retry.map(|retry| retry.attempts)
    }

    /// Says whether the step is a list of steps, which has no process and no log of its own.
    #[must_use]
    pub fn is_block(&self, cell: u32, step: u32) -> bool {
        self.plan_step(cell, step).is_some_and(|it| it.action.has_members())
    }

    /// Returns the steps whose failure still counts, in the order of their ends: not those of an earlier run of
    /// their cell, not blocks nor what waited for others, not what a `rescue` made good.
    pub fn failed_steps(&self) -> impl Iterator<Item = AttemptKey> {
        self.failures.iter().copied().filter(|key| {
            let Some(cell) = self.cells.get(key.cell as usize) else { return false };
            cell.run == key.run
                && cell.steps.get(key.step as usize).is_some_and(|s| s.conclusion == Some(Outcome::Failure))
                && !self.is_block(key.cell, key.step)
                && !self.is_echo(key.cell, key.step)
                && !self.is_rescued(*key)
        })
    }

    fn is_rescued(&self, key: AttemptKey) -> bool {
        let cell = &self.cells[key.cell as usize];
        let mut at = self.plan_step(key.cell, key.step).and_then(|step| step.parent);
        while let Some(block) = at {
            if cell.steps.get(block).is_some_and(|step| step.rescued) {
                return true;
            }
            at = u32::try_from(block)
                .ok()
                .and_then(|block| self.plan_step(key.cell, block))
                .and_then(|s| s.parent);
        }
        false
    }

    /// Returns the stages that need a stage, directly or through others, in the order of the playbook.
    #[must_use]
    pub fn dependents(&self, stage: u32) -> Vec<u32> {
        let stages = &self.playbook.stages;
        let mut reached = vec![false; stages.len()];
        let mut todo = vec![stage as usize];
        while let Some(at) = todo.pop() {
            for (other, model) in stages.iter().enumerate() {
                if !reached[other] && model.needs.contains(&at) {
                    reached[other] = true;
                    todo.push(other);
                }
            }
        }
        (0u32..).zip(reached).filter(|(at, is)| *is && *at != stage).map(|(at, _)| at).collect()
    }

    /// Returns a stage and those that need it, directly or through others, each of them before what it needs.
    #[must_use]
    pub fn dependents_first(&self, stage: u32) -> Vec<u32> {
        let stages = &self.playbook.stages;
        let mut reached = vec![false; stages.len()];
        reached[stage as usize] = true;
        let mut order = Vec::new();
        // A stage on the way, and from which other one on those that need it are looked for.
        let mut way = vec![(stage as usize, 0)];
        while let Some((at, from)) = way.last_mut() {
            let next =
                (*from..stages.len()).find(|&other| !reached[other] && stages[other].needs.contains(at));
            match next {
                Some(other) => {
                    *from = other + 1;
                    reached[other] = true;
                    way.push((other, 0));
                }
                None => {
                    order.extend(u32::try_from(*at));
                    way.pop();
                }
            }
        }
        order
    }

    /// Returns what an order to run something again is about, if a person names that alone.
    #[must_use]
    pub fn retry_scope(&self, target: &Target) -> RetryScope {
        match *target {
            Target::Job => RetryScope::Failed,
            Target::Cell(cell) => RetryScope::Cell(cell),
            Target::Stage(stage) => match self.stages[stage as usize].cells[..] {
                // One that is left from an earlier beginning of its stage has not ended.
                [one] if self.cells[one as usize].phase.outcome().is_some() => RetryScope::Cell(one),
                _ if self.phase.outcome().is_some() => RetryScope::From(stage),
                _ => RetryScope::Stage(stage),
            },
        }
    }

    /// Returns how long the job took, or has taken so far, all of its attempts together.
    #[must_use]
    pub fn elapsed(&self, now: Timestamp) -> Duration {
        self.worked.elapsed(now)
    }

    /// Returns how long it has been at work since it was run on; nothing if it never was.
    #[must_use]
    pub fn since_retry(&self, now: Timestamp) -> Option<Duration> {
        (self.attempt > 1).then(|| self.worked.of_attempt(now))
    }

    /// Says whether what runs is stopped where it stands.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.worked.frozen.is_some()
    }
}

fn new_cell(stage: u32, new: &NewCell) -> CellView {
    CellView {
        stage,
        id: new.id.clone(),
        label: new.label.clone(),
        matrix: new.matrix.clone(),
        run: new.run,
        phase: Phase::Waiting,
        result: None,
        cause: None,
        outputs: Vec::new(),
        steps: Vec::new(),
        current: None,
        survivors: Vec::new(),
        skipping: None,
        is_rolling: false,
        started: None,
        finished: None,
        gate: None,
        waits: None,
        cache: None,
    }
}
