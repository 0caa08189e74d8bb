//! `jobs recover`, and the look that other commands take: jobs that no living engine owns get one, without a face.
//!
//! Not here: the engine itself (`engine.rs`).

use super::args::RecoverArgs;
use super::pick;
use crate::engine::{Given, History, JobRow};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;

/// Runs the command.
///
/// # Errors
/// If there is no such job, it has ended, or it cannot be gone on with.
pub(super) fn recover(context: &Context, args: &RecoverArgs, out: &mut Out) -> Result<Ending, Failure> {
    let history = pick::history(context)?;
    let rows = match &args.job {
        None => history.ownerless()?,
        Some(job) => {
            let row = pick::job(context, &history, job)?;
            if let Some(outcome) = pick::outcome(&row) {
                return Err(Failure::refused(format!(
                    "job #{} has ended ({}), so there is nothing to recover",
                    row.number,
                    outcome.word()
                ))
                .help(format!(
                    "`{}` runs it again",
                    context.command(&format!("jobs retry {}", row.number))
                )));
            }
            if row.owner_alive {
                out.line(format!("job #{} has an engine that works on it", row.number));
                return Ok(Ending::Success);
            }
            vec![row]
        }
    };
    drop(history);
    if rows.is_empty() {
        out.line("every job that has not ended has an engine");
        return Ok(Ending::Success);
    }
    let mut failed = 0;
    for row in &rows {
        match start(context, row, &Given::default()) {
            Ok(()) => out.line(goes_on(context, row)),
            Err(failure) => {
                failed += 1;
                out.line(format!(
                    "job #{} `{}` could not be gone on with: {}",
                    row.number, row.name, failure.message
                ));
            }
        }
        out.flush();
    }
    if failed == 0 { Ok(Ending::Success) } else { Err(Failure::told(Ending::Surroundings)) }
}

/// Starts an engine of its own for a job that nobody owns.
///
/// # Errors
/// If it did not take the job.
pub(super) fn start(context: &Context, row: &JobRow, given: &Given) -> Result<(), Failure> {
    (context.outside.start_engine)(&context.project, (&row.id.0, &row.dir), given)
        .map_err(Failure::surroundings)
}

/// Lets jobs go on whose engine has died, if they are kept; what was done is told.
pub(super) fn look(context: &Context, notes: &mut Out) {
    // What cannot be read is told by the command itself.
    let Ok(Some(history)) = History::open(&context.project) else { return };
    let Ok(mut rows) = history.ownerless() else { return };
    rows.retain(|row| row.goes_on);
    for row in rows {
        match start(context, &row, &Given::default()) {
            Ok(()) => notes.line(format!("note: its engine was gone: {}", goes_on(context, &row))),
            // Another look, or whoever has just recorded it, came first.
            Err(_) if is_owned(&history, &row) => {}
            Err(failure) => notes.line(format!(
                "note: job #{} `{}` has lost its engine and could not be gone on with: {}",
                row.number, row.name, failure.message
            )),
        }
    }
    notes.flush();
}

fn is_owned(history: &History, row: &JobRow) -> bool {
    history.find(&row.id.0).is_ok_and(|row| row.owner_alive || !pick::is_live(&row))
}

fn goes_on(context: &Context, row: &JobRow) -> String {
    let watch = context.command(&format!("w {}", row.number));
    format!("job #{} `{}` goes on; `{watch}` shows it", row.number, row.name)
}
