//! The command line: one file a command, and this, which calls the right one.
//!
//! Not here: the grammar (`args`), what commands are given (`context.rs`). Commands print to `out`, remarks and
//! errors go to `notes`, and the return value becomes the exit code in `app`.

mod approve;
pub mod args;
mod args_edit;
mod args_help;
mod args_history;
mod args_keys;
mod args_new;
mod args_orders;
pub mod args_quick;
mod args_summary;
mod args_tools;
mod artifacts;
mod begin;
mod cache;
mod cache_explain;
mod cache_explain_files;
mod cancel;
mod check;
pub mod completions;
mod config;
mod doctor;
mod doctor_playbooks;
mod edit;
mod engine;
mod eval;
mod events;
mod explain;
mod format;
mod fresh;
mod guide;
mod help;
mod keys;
mod list;
mod locks;
mod logs;
mod man;
mod markdown;
mod new;
mod on_change;
mod opened;
mod paged;
mod pages;
mod pick;
mod plan;
mod plan_caches;
mod plan_services;
mod playbooks;
mod prepare;
mod records;
mod recover;
mod retry;
mod rollback;
mod run;
mod schedule;
mod schema;
mod scripts;
mod service;
mod show;
mod steer;
mod store;
mod summary;
mod table;
mod tips;
mod wait;
mod watch;

#[cfg(test)]
mod tests;

pub use begin::{begin, change, changeable, last_job, outline};
pub use edit::{Changeable, Changed};
pub use fresh::fresh;
pub use new::by_wizard;
pub use retry::again;

use args::{Cli, Command, JobsCommand, ListArgs, When};

use super::context::Context;
use super::ending::{Ending, Failure};
use super::modes;
use super::out::Out;
use crate::logic::settings::{Given, Origin};

/// Carries out a command.
///
/// # Errors
/// Whatever keeps it from being carried out.
pub fn dispatch(context: &Context, cli: Cli, out: &mut Out, notes: &mut Out) -> Result<Ending, Failure> {
    let Some(command) = cli.command else {
        recover::look(context, notes);
        return no_command(context, out, notes);
    };
    if looks_at_jobs(&command) {
        recover::look(context, notes);
    }
    match command {
        Command::Run(args) => run::run(context, &args, out, notes),
        Command::Watch(args) => watch::watch(context, &args, out, notes),
        Command::Check(args) => check::check(context, &args, out, notes),
        Command::Plan(args) => plan::plan(context, &args, out, notes),
        Command::Eval(args) => eval::eval(&args, out),
        Command::Playbooks { command } => playbooks::playbooks(context, command.as_ref(), out, notes),
        Command::Jobs { command } => jobs(context, command, out, notes),
        Command::Logs(args) => logs::logs(context, &args, out, notes),
        Command::Config { command } => config::config(context, &command, out),
        Command::Explain(args) => explain::explain(context, &args, out),
        Command::Help(args) => help::help(context, &args, out),
        Command::Fmt(args) => format::format(context, &args, out, notes),
        Command::Cache { command } => cache::cache(context, &command, out),
        Command::Store { command } => store::store(context, &command, out, notes),
        Command::Engine(args) => match &args.job {
            Some(job) => engine::engine(context, job, args.given, out),
            None => service::service(context, &args, out, notes),
        },
        Command::Schedule { command } => schedule::schedule(context, command.as_ref(), out),
        Command::Schema(args) => schema::schema(&args, out),
        Command::Completions(args) => completions::completions(&context.surroundings, &args, out),
        Command::Man(args) => man::man(context, &args, out),
        Command::Doctor(args) => doctor::doctor(context, &args, out),
        Command::Keys(args) => keys::keys(context, &args, out, notes),
    }
}

/// Says whether a command looks at the jobs of the project, and so sees to those that have lost their engine.
fn looks_at_jobs(command: &Command) -> bool {
    match command {
        Command::Watch(_) | Command::Logs(_) => true,
        Command::Jobs { command } => !matches!(command, Some(JobsCommand::Recover(_))),
        _ => false,
    }
}

/// Shows the launcher. Where there can be none, the help says what else there is, and the last line why.
fn no_command(context: &Context, out: &mut Out, notes: &mut Out) -> Result<Ending, Failure> {
    let Some(why) = modes::no_launcher(&context.surroundings) else {
        return super::launch::launch(context, out);
    };
    notes.line(Cli::help());
    let run = context.command("run NAME");
    notes.line(format!(
        "note: {why}, so there is no launcher; `sortie playbooks list` shows what there is, `{run}` runs one"
    ));
    Err(Failure::told(Ending::Usage))
}

fn jobs(
    context: &Context,
    command: Option<JobsCommand>,
    out: &mut Out,
    notes: &mut Out,
) -> Result<Ending, Failure> {
    match command.unwrap_or(JobsCommand::List(ListArgs::default())) {
        JobsCommand::List(args) => list::list(context, &args, out),
        JobsCommand::Show(args) => show::show(context, &args, out),
        JobsCommand::Logs(args) => logs::logs(context, &args, out, notes),
        JobsCommand::Events(args) => events::events(context, &args, out, notes),
        JobsCommand::Wait(args) => wait::wait(context, &args, out, notes),
        JobsCommand::Cancel(args) => cancel::cancel(context, &args, out),
        JobsCommand::Pause(args) => steer::pause(context, &args, out),
        JobsCommand::Resume(args) => steer::resume(context, &args, out),
        JobsCommand::Skip(args) => steer::skip(context, &args, out),
        JobsCommand::Retry(args) => retry::retry(context, &args, out, notes),
        JobsCommand::Recover(args) => recover::recover(context, &args, out),
        JobsCommand::Locks(args) => locks::locks(context, &args, out),
        JobsCommand::Approve(args) => approve::approve(context, &args, out),
        JobsCommand::Reject(args) => approve::reject(context, &args, out),
        JobsCommand::Summary(args) => summary::summary(context, &args, out, notes),
        JobsCommand::Outputs(args) => summary::print_outputs(context, &args, out, notes),
        JobsCommand::Artifacts { command } => artifacts::artifacts(context, &command, out, notes),
        JobsCommand::Rollback(args) => rollback::rollback(context, &args, out, notes),
    }
}

/// Returns the strongest layer of settings: the flags that were given.
///
/// # Errors
/// If a flag asks for what there is not.
pub fn flags(cli: &Cli) -> Result<Vec<Given>, Failure> {
    let mut given = Vec::new();
    let mut add = |key: &'static str, flag: &'static str, value: Option<String>| {
        given.extend(value.map(|value| Given { key, value, origin: Origin::Flag(flag) }));
    };
    let color = cli.global.color.map(|when| match when {
        When::Auto => "auto",
        When::Always => "always",
        When::Never => "never",
    });
    add("ui.color", "--color", color.map(str::to_owned));
    add("ui.ascii", "--ascii", cli.global.ascii.then(|| "true".to_owned()));
    add("store.dir", "--state", cli.global.state.as_deref().map(absolute));
    let ui = match &cli.command {
        Some(Command::Run(args)) if args.watch => Some(args::Ui::Full),
        Some(Command::Run(args)) => args.ui,
        Some(Command::Jobs { command: Some(JobsCommand::Retry(args)) }) => args.ui,
        Some(Command::Jobs { command: Some(JobsCommand::Rollback(args)) }) => args.ui,
        _ => None,
    };
    add("run.ui", "--ui", ui.map(|ui| run::ui_word(ui).to_owned()));
    let request = match &cli.command {
        Some(Command::Run(args)) => Some(&args.request),
        Some(Command::Plan(args)) => Some(&args.request),
        _ => None,
    };
    add("run.max-parallel", "--max-parallel", request.and_then(|it| it.max_parallel).map(|n| n.to_string()));
    add("cache.trust", "--cache-trust", request.and_then(|it| it.cache_trust.clone()));
    if let Some(Command::Run(args)) = &cli.command {
        add("ui.heartbeat", "--heartbeat", args.heartbeat.map(crate::logic::text::duration));
        add("run.on-loss", "--on-loss", args.on_loss.map(|it| it.word().to_owned()));
    }
    Ok(given)
}

fn absolute(path: &std::path::Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()).display().to_string()
}
