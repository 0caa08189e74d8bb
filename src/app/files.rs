//! This program started again as a step with `cache-files`: it does what its environment says, prints what came of it into the
//! log of the step, and sets the outputs of the step.
//!
//! Not here: when it is asked for what (`logic/job/files.rs`), the files (`engine/cache/keyed`).

use std::fs::OpenOptions;
use std::io::Write;
use std::process::ExitCode;

use crate::engine::keyed::{FilesSaved, restore_files, save_files};
use crate::logic::cache::keyed::{ERRAND, FilesErrand, FilesTask, HIT, MATCHED, PATHS, PRIMARY};
use crate::logic::text::plural;

/// Does what the environment says.
pub(super) fn main() -> ExitCode {
    let errand = std::env::var(ERRAND).ok().and_then(|text| serde_json::from_str::<FilesErrand>(&text).ok());
    let Some(errand) = errand else {
        say("error: was given nothing to do; this command is for sortie itself");
        return ExitCode::FAILURE;
    };
    let done = match &errand.task {
        FilesTask::Restore { restore_keys, off } => restore(&errand, restore_keys, *off),
        FilesTask::Save { replaces } => save(&errand, *replaces),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            say(&format!("::error title=cache-files::{problem}"));
            ExitCode::FAILURE
        }
    }
}

fn restore(errand: &FilesErrand, restore_keys: &[String], off: bool) -> Result<(), String> {
    let mut matched = String::new();
    if off {
        say(&format!("nothing was looked for of `{}`: the job does without earlier results", errand.key));
    } else {
        let found = restore_files(errand, restore_keys)?;
        for note in &found.notes {
            say(&format!("::warning title=cache-files::{note}"));
        }
        match found.key {
            Some(key) => {
                let how =
                    if key == errand.key { String::new() } else { format!(", in place of `{}`", errand.key) };
                let (all, bytes) = (plural(found.files, "file"), found.bytes);
                say(&format!("restored `{key}` of job #{}{how}", found.made_by));
                say(&format!("{all}, {bytes} bytes; {} written, the others were there", found.written));
                matched = key;
            }
            None => say(&format!("nothing is kept as `{}`, nor as what `restore-keys` name", errand.key)),
        }
    }
    let is_hit = matched == errand.key;
    let paths = serde_json::to_string(&errand.paths).map_err(|error| error.to_string())?;
    output(&[
        (HIT, if is_hit { "true" } else { "false" }),
        (PRIMARY, &errand.key),
        (MATCHED, &matched),
        (PATHS, &paths),
    ])
}

/// Whatever goes wrong here is a warning: the work of the cell is done.
fn save(errand: &FilesErrand, replaces: bool) -> Result<(), String> {
    match save_files(errand, replaces) {
        Ok(FilesSaved::Stored { files, bytes, instead_of }) => {
            let instead = instead_of.map(|job| format!(", in place of what job #{job} saved"));
            let files = plural(files, "file");
            say(&format!("saved `{}`: {files}, {bytes} bytes{}", errand.key, instead.unwrap_or_default()));
        }
        Ok(FilesSaved::AlreadyThere { made_by }) => {
            say(&format!(
                "`{}` was saved by job #{made_by} already, and what is kept changes with `--refresh` only",
                errand.key
            ));
        }
        Ok(FilesSaved::Nothing) => {
            let paths = errand.paths.join("`, `");
            say(&format!("::warning title=cache-files::nothing was saved: no file is there of `{paths}`"));
        }
        Err(why) => say(&format!("::warning title=cache-files::`{}` was not saved: {why}", errand.key)),
    }
    Ok(())
}

/// Writes a line to the log of the step.
fn say(line: &str) {
    // Whoever reads it may be gone, and then nobody misses it.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Sets outputs of the step.
fn output(pairs: &[(&str, &str)]) -> Result<(), String> {
    let path = std::env::var_os("SORTIE_OUTPUT").ok_or("there is no place for the outputs of the step")?;
    let text: String = pairs.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    let file = OpenOptions::new().append(true).create(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| format!("the outputs of the step cannot be written: {error}"))
}
