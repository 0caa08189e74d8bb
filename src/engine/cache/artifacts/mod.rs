//! KEEPS ARTIFACTS. Publishes files of a job under a name, and puts them into place for others: whole, or not at all.
//!
//! A thread answers (`Artifacts`), so that nobody waits for the disk. Publishing gathers files (`gather.rs`), writes their
//! list (`manifest.rs`) and pins it (`pins.rs`); all that is on the disk for good before it is said. Taking looks at every
//! file in the store first (`extract.rs`). Contents are in the store of results, which removes nothing that is pinned.
//!
//! Not here: when that is done, and which names there are (`logic/job/artifacts.rs`).

mod extract;
mod gather;
mod manifest;
mod people;
pub(super) mod pins;
mod placed;
mod stale;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use blake3::Hash;

use super::Answer;
use super::entry::{Body, Digest, Output};
use super::files::Root;
use super::keep::some_of;
use super::memo::Memo;
use super::point;
use super::restore::{ASIDE, Aside, aside_words};
use super::shelf::Shelf;
use crate::engine::clock;
use crate::logic::artifact::{Artifact, Offer, Offered, Taken, Want};
use crate::logic::job::report::Report;
use crate::logic::text::plural;
use extract::{Extractor, Parcel};
use gather::{Gathered, Gatherer};
use manifest::{Manifest, Unreadable};
pub use people::{ArtifactFile, ArtifactKind, ArtifactState, get_artifact, look_at_artifact};
pub(in crate::engine) use placed::Placed;

/// What is asked for. Paths begin at `base`.
#[derive(Debug)]
pub(in crate::engine) enum Task {
    /// Answered by [`Report::Offered`].
    Offer { cell: u32, run: u32, base: PathBuf, offers: Vec<Offer> },
    /// Answered by [`Report::Taken`]. Of a cell that is cached it matters what else lies in these folders.
    Take { cell: u32, run: u32, base: PathBuf, wants: Vec<Want>, is_cached: bool },
}

/// The artifacts of a job.
pub(in crate::engine) struct Artifacts {
    tasks: Option<Sender<Task>>,
    thread: Option<JoinHandle<()>>,
}

impl Artifacts {
    /// Begins to answer. `state` is the state folder of the project, `job_dir` the folder of the job; what is put into place is
    /// noted in `placed`.
    ///
    /// # Errors
    /// If there is no thread, in words.
    pub(in crate::engine) fn start(
        state: PathBuf,
        job_dir: PathBuf,
        placed: Placed,
        answer: Answer,
    ) -> Result<Self, String> {
        let (tasks, inbox) = mpsc::channel();
        let keeper = Keeper { state, job_dir, placed, memo: Memo::default() };
        let thread = std::thread::Builder::new().name("artifacts".to_owned());
        let thread = thread
            .spawn(move || keeper.run(&inbox, &answer))
            .map_err(|error| format!("no thread for artifacts can be started: {error}"))?;
        Ok(Self { tasks: Some(tasks), thread: Some(thread) })
    }

    /// Asks.
    pub(in crate::engine) fn ask(&self, task: Task) {
        if let Some(tasks) = &self.tasks {
            // A thread that has gone has told of its panic.
            let _sent = tasks.send(task);
        }
    }
}

impl Drop for Artifacts {
    fn drop(&mut self) {
        self.tasks = None;
        if let Some(thread) = self.thread.take() {
            // A panic of it was told when it happened.
            let _outcome = thread.join();
        }
    }
}

/// The thread.
struct Keeper {
    state: PathBuf,
    job_dir: PathBuf,
    placed: Placed,
    memo: Memo,
}

impl Keeper {
    fn run(&self, inbox: &Receiver<Task>, answer: &Answer) {
        while let Ok(task) = inbox.recv() {
            answer(vec![match task {
                Task::Offer { cell, run, base, offers } => {
                    Report::Offered { cell, run, outcome: self.publish(&base, &offers) }
                }
                Task::Take { cell, run, base, wants, is_cached } => {
                    let outcome = self.take((cell, run), &base, &wants, is_cached);
                    Report::Taken { cell, run, outcome }
                }
            }]);
        }
        super::upkeep::prune_daily(&self.state, clock::now());
    }

    fn publish(&self, base: &Path, offers: &[Offer]) -> Result<Vec<Offered>, String> {
        let shelf = Shelf::open(&self.state).map_err(|error| no_store(&error))?;
        // Nobody removes what is not pinned yet.
        let _gate = shelf.gate(false).map_err(|error| no_store(&error))?;
        let root = open(base, &self.state)?;
        let gatherer = Gatherer { root: &root, shelf: &shelf, memo: &self.memo };
        offers.iter().map(|offer| self.offer(&gatherer, offer)).collect()
    }

    fn offer(&self, gatherer: &Gatherer<'_>, offer: &Offer) -> Result<Offered, String> {
        let shelf = gatherer.shelf;
        let failed =
            |error: &std::io::Error| format!("the artifact `{}` could not be kept: {error}", offer.name);
        let (manifest, hash) = match &offer.kept {
            Some(None) => {
                return Ok(Offered::Nothing("the result that was taken has no file for it".to_owned()));
            }
            Some(Some(kept)) => {
                let (manifest, hash) = load(shelf, kept)?;
                if let Some((path, _)) =
                    manifest.bodies().find(|(_, body)| !shelf.is_whole(&body.hash.0, body.size, &self.memo))
                {
                    return Err(damaged(&kept.name, &format!("`{}` is missing", super::files::shown(path))));
                }
                let again = gather::put(shelf, &manifest).map_err(|error| failed(&error))?;
                debug_assert_eq!(again, hash, "equal lists have equal bytes");
                (manifest, again)
            }
            None => {
                match gatherer.gather(offer).map_err(|why| format!("the artifact `{}`: {why}", offer.name))? {
                    Gathered::Nothing(why) => return Ok(Offered::Nothing(why)),
                    Gathered::Whole(manifest) => {
                        point();
                        let hash = gather::put(shelf, &manifest).map_err(|error| failed(&error))?;
                        (manifest, hash)
                    }
                }
            }
        };
        gather::sync(shelf, &manifest).map_err(|error| failed(&error))?;
        pins::pin(&self.job_dir, &hash, offer.until).map_err(|error| failed(&error))?;
        let (files, bytes) = manifest.size();
        Ok(Offered::Whole(Artifact {
            name: offer.name.clone(),
            manifest: hash.to_hex().to_string(),
            digest: manifest.digest(),
            files,
            bytes,
            until: offer.until,
        }))
    }

    fn take(
        &self,
        (cell, run): (u32, u32),
        base: &Path,
        wants: &[Want],
        is_cached: bool,
    ) -> Result<Vec<Taken>, String> {
        std::fs::create_dir_all(base)
            .map_err(|error| format!("`{}` cannot be made: {error}", base.display()))?;
        let shelf = Shelf::open(&self.state).map_err(|error| no_store(&error))?;
        let _gate = shelf.gate(false).map_err(|error| no_store(&error))?;
        let root = open(base, &self.state)?;
        let parcels = wants
            .iter()
            .map(|want| {
                let (manifest, _) = load(&shelf, &want.artifact)?;
                let name = want.artifact.name.to_string();
                Parcel { name, manifest, folder: want.folder.clone() }.without(&want.except)
            })
            .collect::<Result<Vec<_>, String>>()?;
        // Looked up only if there is something in the way.
        let known = OnceCell::new();
        let is_made = |it: &Output| {
            known.get_or_init(|| pins::contents(&self.state, &shelf)).contains(&pins::content(&it.what))
        };
        let aside = self.job_dir.join(ASIDE);
        let away = Some(Aside { folder: &aside, is_made: &is_made });
        let extractor =
            Extractor { root: &root, shelf: &shelf, memo: &self.memo, overwrites: true, aside: away };
        let mut placed = self.placed.lock();
        let written = extractor.extract(&parcels)?;
        for it in &parcels {
            let paths: Vec<Vec<u8>> = it.paths().collect();
            placed.note(cell, &root, paths.iter().map(Vec::as_slice));
        }
        if is_cached {
            placed.note_stale(
                (cell, run),
                stale::stale((&self.state, &self.job_dir), &shelf, (&root, &self.memo), &parcels)?,
            );
        }
        drop(placed);
        let taken = wants.iter().zip(written).map(|(want, written)| Taken {
            name: want.artifact.name.clone(),
            folder: want.folder.clone(),
            digest: want.artifact.digest.clone(),
            notes: aside_note(&want.artifact.name, &written.aside, &aside, &root.path)
                .into_iter()
                .chain(written.stuck)
                .collect(),
            written: written.written,
        });
        Ok(taken.collect())
    }
}

/// Says which files an artifact has taken the place of.
fn aside_note(name: &str, files: &[String], aside: &Path, root: &Path) -> Option<String> {
    let count = plural(files.len(), "file");
    let (moved, names) = (aside_words(aside, root), some_of(files));
    (!files.is_empty()).then(|| {
        format!("{count} where the artifact `{name}` goes that no kept artifact has, {moved}: {names}")
    })
}

fn open(base: &Path, state: &Path) -> Result<Root, String> {
    let base =
        base.canonicalize().map_err(|error| format!("`{}` cannot be used: {error}", base.display()))?;
    Root::open(&base, state).map_err(|error| format!("`{}` cannot be opened: {error}", base.display()))
}

/// Returns the list of an artifact.
fn load(shelf: &Shelf, artifact: &Artifact) -> Result<(Manifest, Hash), String> {
    let name = &artifact.name;
    let hash = Hash::from_hex(&artifact.manifest).map_err(|_| damaged(name, "its digest is none"))?;
    match Manifest::load(shelf, &hash) {
        Ok(manifest) => Ok((manifest, hash)),
        Err(Unreadable::Missing) if artifact.until <= clock::now() => Err(format!(
            "the artifact `{name}` is not kept any more: its time was over on {}; run the job again, or give it a longer `retention`",
            artifact.until.rfc3339()
        )),
        Err(Unreadable::Missing) => Err(damaged(name, "the list of its files is not in the store")),
        Err(Unreadable::Damaged(why)) => Err(damaged(name, &why)),
    }
}

fn damaged(name: &str, why: &str) -> String {
    format!("the artifact `{name}` is damaged: {why}; `sortie cache verify` tells more")
}

fn no_store(error: &std::io::Error) -> String {
    format!("the store of artifacts cannot be used: {error}")
}

/// Returns the list of an artifact and all files of the store that it needs, for whoever keeps a result that published it.
pub(super) fn bodies(shelf: &Shelf, artifact: &Artifact) -> Result<Vec<Body>, String> {
    let (manifest, hash) = load(shelf, artifact)?;
    let size = std::fs::metadata(shelf.path_of(&hash))
        .map_err(|error| damaged(&artifact.name, &error.to_string()))?;
    let list = Body { size: size.len(), hash: Digest(hash), at: None };
    Ok(std::iter::once(list).chain(manifest.bodies().map(|(_, body)| body.clone())).collect())
}
