//! Real files in a folder of their own: what is found again, what is not, and which bytes are on the disk afterwards.

mod damage;
mod lies;
mod others;
mod restoring;
mod two;
mod upkeep;
mod wakes;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use tempfile::TempDir;

use super::{Ask, Cache, Opening, moment};
use crate::logic::cache::{
    Field, Hit, Inputs, Kept, Looked, Miss, Recipe, Record, Replay, Share, Trust, Unit,
};
use crate::logic::job::event::StepEnd;
use crate::logic::job::report::{AttemptKey, Report};

/// So long an answer may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A project in a folder of its own.
pub(super) struct Place {
    folder: TempDir,
}

/// A job that asks.
pub(super) struct Job {
    cache: Option<Cache>,
    heard: Receiver<Vec<Report>>,
    place: PathBuf,
}

impl Place {
    pub(super) fn new() -> Self {
        let it = Self { folder: tempfile::tempdir().expect("a folder") };
        fs::create_dir_all(it.root()).expect("a project");
        it.write("src/a.c", "int a;");
        it.write("src/b.c", "int b;");
        it
    }

    pub(super) fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().expect("it is there").join("project")
    }

    pub(super) fn state(&self) -> PathBuf {
        self.root().join(".sortie")
    }

    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    /// Writes a file, with the folders above it.
    pub(super) fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    pub(super) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap_or_else(|error| panic!("`{path}`: {error}"))
    }

    pub(super) fn link(&self, target: &str, path: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
        symlink(target, path).expect("a link");
    }

    pub(super) fn mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.at(path), fs::Permissions::from_mode(mode)).expect("it is ours");
    }

    pub(super) fn opening(&self) -> Opening {
        let job_dir = self.state().join("jobs/1");
        fs::create_dir_all(&job_dir).expect("a folder");
        Opening {
            wants_scene: false,
            state: self.state(),
            root: self.root(),
            job_dir,
            job: 1,
            trust: Trust::Own,
            is_nested: false,
            at_work: Vec::new(),
            makers: super::Makers::default(),
            placed: crate::engine::cache::Placed::default(),
            probe: |command, _, _| Ok(format!("{command} 1.0")),
        }
    }

    pub(super) fn job(&self) -> Job {
        self.job_with(self.opening())
    }

    pub(super) fn job_with(&self, opening: Opening) -> Job {
        let (tell, heard) = channel();
        let place = opening.job_dir.clone();
        let answer = Box::new(move |mut reports: Vec<Report>| {
            // That a look waits is told besides, and answers nothing.
            reports.retain(|it| !matches!(it, Report::LookWaits { .. }));
            if !reports.is_empty() {
                // A test that has ended hears nothing.
                let _heard = tell.send(reports);
            }
        });
        Job { cache: Some(Cache::start(opening, None, answer)), heard, place }
    }

    /// Looks for a result as a job of its own.
    pub(super) fn look(&self, recipe: &Recipe) -> Looked {
        self.job().look(unit(0), recipe)
    }

    /// Looks, makes the outputs, and keeps them.
    #[track_caller]
    pub(super) fn make(&self, recipe: &Recipe, work: impl FnOnce(&Self)) -> Kept {
        let job = self.job();
        let looked = job.look(unit(0), recipe);
        assert!(matches!(looked, Looked::Miss(_)), "{looked:?}");
        work(self);
        job.keep(unit(0), record(), &[])
    }

    /// The same for a result that can be kept.
    #[track_caller]
    pub(super) fn made(&self, recipe: &Recipe, work: impl FnOnce(&Self)) {
        let kept = self.make(recipe, work);
        assert!(matches!(kept, Kept::Stored { .. }), "{kept:?}");
    }

    /// Looks for a result that is there.
    #[track_caller]
    pub(super) fn hit(&self, recipe: &Recipe) -> Hit {
        hit(self.look(recipe))
    }

    /// Looks for a result that is not there, and returns why.
    #[track_caller]
    pub(super) fn miss(&self, recipe: &Recipe) -> Miss {
        miss(self.look(recipe))
    }
}

#[track_caller]
pub(super) fn hit(looked: Looked) -> Hit {
    match looked {
        Looked::Hit(hit) => *hit,
        Looked::Miss(miss) => panic!("{miss:?}"),
    }
}

#[track_caller]
pub(super) fn miss(looked: Looked) -> Miss {
    match looked {
        Looked::Miss(miss) => *miss,
        Looked::Hit(hit) => panic!("{hit:?}"),
    }
}

impl Job {
    pub(super) fn ask(&self, asks: Vec<Ask>) {
        self.cache.as_ref().expect("it goes on").ask(asks);
    }

    pub(super) fn answer(&self) -> Report {
        let mut reports = self.heard.recv_timeout(PATIENCE).expect("an answer");
        assert_eq!(reports.len(), 1, "{reports:?}");
        reports.remove(0)
    }

    pub(super) fn look(&self, unit: Unit, recipe: &Recipe) -> Looked {
        self.ask(vec![Ask::Look { unit, recipe: Arc::new(recipe.clone()), may_hit: true }]);
        self.looked()
    }

    pub(super) fn looked(&self) -> Looked {
        match self.answer() {
            Report::Looked { looked, .. } => looked,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn keep(&self, unit: Unit, record: Record, logs: &[(u32, String)]) -> Kept {
        self.keep_until(unit, moment(), record, logs)
    }

    /// The same for what was over at that moment.
    pub(super) fn keep_until(&self, unit: Unit, until: i64, record: Record, logs: &[(u32, String)]) -> Kept {
        self.ask(vec![Ask::Keep { unit, until, record, logs: logs.to_vec() }]);
        match self.answer() {
            Report::Kept { kept, .. } => kept,
            other => panic!("{other:?}"),
        }
    }

    /// Says whether nothing is heard although other things are answered.
    pub(super) fn is_silent(&self) -> bool {
        self.heard.try_recv().is_err()
    }

    pub(super) fn folder(&self) -> &Path {
        &self.place
    }
}

pub(super) fn unit(cell: u32) -> Unit {
    Unit { cell, run: 1, step: None }
}

pub(super) fn record() -> Record {
    let mut end = StepEnd::new(AttemptKey { cell: 9, run: 3, step: 0, attempt: 2 });
    end.outputs.push((Arc::from("version"), Arc::from("1.2")));
    Record { steps: vec![Replay { end, annotations: Vec::new() }], took_us: 1000, artifacts: Vec::new() }
}

pub(super) fn field(name: &str, value: Option<&str>) -> Field {
    Field { name: name.to_owned(), value: value.map(str::to_owned), is_secret: false }
}

/// A result of `src/*.c` in `out/`.
pub(super) fn recipe() -> Recipe {
    Recipe {
        name: "p: build".to_owned(),
        fields: vec![
            field("run of step 1", Some("make")),
            field("env CC", None),
            field("matrix", Some("{}")),
        ],
        inputs: Inputs::Globs(vec!["src/**".to_owned()]),
        made: Vec::new(),
        outputs: vec!["out/**".to_owned()],
        tools: Vec::new(),
        closed: std::sync::Arc::default(),
        programs: Vec::new(),
        outputs_exact: false,
        is_strict: false,
        max_size: None,
        share: Share::Project,
    }
}

/// What the work of `recipe` leaves.
pub(super) fn build(place: &Place) {
    place.write("out/a.o", "object a");
    place.write("out/b.o", "object b");
}
