//! Locks that reach beyond a project: files in a folder of the user's, locked by the engine.
//!
//! The system frees such a lock when its engine dies, but what the engine has begun may go on. So beside the lock stands a
//! record of each holder with its job's folder: as long as a keeper has that folder the lock counts as held. Only who
//! gives a lock back removes its record.
//!
//! Not here: claims within a project (`store/claims.rs`), which are taken besides and keep the order of asking. Beyond it
//! there is no order: whoever looks first when a lock comes free has it.
//! The folder is `$XDG_RUNTIME_DIR/sortie/locks`, or `/tmp/sortie-UID/locks` where there is no such variable. Where
//! neither can be made, what asks for such a lock is refused.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::store::Beyond;
use crate::logic::claims::{Blocker, Claim, Kind};
use crate::logic::job::share::is_of_machine;
use crate::logic::time::Timestamp;
use crate::port::keeper::EXITS;

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;

/// Who holds a lock, as it stands in its record.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Holder {
    /// The folder of its job.
    dir: PathBuf,
    is_shared: bool,
    project: String,
    job: u64,
    name: String,
    place: String,
    since: i64,
}

/// The locks that this engine holds.
#[derive(Debug, Default)]
pub(super) struct MachineLocks {
    held: BTreeMap<(Option<u32>, String), Held>,
}

/// A lock that this engine holds, as long as the file is open.
#[derive(Debug)]
struct Held {
    kind: Kind,
    _file: File,
    record: PathBuf,
}

/// Whose they are.
pub(super) struct Whose<'a> {
    /// The job's folder.
    pub(super) dir: &'a Path,
    pub(super) project: &'a str,
    pub(super) job: u64,
    pub(super) name: &'a str,
    pub(super) place: String,
    pub(super) now: Timestamp,
}

impl MachineLocks {
    /// Takes all locks among those claims that reach beyond the project, or none.
    pub(super) fn take(
        &mut self,
        cell: Option<u32>,
        claims: &[Claim],
        whose: &Whose<'_>,
    ) -> Result<(), Beyond> {
        if !claims.iter().any(is_of_machine) {
            return Ok(());
        }
        let folder = folder().map_err(|error| {
            Beyond::Never(format!(
                "locks of the machine need a folder of yours, and none can be made: {error}; set XDG_RUNTIME_DIR"
            ))
        })?;
        self.take_in(&folder, cell, claims, whose)
    }

    fn take_in(
        &mut self,
        folder: &Path,
        cell: Option<u32>,
        claims: &[Claim],
        whose: &Whose<'_>,
    ) -> Result<(), Beyond> {
        let mut taken = Vec::new();
        for claim in claims.iter().filter(|claim| is_of_machine(claim)) {
            let name = file_name(claim);
            if self.held.contains_key(&(cell, name.clone())) {
                continue;
            }
            match take_one(&folder.join(&name), cell, claim, whose) {
                Ok(held) => taken.push((name, held)),
                Err(why) => {
                    taken.into_iter().for_each(|(_, held)| held.give_back());
                    return Err(why);
                }
            }
        }
        self.held.extend(taken.into_iter().map(|(name, held)| ((cell, name), held)));
        Ok(())
    }

    /// Takes away what earlier engines of a job have said to hold, but for what it holds as far as its journal goes: what
    /// was given back, or lost, in the moment of their death.
    pub(super) fn forget(dir: &Path, holding: &[(Option<u32>, u32, Vec<Claim>)]) {
        let Ok(folder) = folder() else { return };
        Self::forget_in(&folder, dir, holding);
    }

    fn forget_in(folder: &Path, dir: &Path, holding: &[(Option<u32>, u32, Vec<Claim>)]) {
        let of_machine = |claim: &&Claim| is_of_machine(claim);
        let kept: Vec<PathBuf> = holding
            .iter()
            .flat_map(|(cell, _, claims)| {
                let record = |claim| record_path(&records_of(&folder.join(file_name(claim))), *cell, dir);
                claims.iter().filter(of_machine).map(record).collect::<Vec<_>>()
            })
            .collect();
        let ours = format!("{}.", dir.file_name().unwrap_or_default().to_string_lossy());
        let files = |dir: &Path| fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
        let is_ours =
            |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&ours));
        for records in files(folder).filter(|path| path.extension().is_some_and(|it| it == RECORDS)) {
            for record in files(&records).filter(is_ours).filter(|path| !kept.contains(path)) {
                // One that stays is told as a holder as long as the job's keeper lives.
                let _removed = fs::remove_file(record);
            }
        }
    }

    /// Gives back what a cell has, or the job as a whole.
    pub(super) fn give_back(&mut self, cell: Option<u32>) {
        self.give_back_if(|of, _| of == cell);
    }

    /// Gives back the locks of a cell, and keeps its group.
    pub(super) fn give_back_locks(&mut self, cell: u32) {
        self.give_back_if(|of, kind| of == Some(cell) && kind == Kind::Lock);
    }

    /// Gives back everything.
    pub(super) fn give_back_all(&mut self) {
        self.give_back_if(|_, _| true);
    }

    fn give_back_if(&mut self, is_it: impl Fn(Option<u32>, Kind) -> bool) {
        let given = self.held.extract_if(.., |(of, _), held| is_it(*of, held.kind));
        given.for_each(|(_, held)| held.give_back());
    }
}

impl Held {
    fn give_back(self) {
        // A record that stays says that somebody holds it only as long as the job's keeper lives.
        let _removed = fs::remove_file(&self.record);
    }
}

fn file_name(claim: &Claim) -> String {
    // A name may hold anything, and may be longer than that of a file.
    blake3::hash(format!("{}\0{}", claim.kind.word(), claim.name).as_bytes()).to_hex()[..32].to_owned()
}

fn take_one(path: &Path, cell: Option<u32>, claim: &Claim, whose: &Whose<'_>) -> Result<Held, Beyond> {
    let cannot = |error: io::Error| {
        Beyond::Never(format!("the lock of the machine `{}` cannot be used: {error}", path.display()))
    };
    let records = records_of(path);
    make_folder(&records).map_err(cannot)?;
    let still_held = || holders(&records, claim, whose.dir).find(|it| keeper_lives(&it.dir));
    // Looked for first: an engine that takes its job over finds its lock free, as nobody else has tried it.
    if let Some(it) = still_held() {
        return Err(Beyond::Held(Box::new(it.blocks(claim))));
    }
    let mut options = OpenOptions::new();
    let file =
        options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path).map_err(cannot)?;
    let how = if claim.is_shared {
        FlockOperation::NonBlockingLockShared
    } else {
        FlockOperation::NonBlockingLockExclusive
    };
    match flock(&file, how) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let by = holders(&records, claim, whose.dir).next().map(|it| it.blocks(claim));
            return Err(Beyond::Held(Box::new(by.unwrap_or_else(|| somebody(claim)))));
        }
        Err(error) => return Err(cannot(error.into())),
    }
    if let Some(it) = still_held() {
        return Err(Beyond::Held(Box::new(it.blocks(claim))));
    }
    let record = write_record(&records, cell, claim, whose).map_err(cannot)?;
    Ok(Held { kind: claim.kind, _file: file, record })
}

fn write_record(records: &Path, cell: Option<u32>, claim: &Claim, whose: &Whose<'_>) -> io::Result<PathBuf> {
    let holder = Holder {
        dir: whose.dir.to_path_buf(),
        is_shared: claim.is_shared,
        project: whose.project.to_owned(),
        job: whose.job,
        name: whose.name.to_owned(),
        place: whose.place.clone(),
        since: whose.now.0,
    };
    let record = record_path(records, cell, whose.dir);
    // Whole or not at all: somebody may be reading it.
    let new = record.with_added_extension(NEW);
    fs::write(&new, serde_json::to_vec(&holder)?)?;
    fs::rename(new, &record)?;
    Ok(record)
}

/// Returns the folder of records beside a lock.
fn records_of(lock: &Path) -> PathBuf {
    lock.with_extension(RECORDS)
}

const RECORDS: &str = "held";

/// Of a record that is being written.
const NEW: &str = "new";

fn record_path(records: &Path, cell: Option<u32>, dir: &Path) -> PathBuf {
    let id = dir.file_name().unwrap_or_default().to_string_lossy();
    let place = cell.map_or_else(|| "job".to_owned(), |cell| cell.to_string());
    records.join(format!("{id}.{place}"))
}

/// Returns who of other jobs has said to hold a lock in a way that is in the way of a claim.
fn holders<'a>(records: &Path, claim: &'a Claim, ours: &'a Path) -> impl Iterator<Item = Holder> + use<'a> {
    let entries = fs::read_dir(records).into_iter().flatten().flatten();
    let read = |entry: fs::DirEntry| serde_json::from_slice::<Holder>(&fs::read(entry.path()).ok()?).ok();
    entries
        .filter(|entry| entry.path().extension().is_none_or(|it| it != NEW))
        .filter_map(read)
        .filter(move |it| it.dir != ours && !(it.is_shared && claim.is_shared))
}

impl Holder {
    fn blocks(self, claim: &Claim) -> Blocker {
        let Self { job, name, place, since, project, .. } = self;
        let since = Timestamp(since);
        Blocker { claim: claim.clone(), job, name, place, since, waits: false, is_left: false, project }
    }
}

/// It has just been taken, and its holder has not said yet who it is.
fn somebody(claim: &Claim) -> Blocker {
    let (name, place, project) = (String::new(), String::new(), String::new());
    let since = Timestamp::default();
    Blocker { claim: claim.clone(), job: 0, name, place, since, waits: false, is_left: false, project }
}

/// Returns who is known to hold a lock of the machine in a way that is in the way of a claim. Nothing is made or locked for it.
#[must_use]
pub fn machine_holder(claim: &Claim) -> Option<Blocker> {
    if !is_of_machine(claim) {
        return None;
    }
    let folder = base().join("locks");
    // What others can write there tells nothing, and reading it may wait for ever.
    [&base(), &folder].into_iter().try_for_each(|dir| only_ours(dir)).ok()?;
    let records = records_of(&folder.join(file_name(claim)));
    let found = holders(&records, claim, Path::new("")).find(|it| keeper_lives(&it.dir));
    found.map(|it| it.blocks(claim))
}

/// Says whether a keeper has a job's folder, and so may have children of the job.
#[must_use]
pub(super) fn keeper_lives(dir: &Path) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    // One that cannot be opened for another reason than that it is not there is not taken for free.
    match File::open(dir.join(EXITS)) {
        Ok(file) => flock(&file, FlockOperation::NonBlockingLockShared) == Err(rustix::io::Errno::WOULDBLOCK),
        Err(error) => !matches!(error.kind(), NotFound | NotADirectory),
    }
}

fn make_folder(dir: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn base() -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_dir());
    match runtime {
        Some(dir) => dir.join("sortie"),
        None => std::env::temp_dir().join(format!("sortie-{}", rustix::process::getuid().as_raw())),
    }
}

/// Returns the folder of the user's locks, which nobody else can write to.
///
/// # Errors
/// If it cannot be made, or somebody else can write to it.
pub(super) fn folder() -> io::Result<PathBuf> {
    let base = base();
    for dir in [&base, &base.join("locks")] {
        make_folder(dir)?;
        only_ours(dir)?;
    }
    Ok(base.join("locks"))
}

/// Refuses what is no folder, or one that others can write to.
fn only_ours(dir: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(dir)?;
    let user = rustix::process::getuid().as_raw();
    if !found.is_dir() || found.uid() != user || found.mode() & 0o022 != 0 {
        let message = format!("`{}` is not a folder that only you can write to", dir.display());
        return Err(io::Error::other(message));
    }
    Ok(())
}
