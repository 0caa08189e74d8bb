//! Reads the triggers of a project and says what is different from before.
//!
//! Not here: reading a single playbook (`scan.rs`).

use std::collections::BTreeSet;
use std::path::Path;

use super::{Kind, Promise, Service, Trigger, scan};
use crate::engine::EngineError;
use crate::logic::text;
use crate::logic::time::Timestamp;

impl Service<'_> {
    /// Reads all playbooks anew and says what is different.
    pub(super) fn read_playbooks(&mut self, now: Timestamp, is_new: bool) -> Result<(), EngineError> {
        // First, so that what changes from now on is seen.
        self.watch_folders();
        let found = scan::scan(&self.project);
        if is_new {
            let count = found.triggers.len();
            let words = format!(
                "the service of `{}` begins, with {}{}",
                self.project.root.display(),
                text::plural(count, "trigger"),
                if count == 0 { "; `on` of a playbook says what starts it" } else { "" }
            );
            self.line("service.started", None, None, &words);
        }
        let before = std::mem::take(&mut self.scan);
        for it in found.broken.iter().filter(|it| !before.broken.contains(it)) {
            let words = format!("{}; nothing starts `{}` until that is mended", it.words(), it.file);
            self.line("playbook.broken", None, None, &words);
        }
        let key = |it: &Trigger| (it.id.clone(), it.promise());
        let known: BTreeSet<_> = before.triggers.iter().map(key).collect();
        let wanted: BTreeSet<_> = found.triggers.iter().map(key).collect();
        for it in before.triggers.iter().filter(|it| !wanted.contains(&key(it))) {
            match found.broken.iter().find(|broken| broken.path == it.path) {
                Some(broken) => {
                    let words = format!("rests until `{}` is mended", broken.file);
                    self.line("trigger.resting", Some(it), None, &words);
                    self.resting.insert(it.id.clone(), it.clone());
                }
                None => self.line("trigger.removed", Some(it), None, "is not there any more"),
            }
        }
        let is_mended = |path: &Path| !found.broken.iter().any(|broken| broken.path == path);
        for (_, it) in self.resting.extract_if(|_, it| is_mended(&it.path)).collect::<Vec<_>>() {
            if !wanted.contains(&key(&it)) {
                self.line("trigger.removed", Some(&it), None, "is not there any more");
            }
        }
        self.scan = found;
        self.watch_files(is_new);
        for it in self.scan.triggers.clone() {
            let since = self.store.see_trigger(&it.id, (&it.playbook, it.word(), &it.spec()), now)?;
            self.since.insert(it.id.clone(), since);
            if !known.contains(&key(&it)) {
                let words = self.promise(&it, now)?;
                self.line("trigger.added", Some(&it), None, &words);
            }
            self.look_back(&it, now)?;
        }
        Ok(())
    }

    /// Says what a trigger will do.
    fn promise(&self, it: &Trigger, now: Timestamp) -> Result<String, EngineError> {
        if !self.is_trusted(it) {
            let words = "nobody has said yes to it yet, so it starts nothing; `sortie schedule trust` asks";
            return Ok(words.to_owned());
        }
        Ok(match &it.kind {
            // What has fired already by a clock that was ahead does not fire again.
            Kind::Schedule(schedule) => match self.due(it, schedule, now)?.wake {
                Some(next) => format!("fires next at {}", next.rfc3339()),
                None => "does not fire any more; its `end` has passed".to_owned(),
            },
            Kind::Watch(_) => "watches files".to_owned(),
            Kind::After(_) => match it.unknown(&self.project.root) {
                none if none.is_empty() => "waits for jobs to end".to_owned(),
                names => format!(
                    "waits for jobs to end; no playbook of this project is called {}",
                    text::listed_names(&names, "or")
                ),
            },
        })
    }

    /// Says whether a person has said yes to all triggers of its playbook.
    pub(super) fn is_trusted(&self, it: &Trigger) -> bool {
        let all: Vec<Promise> =
            self.scan.triggers.iter().filter(|other| other.path == it.path).map(Trigger::promise).collect();
        (self.hooks.is_trusted)(&all)
    }
}
