//! Orders to a job that some process runs: `pause`, `resume`, `skip`, and the sending that all orders share.
//!
//! Not here: `cancel.rs`, `retry.rs`.

use super::args::{FreezeArgs, OrderArgs, PauseArgs, SkipArgs};
use super::{list, pick, wait};
use crate::engine::{History, JobRow, OrderError};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::orders;
use crate::faces::out::Out;
use crate::logic::job::event::Event;
use crate::logic::job::order::{Asked, Order};

/// Starts nothing new.
///
/// # Errors
/// If there is no such job, or the order is refused.
pub(super) fn pause(context: &Context, args: &FreezeArgs, out: &mut Out) -> Result<Ending, Failure> {
    let order = if args.freeze { Order::Freeze } else { Order::Pause };
    simple(context, &args.pause, order, out)
}

/// Goes on after a pause.
///
/// # Errors
/// If there is no such job, or the order is refused.
pub(super) fn resume(context: &Context, args: &PauseArgs, out: &mut Out) -> Result<Ending, Failure> {
    simple(context, args, Order::Resume, out)
}

fn simple(context: &Context, args: &PauseArgs, order: Order, out: &mut Out) -> Result<Ending, Failure> {
    let history = pick::history(context)?;
    let row = pick::job_for_order(context, &history, &args.job)?;
    send(context, (&history, &row), &args.job, (order, &args.order), out)
}

/// Leaves something out, or takes that back.
///
/// # Errors
/// If there is no such job or part of it, or the order is refused.
pub(super) fn skip(context: &Context, args: &SkipArgs, out: &mut Out) -> Result<Ending, Failure> {
    let history = pick::history(context)?;
    let row = pick::job_for_order(context, &history, &args.job)?;
    let view = pick::view(&history, &row)?;
    let target = pick::target(&view, &args.address)?;
    let order = if args.undo { Order::WithdrawSkip { target } } else { Order::Skip { target } };
    send(context, (&history, &row), &args.job, (order, &args.order), out)
}

/// Sends an order to the process that runs the job, and prints what was done.
///
/// # Errors
/// If the job has ended, nobody runs it, or the order is refused.
pub(super) fn send(
    context: &Context,
    (history, row): (&History, &JobRow),
    selector: &str,
    (order, with): (Order, &OrderArgs),
    out: &mut Out,
) -> Result<Ending, Failure> {
    let is_live = row.outcome.is_none() && row.owner_alive;
    // An engine knows by itself what it was ordered before; here none is asked.
    if !is_live && let Some(words) = carried_out(history, row, with)? {
        out.line(words);
        return Ok(Ending::Success);
    }
    if row.outcome.is_some() {
        return Err(Failure::refused(format!(
            "job #{} has already ended: {}",
            row.number,
            list::state_word(row)
        )));
    }
    if !row.owner_alive {
        return Err(wait::interrupted(context, row));
    }
    if selector == "last" {
        out.line(format!("`last` is job #{} ({})", row.number, row.name));
    }
    let handle = pick::connect(context, row)?;
    let mut slow = |engine| {
        out.line(orders::silence(engine));
        out.flush();
    };
    let answer = handle.order_patiently(asked(context, order, with), &mut slow);
    let words = answer.map_err(|error| not_done(context, row, &error))?;
    out.line(words);
    Ok(Ending::Success)
}

/// Says why an order was not carried out, or that this is not known, and the way out.
fn not_done(context: &Context, row: &JobRow, error: &OrderError) -> Failure {
    let words = orders::words(error);
    match error {
        OrderError::Refused(_) => Failure::refused(words),
        OrderError::Gone(_) => {
            let show = context.command(&format!("jobs show {}", row.number));
            Failure::surroundings(words).help(format!("`{show}` tells how the job stands"))
        }
        OrderError::Unanswered { id, .. } => Failure::surroundings(words).help(format!(
            "`{}` tells what the job does; given again with `--id {id}` the order is carried out once",
            context.command(&format!("jobs show {}", row.number))
        )),
    }
}

/// Signs an order.
#[must_use]
pub(super) fn asked(context: &Context, order: Order, with: &OrderArgs) -> Asked {
    let asked = orders::asked((context.outside.actor)(), order);
    Asked { id: with.id.clone().unwrap_or(asked.id), expected_seq: with.expect, ..asked }
}

/// Holds whoever gives an order about a job without engine to what they have seen of it.
///
/// # Errors
/// A refusal, if the job has gone on since.
pub(super) fn expected(history: &History, row: &JobRow, with: &OrderArgs) -> Result<(), Failure> {
    let Some(seq) = with.expect else { return Ok(()) };
    let now = history.last_seq(&row.id)?;
    if now == seq {
        return Ok(());
    }
    let words = format!("the job has gone on: its last event is {now} by now, look again");
    Err(Failure::refused(words))
}

/// Says what became of an order that has the same id, if the journal has one.
///
/// # Errors
/// If it was refused, or the journal cannot be read.
pub(super) fn carried_out(
    history: &History,
    row: &JobRow,
    with: &OrderArgs,
) -> Result<Option<String>, Failure> {
    let Some(id) = &with.id else { return Ok(None) };
    let mut found = None;
    pick::each_event(history, row, 0, &mut |it| {
        if it.event.order() == Some(id) {
            found = Some(it.clone());
        }
        found.is_none()
    })?;
    let Some(found) = found else { return Ok(None) };
    if let Event::OrderRefused { message, .. } = found.event {
        return Err(Failure::refused(message));
    }
    let kind = found.event.type_name();
    Ok(Some(format!("this order was carried out before, as event {} (`{kind}`)", found.seq)))
}
