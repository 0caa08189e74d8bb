//! Orders to a job that some process runs: `pause`, `resume`, `skip`, and the sending that all orders share.
//!
//! Not here: `cancel.rs`, `retry.rs`.

use super::args::{PauseArgs, SkipArgs};
use super::{list, pick, wait};
use crate::engine::{JobRow, OrderError};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::orders;
use crate::faces::out::Out;
use crate::logic::job::order::{Asked, Order};

/// Starts nothing new.
///
/// # Errors
/// If there is no such job, or the order is refused.
pub(super) fn pause(context: &Context, args: &PauseArgs, out: &mut Out) -> Result<Ending, Failure> {
    simple(context, args, Order::Pause, out)
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
    send(context, &row, &args.job, order, out)
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
    send(context, &row, &args.job, order, out)
}

/// Sends an order to the process that runs the job, and prints what was done.
///
/// # Errors
/// If the job has ended, nobody runs it, or the order is refused.
pub(super) fn send(
    context: &Context,
    row: &JobRow,
    selector: &str,
    order: Order,
    out: &mut Out,
) -> Result<Ending, Failure> {
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
    match handle.order(asked(context, order)) {
        Ok(words) => {
            out.line(words);
            Ok(Ending::Success)
        }
        Err(OrderError::Refused(refusal)) => Err(Failure::refused(refusal.message)),
        Err(OrderError::Gone(why)) => Err(Failure::surroundings(why)),
    }
}

/// Signs an order.
#[must_use]
pub(super) fn asked(context: &Context, order: Order) -> Asked {
    orders::asked((context.outside.actor)(), order)
}
