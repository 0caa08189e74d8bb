//! Answers of people at gates: approve and reject. Each is either recorded or refused with a sentence.
//!
//! Not here: what a closed gate means (`follow/gates.rs`), the other orders (`steer.rs`).
//! Who answers is who the system says. A name given with `--as` is recorded beside it, and counts only where the
//! setting `gates.claims` said so when the job began.

use serde_json::Value as Json;

use super::event::Event;
use super::gate::{self, Answer, GateEnd, GateState, OnTimeout};
use super::order::Refusal;
use super::state::JobState;
use crate::logic::plan::inputs;
use crate::logic::playbook::model::Input;
use crate::logic::value::Value;

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;

type Said = Result<(Vec<Event>, String), Refusal>;

/// What somebody said at a gate.
pub(super) struct Saying<'a> {
    pub(super) gate: u32,
    pub(super) by: String,
    pub(super) order: String,
    pub(super) claimed: Option<&'a String>,
    pub(super) note: &'a str,
}

/// Answers an approval.
pub(super) fn approve(state: &JobState, saying: &Saying<'_>, given: &[(String, Json)]) -> Said {
    let it = find(state, saying.gate)?;
    let name = gate::name(state, it.opened.place);
    let answer = begin(state, saying);
    let model = gate::model(state, it.opened.place);
    if it.approvals.iter().any(|earlier| earlier.counts_as == answer.counts_as) && !is_over(it) {
        // Saying it twice changes nothing, and saying something else the second time neither.
        if let Some(model) = model {
            agrees(it, &name, &model.inputs, given)?;
        }
        return Ok((Vec::new(), already(it, &name, &answer.counts_as)));
    }
    still_open(it, &name)?;
    may_answer(it, &name, &answer)?;
    let Some(model) = model else {
        return Err(Refusal::new(format!("`{name}` is no gate of this playbook")));
    };
    agrees(it, &name, &model.inputs, given)?;
    let earlier = given_before(it);
    let all: Vec<(String, Json)> = earlier.into_iter().chain(given.iter().cloned()).collect();
    // Whoever approves first says what all approve.
    let values = check(&name, &model.inputs, &all)?;
    let inputs = given.iter().map(|(k, v)| (k.as_str().into(), v.clone())).collect();
    let mut answer = Answer { inputs, ..answer };
    if it.approvals.len() + 1 < it.opened.count as usize {
        return Ok(super::steer::said(state, vec![Event::GateAnswered(Box::new(answer))]));
    }
    if let Value::Object(values) = values {
        answer.values = values.iter().map(|(k, v)| (k.into(), v.to_json())).collect();
    }
    Ok(super::steer::said(state, vec![Event::GateApproved(Box::new(answer))]))
}

fn given_before(it: &GateState) -> Vec<(String, Json)> {
    let given = it.approvals.iter().flat_map(|earlier| &earlier.inputs);
    given.map(|(name, value)| (name.to_string(), value.clone())).collect()
}

/// Refuses values that do not fit, or are others than those that somebody has approved already.
fn agrees(it: &GateState, name: &str, declared: &[Input], given: &[(String, Json)]) -> Result<(), Refusal> {
    // What is missing is another matter.
    let optional: Vec<Input> =
        declared.iter().map(|input| Input { required: false, ..input.clone() }).collect();
    let Value::Object(now) = check(name, &optional, given)? else { return Ok(()) };
    let Some(first) = it.approvals.first() else { return Ok(()) };
    let Ok(Value::Object(before)) = check(name, &optional, &given_before(it)) else { return Ok(()) };
    let is_given =
        |input: &str, given: &[(String, Json)]| given.iter().any(|(k, _)| k.eq_ignore_ascii_case(input));
    for input in declared.iter().filter(|input| is_given(&input.name, given)) {
        let (approved, asked) = (before.get(&input.name), now.get(&input.name));
        let is_other = approved.map(Value::to_json) != asked.map(Value::to_json);
        // An older sortie let the first one leave out what is required.
        let is_open = input.required && input.default.is_none() && !is_given(&input.name, &given_before(it));
        if is_other && !is_open {
            return Err(Refusal::new(format!(
                "{} has approved `{name}` with {}, and so `{}` cannot be {} any more; approve without it, or reject",
                first.who(),
                shown(&input.name, approved),
                input.name,
                asked.map_or_else(String::new, |value| gate::text_of(&value.to_json()).to_string()),
            )));
        }
    }
    Ok(())
}

fn shown(name: &str, value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => format!("no `{name}`"),
        Some(value) => format!("{name}={}", gate::text_of(&value.to_json())),
    }
}

/// Answers a rejection, which closes the gate whoever has approved before.
pub(super) fn reject(state: &JobState, saying: &Saying<'_>) -> Said {
    let it = find(state, saying.gate)?;
    let name = gate::name(state, it.opened.place);
    let answer = begin(state, saying);
    if let Some(GateEnd::Rejected(earlier)) = &it.end
        && earlier.counts_as == answer.counts_as
    {
        return Ok((Vec::new(), format!("`{name}` was rejected by {} already", earlier.who())));
    }
    still_open(it, &name)?;
    may_answer(it, &name, &answer)?;
    Ok(super::steer::said(state, vec![Event::GateRejected(Box::new(answer))]))
}

/// Returns the answer in words, from what was recorded of it.
pub(super) fn words(state: &JobState, event: &Event) -> String {
    let of = |answer: &Answer| {
        state
            .gates
            .get(answer.gate as usize)
            .map_or_else(String::new, |it| gate::name(state, it.opened.place))
    };
    match event {
        Event::GateAnswered(answer) => {
            let it = &state.gates[answer.gate as usize];
            let others = it.approvals.iter().filter(|earlier| earlier.counts_as != answer.counts_as).count();
            format!("approved `{}` as {}: {} of {}", of(answer), answer.who(), others + 1, it.opened.count)
        }
        Event::GateApproved(answer) => format!("approved `{}` as {}", of(answer), answer.who()),
        Event::GateRejected(answer) => format!("rejected `{}` as {}", of(answer), answer.who()),
        _ => String::new(),
    }
}

fn begin(state: &JobState, saying: &Saying<'_>) -> Answer {
    let claimed = saying.claimed.filter(|name| **name != saying.by).cloned();
    let counts_as = match &claimed {
        Some(name) if state.setting.plan.gates.claims_count => name.clone(),
        _ => saying.by.clone(),
    };
    Answer {
        gate: saying.gate,
        by: saying.by.clone(),
        claimed,
        counts_as,
        order: saying.order.clone(),
        note: saying.note.to_owned(),
        inputs: Vec::new(),
        values: Vec::new(),
    }
}

fn find(state: &JobState, gate: u32) -> Result<&GateState, Refusal> {
    state.gates.get(gate as usize).ok_or_else(|| Refusal::new("the job has no such gate"))
}

/// Says whether a gate was closed by something else than approvals.
fn is_over(it: &GateState) -> bool {
    !matches!(it.end, None | Some(GateEnd::Approved { .. }))
}

fn already(it: &GateState, name: &str, who: &str) -> String {
    match it.end {
        None => {
            format!("{who} has approved `{name}` already: {} of {}", it.approvals.len(), it.opened.count)
        }
        _ => format!("{who} has approved `{name}` already"),
    }
}

fn still_open(it: &GateState, name: &str) -> Result<(), Refusal> {
    let how = match &it.end {
        None => return Ok(()),
        Some(GateEnd::Approved { .. }) => {
            let who: Vec<String> = it.approvals.iter().map(Answer::who).collect();
            format!("it was approved by {}", who.join(", "))
        }
        Some(GateEnd::Rejected(answer)) => format!("it was rejected by {}", answer.who()),
        Some(GateEnd::Expired { message, then, .. }) => {
            let then = match then {
                OnTimeout::Approve => "so it was approved, and what is behind it goes on",
                OnTimeout::Reject => "so it was rejected",
                OnTimeout::Skip => "so what is behind it is left out",
            };
            format!("its time is over: {message}, {then}")
        }
        Some(GateEnd::Withdrawn) => "nobody waits for it any more".to_owned(),
    };
    Err(Refusal::new(format!("the gate `{name}` is closed: {how}")))
}

fn may_answer(it: &GateState, name: &str, answer: &Answer) -> Result<(), Refusal> {
    let opened = &it.opened;
    let who = &answer.counts_as;
    let others = || match opened.people.as_slice() {
        [] => "somebody else has to".to_owned(),
        some => format!("{} may", some.join(", ")),
    };
    if opened.barred.contains(who) {
        return Err(Refusal::new(format!(
            "{who} may not answer at `{name}`, because the job was started by {who}; {}",
            others()
        )));
    }
    if opened.approvers.is_empty() || opened.people.contains(who) {
        return Ok(());
    }
    let groups: Vec<&str> =
        opened.approvers.iter().filter(|it| !opened.people.contains(it)).map(String::as_str).collect();
    let of = if groups.is_empty() { String::new() } else { format!(" (of {})", groups.join(", ")) };
    let claim = match &answer.claimed {
        Some(claimed) if claimed != who => {
            format!(
                "; the name {claimed} does not count, because the setting `gates.claims` was off when the job began"
            )
        }
        _ => String::new(),
    };
    Err(Refusal::new(format!("{who} may not answer at `{name}`; {}{of}{claim}", others())))
}

fn check(name: &str, declared: &[Input], given: &[(String, Json)]) -> Result<Value, Refusal> {
    inputs::check_for(&format!("the gate `{name}`"), declared, given).map_err(|problems| {
        let words: Vec<String> = problems
            .into_iter()
            .map(|it| match it.help {
                Some(help) => format!("{}; {help}", it.message),
                None => it.message,
            })
            .collect();
        Refusal::new(words.join("\n"))
    })
}
