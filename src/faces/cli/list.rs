//! `jobs list`: the newest jobs.

use serde_json::{Value as Json, json};

use super::args::ListArgs;
use super::pick;
use super::table::Table;
use crate::engine::{History, JobFilter, JobRow, clock, library};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::gates;
use crate::faces::out::Out;
use crate::faces::shares;
use crate::faces::signs::State;
use crate::faces::words;
use crate::logic::moment::{EXPECTED, Edge, moment};
use crate::logic::text::{listed_names, near_miss, shortened};
use crate::logic::time::Timestamp;
use crate::logic::view::{JobView, Phase};

/// Runs the command.
///
/// # Errors
/// If the store cannot be read.
pub(super) fn list(context: &Context, args: &ListArgs, out: &mut Out) -> Result<Ending, Failure> {
    let filter = filter(context, args)?;
    let history = History::open(&context.project)?;
    let rows = history.as_ref().map_or_else(|| Ok(Vec::new()), |it| it.query(&filter, args.limit))?;
    let asked = |row: &JobRow| history.as_ref().map_or(Ok(None), |history| asked(history, row));
    if args.json {
        let mut all = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut object = row_json(row);
            if let Some(view) = asked(row)? {
                if gates::of_job(&view).is_some() {
                    object["gates"] = super::show::gates_json(&view);
                }
                object["waits_for"] = shares::of_job(&view).into();
            }
            all.push(object);
        }
        out.line(Json::from(all).to_string());
        return Ok(Ending::Success);
    }
    if rows.is_empty() && filter != JobFilter::default() {
        return nothing(args, history.as_ref(), out);
    }
    if rows.is_empty() {
        pick::not_removed(context)?;
        let run = context.command("run PLAYBOOK");
        out.line(format!("this project has no jobs yet; start one: {run}"));
    }
    let mut table = Table::default();
    for row in &rows {
        let took = row.took.map_or_else(String::new, words::elapsed);
        let view = asked(row)?;
        let waits = view
            .as_ref()
            .and_then(|view| gates::of_job(view).or_else(|| shares::of_job(view)))
            .map_or_else(String::new, |it| format!("waits for {it}"));
        let asks_people = row.owner_alive && view.as_ref().and_then(gates::of_job).is_some();
        let sign = if asks_people { State::NeedsYou } else { state(row) };
        table.marked(
            out.paint.sign(sign),
            1,
            [
                format!("#{}", row.number),
                state_word(row).to_owned(),
                shortened(&titled(row), if row.title.is_some() { 60 } else { 40 }),
                took,
                local_time(row.started),
                row.actor.clone(),
                waits,
            ],
        );
    }
    table.print(out);
    Ok(Ending::Success)
}

/// Says that no job is as it was asked for, which is no error.
fn nothing(args: &ListArgs, history: Option<&History>, out: &mut Out) -> Result<Ending, Failure> {
    out.line("no job of this project fits");
    let known = history.map_or_else(|| Ok(Vec::new()), History::playbooks)?;
    for wanted in args.playbook.iter().filter(|it| !known.contains(it)) {
        if let Some(near) = near_miss(wanted, known.iter().map(String::as_str)) {
            out.line(format!("help: no job ran a playbook `{wanted}`; did you mean `{near}`?"));
        }
    }
    Ok(Ending::Success)
}

const OUTCOMES: [&str; 4] = ["success", "failure", "cancelled", "skipped"];
const STATES: [&str; 8] =
    ["queued", "running", "paused", "frozen", "cancelling", "interrupted", "finished", "rolled-back"];

fn filter(context: &Context, args: &ListArgs) -> Result<JobFilter, Failure> {
    let outcomes = args.outcome.iter().map(|word| match word.as_str() {
        "passed" | "completed" => Ok("success".to_owned()),
        "failed" => Ok("failure".to_owned()),
        word => one_of("outcome", word, &OUTCOMES, &["passed", "failed", "cancelled", "skipped"]),
    });
    let playbook = |wanted: &String| {
        // Jobs record the whole path; one that is gone is known by its name.
        let found =
            library::find(&context.project, wanted).ok().and_then(|path| std::path::absolute(path).ok());
        found.map_or_else(|| wanted.trim_end_matches(".yml").to_owned(), |path| path.display().to_string())
    };
    Ok(JobFilter {
        playbooks: args.playbook.iter().flat_map(|it| [playbook(it), it.clone()]).collect(),
        outcomes: outcomes.collect::<Result<_, _>>()?,
        states: args
            .status
            .iter()
            .map(|it| one_of("status", it, &STATES, &STATES))
            .collect::<Result<_, _>>()?,
        since: point("--since", args.since.as_deref(), Edge::Begin)?,
        until: point("--until", args.until.as_deref(), Edge::End)?,
        actor: args.actor.clone(),
        inputs: args.inputs.clone(),
        ..JobFilter::default()
    })
}

fn one_of(what: &str, word: &str, words: &[&str], told: &[&str]) -> Result<String, Failure> {
    if words.contains(&word) {
        return Ok(word.to_owned());
    }
    let failure = Failure::usage(format!("`--{what}` takes {}, found `{word}`", listed_names(told, "or")));
    let near = near_miss(word, told.iter().copied());
    Err(near.map_or(failure.clone(), |near| failure.help(format!("did you mean `{near}`?"))))
}

/// Reads a time as a person writes it.
///
/// # Errors
/// If it is none.
pub(super) fn point(flag: &str, text: Option<&str>, edge: Edge) -> Result<Option<Timestamp>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let zone = jiff::tz::TimeZone::system();
    moment(text, edge, clock::now(), &zone)
        .map(Some)
        .ok_or_else(|| Failure::usage(format!("`{flag}` takes {EXPECTED}, found `{text}`")))
}

/// Returns a job that has not ended and waits for people or for what other jobs have.
fn asked(history: &History, row: &JobRow) -> Result<Option<JobView>, Failure> {
    if !pick::is_live(row) || !(history.has_open_gate(row.number)? || history.waits_for_claims(row.number)?) {
        return Ok(None);
    }
    pick::view(history, row).map(Some)
}

/// Returns where a job stands.
#[must_use]
pub(super) fn state(row: &JobRow) -> State {
    match pick::outcome(row) {
        Some(_) if row.is_rolled_back() => State::RolledBack,
        Some(outcome) => State::of(Phase::Done(outcome), None, None),
        None if !row.owner_alive => State::Cancelled,
        None if row.state == "paused" || row.state == "frozen" => State::Paused,
        None if row.state == "queued" => State::Blocked,
        None if row.state == "cancelling" => State::Stopping,
        None => State::Running,
    }
}

/// Returns the word for where a job stands.
#[must_use]
pub(super) fn state_word(row: &JobRow) -> &str {
    match pick::outcome(row) {
        Some(_) if row.is_rolled_back() => "rolled back",
        Some(outcome) => words::outcome(outcome, None),
        None => &row.state,
    }
}

/// Returns the name of a job's playbook, and what `run-name` came to.
fn titled(row: &JobRow) -> String {
    row.title.as_ref().map_or_else(|| row.name.clone(), |title| format!("{}: {title}", row.name))
}

/// Returns a job's row as programs read it.
#[must_use]
pub(super) fn row_json(row: &JobRow) -> Json {
    json!({
        "number": row.number,
        "id": row.id.to_string(),
        "name": row.name,
        "title": row.title,
        "playbook": row.playbook,
        "state": state_word(row),
        "outcome": row.outcome,
        "started": row.started.rfc3339(),
        "finished": row.finished.map(Timestamp::rfc3339),
        "took_seconds": row.took.map(|it| it.as_secs_f64()),
        "actor": row.actor,
        "retry_of": row.retry_of,
        "dir": row.dir,
    })
}

/// Writes a point in time as clocks on the wall show it.
#[must_use]
pub(super) fn local_time(at: Timestamp) -> String {
    match jiff::Timestamp::from_microsecond(at.0) {
        Ok(time) => time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => at.rfc3339(),
    }
}
