//! The triggers of a project: what its playbooks say under `on`, with the name that each has in the ledger.
//!
//! Not here: what they do (`mod.rs`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Promise;
use crate::engine::library::Opened;
use crate::engine::{EngineError, Project, library};
use crate::logic::diag::{Diagnostic, Severity};
use crate::logic::playbook::model::{AfterRun, Playbook, RunEnd, Watch};
use crate::logic::schedule::{Overlap, Schedule, options};
use crate::logic::text::{listed, plural};

/// Something that starts jobs of a playbook.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// Its name in the ledger; it changes with the path and with what makes it another trigger.
    pub id: String,
    pub path: PathBuf,
    /// As the command line names the playbook.
    pub playbook: String,
    /// Position among the playbook's triggers of this kind, from 1.
    pub index: usize,
    pub kind: Kind,
}

/// What starts jobs.
#[derive(Clone, Debug)]
pub enum Kind {
    Schedule(Box<Schedule>),
    Watch(Watch),
    After(AfterRun),
}

impl Trigger {
    /// Returns the word for `run.trigger`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match &self.kind {
            Kind::Schedule(_) => "schedule",
            Kind::Watch(_) => "watch",
            Kind::After(_) => "run",
        }
    }

    /// Returns it in short: the cron line with its zone, the globs, or the playbooks that it follows.
    #[must_use]
    pub fn spec(&self) -> String {
        match &self.kind {
            Kind::Schedule(it) => format!("{} {}", it.cron.source(), it.zone),
            Kind::Watch(it) => it.globs.join(" "),
            Kind::After(it) => {
                let ends: Vec<&str> = it.types.iter().map(|end| end.word()).collect();
                format!("after {} {}", listed(&it.playbooks, "or"), listed(&ends, "or"))
            }
        }
    }

    /// Returns what a fire does that meets a running job.
    #[must_use]
    pub fn overlap(&self) -> Overlap {
        match &self.kind {
            Kind::Schedule(it) => it.overlap,
            Kind::Watch(it) => it.overlap,
            Kind::After(it) => it.overlap,
        }
    }

    /// Returns what a person says yes to: what it is, and what it says.
    #[must_use]
    pub fn promise(&self) -> Promise {
        let more = match &self.kind {
            Kind::Schedule(it) => options(it),
            Kind::Watch(_) | Kind::After(_) => String::new(),
        };
        (
            format!("{} of {}", self.word(), self.playbook),
            format!("{} {more}", self.spec()).trim_end().to_owned(),
        )
    }

    /// Says whether the end of a job of that playbook starts it.
    #[must_use]
    pub fn follows(&self, playbook: &str, path: &Path, end: RunEnd) -> bool {
        let Kind::After(after) = &self.kind else { return false };
        after.types.contains(&end) && after.playbooks.iter().any(|name| is_called(name, playbook, path))
    }

    /// Returns the playbooks that it follows and that are none of this project.
    #[must_use]
    pub fn unknown(&self, root: &Path) -> Vec<String> {
        let Kind::After(after) = &self.kind else { return Vec::new() };
        unknown(root, after).into_iter().map(|at| after.playbooks[at].clone()).collect()
    }
}

fn is_called(name: &str, playbook: &str, path: &Path) -> bool {
    let short = playbook.rsplit('/').next().unwrap_or(playbook);
    let bare = name.trim_end_matches(".yaml").trim_end_matches(".yml");
    bare == playbook || bare == short || path.ends_with(name)
}

/// Returns the positions of the names that no playbook of the project has. One outside its folders may be run by its path.
#[must_use]
pub fn unknown(root: &Path, after: &AfterRun) -> Vec<usize> {
    let all = library::list(root);
    let names = after.playbooks.iter().enumerate();
    let is_known = |wanted: &str| {
        root.join(wanted).is_file()
            || all.iter().any(|path| is_called(wanted, &library::name(root, path), path))
    };
    names.filter(|(_, wanted)| !is_known(wanted)).map(|(at, _)| at).collect()
}

/// All triggers of a project.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    pub triggers: Vec<Trigger>,
    /// Files with errors, whose triggers are not known.
    pub broken: Vec<Broken>,
}

/// A playbook with errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub path: PathBuf,
    /// As messages show it.
    pub file: String,
    /// The first of its errors, with where it is: `playbooks/ci.yml:3:5: unknown key`.
    pub first: String,
    /// How many there are.
    pub errors: usize,
}

impl Broken {
    /// Tells what is wrong with a playbook that was read and has errors.
    #[must_use]
    pub(in crate::engine) fn of(path: PathBuf, file: String, opened: &Opened) -> Self {
        let is_error = |it: &&Diagnostic| it.severity == Severity::Error;
        let errors: Vec<&Diagnostic> = opened.reading.diagnostics.iter().filter(is_error).collect();
        let first = errors.first().map_or_else(String::new, |it| {
            let place = opened.source.place(it.span.start);
            format!("{file}:{}:{}: {}", place.line, place.column, it.message)
        });
        Self { path, file, first, errors: errors.len() }
    }

    /// Says what is wrong: the first error, and how many more there are.
    #[must_use]
    pub fn words(&self) -> String {
        match self.errors {
            0 | 1 => self.first.clone(),
            count => format!("{} (and {} more)", self.first, plural(count - 1, "error")),
        }
    }
}

/// Reads all playbooks of a project.
#[must_use]
pub fn scan(project: &Project) -> Scan {
    let root = &*project.root;
    let mut found = Scan::default();
    for path in library::list(root) {
        let file = library::shown(root, &path);
        let opened = match library::open(project, &path) {
            Ok(opened) => opened,
            // One that was removed at this moment is no longer there.
            Err(_) if !path.exists() => continue,
            Err(error) => {
                found.broken.push(Broken { path, file, first: error.message, errors: 1 });
                continue;
            }
        };
        if let Some(playbook) = &opened.reading.playbook {
            found.triggers.extend(triggers(root, &path, playbook));
            continue;
        }
        found.broken.push(Broken::of(path, file, &opened));
    }
    found
}

/// Returns the triggers of one playbook.
///
/// # Errors
/// If it cannot be found or read, or has errors.
pub fn of_playbook(project: &Project, wanted: &str) -> Result<Vec<Trigger>, EngineError> {
    let root = &*project.root;
    let path = library::find(project, wanted)?;
    let opened = library::open(project, &path)?;
    let shown = library::shown(root, &path);
    let playbook = opened.reading.playbook.as_ref().ok_or_else(|| {
        EngineError::usage(format!("`{shown}` has errors, so its triggers are not known"))
            .help("`sortie check` says what is wrong")
    })?;
    Ok(triggers(root, &opened.path, playbook))
}

fn triggers(root: &Path, path: &Path, playbook: &Playbook) -> Vec<Trigger> {
    let name = library::name(root, path);
    let file = path.strip_prefix(root).unwrap_or(path).display().to_string();
    let id = |parts: &[&str]| {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        hasher.finalize().to_hex()[..16].to_owned()
    };
    let make = |id: String, index: usize, kind: Kind| Trigger {
        id,
        path: path.to_path_buf(),
        playbook: name.clone(),
        index,
        kind,
    };
    let mut found = Vec::new();
    // Schedules are told apart by what they say, so that a new one in front of them changes nothing.
    let mut seen: HashMap<(String, Arc<str>), usize> = HashMap::new();
    for (at, it) in playbook.triggers.schedules.iter().enumerate() {
        let same = seen.entry((it.cron.source().to_ascii_lowercase(), Arc::clone(&it.zone))).or_default();
        *same += 1;
        let id =
            id(&["schedule", &file, &it.cron.source().to_ascii_lowercase(), &it.zone, &same.to_string()]);
        found.push(make(id, at + 1, Kind::Schedule(Box::new(it.clone()))));
    }
    if let Some(it) = &playbook.triggers.watch {
        found.push(make(id(&["watch", &file]), 1, Kind::Watch(it.clone())));
    }
    if let Some(it) = &playbook.triggers.after {
        found.push(make(id(&["run", &file]), 1, Kind::After(it.clone())));
    }
    found
}
