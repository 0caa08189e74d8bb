//! `jobs recover`, and the look that other commands take: jobs that no living engine owns get one, without a face.
//!
//! Not here: the engine itself (`engine.rs`).

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::args::RecoverArgs;
use super::pick;
use crate::engine::{Given, History, JobRow, clock};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::logic::text;

/// Runs the command.
///
/// # Errors
/// If there is no such job, it has ended, or it cannot be gone on with.
pub(super) fn recover(context: &Context, args: &RecoverArgs, out: &mut Out) -> Result<Ending, Failure> {
    not_in_step(context)?;
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
    let (count, mut told, mut failed) = (rows.len(), 0, 0);
    for (row, started) in start_all(context, rows.into()) {
        told += 1;
        match started {
            Ok(()) => out.line(goes_on(context, &row)),
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
    if told < count {
        return Err(Failure::surroundings(format!(
            "{} could not be seen to: this process gets no thread",
            text::plural(count - told, "job")
        )));
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

/// How long a command waits for the engines that it starts for jobs that it was not asked about.
const PATIENCE: Duration = Duration::from_secs(2);

/// So many engines are started at the same time.
const AT_ONCE: usize = 8;

/// Refuses what would start an engine inside a step: it would be one of the processes that end with the step.
///
/// # Errors
/// If this process belongs to a step.
pub(super) fn not_in_step(context: &Context) -> Result<(), Failure> {
    if !context.surroundings.is_in_step {
        return Ok(());
    }
    Err(Failure::refused("this is a step of a job, and what a step has started ends with it: so would the engine of the other job")
        .help("run it in this step without `--detach`, or let it start after this job with `on: { run: ... }`"))
}

/// Lets jobs go on whose engine has died, if they are kept; what was done is told. A start that has failed a moment ago is
/// told again and not repeated.
pub(super) fn look(context: &Context, notes: &mut Out) {
    if context.surroundings.is_in_step {
        return;
    }
    // What cannot be read is told by the command itself.
    let Ok(Some(history)) = History::open(&context.project) else { return };
    let Ok(mut rows) = history.ownerless() else { return };
    drop(history);
    rows.retain(|row| row.goes_on);
    let mut to_start = VecDeque::new();
    for row in rows {
        match (context.outside.engine_failed)(&row.dir) {
            Some(why) => notes.line(lost(context, &row, &why)),
            None => to_start.push_back(row),
        }
    }
    let count = to_start.len();
    let ended = start_all(context, to_start);
    let until = clock::elapsed() + PATIENCE;
    let mut known = 0;
    while known < count {
        let Ok((row, outcome)) = ended.recv_timeout(until.saturating_sub(clock::elapsed())) else {
            break;
        };
        known += 1;
        notes.line(match outcome {
            Ok(()) => format!("note: its engine was gone: {}", goes_on(context, &row)),
            Err(failure) => lost(context, &row, &failure.message),
        });
    }
    if known < count {
        notes.line(format!(
            "note: {} without an engine; `{}` waits until each has one",
            text::plural(count - known, "more job"),
            context.command("jobs recover")
        ));
    }
    notes.flush();
}

/// Starts engines for jobs, some at a time; tells of each when it has taken its job, or has not.
fn start_all(context: &Context, rows: VecDeque<JobRow>) -> Receiver<(JobRow, Result<(), Failure>)> {
    let (tell, ended) = channel();
    let workers = rows.len().min(AT_ONCE);
    let queue = Arc::new(Mutex::new(rows));
    for _ in 0..workers {
        let (context, queue, tell) = (context.clone(), Arc::clone(&queue), tell.clone());
        // Where there is no thread the others do its part, and without any the next look tries again.
        let _spawned = std::thread::Builder::new().name("engines".to_owned()).spawn(move || {
            let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            while let Some(row) = next() {
                let outcome = start(&context, &row, &Given::default());
                if tell.send((row, outcome)).is_err() {
                    break;
                }
            }
        });
    }
    ended
}

fn lost(context: &Context, row: &JobRow, why: &str) -> String {
    format!(
        "note: job #{} `{}` has lost its engine and could not be gone on with: {why}; `{}` tries again",
        row.number,
        row.name,
        context.command(&format!("jobs recover {}", row.number))
    )
}

fn goes_on(context: &Context, row: &JobRow) -> String {
    let watch = context.command(&format!("w {}", row.number));
    format!("job #{} `{}` goes on; `{watch}` shows it", row.number, row.name)
}
