//! `jobs logs`, also `logs`: the output of a job's steps, from its files.
//!
//! Not here: the output while `run` shows a job (`plain.rs`).

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::args::LogsArgs;
use super::{pick, records, wait};
use crate::engine::logs::{self, Tail};
use crate::engine::{Handle, History, JobRow, Next};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::faces::{show, words};
use crate::logic::job::event::Event;
use crate::logic::job::report::AttemptKey;
use crate::logic::text::clean::clean;
use crate::logic::text::plural;
use crate::logic::view::JobView;

/// Runs the command.
///
/// # Errors
/// If there is no such job or part of it, or its files cannot be read.
pub(super) fn logs(
    context: &Context,
    args: &LogsArgs,
    out: &mut Out,
    notes: &mut Out,
) -> Result<Ending, Failure> {
    if let Some(query) = &args.query {
        not_a_query(context, args, query)?;
        return records::records(context, (query, args.limit, args.json), out, notes);
    }
    let history = pick::history(context)?;
    let (row, address) = find(context, &history, args)?;
    let view = pick::view(&history, &row)?;
    let mut choice = Choice { stage: None, cells: None, step: None, attempt: args.attempt };
    if let Some(address) = &address {
        choice.narrow(&view, address, args.follow)?;
    }
    if args.follow && row.outcome.is_none() {
        return follow(context, &row, view, &choice, (out, notes));
    }
    if !row.dir.is_dir() && !view.attempts.is_empty() {
        return Err(gone(&row, 0));
    }
    let wanted: Vec<AttemptKey> =
        view.attempts.iter().copied().filter(|key| choice.has(&view, *key)).collect();
    let (keys, missing): (Vec<AttemptKey>, Vec<AttemptKey>) =
        wanted.into_iter().partition(|key| exists(&row.dir, *key));
    if let (Some(attempt), true) = (args.attempt, keys.is_empty() && missing.is_empty()) {
        was_tried(&view, &choice, attempt)?;
    }
    let is_several = keys.len() > 1 || choice.is_caller(&view);
    for key in keys {
        let path = logs::path(&row.dir, key);
        if args.raw {
            raw(&path, out)?;
            continue;
        }
        let mut print = |line: &[u8]| {
            if args.json {
                out.line(line_json(&view, key, line).to_string());
            } else if is_several {
                let text = format!("{} | {}", source(&view, key), clean(line, out.paint.color));
                out.line(text);
            } else {
                let text = clean(line, out.paint.color).into_owned();
                out.line(text);
            }
        };
        let mut tail = Tail::new(path);
        tail.read_to(u64::MAX, &mut print);
        tail.finish(&mut print);
        if out.is_closed() {
            return Ok(Ending::Success);
        }
    }
    // One that printed nothing has no log.
    let mut lost = missing.into_iter().filter(|key| printed(&view, *key));
    lost.next().map_or(Ok(Ending::Success), |key| Err(lost_log(context, &row, &view, key, lost.count())))
}

/// Whether it is recorded that a try printed something. Of earlier tries of a step that is not known here.
fn printed(view: &JobView, key: AttemptKey) -> bool {
    let cell = &view.cells[key.cell as usize];
    let step = cell.steps.get(key.step as usize).filter(|_| cell.run == key.run);
    step.is_some_and(|step| step.attempt == key.attempt && step.log_bytes > 0)
}

/// The folder of a job was removed, and its logs with it.
pub(super) fn gone(row: &JobRow, more: usize) -> Failure {
    let others =
        if more > 0 { format!(", and those of {} more", plural(more, "job")) } else { String::new() };
    Failure::surroundings(format!(
        "the logs of job #{} are gone: its folder `{}` is not there any more{others}",
        row.number,
        row.dir.display()
    ))
    .help("only what the store has of it is left, such as its events")
}

fn lost_log(context: &Context, row: &JobRow, view: &JobView, key: AttemptKey, more: usize) -> Failure {
    let others = if more > 0 { format!(", and of {} more", plural(more, "step")) } else { String::new() };
    let (cell, step) = (view.cell_name(key.cell), view.step_name(key.cell, key.step));
    let path = logs::path(&row.dir, key);
    Failure::surroundings(format!(
        "the log of step `{step}` of {cell} is gone: `{}` is not there any more{others}",
        path.display()
    ))
    .help(format!("`{}` tells all that is missing", context.command("store verify")))
}

/// Refuses a try that nothing of what was asked for has had. One that is there may have printed nothing.
fn was_tried(view: &JobView, choice: &Choice, attempt: u32) -> Result<(), Failure> {
    let tries = view.attempts.iter().filter(|key| choice.is_here(view, **key)).map(|key| key.attempt);
    let most = tries.max().unwrap_or(0);
    if (1..=most).contains(&attempt) {
        return Ok(());
    }
    let message = format!("there is no try {attempt} of what you asked for");
    Err(Failure::usage(message).help(match most {
        0 => "nothing of it has begun".to_owned(),
        1 => "no step of it was tried twice in one run of its cell".to_owned(),
        most => format!("tries count from 1, and the last one is {most}"),
    }))
}

/// Says what is wrong with a query that cannot be one, or stands beside what only one job has.
fn not_a_query(context: &Context, args: &LogsArgs, query: &str) -> Result<(), Failure> {
    let terms = context.command("logs --help");
    let example = format!("such as `stage:build level:error since:1h`; `{terms}` has the terms");
    if query.trim().is_empty() {
        return Err(Failure::usage("`--query` takes what is looked for").help(example));
    }
    if let Some(job) = &args.job {
        let message = format!("`--query` asks the records of all jobs, and `{job}` stands beside it");
        return Err(Failure::usage(message).help(format!("write it as a term: --query 'job:{job} {query}'")));
    }
    Ok(())
}

/// The first word may be a job or an address: `logs build` means the last job's stage.
fn find(context: &Context, history: &History, args: &LogsArgs) -> Result<(JobRow, Option<String>), Failure> {
    let find = |selector| pick::job(context, history, selector);
    let (job, address) = match (&args.job, &args.address) {
        (Some(word), None) if !is_selector(word) => match find(word) {
            Ok(row) => (Ok(row), None),
            Err(_) => (find("last"), Some(word)),
        },
        (Some(job), address) => (find(job), address.as_ref()),
        (None, _) => (find("last"), None),
    };
    let address = address.or(args.stage.as_ref());
    Ok((job?, address.cloned()))
}

fn is_selector(word: &str) -> bool {
    word == "last" || word.trim_start_matches('#').bytes().all(|b| b.is_ascii_digit())
}

/// Which attempts are wanted.
struct Choice {
    stage: Option<u32>,
    cells: Option<Vec<u32>>,
    step: Option<u32>,
    attempt: Option<u32>,
}

impl Choice {
    fn narrow(&mut self, view: &JobView, text: &str, may_come: bool) -> Result<(), Failure> {
        let address = &pick::address(view, text)?;
        match pick::cells(view, address) {
            Ok(cells) => {
                let stage = view.cells[cells[0] as usize].stage;
                self.stage = Some(stage);
                let is_whole = address.cell.is_empty() && !pick::names_cell(address);
                self.cells = (!is_whole).then_some(cells);
            }
            // A stage that has no cells yet may get them while it is followed.
            Err(failure) if !may_come && pick::stage(view, &address.stage).is_err() => return Err(failure),
            Err(_) => self.stage = Some(pick::stage(view, &address.stage)?),
        }
        if let (Some(name), Some(stage)) = (&address.step, self.stage) {
            self.step = Some(pick::step(view, stage, name)?);
        }
        Ok(())
    }

    /// Says whether it stands for a stage that calls others.
    fn is_caller(&self, view: &JobView) -> bool {
        self.stage.is_some_and(|stage| !view.called(stage).is_empty())
    }

    /// What a caller prints is what the stages print that it calls.
    fn is_called(&self, view: &JobView, key: AttemptKey) -> bool {
        let Some(stage) = self.stage.filter(|_| self.is_caller(view)) else { return false };
        let cells = self.cells.as_ref().unwrap_or(&view.stages[stage as usize].cells);
        view.is_called_by(view.cells[key.cell as usize].stage, cells)
    }

    fn has(&self, view: &JobView, key: AttemptKey) -> bool {
        self.is_here(view, key) && self.attempt.is_none_or(|attempt| key.attempt == attempt)
    }

    /// The same, whichever try it is.
    fn is_here(&self, view: &JobView, key: AttemptKey) -> bool {
        self.is_called(view, key)
            || self.stage.is_none_or(|stage| view.cells[key.cell as usize].stage == stage)
                && self.cells.as_ref().is_none_or(|cells| cells.contains(&key.cell))
                && self.step.is_none_or(|step| key.step == step)
    }
}

fn exists(dir: &Path, key: AttemptKey) -> bool {
    logs::path(dir, key).is_file()
}

/// Copies the exact bytes of a file.
fn raw(path: &Path, out: &mut Out) -> Result<(), Failure> {
    let mut print = |bytes: &[u8]| {
        out.bytes(bytes);
        !out.is_closed()
    };
    logs::copy(path, &mut print)
        .map_err(|error| Failure::surroundings(format!("`{}` cannot be read: {error}", path.display())))
}

/// Where a line comes from: the cell, and which of several tries if it is not the first.
fn source(view: &JobView, key: AttemptKey) -> String {
    let mut source = view.cell_name(key.cell);
    for (word, count) in [("run", key.run), ("attempt", key.attempt)] {
        if count > 1 {
            source.push_str(&format!(", {word} {count}"));
        }
    }
    source
}

pub(super) fn line_json(view: &JobView, key: AttemptKey, line: &[u8]) -> Json {
    let cell = &view.cells[key.cell as usize];
    let mut inner = Map::new();
    inner.insert("id".to_owned(), Json::from(&*cell.id));
    if !cell.matrix.is_null() {
        inner.insert("matrix".to_owned(), (*cell.matrix).clone());
    }
    inner.insert("run".to_owned(), key.run.into());
    json!({
        "stage": view.stage_name(cell.stage),
        "cell": inner,
        "step": view.step_name(key.cell, key.step),
        "attempt": key.attempt,
        "text": String::from_utf8_lossy(line),
    })
}

/// Prints what is there and what comes, until the job ends.
fn follow(
    context: &Context,
    row: &JobRow,
    mut view: JobView,
    choice: &Choice,
    (out, notes): (&mut Out, &mut Out),
) -> Result<Ending, Failure> {
    let handle = Handle::of(&context.project, &row.id)?;
    show::look_on(context, row)?;
    let mut tails: HashMap<AttemptKey, Tail> = HashMap::new();
    let already: Vec<AttemptKey> = view.attempts.clone();
    for key in already {
        drain(&mut tails, &view, row, choice, key, (u64::MAX, false), out);
    }
    let mut events = handle.subscribe(view.seq);
    loop {
        let mut next = events.next(Some(Duration::ZERO));
        if matches!(next, Next::Timeout) {
            out.flush();
            next = events.next(None);
        }
        match next {
            Next::Event(envelope) => {
                view.fold(&envelope);
                let ended = match &envelope.event {
                    Event::StepFinished(end) => Some(end.key),
                    Event::StepRetrying { key, .. } => Some(*key),
                    _ => None,
                };
                if let Some(key) = ended {
                    drain(&mut tails, &view, row, choice, key, (u64::MAX, true), out);
                }
            }
            Next::Grew(key, size) => drain(&mut tails, &view, row, choice, key, (size, false), out),
            Next::Timeout => {}
            // Nobody goes on with it by itself.
            Next::Unowned if !row.goes_on => return Err(wait::interrupted(context, row)),
            Next::Unowned => wait::unowned(context, notes),
            Next::Owned => wait::note(notes, words::OWNED),
            Next::End => return Ok(Ending::Success),
        }
        if out.is_closed() {
            return Ok(Ending::Success);
        }
    }
}

fn drain(
    tails: &mut HashMap<AttemptKey, Tail>,
    view: &JobView,
    row: &JobRow,
    choice: &Choice,
    key: AttemptKey,
    (size, is_last): (u64, bool),
    out: &mut Out,
) {
    if key.cell as usize >= view.cells.len() || !choice.has(view, key) {
        return;
    }
    let prefix = out.paint.dim(&format!("{} | ", source(view, key)));
    let tail = tails.entry(key).or_insert_with(|| Tail::new(logs::path(&row.dir, key)));
    let mut print = |line: &[u8]| {
        let text = format!("{prefix}{}", clean(line, out.paint.color));
        out.line(text);
    };
    tail.read_to(size, &mut print);
    if is_last {
        tail.finish(&mut print);
    }
}
