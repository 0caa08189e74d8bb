//! `jobs retry`: runs again what failed. A job that some process runs gets the order; one that has ended is run on
//! in this process, shown as `run` shows it.

use super::args::RetryArgs;
use super::begin::Caught;
use super::{pick, prepare, run, steer};
use crate::engine::{self, Again, library};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::hint::quoted;
use crate::faces::out::Out;
use crate::faces::show::{self, Shown};
use crate::logic::job::order::{Order, RetryScope};
use crate::logic::playbook::model::Playbook;
use crate::logic::view::JobView;

/// Runs the command.
///
/// # Errors
/// If there is no such job or part of it, the order is refused, or the job cannot be started again.
pub(super) fn retry(
    context: &Context,
    args: &RetryArgs,
    out: &mut Out,
    notes: &mut Out,
) -> Result<Ending, Failure> {
    let history = pick::history(context)?;
    let row = pick::job_for_order(context, &history, &args.job)?;
    let view = pick::view(&history, &row)?;
    let order = Order::Retry { scope: scope(&view, args)? };
    if row.outcome.is_none() {
        return steer::send(context, &row, &args.job, order, out);
    }
    if args.job == "last" {
        notes.line(format!("`last` is job #{} ({})", row.number, row.name));
        notes.flush();
    }
    if pick::has_changed(context, &history, &row)? {
        let (root, path) = (&context.project.root, pick::playbook_path(context, &row));
        let run = context.command(&format!("run {}", quoted(&library::callable(root, &path))));
        notes.line(format!(
            "`{}` has changed since this job began, and a job keeps what it began with: `{run}` runs the new one",
            library::shown(root, &path)
        ));
        notes.flush();
    }
    let secrets = secrets(context, args, &view, notes)?;
    let env = prepare::env(&history.request(&row.id)?)?;
    drop(history);
    let asked = steer::asked(context, order);
    let again = Again { order: Some(asked), secrets, env };
    let skin = run::skin(context, args.quiet, args.verbose, notes)?;
    let running = engine::resume(&context.project, &row.id, again, context.outside.world)?;
    show::follow(context, out, Shown::ours(running, view), skin)
}

fn scope(view: &JobView, args: &RetryArgs) -> Result<RetryScope, Failure> {
    if args.all {
        return Ok(RetryScope::All);
    }
    if let Some(stage) = &args.from {
        return Ok(RetryScope::From(pick::stage(view, stage)?));
    }
    Ok(match &args.address {
        None => RetryScope::Failed,
        Some(text) => view.retry_scope(&pick::target(view, text)?),
    })
}

/// Values of secrets are never stored, so they are fetched again.
fn secrets(
    context: &Context,
    args: &RetryArgs,
    view: &JobView,
    notes: &mut Out,
) -> Result<Vec<(String, String)>, Failure> {
    prepare::trust(context, &view.playbook, args.trust, &mut prepare::here)?;
    prepare::secrets(context, &view.playbook, notes)
}

/// Runs a job on that has ended, in this process, without asking anybody anything. `may_begin` is asked once, when only the
/// start itself is left to be done.
///
/// # Errors
/// What the command line would have printed: if the order is refused, secrets cannot be read, or the job cannot be started
/// again. Nothing, if it may not begin any more.
pub fn again(
    context: &Context,
    job: &engine::JobId,
    playbook: &Playbook,
    order: Order,
    may_begin: &dyn Fn() -> bool,
) -> Result<engine::Running, Vec<String>> {
    let caught = Caught::default();
    let mut notes = caught.out();
    let again = prepared(context, job, playbook, order, &mut notes);
    let again = again.map_err(|failure| caught.told(&mut notes, &failure))?;
    if !may_begin() {
        return Err(Vec::new());
    }
    engine::resume(&context.project, job, again, context.outside.world)
        .map_err(|error| caught.told(&mut notes, &error.into()))
}

fn prepared(
    context: &Context,
    job: &engine::JobId,
    playbook: &Playbook,
    order: Order,
    notes: &mut Out,
) -> Result<Again, Failure> {
    let history = pick::history(context)?;
    prepare::trust(context, playbook, false, &mut prepare::nobody)?;
    let secrets = prepare::secrets(context, playbook, notes)?;
    let env = prepare::env(&history.request(job)?)?;
    Ok(Again { order: Some(steer::asked(context, order)), secrets, env })
}
