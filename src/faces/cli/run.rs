//! `run`: reads, checks, plans and starts a playbook, and shows the job to its end.
//!
//! Not here: what has to hold before (`prepare.rs`), the showing (`faces/show.rs`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;

use super::args::{RunArgs, Ui};
use super::{on_change, opened, pick, plan_caches, prepare, recover, watch};
use crate::engine::library::{self, Opened};

use crate::engine::{self, Ahead, Fired, Given, JobRow, OnLoss, Start, reports};
use crate::faces::asking::{self, Asked};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::hint::quoted;
use crate::faces::modes::{self, Face};
use crate::faces::out::Out;
use crate::faces::show::{self, Shown, Skin};
use crate::faces::summary::Volume;
use crate::logic::plan::inputs::ask::Starting;
use crate::logic::plan::{CacheRequest, Plan, PlanRequest, Selected, inputs};
use crate::logic::playbook::gate::GateRules;
use crate::logic::playbook::model::Playbook;
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
    if args.on_change {
        return on_change::on_change(context, args, out, notes);
    }
    // Of a job that is found in the cache nothing is run, so nothing is got ready for it. Where nothing can be found all is run.
    let find = |wanted| library::find(&context.project, wanted).ok().filter(|path| path.is_file());
    let asked = args.playbook.as_deref().map(|first| opened::one(first, &args.more)).transpose()?;
    let path = asked.as_deref().and_then(find);
    let is_cached = args.request.cache || path.as_deref().is_some_and(library::mentions_cache);
    let mut ahead = match is_cached {
        _ if args.dry_run || args.detach => Ahead::default(),
        true if engine::has_results(&context.project) => {
            engine::get_store_ready(&context.project, path.as_deref())
        }
        _ => engine::get_ready(context.outside.world),
    };
    let mut request = prepare::request(context, &args.request)?;
    let given = args.env_file.as_ref();
    request.env_file =
        given.map(|path| std::path::absolute(path).as_ref().unwrap_or(path).display().to_string());
    let wanted = match asked {
        Some(wanted) => wanted,
        None => last(context, &mut request, notes)?,
    };
    let own = own_output(args)?;
    // What goes there is printed at the end, behind all else.
    request.summary = args.summary.as_deref().filter(|_| own.is_none()).map(summary_path);
    if let Some(path) = request.summary.as_deref().filter(|path| !path.is_empty()) {
        reports::may_write(Path::new(path)).map_err(|why| {
            let shown = args.summary.as_deref().unwrap_or(path);
            Failure::usage(format!("the summary cannot go to `{shown}`: {why}"))
                .help("name a new file, or an earlier summary")
        })?;
        super::summary::known_ending(args.summary.as_deref().unwrap_or(path))?;
    }
    let is_there = context.surroundings.stdin && context.surroundings.stdout;
    request.gates.unattended = context.surroundings.is_ci && !is_there && !args.wait_at_gates;
    let (opened, playbook) = if is_cached && !args.request.no_cache {
        opened::open_again(&context.project, &wanted, &mut ahead, notes)?
    } else {
        opened::open_to_run(&context.project, &wanted, notes)?
    };
    let env = prepare::env(&request)?;
    prepare::containers(context, &playbook, &mut request);
    let asked = ask(context, args, (&opened.path, &playbook), &mut request, notes)?;
    let plan = crate::logic::plan::plan(Arc::new(playbook), &request)
        .map_err(|problems| prepare::told(notes, &problems, Ending::Usage))?;
    prepare::warn(notes, &plan);
    if args.dry_run {
        return dry_run(context, args, &plan, out, notes);
    }
    let again = Again { id: args.id.as_deref(), path: opened.path.clone(), request: request.clone() };
    if let Some(row) = again.before(context)? {
        return again.answer(context, args, &row, (out, notes));
    }
    let (id, said) = (args.id.clone(), asked.said.secrets.clone());
    let wanted = Wanted { opened, plan, request, env, retry_of: None, id, said, ahead };
    let began = begin(context, args, wanted, (out, notes));
    // Somebody may have begun it at the same moment.
    match (began, args.id.is_some()) {
        (Err(failure), true) if failure.ending == Ending::Refused => match again.before(context)? {
            Some(row) => again.answer(context, args, &row, (out, notes)),
            None => Err(failure),
        },
        (began, _) => began,
    }
}

/// Asks for what is required and was not given, where somebody can be asked; with `--ask` for all inputs. Inputs that are said
/// become part of the request.
fn ask(
    context: &Context,
    args: &RunArgs,
    (path, playbook): (&Path, &Playbook),
    request: &mut PlanRequest,
    notes: &mut Out,
) -> Result<Asked, Failure> {
    if let Some(why) = asking::nobody(context).or(args.dry_run.then_some("nothing is asked with --dry-run")) {
        if args.ask {
            let help = "leave `--ask` out, and give inputs by `--input NAME=VALUE`";
            return Err(Failure::usage(format!("{why}, so `--ask` cannot ask")).help(help));
        }
        return Ok(Asked::default());
    }
    let open = prepare::open_secrets(playbook);
    let given = request.inputs.clone();
    let talk = Starting::new(&playbook.inputs, &given, open.clone(), args.ask);
    let command = |said: &[(String, String)]| {
        let said: Vec<String> = said.iter().map(asking::flag).collect();
        asking::again(args.playbook.as_deref(), &said).unwrap_or_else(|| {
            // Nothing on the command line can be repeated, as where the last job is run again.
            let name = quoted(&library::callable(&context.project, path));
            let texts = given.iter().map(|(name, json)| (name.clone(), inputs::plain(json)));
            let known: Vec<String> = texts.map(|it| asking::flag(&it)).collect();
            context.command(&[&["run".to_owned(), name][..], &known, &said].concat().join(" "))
        })
    };
    let asked = asking::ask(context, talk, &open, notes.paint, &command)?;
    let texts = asked.said.inputs.iter().map(|(name, text)| (name.clone(), Json::String(text.clone())));
    request.inputs.extend(texts);
    Ok(asked)
}

/// Returns the path of a summary from the root of all files; without a path the usual place is meant.
pub(super) fn summary_path(path: &str) -> String {
    if path.is_empty() {
        return String::new();
    }
    // A shell leaves it as it is behind `--summary=`.
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    if let (Some(below), Some(home)) = (path.strip_prefix("~/"), home) {
        return home.join(below).display().to_string();
    }
    std::path::absolute(path).map_or_else(|_| path.to_owned(), |path| path.display().to_string())
}

/// Returns where the summary goes if it is to be printed.
///
/// # Errors
/// If nobody will be there to see it.
pub(super) fn own_output(args: &RunArgs) -> Result<Option<&Path>, Failure> {
    let own = args.summary.as_deref().map(Path::new).filter(|path| reports::is_own_output(path));
    if let (Some(path), true) = (own, args.detach) {
        let message = format!(
            "the summary cannot go to `{}`: a detached job has no output to print to",
            path.display()
        );
        return Err(Failure::usage(message).help("name a file, or leave `--detach` out"));
    }
    Ok(own)
}

fn begin(
    context: &Context,
    args: &RunArgs,
    wanted: Wanted,
    (out, notes): (&mut Out, &mut Out),
) -> Result<Ending, Failure> {
    if args.detach {
        recover::not_in_step(context)?;
        return detach(context, args, wanted, out, notes);
    }
    // What is wrong with the screen is told before there is a job that could suffer from it.
    let skin = skin(context, args.quiet, args.verbose, notes)?;
    let shown = start(context, wanted, args.trust, &mut prepare::here, notes)?;
    let number = shown.number;
    if !matches!(skin.face, Face::Full | Face::Inline) {
        asking::none_comes();
    }
    let ending = show::follow(context, out, shown, skin)?;
    if let Some(path) = own_output(args)? {
        super::summary::print_at_end(context, number, if reports::is_own_error(path) { notes } else { out })?;
    }
    Ok(ending)
}

/// A start that may have been made before, by its id.
struct Again<'a> {
    id: Option<&'a str>,
    path: PathBuf,
    request: PlanRequest,
}

impl Again<'_> {
    /// Returns the job that was started with the id; refuses one that was another start's.
    fn before(&self, context: &Context) -> Result<Option<JobRow>, Failure> {
        let Some(id) = self.id else { return Ok(None) };
        let Some(history) = engine::History::open(&context.project)? else { return Ok(None) };
        let Some((number, row)) = history.started(id)? else { return Ok(None) };
        let other = |how: &str| {
            let words = format!("the id `{id}` was used to start job #{number}{how}");
            Err(Failure::refused(words).help("give this start an id of its own: `--id NEW`"))
        };
        let Some(row) = row else { return other(", which has been removed since") };
        let root = &context.project.root;
        if pick::playbook_path(context, &row) != root.join(&self.path) {
            let shown = library::shown(root, &pick::playbook_path(context, &row));
            return other(&format!(", of another playbook: `{shown}`"));
        }
        if !history.request(&row.id)?.asks_the_same(&self.request) {
            return other(" with other inputs or options");
        }
        Ok(Some(row))
    }

    /// Answers with the first job: its number, or how it goes on and ends.
    fn answer(
        &self,
        context: &Context,
        args: &RunArgs,
        row: &JobRow,
        (out, notes): (&mut Out, &mut Out),
    ) -> Result<Ending, Failure> {
        if args.detach {
            if row.outcome.is_none() && !row.owner_alive {
                begin_again(context, args, row, notes)?;
            }
            has_started(context, args, (row.number, &row.name), out);
            return Ok(Ending::Success);
        }
        let skin = skin(context, args.quiet, args.verbose, notes)?;
        notes.line(format!("note: job #{} was started with this id before, and nothing else is", row.number));
        notes.flush();
        show::follow(context, out, watch::shown(context, &row.number.to_string())?, skin)
    }
}

/// A job that could be started, as far as the playbook and the request go.
pub(super) struct Wanted {
    pub(super) opened: Opened,
    pub(super) plan: Plan,
    pub(super) request: PlanRequest,
    /// Additions of `--env-file`.
    pub(super) env: Vec<(String, String)>,
    /// Number of the job that this one repeats with other inputs.
    pub(super) retry_of: Option<u64>,
    /// What its starter calls this start.
    pub(super) id: Option<String>,
    /// Secrets with the values that somebody has just said.
    pub(super) said: Vec<(String, String)>,
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
    let view = JobView::of_plan(&wanted.plan);
    let start = prepared(context, wanted, trusted, ask, notes)?;
    let running = engine::start(&context.project, start, context.outside.world)?;
    Ok(Shown::ours(running, view))
}

/// Records a job and starts an engine for it that outlives this process.
fn detach(
    context: &Context,
    args: &RunArgs,
    wanted: Wanted,
    out: &mut Out,
    notes: &mut Out,
) -> Result<Ending, Failure> {
    let start = prepared(context, wanted, args.trust, &mut prepare::here, notes)?;
    let fired = args.fire.map(|number| fired(context, number)).transpose()?;
    let start = Start { on_loss: OnLoss::Keep, fired, ..start };
    let queued = engine::enqueue(&context.project, &start, context.outside.world)?;
    let number = queued.number;
    (context.outside.start_engine)(&context.project, (&queued.id.0, &queued.dir), &queued.given).map_err(
        |why| {
            engine::gave_up(&queued.dir, &why);
            not_started(context, number, &why)
        },
    )?;
    has_started(context, args, (number, &start.plan.playbook.name), out);
    Ok(Ending::Success)
}

/// Starts an engine for a job that was recorded before and that nobody works on: the one of then did not start, or has died.
fn begin_again(context: &Context, args: &RunArgs, row: &JobRow, notes: &mut Out) -> Result<(), Failure> {
    recover::not_in_step(context)?;
    let history = pick::history(context)?;
    let playbook = history.plan(&row.id)?.playbook;
    let env = prepare::env(&history.request(&row.id)?)?;
    let has_begun = history.last_seq(&row.id)? > 0;
    drop(history);
    // Values of secrets are never stored, so they are fetched again.
    prepare::trust(context, &playbook, args.trust, &mut prepare::here)?;
    let secrets = prepare::secrets(context, &playbook, notes)?;
    let given =
        Given { secrets, env, path: std::env::var("PATH").unwrap_or_default(), surroundings: Vec::new() };
    recover::start(context, row, &given).map_err(|failure| {
        // One that has begun was given up by its engine, which noted why.
        if !has_begun {
            engine::gave_up(&row.dir, &failure.message);
        }
        not_started(context, row.number, &failure.message)
    })
}

fn not_started(context: &Context, number: u64, why: &str) -> Failure {
    let recover = context.command(&format!("jobs recover {number}"));
    Failure::surroundings(format!("job #{number} is recorded, and its engine did not start: {why}"))
        .help(format!("`{recover}` tries again"))
}

fn has_started(context: &Context, args: &RunArgs, (number, name): (u64, &str), out: &mut Out) {
    if args.quiet {
        out.line(number.to_string());
        return;
    }
    let (watch, cancel) =
        (context.command(&format!("w {number}")), context.command(&format!("jobs cancel {number}")));
    out.line(format!("job #{number} `{name}` has started; `{watch}` shows it, `{cancel}` cancels it"));
}

/// What the ledger says about the fire that starts a job.
fn fired(context: &Context, number: u64) -> Result<Fired, Failure> {
    let none = || Failure::usage(format!("there is no fire {number} in the ledger"));
    let history = engine::History::open(&context.project)?.ok_or_else(none)?;
    let fire = history.fire(number)?.ok_or_else(none)?;
    Ok(Fired { fire: fire.number, kind: fire.kind, event: fire.event })
}

/// Makes sure that the machine and whoever is asked agree, and fetches secrets.
///
/// # Errors
/// If requirements are not met, commands are not trusted, or secrets cannot be had.
pub(super) fn prepared(
    context: &Context,
    wanted: Wanted,
    trusted: bool,
    ask: prepare::Ask<'_>,
    notes: &mut Out,
) -> Result<Start, Failure> {
    let Wanted { opened, plan, request, env, retry_of, id, said, ahead } = wanted;
    let playbook = Arc::clone(&plan.playbook);
    let unmet = prepare::unmet(context, &playbook);
    if !unmet.is_empty() {
        return Err(prepare::told(notes, &unmet, Ending::Refused));
    }
    prepare::trust(context, &playbook, trusted, ask)?;
    let secrets = prepare::secrets_besides(context, &playbook, said, notes)?;
    Ok(Start {
        source: opened.source,
        path: opened.path,
        plan,
        request,
        env,
        secrets,
        actor: (context.outside.actor)(),
        on_loss: on_loss(context),
        retry_of,
        fired: None,
        id,
        ahead,
    })
}

/// What becomes of a job's processes without this one: where somebody sits at a terminal, they are kept.
fn on_loss(context: &Context) -> OnLoss {
    let around = &context.surroundings;
    match context.settings.on_loss() {
        "stop" => OnLoss::Stop,
        "keep" => OnLoss::Keep,
        _ if around.is_ci || !(around.stdout || around.stderr) => OnLoss::Stop,
        _ => OnLoss::Keep,
    }
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
    Ok(Skin { face, volume: volume(quiet, verbose), stays: false, is_round: false })
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
pub(super) fn last(context: &Context, request: &mut PlanRequest, notes: &mut Out) -> Result<String, Failure> {
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
    let bare = PlanRequest {
        max_parallel: request.max_parallel,
        gates: request.gates.clone(),
        ..PlanRequest::default()
    };
    let mut how = "with the options given now";
    if let Some(history) = &history
        && *request == bare
    {
        let earlier = history.request(&row.id)?;
        // Who may answer at gates is a matter of the settings of today.
        let (max_parallel, gates) = (request.max_parallel.or(earlier.max_parallel), request.gates.clone());
        let own = PlanRequest { max_parallel: None, gates: GateRules::default(), ..earlier };
        // What was to be made anew was made anew.
        let own = PlanRequest { cache: CacheRequest { off: false, refresh: false, ..own.cache }, ..own };
        let is_plain = own == PlanRequest::default();
        *request = PlanRequest { max_parallel, gates, ..own };
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
    plan_caches::Kept::of(context, plan).lines(plan).iter().for_each(|line| out.line(format!("  {line}")));
    Ok(Ending::Success)
}
