//! Says why something did not pass, and how a step is called, in the words that every face uses.
//!
//! Not here: single words and causes (`words.rs`), layout (each face its own).

use super::words;
use crate::logic::job::event::{Cause, Outcome};
use crate::logic::playbook::model::Action;
use crate::logic::text::shortened;
use crate::logic::view::JobView;

/// Says why a cell did not pass: by its first failed step if there is one.
#[must_use]
pub fn why_cell(view: &JobView, cell: u32) -> Option<String> {
    let it = &view.cells[cell as usize];
    let failed = (0u32..)
        .zip(&it.steps)
        .find(|(step, state)| state.conclusion == Some(Outcome::Failure) && !view.is_block(cell, *step));
    if let (
        Some((step, state)),
        None | Some(Cause::Member { .. } | Cause::Exit { .. } | Cause::Signal { .. }),
    ) = (failed, &it.cause)
    {
        return Some(step_failure(view, cell, step, state.attempt, state.cause.as_ref()));
    }
    it.cause.as_ref().map(|cause| words::cause(cause, view))
}

/// Says how a step failed: ``step 2 `cargo test` exited with code 1, attempt 3``.
#[must_use]
pub fn step_failure(view: &JobView, cell: u32, step: u32, attempt: u32, cause: Option<&Cause>) -> String {
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
    let name = plan.name.as_ref().and_then(|name| name.template.as_literal());
    if let Some(name) = name {
        return format!("step {} `{}`", step + 1, shortened(name, 40));
    }
    if let Some(id) = &plan.id {
        return format!("step {} `{id}`", step + 1);
    }
    match &plan.action {
        Action::Run { text, .. } => match text.template.as_literal() {
            Some(text) => format!("step {} `{}`", step + 1, shortened(text.trim(), 40)),
            None => format!("step {}", step + 1),
        },
        Action::Block { .. } => format!("block {}", step + 1),
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
    match &plan.action {
        Action::Run { text, .. } => {
            let text = text.template.as_literal().unwrap_or_default();
            shortened(text.trim().lines().next().unwrap_or_default(), 60)
        }
        Action::Block { .. } => format!("block {}", step + 1),
    }
}
