//! How far a job is and how long it will still take, by how long its stages took before.
//!
//! Not here: reading earlier jobs (`engine/store/history.rs`), drawing bars and rounding times (`faces`).

use std::time::Duration;

use super::{JobView, Phase, StepView};
use crate::logic::job::event::{Cause, Outcome};
use crate::logic::plan::{Plan, Selected};
use crate::logic::playbook::model::{Playbook, Step};
use crate::logic::time::Timestamp;

#[cfg(test)]
#[path = "forecast_tests.rs"]
mod tests;

/// Most of its share that something counts for before it has ended.
const MOST_BEFORE_THE_END: f64 = 0.95;

/// Seconds that a stage weighs at least, so that a job of nothing but instant stages has a length, too.
const LEAST: f64 = 0.001;

/// What is expected of the stages of a job, by position.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// In seconds, or each 1 without history.
    expected: Vec<f64>,
    has_history: bool,
}

/// How far a job is, as parts of the whole. The four add up to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// What passed, and what was left out for another reason than a failure.
    pub done: f64,
    /// What failed or was cancelled, and what did not run because of that.
    pub failed: f64,
    /// What things that run have probably done of their share by now.
    pub running: f64,
    /// What is still to be done, by things that run, too.
    pub waiting: f64,
    /// All but `waiting`, rounded down, from 0 to 100. It only goes back when a retry opens something again.
    pub percent: u8,
}

impl Forecast {
    /// Returns the forecast for stages that took so long before: one for each stage of the playbook, same positions.
    ///
    /// A stage of which nothing is known is taken for an average one; if nothing is known of any, all weigh the same.
    #[must_use]
    pub fn new(medians: &[Option<Duration>]) -> Self {
        let known: Vec<f64> = medians.iter().flatten().map(|it| it.as_secs_f64().max(LEAST)).collect();
        let average = if known.is_empty() { 1.0 } else { known.iter().sum::<f64>() / number(known.len()) };
        let weight = |it: &Option<Duration>| it.map_or(average, |it| it.as_secs_f64().max(LEAST));
        Self { expected: medians.iter().map(weight).collect(), has_history: !known.is_empty() }
    }

    /// Returns the forecast of a plan from the times that its stages took before. What is left out weighs nothing.
    #[must_use]
    pub fn of_plan(plan: &Plan, times: &[Vec<Duration>]) -> Self {
        let of = |at: usize| times.get(at).and_then(|times| median(times));
        let medians: Vec<Option<Duration>> = (0..plan.stages.len()).map(of).collect();
        let mut it = Self::new(&medians);
        for (expected, planned) in it.expected.iter_mut().zip(&plan.stages) {
            if matches!(planned.selected, Selected::No(_)) {
                *expected = 0.0;
            }
        }
        it
    }

    /// Says whether anything is known of earlier runs.
    #[must_use]
    pub fn has_history(&self) -> bool {
        self.has_history
    }

    fn expected(&self, stage: usize) -> f64 {
        self.expected.get(stage).copied().unwrap_or(1.0)
    }

    /// Returns how far the job is.
    ///
    /// A stage counts by its cells, each for the same part of it. A cell that runs counts by the time that it has taken of
    /// what its stage takes, or without history by its steps.
    #[must_use]
    pub fn progress(&self, view: &JobView, now: Timestamp) -> Progress {
        let lost = lost(view);
        let mut worked = vec![0.0; view.stages.len()];
        for cell in view.live.iter().filter_map(|&at| view.cells.get(at as usize)) {
            worked[cell.stage as usize] += self.worked(view, cell, now);
        }
        let (mut done, mut failed, mut running, mut whole) = (0.0, 0.0, 0.0, 0.0);
        for (at, stage) in view.stages.iter().enumerate() {
            let weight = self.expected(at);
            whole += weight;
            let cells = number(stage.cells.len().max(1));
            let passed = number(stage.counts.passed + stage.counts.skipped) / cells;
            let bad = number(stage.counts.failed + stage.counts.cancelled) / cells;
            let rest = (1.0 - passed - bad).max(0.0);
            done += weight * passed;
            failed += weight * bad;
            match stage.phase {
                Phase::Done(_) if lost[at] => failed += weight * rest,
                Phase::Done(_) => done += weight * rest,
                _ => running += weight * (worked[at] / cells).min(rest),
            }
        }
        if whole <= 0.0 {
            // Nothing was to be done.
            whole = 1.0;
            done = 1.0;
        }
        let (done, failed, running) = (done / whole, failed / whole, running / whole);
        let over = (done + failed + running).min(1.0);
        // A hair is added, because thirds do not add up to one.
        let percent = (0..=100_u8).rev().find(|&it| f64::from(it) <= over * 100.0 + 1e-6).unwrap_or(0);
        Progress { done, failed, running, waiting: 1.0 - over, percent }
    }

    /// Returns the part of a live cell that is probably done.
    fn worked(&self, view: &JobView, cell: &super::CellView, now: Timestamp) -> f64 {
        let part = match cell.started {
            // It begins anew, and has no time of its own until then.
            _ if matches!(cell.phase, Phase::Retrying(_)) && cell.steps.is_empty() => 0.0,
            Some(started) if self.has_history => {
                now.since(started).as_secs_f64() / self.expected(cell.stage as usize).max(LEAST)
            }
            _ => {
                let model = view.playbook.stages.get(cell.stage as usize);
                let model = model.map_or(&[][..], |it| &it.steps.steps);
                // What undoes others mostly never runs.
                let steps = model.iter().filter(|step| step.undoes.is_none()).count();
                let has_ended = |(step, model): &(&StepView, &Step)| {
                    step.phase.outcome().is_some() && model.undoes.is_none()
                };
                let ended = cell.steps.iter().zip(model).filter(has_ended).count();
                number(ended) / number(steps.max(1))
            }
        };
        part.min(MOST_BEFORE_THE_END)
    }

    /// Returns how long the job will probably still take: the longest path through what is left of it.
    ///
    /// Nothing without history, or once the job has ended. What takes longer than ever keeps a twentieth of its time. That
    /// stages wait for slots is not foreseen.
    #[must_use]
    pub fn remaining(&self, view: &JobView, now: Timestamp) -> Option<Duration> {
        if !self.has_history || view.phase.outcome().is_some() {
            return None;
        }
        let mut ends = vec![0.0_f64; view.stages.len()];
        let mut ordinary_end = 0.0_f64;
        let order = order(&view.playbook);
        let (ordinary, last): (Vec<usize>, Vec<usize>) =
            order.into_iter().partition(|&at| !view.playbook.stages[at].is_final);
        for at in ordinary {
            ends[at] = begin(view, &ends, at) + self.left(view, at, now);
            ordinary_end = ordinary_end.max(ends[at]);
        }
        for at in last {
            ends[at] = begin(view, &ends, at).max(ordinary_end) + self.left(view, at, now);
        }
        let longest = ends.into_iter().fold(0.0, f64::max);
        Duration::try_from_secs_f64(longest).ok()
    }

    /// Returns how long a stage will still take once it can go on, in seconds.
    fn left(&self, view: &JobView, at: usize, now: Timestamp) -> f64 {
        let stage = &view.stages[at];
        let expected = self.expected(at);
        match (stage.phase, stage.started) {
            (Phase::Done(_), _) => 0.0,
            (Phase::Waiting, _) if stage.skipping.is_some() => 0.0,
            (Phase::Waiting, _) | (_, None) => expected,
            (_, Some(started)) => {
                let left = expected - now.since(started).as_secs_f64();
                left.max(expected * (1.0 - MOST_BEFORE_THE_END))
            }
        }
    }
}

/// Returns the middle of some times, or nothing if there is none.
#[must_use]
pub fn median(times: &[Duration]) -> Option<Duration> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let (low, high) = (sorted.get(sorted.len().saturating_sub(1) / 2)?, sorted.get(sorted.len() / 2)?);
    Some((*low + *high) / 2)
}

/// Says of each stage whether it failed, was cancelled, or did not run because of such a one.
fn lost(view: &JobView) -> Vec<bool> {
    let mut lost = vec![false; view.stages.len()];
    let is_held_back = |at: usize| matches!(view.stages[at].cause, Some(Cause::Needs { .. }));
    let skipped = Phase::Done(Outcome::Skipped);
    let is_needed = view.stages.iter().any(|it| it.phase == skipped && it.cells.is_empty());
    let order = if is_needed { order(&view.playbook) } else { (0..view.stages.len()).collect() };
    for at in order {
        lost[at] = match view.stages[at].phase {
            Phase::Done(Outcome::Failure | Outcome::Cancelled) => true,
            it if it == skipped && is_held_back(at) => {
                view.playbook.stages[at].needs.iter().any(|&need| lost.get(need) == Some(&true))
            }
            _ => false,
        };
    }
    lost
}

/// Returns the end of what a stage needs.
fn begin(view: &JobView, ends: &[f64], at: usize) -> f64 {
    let needs = view.playbook.stages[at].needs.iter();
    needs.filter_map(|&need| ends.get(need)).copied().fold(0.0, f64::max)
}

/// Returns the positions of all stages so that needs come first. Plans have their own; a view knows the playbook alone.
fn order(playbook: &Playbook) -> Vec<usize> {
    let mut left: Vec<usize> = playbook.stages.iter().map(|stage| stage.needs.len()).collect();
    let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); left.len()];
    for (at, stage) in playbook.stages.iter().enumerate() {
        for &need in &stage.needs {
            needed_by[need].push(at);
        }
    }
    let mut order: Vec<usize> = (0..left.len()).filter(|&at| left[at] == 0).collect();
    let mut next = 0;
    while let Some(&at) = order.get(next) {
        next += 1;
        for &dependent in &needed_by[at] {
            left[dependent] -= 1;
            if left[dependent] == 0 {
                order.push(dependent);
            }
        }
    }
    order
}

fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}
