//! Hears of changed files, waits until whoever writes is done, and tells what became of them: each version once.
//!
//! What is watched are the folders of files: an atomic save puts another file in the place of the one that was there, and
//! with the old file a watch on it would go. `ear.rs` hears of changes in folders, `lookups.rs` knows which names in which folders decide what a
//! path means, `rest.rs` waits for quiet, `follow.rs` reads and compares. `playbook.rs`, `looks.rs` and `tree.rs` follow
//! playbooks, what a face is made of, and the files that a job depends on.
//! Not here: triggers of the service (`engine/service`). Start with `follow.rs`.

mod ear;
mod follow;
mod library;
mod lookups;
mod playbook;
mod rest;
mod tree;

use std::time::Duration;

use notify::event::{AccessKind, AccessMode, MetadataKind, ModifyKind};
use notify::{Config, EventKind, RecommendedWatcher, Watcher};

pub use follow::{Follower, Key, Looked, News, follow, key};
pub use library::follow_library;
pub use playbook::{Other, Version, follow_job, made_of, wrong};
pub use tree::{Batch, Scope, TreeNews, Trees, What, watch};

/// Files have to be left alone for so long before they are read: saving takes several steps.
pub const QUIET: Duration = Duration::from_millis(150);

/// Where somebody writes all the time, files are read at least this often.
pub const LONGEST: Duration = Duration::from_millis(1500);

/// Between two looks at files where the system tells nothing.
pub const EVERY: Duration = Duration::from_secs(1);

/// Returns what hears of changes from the system.
pub(super) fn system_watcher(handler: impl notify::EventHandler) -> notify::Result<RecommendedWatcher> {
    #[cfg(feature = "faults")]
    if super::faults::is_without_inotify() {
        return Err(notify::Error::generic("a test asked for it"));
    }
    RecommendedWatcher::new(handler, Config::default())
}

/// Says whether an event tells of another content or another file.
pub(super) fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        // Whoever reads a file changes the time of its last reading.
        EventKind::Modify(ModifyKind::Metadata(MetadataKind::AccessTime)) => false,
        _ => true,
    }
}

/// Says why the system does not tell about changes.
pub(super) fn why(error: &notify::Error) -> String {
    match &error.kind {
        notify::ErrorKind::MaxFilesWatch => {
            "the limit of watched folders is reached, see `fs.inotify.max_user_watches`".to_owned()
        }
        notify::ErrorKind::Io(error) if error.raw_os_error() == Some(nix::libc::EMFILE) => {
            "the limit of watchers is reached, see `fs.inotify.max_user_instances`".to_owned()
        }
        _ => error.to_string(),
    }
}

/// Says that files are only looked at from time to time, and why.
pub(super) fn polled(every: Duration, why: &str) -> String {
    let every = match every.as_secs() {
        1 => "every second".to_owned(),
        seconds => format!("every {seconds} seconds"),
    };
    format!("files are looked at {every}, because the system does not tell about them: {why}")
}
