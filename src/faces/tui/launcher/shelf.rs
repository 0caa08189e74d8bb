//! What stands on disk: the playbook files of the project and its newest jobs, read on a thread beside the screen.
//!
//! Not here: what is made of it (`state.rs`). The thread ends when whoever started it drops the other end.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::book::Content;
use crate::engine::library::{self, Stamp};
use crate::engine::{History, JobRow, Project};

/// How many jobs are looked at for the last one of each playbook.
const JOBS: usize = 500;

/// How often files and jobs are looked at again: somebody else may run or write one.
const AGAIN: Duration = Duration::from_secs(2);

/// Everything but the content of the files, which takes longest.
#[derive(Clone, Debug, Default)]
pub(super) struct Shelf {
    /// Paths and names, sorted by path.
    pub(super) files: Vec<(PathBuf, String)>,
    /// The newest first.
    pub(super) jobs: Vec<JobRow>,
    /// Why there are no jobs, if the store cannot be read.
    pub(super) problem: Option<String>,
}

impl Shelf {
    /// Reads the names of the files and the newest jobs.
    pub(super) fn look(project: &Project) -> Self {
        let list = library::list(&project.root);
        let files =
            list.into_iter().map(|path| (path.clone(), library::name(&project.root, &path))).collect();
        let jobs = History::open(project)
            .and_then(|history| history.map_or_else(|| Ok(Vec::new()), |history| history.jobs(JOBS)));
        match jobs {
            Ok(jobs) => Self { files, jobs, problem: None },
            Err(error) => Self { files, jobs: Vec::new(), problem: Some(error.message) },
        }
    }

    /// Says whether a screen of this would look like one of the other.
    fn is_same(&self, other: &Self) -> bool {
        let job = |row: &JobRow| (row.number, row.state.clone(), row.outcome.clone(), row.owner_alive);
        self.files == other.files
            && self.problem == other.problem
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
    match library::open(&project.root, path) {
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
