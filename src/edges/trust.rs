//! What a person has said yes to, remembered in the user's own folder, one small file for each yes.
//!
//! Not here: asking (`faces/cli/prepare.rs`), which content a yes stands for.

use std::path::Path;

/// Says whether there was a yes for this hash.
#[must_use]
pub fn is_trusted(folder: &Path, hash: &str) -> bool {
    folder.join(hash).is_file()
}

/// Remembers a yes; `about` is for people who look into the folder.
///
/// # Errors
/// If the folder or the file cannot be written.
pub fn remember(folder: &Path, hash: &str, about: &str) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    std::fs::write(folder.join(hash), format!("{about}\n"))
}
