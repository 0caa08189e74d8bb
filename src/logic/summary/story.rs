//! The fold behind a summary: the view of a job, and beside it what a view forgets.
//!
//! Not here: what is made of it (`model.rs`). Any number of events costs what the view costs, and a little.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::logic::cache::Kept;
use crate::logic::job::event::{Envelope, Event, StepEnd};
use crate::logic::job::gate::GatePlace;
use crate::logic::job::order::Target;
use crate::logic::job::report::{AttemptKey, End, Usage};
use crate::logic::plan::Plan;
use crate::logic::time::Timestamp;
use crate::logic::view::JobView;

/// A job with all that its summary tells.
#[derive(Clone, Debug)]
pub struct Story {
    pub view: JobView,
    pub(super) cells: Vec<CellStory>,
    /// What ended steps came to, by cell and step, of the last run of each cell.
    pub(super) ends: BTreeMap<(u32, u32), Ended>,
    /// When gates were closed, by number.
    pub(super) closed: BTreeMap<u32, Timestamp>,
    pub(super) orders: Vec<Ordered>,
    /// What the cache decided, by cell, and by step where it decided over a step.
    pub(super) cached: BTreeMap<(u32, Option<u32>), Cached>,
    /// How long people were waited for in a cell or before a stage, in that order.
    asked: (BTreeMap<u32, Duration>, BTreeMap<u32, Duration>),
}

/// What a cell waited for, of its last run.
#[derive(Clone, Debug, Default)]
pub(super) struct CellStory {
    /// Nothing of its stage stood in its way any more.
    pub(super) ready: Option<Timestamp>,
    /// It had not begun by then because it is tried again.
    until: Option<Timestamp>,
    /// It asks for what others may have, since then.
    asks: Option<Timestamp>,
    pub(super) for_shares: Duration,
    pub(super) for_retries: Duration,
    /// A step of it is to be tried again, since then.
    pauses: BTreeMap<u32, Timestamp>,
}

/// What an ended step leaves beside its outcome.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) end: Option<End>,
    pub(super) usage: Usage,
    pub(super) outputs: Vec<(Arc<str>, Arc<str>)>,
    pub(super) left_running: u32,
}

/// Something that a person asked of the job.
#[derive(Clone, Debug)]
pub(super) struct Ordered {
    pub(super) at: Timestamp,
    pub(super) by: String,
    pub(super) what: &'static str,
    pub(super) target: Target,
}

/// What the cache decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cached {
    /// The result was there, and what making it had taken before.
    Hit { saved: Option<Duration> },
    /// It was not, and why.
    Miss { reason: String, is_first: bool },
    /// It was not, and is there now.
    Stored { reason: String, is_first: bool },
}

impl Story {
    /// Returns the story of a job of which no event is known yet.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        Self {
            view: JobView::of_plan(plan),
            cells: Vec::new(),
            ends: BTreeMap::new(),
            closed: BTreeMap::new(),
            orders: Vec::new(),
            cached: BTreeMap::new(),
            asked: (BTreeMap::new(), BTreeMap::new()),
        }
    }

    /// Takes one event in. One that was taken in before is ignored.
    pub fn fold(&mut self, envelope: &Envelope) {
        if envelope.seq <= self.view.seq {
            return;
        }
        let frozen = self.view.worked.frozen;
        let at = self.view.worked.clock(envelope.time);
        self.view.fold(envelope);
        if let (Some(since), None) = (frozen, self.view.worked.frozen) {
            self.thaw(envelope.time.since(since));
        }
        let at = if self.view.worked.frozen.is_some() { at } else { envelope.time };
        match &envelope.event {
            Event::StageStarted { cells, .. } => {
                for new in cells {
                    *self.cell(new.cell) = CellStory { ready: Some(at), ..CellStory::default() };
                    self.forget(new.cell);
                }
            }
            Event::JobRetrying { cells, .. } => {
                for &cell in cells {
                    *self.cell(cell) = CellStory { ready: Some(at), ..CellStory::default() };
                    self.forget(cell);
                }
            }
            Event::CellRetrying { cell, until, .. } => {
                let before = self.cell(*cell).clone();
                *self.cell(*cell) = CellStory { ready: Some(at), until: Some(*until), asks: None, ..before };
                self.forget(*cell);
            }
            Event::CellStarted { cell, .. } => {
                let it = self.cell(*cell);
                if let (Some(until), Some(ready)) = (it.until.take(), it.ready) {
                    it.for_retries += until.min(at).since(ready);
                    it.ready = Some(until.min(at).max(ready));
                }
            }
            Event::CellQueued { cell, .. } | Event::ClaimsLost { cell: Some(cell), .. } => {
                self.cell(*cell).asks.get_or_insert(at);
            }
            Event::ClaimsHeld { cell: Some(cell), .. } => {
                let it = self.cell(*cell);
                it.for_shares += it.asks.take().map_or(Duration::ZERO, |since| at.since(since));
            }
            Event::StepRetrying { key, .. } => {
                self.cell(key.cell).pauses.insert(key.step, at);
            }
            Event::StepStarted { key } => {
                let it = self.cell(key.cell);
                it.for_retries += it.pauses.remove(&key.step).map_or(Duration::ZERO, |since| at.since(since));
            }
            Event::StepFinished(end) => self.ended(end),
            other @ (Event::CacheHit { .. } | Event::CacheMissed { .. } | Event::CacheKept { .. }) => {
                self.fold_cache(other);
            }
            other => self.fold_people(other, at),
        }
    }

    fn fold_cache(&mut self, event: &Event) {
        match event {
            Event::CacheHit { unit, hit } => {
                let saved = Some(Duration::from_micros(hit.record.took_us));
                self.note_cached(unit.cell, unit.step, Cached::Hit { saved });
                for replay in &hit.record.steps {
                    let key = AttemptKey { cell: unit.cell, run: unit.run, attempt: 1, ..replay.end.key };
                    self.ended(&StepEnd { key, ..replay.end.clone() });
                }
            }
            Event::CacheMissed { unit, miss } if !miss.is_off() => {
                let (reason, is_first) = (miss.message.clone(), miss.is_first());
                self.note_cached(unit.cell, unit.step, Cached::Miss { reason, is_first });
            }
            Event::CacheKept { unit, kept: Kept::Stored { .. } } => {
                let before = self.cached.get(&(unit.cell, unit.step));
                if let Some(Cached::Miss { reason, is_first }) = before {
                    let (reason, is_first) = (reason.clone(), *is_first);
                    self.note_cached(unit.cell, unit.step, Cached::Stored { reason, is_first });
                }
            }
            _ => {}
        }
    }

    fn fold_people(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::GateApproved(answer) | Event::GateRejected(answer) => self.close(answer.gate, at),
            Event::GateExpired { gate, .. } | Event::GateWithdrawn { gate } => self.close(*gate, at),
            Event::JobPaused { by, freeze, .. } => {
                self.order(at, by, if *freeze { "freeze" } else { "pause" }, Target::Job);
            }
            Event::JobResumed { by, .. } => self.order(at, by, "resume", Target::Job),
            Event::CancelAsked { by, target, force, cause: None, .. } => {
                self.order(at, by, if *force { "cancel by force" } else { "cancel" }, target.clone());
            }
            Event::SkipAsked { by, target, .. } => self.order(at, by, "skip", target.clone()),
            Event::SkipWithdrawn { by, target, .. } => {
                self.order(at, by, "take back a skip", target.clone());
            }
            Event::JobRetrying { by, .. } => self.order(at, by, "retry", Target::Job),
            Event::RollbackAsked { by, target, on_failure: None, .. } => {
                self.order(at, by, "roll back", target.clone());
            }
            _ => {}
        }
    }

    fn order(&mut self, at: Timestamp, by: &str, what: &'static str, target: Target) {
        self.orders.push(Ordered { at, by: by.to_owned(), what, target });
    }

    fn close(&mut self, gate: u32, at: Timestamp) {
        let Some(it) = self.view.gates.get(gate as usize) else { return };
        let took = at.since(it.since);
        self.closed.insert(gate, at);
        let waited = match it.opened.place {
            GatePlace::Stage(stage) => self.asked.1.entry(stage),
            GatePlace::Step(key) => self.asked.0.entry(key.cell),
        };
        *waited.or_default() += took;
    }

    fn ended(&mut self, end: &StepEnd) {
        if self.view.cells.get(end.key.cell as usize).is_none_or(|it| it.run != end.key.run) {
            return;
        }
        let ended = Ended {
            end: end.end,
            usage: end.usage,
            outputs: end.outputs.clone(),
            left_running: end.left_running,
        };
        self.ends.insert((end.key.cell, end.key.step), ended);
    }

    /// Takes note of what the cache decided over a cell, or over one of its steps.
    pub fn note_cached(&mut self, cell: u32, step: Option<u32>, cached: Cached) {
        self.cached.insert((cell, step), cached);
    }

    fn cell(&mut self, cell: u32) -> &mut CellStory {
        let at = cell as usize;
        if self.cells.len() <= at {
            self.cells.resize_with(at + 1, CellStory::default);
        }
        &mut self.cells[at]
    }

    /// Forgets what an earlier run of a cell came to.
    fn forget(&mut self, cell: u32) {
        while let Some((&key, _)) = self.ends.range((cell, 0)..=(cell, u32::MAX)).next() {
            self.ends.remove(&key);
        }
        while let Some((&key, _)) = self.cached.range((cell, None)..=(cell, Some(u32::MAX))).next() {
            self.cached.remove(&key);
        }
        self.asked.0.remove(&cell);
    }

    /// Moves the times of what is not over by what the clocks stood.
    fn thaw(&mut self, by: Duration) {
        for it in &mut self.cells {
            for time in [&mut it.ready, &mut it.until, &mut it.asks] {
                *time = time.map(|time| time.after(by));
            }
            it.pauses.values_mut().for_each(|time| *time = time.after(by));
        }
    }

    /// Returns how long people were waited for in a cell.
    pub(super) fn asked_in(&self, cell: u32) -> Duration {
        self.asked.0.get(&cell).copied().unwrap_or_default()
    }

    /// Returns how long people were waited for before a stage.
    pub(super) fn asked_before(&self, stage: u32) -> Duration {
        self.asked.1.get(&stage).copied().unwrap_or_default()
    }

    /// Returns the tries whose failure still counts.
    pub fn failed(&self) -> impl Iterator<Item = AttemptKey> {
        self.view.failed_steps()
    }
}
