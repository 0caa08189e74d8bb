//! Where the logs of a job lie, and reading them: front to back (`tail.rs`), by line number (`lines.rs`), searching
//! them (`query.rs`, `search.rs`), whole with times and streams (`records.rs`), all tries of a cell together (`cell_log.rs`).
//!
//! Not here: writing them (the keeper does), their index (`logic/log_index`).

mod cell_lines;
mod cell_log;
mod cell_search;
mod lines;
mod marks;
mod query;
mod records;
mod search;
mod split;
mod tail;

#[cfg(test)]
mod tests;

pub use cell_log::{CellLog, Row, RowKind};
pub use lines::{LONGEST_LINE, Line, Lines, Progress};
pub use query::{Kind, Query};
pub use records::{RawLine, each_line};
pub use search::Search;
pub use tail::{Tail, copy, last_lines};

use std::path::{Path, PathBuf};

use crate::logic::job::launch::log_path;
use crate::logic::job::report::AttemptKey;

/// Says whether any try of the job that has this folder has printed something.
#[must_use]
pub fn are_any(dir: &Path) -> bool {
    std::fs::read_dir(dir.join("logs")).is_ok_and(|mut files| files.next().is_some())
}

/// Returns the file with the exact bytes of a try, masked. It exists only if the try printed something.
#[must_use]
pub fn path(dir: &Path, key: AttemptKey) -> PathBuf {
    dir.join(log_path(key))
}
