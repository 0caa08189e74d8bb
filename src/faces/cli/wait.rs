//! `jobs wait`: waits for a job to end, and ends with its exit code.

use std::time::Duration;

use super::args::WaitArgs;
use super::{list, pick, recover};
use crate::engine::{Handle, History, JobRow, Next, clock};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::faces::signs::State;
use crate::faces::{show, summary, words};
use crate::logic::text::duration;

/// Runs the command.
///
/// # Errors
/// If there is no such job, it does not end in time, or nobody drives it on.
pub(super) fn wait(
    context: &Context,
    args: &WaitArgs,
    out: &mut Out,
    notes: &mut Out,
) -> Result<Ending, Failure> {
    let history = pick::history(context)?;
    let mut row = pick::job(context, &history, &args.job)?;
    if pick::is_live(&row) {
        until_end(context, args, &row, notes)?;
        row = reread(context, &history, &row)?;
    }
    let view = pick::view(&history, &row)?;
    let Some(outcome) = pick::outcome(&row).or(view.phase.outcome()) else {
        return Err(interrupted(context, &row));
    };
    if args.json {
        out.line(list::row_json(&row).to_string());
    } else {
        out.line(format!(
            "{} {}",
            out.paint.sign(State::of_job(&view)),
            summary::final_line(&view, row.number)
        ));
    }
    Ok(Ending::of_job(outcome, view.cause.as_ref()))
}

fn reread(context: &Context, history: &History, row: &JobRow) -> Result<JobRow, Failure> {
    pick::job(context, history, &row.number.to_string())
}

/// Says that a job has no end and nobody works on it.
#[must_use]
pub(super) fn interrupted(context: &Context, row: &JobRow) -> Failure {
    let why = row.gave_up.as_ref().map_or_else(
        || "the process that ran it is gone".to_owned(),
        |why| format!("its engine gave it up: {why}"),
    );
    Failure::surroundings(format!("job #{} was interrupted: {why}", row.number))
        .help(format!("`{}` goes on with it", context.command(&format!("jobs recover {}", row.number))))
}

fn until_end(context: &Context, args: &WaitArgs, row: &JobRow, notes: &mut Out) -> Result<(), Failure> {
    if !row.owner_alive && !row.goes_on {
        return Err(interrupted(context, row));
    }
    let began = clock::elapsed();
    let passed = || clock::elapsed().saturating_sub(began);
    let handle = Handle::of(&context.project, &row.id)?;
    show::look_on(context, row)?;
    let mut events = handle.subscribe(0);
    loop {
        let left: Option<Duration> = args.timeout.map(|limit| limit.saturating_sub(passed()));
        match events.next(left) {
            Next::Event(envelope) if envelope.event.is_end() => return Ok(()),
            Next::End => return Ok(()),
            // Nobody goes on with it by itself.
            Next::Unowned if !row.goes_on => return Err(interrupted(context, row)),
            Next::Unowned => unowned(context, notes),
            Next::Owned => note(notes, words::OWNED),
            Next::Timeout | Next::Event(_) | Next::Grew(..) => {}
        }
        if let Some(limit) = args.timeout.filter(|limit| passed() >= *limit) {
            return Err(Failure::refused(format!(
                "job #{} has not ended after {}",
                row.number,
                duration(limit)
            )));
        }
    }
}

/// Says that a job that is followed has lost its engine, and gives it another one if it is kept.
pub(super) fn unowned(context: &Context, notes: &mut Out) {
    note(notes, words::UNOWNED);
    recover::look(context, notes);
}

/// Says at once what is no part of the answer.
pub(super) fn note(notes: &mut Out, words: &str) {
    notes.line(format!("note: {words}"));
    notes.flush();
}
