//! Where the logs of a job lie, and reading them.
//!
//! Not here: writing them (the keeper does), their index (`logic/log_index`).

mod tail;

#[cfg(test)]
mod tests;

pub use tail::{Tail, copy, last_lines};

use std::path::{Path, PathBuf};

use crate::logic::job::launch::log_path;
use crate::logic::job::report::AttemptKey;

/// Returns the file with the exact bytes of a try, masked. It exists only if the try printed something.
#[must_use]
pub fn path(dir: &Path, key: AttemptKey) -> PathBuf {
    dir.join(log_path(key))
}
