//! `jobs rollback`: undoes what has completed and says how it is undone. A job that some process runs gets the order; one
//! that has ended goes on in this process, shown as `run` shows it.

use super::args::RollbackArgs;
use super::retry::{self, How};
use super::{pick, steer};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::logic::job::order::{Order, Target};

/// Runs the command.
///
/// # Errors
/// If there is no such job or part of it, the order is refused, or the job cannot be started again.
pub(super) fn rollback(
    context: &Context,
    args: &RollbackArgs,
    out: &mut Out,
    notes: &mut Out,
) -> Result<Ending, Failure> {
    let history = pick::history(context)?;
    let mut row = pick::job_for_order(context, &history, &args.job)?;
    let mut view = pick::view(&history, &row)?;
    let target = match &args.address {
        Some(address) => pick::target(&view, address)?,
        None => Target::Job,
    };
    let order = Order::Rollback { target };
    if row.outcome.is_none() {
        let order = (order.clone(), &args.order);
        if let Some(ending) = steer::send_in_time(context, (&history, &row), &args.job, order, out)? {
            return Ok(ending);
        }
        // It ended meanwhile, and runs on here.
        row = pick::job(context, &history, &row.id.0)?;
        view = pick::view(&history, &row)?;
    } else if args.job == "last" {
        notes.line(format!("`last` is job #{} ({})", row.number, row.name));
        notes.flush();
    }
    let asked = steer::asked(context, order, &args.order);
    if let Some(ending) = steer::went_on(context, &row, &view, &asked, out)? {
        return Ok(ending);
    }
    let how = How { trust: args.trust, quiet: args.quiet, verbose: args.verbose };
    retry::go_on(context, (history, &row, view), asked, &how, (out, notes))
}
