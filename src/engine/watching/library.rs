//! Follows the playbooks of a project: says that some were saved, added or removed, or something that they call.
//!
//! Not here: reading them (whoever is told).

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use super::follow::{Follower, Looked, News, follow, key};
use crate::engine::Project;
use crate::engine::library::{self, stamp};

/// The folder of playbooks below a project's root.
const FOLDER: &str = "playbooks";

/// Tells when the files have come to rest after a change. `called` returns the files that playbooks call, as far as they are
/// known by then.
///
/// # Errors
/// If this process may have no further thread or file.
pub fn follow_library(
    project: &Project,
    called: impl Fn() -> BTreeSet<PathBuf> + Send + 'static,
    tell: impl FnMut(News<()>) -> bool + Send + 'static,
) -> io::Result<Follower> {
    let root = project.root.clone();
    let look = move || {
        let mut folders = BTreeSet::from([root.join(FOLDER)]);
        let is_open = |entry: &walkdir::DirEntry| {
            entry.file_type().is_dir()
                && (entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b"."))
        };
        let below = walkdir::WalkDir::new(root.join(FOLDER)).into_iter().filter_entry(is_open).flatten();
        folders.extend(below.map(walkdir::DirEntry::into_path));
        let mut files: BTreeSet<PathBuf> = library::list(&root).into_iter().collect();
        files.extend(called());
        let stamps: Vec<_> = files.iter().map(|path| (path, stamp(path))).collect();
        let key = key(format!("{stamps:?}").as_bytes());
        Looked { key, files, folders, value: () }
    };
    follow(&project.root, None, look, tell)
}
