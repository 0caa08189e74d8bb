//! Pause, skip, cancel, retry: what each asks before it acts, and what can be undone.
//!
//! Pure. Enter never confirms, the confirming key is never the one that opened the dialog, and Esc is always safe. Not here:
//! whether an order makes sense (`logic/job`), how dialogs look (`draw/overlay.rs`).

use std::time::Duration;

use super::tree::RowId;
use super::ui::{Choice, Dialog, Facts, Overlay, Request, Ui, Undo};
use crate::logic::job::event::Outcome;
use crate::logic::job::order::{Order, RetryScope, Target};
use crate::logic::text::{duration, plural};
use crate::logic::view::{JobView, Phase};

/// How long the cancel of a whole job can be called off.
const ARMED: Duration = Duration::from_secs(3);

/// How long an undo is offered for what is already done.
const OFFERED: Duration = Duration::from_secs(8);

/// So many cells are tried again without a question.
const FEW: usize = 10;

/// Returns what an order for a row is about.
fn target(view: &JobView, id: RowId) -> Target {
    match id {
        RowId::Stage(stage) => Target::Stage(stage),
        // One cell is all of its stage, and the stage can be named before the cell is there.
        RowId::Cell(cell) => match view.cells.get(cell as usize) {
            Some(it) if view.stages[it.stage as usize].cells.len() == 1 => Target::Stage(it.stage),
            _ => Target::Cell(cell),
        },
    }
}

fn name(view: &JobView, id: RowId) -> String {
    match id {
        RowId::Stage(stage) => view.stage_name(stage).to_owned(),
        RowId::Cell(cell) => view.cell_name(cell),
    }
}

fn phase(view: &JobView, id: RowId) -> Phase {
    match id {
        RowId::Stage(stage) => view.stages.get(stage as usize).map_or(Phase::Waiting, |it| it.phase),
        RowId::Cell(cell) => view.cells.get(cell as usize).map_or(Phase::Waiting, |it| it.phase),
    }
}

/// Returns the cells of a row that run.
fn live(view: &JobView, id: RowId) -> Vec<u32> {
    let belongs = |&&cell: &&u32| match id {
        RowId::Stage(stage) => view.cells[cell as usize].stage == stage,
        RowId::Cell(only) => cell == only,
    };
    view.live.iter().filter(belongs).copied().collect()
}

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

impl Ui {
    fn ask(&mut self, title: String, text: Vec<String>, mut choices: Vec<Choice>, now: Duration) {
        choices.push(choice("esc", "keep going", Vec::new()));
        self.overlay = Some(Overlay::Dialog(Dialog { title, text, choices, opened: now }));
    }

    /// Pauses the job, or lets it go on.
    pub(super) fn pause(&mut self, facts: Facts<'_>) -> Vec<Request> {
        let order = if facts.view.paused.is_some() { Order::Resume } else { Order::Pause };
        vec![Request::Order(order)]
    }

    /// Leaves the selection out.
    pub(super) fn skip(&mut self, facts: Facts<'_>) -> Vec<Request> {
        let view = facts.view;
        let Some(id) = self.selected(view) else { return Vec::new() };
        let (name, target) = (name(view, id), target(view, id));
        let order = Request::Order(Order::Skip { target: target.clone() });
        let running = live(view, id);
        if !running.is_empty() {
            let text = vec![
                format!("Stops {}: {}", plural(running.len(), "running cell"), names(view, &running)),
                format!("politely first, killed after {}. What needs it goes on.", grace(view, &running)),
            ];
            self.ask(format!("Skip {name}?"), text, vec![choice("y", "skip it", vec![order])], facts.now);
            return Vec::new();
        }
        let RowId::Stage(stage) = id else { return vec![order] };
        if phase(view, id) != Phase::Waiting {
            return vec![order];
        }
        let after = view.dependents(stage);
        if after.is_empty() {
            let mut requests = self.offer_undo(format!("Skipped {name}"), target, facts.now);
            requests.push(order);
            return requests;
        }
        // One after the other, so that none of them begins because what it needs was skipped.
        let all: Vec<Request> = view
            .dependents_first(stage)
            .into_iter()
            .map(|stage| Request::Order(Order::Skip { target: Target::Stage(stage) }))
            .collect();
        let list: Vec<&str> = after.iter().take(5).map(|&stage| view.stage_name(stage)).collect();
        let more = if after.len() > 5 { format!(" and {} more", after.len() - 5) } else { String::new() };
        let text = vec![format!("{} after it: {}{more}", plural(after.len(), "stage"), list.join(", "))];
        let choices = vec![
            choice("y", "skip it, the others go on as if it were done", vec![order]),
            choice("a", "skip all of them", all),
        ];
        self.ask(format!("Skip {name}?"), text, choices, facts.now);
        Vec::new()
    }

    /// Offers to take back a skip that has not come into force. Returns what was armed until then and is due now.
    fn offer_undo(&mut self, words: String, target: Target, now: Duration) -> Vec<Request> {
        let back = vec![Request::Order(Order::WithdrawSkip { target })];
        let armed = self.take_armed();
        self.undo = Some(Undo { words, until: now + OFFERED, then: Vec::new(), back });
        armed
    }

    /// Takes what a person has confirmed and what only waits so that it can be called off.
    #[must_use]
    pub(super) fn take_armed(&mut self) -> Vec<Request> {
        self.undo.take_if(|undo| !undo.then.is_empty()).map(|undo| undo.then).unwrap_or_default()
    }

    /// Takes back the offer to undo a skip, for it was refused.
    pub(super) fn not_skipped(&mut self) {
        self.undo.take_if(|undo| undo.then.is_empty());
    }

    /// Cancels the selection.
    pub(super) fn cancel(&mut self, facts: Facts<'_>) -> Vec<Request> {
        let view = facts.view;
        let Some(id) = self.selected(view) else { return Vec::new() };
        if let Phase::Done(_) = phase(view, id) {
            self.say(format!("{} has ended already; r runs it again", name(view, id)), facts.now);
            return Vec::new();
        }
        let running = live(view, id);
        let target = target(view, id);
        let is_stopping = phase(view, id) == Phase::Stopping;
        let order = |force| vec![Request::Order(Order::Cancel { target: target.clone(), force })];
        let mut text = match running.len() {
            0 => vec!["Nothing of it runs yet.".to_owned()],
            count => vec![
                format!("Stops {}: {}", plural(count, "running cell"), names(view, &running)),
                format!("politely first, killed after {}. Cleanup still runs.", grace(view, &running)),
            ],
        };
        let stage = match id {
            RowId::Stage(stage) => stage,
            RowId::Cell(cell) => view.cells[cell as usize].stage,
        };
        let after = view.dependents(stage);
        if !after.is_empty() {
            text.push(format!("{} it will not run.", plural(after.len(), "stage") + " after"));
        }
        let mut choices = vec![choice("y", "cancel it", order(false))];
        if !running.is_empty() {
            choices.push(choice("K", "kill it at once, without cleanup", order(true)));
        }
        if is_stopping {
            choices.remove(0);
            text.insert(0, "It is stopping already.".to_owned());
        }
        self.ask(format!("Cancel {}?", name(view, id)), text, choices, facts.now);
        Vec::new()
    }

    /// Cancels the whole job; again before the time is over: at once.
    pub(super) fn cancel_job(&mut self, facts: Facts<'_>) -> Vec<Request> {
        let armed = self.take_armed();
        if !armed.is_empty() {
            return armed;
        }
        if !facts.is_live || facts.view.phase.outcome().is_some() {
            self.say("the job has ended already", facts.now);
            return Vec::new();
        }
        let (text, mut choices) = cancel_words(facts);
        if facts.view.cancelling.is_some() {
            let kill = vec![Request::Order(Order::Cancel { target: Target::Job, force: true })];
            choices = vec![choice("K", "kill what still runs, without cleanup", kill)];
        }
        self.ask(format!("Cancel job #{}?", facts.number), text, choices, facts.now);
        Vec::new()
    }

    /// Runs the selection again.
    pub(super) fn retry(&mut self, facts: Facts<'_>) -> Vec<Request> {
        let view = facts.view;
        let Some(id) = self.selected(view) else { return Vec::new() };
        let scope = view.retry_scope(&target(view, id));
        let request = self.again(Order::Retry { scope }, facts);
        match phase(view, id) {
            Phase::Done(Outcome::Success) => {
                let text = vec!["It passed. It runs again, and so does what depends on it.".to_owned()];
                let choices = vec![choice("y", "run it again", vec![request])];
                self.ask(format!("Run {} again?", name(view, id)), text, choices, facts.now);
                Vec::new()
            }
            Phase::Done(_) => vec![request],
            _ => {
                self.say(format!("{} has not ended", name(view, id)), facts.now);
                Vec::new()
            }
        }
    }

    /// Runs again everything that failed or was cancelled.
    pub(super) fn retry_failed(&mut self, facts: Facts<'_>) -> Vec<Request> {
        let view = facts.view;
        let bad = |phase: Phase| matches!(phase, Phase::Done(Outcome::Failure | Outcome::Cancelled));
        let cells = view.cells.iter().filter(|cell| bad(cell.phase)).count();
        let stages = view.stages.iter().filter(|stage| stage.cells.is_empty() && bad(stage.phase)).count();
        if cells + stages == 0 {
            self.say("nothing failed and nothing was cancelled", facts.now);
            return Vec::new();
        }
        let request = self.again(Order::Retry { scope: RetryScope::Failed }, facts);
        if cells < FEW {
            return vec![request];
        }
        let text = vec![format!("{} run again, and what depends on them.", plural(cells, "cell"))];
        let choices = vec![choice("y", "run them again", vec![request])];
        self.ask("Run all that failed again?".to_owned(), text, choices, facts.now);
        Vec::new()
    }

    fn again(&self, order: Order, facts: Facts<'_>) -> Request {
        let has_ended = facts.view.phase.outcome().is_some() || !facts.is_live;
        if has_ended { Request::Again(order) } else { Request::Order(order) }
    }

    /// Takes back what the status line offers to.
    pub(super) fn take_back(&mut self, facts: Facts<'_>) -> Vec<Request> {
        match self.undo.take() {
            Some(undo) => {
                if undo.back.is_empty() {
                    self.say(format!("{}: called off", undo.words), facts.now);
                }
                undo.back
            }
            None => {
                self.say("nothing to undo", facts.now);
                Vec::new()
            }
        }
    }

    /// Leaves, or asks what becomes of the job.
    pub(super) fn quit(&mut self, facts: Facts<'_>) -> Vec<Request> {
        if !facts.is_ours || facts.view.phase.outcome().is_some() {
            return vec![Request::Leave];
        }
        let (mut text, _) = cancel_words(facts);
        text.insert(0, "The job runs in this program, and ends with it.".to_owned());
        let choices = vec![
            choice("y", "cancel the job and leave", vec![Request::CancelAndLeave]),
            choice("S", "leave the full screen only, the job goes on below", vec![Request::Stream]),
        ];
        self.ask("Leave?".to_owned(), text, choices, facts.now);
        Vec::new()
    }

    /// Ctrl-C: asks; again within two seconds: cancels; again: kills; again: leaves.
    pub(super) fn interrupt(&mut self, facts: Facts<'_>) -> Vec<Request> {
        const WINDOW: Duration = Duration::from_secs(2);
        if !facts.is_ours || facts.view.phase.outcome().is_some() {
            return vec![Request::Leave];
        }
        let (count, last) = self.interrupts;
        let count = if facts.now.saturating_sub(last) <= WINDOW || count > 1 { count + 1 } else { 1 };
        self.interrupts = (count, facts.now);
        let cancel = |force| Request::Order(Order::Cancel { target: Target::Job, force });
        match count {
            1 => self.quit(facts),
            2 => {
                self.overlay = None;
                self.leave_at_end = true;
                vec![cancel(false)]
            }
            3 => {
                self.leave_at_end = true;
                vec![cancel(true)]
            }
            _ => vec![Request::Leave],
        }
    }

    /// Takes the answer to a dialog.
    pub(super) fn answer(&mut self, choice: Choice, title: &str, now: Duration) -> Vec<Request> {
        if choice.delay.is_zero() {
            return choice.requests;
        }
        let words = title.trim_end_matches('?').to_owned();
        let armed = self.take_armed();
        self.undo = Some(Undo { words, until: now + choice.delay, then: choice.requests, back: Vec::new() });
        armed
    }
}

fn cancel_words(facts: Facts<'_>) -> (Vec<String>, Vec<Choice>) {
    let view = facts.view;
    let running: Vec<u32> = view.live.iter().copied().collect();
    let waiting = plural(view.stage_counts.waiting, "stage");
    let mut text = Vec::new();
    if !running.is_empty() {
        text.push(format!("Stops {}: {}", plural(running.len(), "running cell"), names(view, &running)));
        text.push(format!("politely first, killed after {}. Cleanup still runs.", grace(view, &running)));
    }
    if view.stage_counts.waiting > 0 {
        text.push(format!("{waiting} will not start, {} done.", view.stage_counts.done()));
    }
    let order = vec![Request::Order(Order::Cancel { target: Target::Job, force: false })];
    let cancel = Choice { key: "y", word: "cancel the job".to_owned(), requests: order, delay: ARMED };
    (text, vec![cancel])
}
