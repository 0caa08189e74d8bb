//! What changed while no service was there: watched files that are newer than what the last service has seen.
//!
//! A service leaves a mark behind, a file whose time says up to when all changes are seen to. Not here: changes that are heard
//! of (`touch.rs`).

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Timestamps, futimens};
use rustix::time::{ClockId, Timespec, clock_gettime};
use serde_json::json;

use super::{JOB_WINDOW, Service, Trigger};
use crate::engine::store::FireState;
use crate::engine::{EngineError, Project, clock};
use crate::logic::text;
use crate::logic::time::Timestamp;

/// Seconds and nanoseconds on the clock by which the system writes times of files.
type Moment = (i64, i64);

/// Up to when changes of files are seen to.
pub(super) struct Seen {
    /// By the service before this one; nothing if there was none.
    before: Option<Moment>,
    /// Without it, the next service knows less.
    mark: Option<File>,
    /// Triggers that were looked at.
    looked: BTreeSet<String>,
}

impl Seen {
    pub(super) fn of(project: &Project) -> Self {
        let path = project.state.join("run").join("service.seen");
        let before = std::fs::metadata(&path).ok().map(|it| (it.mtime(), it.mtime_nsec()));
        let mark = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).ok();
        Self { before, mark, looked: BTreeSet::new() }
    }

    /// Writes down that all changes up to that moment are seen to.
    pub(super) fn up_to(&self, (tv_sec, tv_nsec): Moment) {
        let at = Timespec { tv_sec, tv_nsec };
        let times = Timestamps { last_access: at, last_modification: at };
        // A full disk takes this, too; what else there is says so elsewhere.
        let _outcome = self.mark.as_ref().map(|mark| futimens(mark, &times));
    }
}

/// Returns the moment by the clock of files, which goes in larger steps than the other.
pub(super) fn moment() -> Moment {
    let now = clock_gettime(ClockId::RealtimeCoarse);
    (now.tv_sec, now.tv_nsec)
}

impl Service<'_> {
    /// Takes note of files that changed for a trigger while nobody watched them. Those of long ago are only told of.
    pub(super) fn look_back(&mut self, trigger: &Trigger, now: Timestamp) -> Result<(), EngineError> {
        let is_first = self.seen.looked.insert(trigger.id.clone());
        let is_known = self.since.get(&trigger.id).is_some_and(|since| *since != now);
        let (true, true, Some(before)) = (is_first, is_known, self.seen.before) else { return Ok(()) };
        let Some(watching) = self.watching.get(&trigger.id) else { return Ok(()) };
        let found = changed_since(&self.project.root, watching.globs(), before);
        let Some(newest) = found.iter().map(|(_, at)| *at).max() else { return Ok(()) };
        let first = found[0].0.display();
        let about = match found.len() {
            1 => format!("`{first}` changed while no service was there"),
            count => {
                let more = text::plural(count - 1, "file");
                format!("`{first}` and {more} more changed while no service was there")
            }
        };
        let age = u64::try_from(moment().0 - newest.0).map_or(Duration::ZERO, Duration::from_secs);
        if age > JOB_WINDOW {
            let words = format!("{about}, {} ago; that is too old to be made up for", text::duration(age));
            let event = json!({ "count": found.len() });
            let key = format!("watch since {}.{}", before.0, before.1);
            return self.refuse(trigger, (&key, now), (&event, FireState::Missed), now, &words);
        }
        self.line("files.changed", Some(trigger), None, &about);
        for (path, _) in found {
            self.note(&trigger.id, &path, clock::elapsed());
        }
        Ok(())
    }
}

/// Returns the files that globs mean and that changed after a moment, below the root, with when.
fn changed_since(root: &Path, globs: &super::files::Globs, moment: Moment) -> Vec<(PathBuf, Moment)> {
    let mut folders = BTreeSet::new();
    globs.folders(root, &mut folders);
    let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let mut found: Vec<(PathBuf, Moment)> = entries
        .filter_map(|entry| {
            let below = entry.path().strip_prefix(root).ok()?.to_path_buf();
            // Also of a file that was moved here with the time of its last change.
            let about = entry.metadata().ok().filter(|it| !it.is_dir() && globs.fits(&below))?;
            let at = (about.ctime(), about.ctime_nsec());
            // In the step of the clock in which the mark was made, too: it stays behind while changes are waited for.
            (at >= moment).then_some((below, at))
        })
        .collect();
    found.sort();
    found
}
