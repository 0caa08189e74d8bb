//! `watch`: shows a job with its whole history, and steers it, whoever runs it.
//!
//! Not here: the showing (`faces/show.rs`).

use super::args::WatchArgs;
use super::{pick, run};
use crate::engine::Handle;
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::live::Notes;
use crate::faces::modes::{self, Face};
use crate::faces::out::Out;
use crate::faces::show::{self, Shown, Skin};
use crate::logic::view::JobView;

/// Runs the command.
///
/// # Errors
/// If there is no such job, or its history cannot be read.
pub(super) fn watch(
    context: &Context,
    args: &WatchArgs,
    out: &mut Out,
    notes: &mut Out,
) -> Result<Ending, Failure> {
    let shown = shown(context, &args.job)?;
    let skin = skin(context, args, notes)?;
    show::follow(context, out, shown, skin)
}

/// Finds a job that somebody wants to look at, and whoever works on it.
///
/// # Errors
/// If there is no such job, or its history cannot be read.
pub(super) fn shown(context: &Context, job: &str) -> Result<Shown, Failure> {
    let history = pick::history(context)?;
    let row = pick::job(context, &history, job)?;
    let is_driven = pick::is_live(&row) && row.owner_alive;
    let handle = if is_driven { Handle::connect(&context.project, &row.id).ok() } else { None };
    let waits = handle.is_none() && pick::is_live(&row);
    let waiting = if waits { Handle::of(&context.project, &row.id).ok() } else { None };
    let view = match &handle {
        // All of its events come over the socket, from the first.
        Some(handle) => JobView::of_plan(&handle.plan()),
        None => pick::view(&history, &row)?,
    };
    Ok(Shown {
        number: row.number,
        id: row.id,
        dir: row.dir,
        view,
        handle,
        waiting,
        goes_on: row.goes_on,
        running: None,
        is_being_cancelled: false,
        detached: None,
        notes: Notes::default(),
        next: None,
    })
}

/// A full screen, wherever there can be one.
///
/// # Errors
/// If the theme that was set cannot be used.
fn skin(context: &Context, args: &WatchArgs, notes: &mut Out) -> Result<Skin, Failure> {
    let around = &context.surroundings;
    let asked = match args.ui {
        Some(ui) => run::ui_word(ui),
        None if modes::no_screen(around).is_some() || around.is_ci || around.is_accessible => "auto",
        None => "full",
    };
    let (face, why) = modes::choose(asked, around);
    let (face, why) = show::ready(context, face, why)?;
    if let Some(why) = why {
        notes.line(format!("note: {why}"));
        notes.flush();
    }
    let face = if face == Face::Inline && args.ui.is_none() { Face::Plain } else { face };
    Ok(Skin { face, volume: run::volume(false, false), stays: true, is_round: false })
}
