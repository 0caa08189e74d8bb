//! `run`: reads, checks, plans and starts a playbook, and shows the job to its end.
//!
//! Not here: what has to hold before (`prepare.rs`), the showing (`faces/show.rs`).

use std::sync::Arc;

use super::args::{RunArgs, Ui};
use super::{opened, pick, prepare};
use crate::engine::library::{self, Opened};
use crate::engine::{self, Ahead, OnLoss, Start};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::modes::{self, Face};
use crate::faces::out::Out;
use crate::faces::show::{self, Shown, Skin};
use crate::faces::summary::Volume;
use crate::logic::plan::{Plan, PlanRequest, Selected};
use crate::logic::text::plural;
use crate::logic::view::JobView;

/// Runs the command.
///
/// # Errors
/// Everything that keeps the job from starting.
pub(super) fn run(
    context: &Context,
    args: &RunArgs,
    out: &mut Out,
    notes: &mut Out,
) -> Result<Ending, Failure> {
    let ahead = (!args.dry_run).then(|| engine::get_ready(context.outside.world));
    let mut request = prepare::request(context, &args.request)?;
    let given = args.env_file.as_ref();
    request.env_file =
        given.map(|path| std::path::absolute(path).as_ref().unwrap_or(path).display().to_string());
    let wanted = match &args.playbook {
        Some(wanted) => wanted.clone(),
        None => last(context, &mut request, notes)?,
    };
    let (opened, playbook) = opened::open_to_run(&context.project.root, &wanted, notes)?;
    let env = prepare::env(&request)?;
    let plan = crate::logic::plan::plan(Arc::new(playbook), &request)
        .map_err(|problems| prepare::told(notes, &problems, Ending::Usage))?;
    prepare::warn(notes, &plan);
    let Some(ahead) = ahead else { return dry_run(context, args, &plan, out, notes) };
    let wanted = Wanted { opened, plan, request, env, ahead };
    // What is wrong with the screen is told before there is a job that could suffer from it.
    let skin = skin(context, args.quiet, args.verbose, notes)?;
    let shown = start(context, wanted, args.trust, &mut prepare::here, notes)?;
    show::follow(context, out, shown, skin)
}

/// A job that could be started, as far as the playbook and the request go.
pub(super) struct Wanted {
    pub(super) opened: Opened,
    pub(super) plan: Plan,
    pub(super) request: PlanRequest,
    /// Additions of `--env-file`.
    pub(super) env: Vec<(String, String)>,
    pub(super) ahead: Ahead,
}

/// Starts a job in this process, if the machine and whoever is asked agree. `trusted` is the flag `--trust`.
///
/// # Errors
/// If requirements are not met, commands are not trusted, secrets cannot be had, or the engine cannot start.
pub(super) fn start(
    context: &Context,
    wanted: Wanted,
    trusted: bool,
    ask: prepare::Ask<'_>,
    notes: &mut Out,
) -> Result<Shown, Failure> {
    let Wanted { opened, plan, request, env, ahead } = wanted;
    let playbook = Arc::clone(&plan.playbook);
    let unmet = prepare::unmet(context, &playbook);
    if !unmet.is_empty() {
        return Err(prepare::told(notes, &unmet, Ending::Refused));
    }
    prepare::trust(context, &playbook, trusted, ask)?;
    let secrets = prepare::secrets(context, &playbook, notes)?;
    let start = Start {
        source: opened.source,
        path: opened.path,
        plan,
        request,
        env,
        secrets,
        actor: (context.outside.actor)(),
        on_loss: OnLoss::Stop,
        ahead,
    };
    let running = engine::start(&context.project, start, context.outside.world)?;
    Ok(Shown::ours(running, JobView::new(playbook)))
}

/// Returns how a job is shown; what cannot be had is told.
///
/// # Errors
/// If the theme that was set cannot be used.
pub(super) fn skin(context: &Context, quiet: bool, verbose: bool, notes: &mut Out) -> Result<Skin, Failure> {
    let (face, why) = modes::choose(context.settings.ui(), &context.surroundings);
    // Whoever asks for the last line only wants no bars before it.
    let face = if quiet && face == Face::Inline { Face::Plain } else { face };
    let (face, why) = show::ready(context, face, why)?;
    if let Some(why) = why {
        notes.line(format!("note: {why}"));
        notes.flush();
    }
    Ok(Skin { face, volume: volume(quiet, verbose), stays: false })
}

/// Returns how much is printed.
#[must_use]
pub(super) fn volume(quiet: bool, verbose: bool) -> Volume {
    match (quiet, verbose) {
        (true, _) => Volume::Quiet,
        (_, true) => Volume::Verbose,
        _ => Volume::Normal,
    }
}

/// Returns the word of a face as the setting `run.ui` has it.
#[must_use]
pub(super) fn ui_word(ui: Ui) -> &'static str {
    match ui {
        Ui::Auto => "auto",
        Ui::Full => "full",
        Ui::Inline => "inline",
        Ui::Plain => "plain",
        Ui::Json => "json",
    }
}

/// Finds the playbook of the newest job. Without options of its own the request becomes that job's: the same again.
fn last(context: &Context, request: &mut PlanRequest, notes: &mut Out) -> Result<String, Failure> {
    let history = engine::History::open(&context.project)?;
    let newest = match &history {
        Some(history) => history.jobs(1)?.into_iter().next(),
        None => None,
    };
    let Some(row) = newest else {
        return Err(Failure::usage("which playbook? There is no job yet whose playbook could be repeated")
            .help(format!(
                "{}; `sortie playbooks list` shows what there is",
                context.command("run PLAYBOOK")
            )));
    };
    let path = pick::playbook_path(context, &row);
    let bare = PlanRequest { max_parallel: request.max_parallel, ..PlanRequest::default() };
    let mut how = "with the options given now";
    if let Some(history) = &history
        && *request == bare
    {
        let earlier = history.request(&row.id)?;
        let is_plain = PlanRequest { max_parallel: None, ..earlier.clone() } == PlanRequest::default();
        *request = PlanRequest { max_parallel: request.max_parallel.or(earlier.max_parallel), ..earlier };
        how = if is_plain { "" } else { "with the same inputs and selection" };
    }
    notes.line(format!(
        "again: `{}`, as in job #{}{}{how}",
        library::shown(&context.project.root, &path),
        row.number,
        if how.is_empty() { "" } else { ", " }
    ));
    notes.flush();
    Ok(path.display().to_string())
}

fn dry_run(
    context: &Context,
    args: &RunArgs,
    plan: &Plan,
    out: &mut Out,
    notes: &mut Out,
) -> Result<Ending, Failure> {
    let playbook = &plan.playbook;
    let mut refusals = prepare::unmet(context, playbook);
    if let Err(refused) = prepare::trust(context, playbook, args.trust, &mut prepare::nobody) {
        refusals.push(crate::logic::plan::PlanProblem {
            slug: "not-trusted",
            message: refused.message,
            help: refused.help,
        });
    }
    if !refusals.is_empty() {
        return Err(prepare::told(notes, &refusals, Ending::Refused));
    }
    let selected = plan.stages.iter().filter(|stage| !matches!(stage.selected, Selected::No(_))).count();
    out.line(format!(
        "`{}` would run {} of {}; nothing was started",
        playbook.name,
        selected,
        plural(plan.stages.len(), "stage")
    ));
    Ok(Ending::Success)
}
