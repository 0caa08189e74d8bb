//! `jobs summary` and `jobs outputs`: what is left of a job, made from what is recorded.
//!
//! Not here: what a summary says and how it looks (`logic/summary`), the files that an engine writes (`engine/reports.rs`).

use serde_json::Value as Json;

use super::args::{OutputsArgs, SummaryArgs};
use super::pick;
use super::table::columns;
use crate::engine::{History, JobRow, clock, library, reports};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::logic::summary::{Format, Story, Summary, find_output, outputs, result, unknown_ending};
use crate::logic::text::shortened;
use crate::logic::view::JobView;

/// Prints or writes the summary of a job.
///
/// # Errors
/// If there is no such job, what is recorded of it cannot be read, or the file cannot be written.
pub(super) fn summary(
    context: &Context,
    args: &SummaryArgs,
    out: &mut Out,
    notes: &mut Out,
) -> Result<Ending, Failure> {
    if let (Some(path), None, false) = (&args.output, args.format, args.json)
        && reports::may_write(path).is_ok()
    {
        known_ending(&path.to_string_lossy())?;
    }
    let history = pick::history(context)?;
    let row = pick::job(context, &history, &args.job)?;
    let summary = made(context, &history, &row)?;
    if pick::is_live(&row) {
        notes.line(format!("note: job #{} has not ended; this is how it stands", row.number));
        notes.flush();
    }
    let of_file = || Format::of_file(&args.output.as_ref()?.to_string_lossy());
    let format = match args.format {
        _ if args.json => Some(Format::Json),
        Some(kind) => kind.format(),
        None => of_file().or((args.output.is_some() || !out.is_terminal).then_some(Format::Markdown)),
    };
    let text = match format {
        Some(format) => summary.render(format),
        None => summary.text(columns(out).unwrap_or(WIDTH)),
    };
    match &args.output {
        Some(path) => {
            let shown = path.display();
            let made = reports::write(path, text.as_bytes()).map_err(|error| {
                Failure::surroundings(format!(
                    "the summary cannot be written to `{shown}`: {}",
                    crate::logic::text::clean::written_out(&error, false)
                ))
                .help("name a file in a folder that you may write to")
            })?;
            let made = made.map(|folder| format!(" (the folder `{}` is new)", folder.display()));
            out.line(format!(
                "the summary of job #{} is in `{shown}`{}",
                row.number,
                made.unwrap_or_default()
            ));
        }
        // A file is made of this, and each format has made safe what is in it.
        None if !out.is_terminal && format.is_some() => out.bytes(text.as_bytes()),
        None => text.lines().for_each(|line| out.line(line)),
    }
    Ok(Ending::Success)
}

/// Prints the summary of a job that was just shown, as Markdown, behind all that was printed of it.
///
/// # Errors
/// If what is recorded of it cannot be read.
pub(super) fn print_at_end(context: &Context, number: u64, out: &mut Out) -> Result<(), Failure> {
    let history = pick::history(context)?;
    let row = pick::job(context, &history, &number.to_string())?;
    if pick::is_live(&row) {
        let command = context.command(&format!("jobs summary {number}"));
        out.line(format!("note: job #{number} goes on; `{command}` prints its summary when it has ended"));
    } else {
        let text = made(context, &history, &row)?.render(Format::Markdown);
        if out.is_terminal {
            text.lines().for_each(|line| out.line(line));
        } else {
            out.bytes(text.as_bytes());
        }
    }
    out.flush();
    Ok(())
}

/// Makes sure that the ending of a file for a summary says in which format it is.
///
/// # Errors
/// If it is that of something else.
pub(super) fn known_ending(path: &str) -> Result<(), Failure> {
    let Some(ending) = unknown_ending(path) else { return Ok(()) };
    Err(Failure::usage(format!(
        "no summary can go to `{path}`: there is none whose file ends with `.{ending}`"
    ))
    .help("write a name with `.md`, `.html`, `.json`, `.xml` or `.csv`"))
}

/// Columns where there is no terminal that has some.
const WIDTH: usize = 100;

/// Prints the outputs of a job, or one of them.
///
/// # Errors
/// If there is no such job or output, or what is recorded of it cannot be read.
pub(super) fn print_outputs(
    context: &Context,
    args: &OutputsArgs,
    out: &mut Out,
    notes: &mut Out,
) -> Result<Ending, Failure> {
    let history = pick::history(context)?;
    let row = pick::job(context, &history, &args.job)?;
    let summary = made(context, &history, &row)?;
    let is_live = pick::is_live(&row);
    if let Some(name) = &args.name {
        let found =
            find_output(&summary, name).map_err(|help| unknown(context, &row, name, help, is_live))?;
        if args.json {
            out.line(Json::from(&*found.value).to_string());
        } else {
            // The value alone, for `$(...)`: as it is for programs, and harmless on a terminal.
            if out.is_terminal {
                out.line(&*found.value);
            } else {
                out.bytes(found.value.as_bytes());
                out.bytes(b"\n");
            }
        }
        return Ok(Ending::Success);
    }
    if is_live {
        notes.line(format!("note: job #{} has not ended; there may be more outputs then", row.number));
        notes.flush();
    }
    if args.json {
        result(&summary).lines().for_each(|line| out.line(line));
        return Ok(Ending::Success);
    }
    let all = outputs(&summary);
    for it in &all {
        out.line(format!("{} = {}", it.name, shortened(&it.value, 200)));
    }
    if all.is_empty() {
        notes.line(format!("job #{} has no outputs", row.number));
    }
    Ok(Ending::Success)
}

fn unknown(context: &Context, row: &JobRow, name: &str, help: Option<String>, is_live: bool) -> Failure {
    let number = row.number;
    if is_live {
        // It may come yet, so it is no mistake of the person.
        let failure = Failure::refused(format!("job #{number} runs, and has no output `{name}` so far"));
        let wait = context.command(&format!("jobs wait {number}"));
        return match help {
            Some(help) => failure.help(format!("{help}; or wait for its end: `{wait}`")),
            None => failure.help(format!("wait for its end: `{wait}`")),
        };
    }
    let failure = Failure::usage(format!("job #{number} has no output `{name}`"));
    match help {
        Some(help) => failure.help(help),
        None => failure.help("it has none at all; steps write outputs to the file `$SORTIE_OUTPUT`"),
    }
}

/// Makes the summary of a job from what is recorded.
fn made(context: &Context, history: &History, row: &JobRow) -> Result<Summary, Failure> {
    let plan = history.plan(&row.id)?;
    let mut story = Story::new(&plan);
    pick::fold(history, row, &mut |envelope| story.fold(envelope))?;
    pick::sound(row, &story.view)?;
    let hidden = history.hidden(&row.id)?;
    let shown = library::shown(&context.project.root, std::path::Path::new(&row.playbook));
    let told = reports::Told {
        number: row.number,
        id: &row.id.0,
        playbook: &shown,
        actor: &row.actor,
        retry_of: row.retry_of,
        dir: &row.dir,
        plan: &plan,
        hidden: &hidden,
        now: now_of(row, &story.view),
    };
    Ok(reports::summary(&story, &told))
}

/// The time up to which a job is told: now, or the last that is known of one that nobody works on.
fn now_of(row: &JobRow, view: &JobView) -> crate::logic::time::Timestamp {
    if row.owner_alive { clock::now() } else { view.at }
}
