//! The file of exit records: how every attempt of a job ended, written before anyone is told.
//!
//! One record is one append: length `u32` and the first eight bytes of the BLAKE3 hash of the body, little endian and
//! raw, then the body, JSON of an [`Exit`]. A torn or damaged record ends the file: what follows is ignored.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::logic::job::report::Exit;
use crate::port::keeper::{EPOCH, EXITS};

/// How often a keeper tries to take the job's folder, and the pause between two tries: who looks whether there is a keeper
/// has the lock for a moment.
const TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_millis(5);

const HEAD: usize = 12;

/// The file, open for appending.
#[derive(Debug)]
pub struct ExitLog {
    file: File,
    path: PathBuf,
    /// One record after the other, so that a half one is the last.
    turn: Mutex<()>,
    has_failed: AtomicBool,
}

impl ExitLog {
    /// Opens or makes the file in the job's folder.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let path = dir.join(EXITS);
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        Ok(Self { file, path, turn: Mutex::new(()), has_failed: AtomicBool::new(false) })
    }

    /// Takes the job's folder for the keeper of an engine with that epoch, until the file is closed.
    ///
    /// # Errors
    /// If another keeper has it, or there has been an engine with a later epoch.
    pub fn claim(&self, epoch: u64, dir: &Path) -> io::Result<()> {
        let mut left = TRIES;
        while let Err(error) = flock(&self.file, FlockOperation::NonBlockingLockExclusive) {
            left -= 1;
            if left == 0 || error != Errno::WOULDBLOCK {
                return Err(error.into());
            }
            std::thread::sleep(PAUSE);
        }
        // What another keeper could not finish would hide what this one writes behind it.
        let known = std::fs::read(dir.join(EXITS))?;
        let (_, whole) = parse(&known);
        if whole < known.len() {
            self.file.set_len(whole as u64)?;
        }
        // After the lock: an engine writes its epoch first, and then looks for a lock.
        match newest_epoch(dir) {
            newest if newest > epoch => Err(io::ErrorKind::PermissionDenied.into()),
            _ => Ok(()),
        }
    }

    /// Appends one record with one write.
    ///
    /// # Errors
    /// If the record could not be written whole.
    pub fn append(&self, exit: &Exit) -> io::Result<()> {
        let mut record = vec![0; HEAD];
        serde_json::to_writer(&mut record, exit)?;
        let length = u32::try_from(record.len() - HEAD).map_err(|_| io::ErrorKind::InvalidData)?;
        let hash = blake3::hash(&record[HEAD..]);
        record[..4].copy_from_slice(&length.to_le_bytes());
        record[4..HEAD].copy_from_slice(&hash.as_bytes()[..8]);
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let written = (&self.file).write_all(&record);
        if written.is_err() {
            self.has_failed.store(true, Ordering::Relaxed);
            // What is half there would hide what comes behind it.
            let _cut = std::fs::read(&self.path).map(|known| self.file.set_len(parse(&known).1 as u64));
        }
        written
    }

    /// Says whether a record could not be written.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }
}

/// Returns the epoch of the newest engine that took the job over; 0 if there was only one.
fn newest_epoch(dir: &Path) -> u64 {
    let text = std::fs::read_to_string(dir.join(EPOCH)).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

/// Keeps keepers of earlier engines from beginning anything; one that is at work goes on.
///
/// # Errors
/// If the folder cannot be written.
pub fn fence(dir: &Path, epoch: u64) -> io::Result<()> {
    // Whole or not at all: a keeper may be reading it.
    let new = dir.join(format!("{EPOCH}.new"));
    std::fs::write(&new, epoch.to_string())?;
    std::fs::rename(new, dir.join(EPOCH))
}

/// Says whether a keeper has taken the job's folder and lives.
///
/// # Errors
/// If the file is there but cannot be opened.
pub fn is_claimed(dir: &Path) -> io::Result<bool> {
    let file = match File::open(dir.join(EXITS)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Reads all whole records of a job's folder, oldest first. A folder without the file has none.
///
/// # Errors
/// If the file is there but cannot be read.
pub fn read(dir: &Path) -> io::Result<Vec<Exit>> {
    match std::fs::read(dir.join(EXITS)) {
        Ok(bytes) => Ok(parse(&bytes).0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Returns the whole records from the beginning on, and how many bytes they take.
fn parse(mut bytes: &[u8]) -> (Vec<Exit>, usize) {
    let all = bytes.len();
    let mut exits = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() {
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let Some((body, after)) = rest.split_at_checked(length) else { break };
        if blake3::hash(body).as_bytes()[..8] != head[4..] {
            break;
        }
        let Ok(exit) = serde_json::from_slice(body) else { break };
        exits.push(exit);
        bytes = after;
    }
    (exits, all - bytes.len())
}
