//! Steps of one cell that run at the same time: what stops one of them alone, and what a `wait` takes over.
//!
//! Not here: the walk over the lists (`progress.rs`), the ladder of a stop (`follow/stop.rs`).

use super::apply::put;
use super::effect::Rung;
use super::event::{Cause, Event};
use super::report::AttemptKey;
use super::sidecar;
use super::state::{CellState, JobState, StepPhase, StepState};
use crate::logic::playbook::model::{Action, Step, StepTree};
use crate::logic::time::Timestamp;

#[cfg(test)]
#[path = "together_tests.rs"]
mod tests;

/// Most steps of a cell that run in the background at once; one more waits until one of them has ended.
pub(super) const MOST_IN_BACKGROUND: usize = 10;

/// Most processes of a cell that run at once, those in the background included.
pub(super) const MOST_AT_ONCE: usize = 64;

/// Returns how a step is called: its id, else its number from 1.
pub(super) fn name(tree: &StepTree, step: usize) -> String {
    tree.steps[step].id.as_ref().map_or_else(|| (step + 1).to_string(), ToString::to_string)
}

/// Returns the background steps that a `wait`, `wait-all` or `cancel` is about.
pub(super) fn targets<'a>(tree: &'a StepTree, action: &'a Action) -> &'a [usize] {
    match action {
        Action::Wait { steps } | Action::Cancel { steps } => steps,
        Action::WaitAll => &tree.background,
        _ => &[],
    }
}

/// Returns those background steps whose failure nobody has taken over yet.
pub(super) fn unjoined_failures(it: &CellState, steps: &[usize]) -> Vec<usize> {
    steps.iter().copied().filter(|&at| !it.steps[at].is_joined && it.steps[at].failed()).collect()
}

/// Says whether what a background step came to can be seen: at its `wait`, and at the end of the cell.
pub(super) fn is_visible(it: &CellState, tree: &StepTree, step: usize) -> bool {
    !tree.steps[step].background
        || it.steps[step].is_joined
        || tree.body.iter().all(|&at| tree.steps[at].background || it.steps[at].done().is_some())
}

/// Takes over what background steps that have ended came to; part of `apply`.
pub(super) fn join(it: &mut CellState, steps: &[usize]) {
    for &at in steps {
        let StepState { phase: StepPhase::Done(done), is_joined: is_joined @ false, .. } = &mut it.steps[at]
        else {
            continue;
        };
        *is_joined = true;
        for (name, value) in &done.env {
            put(&mut it.env, name, value);
        }
        it.paths.extend(done.paths.iter().cloned());
    }
}

/// Returns the background steps inside a step.
pub(super) fn background_inside(tree: &StepTree, step: usize) -> Vec<usize> {
    tree.background.iter().copied().filter(|&at| is_inside(tree, at, step)).collect()
}

/// Says whether a step stands inside another, at whatever depth.
pub(super) fn is_inside(tree: &StepTree, step: usize, outer: usize) -> bool {
    self::outer(tree, step).any(|at| at == outer)
}

/// Returns the steps that a step stands in, the innermost first.
pub(super) fn outer(tree: &StepTree, step: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(tree.steps[step].parent, |&at| tree.steps[at].parent)
}

/// Says whether another step of a `parallel` that fails fast has failed.
pub(super) fn broken_by(it: &CellState, members: &[usize], member: usize) -> Option<usize> {
    members.iter().copied().find(|&at| at != member && it.steps[at].failed())
}

/// Says whether a step begins after another one of a `parallel` around it has failed.
pub(super) fn is_late(it: &CellState, tree: &StepTree, step: usize) -> bool {
    let mut child = step;
    while let Some(parent) = tree.steps[child].parent {
        if let Action::Parallel { members, fail_fast: true } = &tree.steps[parent].action
            && broken_by(it, members, child).is_some()
        {
            return true;
        }
        child = parent;
    }
    false
}

/// Returns what asks a step that is under way to stop, its own time limit left out.
pub(super) fn why_stop(it: &CellState, tree: &StepTree, step: usize) -> Option<Cause> {
    let of = &it.steps[step];
    if let Some(part) = tree.steps[step].part {
        return sidecar::why_stop(it, tree, step, part);
    }
    if let Some(stop) = &it.stop
        && !of.is_cleanup
    {
        return Some(stop.cause.clone());
    }
    if tree.steps[step].background
        && let Some(by) = (0..tree.steps.len()).find(|&at| {
            it.steps[at].phase == StepPhase::Running
                && matches!(&tree.steps[at].action, Action::Cancel { steps } if steps.contains(&step))
        })
    {
        return Some(Cause::StoppedBy { step: name(tree, by) });
    }
    let mut child = step;
    let mut is_cleanup = of.is_late;
    while let Some(parent) = tree.steps[child].parent {
        let stop = it.steps[parent].stop.as_ref().map(|stop| stop.cause.clone());
        match &tree.steps[parent].action {
            Action::Block { block, .. } if block.contains(&child) && stop.is_some() => return stop,
            Action::Block { always, .. } => is_cleanup |= always.contains(&child),
            Action::Parallel { .. } if stop.is_some() => return stop,
            Action::Parallel { members, fail_fast: true } if !is_cleanup => {
                if let Some(failed) = broken_by(it, members, child) {
                    return Some(Cause::Together { step: name(tree, failed) });
                }
            }
            _ => {}
        }
        child = parent;
    }
    None
}

/// Says whether a step's own time is over.
pub(super) fn is_over(model: &Step, since: Option<Timestamp>, now: Timestamp) -> bool {
    matches!((model.timeout, since), (Some(limit), Some(since)) if since.after(limit) <= now)
}

/// Stops a list of steps whose time is over, although no process inside it may run: it may only wait for one outside.
pub(super) fn overdue(state: &JobState, cell: u32, now: Timestamp) -> Option<Event> {
    let it = &state.cells[cell as usize];
    let tree = &state.setting.plan.playbook.stages[it.stage as usize].steps;
    (0u32..).zip(&it.steps).zip(&tree.steps).find_map(|((step, of), model)| {
        let is_late = model.action.has_members()
            && of.phase == StepPhase::Running
            && of.stop.is_none()
            && of.asking_since.is_none()
            && is_over(model, of.attempt_since, now);
        is_late.then(|| Event::StepStopping {
            key: AttemptKey { cell, run: it.run, step, attempt: of.attempt },
            rung: Rung::Polite,
            cause: Cause::Timeout { of: model.action.word().to_owned() },
        })
    })
}
