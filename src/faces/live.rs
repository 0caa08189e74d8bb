//! What a face hears beside its job: that the playbook is another one by now, that changes cannot be heard of.
//!
//! Whoever follows files tells it here; the face that shows the job at that moment listens. What comes between two faces is
//! kept for the next one. Not here: following (`engine/watching`), what each face makes of it.

use std::os::fd::AsFd;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::context::Context;
use super::hint::quoted;
use crate::engine::watching::{self, Follower, News, Version};
use crate::engine::{Bell, JobId, Next, Project, Subscription, library};

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;

/// Nobody waits for longer without looking around.
const FOREVER: Duration = Duration::from_secs(3600);

/// Something that a face hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// How the playbook of the job stands.
    Book(Version),
    /// A sentence.
    Said(String),
    /// The same, with what programs read in its place: an object a line.
    Record { words: String, line: String },
    /// Another round of a job that changed files start again is due.
    Due,
    /// What is waited for between two rounds.
    Waits(String),
    /// Whoever looks has seen enough of rounds.
    Left,
}

/// Is called on the thread of whoever tells; says whether somebody heard it.
pub type Listener = Box<dyn Fn(&Note) -> bool + Send>;

/// Takes notes from whoever follows files to the face that shows the job. Clones are the same one.
#[derive(Clone, Default)]
pub struct Notes(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    listener: Option<Listener>,
    /// What nobody has heard yet.
    waiting: Vec<Note>,
}

impl Notes {
    /// Tells the face that listens, or the next one.
    pub fn tell(&self, note: Note) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.listener.as_ref().is_some_and(|listener| listener(&note)) {
            return;
        }
        if let Note::Book(_) = note {
            // Only how it stands last is of interest.
            held.waiting.retain(|it| !matches!(it, Note::Book(_)));
        }
        held.waiting.push(note);
    }

    /// Lets a face listen, or none.
    pub fn listen(&self, listener: Option<Listener>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listener) = &listener {
            held.waiting.retain(|note| !listener(note));
        }
        held.listener = listener;
    }
}

/// Hears notes beside the events of a job, for a face that waits in one thread. Nobody listens any more once it is dropped.
pub struct Heard {
    notes: Notes,
    bell: Bell,
    told: Receiver<Note>,
}

impl Heard {
    /// Listens; nothing if this process may not open more files.
    #[must_use]
    pub fn of(notes: &Notes) -> Option<Self> {
        let (bell, (tell, told)) = (Bell::new().ok()?, channel());
        let rung = bell.clone();
        notes.listen(Some(Box::new(move |note| {
            let is_heard = tell.send(note.clone()).is_ok();
            rung.ring();
            is_heard
        })));
        Some(Self { notes: notes.clone(), bell, told })
    }

    /// Waits for an event up to a time, but no longer than until there is a note.
    pub fn wait(&self, events: &mut Subscription, limit: Option<Duration>) -> Next {
        events.next_unless(&[self.bell.as_fd()], limit.unwrap_or(FOREVER))
    }

    /// Waits for a note alone.
    #[must_use]
    pub fn next(&self) -> Option<Note> {
        self.told.recv().ok()
    }

    /// Returns what rings when there is a note.
    #[must_use]
    pub fn bell(&self) -> &Bell {
        &self.bell
    }

    /// Takes what was told.
    pub fn take(&self) -> Vec<Note> {
        self.bell.hush();
        self.told.try_iter().collect()
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        self.notes.listen(None);
        self.told.try_iter().for_each(|note| self.notes.tell(note));
    }
}

/// Follows the playbook of a job for its faces, until it is dropped. Where that cannot be, nothing is told.
#[must_use]
pub fn follow(project: &Project, job: &JobId, notes: &Notes) -> Option<Follower> {
    let notes = notes.clone();
    let mut is_first = true;
    let tell = move |news| {
        match news {
            // Of one that is as it was there is nothing to say before it has changed.
            News::Version(Version::Same) if is_first => {}
            News::Version(version) => notes.tell(Note::Book(version)),
            News::Polled(words) => notes.tell(Note::Said(words)),
        }
        is_first = false;
        true
    };
    watching::follow_job(project, job, tell).ok()
}

/// Says in a line what became of the playbook of a job; nothing if it says what the job runs.
#[must_use]
pub fn line(context: &Context, note: &Note) -> Option<String> {
    match note {
        Note::Said(words) | Note::Record { words, .. } => Some(words.clone()),
        Note::Book(Version::Same) | Note::Due | Note::Waits(_) | Note::Left => None,
        Note::Book(Version::Broken { file, why }) => {
            Some(format!("{} is broken now: {why}; this job keeps what it began with", short(file)))
        }
        Note::Book(Version::Other(other)) => {
            let name = quoted(&library::callable(&context.project, &other.path));
            let run = context.command(&format!("run {name}"));
            Some(format!(
                "{} changed: {}; this job keeps what it began with, `{run}` runs the new one",
                other.file,
                other.difference.words()
            ))
        }
    }
}

/// Returns the name of a file without its folder.
#[must_use]
pub fn short(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}
