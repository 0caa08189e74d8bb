//! Follows the playbook of a job, and says how the file as it is now differs from what the job runs.
//!
//! The job itself is never touched by it. Not here: what a face makes of it.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::follow::{Follower, Key, Looked, News, follow, key};
use crate::engine::library::{self, Opened};
use crate::engine::service::Broken;
use crate::engine::store::History;
use crate::engine::{EngineError, JobId, Project};
use crate::logic::plan::difference::{Difference, difference};
use crate::logic::plan::{PlanRequest, plan};
use crate::logic::playbook::model::Playbook;
use crate::logic::playbook::scripts::LISTING;
use crate::logic::playbook::source::Source;

/// The file of a playbook, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Version {
    /// It says what the job runs.
    Same,
    Other(Other),
    /// It cannot be read or has errors, with the first of them and where it is.
    Broken {
        file: String,
        why: String,
    },
}

/// A playbook that is another one by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    pub path: PathBuf,
    /// The name of the file, without its folder.
    pub file: String,
    pub difference: Difference,
    /// Why no job of it can be started with what this one was given, in words.
    pub problem: Option<String>,
}

/// Follows the playbook that a job runs, with the files that it calls. What is told first is how it stands now.
///
/// # Errors
/// If this process may have no further thread or file.
pub fn follow_job(
    project: &Project,
    job: &JobId,
    tell: impl FnMut(News<Version>) -> bool + Send + 'static,
) -> io::Result<Follower> {
    let (theirs, job) = (project.clone(), job.clone());
    let mut basis = None;
    let look = move || {
        let basis = basis.get_or_insert_with(|| Basis::of(&theirs, &job));
        match basis {
            Ok(basis) => basis.look(&theirs),
            // Of a job that cannot be read any more nothing can be told.
            Err(_) => nothing(),
        }
    };
    follow(&project.root, None, look, tell)
}

fn nothing() -> Looked<Version> {
    Looked { key: key(b""), files: BTreeSet::new(), folders: BTreeSet::new(), value: Version::Same }
}

/// What a job was started from.
struct Basis {
    path: PathBuf,
    source: Key,
    playbook: Arc<Playbook>,
    request: PlanRequest,
}

impl Basis {
    fn of(project: &Project, job: &JobId) -> Result<Self, EngineError> {
        let gone = || EngineError::refused("there is no such job any more");
        let history = History::open(project)?.ok_or_else(gone)?;
        let row = history.row(job)?;
        let stored = history.source(job)?;
        Ok(Self {
            path: project.root.join(&row.playbook),
            source: key(Source::from_stored("", &stored).stored().as_bytes()),
            playbook: history.plan(job)?.playbook,
            request: history.request(job)?,
        })
    }

    fn look(&self, project: &Project) -> Looked<Version> {
        let root = &project.root;
        let file = library::shown(root, &self.path);
        let opened = match library::open(project, &self.path) {
            Ok(opened) => opened,
            Err(error) => {
                let key = key(error.message.as_bytes());
                let value = Version::Broken { file, why: error.message };
                return Looked { key, files: [self.path.clone()].into(), folders: BTreeSet::new(), value };
            }
        };
        let (files, folders) = made_of(project, &opened);
        let found = key(opened.source.stored().as_bytes());
        if found == self.source {
            return Looked { key: found, files, folders, value: Version::Same };
        }
        let value = match &opened.reading.playbook {
            None => {
                let why = Broken::of(self.path.clone(), file.clone(), &opened).words();
                Version::Broken { file, why }
            }
            Some(playbook) => Version::Other(self.compare(playbook)),
        };
        Looked { key: found, files, folders, value }
    }

    fn compare(&self, playbook: &Playbook) -> Other {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = self.path.clone();
        match plan(Arc::new(playbook.clone()), &self.request) {
            Ok(plan) => {
                let difference = difference(&self.playbook, &plan.playbook);
                Other { path, file: name, difference, problem: None }
            }
            Err(problems) => Other {
                path,
                file: name,
                difference: difference(&self.playbook, playbook),
                problem: problems.into_iter().next().map(|it| it.message),
            },
        }
    }
}

/// Says what is wrong with a playbook as its file is now, with the first place, if it cannot be run.
#[must_use]
pub fn wrong(project: &Project, path: &Path) -> Option<String> {
    match library::open(project, path) {
        Err(error) => Some(error.message),
        Ok(opened) if opened.reading.playbook.is_some() => None,
        Ok(opened) => {
            let file = library::shown(&project.root, path);
            Some(Broken::of(path.to_path_buf(), file, &opened).words())
        }
    }
}

/// Returns the files that a playbook was read from, and the folders that it depends on with all that lies in them.
#[must_use]
pub fn made_of(project: &Project, opened: &Opened) -> (BTreeSet<PathBuf>, BTreeSet<PathBuf>) {
    let called = opened.source.called.keys().filter(|path| &***path != LISTING);
    let files = called.map(|path| project.root.join(&**path)).chain([opened.path.clone()]).collect();
    let has_scripts = opened.source.called.contains_key(LISTING);
    let folders =
        project.scripts.iter().filter(|_| has_scripts).map(|folder| project.root.join(folder)).collect();
    (files, folders)
}
