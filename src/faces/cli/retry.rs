//! `jobs retry`: runs again what failed. A job that some process runs gets the order; one that has ended is run on
//! in this process, shown as `run` shows it.

use std::sync::Arc;

use serde_json::Value as Json;

use super::args::{OrderArgs, RetryArgs};
use super::begin::Caught;
use super::{pick, prepare, run, steer};
use crate::engine::library::{self, Opened};
use crate::engine::{self, Again, History, JobRow};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::hint::quoted;
use crate::faces::out::Out;
use crate::faces::show::{self, Shown};
use crate::logic::job::order::{Asked, Order, RetryScope};
use crate::logic::playbook::model::Playbook;
use crate::logic::playbook::source::Source;
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
    let mut row = pick::job_for_order(context, &history, &args.job)?;
    if !args.inputs.is_empty() {
        return with_inputs(context, args, (&history, &row), (out, notes));
    }
    let mut view = pick::view(&history, &row)?;
    let scope = scope(&view, args)?;
    let scope = if args.refresh { RetryScope::Anew(Box::new(scope)) } else { scope };
    let order = Order::Retry { scope };
    if row.outcome.is_none() && row.owner_alive {
        let order = (order.clone(), &args.order);
        if let Some(ending) = steer::send_in_time(context, (&history, &row), &args.job, order, out)? {
            return Ok(ending);
        }
        // It ended meanwhile, and runs on here.
        row = pick::job(context, &history, &row.id.0)?;
        view = pick::view(&history, &row)?;
    } else if args.job == "last" {
        notes.line(format!("`last` is job #{} ({})", row.number, row.name));
        notes.flush();
    }
    let asked = steer::asked(context, order, &args.order);
    if let Some(ending) = steer::went_on(context, &row, &view, &asked, out)? {
        return Ok(ending);
    }
    if pick::has_changed(context, &history, &row)? {
        let (root, path) = (&context.project.root, pick::playbook_path(context, &row));
        let run = context.command(&format!("run {}", quoted(&library::callable(&context.project, &path))));
        notes.line(format!(
            "`{}` has changed since this job began, and a job keeps what it began with: `{run}` runs the new one",
            library::shown(root, &path)
        ));
        notes.flush();
    }
    if args.refresh && history.plan(&row.id)?.cache.off {
        notes.line(format!(
            "job #{} was started with `--no-cache`, so nothing of it is kept for others either",
            row.number
        ));
        notes.flush();
    }
    let how = How { trust: args.trust, quiet: args.quiet, verbose: args.verbose };
    go_on(context, (history, &row, view), asked, &how, (out, notes))
}

/// How a job that goes on in this process is shown, and whether its project is trusted.
#[derive(Clone, Copy, Debug)]
pub(super) struct How {
    pub trust: bool,
    pub quiet: bool,
    pub verbose: bool,
}

/// Goes on with a job that no engine works on, in this process, because of an order.
///
/// # Errors
/// If the order is refused, secrets cannot be read, or the job cannot be started again.
pub(super) fn go_on(
    context: &Context,
    (history, row, view): (History, &JobRow, JobView),
    asked: Asked,
    how: &How,
    (out, notes): (&mut Out, &mut Out),
) -> Result<Ending, Failure> {
    // Values of secrets are never stored, so they are fetched again.
    prepare::trust(context, &view.playbook, how.trust, &mut prepare::here)?;
    let secrets = prepare::secrets(context, &view.playbook, notes)?;
    let env = prepare::env(&history.request(&row.id)?)?;
    drop(history);
    let again = Again {
        order: Some(asked),
        given: engine::Given { secrets, env, path: String::new(), surroundings: Vec::new() },
        fetch: None,
    };
    let skin = run::skin(context, how.quiet, how.verbose, notes)?;
    let running = engine::resume(&context.project, &row.id, again, context.outside.world)?;
    show::follow(context, out, Shown::ours(running, view), skin)
}

/// Repeats a job as a new one: the plan of a job is fixed at its start.
fn with_inputs(
    context: &Context,
    args: &RetryArgs,
    (history, row): (&History, &JobRow),
    (out, notes): (&mut Out, &mut Out),
) -> Result<Ending, Failure> {
    let number = row.number;
    if row.outcome.is_none() {
        return Err(Failure::refused(format!(
            "job #{number} has not ended, and other inputs make a new job: wait for its end, or cancel it first"
        ))
        .help(context.command(&format!("jobs cancel {number}"))));
    }
    steer::expected(history, row, &args.order)?;
    let ahead = engine::get_ready(context.outside.world);
    let mut request = history.request(&row.id)?;
    if args.refresh {
        (request.cache.refresh, request.cache.off) = (true, false);
    }
    for (name, value) in &args.inputs {
        request.inputs.retain(|(known, _)| known != name);
        request.inputs.push((name.clone(), Json::String(value.clone())));
    }
    let source = Source::from_stored(row.playbook.as_str(), &history.source(&row.id)?);
    let mut reading = crate::logic::playbook::read(&source);
    let Some(playbook) = reading.playbook.take() else {
        let why = reading.diagnostics.first().map_or_else(String::new, |it| it.message.clone());
        return Err(Failure::usage(format!("the playbook of job #{number} is no longer understood: {why}")));
    };
    prepare::containers(context, &playbook, &mut request);
    let plan = crate::logic::plan::plan(Arc::new(playbook), &request)
        .map_err(|problems| prepare::told(notes, &problems, Ending::Usage))?;
    prepare::warn(notes, &plan);
    let env = prepare::env(&request)?;
    let opened = Opened { path: pick::playbook_path(context, row), source, reading };
    let wanted =
        run::Wanted { opened, plan, request, env, retry_of: Some(number), id: None, said: Vec::new(), ahead };
    let skin = run::skin(context, args.quiet, args.verbose, notes)?;
    let shown = run::start(context, wanted, args.trust, &mut prepare::here, notes)?;
    let names: Vec<String> = args.inputs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    notes.line(format!(
        "job #{} is a retry of #{number} with {}, from the beginning: nothing of #{number} is reused",
        shown.number,
        names.join(", ")
    ));
    notes.flush();
    show::follow(context, out, shown, skin)
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
    let again = again.map_err(|failure| caught.told(context, &mut notes, &failure))?;
    if !may_begin() {
        return Err(Vec::new());
    }
    engine::resume(&context.project, job, again, context.outside.world)
        .map_err(|error| caught.told(context, &mut notes, &error.into()))
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
    let given = engine::Given { secrets, env, path: String::new(), surroundings: Vec::new() };
    let asked = steer::asked(context, order, &OrderArgs::default());
    Ok(Again { order: Some(asked), given, fetch: None })
}
