//! What changed files ask for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::files::{Changes, Globs, walk};
use super::{Kind, Service, Trigger};
use crate::engine::{EngineError, clock};
use crate::logic::playbook::model::Watch;
use crate::logic::schedule::Overlap;
use crate::logic::text;

/// Files that never rest are waited for so many times as long as they should have.
const RESTLESS: u32 = 20;

/// So many names of files go into `run.event`.
const NAMED: usize = 100;

/// More fires than this in ten minutes are a circle: the job changes what it watches.
const CIRCLE: usize = 30;
const MINUTES: Duration = Duration::from_secs(600);

/// What a watching trigger waits for.
pub(super) struct Watching {
    globs: Globs,
    watch: Watch,
    /// Changed files, with when the first and the last of them changed.
    changed: BTreeSet<String>,
    times: Option<(Duration, Duration)>,
    /// When it fired, as far as that is not long ago.
    fired: Vec<Duration>,
}

impl Watching {
    pub(super) fn globs(&self) -> &Globs {
        &self.globs
    }

    /// Says whether files have changed for which it has not fired yet.
    pub(super) fn is_waiting(&self) -> bool {
        self.times.is_some()
    }

    /// Returns when it fires if nothing changes any more.
    fn due(&self) -> Option<Duration> {
        let (first, last) = self.times?;
        Some((last + self.watch.debounce).min(first + self.watch.debounce * RESTLESS))
    }
}

impl Service<'_> {
    /// Watches what playbooks want to be watched, the playbooks, and the store.
    pub(super) fn watch_files(&mut self, is_new: bool) {
        let mut kept = std::mem::take(&mut self.watching);
        for it in &self.scan.triggers {
            let Kind::Watch(watch) = &it.kind else { continue };
            let known = kept.remove(&it.id).filter(|known| known.watch == *watch);
            let known = known.unwrap_or_else(|| Watching {
                globs: Globs::new(&watch.globs),
                watch: watch.clone(),
                changed: BTreeSet::new(),
                times: None,
                fired: Vec::new(),
            });
            self.watching.insert(it.id.clone(), known);
        }
        // What changes while a trigger rests counts once its playbook is mended.
        let resting = kept.into_iter().filter(|(id, _)| self.resting.contains_key(id));
        self.watching.extend(resting);
        let was_polled = self.files.polled.is_some();
        self.watch_folders();
        if let Some(words) = self.files.polled.clone().filter(|_| is_new || !was_polled) {
            self.line("files.polled", None, None, &words);
        }
    }

    /// Returns the folders that are new among the watched ones.
    pub(super) fn watch_folders(&mut self) -> Vec<PathBuf> {
        let root = &self.project.root;
        let mut folders = BTreeSet::from([root.clone(), self.project.state.clone()]);
        let playbooks = root.join("playbooks");
        if playbooks.is_dir() {
            walk(&playbooks, &mut folders);
        }
        for it in self.watching.values() {
            it.globs.folders(root, &mut folders);
        }
        self.files.watch(&folders)
    }

    /// Takes note of changed files, and fires for those that have been left alone.
    pub(super) fn touch(&mut self, changes: &Changes) -> Result<(), EngineError> {
        let now = clock::elapsed();
        let mut files: Vec<PathBuf> = changes.files.iter().cloned().collect();
        if changes.is_incomplete || files.iter().any(|path| path.is_dir()) {
            // What lies in a new folder was written before anybody watched it.
            for folder in self.watch_folders() {
                let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
                files.extend(entries.map(|entry| entry.path()).filter(|path| path.is_file()));
            }
        }
        let root = self.project.root.clone();
        let state = self.project.state.clone();
        for path in files.iter().filter(|path| !path.starts_with(&state) && !path.is_dir()) {
            let Ok(below) = path.strip_prefix(&root) else { continue };
            for it in self.watching.values_mut().filter(|it| it.globs.fits(below)) {
                note(it, below, now);
            }
        }
        for trigger in self.scan.triggers.clone() {
            let is_due = |it: &Watching| it.due().is_some_and(|due| due <= now);
            if self.watching.get(&trigger.id).is_some_and(is_due) {
                self.fire_touched(&trigger, now)?;
            }
        }
        Ok(())
    }

    /// Takes note of a changed file, by its path below the root.
    pub(super) fn note(&mut self, trigger: &str, file: &Path, now: Duration) {
        if let Some(it) = self.watching.get_mut(trigger) {
            note(it, file, now);
        }
    }

    fn fire_touched(&mut self, trigger: &Trigger, now: Duration) -> Result<(), EngineError> {
        let Some(it) = self.watching.get_mut(&trigger.id) else { return Ok(()) };
        it.times = None;
        let changed = std::mem::take(&mut it.changed);
        it.fired.retain(|at| now - *at < MINUTES);
        let is_circle = it.fired.len() >= CIRCLE;
        it.fired.push(now);
        let named: Vec<&String> = changed.iter().take(NAMED).collect();
        let event = json!({ "files": named, "count": changed.len() });
        let at = clock::now();
        let key = (&*format!("watch {}", at.0), at);
        let waits = self.standing(&trigger.id)?.waiting > 0;
        let first = changed.first().map_or("", String::as_str);
        let about = match changed.len() {
            1 => format!("`{first}` changed"),
            count => format!("`{first}` and {} more changed", text::plural(count - 1, "file")),
        };
        if is_circle {
            let words = format!(
                "{about}, for the {CIRCLE}th time in ten minutes; if the job changes what it watches, leave that out with \
                 a glob such as `!out/**`"
            );
            return self.refuse(trigger, key, (&event, super::start::SKIPPED), at, &words);
        }
        if waits && trigger.overlap() == Overlap::Queue {
            let words = format!("{about}; the fire that waits already stands for it");
            return self.refuse(trigger, key, (&event, super::start::SKIPPED), at, &words);
        }
        self.fire(trigger, key, event, at)
    }

    /// Returns how long nothing needs to be looked at because of files.
    pub(super) fn patience(&self) -> Option<Duration> {
        let now = clock::elapsed();
        let awake = self.watching.iter().filter(|(id, _)| !self.resting.contains_key(*id));
        awake.filter_map(|(_, it)| it.due()).map(|due| due.saturating_sub(now)).min()
    }
}

fn note(it: &mut Watching, file: &Path, now: Duration) {
    let first = it.times.map_or(now, |(first, _)| first);
    it.times = Some((first, now));
    it.changed.insert(file.display().to_string());
}
