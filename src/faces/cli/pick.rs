//! Finds the job, and the part of it, that a person named.
//!
//! Not here: parsing addresses (`logic/address.rs`).

use crate::engine::{Handle, History, JobRow, library, upkeep};
use crate::faces::context::Context;
use crate::faces::ending::Failure;
use crate::logic::address::{Address, matches_cell};
use crate::logic::job::event::{Envelope, Outcome};
use crate::logic::job::order::Target;
use crate::logic::plan::Plan;
use crate::logic::playbook::source::Source;
use crate::logic::text::near_miss;
use crate::logic::view::{JobView, StageView};

/// Opens the project's history.
///
/// # Errors
/// If there is none yet, or it cannot be opened.
pub(super) fn history(context: &Context) -> Result<History, Failure> {
    History::open(&context.project)?.ok_or_else(|| no_jobs(context))
}

/// Makes sure that the state folder was not taken away from a job that is at work.
///
/// # Errors
/// If it was.
pub(super) fn not_removed(context: &Context) -> Result<(), Failure> {
    let state = &context.project.state;
    let Some(pid) = orphan(state) else { return Ok(()) };
    Err(Failure::surroundings(format!(
        "the state folder `{}` was removed while a job was at work: process {pid} goes on without it",
        state.display()
    ))
    .help(
        "nothing of that job can be read or steered any more; end that process if it does not end by itself",
    ))
}

fn no_jobs(context: &Context) -> Failure {
    if let Err(failure) = not_removed(context) {
        return failure;
    }
    let run = context.command("run PLAYBOOK");
    Failure::usage("this project has no jobs yet").help(format!("start one: {run}"))
}

/// Returns a process of ours that has a file open in a store that is not there any more.
fn orphan(state: &std::path::Path) -> Option<u32> {
    let gone = format!("{} (deleted)", state.join("sortie.db").display());
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    processes.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok()).find(|pid| {
        // Those of others cannot be read.
        let open = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.filter_map(|it| std::fs::read_link(it.path()).ok()).any(|it| it.as_os_str() == gone.as_str())
    })
}

/// Finds a job by number, beginning of its id, or `last`.
///
/// # Errors
/// If there is no such job.
pub(super) fn job(context: &Context, history: &History, selector: &str) -> Result<JobRow, Failure> {
    if selector == "last" {
        return history.jobs(1)?.into_iter().next().ok_or_else(|| no_jobs(context));
    }
    history.find(selector).map_err(|error| context.not_found(error))
}

/// Finds a job for an order that destroys: `last` is refused while two jobs are live.
///
/// # Errors
/// If there is no such job, or it is not clear which one is meant.
pub(super) fn job_for_order(context: &Context, history: &History, selector: &str) -> Result<JobRow, Failure> {
    if selector == "last" {
        let live: Vec<JobRow> =
            history.jobs(100)?.into_iter().filter(|row| is_live(row) && row.owner_alive).collect();
        if live.len() > 1 {
            let names: Vec<String> =
                live.iter().map(|row| format!("#{} ({})", row.number, row.name)).collect();
            return Err(Failure::refused(format!(
                "`last` is not clear, {} jobs are live: {}",
                live.len(),
                names.join(", ")
            ))
            .help("name one by its number"));
        }
        if let Some(row) = live.into_iter().next() {
            return Ok(row);
        }
    }
    job(context, history, selector)
}

/// Connects to whoever drives a job.
///
/// # Errors
/// If nobody answers.
pub(super) fn connect(context: &Context, row: &JobRow) -> Result<Handle, Failure> {
    Handle::connect(&context.project, &row.id).map_err(|error| {
        let show = context.command(&format!("jobs show {}", row.number));
        Failure::from(error).help(format!("it has ended, or its engine died; `{show}` tells"))
    })
}

/// Returns how a job ended, if it did.
#[must_use]
pub(super) fn outcome(row: &JobRow) -> Option<Outcome> {
    let word = row.outcome.as_deref()?;
    [Outcome::Success, Outcome::Failure, Outcome::Cancelled, Outcome::Skipped]
        .into_iter()
        .find(|it| it.word() == word)
}

/// Says whether a job has not ended.
#[must_use]
pub(super) fn is_live(row: &JobRow) -> bool {
    outcome(row).is_none()
}

/// Folds what is recorded of a job.
///
/// # Errors
/// If the journal or the stored playbook cannot be read.
pub(super) fn view(history: &History, row: &JobRow) -> Result<JobView, Failure> {
    let plan: Plan = history.plan(&row.id)?;
    let mut view = JobView::of_plan(&plan);
    fold(history, row, &mut |envelope| view.fold(envelope))?;
    sound(row, &view)?;
    Ok(view)
}

/// Gives all recorded events of a job to a fold, which may panic over a journal that makes no sense.
///
/// # Errors
/// If the journal cannot be read, or makes no sense.
pub(super) fn fold(history: &History, row: &JobRow, event: &mut dyn FnMut(&Envelope)) -> Result<(), Failure> {
    let mut fold = || {
        each_event(history, row, 0, &mut |envelope| {
            event(envelope);
            true
        })
    };
    upkeep::attempt(&mut fold).ok_or_else(|| upkeep::senseless(row.number))?
}

/// Makes sure that the parts of a view know each other.
///
/// # Errors
/// If the journal that it was folded from makes no sense.
pub(super) fn sound(row: &JobRow, view: &JobView) -> Result<(), Failure> {
    let is_known = |stage: &StageView| stage.cells.iter().all(|cell| (*cell as usize) < view.cells.len());
    let is_sound = view.stages.iter().all(is_known)
        && view.cells.iter().all(|cell| (cell.stage as usize) < view.stages.len());
    if is_sound { Ok(()) } else { Err(upkeep::senseless(row.number).into()) }
}

/// Gives the recorded events after a number, a page at a time, until the callback returns false.
///
/// # Errors
/// If the journal cannot be read.
pub(super) fn each_event(
    history: &History,
    row: &JobRow,
    after: u64,
    event: &mut dyn FnMut(&Envelope) -> bool,
) -> Result<(), Failure> {
    const PAGE: usize = 1_000;
    let mut after = after;
    loop {
        let page = history.events(&row.id, after, PAGE)?;
        for envelope in &page {
            after = envelope.seq;
            if !event(envelope) {
                return Ok(());
            }
        }
        if page.len() < PAGE {
            return Ok(());
        }
    }
}

/// Reads an address of a job. Its stage is the id of one, or what was written if there is none of that name.
///
/// # Errors
/// If it is not an address.
pub(super) fn address(view: &JobView, text: &str) -> Result<Address, Failure> {
    if view.cells.iter().any(|cell| *cell.id == *text) {
        return Ok(Address { stage: text.to_owned(), cell: Vec::new(), step: None });
    }
    let ids = view.playbook.stages.iter().map(|stage| &*stage.id);
    Ok(match Address::find(text, ids).map_err(Failure::usage)? {
        Some(found) => Address {
            stage: view.playbook.stages[found.at].id.to_string(),
            cell: found.cell,
            step: found.step,
        },
        None => Address::parse(text).map_err(Failure::usage)?,
    })
}

/// Finds a stage of a job.
///
/// # Errors
/// If no stage has that name.
pub(super) fn stage(view: &JobView, name: &str) -> Result<u32, Failure> {
    let stages = &view.playbook.stages;
    let found = Address::find(name, stages.iter().map(|stage| &*stage.id)).ok().flatten();
    if let Some(found) = found.filter(|found| found.cell.is_empty() && found.step.is_none()) {
        return Ok(u32::try_from(found.at).unwrap_or(u32::MAX));
    }
    let failure = Failure::usage(format!("no stage of this job has the name `{name}`"));
    Err(match near_miss(name, stages.iter().map(|stage| &*stage.id)) {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None => failure,
    })
}

/// Finds the cells that an address names.
///
/// # Errors
/// If there is none.
pub(super) fn cells(view: &JobView, address: &Address) -> Result<Vec<u32>, Failure> {
    let by_id = (0u32..).zip(&view.cells).find(|(_, cell)| *cell.id == *address.stage);
    if let (Some((cell, _)), true) = (by_id, names_cell(address)) {
        return Ok(vec![cell]);
    }
    let at = stage(view, &address.stage)?;
    let cells: Vec<u32> = view.stages[at as usize]
        .cells
        .iter()
        .copied()
        .filter(|&cell| {
            address.cell.is_empty() || matches_cell(&address.cell, &view.cells[cell as usize].matrix)
        })
        .collect();
    if cells.is_empty() {
        let name = view.stage_name(at);
        if view.stages[at as usize].cells.is_empty() {
            let message = format!("the stage `{name}` has not begun, and its cells come with its beginning");
            let help = match address.cell.is_empty() && address.step.is_none() {
                true => "wait until it begins".to_owned(),
                false => format!("name all of it, `{name}`, or wait until it begins"),
            };
            return Err(Failure::refused(message).help(help));
        }
        return Err(Failure::usage(format!("the stage `{name}` has no such cell")));
    }
    Ok(cells)
}

/// Says whether an address is the stable id of a cell, `STAGE.8hex`: names of stages have no full stops.
pub(super) fn names_cell(address: &Address) -> bool {
    address.stage.rsplit(" / ").next().is_some_and(|own| own.contains('.'))
}

/// Finds what an order is about.
///
/// # Errors
/// If the address names nothing, several cells, or a step.
pub(super) fn target(view: &JobView, text: &str) -> Result<Target, Failure> {
    let address = address(view, text)?;
    if address.step.is_some() {
        return Err(Failure::usage(format!(
            "`{text}` names a step, and this order is for a stage or a cell"
        )));
    }
    let is_cell = !address.cell.is_empty() || names_cell(&address);
    if !is_cell {
        return Ok(Target::Stage(stage(view, &address.stage)?));
    }
    let cells = cells(view, &address)?;
    match cells[..] {
        [one] => Ok(Target::Cell(one)),
        _ => {
            let names: Vec<String> =
                cells.iter().take(4).map(|&cell| format!("`{}`", view.cell_name(cell))).collect();
            Err(Failure::usage(format!("`{text}` names {} cells: {}", cells.len(), names.join(", ")))
                .help("give all values of one, or the stage alone"))
        }
    }
}

/// Finds a step of a stage by its id or number.
///
/// # Errors
/// If there is none.
pub(super) fn step(view: &JobView, stage: u32, name: &str) -> Result<u32, Failure> {
    let model = &view.playbook.stages[stage as usize];
    if let Some(call) = &model.call {
        let message = format!("the stage `{}` calls `./{}` and has no steps", model.id, call.path);
        return Err(Failure::usage(message).help(format!("its stages are called `{} / STAGE`", model.id)));
    }
    let steps = &model.steps.steps;
    let by_id =
        steps.iter().position(|step| step.id.as_deref().is_some_and(|id| id.eq_ignore_ascii_case(name)));
    // Those of services come last, and have names only.
    let count = steps.iter().filter(|step| step.is_own()).count();
    let by_number =
        || name.parse::<usize>().ok().filter(|number| (1..=count).contains(number)).map(|n| n - 1);
    match by_id.or_else(by_number) {
        Some(at) => Ok(u32::try_from(at).unwrap_or(u32::MAX)),
        None => Err(Failure::usage(format!("the stage `{}` has no step `{name}`", view.stage_name(stage)))
            .help(format!("its steps have the numbers 1 to {count}"))),
    }
}

/// Returns the absolute path of the playbook that a job ran.
#[must_use]
pub(super) fn playbook_path(context: &Context, row: &JobRow) -> std::path::PathBuf {
    context.project.root.join(&row.playbook)
}

/// Says whether the playbook of a job is another one by now. One that is gone or cannot be read has not changed.
///
/// # Errors
/// If the store cannot be read.
pub(super) fn has_changed(context: &Context, history: &History, row: &JobRow) -> Result<bool, Failure> {
    let earlier = Source::from_stored(row.playbook.as_str(), &history.source(&row.id)?);
    let is_other = |path: &std::path::Path, earlier: &str| {
        library::read_text(path, "the playbook").is_ok_and(|now| now != *earlier)
    };
    let root = &context.project.root;
    let mut called = earlier.called.iter().filter_map(|(path, text)| Some((path, text.as_deref().ok()?)));
    Ok(is_other(&playbook_path(context, row), &earlier.text)
        || called.any(|(path, text)| is_other(&root.join(&**path), text)))
}
