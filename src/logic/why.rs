//! Says why something did not pass, and how a step is called, in the words that every face uses.
//!
//! Not here: single words and causes (`words.rs`), layout (each face its own).

use super::words;
use crate::logic::job::event::{Cause, Outcome};
use crate::logic::playbook::files::FilesPart;
use crate::logic::playbook::model::Action;
use crate::logic::text::{listed_names, shortened};
use crate::logic::view::JobView;

#[cfg(test)]
#[path = "why_tests.rs"]
mod tests;

/// Says why a cell did not pass: by its first failed step if there is one.
#[must_use]
pub fn why_cell(view: &JobView, cell: u32) -> Option<String> {
    let it = &view.cells[cell as usize];
    let failed = view.first_failed(cell).map(|step| (step, &it.steps[step as usize]));
    if let (
        Some((step, state)),
        None | Some(Cause::Member { .. } | Cause::Exit { .. } | Cause::Signal { .. }),
    ) = (failed, &it.cause.as_ref().and_then(Cause::root))
    {
        return Some(step_failure(view, cell, step, state.attempt, state.cause.as_ref()));
    }
    it.cause.as_ref().map(|cause| words::cause(cause, view))
}

/// Says why a stage did not pass. What its cells came to is told by them, and the only cell of a stage is the stage.
#[must_use]
pub fn why_stage(view: &JobView, stage: u32) -> Option<String> {
    let it = view.stages.get(stage as usize)?;
    let cause = it.cause.as_ref()?;
    let of_outcome = |cell: &&u32| view.cells[**cell as usize].phase == it.phase;
    let mut cells = it.cells.iter().filter(of_outcome);
    if let (Some(Cause::Member { .. }), Some(&first)) = (cause.root(), cells.next()) {
        if it.cells.len() == 1 {
            return why_cell(view, first);
        }
        let of = |cell: u32| view.cells[cell as usize].cause.as_ref();
        // What was asked of all of them was asked of the stage.
        if let Some(shared @ Cause::Order { .. }) = of(first)
            && cells.all(|&cell| of(cell) == Some(shared))
        {
            return Some(words::cause(shared, view));
        }
    }
    Some(words::cause(cause, view))
}

/// Says in a few words how the tries before the current one ended: `exit code 3 twice, timed out`.
#[must_use]
pub fn earlier_tries(view: &JobView, cell: u32, step: u32) -> Option<String> {
    const MOST: usize = 5;
    let mut groups: Vec<(String, usize)> = Vec::new();
    for (_, tried) in view.earlier_tries(cell, step) {
        let why = words::tried(tried, view);
        match groups.last_mut().filter(|(last, _)| *last == why) {
            Some((_, count)) => *count += 1,
            None => groups.push((why, 1)),
        }
    }
    let more = groups.len().saturating_sub(MOST);
    let said: Vec<String> = groups
        .into_iter()
        .skip(more)
        .map(|(why, count)| match count {
            1 => why,
            2 => format!("{why} twice"),
            count => format!("{why} {count} times"),
        })
        .collect();
    let dots = if more > 0 { "..., " } else { "" };
    (!said.is_empty()).then(|| format!("{dots}{}", said.join(", ")))
}

/// Says how an earlier run of a cell failed, by its first step that did.
#[must_use]
pub fn why_run(view: &JobView, cell: u32, run: u32) -> Option<String> {
    let mut tries = view.tried.iter().filter(|(key, tried)| {
        (key.cell, key.run) == (cell, run)
            && tried.outcome == Outcome::Failure
            && !view.is_block(cell, key.step)
    });
    let (key, tried) = tries.next_back()?;
    Some(step_failure(view, cell, key.step, key.attempt, tried.cause.as_ref()))
}

/// Says which run of a cell this is, and how the one before it failed: ``run 2 (run 1: step 1 `make` exited with code 2)``.
#[must_use]
pub fn runs(view: &JobView, cell: u32) -> String {
    let run = view.cells[cell as usize].run;
    match why_run(view, cell, run.saturating_sub(1)) {
        Some(why) => format!("run {run} (run {}: {why})", run - 1),
        None => format!("run {run}"),
    }
}

/// Says how a step failed: ``step 2 `cargo test` exited with code 1, attempt 3``.
#[must_use]
pub fn step_failure(view: &JobView, cell: u32, step: u32, attempt: u32, cause: Option<&Cause>) -> String {
    if let Some(it @ Cause::Service { .. }) = cause {
        return words::cause(it, view);
    }
    let why = cause.map_or_else(
        || "failed".to_owned(),
        |cause| match cause {
            Cause::Exit { .. } | Cause::Signal { .. } | Cause::SkipCode { .. } => words::cause(cause, view),
            other => format!("failed: {}", words::cause(other, view)),
        },
    );
    let tries = if attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
    format!("{} {why}{tries}", step_words(view, cell, step))
}

/// Names a step for people: ``step 2 `cargo test` ``, or by its id or name.
#[must_use]
pub fn step_words(view: &JobView, cell: u32, step: u32) -> String {
    let Some(plan) = view.plan_step(cell, step) else { return format!("step {}", step + 1) };
    if let (Some(part), Some(id)) = (plan.part, &plan.id) {
        return if part.is_run() {
            id.replacen("services.", "service `", 1) + "`"
        } else {
            format!("`{id}`")
        };
    }
    if let (Some(FilesPart::Save(_)), Some(id)) = (&plan.files, &plan.id) {
        return format!("`{id}`");
    }
    let name = plan.name.as_ref().and_then(|name| name.template.as_literal());
    if let Some(name) = name {
        return format!("step {} `{}`", step + 1, shortened(name, 40));
    }
    if let Some(id) = &plan.id {
        return format!("step {} `{id}`", step + 1);
    }
    if let Some(it) = &plan.composite {
        return format!("step {} `./{}`", step + 1, it.path);
    }
    match &plan.action {
        Action::Run { .. } if plan.files.is_some() => format!("step {} `cache-files`", step + 1),
        Action::Run { text, .. } => {
            format!("step {} `{}`", step + 1, shortened(text.template.source().trim(), 40))
        }
        Action::Block { .. } | Action::Parallel { .. } => format!("{} {}", plan.action.word(), step + 1),
        Action::Approve(_) => format!("gate {}", step + 1),
        action => action_words(action, &|at| step_id(view, cell, at)),
    }
}

/// Returns a step's name as a list shows it: its `name`, else its id, else the beginning of its command.
#[must_use]
pub fn step_title(view: &JobView, cell: u32, step: u32) -> String {
    let Some(plan) = view.plan_step(cell, step) else { return format!("step {}", step + 1) };
    if let Some(name) = plan.name.as_ref().and_then(|name| name.template.as_literal()) {
        return shortened(name, 60);
    }
    if let Some(id) = &plan.id {
        return id.to_string();
    }
    if let Some(it) = &plan.composite {
        return format!("./{}", it.path);
    }
    match &plan.action {
        Action::Run { text, .. } if plan.files.is_some() => {
            shortened(&format!("cache-files {}", text.template.source().trim()), 60)
        }
        Action::Run { text, .. } => {
            shortened(text.template.source().trim().lines().next().unwrap_or_default(), 60)
        }
        Action::Block { .. } | Action::Parallel { .. } => format!("{} {}", plan.action.word(), step + 1),
        Action::Approve(_) => format!("gate {}", step + 1),
        action => action_words(action, &|at| step_id(view, cell, at)),
    }
}

/// Says what a step does that runs no command: ``wait for `server` ``.
#[must_use]
pub fn action_words(action: &Action, name: &dyn Fn(usize) -> String) -> String {
    let names = |steps: &[usize]| listed_names(&steps.iter().map(|&at| name(at)).collect::<Vec<_>>(), "and");
    match action {
        Action::Wait { steps } => format!("wait for {}", names(steps)),
        Action::WaitAll => "wait for all background steps".to_owned(),
        Action::Cancel { steps } => format!("stop {}", names(steps)),
        Action::Rollback => "roll back".to_owned(),
        Action::Run { .. } | Action::Block { .. } | Action::Parallel { .. } | Action::Approve(_) => {
            action.word().to_owned()
        }
    }
}

/// Returns how a step is addressed: its id, else its number from 1.
#[must_use]
pub fn step_id(view: &JobView, cell: u32, step: usize) -> String {
    u32::try_from(step).map_or_else(|_| String::new(), |step| view.step_name(cell, step))
}
