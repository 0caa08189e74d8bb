//! `jobs list`: the newest jobs.

use serde_json::{Value as Json, json};

use super::args::ListArgs;
use super::pick;
use super::table::Table;
use crate::engine::{History, JobRow};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::faces::signs::State;
use crate::faces::words;
use crate::logic::text::shortened;
use crate::logic::time::Timestamp;
use crate::logic::view::Phase;

/// Runs the command.
///
/// # Errors
/// If the store cannot be read.
pub(super) fn list(context: &Context, args: &ListArgs, out: &mut Out) -> Result<Ending, Failure> {
    let rows = match History::open(&context.project)? {
        Some(history) => history.jobs(args.limit)?,
        None => Vec::new(),
    };
    if args.json {
        let all: Vec<Json> = rows.iter().map(row_json).collect();
        out.line(Json::from(all).to_string());
        return Ok(Ending::Success);
    }
    if rows.is_empty() {
        let run = context.command("run PLAYBOOK");
        out.line(format!("this project has no jobs yet; start one: {run}"));
    }
    let mut table = Table::default();
    for row in &rows {
        let took = row.took.map_or_else(String::new, words::elapsed);
        table.marked(
            out.paint.sign(state(row)),
            1,
            [
                format!("#{}", row.number),
                state_word(row).to_owned(),
                shortened(&row.name, 40),
                took,
                local_time(row.started),
                row.actor.clone(),
            ],
        );
    }
    table.print(out);
    Ok(Ending::Success)
}

/// Returns where a job stands.
#[must_use]
pub(super) fn state(row: &JobRow) -> State {
    match pick::outcome(row) {
        Some(outcome) => State::of(Phase::Done(outcome), None, None),
        None if !row.owner_alive => State::Cancelled,
        None if row.state == "paused" => State::Paused,
        None if row.state == "cancelling" => State::Stopping,
        None => State::Running,
    }
}

/// Returns the word for where a job stands.
#[must_use]
pub(super) fn state_word(row: &JobRow) -> &str {
    pick::outcome(row).map_or(&row.state, |outcome| words::outcome(outcome, None))
}

/// Returns a job's row as programs read it.
#[must_use]
pub(super) fn row_json(row: &JobRow) -> Json {
    json!({
        "number": row.number,
        "id": row.id.to_string(),
        "name": row.name,
        "playbook": row.playbook,
        "state": state_word(row),
        "outcome": row.outcome,
        "started": row.started.rfc3339(),
        "finished": row.finished.map(Timestamp::rfc3339),
        "took_seconds": row.took.map(|it| it.as_secs_f64()),
        "actor": row.actor,
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
