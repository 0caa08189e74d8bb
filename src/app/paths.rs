//! Where things live: the project's root, its state, the user's settings and memory.

use std::path::{Path, PathBuf};

/// Folder of a project's state, below its root.
pub(super) const STATE: &str = ".sortie";

/// Returns the project's root: the nearest folder upwards with `.sortie`, else with `.git`, else the given one.
#[must_use]
pub(super) fn root(from: &Path) -> PathBuf {
    let nearest = |mark: &str| from.ancestors().find(|folder| folder.join(mark).exists());
    nearest(STATE).or_else(|| nearest(".git")).unwrap_or(from).to_path_buf()
}

/// Returns the folder of what programs keep for the user, if the user has a home.
#[must_use]
pub(super) fn user_data() -> Option<PathBuf> {
    home("XDG_DATA_HOME", ".local/share")
}

/// Returns the folder of the user's settings of all programs, if the user has a home.
#[must_use]
pub(super) fn user_config() -> Option<PathBuf> {
    home("XDG_CONFIG_HOME", ".config")
}

/// Returns the user's file of settings, if the user has a home.
#[must_use]
pub(super) fn user_settings() -> Option<PathBuf> {
    Some(user_config()?.join("sortie/sortie.yml"))
}

/// Returns the folder of the user's own themes, if the user has a home.
#[must_use]
pub(super) fn user_themes() -> Option<PathBuf> {
    Some(user_config()?.join("sortie/themes"))
}

/// Returns the file of the user's own keys, if the user has a home.
#[must_use]
pub(super) fn user_keymap() -> Option<PathBuf> {
    Some(user_config()?.join("sortie/keymap.yaml"))
}

/// Returns the folder that remembers what the user said yes to, if the user has a home.
#[must_use]
pub(super) fn trust() -> Option<PathBuf> {
    Some(home("XDG_STATE_HOME", ".local/state")?.join("sortie/trust"))
}

/// The variable counts only if it is absolute, as the XDG rules ask.
fn home(variable: &str, below: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    named.or_else(|| {
        Some(PathBuf::from(std::env::var_os("HOME").filter(|home| !home.is_empty())?).join(below))
    })
}

/// Returns the folder of the user's own templates, if the user has a home.
pub(super) fn user_templates() -> Option<PathBuf> {
    Some(user_config()?.join("sortie/templates"))
}
