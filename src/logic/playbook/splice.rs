//! Puts the steps of actions into the steps that use them, right behind the step with `uses`.
//!
//! Not here: finding and reading actions (`link.rs`), what expressions see in them (`logic/job/scope.rs`).

use super::files::FilesPart;
use super::model::{Action, Step, StepTree};
use super::sidecar::Sidecar;

/// Returns a tree in which each step with `uses` has the steps of its action as its block.
pub(super) fn splice(tree: &StepTree) -> StepTree {
    let mut steps: Vec<Step> = Vec::with_capacity(tree.steps.len());
    let mut places = Vec::with_capacity(tree.steps.len());
    let mut background = Vec::new();
    let mut saves = Vec::new();
    let mut is_concurrent = tree.is_concurrent;
    for step in &tree.steps {
        let at = steps.len();
        places.push(at);
        steps.push(step.clone());
        let Some(action) = step.composite.as_ref().and_then(|it| it.action.as_ref()) else { continue };
        let first = steps.len();
        let moved = |at: usize| first + at;
        for inner in &action.steps.steps {
            let mut inner = moved_step(inner, &moved);
            if inner.undoes.is_none() {
                inner.parent = Some(inner.parent.unwrap_or(at));
            }
            steps.push(inner);
        }
        background.extend(action.steps.background.iter().map(|&it| moved(it)));
        is_concurrent |= action.steps.is_concurrent;
        // What it saves is saved at the end of the cell, as of any step.
        let (own, last): (Vec<usize>, Vec<usize>) =
            action.steps.body.iter().map(|&it| moved(it)).partition(|&it| steps[it].is_own());
        for &it in &last {
            steps[it].parent = None;
        }
        saves.extend(last);
        let block = own;
        steps[at].action = Action::Block { block, rescue: Vec::new(), always: Vec::new() };
    }
    let moved = |at: usize| places[at];
    for (&at, step) in places.iter().zip(&tree.steps) {
        let is_spliced = step.composite.is_some();
        let own = if is_spliced { Some(steps[at].action.clone()) } else { None };
        steps[at] = moved_step(step, &moved);
        if let Some(own) = own {
            steps[at].action = own;
        }
    }
    background.extend(tree.background.iter().map(|&it| moved(it)));
    background.sort_unstable();
    let body = tree.body.iter().map(|&it| moved(it)).chain(saves).collect();
    let sidecars = tree.sidecars.iter().cloned().map(|it| Sidecar { step: moved(it.step), ..it });
    StepTree { steps, body, background, is_concurrent, sidecars: sidecars.collect() }
}

/// Returns a step whose references to others have been moved.
fn moved_step(step: &Step, moved: &dyn Fn(usize) -> usize) -> Step {
    let mut step = step.clone();
    let all = |list: &mut Vec<usize>| list.iter_mut().for_each(|at| *at = moved(*at));
    match &mut step.action {
        Action::Block { block, rescue, always } => [block, rescue, always].into_iter().for_each(all),
        Action::Parallel { members, .. } => all(members),
        Action::Wait { steps } | Action::Cancel { steps } => all(steps),
        Action::Run { .. } | Action::Approve(_) | Action::WaitAll | Action::Rollback => {}
    }
    if let Some(FilesPart::Save(of)) = &mut step.files {
        *of = moved(*of);
    }
    for at in [&mut step.parent, &mut step.undo, &mut step.undoes].into_iter().flatten() {
        *at = moved(*at);
    }
    step
}
