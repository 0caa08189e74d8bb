//! Who is writing outputs, and who reads them, told in a way that outlives an engine.
//!
//! The locks on outputs (`locks.rs`) end with the engine that has them, but what it has begun goes on while the keeper of
//! its job lives. So each job whose cells have to work has a record beside the file of locks: rows that are added when a
//! cell or step begins and when it is over. The rows count as long as an engine or the keeper has the job.
//!
//! A hit writes no row: only an engine itself puts files back.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::locks::{Use, Wish};
use crate::engine::machine::keeper_lives;
use crate::logic::cache::Unit;

/// The records of all jobs of the user, and the one of this job.
#[derive(Debug)]
pub(super) struct Writers {
    folder: PathBuf,
    /// The folder of this job.
    dir: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Made with the first row.
    file: Option<File>,
    /// Units that a row tells of.
    told: HashSet<Unit>,
}

/// A row of a record.
#[derive(Debug, Serialize, Deserialize)]
enum Row {
    /// The first one: the folder of the job.
    Of(PathBuf),
    /// Bytes, and whether alone.
    Writes(Unit, Vec<(i64, bool)>),
    /// Bytes, and whether with what is below.
    Reads(Unit, Vec<(i64, bool)>),
    Over(Unit),
}

/// What other jobs have to write or to read, by their folders.
#[derive(Debug, Default)]
pub(super) struct Others(Vec<(PathBuf, Vec<Wish>)>);

/// So often a record is made anew that somebody else took for left over at that moment.
const TRIES: u32 = 8;

impl Writers {
    /// Names the folder of records and the job; nothing is made yet.
    pub(super) fn new(folder: PathBuf, dir: &Path) -> Self {
        Self { folder, dir: dir.to_path_buf(), state: Mutex::default() }
    }

    /// Returns what an earlier engine of this job has left to be written, but for what is over.
    pub(super) fn left(&self) -> BTreeMap<Unit, Vec<Wish>> {
        let left = read(&self.own()).map(|(_, units)| units).unwrap_or_default();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.told.extend(left.keys().copied());
        left
    }

    /// Takes note of what units are going to write and to read.
    ///
    /// # Errors
    /// What the system says. The locks hold all the same, for as long as this engine lives.
    pub(super) fn tell(&self, units: Vec<(Unit, Vec<Wish>)>) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.told.extend(units.iter().map(|(unit, _)| *unit));
        self.add(&mut state, units.into_iter().flat_map(|(unit, wishes)| rows(unit, &wishes)).flatten())
    }

    /// Takes note that units write and read nothing more.
    pub(super) fn over(&self, units: &[Unit]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let gone: Vec<Unit> = units.iter().filter(|unit| state.told.remove(unit)).copied().collect();
        if !gone.is_empty() {
            // Without that row others wait until the job is over, and nothing worse.
            let _added = self.add(&mut state, gone.into_iter().map(Row::Over));
        }
    }

    /// Returns what other jobs are writing and reading, and removes records of jobs that nobody has any more.
    pub(super) fn others(&self) -> Others {
        let own = self.own();
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path()).filter(|path| *path != own);
        Others(paths.filter_map(|path| living(&path)).collect())
    }

    fn own(&self) -> PathBuf {
        self.folder.join(&blake3::hash(self.dir.as_os_str().as_bytes()).to_hex()[..32])
    }

    /// Adds rows in one piece.
    fn add(&self, state: &mut State, rows: impl Iterator<Item = Row>) -> io::Result<()> {
        let mut text = Vec::new();
        for row in rows {
            serde_json::to_writer(&mut text, &row)?;
            text.push(b'\n');
        }
        if text.is_empty() {
            return Ok(());
        }
        let file = match &mut state.file {
            Some(file) => file,
            none => none.insert(self.make()?),
        };
        file.write_all(&text)
    }

    /// Opens the record of this job, locked for as long as this engine has it.
    fn make(&self) -> io::Result<File> {
        match DirBuilder::new().mode(0o700).create(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let path = self.own();
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        for _ in 0..TRIES {
            let mut file = options.open(&path)?;
            flock(&file, FlockOperation::LockShared)?;
            // Until it was locked it looked like one that nobody has.
            let now = fs::symlink_metadata(&path).map(|it| it.ino()).ok();
            if now == Some(file.metadata()?.ino()) {
                if file.metadata()?.len() == 0 {
                    let mut row = serde_json::to_vec(&Row::Of(self.dir.clone()))?;
                    row.push(b'\n');
                    file.write_all(&row)?;
                } else {
                    // A row that an earlier engine did not write to its end is none.
                    file.write_all(b"\n")?;
                }
                return Ok(file);
            }
        }
        Err(io::Error::other("its record is removed again and again"))
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if state.file.is_some() && state.told.is_empty() {
            // One that stays is removed by whoever looks next.
            let _removed = fs::remove_file(self.own());
        }
    }
}

impl Others {
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|(_, wishes)| wishes.is_empty())
    }

    /// Says whether one of them writes something.
    pub(super) fn do_write(&self) -> bool {
        self.0.iter().flat_map(|(_, all)| all).any(|(_, its)| *its == Use::Alone)
    }

    /// Returns what one of the wishes is for that somebody else is in the way of.
    pub(super) fn in_way(&self, wishes: &[Wish]) -> Option<Use> {
        let is_in_way = |wish: &&Wish| self.0.iter().any(|(_, all)| meet(**wish, all));
        wishes.iter().find(is_in_way).map(|(_, wish)| *wish)
    }

    /// Returns the folders of the jobs that are in the way of one of the wishes.
    pub(super) fn jobs_in_way<'a>(&'a self, wishes: &'a [Wish]) -> impl Iterator<Item = &'a Path> {
        let those = self.0.iter().filter(|(_, all)| wishes.iter().any(|wish| meet(*wish, all)));
        those.map(|(dir, _)| dir.as_path())
    }
}

/// Says whether one of those is in the way of a wish.
fn meet((byte, wish): Wish, all: &[Wish]) -> bool {
    all.iter().any(|(other, its)| *other == byte && wish.is_in_way(*its))
}

/// Returns the rows that tell of wishes.
fn rows(unit: Unit, wishes: &[Wish]) -> [Option<Row>; 2] {
    let of = |one: Use, other: Use| -> Option<Vec<(i64, bool)>> {
        let those = wishes.iter().filter(|(_, its)| *its == one || *its == other);
        let bytes: Vec<(i64, bool)> = those.map(|(byte, its)| (*byte, *its == one)).collect();
        (!bytes.is_empty()).then_some(bytes)
    };
    let writes = of(Use::Alone, Use::Above).map(|bytes| Row::Writes(unit, bytes));
    [writes, of(Use::Reads, Use::Beside).map(|bytes| Row::Reads(unit, bytes))]
}

/// Returns the job of a record and what it is writing; none if nobody has the job, and then the record is removed.
fn living(path: &Path) -> Option<(PathBuf, Vec<Wish>)> {
    let file = File::open(path).ok()?;
    let (dir, units) = read(path)?;
    let has_engine = flock(&file, FlockOperation::NonBlockingLockExclusive).is_err();
    if has_engine || keeper_lives(&dir) {
        return Some((dir, units.into_values().flatten().collect()));
    }
    // It is locked by now: who opens it waits, and makes another one. Somebody else may have been quicker.
    let now = fs::symlink_metadata(path).map(|it| it.ino()).ok();
    if now.is_some() && now == file.metadata().map(|it| it.ino()).ok() {
        // If it stays, the next one removes it.
        let _removed = fs::remove_file(path);
    }
    None
}

/// Reads a record: the folder of its job, and what is being written.
fn read(path: &Path) -> Option<(PathBuf, BTreeMap<Unit, Vec<Wish>>)> {
    let text = fs::read(path).ok()?;
    let (mut dir, mut units) = (None, BTreeMap::<Unit, Vec<Wish>>::new());
    // The last one may not be whole.
    for row in text.split(|byte| *byte == b'\n').filter_map(|row| serde_json::from_slice(row).ok()) {
        match row {
            Row::Of(of) => dir = Some(of),
            Row::Writes(unit, bytes) => {
                let wishes =
                    bytes.into_iter().map(|(byte, is)| (byte, if is { Use::Alone } else { Use::Above }));
                units.entry(unit).or_default().extend(wishes);
            }
            Row::Reads(unit, bytes) => {
                let wishes =
                    bytes.into_iter().map(|(byte, is)| (byte, if is { Use::Reads } else { Use::Beside }));
                units.entry(unit).or_default().extend(wishes);
            }
            Row::Over(unit) => drop(units.remove(&unit)),
        }
    }
    Some((dir?, units))
}
