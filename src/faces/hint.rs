//! How this program is called again, so that every command that is printed works as it stands: in this shell, in this
//! folder, and about the same jobs.
//!
//! Pure. Not here: where jobs are kept (`logic/settings.rs`), how a playbook is named so that it is found
//! (`engine/library.rs`).

use std::path::Path;

use crate::logic::settings::{Origin, Settings};

#[cfg(test)]
#[path = "hint_tests.rs"]
mod tests;

/// The beginning of every call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    start: String,
}

impl Default for Caller {
    fn default() -> Self {
        Self { start: "sortie".to_owned() }
    }
}

impl Caller {
    /// Returns how to call from the folder `here`, where jobs are kept in `state`, an absolute path.
    #[must_use]
    pub fn new(settings: &Settings, state: &Path, here: &Path) -> Self {
        let origin = settings.get("store.dir").map(|it| &it.origin);
        match origin {
            // A variable may have been set for this one call, and nobody can see whether it was.
            Some(Origin::Flag(_) | Origin::Variable(_)) => {
                Self { start: format!("sortie --state {}", quoted(&folder(state, here))) }
            }
            // Files of settings are read by the next call, too.
            Some(Origin::File { .. } | Origin::Default) | None => Self::default(),
        }
    }

    /// Returns a whole command: `sortie jobs show 7`, with what has to stand before. `rest` is quoted for the shell already.
    #[must_use]
    pub fn command(&self, rest: &str) -> String {
        format!("{} {rest}", self.start)
    }
}

/// Names a folder as briefly as it can be named from another one.
fn folder(state: &Path, here: &Path) -> String {
    match state.strip_prefix(here) {
        Ok(below) if below.as_os_str().is_empty() => ".".to_owned(),
        Ok(below) if below.to_string_lossy().starts_with('-') => format!("./{}", below.display()),
        Ok(below) => below.display().to_string(),
        Err(_) => state.display().to_string(),
    }
}

/// Puts a word in quotes if a shell would take it apart.
#[must_use]
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let is_plain = !text.is_empty() && text.chars().all(plain);
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
