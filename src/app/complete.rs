//! Answers a shell that asks how a line may go on.
//!
//! Not here: what is offered (`faces/cli/completions`).

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use super::{paths, settings};
use crate::engine::Project;
use crate::faces::cli::completions::{Place, VARIABLE, answer};
use crate::logic::settings::Settings;

/// Answers, if a shell asks. It never hears of errors: they would stand in the middle of the line that somebody writes.
pub(super) fn answered() -> Option<ExitCode> {
    let shell = std::env::var(VARIABLE).ok().filter(|shell| !shell.is_empty())?;
    std::panic::set_hook(Box::new(|_| {}));
    let words = std::env::args_os().skip(1).collect();
    let variable = |name: &str| std::env::var(name).ok();
    let made = std::panic::catch_unwind(|| answer(&shell, words, variable, find));
    let Ok(Ok(text)) = made else { return Some(ExitCode::FAILURE) };
    // A shell that listens no longer misses nothing.
    let _told = std::io::stdout().write_all(&text);
    Some(ExitCode::SUCCESS)
}

fn find(state: Option<&Path>) -> Option<Place> {
    let here = std::env::current_dir().ok()?;
    let root = paths::root(&here);
    let user_file = paths::user_settings();
    let variables = settings::variables();
    let loaded = settings::load(&root, user_file.as_deref(), &variables, (Vec::new(), true), &mut |_| {});
    let settings = loaded.unwrap_or_else(|_| Settings::resolve(&[]));
    let state = state.map_or_else(|| root.join(settings.store_dir()), |state| here.join(state));
    Some(Place {
        project: Project { root, state, scripts: settings.script_folders() },
        templates: paths::user_templates(),
    })
}
