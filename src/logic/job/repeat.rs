//! Orders that come again: an id stands for one order, and whoever asks again hears what was said the first time.
//!
//! Not here: what an order records (`steer.rs`). The journal is what is remembered: each order is found again in the event
//! that it left, so another engine gives the same answers.

use std::collections::BTreeMap;

use super::event::Event;
use super::order::{Asked, Order, Refusal, RetryScope, Target};
use super::state::JobState;
use crate::logic::text::shortened;

#[cfg(test)]
#[path = "repeat_tests.rs"]
mod tests;

/// What stands in a text in place of a secret ([`STARS`](crate::logic::secret::STARS)).
const MASK: &str = "***";

/// Orders by their ids.
pub type Orders = BTreeMap<String, Past>;

/// An order that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    pub by: String,
    pub order: Order,
    /// It had force because it was the second of its kind, whatever it said itself.
    pub is_second: bool,
    pub answer: Result<String, Refusal>,
}

/// Returns the answer to an order whose id was there before: the same as then, or a refusal if that was another order.
#[must_use]
pub fn earlier(state: &JobState, asked: &Asked) -> Option<Result<String, Refusal>> {
    if let Some(answer) = again(state, asked) {
        return Some(answer);
    }
    let past = state.orders.get(&asked.id).filter(|_| !asked.id.is_empty())?;
    let of = if past.by == asked.by { String::new() } else { format!(" by {}", past.by) };
    Some(Err(Refusal::new(format!(
        "the id `{}` was used{of} for another order: {}; give this one, to {}, an id of its own",
        asked.id,
        described(state, &past.order),
        described(state, &asked.order)
    ))))
}

/// Returns the answer to an order that was there before under its id, nothing if that is new or was another order's.
#[must_use]
pub fn again(state: &JobState, asked: &Asked) -> Option<Result<String, Refusal>> {
    let past = state.orders.get(&asked.id).filter(|_| !asked.id.is_empty())?;
    is_same(state, past, asked).then(|| past.answer.clone())
}

/// Remembers the order that an event records, with the answer to it. What had that id first keeps it.
pub(super) fn note(state: &mut JobState, event: &Event, is_second: bool) {
    let Some(id) = event.order() else { return };
    if state.orders.contains_key(id) {
        return;
    }
    let Some(order) = recorded(event) else { return };
    let words = super::steer::words(state, event);
    let answer = if let Event::OrderRefused { .. } = event { Err(Refusal::new(words)) } else { Ok(words) };
    let by = event.actor().unwrap_or_default().to_owned();
    state.orders.insert(id.to_owned(), Past { by, order, is_second, answer });
}

/// Returns what is recorded of an order that changes nothing, so that it is answered in the same way again.
pub(super) fn noted(state: &JobState, asked: &Asked, words: &str) -> Option<Event> {
    let is_new = !asked.id.is_empty() && !state.orders.contains_key(&asked.id);
    is_new.then(|| Event::OrderNoted {
        by: asked.by.clone(),
        order: asked.id.clone(),
        asked: asked.order.clone(),
        message: words.to_owned(),
    })
}

/// Says whether an event is about a part of a job that was told to stop before.
pub(super) fn is_second(state: &JobState, event: &Event) -> bool {
    let Event::CancelAsked { target, .. } = event else { return false };
    match target {
        Target::Job => state.cancel.is_some(),
        Target::Stage(at) => state.stages.get(*at as usize).is_some_and(|it| it.cancel.is_some()),
        Target::Cell(at) => state.cells.get(*at as usize).is_some_and(|it| it.stop.is_some()),
    }
}

/// Returns the order that an event came of, nothing if it came of none.
#[must_use]
pub fn recorded(event: &Event) -> Option<Order> {
    Some(match event {
        Event::JobPaused { freeze: true, .. } => Order::Freeze,
        Event::JobPaused { .. } => Order::Pause,
        Event::JobResumed { .. } => Order::Resume,
        Event::JobRetrying { scope, .. } => Order::Retry { scope: scope.clone() },
        Event::CancelAsked { target, force, .. } => Order::Cancel { target: target.clone(), force: *force },
        Event::SkipAsked { target, .. } => Order::Skip { target: target.clone() },
        Event::SkipWithdrawn { target, .. } => Order::WithdrawSkip { target: target.clone() },
        Event::RollbackAsked { target, .. } => Order::Rollback { target: target.clone() },
        Event::OrderRefused { asked, .. } | Event::OrderNoted { asked, .. } => asked.clone(),
        Event::GateAnswered(it) | Event::GateApproved(it) => Order::Approve {
            gate: it.gate,
            note: it.note.clone(),
            inputs: it.inputs.iter().map(|(name, value)| (name.to_string(), value.clone())).collect(),
            claimed: it.claimed.clone(),
        },
        Event::GateRejected(it) => {
            Order::Reject { gate: it.gate, note: it.note.clone(), claimed: it.claimed.clone() }
        }
        _ => return None,
    })
}

fn is_same(state: &JobState, past: &Past, asked: &Asked) -> bool {
    // An answer at a gate is that of a person.
    let is_personal = matches!(asked.order, Order::Approve { .. } | Order::Reject { .. });
    let is_other = is_personal && past.by != asked.by;
    let is_said = said_in(noted_in(&past.order), noted_in(&asked.order));
    !is_other && is_said && plain(state, past, &past.order) == plain(state, past, &asked.order)
}

/// The note of an answer at a gate.
fn noted_in(order: &Order) -> &str {
    match order {
        Order::Approve { note, .. } | Order::Reject { note, .. } => note,
        _ => "",
    }
}

/// Says whether a text is the one that was recorded, in which a mask stands for any text: what it hides is written nowhere.
fn said_in(recorded: &str, text: &str) -> bool {
    let Some((first, others)) = recorded.split_once(MASK) else { return recorded == text };
    let (between, last) = others.rsplit_once(MASK).unwrap_or(("", others));
    let mut rest = text.strip_prefix(first).and_then(|rest| rest.strip_suffix(last));
    for part in between.split(MASK) {
        rest = rest.and_then(|rest| rest.split_once(part)).map(|(_, rest)| rest);
    }
    rest.is_some()
}

/// Returns an order without its note, and without what makes no difference between two that have the same id.
fn plain(state: &JobState, past: &Past, order: &Order) -> Order {
    let other_name = |claimed: &Option<String>| claimed.clone().filter(|name| *name != past.by);
    match order {
        Order::Cancel { target, force } => {
            Order::Cancel { target: target.clone(), force: *force || past.is_second }
        }
        Order::Retry { scope } => Order::Retry { scope: plain_scope(state, scope) },
        Order::Approve { gate, inputs, claimed, .. } => {
            // The last value of a name wins.
            let values: BTreeMap<String, _> =
                inputs.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
            let (note, inputs) = (String::new(), values.into_iter().collect());
            Order::Approve { gate: *gate, note, inputs, claimed: other_name(claimed) }
        }
        Order::Reject { gate, claimed, .. } => {
            Order::Reject { gate: *gate, note: String::new(), claimed: other_name(claimed) }
        }
        other => other.clone(),
    }
}

/// Who names a stage means its only cell, or all that begins with it, by where the job stands.
fn plain_scope(state: &JobState, scope: &RetryScope) -> RetryScope {
    match *scope {
        RetryScope::From(stage) => RetryScope::Stage(stage),
        RetryScope::Cell(cell) => match state.cells.get(cell as usize).map(|it| it.stage) {
            Some(stage) if state.stages[stage as usize].cells == [cell] => RetryScope::Stage(stage),
            _ => RetryScope::Cell(cell),
        },
        RetryScope::Anew(ref scope) => RetryScope::Anew(Box::new(plain_scope(state, scope))),
        ref other => other.clone(),
    }
}

fn described_scope(state: &JobState, scope: &RetryScope) -> String {
    let name = |target: &Target| super::steer::name(state, target);
    match scope {
        RetryScope::Failed => "retry what failed".to_owned(),
        RetryScope::All => "retry everything".to_owned(),
        RetryScope::From(stage) | RetryScope::Stage(stage) => {
            format!("retry {}", name(&Target::Stage(*stage)))
        }
        RetryScope::Cell(cell) => format!("retry {}", name(&Target::Cell(*cell))),
        RetryScope::Anew(scope) => format!("{} without earlier results", described_scope(state, scope)),
    }
}

/// Says what an order asks for: `skip `deploy``, `approve `ship` with percent=20`.
fn described(state: &JobState, order: &Order) -> String {
    let name = |target: &Target| super::steer::name(state, target);
    let gate = |gate: u32| {
        let it = state.gates.get(gate as usize);
        it.map_or_else(
            || "a gate".to_owned(),
            |it| format!("`{}`", super::gate::name(state, it.opened.place)),
        )
    };
    let said = |claimed: &Option<String>, note: &str| {
        let claimed = claimed.as_ref().map_or_else(String::new, |name| format!(" as {name}"));
        let note =
            if note.is_empty() { String::new() } else { format!(" and say `{}`", shortened(note, 60)) };
        claimed + &note
    };
    match order {
        Order::Cancel { target, force: true } => format!("stop {} at once", name(target)),
        Order::Cancel { target, .. } => format!("cancel {}", name(target)),
        Order::Pause => "pause the job".to_owned(),
        Order::Freeze => "freeze the job".to_owned(),
        Order::Resume => "resume the job".to_owned(),
        Order::Skip { target } => format!("skip {}", name(target)),
        Order::WithdrawSkip { target } => format!("take back the skip of {}", name(target)),
        Order::Rollback { target } => format!("roll back {}", name(target)),
        Order::Retry { scope } => described_scope(state, scope),
        Order::Approve { gate: at, note, inputs, claimed } => {
            let values: Vec<String> = inputs
                .iter()
                .map(|(name, value)| {
                    format!("{name}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                })
                .collect();
            let with = if values.is_empty() { String::new() } else { format!(" with {}", values.join(", ")) };
            format!("approve {}{with}{}", gate(*at), said(claimed, note))
        }
        Order::Reject { gate: at, note, claimed } => {
            format!("reject {}{}", gate(*at), said(claimed, note))
        }
    }
}
