//! Locks on outputs: nobody writes or restores a file while another engine on this machine does, or while somebody works
//! there who reads it.
//!
//! A few files of the user's are locked byte by byte: a path is the byte that its digest says, and of one of them, because the
//! system walks through all locks of a file for each that is taken or given back. What a result writes is locked
//! alone, the folders above it together with others, so that `dist` and `dist/a.js` are in each other's way and
//! `dist/a.js` and `dist/b.js` are not. What somebody reads (`logic/cache/reads.rs`) is locked together with others, too, so
//! that it has one writer or many readers. Who reads a folder must not meet who writes in it, though both have it together
//! with others: so besides its byte a path has a room, in which each reader locks a place of its own, and whoever writes below
//! locks the whole together with others. All is had at once or nothing, and who waits for some has none: no ring can close
//! among them alone. With groups and locks of the playbook one could, and there a look does not wait (`rings.rs`). Cells wait before they have a slot; a step, which has one, does not wait (`look.rs`). Within one job `needs`
//! says who reads what whom has made, so there readers and writers are not in each other's way.
//! Nobody is told who came first: a writer gets its turn when no reader is at work. Whoever begins to read has asked before
//! for what makes those files, which is where it finds the same changes, and waits itself; so readers do not follow each
//! other for ever.
//! The locks belong to the open file, so the system frees them however this process ends. What goes on after that, because
//! the keeper of the job lives, is told by records beside it (`writers.rs`).

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::writers::{Others, Writers};
use crate::engine::clock;
use crate::logic::cache::Unit;

/// The locks of one job.
#[derive(Debug)]
pub(super) struct Locks {
    /// Bytes are spread over them.
    files: Vec<File>,
    writers: Writers,
    /// The own place in each room, not at an end of it.
    place: i64,
    state: Mutex<State>,
}

/// A folder may be had by every cell of a job, so what is had of a byte is counted and not listed.
#[derive(Debug, Default)]
struct State {
    /// How often a byte is had for each use.
    bytes: HashMap<i64, Counts>,
    units: BTreeMap<Unit, Vec<Wish>>,
    /// How many bytes are had alone.
    alone: u32,
}

/// How often something is had for each use.
type Counts = [u32; USES.len()];

/// What a path is locked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Use {
    /// Something below it is read, or itself alone.
    Beside,
    /// It is read, with all that is below it.
    Reads,
    /// Something below it is written.
    Above,
    /// It is written.
    Alone,
}

/// All of them, each in its place.
const USES: [Use; 4] = [Use::Beside, Use::Reads, Use::Above, Use::Alone];

impl Use {
    /// Says whether somebody else who has the same path for that is in the way.
    pub(super) fn is_in_way(self, other: Self) -> bool {
        let either = |it| self == it || other == it;
        either(Self::Alone) || (either(Self::Reads) && either(Self::Above))
    }

    fn is_for_reading(self) -> bool {
        matches!(self, Self::Beside | Self::Reads)
    }

    /// The same within one job, where `needs` says when something is read.
    fn is_in_way_of_own(self, other: Self) -> bool {
        self.is_in_way(other) && !self.is_for_reading() && !other.is_for_reading()
    }
}

/// What a job has of a path.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Mode {
    /// Whether it has the byte, and whether alone.
    byte: Option<bool>,
    reads: bool,
    above: bool,
}

impl Mode {
    fn with(self, its: Use) -> Self {
        Self {
            byte: Some(its == Use::Alone || self.byte == Some(true)),
            reads: self.reads || its == Use::Reads,
            above: self.above || its == Use::Above,
        }
    }
}

/// Where rooms begin, and how large each is.
const ROOMS: i64 = 1 << 62;
const ROOM: i64 = 1 << 16;

/// How many files.
const FILES: u8 = 8;

/// So many were opened by this process.
static OPENED: AtomicU32 = AtomicU32::new(0);

/// A path that is locked, and for what.
pub(super) type Wish = (i64, Use);

/// Why locks are not had.
#[derive(Debug)]
pub(super) enum NotHad {
    /// Somebody else has one of them, that was wished for this.
    Busy(Use),
    /// The system said so.
    Failed(io::Error),
}

impl Locks {
    /// Opens the files of locks for the job with that folder. Those units of it that an earlier engine has begun, and that
    /// are still at work, have their locks again.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn open(path: &Path, job_dir: &Path, at_work: &[Unit]) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let path_of = |number: u8| match number {
            0 => path.to_path_buf(),
            more => path.with_extension(more.to_string()),
        };
        let files = (0..FILES).map(|number| options.open(path_of(number))).collect::<io::Result<_>>()?;
        let writers = Writers::new(path.with_extension("writers"), job_dir);
        // Two of the same place wait for each other where both read, and nothing worse.
        let own = (std::process::id(), OPENED.fetch_add(1, Ordering::Relaxed), clock::now().0, job_dir);
        let place = 1 + byte_of(format!("{own:?}").as_bytes()) % (ROOM - 2);
        let it = Self { files, writers, place, state: Mutex::default() };
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
            let mut wishes = state.units.get(unit).filter(|wishes| !wishes.is_empty())?.clone();
            wishes.sort_unstable();
            wishes.dedup();
            Some((*unit, wishes))
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

    /// Says whether anybody on this machine has any of them to write it, this job included, or has begun what goes on
    /// without its engine. Where the system does not say, somebody may have.
    pub(super) fn is_anything_written(&self) -> bool {
        let is_ours = || self.state.lock().unwrap_or_else(PoisonError::into_inner).alone > 0;
        is_ours() || self.has_writer().unwrap_or(true) || self.others().do_write()
    }

    /// Asks the system whether another open file has a byte alone.
    fn has_writer(&self) -> Result<bool, Errno> {
        self.files.iter().try_fold(false, |has, file| Ok(has || has_writer(file)?))
    }

    /// Takes all of them or none.
    ///
    /// # Errors
    /// If somebody else has one of them.
    pub(super) fn take(&self, unit: Unit, wishes: &[Wish]) -> Result<(), NotHad> {
        self.take_in(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner), unit, wishes)
    }

    /// The same for several units, one after the other: two threads that take them in turn would wait for each other each time.
    pub(super) fn take_each<'a>(
        &self,
        all: impl Iterator<Item = (Unit, &'a [Wish])>,
    ) -> Vec<Result<(), NotHad>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        all.map(|(unit, wishes)| self.take_in(&mut state, unit, wishes)).collect()
    }

    fn take_in(&self, state: &mut State, unit: Unit, wishes: &[Wish]) -> Result<(), NotHad> {
        let is_in_way = |(byte, wish): &&Wish| state.has_other(unit, *byte, |its| wish.is_in_way_of_own(its));
        if let Some((_, wish)) = wishes.iter().find(is_in_way) {
            return Err(NotHad::Busy(*wish));
        }
        let mut wishes = wishes.to_vec();
        wishes.sort_unstable();
        let mut had: Vec<(i64, Mode, Mode)> = Vec::with_capacity(wishes.len());
        for of_byte in wishes.chunk_by(|one, other| one.0 == other.0) {
            let byte = of_byte[0].0;
            let before = state.mode(byte);
            let now = of_byte.iter().fold(before, |mode, (_, wish)| mode.with(*wish));
            had.push((byte, before, now));
            if let Err(error) = self.change(byte, before, now) {
                for &(byte, before, now) in had.iter().rev() {
                    // Giving back what was just taken cannot fail; if it did, the end of the job would.
                    let _given = self.change(byte, now, before);
                }
                return Err(match error {
                    Errno::EAGAIN | Errno::EACCES => {
                        NotHad::Busy(of_byte.last().map_or(Use::Alone, |(_, wish)| *wish))
                    }
                    other => NotHad::Failed(other.into()),
                });
            }
        }
        for &(byte, wish) in &wishes {
            state.bytes.entry(byte).or_default()[wish as usize] += 1;
            state.alone += u32::from(wish == Use::Alone);
        }
        state.units.entry(unit).or_default().extend(wishes);
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
        let mut wishes = state.units.remove(&unit).unwrap_or_default();
        wishes.sort_unstable();
        for of_byte in wishes.chunk_by(|one, other| one.0 == other.0) {
            let byte = of_byte[0].0;
            let before = state.mode(byte);
            if let Some(counts) = state.bytes.get_mut(&byte) {
                of_byte.iter().for_each(|(_, its)| counts[*its as usize] -= 1);
                if *counts == Counts::default() {
                    state.bytes.remove(&byte);
                }
            }
            let is_alone = |wish: &&Wish| wish.1 == Use::Alone;
            state.alone -= u32::try_from(of_byte.iter().filter(is_alone).count()).unwrap_or_default();
            // As above.
            let _given = self.change(byte, before, state.mode(byte));
        }
    }

    /// Says whether the cell of a unit has locks already, by another unit of it.
    pub(super) fn has_some(&self, unit: Unit) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.of_cell(unit).any(|(it, _)| *it != unit)
    }

    /// Says whether other cells of this job have something to write that is in the way of reading.
    pub(super) fn has_own_writer(&self, unit: Unit, wishes: &[Wish]) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_writer = |wish: Use, its: Use| !its.is_for_reading() && wish.is_in_way(its);
        wishes.iter().any(|(byte, wish)| state.has_other(unit, *byte, |its| is_writer(*wish, its)))
    }

    /// Makes of what this job has of a path what it is to have.
    fn change(&self, byte: i64, before: Mode, now: Mode) -> Result<(), Errno> {
        if before == now {
            return Ok(());
        }
        if before.byte != now.byte {
            self.set(byte, (byte, 1), now.byte)?;
        }
        let room = ROOMS + (byte % (ROOMS / ROOM)) * ROOM;
        let of_place = |it: Mode| it.reads.then_some(true).or(it.above.then_some(false));
        if of_place(before) != of_place(now) {
            self.set(byte, (room + self.place, 1), of_place(now))?;
        }
        if before.above != now.above {
            let mode = now.above.then_some(false);
            self.set(byte, (room, self.place), mode)?;
            self.set(byte, (room + self.place + 1, ROOM - self.place - 1), mode)?;
        }
        Ok(())
    }

    /// Locks a range of the file of a byte alone or together with others, or frees it.
    #[expect(clippy::cast_possible_truncation, reason = "the constants of locks are small")]
    fn set(&self, byte: i64, (start, length): (i64, i64), mode: Option<bool>) -> Result<(), Errno> {
        let kind = match mode {
            None => libc::F_UNLCK,
            Some(true) => libc::F_WRLCK,
            Some(false) => libc::F_RDLCK,
        };
        let lock = libc::flock {
            l_type: kind as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: start,
            l_len: length,
            l_pid: 0,
        };
        let file = &self.files[usize::try_from(byte.rem_euclid(FILES.into())).unwrap_or_default()];
        loop {
            match fcntl(file, FcntlArg::F_OFD_SETLK(&lock)) {
                Err(Errno::EINTR) => {}
                other => return other.map(|_| ()),
            }
        }
    }
}

/// Says whether another open file has a byte of a file alone.
#[expect(clippy::cast_possible_truncation, reason = "the constants of locks are small")]
fn has_writer(file: &File) -> Result<bool, Errno> {
    let mut lock = libc::flock {
        l_type: libc::F_RDLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        // Who reads has something alone only in rooms.
        l_len: ROOMS,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock))?;
    Ok(libc::c_int::from(lock.l_type) != libc::F_UNLCK)
}

impl State {
    /// Returns what this job has of a path.
    fn mode(&self, byte: i64) -> Mode {
        let Some(counts) = self.bytes.get(&byte) else { return Mode::default() };
        let had = USES.into_iter().filter(|its| counts[*its as usize] > 0);
        had.fold(Mode::default(), Mode::with)
    }

    /// Returns the units of the cell of a unit, and what they have.
    fn of_cell(&self, unit: Unit) -> impl Iterator<Item = (&Unit, &Vec<Wish>)> {
        self.units.range(Unit { step: None, ..unit }..=Unit { step: Some(u32::MAX), ..unit })
    }

    /// Says whether another cell has a byte for such a use: a step of a cell is not in the way of the cell.
    fn has_other(&self, unit: Unit, byte: i64, is_meant: impl Fn(Use) -> bool) -> bool {
        let Some(all) = self.bytes.get(&byte) else { return false };
        let is_had = |its: Use| {
            let own = self.of_cell(unit).flat_map(|(_, wishes)| wishes).filter(|it| **it == (byte, its));
            all[its as usize] as usize > own.count()
        };
        USES.into_iter().any(|its| is_meant(its) && is_had(its))
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
        let (a, b, above) =
            ((byte_of(b"/p/a"), Use::Alone), (byte_of(b"/p/b"), Use::Alone), (byte_of(b"/p"), Use::Above));
        assert!(!one.is_anything_written() && !two.is_anything_written());
        one.take(unit(0), &[a, above]).expect("nobody has it");
        assert!(one.is_anything_written() && two.is_anything_written());
        assert!(matches!(one.take(unit(1), &[a, above]), Err(NotHad::Busy(_))));
        assert!(matches!(two.take(unit(0), &[b, a, above]), Err(NotHad::Busy(_))));
        two.take(unit(0), &[b, above]).expect("another file of the same folder, after a try that failed");
        assert!(matches!(one.take(unit(2), &[(above.0, Use::Alone)]), Err(NotHad::Busy(_))));
        one.give_back(&[unit(0)]);
        assert!(matches!(one.take(unit(2), &[(above.0, Use::Alone)]), Err(NotHad::Busy(_))));
        two.give_back(&[unit(0)]);
        one.take(unit(2), &[(above.0, Use::Alone)]).expect("all is free");
        drop(one);
        assert!(!two.is_anything_written());
        two.take(unit(5), &[above, a]).expect("the system has freed it");
    }

    #[test]
    fn a_step_is_not_in_the_way_of_its_cell() {
        let folder = tempfile::tempdir().expect("a folder");
        let locks = open(&folder.path().join("outputs"), "1");
        let step = Unit { step: Some(0), ..unit(0) };
        let a = (byte_of(b"/p/a"), Use::Alone);
        locks.take(unit(0), &[a]).expect("free");
        locks.take(step, &[a]).expect("the same cell");
        assert!(locks.has_some(step));
        locks.give_back(&[step]);
        assert!(matches!(locks.take(unit(1), &[a]), Err(NotHad::Busy(_))));
        locks.give_back(&[unit(0)]);
        locks.take(unit(1), &[a]).expect("free");
    }

    #[test]
    fn what_is_read_has_many_readers_or_one_writer() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("outputs");
        let (one, two, three) = (open(&path, "1"), open(&path, "2"), open(&path, "3"));
        let (dist, a, root) = (byte_of(b"/p/dist"), byte_of(b"/p/dist/a"), byte_of(b"/p"));
        let reads = [(root, Use::Beside), (dist, Use::Reads)];
        let writes_all = [(root, Use::Above), (dist, Use::Alone)];
        let writes_a = [(root, Use::Above), (dist, Use::Above), (a, Use::Alone)];
        one.take(unit(0), &reads).expect("nobody has it");
        two.take(unit(0), &reads).expect("readers are not in each other's way");
        assert!(!three.is_anything_written() && !one.is_anything_written());
        assert!(matches!(three.take(unit(0), &writes_all), Err(NotHad::Busy(Use::Alone))));
        assert!(matches!(three.take(unit(0), &writes_a), Err(NotHad::Busy(Use::Above))));
        three.take(unit(9), &[(root, Use::Above), (byte_of(b"/p/x"), Use::Alone)]).expect("something else");
        assert!(one.is_anything_written() && three.is_anything_written());
        // Within a job they are not in each other's way, and the others see both.
        two.give_back(&[unit(0)]);
        one.take(unit(1), &writes_a).expect("its own reader");
        assert!(one.has_own_writer(unit(7), &reads) && !one.has_own_writer(unit(1), &reads));
        assert!(matches!(two.take(unit(0), &reads), Err(NotHad::Busy(Use::Reads))));
        one.give_back(&[unit(0)]);
        assert!(matches!(two.take(unit(0), &reads), Err(NotHad::Busy(Use::Reads))));
        two.take(unit(0), &[(dist, Use::Above), (root, Use::Above)]).expect("another writer below");
        two.give_back(&[unit(0)]);
        one.take(unit(0), &reads).expect("its own writer");
        one.give_back(&[unit(1)]);
        assert!(matches!(three.take(unit(0), &writes_a), Err(NotHad::Busy(Use::Above))));
        two.take(unit(0), &reads).expect("only readers");
        one.give_back(&[unit(0)]);
        two.give_back(&[unit(0)]);
        three.take(unit(0), &writes_all).expect("nobody reads any more");
        assert!(matches!(one.take(unit(0), &[(dist, Use::Beside)]), Err(NotHad::Busy(Use::Beside))));
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
        let (a, b, above) =
            ((byte_of(b"/p/a"), Use::Alone), (byte_of(b"/p/b"), Use::Alone), (byte_of(b"/p"), Use::Above));
        let kept = keeper(&path, "1");
        one.take(unit(0), &[a, above]).expect("nobody has it");
        one.take(unit(1), &[b, above]).expect("nobody has it");
        one.begin(&[unit(0), unit(1)]);
        one.give_back(&[unit(1)]);
        assert!(two.others().in_way(&[a]).is_some());
        assert!(two.others().in_way(&[b, above]).is_none(), "that one is over");
        drop(one);
        two.take(unit(0), &[a, above]).expect("the system has freed it");
        assert!(
            two.others().in_way(&[a]).is_some() && two.others().in_way(&[(above.0, Use::Alone)]).is_some()
        );
        assert!(two.others().in_way(&[b, above]).is_none(), "that one is over");
        drop(kept);
        assert!(two.others().is_empty(), "nobody has that job any more");
        assert_eq!(std::fs::read_dir(path.with_extension("writers")).expect("it is there").count(), 0);
    }

    #[test]
    fn what_a_keeper_goes_on_with_is_being_read_after_the_death_of_its_engine() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("outputs");
        let (one, two) = (open(&path, "1"), open(&path, "2"));
        let (dist, a) = (byte_of(b"/p/dist"), byte_of(b"/p/dist/a"));
        let kept = keeper(&path, "1");
        one.take(unit(0), &[(dist, Use::Reads)]).expect("nobody has it");
        one.begin(&[unit(0)]);
        drop(one);
        let below = [(a, Use::Alone), (dist, Use::Above)];
        two.take(unit(0), &below).expect("the system has freed it");
        assert_eq!(two.others().in_way(&below), Some(Use::Above));
        assert_eq!(two.others().in_way(&[(dist, Use::Reads)]), None);
        assert!(!two.others().is_empty() && !two.others().do_write());
        two.give_back(&[unit(0)]);
        let again = Locks::open(&path, &path.with_file_name("1"), &[unit(0)]).expect("it opens");
        assert!(matches!(two.take(unit(0), &below), Err(NotHad::Busy(Use::Above))));
        drop((again, kept));
        two.take(unit(0), &below).expect("free");
        assert!(two.others().is_empty(), "nobody has that job any more");
    }

    #[test]
    fn the_next_engine_of_a_job_has_what_is_still_at_work_and_forgets_the_rest() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("outputs");
        let (one, two) = (open(&path, "1"), open(&path, "2"));
        let (a, b) = ((byte_of(b"/p/a"), Use::Alone), (byte_of(b"/p/b"), Use::Alone));
        let _kept = keeper(&path, "1");
        for (at, byte) in [(0, a), (1, b)] {
            one.take(unit(at), &[byte]).expect("nobody has it");
            one.begin(&[unit(at)]);
        }
        drop(one);
        let again = Locks::open(&path, &path.with_file_name("1"), &[unit(1)]).expect("it opens");
        assert!(two.others().in_way(&[a]).is_none());
        assert!(two.others().in_way(&[b]).is_some());
        assert!(matches!(two.take(unit(0), &[b]), Err(NotHad::Busy(_))));
        again.give_back(&[unit(1)]);
        two.take(unit(0), &[b]).expect("free");
        assert!(two.others().is_empty());
    }
}
