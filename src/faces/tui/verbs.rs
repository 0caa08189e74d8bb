//! Pause, skip, cancel, retry, roll back: which of them ask before they act, and what can be undone.
//!
//! Pure. Not here: whether an order makes sense (`logic/job`), what dialogs say (`ask.rs`) and how they look
//! (`draw/overlay.rs`).

use std::time::Duration;

use super::keymap::Action;
use super::tree::RowId;
use super::ui::{Ask, Choice, Dialog, Facts, Overlay, Request, Ui, Undo};
use crate::logic::job::event::Outcome;
use crate::logic::job::order::{Order, RetryScope, Target};
use crate::logic::view::{JobView, Phase};

/// How long an undo is offered for what is already done.
const OFFERED: Duration = Duration::from_secs(8);

/// So many cells are tried again without a question.
const FEW: usize = 10;

/// Returns what an order for a row is about.
pub(super) fn target(view: &JobView, id: RowId) -> Target {
    match id {
        RowId::Stage(stage) => Target::Stage(stage),
        // One cell is all of its stage, and the stage can be named before the cell is there.
        RowId::Cell(cell) => match view.cells.get(cell as usize) {
            Some(it) if view.stages[it.stage as usize].cells.len() == 1 => Target::Stage(it.stage),
            _ => Target::Cell(cell),
        },
    }
}

/// Returns how a row is called.
pub(super) fn name(view: &JobView, id: RowId) -> String {
    match id {
        RowId::Stage(stage) => view.stage_name(stage).to_owned(),
        RowId::Cell(cell) => view.cell_name(cell),
    }
}

/// Returns where a row stands.
pub(super) fn phase(view: &JobView, id: RowId) -> Phase {
    match id {
        RowId::Stage(stage) => view.stages.get(stage as usize).map_or(Phase::Waiting, |it| it.phase),
        RowId::Cell(cell) => view.cells.get(cell as usize).map_or(Phase::Waiting, |it| it.phase),
    }
}

/// Returns the cells of a row that run.
pub(super) fn live(view: &JobView, id: RowId) -> Vec<u32> {
    let belongs = |&&cell: &&u32| match id {
        RowId::Stage(stage) => view.cells[cell as usize].stage == stage,
        RowId::Cell(only) => cell == only,
    };
    view.live.iter().filter(belongs).copied().collect()
}

/// Returns how many cells, and how many stages without cells, failed or were cancelled.
pub(super) fn bad_cells(view: &JobView) -> (usize, usize) {
    let bad = |phase: Phase| matches!(phase, Phase::Done(Outcome::Failure | Outcome::Cancelled));
    let cells = view.cells.iter().filter(|cell| bad(cell.phase)).count();
    let stages = view.stages.iter().filter(|stage| stage.cells.is_empty() && bad(stage.phase)).count();
    (cells, stages)
}

/// Returns what is tried again for a row.
pub(super) fn retry_scope(view: &JobView, id: RowId) -> RetryScope {
    view.retry_scope(&target(view, id))
}

/// Says whether what was ordered can be seen on the screen.
pub(super) fn shows(order: &Order, facts: Facts<'_>) -> bool {
    let view = facts.view;
    let of = |target: &Target| match target {
        Target::Job => view.phase,
        Target::Stage(stage) => phase(view, RowId::Stage(*stage)),
        Target::Cell(cell) => phase(view, RowId::Cell(*cell)),
    };
    match order {
        Order::Pause => view.paused.is_some(),
        Order::Freeze => view.is_frozen(),
        Order::Resume => view.paused.is_none(),
        Order::Cancel { target, .. } | Order::Skip { target } => {
            matches!(of(target), Phase::Stopping | Phase::Done(_))
        }
        Order::Retry { scope } => match scope {
            RetryScope::Cell(cell) => phase(view, RowId::Cell(*cell)).is_live(),
            RetryScope::Stage(stage) => phase(view, RowId::Stage(*stage)).is_live(),
            RetryScope::From(_) | RetryScope::Failed | RetryScope::All | RetryScope::Anew(_) => {
                !view.live.is_empty()
            }
        },
        Order::Rollback { .. } => view.cells.iter().any(|it| it.is_rolling),
        Order::Approve { gate, .. } | Order::Reject { gate, .. } => {
            view.gates.get(*gate as usize).is_none_or(|it| it.end.is_some())
        }
        _ => false,
    }
}

/// What is said to whoever wants to run on a job that its engine left behind.
const ABANDONED: &str = "an interrupted job cannot be run on, only started again";

/// Says whether no engine works on a job that has not ended.
fn is_abandoned(facts: Facts<'_>) -> bool {
    !facts.is_live && facts.view.phase.outcome().is_none()
}

impl Ui {
    fn ask(&mut self, ask: Ask, now: Duration) -> Vec<Request> {
        self.overlay = Some(Overlay::Dialog(Dialog { ask, opened: now }));
        Vec::new()
    }

    /// Pauses the job, or lets it go on.
    pub(super) fn pause(&mut self, facts: Facts<'_>) -> Vec<Request> {
        let order = if facts.view.paused.is_some() { Order::Resume } else { Order::Pause };
        vec![Request::Order(order)]
    }

    /// Asks whether the job is to be frozen.
    pub(super) fn freeze(&mut self, facts: Facts<'_>) -> Vec<Request> {
        if facts.view.is_frozen() {
            self.say(
                format!("the job is frozen already; {} lets it go on", self.said(Action::Pause)),
                facts.now,
            );
            return Vec::new();
        }
        match self.question(Ask::Freeze, facts) {
            Ok(_) => self.ask(Ask::Freeze, facts.now),
            Err(why) => {
                self.say(why, facts.now);
                Vec::new()
            }
        }
    }

    /// Asks whether what was done is to be undone.
    pub(super) fn roll_back(&mut self, facts: Facts<'_>) -> Vec<Request> {
        if is_abandoned(facts) {
            self.say("no engine works on this job; `jobs recover` goes on with it", facts.now);
            return Vec::new();
        }
        let ask = Ask::RollBack(self.selected(facts.view));
        match self.question(ask, facts) {
            Ok(_) => self.ask(ask, facts.now),
            Err(why) => {
                self.say(why, facts.now);
                Vec::new()
            }
        }
    }

    /// Leaves the selection out.
    pub(super) fn skip(&mut self, facts: Facts<'_>) -> Vec<Request> {
        let view = facts.view;
        let Some(id) = self.selected(view) else { return Vec::new() };
        let (name, target) = (name(view, id), target(view, id));
        let order = Request::Order(Order::Skip { target: target.clone() });
        if !live(view, id).is_empty() {
            return self.ask(Ask::Skip(id), facts.now);
        }
        let RowId::Stage(stage) = id else { return vec![order] };
        if phase(view, id) != Phase::Waiting {
            return vec![order];
        }
        if view.dependents(stage).is_empty() {
            let mut requests = self.offer_undo(format!("Skipped {name}"), target, facts.now);
            requests.push(order);
            return requests;
        }
        self.ask(Ask::Skip(id), facts.now)
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
            let words =
                format!("{} has ended already; {} runs it again", name(view, id), self.said(Action::Retry));
            self.say(words, facts.now);
            return Vec::new();
        }
        self.ask(Ask::Cancel(id), facts.now)
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
        self.ask(Ask::CancelJob, facts.now)
    }

    /// Runs the selection again.
    pub(super) fn retry(&mut self, facts: Facts<'_>) -> Vec<Request> {
        let view = facts.view;
        if self.is_between_rounds(view) {
            return vec![Request::Round];
        }
        let Some(id) = self.selected(view) else { return Vec::new() };
        if is_abandoned(facts) {
            self.say(ABANDONED, facts.now);
            return Vec::new();
        }
        match phase(view, id) {
            Phase::Done(Outcome::Success) => self.ask(Ask::Retry(id), facts.now),
            Phase::Done(_) => vec![self.again(Order::Retry { scope: retry_scope(view, id) }, facts)],
            _ => {
                self.say(format!("{} has not ended", name(view, id)), facts.now);
                Vec::new()
            }
        }
    }

    /// Runs again everything that failed or was cancelled.
    pub(super) fn retry_failed(&mut self, facts: Facts<'_>) -> Vec<Request> {
        let view = facts.view;
        if is_abandoned(facts) {
            self.say(ABANDONED, facts.now);
            return Vec::new();
        }
        let (cells, stages) = bad_cells(view);
        if cells + stages == 0 {
            self.say("nothing failed and nothing was cancelled", facts.now);
            return Vec::new();
        }
        if cells < FEW {
            return vec![self.again(Order::Retry { scope: RetryScope::Failed }, facts)];
        }
        self.ask(Ask::RetryFailed, facts.now)
    }

    pub(super) fn again(&self, order: Order, facts: Facts<'_>) -> Request {
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
        self.ask(Ask::Leave, facts.now)
    }

    /// Ctrl-C: asks; again within two seconds: cancels; again: kills; again: leaves.
    pub(super) fn interrupt(&mut self, facts: Facts<'_>) -> Vec<Request> {
        const WINDOW: Duration = Duration::from_secs(2);
        if !facts.is_ours || facts.view.phase.outcome().is_some() {
            return vec![Request::Leave];
        }
        let (count, last) = self.interrupts;
        let is_asked = matches!(&self.overlay, Some(Overlay::Dialog(it)) if matches!(it.ask, Ask::Leave | Ask::CancelJob));
        let is_again = facts.now.saturating_sub(last) <= WINDOW || count > 1;
        // Whatever key opened the question.
        let count = if is_again { count + 1 } else { 1 + u8::from(is_asked) };
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
