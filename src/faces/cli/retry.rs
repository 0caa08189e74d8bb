//! `jobs retry`: runs again what failed. A job that some process runs gets the order; one that has ended is run on
//! in this process, shown as `run` shows it.

use super::args::RetryArgs;
use super::context::Context;
use super::follow::{Skin, follow};
use super::out::Out;
use super::{pick, prepare, run, steer};
use crate::engine::{self, Again, library};
use crate::faces::ending::{Ending, Failure};
use crate::logic::job::order::{Order, RetryScope, Target};
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
    let row = pick::job_for_order(&history, &args.job)?;
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
        let path = library::shown(&context.project.root, &pick::playbook_path(context, &row));
        notes.line(format!(
            "`{path}` has changed since this job began, and a job keeps what it began with: `sortie run {path}` runs the new one"
        ));
        notes.flush();
    }
    let secrets = secrets(context, args, &view, notes)?;
    let env = prepare::env(&history.request(&row.id)?)?;
    drop(history);
    let asked = steer::asked(context, order);
    let again = Again { order: Some(asked), secrets, env };
    let running = engine::resume(&context.project, &row.id, again, context.outside.world)?;
    let skin = Skin { json: context.settings.ui_is_json(), volume: run::volume(args.quiet, args.verbose) };
    follow(context, out, running, view, skin)
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
        Some(text) => match pick::target(view, text)? {
            Target::Cell(cell) => RetryScope::Cell(cell),
            Target::Stage(stage) => match view.stages[stage as usize].cells[..] {
                // One that is left from an earlier beginning of its stage has not ended.
                [one] if view.cells[one as usize].phase.outcome().is_some() => RetryScope::Cell(one),
                _ if view.phase.outcome().is_some() => RetryScope::From(stage),
                _ => RetryScope::Stage(stage),
            },
            Target::Job => RetryScope::Failed,
        },
    })
}

/// Values of secrets are never stored, so they are fetched again.
fn secrets(
    context: &Context,
    args: &RetryArgs,
    view: &JobView,
    notes: &mut Out,
) -> Result<Vec<(String, String)>, Failure> {
    prepare::trust(context, &view.playbook, args.trust, true)?;
    prepare::secrets(context, &view.playbook, notes)
}
