//! What is read of the store of results before it is known what will be asked for: while the playbook is read.
//!
//! A playbook mostly takes what it took the last time. So each one has a list of those entries, and they are read again at
//! once. That is a guess which costs nothing where it is wrong: whoever finds no entry here reads it in the database, and
//! nothing is restored of one that is not there any more.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use blake3::Hash;

use super::db::Db;
use super::entry::Entry;
use super::look::{first_bytes, seconds};
use super::stat::Stamp;
use crate::logic::cache::Record;

/// So many entries are listed for a playbook.
const MOST: usize = 5_000;

/// For so long what was read is believed: what is looked for later may be known better by then.
const FRESH: Duration = Duration::from_secs(2);

/// Lists are written anew after so many seconds, and what they name counts as used then.
const LASTS: i64 = 3600;

/// A thread that reads.
#[derive(Debug)]
pub(in crate::engine) struct Ahead {
    thread: JoinHandle<Option<Ready>>,
    whose: i64,
}

/// What was read.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) db: Db,
    /// For the second thread.
    pub(super) second: Option<Db>,
    pub(super) memo: Vec<(Stamp, Hash)>,
    pub(super) early: Early,
    pub(super) list: List,
}

/// Entries that were read, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Early {
    entries: HashMap<i64, Box<Read>>,
    /// When they were read.
    at: Option<Instant>,
}

/// An entry that was read, and what is replayed of it.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) entry: Entry,
    pub(super) record: Record,
}

/// Entries that a playbook has taken the last time.
#[derive(Debug, Default)]
pub(super) struct List {
    /// Sorted.
    ids: Vec<i64>,
    /// When it was written, in seconds since 1970.
    at: i64,
}

impl Ahead {
    /// Begins to read for a playbook; nothing if no result was kept so far, or there is no thread.
    pub(in crate::engine) fn begin(state: &Path, playbook: &Path) -> Option<Self> {
        let folder = state.join("cache");
        if !super::db::path_in(&folder).is_file() {
            return None;
        }
        let whose = first_bytes(&blake3::hash(playbook.as_os_str().as_encoded_bytes()));
        let thread = std::thread::Builder::new().name("ahead".to_owned());
        Some(Self { thread: thread.spawn(move || read(&folder, whose)).ok()?, whose })
    }

    /// Returns what was read, if all is as it should be, and the number of the list.
    pub(super) fn end(self) -> (Option<Ready>, i64) {
        // A panic of it was told when it happened; everything is read in the usual way then.
        (self.thread.join().ok().flatten(), self.whose)
    }
}

fn read(folder: &Path, whose: i64) -> Option<Ready> {
    // What goes wrong here goes wrong again when it is read in earnest, and is told there.
    let db = Db::open(folder).ok()?;
    let memo = db.memo().ok()?;
    let list = db.list(whose).ok()?.map(List::of).unwrap_or_default();
    let mut early = Early { entries: HashMap::with_capacity(list.ids.len()), at: Some(Instant::now()) };
    for (id, stored) in db.entries(&list.ids, false).ok()? {
        let Ok(entry) = Entry::read(&stored.entry) else { continue };
        let Ok(record) = entry.record() else { continue };
        early.entries.insert(id, Box::new(Read { entry, record }));
    }
    let second = if list.ids.is_empty() { None } else { Db::open(folder).ok() };
    Some(Ready { db, second, memo, early, list })
}

impl Early {
    /// Returns an entry that was read a moment ago, once.
    pub(super) fn take(&mut self, id: i64) -> Option<Box<Read>> {
        if self.at.is_some_and(|at| at.elapsed() > FRESH) {
            *self = Self::default();
        }
        self.entries.remove(&id)
    }
}

impl List {
    fn of((at, body): (i64, Vec<u8>)) -> Self {
        let ids = body.chunks_exact(8).filter_map(|it| it.try_into().ok().map(i64::from_le_bytes));
        Self { ids: ids.take(MOST).collect(), at }
    }

    /// Returns the entries for which it was written down a moment ago that they are used.
    pub(super) fn noted(&self) -> HashSet<i64> {
        if seconds().abs_diff(self.at) < LASTS.unsigned_abs() {
            self.ids.iter().copied().collect()
        } else {
            HashSet::new()
        }
    }

    /// Returns the list of those entries as it is to be written, and its time, unless it is this one.
    pub(super) fn changed(&self, mut ids: Vec<i64>) -> Option<(Vec<u8>, i64)> {
        ids.sort_unstable();
        ids.dedup();
        ids.truncate(MOST);
        let now = seconds();
        let is_young = now.abs_diff(self.at) < LASTS.unsigned_abs();
        // A young one keeps its time: that its entries are used was noted then, and not since.
        let at = if is_young { self.at } else { now };
        let body = || (ids.iter().flat_map(|id| id.to_le_bytes()).collect(), at);
        (!(ids.is_empty() || is_young && ids == self.ids)).then(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_written_where_it_changed_or_is_old() {
        let list = List::of((seconds(), [3_i64, 5].iter().flat_map(|id| id.to_le_bytes()).collect()));
        assert_eq!(list.noted(), HashSet::from([3, 5]));
        assert_eq!(list.changed(vec![5, 3, 5]), None);
        assert_eq!(list.changed(Vec::new()), None);
        let (bytes, at) = list.changed(vec![5, 3, -1]).expect("it is another one");
        assert_eq!((List::of((0, bytes)).ids, at), (vec![-1, 3, 5], list.at));
        let old = List { at: seconds() - LASTS, ..list };
        assert!(old.noted().is_empty());
        assert!(old.changed(vec![3, 5]).is_some_and(|(_, at)| at > old.at));
    }
}
