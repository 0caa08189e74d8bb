//! Where the logs of a job lie, and reading them: front to back (`tail.rs`), by line number (`lines.rs`), searching
//! them (`query.rs`, `search.rs`), all tries of a cell together (`cell_log.rs`).
//!
//! Not here: writing them (the keeper does), their index (`logic/log_index`).

mod cell_lines;
mod cell_log;
mod cell_search;
mod lines;
mod marks;
mod query;
mod search;
mod split;
mod tail;

#[cfg(test)]
mod tests;

pub use cell_log::{CellLog, Row, RowKind};
pub use lines::{LONGEST_LINE, Line, Lines, Progress};
pub use query::{Kind, Query};
pub use search::Search;
pub use tail::{Tail, copy, last_lines};

use std::path::{Path, PathBuf};

use crate::logic::job::launch::log_path;
use crate::logic::job::report::AttemptKey;

/// Returns the file with the exact bytes of a try, masked. It exists only if the try printed something.
#[must_use]
pub fn path(dir: &Path, key: AttemptKey) -> PathBuf {
    dir.join(log_path(key))
}
