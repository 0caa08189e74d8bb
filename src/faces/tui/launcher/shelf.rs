//! What stands on disk: the playbook files of the project and its newest jobs, read on a thread beside the screen.
//!
//! Not here: what is made of it (`state.rs`). The thread ends when whoever started it drops the other end.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::book::{Content, is_live};
use crate::engine::library::{self, Stamp};
use crate::engine::{History, JobRow, Project};
use crate::faces::signs::State;
use crate::faces::{gates, shares, waits};
use crate::logic::view::JobView;

/// How many jobs are looked at for the last one of each playbook.
const JOBS: usize = 500;

/// So many events of a job are read at once.
const PAGE: usize = 1_000;

/// How often files and jobs are looked at again: somebody else may run or write one.
const AGAIN: Duration = Duration::from_secs(2);

/// Everything but the content of the files, which takes longest.
#[derive(Clone, Debug, Default)]
pub(super) struct Shelf {
    /// Paths and names, sorted by path.
    pub(super) files: Vec<(PathBuf, String)>,
    /// The newest first.
    pub(super) jobs: Vec<JobRow>,
    /// What jobs of it wait for that nothing runs of meanwhile, by their numbers.
    pub(super) waits: HashMap<u64, Waiting>,
    /// Why there are no jobs, if the store cannot be read.
    pub(super) problem: Option<String>,
}

/// What a job waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) state: State,
    /// As the end of a sentence: `waits for ship: approval`.
    pub(super) words: String,
}

impl Waiting {
    /// Looks whether a job that has not ended waits for people or for what other jobs have.
    fn of(history: &History, row: &JobRow) -> Option<Self> {
        let may_wait = is_live(row)
            && (history.has_open_gate(row.number).ok()? || history.waits_for_claims(row.number).ok()?);
        if !may_wait {
            return None;
        }
        let mut view = JobView::new(history.plan(&row.id).ok()?.playbook);
        loop {
            let page = history.events(&row.id, view.seq, PAGE).ok()?;
            page.iter().for_each(|it| view.fold(it));
            if page.len() < PAGE {
                break;
            }
        }
        if view.paused.is_some() || waits::at_work(&view) > 0 {
            return None;
        }
        let asked = gates::of_job(&view).map(|what| (State::NeedsYou, what));
        let (state, what) = asked.or_else(|| shares::of_job(&view).map(|what| (State::Blocked, what)))?;
        Some(Self { state, words: format!("waits for {what}") })
    }
}

impl Shelf {
    /// Reads the names of the files and the newest jobs.
    pub(super) fn look(project: &Project) -> Self {
        let list = library::list(&project.root);
        let files =
            list.into_iter().map(|path| (path.clone(), library::name(&project.root, &path))).collect();
        let read = |history: History| {
            let jobs = history.jobs(JOBS)?;
            let waits = jobs.iter().filter_map(|row| Some((row.number, Waiting::of(&history, row)?)));
            let waits = waits.collect();
            Ok((jobs, waits))
        };
        let read = History::open(project).and_then(|it| it.map_or_else(|| Ok(Default::default()), read));
        match read {
            Ok((jobs, waits)) => Self { files, jobs, waits, problem: None },
            Err(error) => Self { files, problem: Some(error.message), ..Self::default() },
        }
    }

    /// Says whether a screen of this would look like one of the other.
    fn is_same(&self, other: &Self) -> bool {
        let job = |row: &JobRow| (row.number, row.state.clone(), row.outcome.clone(), row.owner_alive);
        self.files == other.files
            && self.problem == other.problem
            && self.waits == other.waits
            && self.jobs.iter().map(job).eq(other.jobs.iter().map(job))
    }
}

/// News from the disk.
pub(super) enum News {
    Content(PathBuf, Content),
    Shelf(Shelf),
}

/// Reads a file.
pub(super) fn read(project: &Project, path: &std::path::Path) -> Content {
    match library::open(project, path) {
        Ok(opened) => Content::of(opened),
        Err(error) => Content::Unreadable(error.message),
    }
}

/// Reads all files in the order of `first`, then looks again and again for what has changed. `tell` returns whether
/// anybody listens still; whatever comes from `ask` has all files read again.
pub(super) fn keep(
    project: &Project,
    mut shelf: Shelf,
    first: Vec<PathBuf>,
    ask: &Receiver<()>,
    tell: &dyn Fn(News) -> bool,
) {
    // Looked at before the file is read: one that is written meanwhile is read again.
    let mut stamps: HashMap<PathBuf, Option<Stamp>> = HashMap::new();
    let mut unread = first;
    loop {
        for path in unread {
            stamps.insert(path.clone(), library::stamp(&path));
            let content = read(project, &path);
            if !tell(News::Content(path, content)) {
                return;
            }
        }
        let everything = match ask.recv_timeout(AGAIN) {
            Ok(()) => true,
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let now = Shelf::look(project);
        let is_new = |path: &PathBuf| everything || stamps.get(path) != Some(&library::stamp(path));
        unread = now.files.iter().map(|(path, _)| path.clone()).filter(is_new).collect();
        if (everything || !now.is_same(&shelf)) && !tell(News::Shelf(now.clone())) {
            return;
        }
        shelf = now;
    }
}
