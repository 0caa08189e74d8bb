//! `engine` without a job: the service that starts what schedules, changed files and ended jobs ask for, line by line.
//!
//! Not here: what it does (`engine/service`), looking at schedules (`schedule.rs`).

use serde_json::{Value as Json, json};

use super::args::EngineArgs;
use super::{prepare, recover, schedule};
use crate::engine::service::{self, Hooks, Line, Promise, Stopper};
use crate::faces::context::{Context, Signal};
use crate::faces::ending::{Ending, Failure};
use crate::faces::hint::quoted;
use crate::faces::out::Out;

const UNIT: &str = include_str!("../../../assets/sortie.service");

/// Runs the command until somebody ends it.
///
/// # Errors
/// If a service already runs for this project, or the store or the surroundings cannot be used.
pub(super) fn service(
    context: &Context,
    args: &EngineArgs,
    out: &mut Out,
    notes: &mut Out,
) -> Result<Ending, Failure> {
    if args.print_unit {
        out.line(unit(context).trim_end());
        return Ok(Ending::Success);
    }
    if !args.trust && context.surroundings.stdin && context.surroundings.stderr {
        let found = service::scan(&context.project);
        for triggers in schedule::by_playbook(&found.triggers) {
            schedule::ask_once(context, &triggers)?;
        }
    }
    let stopper = Stopper::new()
        .map_err(|error| Failure::surroundings(format!("the service cannot be waited for: {error}")))?;
    let on_signal = stopper.clone();
    let on_signal = move |signal| {
        // A terminal that goes away takes nothing along.
        if matches!(signal, Signal::Interrupt | Signal::Terminate) {
            on_signal.stop();
        }
    };
    (context.outside.on_signal)(false, Box::new(on_signal))
        .map_err(|error| Failure::surroundings(format!("signals cannot be listened for: {error}")))?;
    let is_trusted = |promises: &[Promise]| args.trust || schedule::is_trusted(context, promises);
    let mut tell = |line: &Line| {
        out.line(if args.json { line_json(line).to_string() } else { words(line) });
        out.flush();
    };
    let hooks = Hooks {
        begin: context.outside.begin_job,
        is_trusted: &is_trusted,
        tell: &mut tell,
        recover: &mut || recover::look(context, notes),
        actor: (context.outside.actor)(),
    };
    service::run(&context.project, hooks, &stopper)?;
    Ok(Ending::Success)
}

/// A line for people: when, what about, and what happened.
fn words(line: &Line) -> String {
    let time =
        jiff::Timestamp::from_microsecond(line.time.0).map(|it| format!("{it:.0}")).unwrap_or_default();
    match (&line.playbook, &line.trigger) {
        (Some(playbook), Some(trigger)) => format!("{time} {playbook} [{trigger}]: {}", line.words),
        _ => format!("{time} {}", line.words),
    }
}

fn line_json(line: &Line) -> Json {
    json!({
        "schema": 1,
        "time": line.time.rfc3339(),
        "type": line.what,
        "playbook": line.playbook,
        "trigger": line.trigger,
        "job": line.job,
        "message": line.words,
    })
}

/// The unit file for this program and this project.
fn unit(context: &Context) -> String {
    let program = std::env::current_exe().map_or_else(|_| "sortie".to_owned(), |it| it.display().to_string());
    let root = &context.project.root;
    let state = if context.project.state == root.join(".sortie") {
        String::new()
    } else {
        format!(" --state {}", quoted(&context.project.state.display().to_string()))
    };
    // A `%` has a meaning of its own in unit files.
    let escaped = |text: &str| text.replace('%', "%%");
    UNIT.replace("@PROGRAM@", &escaped(&format!("{}{state}", quoted(&program))))
        .replace("@ROOT@", &escaped(&root.display().to_string()))
}

/// What a yes stands for.
#[must_use]
pub(super) fn hash(context: &Context, promises: &[Promise]) -> String {
    let pairs: Vec<(&str, &str)> =
        promises.iter().map(|(what, says)| (what.as_str(), says.as_str())).collect();
    prepare::content_hash(&context.project.root, &pairs)
}
