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

use super::files::Globs;
use super::{JOB_WINDOW, Service, Trigger};
use crate::engine::store::FireState;
use crate::engine::{EngineError, Project, clock};
use crate::logic::text;
use crate::logic::time::Timestamp;

#[cfg(test)]
#[path = "meanwhile_tests.rs"]
mod tests;

/// Seconds and nanoseconds on the clock by which the system writes times of files.
type Moment = (i64, i64);

/// In nanoseconds.
const SECOND: i64 = 1_000_000_000;

/// Up to when changes of files are seen to.
pub(super) struct Seen {
    /// By the service before this one; nothing if there was none.
    before: Option<Marks>,
    /// The latest moment that was ever seen to.
    latest: Option<Moment>,
    /// Without it, the next service knows less.
    mark: Option<File>,
    /// Triggers that were looked at.
    looked: BTreeSet<String>,
}

/// What the mark says.
#[derive(Clone, Copy, Debug)]
struct Marks {
    /// By the clock as it was at last.
    last: Moment,
    /// By the clock when it was furthest ahead: it may have been put back since, and what was seen in that time has times
    /// that are still to come.
    latest: Moment,
}

impl Marks {
    /// Says whether a file was not seen that changed at a moment.
    fn are_before(&self, at: Moment, now: Moment) -> bool {
        // In the step of the clock in which the mark was made, too: it stays behind while changes are waited for.
        at >= self.latest || (at >= self.last && at <= now)
    }
}

impl Seen {
    pub(super) fn of(project: &Project) -> Self {
        Self::at(&project.state.join("run").join("service.seen"))
    }

    fn at(path: &Path) -> Self {
        let before = std::fs::metadata(path).ok().map(|it| {
            let last = (it.mtime(), it.mtime_nsec());
            // An older sortie wrote both alike, and who reads the file may move the other one.
            Marks { last, latest: last.max((it.atime(), it.atime_nsec())) }
        });
        let mark = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).ok();
        Self { before, latest: before.map(|it| it.latest), mark, looked: BTreeSet::new() }
    }

    /// Writes down that all changes up to that moment are seen to. By a clock that was put back, what was seen to by the
    /// clock from before stays so.
    pub(super) fn up_to(&mut self, moment: Moment) {
        let latest = self.latest.map_or(moment, |latest| latest.max(moment));
        self.latest = Some(latest);
        let time = |(tv_sec, tv_nsec)| Timespec { tv_sec, tv_nsec };
        let times = Timestamps { last_access: time(latest), last_modification: time(moment) };
        // A full disk takes this, too; what else there is says so elsewhere.
        let _outcome = self.mark.as_ref().map(|mark| futimens(mark, &times));
    }

    /// Takes note of a change by a clock that is ahead of the one of now: once it is seen to, it is no news again.
    fn saw(&mut self, (seconds, nanoseconds): Moment, now: Moment) {
        if (seconds, nanoseconds) > now {
            let after = (seconds + (nanoseconds + 1) / SECOND, (nanoseconds + 1) % SECOND);
            self.latest = self.latest.max(Some(after));
        }
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
        let clock = moment();
        let found = changed_since(&self.project.root, watching.globs(), before, clock);
        let Some(newest) = found.iter().map(|(_, at)| *at).max() else { return Ok(()) };
        self.seen.saw(newest, clock);
        let first = found[0].0.display();
        let about = match found.len() {
            1 => format!("`{first}` changed while no service was there"),
            count => {
                let more = text::plural(count - 1, "file");
                format!("`{first}` and {more} more changed while no service was there")
            }
        };
        let age = u64::try_from(clock.0 - newest.0).map_or(Duration::ZERO, Duration::from_secs);
        if age > JOB_WINDOW {
            let words = format!("{about}, {} ago; that is too old to be made up for", text::duration(age));
            let event = json!({ "count": found.len() });
            let key = format!("watch since {}.{}", before.last.0, before.last.1);
            return self.refuse(trigger, (&key, now), (&event, FireState::Missed), now, &words);
        }
        self.line("files.changed", Some(trigger), None, &about);
        for (path, _) in found {
            self.note(&trigger.id, &path, clock::elapsed());
        }
        Ok(())
    }
}

/// Returns the files that globs mean and that changed after a mark was made, below the root, with when.
fn changed_since(root: &Path, globs: &Globs, marks: Marks, now: Moment) -> Vec<(PathBuf, Moment)> {
    let mut folders = BTreeSet::new();
    globs.folders(root, &mut folders);
    let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let mut found: Vec<(PathBuf, Moment)> = entries
        .filter_map(|entry| {
            let below = entry.path().strip_prefix(root).ok()?.to_path_buf();
            // Also of a file that was moved here with the time of its last change.
            let about = entry.metadata().ok().filter(|it| !it.is_dir() && globs.fits(&below))?;
            let at = (about.ctime(), about.ctime_nsec());
            marks.are_before(at, now).then_some((below, at))
        })
        .collect();
    found.sort();
    found
}
