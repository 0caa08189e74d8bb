//! Lines about gates, for the faces that print one for each thing that happens.
//!
//! Not here: the words (`gates.rs`), the rest of the lines (`plain.rs`).

use super::gates;
use super::hint::Caller;
use super::out::Paint;
use super::signs::State;
use crate::logic::job::event::{Envelope, Event, Outcome};
use crate::logic::job::gate::{GateEnd, OnTimeout};
use crate::logic::text::clean::written_out;
use crate::logic::text::{duration, plural};
use crate::logic::view::{JobView, Phase};

/// Returns the lines about an event of a gate, which the view has folded already. `answers` is how this program is called
/// again, with the number of the job.
pub(super) fn line(
    paint: Paint,
    view: &JobView,
    envelope: &Envelope,
    answers: Option<(&Caller, u64)>,
) -> Option<String> {
    let gate = match &envelope.event {
        Event::GateOpened(it) => it.gate,
        Event::GateAnswered(it) | Event::GateApproved(it) | Event::GateRejected(it) => it.gate,
        Event::GateExpired { gate, .. } | Event::GateWithdrawn { gate } | Event::GateReminded { gate } => {
            *gate
        }
        _ => return None,
    };
    let it = view.gates.get(gate as usize)?;
    let name = view.gate_name(gate);
    let sign = paint.sign(State::NeedsYou);
    let how = || {
        answers.map_or_else(String::new, |(caller, number)| {
            let (approve, reject) = gates::commands(caller, number, view, gate);
            format!("\n    answer with: {approve}\n    or: {reject}")
        })
    };
    Some(match &envelope.event {
        Event::GateOpened(opened) => {
            let limit = opened.until.map_or_else(String::new, |until| {
                format!(", at most {} ({})", duration(until.since(it.since)), gates::after(it))
            });
            let question = written_out(&opened.message, false);
            format!("{sign} {name} waits for {}{limit}: {question}{}", gates::wanted(it), how())
        }
        Event::GateReminded { .. } => {
            let waited = duration(std::time::Duration::from_secs(envelope.time.since(it.since).as_secs()));
            format!("{sign} {name} still waits for {}, for {waited} now{}", gates::wanted(it), how())
        }
        Event::GateAnswered(answer) => {
            let open = it.opened.count as usize - it.approvals.len().min(it.opened.count as usize);
            let more = plural(open, "approval");
            let with = gates::with(answer);
            let with = written_out(&with, false);
            format!("{sign} {name} approved by {}{with}{}; {more} to go", answer.who(), note(&answer.note))
        }
        Event::GateApproved(answer) => {
            let sign = paint.symbol(Phase::Done(Outcome::Success));
            let who = gates::ended(it).unwrap_or_default();
            format!("{sign} {name} {who}{}", note(&answer.note))
        }
        Event::GateRejected(_) | Event::GateExpired { .. } => {
            let sign = match it.end {
                Some(GateEnd::Expired { then: OnTimeout::Approve, .. }) => {
                    paint.symbol(Phase::Done(Outcome::Success))
                }
                Some(GateEnd::Expired { then: OnTimeout::Skip, .. }) => {
                    paint.symbol(Phase::Done(Outcome::Skipped))
                }
                _ => paint.symbol(Phase::Done(Outcome::Failure)),
            };
            format!("{sign} {name} {}", written_out(&gates::ended(it).unwrap_or_default(), false))
        }
        _ => return None,
    })
}

fn note(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" ({})", written_out(text, false)) }
}
