//! Orders to a job that some process runs: `pause`, `resume`, `skip`, and the sending that all orders share.
//!
//! Not here: `cancel.rs`, `retry.rs`.

use std::time::Duration;

use super::args::{FreezeArgs, OrderArgs, PauseArgs, SkipArgs};
use super::{list, pick, wait};
use crate::engine::{Handle, History, JobRow, OrderError, clock};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::orders;
use crate::faces::out::Out;
use crate::faces::summary;
use crate::logic::job::order::{Asked, Order};
use crate::logic::view::JobView;

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
    order: (Order, &OrderArgs),
    out: &mut Out,
) -> Result<Ending, Failure> {
    give(context, (history, row), selector, order, out)?.map_err(|error| not_done(context, row, &error))
}

/// The same with an order that lets a job run on also when it has ended: nothing if it ended before the order was answered.
///
/// # Errors
/// As of [`send`].
pub(super) fn send_in_time(
    context: &Context,
    (history, row): (&History, &JobRow),
    selector: &str,
    order: (Order, &OrderArgs),
    out: &mut Out,
) -> Result<Option<Ending>, Failure> {
    match give(context, (history, row), selector, order, out)? {
        Ok(ending) => Ok(Some(ending)),
        Err(OrderError::Gone(_) | OrderError::Unanswered { engine: None, .. })
            if pick::job(context, history, &row.id.0)?.outcome.is_some() =>
        {
            Ok(None)
        }
        Err(error) => Err(not_done(context, row, &error)),
    }
}

fn give(
    context: &Context,
    (history, row): (&History, &JobRow),
    selector: &str,
    (order, with): (Order, &OrderArgs),
    out: &mut Out,
) -> Result<Result<Ending, OrderError>, Failure> {
    let is_live = row.outcome.is_none() && row.owner_alive;
    let asked = asked(context, order, with);
    if selector == "last" {
        out.line(format!("`last` is job #{} ({})", row.number, row.name));
    }
    // An engine knows by itself what it was ordered before; here none is asked. A cancel that was recorded, and whose engine
    // died before the end of the job, has yet to be carried out.
    let is_open = row.outcome.is_none() && matches!(asked.order, Order::Cancel { .. });
    if !is_live
        && !is_open
        && let Some(words) = answered(context, row, &asked)?
    {
        out.line(words);
        return Ok(Ok(Ending::Success));
    }
    if row.outcome.is_some() {
        return Err(has_ended(row));
    }
    if !row.owner_alive {
        return end_without_engine(context, (history, row), (&asked, with), out).map(Ok);
    }
    to_owner(context, row, asked, out)
}

/// Gives an order to the engine that works on a job, and prints its answer.
fn to_owner(
    context: &Context,
    row: &JobRow,
    asked: Asked,
    out: &mut Out,
) -> Result<Result<Ending, OrderError>, Failure> {
    let handle = pick::connect(context, row)?;
    let mut slow = |engine| {
        out.line(orders::silence(engine));
        out.flush();
    };
    let answer = handle.order_patiently(asked, &mut slow);
    Ok(answer.map(|words| {
        out.line(words);
        Ending::Success
    }))
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

/// Cancels a job whose engine has died: another one begins with that. All other orders want the job to go on first.
fn end_without_engine(
    context: &Context,
    (history, row): (&History, &JobRow),
    (asked, with): (&Asked, &OrderArgs),
    out: &mut Out,
) -> Result<Ending, Failure> {
    if let Order::Rollback { .. } = asked.order {
        let cancel = context.command(&format!("jobs cancel {}", row.number));
        let failure = wait::interrupted(context, row);
        return Err(failure.help(format!("`{cancel}` ends it, and what it did can be rolled back then")));
    }
    if !matches!(asked.order, Order::Cancel { .. }) {
        return Err(wait::interrupted(context, row));
    }
    // Who repeats it has seen the job as it was before.
    if answered(context, row, asked)?.is_none() {
        expected(history, row, with)?;
    }
    // Its start may take a while.
    out.flush();
    let started = (context.outside.start_engine_with)(&context.project, (&row.id.0, &row.dir), asked);
    let now = standing(context, history, row)?;
    if let (Err(_), None, true) = (&started, &now.outcome, now.owner_alive) {
        // Somebody else's engine was faster, and takes orders.
        let answer = to_owner(context, &now, asked.clone(), out)?;
        return answer.map_err(|error| not_done(context, row, &error));
    }
    // What it answered is in the journal, also if it is gone again.
    match (answered(context, &now, asked)?, started) {
        (Some(words), Err(_)) if now.outcome.is_some() => {
            out.line(words);
            Ok(Ending::Success)
        }
        (Some(words), Ok(())) => {
            out.line(words);
            out.line(format!("the engine of job #{} had died; another one sees to that", row.number));
            Ok(Ending::Success)
        }
        (None, Err(_)) if now.outcome.is_some() => Err(has_ended(&now)),
        (_, Err(why)) => Err(Failure::surroundings(format!(
            "job #{} was interrupted, and no engine could be started to end it: {why}",
            row.number
        ))),
        (None, Ok(())) => Err(wait::interrupted(context, row)),
    }
}

/// How often an owner that does not listen yet is looked for.
const LOOK: Duration = Duration::from_millis(20);

/// Looks at a job again, once its owner listens: it takes the job first, and orders a moment later.
fn standing(context: &Context, history: &History, row: &JobRow) -> Result<JobRow, Failure> {
    let until = clock::elapsed() + Handle::PATIENCE;
    loop {
        let now = pick::job(context, history, &row.id.0)?;
        let is_owned = now.outcome.is_none() && now.owner_alive;
        if !is_owned || clock::elapsed() >= until || Handle::connect(&context.project, &row.id).is_ok() {
            return Ok(now);
        }
        std::thread::sleep(LOOK);
    }
}

fn has_ended(row: &JobRow) -> Failure {
    Failure::refused(format!("job #{} has already ended: {}", row.number, list::state_word(row)))
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

/// Says what was answered to an order that was given before, if the journal has one with its id.
///
/// # Errors
/// If it was refused, its id was another order's, or the journal cannot be read.
pub(super) fn answered(context: &Context, row: &JobRow, asked: &Asked) -> Result<Option<String>, Failure> {
    match Handle::of(&context.project, &row.id)?.answered(asked)? {
        None => Ok(None),
        Some(Ok(words)) => Ok(Some(words)),
        Some(Err(refusal)) => Err(Failure::refused(refusal.message)),
    }
}

/// The same of an order that lets a job go on in the process that gives it: how the job ended then counts. Nothing as long
/// as it has not: whoever gave the order first is gone, and the job goes on with the same one.
///
/// # Errors
/// As of [`answered`].
pub(super) fn went_on(
    context: &Context,
    row: &JobRow,
    view: &JobView,
    asked: &Asked,
    out: &mut Out,
) -> Result<Option<Ending>, Failure> {
    let Some(words) = answered(context, row, asked)? else { return Ok(None) };
    let Some(outcome) = pick::outcome(row) else { return Ok(None) };
    out.line(words);
    out.line(summary::final_line(view, row.number));
    Ok(Some(Ending::of_job(outcome, view.cause.as_ref())))
}
