//! What a dialog says at a moment: how many run now, what would happen now. A question whose subject has ended is none.
//!
//! Pure. Enter never confirms, the confirming key is never the one that opened the dialog, and Esc is always safe. Not here:
//! which verbs ask (`verbs.rs`), how dialogs look (`draw/overlay.rs`).

use std::time::Duration;

use super::keymap::Action;
use super::tree::RowId;
use super::ui::{Ask, Choice, Facts, Question, Request, Ui};
use super::verbs::{bad_cells, live, name, phase, retry_scope, target};
use crate::faces::why::step_title;
use crate::logic::job::event::Outcome;
use crate::logic::job::order::{Order, RetryScope, Target};
use crate::logic::text::{duration, plural};
use crate::logic::view::{JobView, Phase};

#[cfg(test)]
#[path = "ask_tests.rs"]
mod tests;

/// How long the cancel of a whole job can be called off.
const ARMED: Duration = Duration::from_secs(3);

fn names(view: &JobView, cells: &[u32]) -> String {
    let mut names: Vec<String> = cells.iter().take(4).map(|&cell| view.cell_name(cell)).collect();
    if cells.len() > 4 {
        names.push(format!("{} more", cells.len() - 4));
    }
    names.join(", ")
}

fn grace(view: &JobView, cells: &[u32]) -> String {
    let stages =
        cells.iter().filter_map(|&cell| view.playbook.stages.get(view.cells[cell as usize].stage as usize));
    duration(stages.map(|stage| stage.cancel.grace).max().unwrap_or_default())
}

fn choice(key: &'static str, word: &str, requests: Vec<Request>) -> Choice {
    Choice { key, word: word.to_owned(), requests, delay: Duration::ZERO }
}

fn question(title: String, text: Vec<String>, mut choices: Vec<Choice>) -> Question {
    choices.push(choice("esc", "keep going", Vec::new()));
    Question { title, text, choices }
}

/// Says what is stopped, and how.
fn stops(view: &JobView, running: &[u32], rest: &str) -> Vec<String> {
    vec![
        format!("Stops {}: {}", plural(running.len(), "running cell"), names(view, running)),
        format!("politely first, killed after {}. {rest}", grace(view, running)),
    ]
}

impl Ui {
    /// Returns what a dialog asks now.
    ///
    /// # Errors
    /// If there is nothing left to ask; in a sentence, why.
    pub fn question(&self, ask: Ask, facts: Facts<'_>) -> Result<Question, String> {
        let view = facts.view;
        let has_ended = view.phase.outcome().is_some() || !facts.is_live;
        match ask {
            Ask::Skip(id) | Ask::Cancel(id) if matches!(phase(view, id), Phase::Done(_)) => {
                Err(format!("{} has ended meanwhile", name(view, id)))
            }
            Ask::Skip(_) | Ask::Cancel(_) | Ask::CancelJob | Ask::Freeze if has_ended => {
                Err(self.over(view, "the job has ended meanwhile"))
            }
            Ask::Leave if !facts.is_ours || view.phase.outcome().is_some() => {
                Err(self.over(view, "the job has ended meanwhile; q leaves"))
            }
            Ask::Skip(id) => Ok(skip(view, id)),
            Ask::Cancel(id) => Ok(cancel(view, id)),
            Ask::CancelJob => Ok(cancel_job(facts)),
            Ask::Leave => Ok(leave(facts)),
            Ask::Freeze if view.cancelling.is_some() => Err("the job is being cancelled".to_owned()),
            Ask::Freeze if view.is_frozen() => Err("the job is frozen already".to_owned()),
            Ask::Freeze => Ok(freeze(facts, &self.said(Action::Pause))),
            Ask::RollBack(id) => self.roll_back_question(id, facts),
            Ask::Fresh => self.fresh_question(facts),
            Ask::Retry(id) => match phase(view, id) {
                Phase::Done(outcome) => {
                    let how = if outcome == Outcome::Success { "It passed. It" } else { "It" };
                    let text = vec![format!("{how} runs again, and so does what depends on it.")];
                    let request = self.again(Order::Retry { scope: retry_scope(view, id) }, facts);
                    let choices = vec![choice("y", "run it again", vec![request])];
                    Ok(question(format!("Run {} again?", name(view, id)), text, choices))
                }
                _ => Err(format!("{} runs again already", name(view, id))),
            },
            Ask::RetryFailed => {
                let (cells, stages) = bad_cells(view);
                if cells + stages == 0 {
                    return Err("nothing is left that failed or was cancelled".to_owned());
                }
                let request = self.again(Order::Retry { scope: RetryScope::Failed }, facts);
                let text = vec![format!("{} run again, and what depends on them.", plural(cells, "cell"))];
                let choices = vec![choice("y", "run them again", vec![request])];
                Ok(question("Run all that failed again?".to_owned(), text, choices))
            }
        }
    }
}

impl Ui {
    /// Says that the job has ended while a question stood. What is said takes the place of the line that says what is waited
    /// for between rounds, so it says that as well.
    fn over(&self, view: &JobView, alone: &str) -> String {
        match &self.waits {
            Some(waits) if self.is_between_rounds(view) => format!("the job has ended; {waits}"),
            _ => alone.to_owned(),
        }
    }
}

/// Most steps that a question about a rollback names.
const NAMED: usize = 5;

impl Ui {
    /// Of a job that has ended all can be undone, or the selection alone; of one that runs only what has failed.
    fn roll_back_question(&self, id: Option<RowId>, facts: Facts<'_>) -> Result<Question, String> {
        let view = facts.view;
        let has_ended = view.phase.outcome().is_some();
        if view.cells.iter().any(|it| it.is_rolling) {
            return Err("a rollback is under way already".to_owned());
        }
        let all = view.undoable(&(0u32..).zip(&view.cells).map(|(at, _)| at).collect::<Vec<_>>());
        if all.is_empty() {
            return Err("no step with an `undo` has succeeded, or all was undone already".to_owned());
        }
        let own = id.map_or_else(Vec::new, |id| cells_of(view, id));
        let own_steps = view.undoable(&own);
        let order = |target| vec![self.again(Order::Rollback { target }, facts)];
        if has_ended {
            let mut choices = vec![choice("y", "undo all of them", order(Target::Job))];
            if let Some(id) = id.filter(|_| !own_steps.is_empty() && own_steps.len() < all.len()) {
                let words = format!("only those of {} ({})", name(view, id), own_steps.len());
                choices.push(choice("s", &words, order(target(view, id))));
            }
            return Ok(rolls_back(format!("Roll back job #{}?", facts.number), view, &all, choices));
        }
        let Some(id) = id.filter(|_| !own_steps.is_empty()) else {
            return Err("the job still runs; select what has failed and can be undone".to_owned());
        };
        let bad = |cell: &u32| {
            matches!(view.cells[*cell as usize].phase, Phase::Done(Outcome::Failure | Outcome::Cancelled))
        };
        let has_run = own.iter().all(|&cell| view.cells[cell as usize].phase.outcome().is_some());
        if !has_run || !own_steps.iter().any(|(cell, _)| bad(cell)) {
            let how = if has_run { "has passed" } else { "still runs" };
            return Err(format!("{} {how}; it can be rolled back once the job has ended", name(view, id)));
        }
        let failed: Vec<(u32, u32)> = own_steps.into_iter().filter(|(cell, _)| bad(cell)).collect();
        let choices = vec![choice("y", "undo them", order(target(view, id)))];
        Ok(rolls_back(format!("Roll back {}?", name(view, id)), view, &failed, choices))
    }
}

fn cells_of(view: &JobView, id: RowId) -> Vec<u32> {
    match id {
        RowId::Stage(stage) => view.stages.get(stage as usize).map_or_else(Vec::new, |it| it.cells.clone()),
        RowId::Cell(cell) => vec![cell],
    }
}

/// Names what is undone, in that order.
fn rolls_back(title: String, view: &JobView, steps: &[(u32, u32)], mut choices: Vec<Choice>) -> Question {
    let mut text = vec![match steps.len() {
        1 => "Undoes 1 step:".to_owned(),
        count => format!("Undoes {count} steps, one after the other:"),
    }];
    let line = |&(cell, step): &(u32, u32)| {
        let again = if view.cells[cell as usize].run > 1 { ", and what its earlier runs did" } else { "" };
        format!("- {}: {}{again}", view.cell_name(cell), step_title(view, cell, step))
    };
    text.extend(steps.iter().take(NAMED).map(line));
    if steps.len() > NAMED {
        text.push(format!("- and {} more", steps.len() - NAMED));
    }
    choices.push(choice("esc", "leave it as it is", Vec::new()));
    Question { title, text, choices }
}

fn skip(view: &JobView, id: RowId) -> Question {
    let name = name(view, id);
    let order = Request::Order(Order::Skip { target: target(view, id) });
    let running = live(view, id);
    let title = format!("Skip {name}?");
    if !running.is_empty() {
        let text = stops(view, &running, "What needs it goes on.");
        return question(title, text, vec![choice("y", "skip it", vec![order])]);
    }
    let after = match id {
        RowId::Stage(stage) => view.dependents(stage),
        RowId::Cell(_) => Vec::new(),
    };
    if after.is_empty() {
        let text = vec!["Nothing of it runs.".to_owned()];
        return question(title, text, vec![choice("y", "skip it", vec![order])]);
    }
    let own = match id {
        RowId::Stage(stage) => view.dependents_first(stage),
        RowId::Cell(_) => Vec::new(),
    };
    // One after the other, so that none of them begins because what it needs was skipped.
    let all: Vec<Request> =
        own.into_iter().map(|stage| Request::Order(Order::Skip { target: Target::Stage(stage) })).collect();
    let list: Vec<&str> = after.iter().take(5).map(|&stage| view.stage_name(stage)).collect();
    let more = if after.len() > 5 { format!(" and {} more", after.len() - 5) } else { String::new() };
    let text = vec![format!("{} after it: {}{more}", plural(after.len(), "stage"), list.join(", "))];
    let choices = vec![
        choice("y", "skip it, the others go on as if it were done", vec![order]),
        choice("a", "skip all of them", all),
    ];
    question(title, text, choices)
}

fn cancel(view: &JobView, id: RowId) -> Question {
    let running = live(view, id);
    let target = target(view, id);
    let order = |force| vec![Request::Order(Order::Cancel { target: target.clone(), force })];
    let mut text = match running.len() {
        0 => vec!["Nothing of it runs yet.".to_owned()],
        _ => stops(view, &running, "Cleanup still runs."),
    };
    let stage = match id {
        RowId::Stage(stage) => stage,
        RowId::Cell(cell) => view.cells.get(cell as usize).map_or(0, |it| it.stage),
    };
    let after = view.dependents(stage);
    if !after.is_empty() {
        text.push(format!("{} it will not run.", plural(after.len(), "stage") + " after"));
    }
    let mut choices = vec![choice("y", "cancel it", order(false))];
    if !running.is_empty() {
        choices.push(choice("K", "kill it at once, without cleanup", order(true)));
    }
    if phase(view, id) == Phase::Stopping {
        choices.remove(0);
        text.insert(0, "It is stopping already.".to_owned());
    }
    question(format!("Cancel {}?", name(view, id)), text, choices)
}

/// Says what becomes of the job if it is cancelled.
fn cancel_words(view: &JobView) -> Vec<String> {
    let running: Vec<u32> = view.live.iter().copied().collect();
    let mut text = if running.is_empty() { Vec::new() } else { stops(view, &running, "Cleanup still runs.") };
    let waiting =
        || view.stages.iter().zip(&view.playbook.stages).filter(|(it, _)| it.phase == Phase::Waiting);
    let ordinary = waiting().filter(|(_, model)| !model.is_final).count();
    if ordinary > 0 {
        text.push(format!("{} will not start.", plural(ordinary, "stage")));
    }
    let at_the_end: Vec<String> =
        waiting().filter(|(_, model)| model.is_final).map(|(_, model)| format!("`{}`", model.id)).collect();
    if !at_the_end.is_empty() {
        let word = if at_the_end.len() == 1 { "runs" } else { "run" };
        text.push(format!("At the end {} still {word}.", at_the_end.join(", ")));
    }
    text
}

fn cancel_job(facts: Facts<'_>) -> Question {
    let cancel = |force| vec![Request::Order(Order::Cancel { target: Target::Job, force })];
    let choices = if facts.view.cancelling.is_some() {
        vec![choice("K", "kill what still runs, without cleanup", cancel(true))]
    } else {
        vec![Choice { delay: ARMED, ..choice("y", "cancel the job", cancel(false)) }]
    };
    question(format!("Cancel job #{}?", facts.number), cancel_words(facts.view), choices)
}

fn freeze(facts: Facts<'_>, resume: &str) -> Question {
    let running: Vec<u32> = facts.view.live.iter().copied().collect();
    let mut text = vec![format!("All clocks stand still, and {resume} lets everything go on.")];
    if !running.is_empty() {
        let names = names(facts.view, &running);
        text.insert(0, format!("Stops {} on the spot: {names}", plural(running.len(), "running cell")));
        text.push("Whoever talks to them meanwhile, such as a server, may hang up.".to_owned());
    }
    let choices = vec![choice("y", "freeze the job", vec![Request::Order(Order::Freeze)])];
    question(format!("Freeze job #{}?", facts.number), text, choices)
}

fn leave(facts: Facts<'_>) -> Question {
    let mut text = cancel_words(facts.view);
    text.insert(0, "The job runs in this program, and ends with it.".to_owned());
    let choices = vec![
        choice("y", "cancel the job and leave", vec![Request::CancelAndLeave]),
        choice("D", "leave, and the job goes on without a terminal", vec![Request::Detach]),
        choice("S", "leave the full screen only, the job goes on below", vec![Request::Stream]),
    ];
    question("Leave?".to_owned(), text, choices)
}
