//! `jobs cancel`: stops a job or a part of it.

use super::args::CancelArgs;
use super::{pick, steer};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::logic::job::order::{Order, Target};

/// Runs the command.
///
/// # Errors
/// If there is no such job or part of it, or the order is refused.
pub(super) fn cancel(context: &Context, args: &CancelArgs, out: &mut Out) -> Result<Ending, Failure> {
    let history = pick::history(context)?;
    let row = pick::job_for_order(context, &history, &args.job)?;
    let target = match &args.address {
        Some(text) => pick::target(&pick::view(&history, &row)?, text)?,
        None => Target::Job,
    };
    let order = Order::Cancel { target, force: args.force };
    steer::send(context, (&history, &row), &args.job, (order, &args.order), out)
}
