//! `engine JOB`: works on a job without showing it, until it has ended or somebody ends this process. The job outlives
//! that: what runs is kept, and another engine goes on.
//!
//! Not here: which jobs need one (`recover.rs`).

use std::io::{Read, Write};

use serde::Deserialize;

use super::begin::Caught;
use super::{pick, prepare};
use crate::engine::{self, Again, EngineError, ErrorKind, Fetch, Given, JobId, JobRow};
use crate::faces::context::{Context, Signal};
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::faces::summary;
use crate::logic::job::order::Asked;
use crate::logic::playbook::model::Playbook;

/// Runs the command.
///
/// # Errors
/// If there is no such job, it has ended, another engine owns it, or it cannot be gone on with.
pub(super) fn engine(context: &Context, job: &str, is_given: bool, out: &mut Out) -> Result<Ending, Failure> {
    let handed = if is_given { read_handed()? } else { Handed::default() };
    let taken = take(context, job, handed);
    if !is_given {
        let (row, running) = taken?;
        out.line(format!("job #{} `{}` goes on here", row.number, row.name));
        out.flush();
        listen(context, &running)?;
        return end(context, &row, running, out);
    }
    // Whoever started this waits for one line, and a terminal that goes away takes nobody along.
    let line = match &taken {
        Ok(_) => "ready".to_owned(),
        Err(Failure { message, help: None, .. }) => message.replace('\n', " "),
        Err(Failure { message, help: Some(help), .. }) => format!("{message}; {help}").replace('\n', " "),
    };
    // Before it is said: whoever started this may go at once, and the terminal with it.
    (context.outside.go_alone)();
    if let Ok((_, running)) = &taken {
        listen(context, running)?;
    }
    answer(&line);
    // Another engine was faster, or the job has ended: whoever asked has just been told, and a log of errors is no place for it.
    let told = |failure: Failure| match failure.ending {
        Ending::Refused => Failure::told(Ending::Refused),
        _ => failure,
    };
    let (row, running) = taken.map_err(told)?;
    end(context, &row, running, out)
}

/// What whoever starts this engine hands to it.
#[derive(Default, Deserialize)]
struct Handed {
    #[serde(flatten)]
    given: Given,
    /// To be carried out first.
    order: Option<Asked>,
}

fn read_handed() -> Result<Handed, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text);
    read.map_err(|error| error.to_string())
        .and_then(|_| serde_json::from_str(&text).map_err(|error| error.to_string()))
        .map_err(|error| {
            Failure::usage(format!("what the job was given cannot be read from standard input: {error}"))
        })
}

fn answer(line: &str) {
    // Whoever waited for it may have gone.
    let _written = writeln!(std::io::stdout(), "{line}").and_then(|()| std::io::stdout().flush());
}

fn take(
    context: &Context,
    job: &str,
    Handed { given, order }: Handed,
) -> Result<(JobRow, engine::Running), Failure> {
    let history = pick::history(context)?;
    let row = pick::job(context, &history, job)?;
    if let Some(outcome) = pick::outcome(&row) {
        return Err(Failure::refused(format!("job #{} has ended already ({})", row.number, outcome.word())));
    }
    let playbook = history.plan(&row.id)?.playbook;
    drop(history);
    let again = Again { order, given, fetch: Some(fetch(context, &row.id, &playbook)) };
    let running = engine::resume(&context.project, &row.id, again, context.outside.world)?;
    Ok((row, running))
}

/// Gets what a job was given at its start in the way it was got then; nobody is asked.
fn fetch(context: &Context, job: &JobId, playbook: &Playbook) -> Fetch {
    let (context, job, playbook) = (context.clone(), job.clone(), playbook.clone());
    Box::new(move || {
        let caught = Caught::default();
        let mut notes = caught.out();
        let mut got = || -> Result<Given, Failure> {
            let history = pick::history(&context)?;
            let env = prepare::env(&history.request(&job)?)?;
            prepare::trust(&context, &playbook, false, &mut prepare::nobody)?;
            let secrets = prepare::secrets(&context, &playbook, &mut notes)?;
            Ok(Given { secrets, env, path: String::new(), surroundings: Vec::new() })
        };
        let got = got();
        got.map_err(|failure| EngineError {
            kind: ErrorKind::Surroundings,
            message: caught.told(&context, &mut notes, &failure).join("; "),
            help: failure.help,
            job: None,
        })
    })
}

/// Whoever asks this process to end gets that, and the job goes on without it.
fn listen(context: &Context, running: &engine::Running) -> Result<(), Failure> {
    let handle = running.handle.clone();
    let on_signal = move |signal| {
        if matches!(signal, Signal::Interrupt | Signal::Terminate) {
            handle.let_go();
        }
    };
    (context.outside.on_signal)(false, Box::new(on_signal))
        .map_err(|error| Failure::surroundings(format!("signals cannot be listened for: {error}")))
}

/// Waits until the job has ended, or this engine was let go.
fn end(context: &Context, row: &JobRow, running: engine::Running, out: &mut Out) -> Result<Ending, Failure> {
    match running.finish()? {
        Some(end) => {
            let history = pick::history(context)?;
            let view = pick::view(&history, row)?;
            let line = summary::final_line(&view, row.number);
            out.line(line);
            summary::print_left(out, Some(&end), &row.dir, summary::Volume::Normal);
        }
        None => out.line(format!(
            "job #{} is left to another engine; `{}` starts one",
            row.number,
            context.command(&format!("jobs recover {}", row.number))
        )),
    }
    Ok(Ending::Success)
}
