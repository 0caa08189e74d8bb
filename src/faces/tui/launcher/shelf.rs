//! What stands on disk: the playbook files of the project and its newest jobs, read on a thread beside the screen.
//!
//! Not here: what is made of it (`state.rs`). The thread ends when whoever started it drops the other end.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::book::{Content, is_live};
use crate::engine::library::{self, Stamp};
use crate::engine::watching::{self, Key};
use crate::engine::{History, JobRow, Project};
use crate::faces::signs::State;
use crate::faces::{gates, shares, waits};
use crate::logic::view::JobView;

/// How many jobs are looked at for the last one of each playbook.
const JOBS: usize = 500;

/// So many events of a job are read at once.
const PAGE: usize = 1_000;

/// How often jobs, and files of which nothing is told, are looked at again: somebody else may run one.
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
    /// A sentence.
    Said(String),
}

/// What has files read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Everything,
    /// Those that have changed.
    Changed,
    /// The same, for nobody tells of changes, in words.
    Polled(String),
}

/// Reads a file.
pub(super) fn read(project: &Project, path: &Path) -> Content {
    read_with(project, path).0
}

/// The same with the files that it was read from, and a key of all that they say.
fn read_with(project: &Project, path: &Path) -> (Content, BTreeSet<PathBuf>, Key) {
    match library::open(project, path) {
        Ok(opened) => {
            let key = watching::key(opened.source.stored().as_bytes());
            let (files, _) = watching::made_of(project, &opened);
            (Content::of(opened), files, key)
        }
        Err(error) => {
            let key = watching::key(error.message.as_bytes());
            (Content::Unreadable(error.message), BTreeSet::from([path.to_path_buf()]), key)
        }
    }
}

/// The files that each playbook was read from.
pub(super) type Sources = Arc<Mutex<HashMap<PathBuf, BTreeSet<PathBuf>>>>;

/// Reads all files in the order of `first`, then looks again and again for what has changed. `tell` returns whether
/// anybody listens still; whatever comes from `ask` has all files read again.
pub(super) fn keep(
    project: &Project,
    mut shelf: Shelf,
    first: Vec<PathBuf>,
    (ask, sources): (&Receiver<Ask>, &Sources),
    tell: &dyn Fn(News) -> bool,
) {
    // Looked at before the file is read: one that is written meanwhile is read again.
    let mut stamps: HashMap<PathBuf, Vec<Option<Stamp>>> = HashMap::new();
    let mut keys: HashMap<PathBuf, Key> = HashMap::new();
    let mut unread = first;
    let stamps_of = |path: &PathBuf| -> Vec<Option<Stamp>> {
        let sources = sources.lock().unwrap_or_else(PoisonError::into_inner);
        let own = [path.clone()].into();
        sources.get(path).unwrap_or(&own).iter().map(|path| library::stamp(path)).collect()
    };
    let mut everything = true;
    loop {
        for path in unread {
            let before = stamps_of(&path);
            let (content, files, key) = read_with(project, &path);
            let is_known =
                sources.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone(), files).is_some();
            // Where others are called by now, they were not looked at before.
            stamps.insert(path.clone(), if is_known { before } else { stamps_of(&path) });
            // A save of the same is nothing new.
            let is_same = keys.insert(path.clone(), key) == Some(key);
            if (everything || !is_same) && !tell(News::Content(path, content)) {
                return;
            }
        }
        everything = match ask.recv_timeout(AGAIN) {
            Ok(Ask::Everything) => true,
            Ok(Ask::Changed) | Err(RecvTimeoutError::Timeout) => false,
            Ok(Ask::Polled(words)) => {
                if !tell(News::Said(words)) {
                    return;
                }
                false
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let now = Shelf::look(project);
        let is_new = |path: &PathBuf| everything || stamps.get(path) != Some(&stamps_of(path));
        unread = now.files.iter().map(|(path, _)| path.clone()).filter(is_new).collect();
        if (everything || !now.is_same(&shelf)) && !tell(News::Shelf(now.clone())) {
            return;
        }
        shelf = now;
    }
}
