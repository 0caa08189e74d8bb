//! Locks on outputs: nobody writes or restores a file while another engine on this machine does.
//!
//! One file of the user's is locked byte by byte: a path is the byte that its digest says. What a result writes is locked
//! alone, the folders above it together with others, so that `dist` and `dist/a.js` are in each other's way and
//! `dist/a.js` and `dist/b.js` are not. All is had at once or nothing, and who waits for some has none: no ring can close
//! among them. Cells wait before they have a slot; a step, which has one, does not wait (`look.rs`).
//! The locks belong to the open file, so the system frees them however this process ends. What goes on after that, because
//! the keeper of the job lives, is told by records beside it (`writers.rs`).

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::writers::{Others, Writers};
use crate::logic::cache::Unit;

/// The locks of one job.
#[derive(Debug)]
pub(super) struct Locks {
    file: File,
    writers: Writers,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Who has a byte, and whether alone.
    bytes: HashMap<i64, Vec<(Unit, bool)>>,
    units: HashMap<Unit, Vec<i64>>,
}

/// A path that is locked, and whether alone.
pub(super) type Wish = (i64, bool);

/// Why locks are not had.
#[derive(Debug)]
pub(super) enum NotHad {
    /// Somebody else has one of them.
    Busy,
    /// The system said so.
    Failed(io::Error),
}

impl Locks {
    /// Opens the file of locks for the job with that folder. Those units of it that an earlier engine has begun, and that
    /// are still at work, have their locks again.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn open(path: &Path, job_dir: &Path, at_work: &[Unit]) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let writers = Writers::new(path.with_extension("writers"), job_dir);
        let it = Self { file, writers, state: Mutex::default() };
        let mut over = Vec::new();
        for (unit, wishes) in it.writers.left() {
            if at_work.contains(&unit) {
                // Nobody else has them: the record said all the time that they are had. If they are, the record goes on.
                let _taken = it.take(unit, &wishes);
            } else {
                over.push(unit);
            }
        }
        it.writers.over(&over);
        Ok(it)
    }

    /// Takes note of what those units are going to write, so that it holds beyond the life of this engine.
    pub(super) fn begin(&self, units: &[Unit]) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = units.iter().filter_map(|unit| {
            let bytes = state.units.get(unit).filter(|bytes| !bytes.is_empty())?;
            let is_alone = |byte: &i64| {
                let holders = state.bytes.get(byte).into_iter().flatten();
                holders.into_iter().any(|(holder, alone)| holder == unit && *alone)
            };
            Some((*unit, bytes.iter().map(|byte| (*byte, is_alone(byte))).collect()))
        });
        let rows: Vec<(Unit, Vec<Wish>)> = rows.collect();
        drop(state);
        // Where no record can be made, others hear of them as long as this engine lives.
        let _told = self.writers.tell(rows);
    }

    /// Returns what other jobs are writing, be their engines alive or not. What has been taken before is not taken by them.
    pub(super) fn others(&self) -> Others {
        self.writers.others()
    }

    /// Says whether anybody on this machine has any of them, this job included, or has begun what goes on without its
    /// engine. Where the system does not say, somebody may have.
    pub(super) fn is_anything_written(&self) -> bool {
        let is_ours = || !self.state.lock().unwrap_or_else(PoisonError::into_inner).units.is_empty();
        is_ours() || self.has_holder().unwrap_or(true) || !self.others().is_empty()
    }

    /// Asks the system whether another open file has a lock on any byte.
    #[expect(clippy::cast_possible_truncation, reason = "the constants of locks are small")]
    fn has_holder(&self) -> Result<bool, Errno> {
        let mut lock = libc::flock {
            l_type: libc::F_WRLCK as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: 0,
            // To the end, wherever that is.
            l_len: 0,
            l_pid: 0,
        };
        fcntl(&self.file, FcntlArg::F_OFD_GETLK(&mut lock))?;
        Ok(libc::c_int::from(lock.l_type) != libc::F_UNLCK)
    }

    /// Takes all of them or none.
    ///
    /// # Errors
    /// If somebody else has one of them.
    pub(super) fn take(&self, unit: Unit, wishes: &[Wish]) -> Result<(), NotHad> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_of_cell = |other: &Unit| (other.cell, other.run) == (unit.cell, unit.run);
        let is_in_way = |(byte, alone): &Wish| {
            let others = state.bytes.get(byte).into_iter().flatten();
            // A step of a cell is not in the way of the cell.
            others.into_iter().any(|(other, is_alone)| !is_of_cell(other) && (*alone || *is_alone))
        };
        if wishes.iter().any(is_in_way) {
            return Err(NotHad::Busy);
        }
        for (at, &(byte, alone)) in wishes.iter().enumerate() {
            let before = state.mode(byte);
            let now = if alone { Some(true) } else { before.or(Some(false)) };
            if before == now {
                continue;
            }
            if let Err(error) = self.set(byte, now) {
                for &(byte, _) in wishes[..at].iter().rev() {
                    // Giving back what was just taken cannot fail; if it did, the end of the job would.
                    let _given = self.set(byte, state.mode(byte));
                }
                return Err(match error {
                    Errno::EAGAIN | Errno::EACCES => NotHad::Busy,
                    other => NotHad::Failed(other.into()),
                });
            }
        }
        for &(byte, alone) in wishes {
            state.bytes.entry(byte).or_default().push((unit, alone));
        }
        state.units.entry(unit).or_default().extend(wishes.iter().map(|(byte, _)| *byte));
        Ok(())
    }

    /// Gives back what units have.
    pub(super) fn give_back(&self, units: &[Unit]) {
        // First: whoever has the lock then finds no row in its way.
        self.writers.over(units);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for unit in units {
            self.free(&mut state, *unit);
        }
    }

    fn free(&self, state: &mut State, unit: Unit) {
        for byte in state.units.remove(&unit).unwrap_or_default() {
            let before = state.mode(byte);
            if let Some(holders) = state.bytes.get_mut(&byte) {
                holders.retain(|(other, _)| *other != unit);
                if holders.is_empty() {
                    state.bytes.remove(&byte);
                }
            }
            let now = state.mode(byte);
            if before != now {
                // As above.
                let _given = self.set(byte, now);
            }
        }
    }

    /// Says whether the cell of a unit has locks already, by another unit of it.
    pub(super) fn has_some(&self, unit: Unit) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.units.keys().any(|it| *it != unit && (it.cell, it.run) == (unit.cell, unit.run))
    }

    /// Locks a byte alone or together with others, or frees it.
    #[expect(clippy::cast_possible_truncation, reason = "the constants of locks are small")]
    fn set(&self, byte: i64, mode: Option<bool>) -> Result<(), Errno> {
        let kind = match mode {
            None => libc::F_UNLCK,
            Some(true) => libc::F_WRLCK,
            Some(false) => libc::F_RDLCK,
        };
        let lock = libc::flock {
            l_type: kind as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: byte,
            l_len: 1,
            l_pid: 0,
        };
        loop {
            match fcntl(&self.file, FcntlArg::F_OFD_SETLK(&lock)) {
                Err(Errno::EINTR) => {}
                other => return other.map(|_| ()),
            }
        }
    }
}

impl State {
    /// Says whether a byte is had, and whether alone.
    fn mode(&self, byte: i64) -> Option<bool> {
        self.bytes.get(&byte).map(|holders| holders.iter().any(|(_, alone)| *alone))
    }
}

/// Returns the byte of a path.
pub(super) fn byte_of(path: &[u8]) -> i64 {
    let digest = blake3::hash(path);
    let first: [u8; 8] = digest.as_bytes()[..8].try_into().unwrap_or_default();
    i64::from_le_bytes(first) & (i64::MAX >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(cell: u32) -> Unit {
        Unit { cell, run: 1, step: None }
    }

    /// The locks of a job with a folder of that name.
    fn open(path: &Path, job: &str) -> Locks {
        Locks::open(path, &path.with_file_name(job), &[]).expect("it opens")
    }

    #[test]
    fn two_engines_and_two_cells_are_in_each_others_way_alike() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("outputs");
        let (one, two) = (open(&path, "1"), open(&path, "2"));
        let (a, b, above) = ((byte_of(b"/p/a"), true), (byte_of(b"/p/b"), true), (byte_of(b"/p"), false));
        assert!(!one.is_anything_written() && !two.is_anything_written());
        one.take(unit(0), &[a, above]).expect("nobody has it");
        assert!(one.is_anything_written() && two.is_anything_written());
        assert!(matches!(one.take(unit(1), &[a, above]), Err(NotHad::Busy)));
        assert!(matches!(two.take(unit(0), &[b, a, above]), Err(NotHad::Busy)));
        two.take(unit(0), &[b, above]).expect("another file of the same folder, after a try that failed");
        assert!(matches!(one.take(unit(2), &[(above.0, true)]), Err(NotHad::Busy)));
        one.give_back(&[unit(0)]);
        assert!(matches!(one.take(unit(2), &[(above.0, true)]), Err(NotHad::Busy)));
        two.give_back(&[unit(0)]);
        one.take(unit(2), &[(above.0, true)]).expect("all is free");
        drop(one);
        assert!(!two.is_anything_written());
        two.take(unit(5), &[above, a]).expect("the system has freed it");
    }

    #[test]
    fn a_step_is_not_in_the_way_of_its_cell() {
        let folder = tempfile::tempdir().expect("a folder");
        let locks = open(&folder.path().join("outputs"), "1");
        let step = Unit { step: Some(0), ..unit(0) };
        let a = (byte_of(b"/p/a"), true);
        locks.take(unit(0), &[a]).expect("free");
        locks.take(step, &[a]).expect("the same cell");
        assert!(locks.has_some(step));
        locks.give_back(&[step]);
        assert!(matches!(locks.take(unit(1), &[a]), Err(NotHad::Busy)));
        locks.give_back(&[unit(0)]);
        locks.take(unit(1), &[a]).expect("free");
    }

    /// A keeper that has the folder of a job, as long as this is open.
    fn keeper(path: &Path, job: &str) -> File {
        let dir = path.with_file_name(job);
        std::fs::create_dir_all(&dir).expect("a folder");
        let exits = File::create(dir.join(crate::port::keeper::EXITS)).expect("a file");
        rustix::fs::flock(&exits, rustix::fs::FlockOperation::LockExclusive).expect("nobody has it");
        exits
    }

    #[test]
    fn what_a_keeper_goes_on_with_is_being_written_after_the_death_of_its_engine() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("outputs");
        let (one, two) = (open(&path, "1"), open(&path, "2"));
        let (a, b, above) = ((byte_of(b"/p/a"), true), (byte_of(b"/p/b"), true), (byte_of(b"/p"), false));
        let kept = keeper(&path, "1");
        one.take(unit(0), &[a, above]).expect("nobody has it");
        one.take(unit(1), &[b, above]).expect("nobody has it");
        one.begin(&[unit(0), unit(1)]);
        one.give_back(&[unit(1)]);
        assert!(two.others().are_in_way(&[a]));
        assert!(!two.others().are_in_way(&[b, above]), "that one is over");
        drop(one);
        two.take(unit(0), &[a, above]).expect("the system has freed it");
        assert!(two.others().are_in_way(&[a]) && two.others().are_in_way(&[(above.0, true)]));
        assert!(!two.others().are_in_way(&[b, above]), "that one is over");
        drop(kept);
        assert!(two.others().is_empty(), "nobody has that job any more");
        assert_eq!(std::fs::read_dir(path.with_extension("writers")).expect("it is there").count(), 0);
    }

    #[test]
    fn the_next_engine_of_a_job_has_what_is_still_at_work_and_forgets_the_rest() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("outputs");
        let (one, two) = (open(&path, "1"), open(&path, "2"));
        let (a, b) = ((byte_of(b"/p/a"), true), (byte_of(b"/p/b"), true));
        let _kept = keeper(&path, "1");
        for (at, byte) in [(0, a), (1, b)] {
            one.take(unit(at), &[byte]).expect("nobody has it");
            one.begin(&[unit(at)]);
        }
        drop(one);
        let again = Locks::open(&path, &path.with_file_name("1"), &[unit(1)]).expect("it opens");
        assert!(!two.others().are_in_way(&[a]));
        assert!(two.others().are_in_way(&[b]));
        assert!(matches!(two.take(unit(0), &[b]), Err(NotHad::Busy)));
        again.give_back(&[unit(1)]);
        two.take(unit(0), &[b]).expect("free");
        assert!(two.others().is_empty());
    }
}
