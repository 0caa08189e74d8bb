//! `jobs approve` and `jobs reject`: answers at gates.
//!
//! Not here: who may answer (`logic/job/answer.rs`), the review sheet of the screen.

use serde_json::Value as Json;

use super::args::{ApproveArgs, OrderArgs, RejectArgs};
use super::{pick, steer};
use crate::engine::{History, JobRow};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::hint::quoted;
use crate::faces::out::Out;
use crate::logic::address::matches_cell;
use crate::logic::job::gate::GatePlace;
use crate::logic::job::order::Order;
use crate::logic::job::repeat;
use crate::logic::playbook::model::{OnInterrupt, Step};
use crate::logic::text::listed_names;
use crate::logic::view::JobView;

/// Says yes.
///
/// # Errors
/// If there is no such job or gate, or the order is refused.
pub(super) fn approve(context: &Context, args: &ApproveArgs, out: &mut Out) -> Result<Ending, Failure> {
    let history = pick::history(context)?;
    let row = pick::job_for_order(context, &history, &args.job)?;
    let view = pick::view(&history, &row)?;
    let gate =
        gate(context, &view, (args.address.as_deref(), row.number), answered(&history, &row, &args.order)?)?;
    let inputs = args.inputs.iter().map(|(name, value)| (name.clone(), Json::String(value.clone())));
    let (note, claimed) = (args.note.clone().unwrap_or_default(), args.claimed.clone());
    let order = Order::Approve { gate, note, inputs: inputs.collect(), claimed };
    steer::send(context, (&history, &row), &args.job, (order, &args.order), out)
}

/// Says no.
///
/// # Errors
/// If there is no such job or gate, or the order is refused.
pub(super) fn reject(context: &Context, args: &RejectArgs, out: &mut Out) -> Result<Ending, Failure> {
    let history = pick::history(context)?;
    let row = pick::job_for_order(context, &history, &args.job)?;
    let view = pick::view(&history, &row)?;
    let gate =
        gate(context, &view, (args.address.as_deref(), row.number), answered(&history, &row, &args.order)?)?;
    let (note, claimed) = (args.note.clone().unwrap_or_default(), args.claimed.clone());
    let order = Order::Reject { gate, note, claimed };
    steer::send(context, (&history, &row), &args.job, (order, &args.order), out)
}

/// Returns the gate that an order with the same id was about, if there was one: it may be closed by now, or have been
/// opened anew.
fn answered(history: &History, row: &JobRow, with: &OrderArgs) -> Result<Option<u32>, Failure> {
    let Some(id) = &with.id else { return Ok(None) };
    let mut found = None;
    pick::each_event(history, row, 0, &mut |it| {
        let is_it = it.event.order() == Some(id);
        if is_it {
            found = repeat::recorded(&it.event);
        }
        !is_it
    })?;
    Ok(match found {
        Some(Order::Approve { gate, .. } | Order::Reject { gate, .. }) => Some(gate),
        _ => None,
    })
}

/// Finds the gate that a person means: the only one that is open, or the one at an address. `before` is the one that they
/// meant the last time.
fn gate(
    context: &Context,
    view: &JobView,
    (address, number): (Option<&str>, u64),
    before: Option<u32>,
) -> Result<u32, Failure> {
    let open: Vec<u32> = view.waiting_gates().map(|(gate, _)| gate).collect();
    let Some(text) = address else {
        if let Some(gate) = before {
            return Ok(gate);
        }
        return match open[..] {
            // It may have come up a moment ago, with the engine that this very command has started.
            [one] if asks_again(view, one) => {
                let name = view.gate_name(one);
                let message = view.gates.get(one as usize).map_or("", |it| it.opened.message.as_str());
                Err(Failure::refused(format!("job #{number} asks about a step that was lost: {message}"))
                    .help(format!("name it to answer: `{}`", quoted(&name))))
            }
            [one] => Ok(one),
            // Whoever answers late hears how it was closed.
            [] => match view.gates.len() {
                0 => Err(none_yet(view, number)),
                some => Ok(u32::try_from(some - 1).unwrap_or(0)),
            },
            _ => {
                let names: Vec<String> = open.iter().map(|&gate| view.gate_name(gate)).collect();
                let several = format!(
                    "{} gates of job #{number} are open: {}",
                    names.len(),
                    listed_names(&names, "and")
                );
                Err(Failure::usage(several).help("name one of them"))
            }
        };
    };
    let at: Vec<u32> = at_address(view, text)?;
    if let Some(gate) = before.filter(|gate| at.contains(gate)) {
        return Ok(gate);
    }
    let waiting: Vec<u32> = at.iter().copied().filter(|gate| open.contains(gate)).collect();
    match (&waiting[..], at.last()) {
        ([one], _) => Ok(*one),
        ([], Some(closed)) => Ok(*closed),
        ([], None) => Err(none_here(context, view, text, number)),
        (several, _) => {
            let names: Vec<String> = several.iter().map(|&gate| view.gate_name(gate)).collect();
            let message =
                format!("`{text}` names {} open gates: {}", names.len(), listed_names(&names, "and"));
            Err(Failure::usage(message).help("name one of them"))
        }
    }
}

/// Says whether a gate asks if a step is run again whose try was lost.
fn asks_again(view: &JobView, gate: u32) -> bool {
    match view.gates.get(gate as usize).map(|it| it.opened.place) {
        Some(GatePlace::Step(key)) => {
            view.plan_step(key.cell, key.step).is_some_and(|step| step.action.is_run())
        }
        _ => false,
    }
}

/// Returns the gates at an address, in the order of their opening.
fn at_address(view: &JobView, text: &str) -> Result<Vec<u32>, Failure> {
    let address = pick::address(view, text)?;
    let by_id = view.cells.iter().position(|cell| pick::names_cell(&address) && *cell.id == *address.stage);
    let stage = match by_id {
        Some(cell) => view.cells[cell].stage,
        None => pick::stage(view, &address.stage)?,
    };
    let step = address.step.as_deref().map(|name| pick::step(view, stage, name)).transpose()?;
    let is_here = |place: GatePlace| match place {
        GatePlace::Stage(at) => at == stage && step.is_none() && address.cell.is_empty() && by_id.is_none(),
        GatePlace::Step(key) => view.cells.get(key.cell as usize).is_some_and(|cell| {
            cell.stage == stage
                && by_id.is_none_or(|only| only == key.cell as usize)
                && step.is_none_or(|only| only == key.step)
                && (address.cell.is_empty() || matches_cell(&address.cell, &cell.matrix))
        }),
    };
    Ok((0u32..).zip(&view.gates).filter(|(_, it)| is_here(it.opened.place)).map(|(gate, _)| gate).collect())
}

/// Says why there is no gate at an address, and where there are some.
fn none_here(context: &Context, view: &JobView, text: &str, number: u64) -> Failure {
    let Ok(address) = pick::address(view, text) else { return none_yet(view, number) };
    let by_id = view.cells.iter().find(|cell| *cell.id == *address.stage).map(|cell| cell.stage);
    let Some(at) = by_id.or_else(|| pick::stage(view, &address.stage).ok()) else {
        return none_yet(view, number);
    };
    let (name, stage) = (view.stage_name(at), &view.playbook.stages[at as usize]);
    let is_cell = address.step.is_none() && (!address.cell.is_empty() || pick::names_cell(&address));
    if stage.approve.is_some() && (is_cell || address.step.is_some()) {
        let message = format!("`{text}` has no gate of its own: that of `{name}` is before the whole stage");
        let approve = context.command(&format!("jobs approve {number} {}", quoted(name)));
        return Failure::refused(message).help(format!("`{approve}` answers it"));
    }
    let step = address.step.as_deref().and_then(|step| pick::step(view, at, step).ok());
    let steps = &stage.steps.steps;
    let has_some = match step {
        Some(step) => may_ask(&steps[step as usize]),
        None => stage.approve.is_some() || steps.iter().any(may_ask),
    };
    let open: Vec<String> = view.waiting_gates().map(|(gate, _)| view.gate_name(gate)).collect();
    let help = match open.len() {
        0 => "no gate of the job is open now".to_owned(),
        1 => format!("open is {}", listed_names(&open, "and")),
        _ => format!("open are {}", listed_names(&open, "and")),
    };
    let what = if has_some { "has not come to its gate" } else { "has no gate" };
    Failure::refused(format!("`{text}` of job #{number} {what}")).help(help)
}

/// Says whether people may be asked at a step: by itself, or about a try that was lost.
fn may_ask(step: &Step) -> bool {
    step.is_gate() || step.on_interrupt == OnInterrupt::Ask
}

fn none_yet(view: &JobView, number: u64) -> Failure {
    let has_gates = view
        .playbook
        .stages
        .iter()
        .any(|stage| stage.approve.is_some() || stage.steps.steps.iter().any(Step::is_gate));
    let message = format!("nothing of job #{number} waits for an answer");
    if has_gates {
        Failure::refused(message).help("it has not come to its gate")
    } else {
        Failure::refused(message).help("its playbook has no `approve`")
    }
}
