//! Finds and reads the file of a person's own keys.
//!
//! Not here: what it says (`logic/keymap`), drawing what is wrong with it (`faces/report`). Start with `open`.
#![expect(clippy::disallowed_methods, reason = "the file of keys is read here")]

use std::path::{Path, PathBuf};

use super::EngineError;
use crate::logic::playbook::source::Source;

#[cfg(test)]
#[path = "keymaps_tests.rs"]
mod tests;

/// Largest file in bytes; one that changes every key has eight thousand.
const SIZE_LIMIT: u64 = 256 * 1024;

/// Returns the files that are looked for: the one that is named, then the same with the other ending of YAML.
#[must_use]
pub fn candidates(path: &Path) -> [PathBuf; 2] {
    let other = if path.extension().is_some_and(|it| it == "yaml") { "yml" } else { "yaml" };
    [path.to_path_buf(), path.with_extension(other)]
}

/// Returns the file that counts, if there is one.
#[must_use]
pub fn file(path: &Path) -> Option<PathBuf> {
    candidates(path).into_iter().find(|path| std::fs::symlink_metadata(path).is_ok())
}

/// Reads the file; nothing if there is none.
///
/// # Errors
/// If it cannot be read.
pub fn open(path: &Path) -> Result<Option<Source>, EngineError> {
    let Some(path) = file(path) else { return Ok(None) };
    let wrong =
        |why: String| EngineError::usage(format!("the keymap `{}` cannot be read: {why}", path.display()));
    let about = std::fs::metadata(&path).map_err(|error| wrong(error.to_string()))?;
    if !about.is_file() {
        return Err(wrong("it is no file".to_owned()));
    }
    if about.len() > SIZE_LIMIT {
        return Err(wrong("it is larger than 256 KiB".to_owned()));
    }
    let bytes = std::fs::read(&path).map_err(|error| wrong(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| wrong("it is no text in UTF-8".to_owned()))?;
    Ok(Some(Source::new(path.display().to_string(), text.trim_start_matches('\u{feff}'))))
}
