//! Finds and reads themes: those of the user, then those that are bundled.
//!
//! Not here: what a theme says (`logic/theme`), drawing what is wrong with it (`faces/report`). Start with `open`.
#![expect(clippy::disallowed_methods, reason = "files of themes are read here")]

use std::path::{Path, PathBuf};

use super::{EngineError, library};
use crate::logic::playbook::source::Source;
use crate::logic::text::{listed_names, near_miss};
use crate::logic::theme::{self, Reading, Shelf, bundled};

#[cfg(test)]
#[path = "themes_tests.rs"]
mod tests;

/// Largest file in bytes; a theme that states everything has two thousand.
const SIZE_LIMIT: u64 = 256 * 1024;

/// Where themes come from.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// The user's folder of themes, if the user has a home. It need not exist.
    pub user: Option<&'a Path>,
    /// The project's root, where relative paths begin.
    pub root: &'a Path,
}

/// Lists the names of all themes: the bundled ones first, then the user's by the alphabet, each once.
#[must_use]
pub fn names(places: Places<'_>) -> Vec<String> {
    let mut own = own_names(places.user);
    own.retain(|name| bundled::names().all(|bundled| bundled != name));
    bundled::names().map(str::to_owned).chain(own).collect()
}

/// Reads the theme that somebody named, by path or by name; what is wrong in its files is left to the caller.
///
/// # Errors
/// If there is no such theme, or its file cannot be read.
pub fn open(places: Places<'_>, wanted: &str) -> Result<Reading, EngineError> {
    let own = own_names(places.user);
    let look_up = |name: &str| own_file(places, name).and_then(|path| read(places, &path).ok());
    let shelf = Shelf { names: &own, open: &look_up };
    let source = match file(places, wanted) {
        Some(path) => read(places, &path)?,
        None => bundled::source(wanted).ok_or_else(|| unknown(wanted, &names(places)))?,
    };
    Ok(theme::read(source, &shelf))
}

/// Returns the file of a theme, whose changes can be watched for; a bundled theme has none.
#[must_use]
pub fn file(places: Places<'_>, wanted: &str) -> Option<PathBuf> {
    if is_path(wanted) { Some(places.root.join(wanted)) } else { own_file(places, wanted) }
}

/// Returns what a file of a theme says, empty if it cannot be read: to see whether it is another one.
#[must_use]
pub fn text(path: &Path) -> String {
    let is_small = std::fs::metadata(path).is_ok_and(|it| it.len() <= SIZE_LIMIT);
    if is_small { std::fs::read_to_string(path).unwrap_or_default() } else { String::new() }
}

fn is_path(wanted: &str) -> bool {
    wanted.contains('/') || wanted.ends_with(".yml") || wanted.ends_with(".yaml")
}

fn own_file(places: Places<'_>, name: &str) -> Option<PathBuf> {
    // A name is no way out of the folder.
    if name.contains(['/', '\\']) || name.starts_with('.') {
        return None;
    }
    let candidates = ["yml", "yaml"].map(|end| format!("{name}.{end}"));
    candidates.iter().find_map(|file| Some(places.user?.join(file)).filter(|path| path.is_file()))
}

fn own_names(user: Option<&Path>) -> Vec<String> {
    let entries = user.and_then(|folder| std::fs::read_dir(folder).ok());
    let name = |path: PathBuf| {
        let is_theme = path.extension().is_some_and(|end| end == "yml" || end == "yaml");
        Some(path.file_stem()?.to_str()?.to_owned()).filter(|name| is_theme && !name.starts_with('.'))
    };
    let mut names: Vec<String> =
        entries.into_iter().flatten().flatten().filter_map(|entry| name(entry.path())).collect();
    names.sort();
    names.dedup();
    names
}

fn read(places: Places<'_>, path: &Path) -> Result<Source, EngineError> {
    let name = library::shown(places.root, path);
    let wrong = |why: String| EngineError::usage(format!("the theme `{name}` cannot be read: {why}"));
    let size = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
    if size > SIZE_LIMIT {
        return Err(wrong("it is larger than 256 KiB".to_owned()));
    }
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    Ok(Source::new(name.clone(), text.trim_start_matches('\u{feff}')))
}

fn unknown(wanted: &str, names: &[String]) -> EngineError {
    let help = match near_miss(wanted, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", listed_names(names, "and")),
    };
    EngineError::usage(format!("there is no theme `{wanted}`")).help(help)
}
