//! Reads the layers of settings: the user's file, the project's file, the environment, flags.
//!
//! Not here: what settings there are (`logic/settings`).

use std::path::Path;

use crate::faces::ending::{Ending, Failure};
use crate::faces::report::{self, Look};
use crate::logic::playbook::source::Source;
use crate::logic::settings::{self, Given, Settings};

/// The project's file of settings, below its root.
const PROJECT_FILE: &str = "sortie.yml";

/// Reads all layers and lets the stronger ones win. Problems of a file are printed through `tell`; where `is_lenient`,
/// all that is right counts nevertheless.
///
/// # Errors
/// If a file cannot be read, or anything in it or in a variable is no setting.
pub(super) fn load(
    root: &Path,
    user_file: Option<&Path>,
    variables: &[(String, String)],
    (flags, is_lenient): (Vec<Given>, bool),
    tell: &mut dyn FnMut(&str),
) -> Result<Settings, Failure> {
    let mut layers = Vec::with_capacity(4);
    let mut is_broken = false;
    let project_file = root.join(PROJECT_FILE);
    for path in [user_file, Some(&project_file)].into_iter().flatten() {
        let Some(source) = read(path, root)? else { continue };
        let (given, found) = settings::from_file(&source);
        if !found.is_empty() {
            tell(&report::draw(&[(&source, &found)], Look::default()));
            is_broken = true;
        }
        layers.push(given);
    }
    match settings::from_environment(variables) {
        Ok(given) => layers.push(given),
        Err(problems) => {
            for problem in problems {
                tell(&format!("error: {problem}\n"));
            }
            is_broken = true;
        }
    }
    if is_broken && !is_lenient {
        return Err(Failure::told(Ending::Usage));
    }
    layers.push(flags);
    Ok(Settings::resolve(&layers))
}

/// Returns what is wrong with the settings of a project, a line each: where, and what.
#[must_use]
pub(super) fn problems(root: &Path, user_file: Option<&Path>) -> Vec<String> {
    let mut found = Vec::new();
    for path in [user_file, Some(&root.join(PROJECT_FILE))].into_iter().flatten() {
        match read(path, root) {
            Err(failure) => found.push(failure.message),
            Ok(None) => {}
            Ok(Some(source)) => found.extend(settings::from_file(&source).1.iter().map(|problem| {
                let place = source.place(problem.span.start);
                format!("{}:{}:{}: {}", source.name, place.line, place.column, problem.message)
            })),
        }
    }
    found.extend(settings::from_environment(&variables()).err().unwrap_or_default());
    found
}

/// Returns a file's text, or nothing if there is no such file.
fn read(path: &Path, root: &Path) -> Result<Option<Source>, Failure> {
    let name = path.strip_prefix(root).unwrap_or(path).display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(Source::new(name, text.trim_start_matches('\u{feff}')))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::usage(format!("the settings in `{name}` cannot be read: {error}"))),
    }
}

/// Returns the variables of this process that may be settings; names or values that are not UTF-8 are none.
#[must_use]
pub(super) fn variables() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with(settings::VARIABLE_PREFIX))
        .collect()
}
