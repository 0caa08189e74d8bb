//! The words for gates that every face uses: who is waited for, how many have approved, how long is left, how to answer.
//!
//! Not here: the review sheet (`faces/tui/review`), why other things wait (`waits.rs`).

use super::hint::{Caller, quoted};
use super::words;
use crate::logic::job::gate::{Answer, GateEnd, GatePlace, GateState, OnTimeout, text_of};
use crate::logic::text::{listed, plural};
use crate::logic::time::Timestamp;
use crate::logic::view::JobView;

#[cfg(test)]
#[path = "gates_tests.rs"]
mod tests;

/// Names who may answer: `ops`, `ann or ben`; nothing if it does not matter who.
#[must_use]
pub fn approvers(it: &GateState) -> Option<String> {
    (!it.opened.approvers.is_empty()).then(|| listed(&it.opened.approvers, "or"))
}

/// Says what a gate waits for, in few words: `approval by ops (1 of 2)`.
#[must_use]
pub fn wanted(it: &GateState) -> String {
    let by = approvers(it).map_or_else(String::new, |who| format!(" by {who}"));
    let count = match (it.opened.count, it.approvals.len()) {
        (1, _) => String::new(),
        (count, given) => format!(" ({given} of {count})"),
    };
    format!("approval{by}{count}")
}

/// Says how long people have: `3:12 left`; nothing if they may take their time.
#[must_use]
pub fn left(it: &GateState, now: Timestamp) -> Option<String> {
    let until = it.opened.until?;
    Some(if until <= now { "overdue".to_owned() } else { format!("{} left", words::clock(until.since(now))) })
}

/// Says all of that: `waits for approval by ops (1 of 2), 3:12 left`.
#[must_use]
pub fn waits(it: &GateState, now: Timestamp) -> String {
    let left = left(it, now).map_or_else(String::new, |left| format!(", {left}"));
    format!("waits for {}{left}", wanted(it))
}

/// Says what the end of the wait means: `then it is rejected`.
#[must_use]
pub fn after(it: &GateState) -> &'static str {
    match it.opened.on_timeout {
        OnTimeout::Reject => "then it is rejected",
        OnTimeout::Approve => "then it is approved",
        OnTimeout::Skip => "then it is skipped",
    }
}

/// Returns the commands that answer a gate of a job: approve and reject.
#[must_use]
pub fn commands(caller: &Caller, number: u64, view: &JobView, gate: u32) -> (String, String) {
    // Whoever approves first says what all approve.
    let is_first = view.gates.get(gate as usize).is_some_and(|it| it.approvals.is_empty());
    let inputs: String = view.gate_model(gate).filter(|_| is_first).map_or_else(String::new, |model| {
        let open = model.inputs.iter().filter(|it| it.required && it.default.is_none());
        open.map(|it| format!(" --input {}=VALUE", it.name)).collect()
    });
    // Also where it is the only one: another may open before the command is typed.
    let place = format!(" {}", quoted(&view.gate_name(gate)));
    (
        caller.command(&format!("jobs approve {number}{place}{inputs}")),
        caller.command(&format!("jobs reject {number}{place}")),
    )
}

/// Says who has approved so far: `approved by ann, ben`; nothing if nobody has.
#[must_use]
pub fn so_far(it: &GateState) -> Option<String> {
    let who: Vec<String> =
        it.approvals.iter().map(|answer| format!("{}{}", answer.who(), with(answer))).collect();
    (!who.is_empty()).then(|| format!("approved by {}", who.join(", ")))
}

/// Says which values came with an approval: ` with percent=20`; nothing if none did.
#[must_use]
pub fn with(answer: &Answer) -> String {
    let values: Vec<String> =
        answer.inputs.iter().map(|(name, value)| format!("{name}={}", text_of(value))).collect();
    if values.is_empty() { String::new() } else { format!(" with {}", values.join(", ")) }
}

/// Says how a gate was closed: `approved by ann and ben`, `rejected by ann: not on a Friday`.
#[must_use]
pub fn ended(it: &GateState) -> Option<String> {
    Some(match it.end.as_ref()? {
        GateEnd::Approved { .. } => {
            let who: Vec<String> = it.approvals.iter().map(Answer::who).collect();
            format!("approved by {}", listed(&who, "and"))
        }
        GateEnd::Rejected(answer) if answer.note.is_empty() => format!("rejected by {}", answer.who()),
        GateEnd::Rejected(answer) => format!("rejected by {}: {}", answer.who(), answer.note),
        GateEnd::Expired { then, message, .. } => match then {
            OnTimeout::Reject => format!("expired: {message}"),
            OnTimeout::Approve => format!("approved by the end of the wait: {message}"),
            OnTimeout::Skip => format!("skipped by the end of the wait: {message}"),
        },
        GateEnd::Withdrawn => "withdrawn".to_owned(),
    })
}

/// Says of a whole job what it waits for at gates: `deploy: approval by ops`, `3 approvals`.
#[must_use]
pub fn of_job(view: &JobView) -> Option<String> {
    let open: Vec<(u32, &GateState)> = view.waiting_gates().collect();
    match open.as_slice() {
        [] => None,
        [(gate, it)] => Some(format!("{}: {}", view.gate_name(*gate), wanted(it))),
        many => Some(plural(many.len(), "approval")),
    }
}

/// Names the gates that a job waits at, each with what it waits for: `ship (approval), test[os=linux]/ask (approval)`.
#[must_use]
pub fn named(view: &JobView) -> Option<String> {
    names(view, |_| true)
}

/// The same of those before stages, whose cells are not there yet.
#[must_use]
pub fn before_stages(view: &JobView) -> Option<String> {
    names(view, |it| matches!(it.opened.place, GatePlace::Stage(_)))
}

/// Most gates that one line names.
const NAMED: usize = 5;

fn names(view: &JobView, is_meant: fn(&GateState) -> bool) -> Option<String> {
    let open: Vec<(u32, &GateState)> = view.waiting_gates().filter(|(_, it)| is_meant(it)).collect();
    let name = |(gate, it): &(u32, &GateState)| format!("{} ({})", view.gate_name(*gate), wanted(it));
    let mut names: Vec<String> = open.iter().take(NAMED).map(name).collect();
    if open.len() > NAMED {
        names.push(format!("{} more", open.len() - NAMED));
    }
    (!names.is_empty()).then(|| listed(&names, "and"))
}
