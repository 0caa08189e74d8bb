//! Puts the logs of a result into the folder of a job that takes it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::entry::{Entry, Log};
use super::files::Trouble;
use super::shelf::Shelf;
use crate::logic::cache::Unit;
use crate::logic::job::launch::log_path;
use crate::logic::job::report::AttemptKey;

/// The step of a result that is one step may stand elsewhere now.
pub(super) fn new_step(unit: Unit, step: u32, count: usize) -> u32 {
    match unit.step {
        Some(own) if count <= 1 => own,
        _ => step,
    }
}

/// Writes the logs of a result into the folder of the job.
pub(super) fn put_logs(job_dir: &Path, unit: Unit, entry: &Entry, shelf: &Shelf) -> Result<(), Trouble> {
    let steps: std::collections::BTreeSet<u32> = entry.head.logs.iter().map(|it| it.step).collect();
    let mut written: Vec<PathBuf> = Vec::new();
    for Log { step, ending, body } in &entry.head.logs {
        let step = new_step(unit, *step, steps.len());
        let key = AttemptKey { cell: unit.cell, run: unit.run, step, attempt: 1 };
        let path = job_dir.join(format!("{}{ending}", log_path(key)));
        let put = || match entry.inside(body) {
            Some(bytes) => fs::write(&path, bytes),
            None => fs::copy(shelf.path_of(&body.hash.0), &path).map(|_| ()),
        };
        let done = match put() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| put())
            }
            other => other,
        };
        written.push(path.clone());
        done.map_err(|error| {
            for path in &written {
                // One that was not made is not there.
                let _removed = fs::remove_file(path);
            }
            Trouble::new(
                "log-not-written",
                format!("the log `{}` cannot be written: {error}", path.display()),
            )
        })?;
    }
    Ok(())
}
